"""Once round the loop on a virtual cortex: ``spikeloop loop``."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from spikeloop.data import Experiment
from spikeloop.data.checks import require_seed
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.io.nwb_write import Session, Subject, write_nwb
from spikeloop.io.results import Run, write_arrays, write_text
from spikeloop.simulate import SimulatedCortex, VirtualCortex, simulate_cortex
from spikeloop.viz import Report, render_report
from spikeloop.workflows.characterize import (
    N_STEPS,
    AnalysisConfig,
    Findings,
    characterize,
    key_numbers,
    report_sections,
)
from spikeloop.workflows.job import Job, open_job
from spikeloop.workflows.loop_models import (
    ModelVerdict,
    judge_models,
    model_numbers,
    model_section,
)
from spikeloop.workflows.verdict import (
    draw_overview,
    judge,
    truth_arrays,
    verdict_numbers,
    verdict_section,
)

_SUBJECT = Subject("virtual-mouse", "Mus musculus", "P90D", description="a simulation")


@dataclass(frozen=True)
class LoopConfig:
    """Everything that decides the outcome of ``spikeloop loop``."""

    cortex: VirtualCortex = field(default_factory=VirtualCortex)
    """The virtual visual cortex and what it is shown."""
    analysis: AnalysisConfig = field(default_factory=AnalysisConfig)
    """What to find out about it."""
    seed: int = 0
    """Start of all random numbers, those of the simulation too."""

    def __post_init__(self) -> None:
        require_seed(self.seed)


def run_loop(
    out: str | Path,
    config: LoopConfig,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Path:
    """Simulate, record, read, characterize, model and judge; make a results folder with a report.

    The folder holds the recording (``experiment.nwb``), the truth (``truth.npz``), every result,
    the picture of the whole (``overview.png``, where there are simple cells and other units), and
    ``report.html``.

    Parameters
    ----------
    out
        The results folder to make.
    config
        The cortex, the analysis, and the seed. Where no counting window is set, it is that in which
        the virtual cortex answers: an experimenter would read it off the first histograms.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`.

    Raises
    ------
    InvalidInputError, ResultsFolderError
        The settings cannot be used, or the folder is in the way.
    """
    config = _with_window(config)
    run = Run("loop", config, command=command)
    out = Path(out)
    with open_job(out, run, n_steps=N_STEPS + 5, overwrite=overwrite, resume=resume) as job:
        with job.doing("simulate"):
            cortex = simulate_cortex(config.cortex, seed=config.seed)
        with job.doing("write and read NWB"):
            path = job.folder.file("experiment.nwb", lambda path: _record(path, cortex, config))
            experiment = read_experiment(path, ReadOptions(nwb_stimulus="natural_scenes"))
        findings = characterize(job, experiment, config.analysis, seed=config.seed)
        responses = findings.scenes.responses
        models = judge_models(job, cortex.truth, experiment, responses, seed=config.seed)
        with job.doing("report"):
            _report(job, cortex, experiment, findings, models)
    return out


def _report(
    job: Job,
    cortex: SimulatedCortex,
    experiment: Experiment,
    findings: Findings,
    models: ModelVerdict | None,
) -> None:
    verdict = judge(cortex.truth, findings.scenes)
    overview = draw_overview(cortex, findings.raster, verdict)
    if overview is not None:
        job.folder.file("overview.png", lambda path: overview.figure.savefig(path, dpi=150))
    job.folder.file("truth.npz", lambda path: write_arrays(path, truth_arrays(cortex.truth)))
    judged = [] if models is None else [model_section(models)]
    report = Report(
        "Once round the loop",
        [verdict_section(verdict, overview), *judged, *report_sections(experiment, findings)],
        subtitle="A virtual cortex, recorded, characterized, modelled, and judged by its truth",
        key_numbers=[
            *verdict_numbers(verdict),
            *([] if models is None else model_numbers(models)),
            *key_numbers(experiment, findings),
        ],
        warnings=job.notes,
        provenance=job.provenance(),
    )
    write_text(job.folder.path / "report.html", render_report(report))


def _with_window(config: LoopConfig) -> LoopConfig:
    """Count spikes while the virtual cortex answers, unless another window was asked for."""
    if config.analysis.scenes.window_s is not None:
        return config
    start_s = config.cortex.latency_s
    window_s = (start_s, start_s + config.cortex.duration_s)
    scenes = replace(config.analysis.scenes, window_s=window_s)
    return replace(config, analysis=replace(config.analysis, scenes=scenes))


def _record(path: Path, cortex: SimulatedCortex, config: LoopConfig) -> None:
    session = Session(
        identifier=f"virtual-visual-cortex-seed-{config.seed}",
        start_time=datetime(2026, 1, 1, tzinfo=UTC),
        description="A simulated visual cortex is shown patches of photographs",
        experimenter="Loop, Spike",
        institution="nowhere: a simulation",
    )
    write_nwb(path, cortex.experiment, subject=_SUBJECT, session=session)
