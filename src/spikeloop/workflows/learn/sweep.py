"""What Dale's law costs, at each share of inhibitory units: ``spikeloop learn sweep``."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop import learn
from spikeloop.io.results import Run, write_arrays, write_text
from spikeloop.learn.scores import student_interval
from spikeloop.viz import render_report
from spikeloop.viz.tables import to_csv
from spikeloop.workflows.job import Job, open_job
from spikeloop.workflows.learn.settings import SweepConfig


@dataclass(frozen=True, eq=False)
class SweepPoint:
    """Networks that differ only in where their weights began."""

    tau_ms: float
    ie_ratio: float | None
    """None where they have no constraint."""
    accuracies: np.ndarray
    """(network,) share of right answers on new trials."""
    absolute_errors: np.ndarray
    """(network,) mean distance of the answer from the truth."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the interval of the mean accuracy, over networks."""
        return student_interval(self.accuracies, confidence)


@dataclass(frozen=True, eq=False)
class SweepFindings:
    """What a sweep came to."""

    config: SweepConfig
    points: list[SweepPoint]
    ideal: learn.Scores


@dataclass(frozen=True, eq=False)
class Tested:
    """How networks that were trained at once do on new trials."""

    accuracy: np.ndarray
    """(ratio, network) share of right answers."""
    absolute_error: np.ndarray
    """(ratio, network) mean distance of the answer from the truth."""


def run_sweep(
    out: str | Path,
    config: SweepConfig,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Path:
    """Train networks at each share of inhibitory units, and make a results folder with a report.

    The folder holds ``sweep.csv``, with a row for each network, and ``report.html``. All networks
    of one time constant are trained at once, and see the same trials.

    Parameters
    ----------
    out
        The results folder to make.
    config
        Shares, time constants, and how many networks.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`.

    Raises
    ------
    InvalidInputError, ResultsFolderError
        The settings cannot be used, or the folder is in the way.
    """
    from spikeloop.workflows.learn.sweep_report import sweep_report

    out = Path(out)
    run = Run("learn sweep", config, command=command)
    n_steps = len(config.taus_ms) * (1 + config.unconstrained) + 2
    with open_job(out, run, n_steps=n_steps, overwrite=overwrite, resume=resume) as job:
        points = [point for tau_ms in config.taus_ms for point in _points(job, config, tau_ms)]
        with job.doing("ideal observer"):
            ideal = learn.ideal_scores(
                config.task, seed=config.seed, n_draws=2, n_trials=config.n_trials
            )
        found = SweepFindings(config, points, ideal)
        with job.doing("report"):
            _write(job, found)
            write_text(job.folder.path / "report.html", render_report(sweep_report(found, job)))
    return out


def _points(job: Job, config: SweepConfig, tau_ms: float) -> Iterable[SweepPoint]:
    kinds: list[tuple[float | None, ...]] = [config.ie_ratios]
    if config.unconstrained:
        kinds.append((None,))
    for ratios in kinds:
        words = "without constraint" if ratios == (None,) else "with Dale's law"
        name = f"tau {tau_ms:g} ms {words}"

        def make(ratios: tuple = ratios, name: str = name) -> Tested:
            return _trained(job, config, tau_ms, ratios, name)

        found = job.step(name.replace(" ", "_").replace("'", ""), Tested, make)
        for index, ratio in enumerate(ratios):
            yield SweepPoint(tau_ms, ratio, found.accuracy[index], found.absolute_error[index])


def _trained(job: Job, config: SweepConfig, tau_ms: float, ratios: tuple, name: str) -> Tested:
    """Return how networks do that are trained at once."""
    layer = learn.SpikingLayer(config.hidden, learn.unit_lif(tau_ms))
    networks = [
        learn.SpikingNetwork(
            (layer,),
            constraint=learn.AnySign() if ratio is None else learn.DalesLaw(ratio, config.form),
        )
        for ratio in ratios
        for _ in range(config.n_networks)
    ]
    training = learn.Training(
        learning_rate=config.learning_rate,
        max_epochs=config.max_epochs,
        patience=config.max_epochs,
    )

    def show(epoch: int, of: int, accuracy: float) -> None:
        job.bar.set_description(f"{name}: epoch {epoch} of {of}, mean accuracy {accuracy:.3f}")

    found = learn.train_together(config.task, networks, training, seed=config.seed, progress=show)
    scores = [
        learn.score(one, seed=config.seed, n_draws=2, n_trials=-(-config.n_trials // 2))
        for one in found
    ]
    shape = (len(ratios), config.n_networks)
    return Tested(
        np.reshape([one.accuracy for one in scores], shape),
        np.reshape([one.absolute_error for one in scores], shape),
    )


def _write(job: Job, found: SweepFindings) -> None:
    rows = [
        (point.tau_ms, point.ie_ratio, network, accuracy, error)
        for point in found.points
        for network, (accuracy, error) in enumerate(
            zip(point.accuracies, point.absolute_errors, strict=True)
        )
    ]
    columns = ["tau_ms", "ie_ratio", "network", "accuracy", "absolute_error_deg"]
    write_text(job.folder.path / "sweep.csv", to_csv(columns, rows))
    arrays = {
        "tau_ms": np.array([point.tau_ms for point in found.points]),
        "ie_ratio": np.array(
            [np.nan if point.ie_ratio is None else point.ie_ratio for point in found.points]
        ),
        "accuracy": np.stack([point.accuracies for point in found.points]),
        "ideal": found.ideal.accuracies,
    }
    write_arrays(job.folder.path / "sweep.npz", arrays)
