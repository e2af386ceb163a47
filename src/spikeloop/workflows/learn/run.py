"""From settings to a trained network, tested and told of: ``spikeloop learn``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop import learn
from spikeloop.data.checkpoint import Checkpoint
from spikeloop.io.results import Run, write_arrays, write_text
from spikeloop.learn.analysis import Tuning, WeightSummary
from spikeloop.viz import render_report
from spikeloop.viz.tables import to_csv
from spikeloop.workflows.job import Job, open_job
from spikeloop.workflows.learn.settings import LearnConfig, TrainingSettings

_N_STEPS = 5


@dataclass(frozen=True, eq=False)
class Findings:
    """What a training came to."""

    config: LearnConfig
    trained: learn.TrainedNetwork
    scores: learn.Scores
    ideal: learn.Scores
    lesions: Mapping[str, learn.Scores]
    without_unit: np.ndarray
    """(unit,) accuracy without each of the hidden units alone."""
    tuning: Tuning
    weights: list[WeightSummary]


def network_of(config: TrainingSettings) -> learn.SpikingNetwork:
    """Return the network that was asked for.

    Examples
    --------
    >>> network_of(TrainingSettings(ie_ratio=None)).constraint
    AnySign(scale=3.0)
    """
    layer = learn.SpikingLayer(
        config.hidden,
        learn.unit_lif(config.tau_ms),
        recurrent=config.recurrent,
        trainable=("tau_ms",) if config.train_tau else (),
        longest_delay_ms=config.longest_delay_ms,
    )
    return learn.SpikingNetwork((layer,), constraint=_constraint_of(config))


def _constraint_of(config: TrainingSettings) -> learn.Constraint:
    if config.ie_ratio is None:
        return learn.AnySign()
    if config.form == "interneurons":
        return learn.FeedforwardInhibition(config.ie_ratio)
    return learn.DalesLaw(config.ie_ratio, config.form, config.placed)


def training_of(config: TrainingSettings) -> learn.Training:
    """Return how it is trained."""
    return learn.Training(
        learning_rate=config.learning_rate,
        max_epochs=config.max_epochs,
        patience=config.max_epochs,
        fresh=config.fresh,
    )


def run_learn(
    out: str | Path,
    config: LearnConfig,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Path:
    """Train a spiking network on a task, test it, and make a results folder with a report.

    The folder holds ``network.safetensors``, which `spikeloop.learn.load_network` reads;
    ``scores.csv``, with the accuracy of the network, of the ideal observer and of lesioned copies
    in each test; ``answers.npz`` with targets, values and answers, (draw, trial); ``weights.npz``
    before and after training, and delays where there are any; and ``report.html``.

    Parameters
    ----------
    out
        The results folder to make.
    config
        Settings of one of the tasks.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`. A training that was cut off goes on.

    Raises
    ------
    InvalidInputError, ResultsFolderError
        The settings cannot be used, or the folder is in the way.
    """
    from spikeloop.workflows.learn.report import learn_report

    out = Path(out)
    run = Run(f"learn {_name(config)}", config, command=command)
    with open_job(out, run, n_steps=_N_STEPS, overwrite=overwrite, resume=resume) as job:
        trained = _trained(job, config)
        findings = _findings(job, config, trained)
        with job.doing("write"):
            _write(job, findings)
        with job.doing("report"):
            report = learn_report(findings, job)
            write_text(job.folder.path / "report.html", render_report(report))
    return out


def _name(config: LearnConfig) -> str:
    return type(config).__name__.removesuffix("Config").lower()


def _trained(job: Job, config: LearnConfig) -> learn.TrainedNetwork:
    """Return the trained network, from its file where an earlier run of this job left one."""
    made: list[learn.TrainedNetwork] = []
    state = job.folder.path / "training.safetensors"

    def show(epoch: int, of: int, accuracy: float) -> None:
        job.bar.set_description(f"train: epoch {epoch} of {of}, validation accuracy {accuracy:.3f}")

    def write(path: Path) -> None:
        trained = learn.train(
            config.task,
            network_of(config),
            training_of(config),
            seed=config.seed,
            progress=show,
            checkpoint=Checkpoint(state),
        )
        learn.save_network(path, trained)
        made.append(trained)

    with job.doing("train"):
        path = job.folder.file("network.safetensors", write)
        state.unlink(missing_ok=True)
    trained = made[0] if made else learn.load_network(path)
    for words in trained.advice:
        job.remark(words)
    if trained.status != "done":
        job.remark(f"The training {trained.status}")
    return trained


def _findings(job: Job, config: LearnConfig, trained: learn.TrainedNetwork) -> Findings:
    how = {"seed": config.seed, "n_draws": config.n_draws, "n_trials": config.n_trials}
    with job.doing("test"):
        ideal = learn.ideal_scores(config.task, confidence=config.confidence, **how)
        scores = learn.score(trained, confidence=config.confidence, **how)
        lesions = learn.lesions(trained, **how)
    with job.doing("analyse"):
        return Findings(
            config,
            trained,
            scores,
            ideal,
            lesions,
            learn.unit_lesions(trained, seed=config.seed),
            learn.tuning(trained, seed=config.seed),
            learn.weight_summaries(trained, seed=config.seed),
        )


def _write(job: Job, found: Findings) -> None:
    folder = job.folder.path
    everyone = {"network": found.scores, "ideal observer": found.ideal}
    everyone |= {name: scores for name, scores in found.lesions.items() if name != "intact"}
    columns = ["who", "accuracy", "accuracy_low", "accuracy_high"]
    rows = [(name, scores.accuracy, *scores.accuracy_interval) for name, scores in everyone.items()]
    if found.config.task.value_unit == "deg":
        columns += ["absolute_error_deg", "circular_error_deg"]
        errors = [(scores.absolute_error, scores.circular_error) for scores in everyone.values()]
        rows = [row + error for row, error in zip(rows, errors, strict=True)]
    write_text(folder / "scores.csv", to_csv(columns, rows))
    answers = {"target": found.scores.target, "value": found.scores.value}
    answers |= {f"answer.{name}": scores.answer for name, scores in everyone.items()}
    write_arrays(folder / "answers.npz", answers)
    trained = found.trained
    weights = {f"after.{name}": value for name, value in trained.weights().items()}
    weights |= {f"before.{name}": value for name, value in trained.weights(before=True).items()}
    weights |= {f"signs.{name}": trained.signs(name) for name in trained.weights()}
    if trained.network.layers[0].longest_delay_ms:
        weights["delays_ms"] = trained.delays_ms()
        weights["delays_ms.before"] = trained.delays_ms(before=True)
    write_arrays(folder / "weights.npz", weights)
