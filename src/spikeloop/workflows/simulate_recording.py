"""From settings to a recording with its ground truth: ``spikeloop simulate recording``."""

import os
import shutil
from pathlib import Path

from spikeloop.data import Experiment, GroundTruth
from spikeloop.io import save_npz, save_recording
from spikeloop.io.recording import TRACES_FILE, read_recording
from spikeloop.io.results import Run, write_text
from spikeloop.simulate import (
    SimulatedRecording,
    record_spikes,
    simulate_cortex,
    simulate_network,
    simulate_recording,
)
from spikeloop.viz import render_report
from spikeloop.workflows.cortex_recording import fire_leaky, some_units
from spikeloop.workflows.job import Job, open_job
from spikeloop.workflows.network_plans import plan_of
from spikeloop.workflows.recording_report import recording_report
from spikeloop.workflows.recording_settings import RecordingJob
from spikeloop.workflows.simulate_network import Finished

_N_STEPS = 3
_UNFINISHED = "unfinished"


def run_recording(
    out: str | Path,
    config: RecordingJob,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Finished:
    """Make a recording with its ground truth, and a results folder with a report.

    The folder is one of those that `save_recording` writes: `read_recording`, `read_ground_truth`
    and SpikeInterface open it. Beside that it holds ``report.html`` and, where the spikes are those
    of the virtual cortex, ``experiment.npz`` with its spikes, trials and images.

    Parameters
    ----------
    out
        The results folder to make.
    config
        What to record.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`.

    Raises
    ------
    InvalidInputError, ResultsFolderError, BadFileError
        The settings cannot be used, the folder is in the way, or the disk is full.
    """
    out, config = Path(out), config.settled()
    run = Run("simulate recording", config, command=command)
    with open_job(out, run, n_steps=_N_STEPS, overwrite=overwrite, resume=resume) as job:
        with job.doing("simulate"):
            experiment, made = _simulate(config)
        with job.doing("write the traces"):
            truth = made.truth.ground_truth()
            _save(job, made, truth, config.gain_uV)
            if experiment is not None:
                job.folder.file("experiment.npz", lambda path: save_npz(path, experiment))
        with job.doing("report"):
            recording = read_recording(job.folder.path)
            report = recording_report(recording, truth, config, job)
            write_text(job.folder.path / "report.html", render_report(report))
    return Finished(out, "done")


def _simulate(config: RecordingJob) -> tuple[Experiment | None, SimulatedRecording]:
    """Return the recording, and the experiment behind it where there is one."""
    if config.source == "cortex":
        cortex = simulate_cortex(config.cortex, seed=config.seed)
        is_leaky = config.cortex_spiking == "lif"
        experiment = fire_leaky(cortex, seed=config.seed) if is_leaky else cortex.experiment
        return experiment, record_spikes(experiment.spikes, config, seed=config.seed)
    if config.source == "network":
        plan = plan_of(config.network)
        activity = simulate_network(plan.network, plan.method, seed=config.network.seed)
        spikes = some_units(activity.spikes, config.units.n_units, seed=config.seed)
        return None, record_spikes(spikes, config, seed=config.seed)
    return None, simulate_recording(config, seed=config.seed)


def _save(job: Job, made: SimulatedRecording, truth: GroundTruth, gain_uV: float) -> None:
    """Write the files of the recording into the results folder, unless an earlier run did."""
    folder = job.folder.path

    def write(traces: Path) -> None:
        scratch = folder / _UNFINISHED
        for left in (scratch, scratch.with_name(f"{_UNFINISHED}.partial")):  # by a killed run
            shutil.rmtree(left, ignore_errors=True)
        save_recording(made.recording, scratch, truth=truth, gain_uV=gain_uV)
        os.replace(scratch / TRACES_FILE, traces)
        for file in scratch.iterdir():
            os.replace(file, folder / file.name)
        scratch.rmdir()

    job.folder.file(TRACES_FILE, write)
