"""From settings to the activity of a network, with a report: ``spikeloop simulate network``."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop.data import Experiment
from spikeloop.io import save_npz
from spikeloop.io.results import Run, write_arrays, write_text
from spikeloop.simulate import Activity, simulate_network
from spikeloop.viz import render_report
from spikeloop.workflows.job import Job, open_job
from spikeloop.workflows.network_plans import Plan, plan_of
from spikeloop.workflows.network_report import network_report
from spikeloop.workflows.network_settings import NetworkSettings

_N_STEPS = 3
_N_KEPT = 5  # of so many units the traces themselves are kept, beside the means


@dataclass(frozen=True)
class Finished:
    """A simulation that has come to its end, or to a state that overflowed."""

    out: Path
    """The results folder."""
    status: str
    """``"done"``, or when and where the potential overflowed, and what to do."""


def run_network(
    out: str | Path,
    config: NetworkSettings,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Finished:
    """Simulate a network, and make a results folder with a report.

    The folder holds ``spikes.npz`` and, where there are inputs, ``inputs.npz``, which
    `read_experiment` reads; ``traces.npz`` with what was recorded: (tick, unit) for the first five
    units as ``population.variable``, and the mean over all recorded ones as
    ``population.variable.mean``; and ``report.html``. A run whose state overflows ends there: it
    keeps what it has, and the report and the status say so.

    Parameters
    ----------
    out
        The results folder to make.
    config
        Settings of one of the networks of `network_settings`.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`.

    Raises
    ------
    InvalidInputError, ResultsFolderError
        The settings cannot be used, or the folder is in the way.
    """
    out = Path(out)
    plan = plan_of(config)
    run = Run(f"simulate {_name(config)}", config, command=command)
    with open_job(out, run, n_steps=_N_STEPS, overwrite=overwrite, resume=resume) as job:
        with job.doing("simulate"):
            activity = simulate_network(plan.network, plan.method, seed=config.seed)
        with job.doing("write"):
            _write(job, plan, activity)
        with job.doing("report"):
            report = network_report(plan, config, activity, job)
            write_text(job.folder.path / "report.html", render_report(report))
    return Finished(out, activity.status)


def _name(config: NetworkSettings) -> str:
    return type(config).__name__.removesuffix("Config").lower()


def _write(job: Job, plan: Plan, activity: Activity) -> None:
    trains = {"spikes": activity.spikes}
    if plan.network.sources:
        trains["inputs"] = activity.inputs
    for name, spikes in trains.items():
        experiment = Experiment(plan.title, spikes=spikes)
        job.folder.file(f"{name}.npz", lambda path, kept=experiment: save_npz(path, kept))
    job.folder.file("traces.npz", lambda path: write_arrays(path, _traces(activity)))


def _traces(activity: Activity) -> dict[str, np.ndarray]:
    arrays = {"dt_ms": np.asarray(activity.dt_ms)}
    for (population, variable), series in activity.traces.items():
        name = f"{population}.{variable}"
        arrays[name] = series.values[:, :_N_KEPT]
        arrays[f"{name}.mean"] = series.values.mean(axis=1)
    return arrays
