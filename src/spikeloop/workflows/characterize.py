"""From a file to a report on its units: ``spikeloop characterize``."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spikeloop.characterize import SpikeTriggeredAverage, SpikeTriggeredCovariance
from spikeloop.data import Experiment
from spikeloop.data.checks import require_seed
from spikeloop.errors import InvalidInputError
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.io.results import Run, sha256_of, write_text
from spikeloop.viz import (
    KeyNumber,
    Report,
    ReportFigure,
    Section,
    plot_rates,
    plot_spike_raster,
    render_report,
)
from spikeloop.workflows.job import Job, collected_notes, open_job, require_outside, unit_table
from spikeloop.workflows.scenes import (
    Raster,
    SceneFindings,
    SceneMethods,
    analyse_scenes,
    sort_raster,
    sort_responses,
)
from spikeloop.workflows.scenes_report import raster_section, scene_numbers, scene_sections
from spikeloop.workflows.sweep import SweepFindings, analyse_sweep, sweep_numbers, sweep_sections

N_STEPS = 7
"""The most steps that a characterization takes, for the progress bar."""


@dataclass(frozen=True)
class AnalysisConfig:
    """How to characterize units, whatever the experiment."""

    average: SpikeTriggeredAverage = field(default_factory=SpikeTriggeredAverage)
    """Spike-triggered average of a continuous stimulus."""
    covariance: SpikeTriggeredCovariance = field(default_factory=SpikeTriggeredCovariance)
    """Spike-triggered covariance of a continuous stimulus."""
    scenes: SceneMethods = field(default_factory=SceneMethods)
    """Responses to images."""


@dataclass(frozen=True)
class CharacterizeConfig:
    """Everything that decides the outcome of ``spikeloop characterize``, but the file itself."""

    read: ReadOptions = field(default_factory=ReadOptions)
    """What to take from the file."""
    analysis: AnalysisConfig = field(default_factory=AnalysisConfig)
    """What to find out."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require_seed(self.seed)


@dataclass(frozen=True, eq=False)
class Findings:
    """What an experiment told; None for what it cannot tell."""

    sweep: SweepFindings | None
    scenes: SceneFindings | None
    raster: Raster | None


def characterize_file(
    path: str | Path,
    out: str | Path,
    config: CharacterizeConfig,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Path:
    """Read a recording, characterize its units, and make a results folder with a report.

    Parameters
    ----------
    path
        A .nwb, .mat or .npz file, or a folder of V4 responses.
    out
        The results folder to make.
    config
        What to read, what to find out, and the seed.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`.

    Raises
    ------
    BadFileError, InvalidInputError
        The file or the settings cannot be used, or the folder is in the way. Nothing is left.
    """
    path, out = Path(path), Path(out)
    with collected_notes() as notes:
        experiment = read_experiment(path, config.read)
    require_outside(path, out)
    run = Run("characterize", config, {path.name: sha256_of(path)}, command)
    with open_job(out, run, n_steps=N_STEPS, overwrite=overwrite, resume=resume) as job:
        job.notes.extend(notes)
        findings = characterize(job, experiment, config.analysis, seed=config.seed)
        with job.doing("report"):
            report = Report(
                f"Units of {experiment.name}",
                report_sections(experiment, findings),
                subtitle="characterized by spikeloop",
                key_numbers=key_numbers(experiment, findings),
                warnings=job.notes,
                provenance=job.provenance(),
            )
            write_text(job.folder.path / "report.html", render_report(report))
    return out


def characterize(
    job: Job, experiment: Experiment, config: AnalysisConfig, *, seed: int
) -> Findings:
    """Find out what the experiment can tell of its units.

    Raises
    ------
    InvalidInputError
        It has spikes, but nothing that was shown; or it has no units.
    """
    sweep = scenes = raster = None
    _require_characterizable(experiment)
    if experiment.stimulus is not None and experiment.spikes is not None:
        sweep = analyse_sweep(job, experiment, config.average, config.covariance, seed=seed)
    if experiment.trials is not None or experiment.responses is not None:
        scenes = analyse_scenes(job, experiment, config.scenes, seed=seed)
    if _n_units(experiment) > 1 and experiment.spikes is not None:
        raster = sort_raster(job, experiment.spikes, config.scenes, seed=seed)
    elif _n_units(experiment) > 1:
        raster = sort_responses(job, scenes.responses, config.scenes, seed=seed)
    return Findings(sweep, scenes, raster)


def report_sections(experiment: Experiment, findings: Findings) -> list[Section]:
    """Return the chapters on the recording and on its units."""
    sections = []
    if experiment.spikes is not None:
        sections.append(_recording_section(experiment))
    if findings.sweep is not None:
        sections += sweep_sections(findings.sweep)
    if findings.scenes is not None:
        order = None if findings.raster is None else findings.raster.ordered.order
        sections += scene_sections(findings.scenes, experiment.images, order)
    if findings.raster is not None and findings.raster.bin_s is not None:
        trials = None if findings.scenes is None else findings.scenes.responses.trials
        sections.append(raster_section(findings.raster, trials))
    return sections


def key_numbers(experiment: Experiment, findings: Findings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    numbers = [KeyNumber("units", _n_units(experiment))]
    if experiment.spikes is not None:
        observed_s = experiment.spikes.epochs.duration_s
        note = f"in {observed_s:,.5g} s observed"
        numbers.append(KeyNumber("spikes", len(experiment.spikes.times_s), note))
    if findings.sweep is not None:
        numbers += sweep_numbers(findings.sweep)
    if findings.scenes is not None:
        numbers += scene_numbers(findings.scenes)
    return numbers


def _require_characterizable(experiment: Experiment) -> None:
    if _n_units(experiment) == 0:
        raise InvalidInputError(
            f"{experiment.name} has no units: there is nothing to characterize. Loosen the quality "
            "limits, or check the file."
        )
    if experiment.responses is None and experiment.trials is None and experiment.stimulus is None:
        raise InvalidInputError(
            f"{experiment.name} has spikes, but nothing that was shown. Name a continuous stimulus "
            "(--stimulus) or, in an NWB file, a table of presentations (--nwb-stimulus)."
        )


def _n_units(experiment: Experiment) -> int:
    if experiment.spikes is not None:
        return experiment.spikes.n_units
    return len(experiment.responses.unit_ids)


def _recording_section(experiment: Experiment) -> Section:
    spikes = experiment.spikes
    rates_hz = spikes.rates_hz()
    start_s = _first_interesting_s(experiment)
    stop_s = min(start_s + 10.0, float(spikes.epochs.stop_s[-1]))
    figures = [
        ReportFigure(
            "A stretch of the recording",
            plot_spike_raster(
                spikes,
                start_s=start_s,
                stop_s=stop_s,
                order=np.argsort(-rates_hz),
                unit_labels=spikes.unit_ids,
            ).figure,
            "A tick is a spike; the unit with the highest rate stands on top.",
        )
    ]
    if spikes.n_units > 1:
        figures.insert(
            0,
            ReportFigure(
                "Firing rates",
                plot_rates(rates_hz).figure,
                "Spikes per observed second of each unit.",
            ),
        )
    columns = {
        "unit_ids": spikes.unit_ids,
        "spikes": spikes.counts(),
        "rate (Hz)": rates_hz,
        **spikes.unit_table,
    }
    return Section("The recording", "", figures, [unit_table("Units", columns)])


def _first_interesting_s(experiment: Experiment) -> float:
    """Return when the first stimulus, or else the first spike, of the recording came."""
    spikes, trials = experiment.spikes, experiment.trials
    if trials is not None and trials.onset_s is not None and len(trials):
        return float(max(trials.onset_s.min(), spikes.epochs.start_s[0]))
    return float(spikes.times_s[0] if len(spikes.times_s) else spikes.epochs.start_s[0])
