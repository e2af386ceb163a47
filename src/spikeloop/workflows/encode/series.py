"""A continuous stimulus and spikes: fit models, keep them, and compare them on unseen time."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikeloop.data import Experiment, SpikeTrains, TimeSeries
from spikeloop.encode import Evaluation, TimeSplit, load_model, save_model, split_time
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.evaluation import SeriesComparison, evaluate_series
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM, quadratic_glm
from spikeloop.io.results import write_arrays, write_text
from spikeloop.viz.tables import to_csv
from spikeloop.workflows.encode.fits import fit_each
from spikeloop.workflows.encode.settings import SERIES_BASELINES, EncodeConfig
from spikeloop.workflows.job import Job

VALIDATION_FRACTION, TEST_FRACTION = 0.1, 0.2

_MODELS = {
    "ln": TemporalLinearNonlinear,
    "glm": PoissonGLM,
    "quadratic": quadratic_glm,
    "mid": MaximallyInformative,
    "dilated": DilatedNetwork,
}


@dataclass(frozen=True, eq=False)
class SeriesFindings:
    """What models made of a continuous stimulus."""

    spikes: SpikeTrains
    stimulus: TimeSeries
    split: TimeSplit
    fitted: dict[str, FittedSeriesModel]
    comparison: SeriesComparison
    confidence: float

    @property
    def best(self) -> str:
        """Name of the model with the most bits per spike."""
        models = self.comparison.models
        mean = np.array([scores.bits.mean.score for scores in models])
        return models[int(np.argmax(np.nan_to_num(mean, nan=-np.inf)))].name

    @property
    def order(self) -> np.ndarray:
        """(unit,) the units that the best model predicts, from the best to the worst, NaN last."""
        score = self.comparison[self.best].bits.units.score
        return np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")


def encode_series(
    job: Job, experiment: Experiment, config: EncodeConfig, names: list[str]
) -> SeriesFindings:
    """Split the time, fit the models, and test them.

    Raises
    ------
    InvalidInputError
        The stimulus is constant or too short, there is no unit, or no bin is left for the test.
    """
    spikes, stimulus = experiment.spikes, experiment.stimulus
    with job.doing("split"):
        split = _split(spikes, config)
        write_arrays(job.folder.path / "split.npz", _edges(split))
    # The mean rate has nothing to fit: it is what information is counted from.
    fitted = fit_each(
        job,
        [name for name in names if name != "mean"],
        SERIES_BASELINES,
        lambda name: _kept(job, name, spikes, stimulus, split, config),
    )
    method = Evaluation(config.n_draws, config.confidence)
    with job.doing("test"):
        comparison = evaluate_series(
            fitted,
            spikes,
            stimulus,
            method,
            progress=lambda name: job.bar.set_description(f"test {name}"),
            seed=config.seed,
        )
        found = SeriesFindings(spikes, stimulus, split, fitted, comparison, config.confidence)
        _write(job.folder.path, found)
    return found


def _split(spikes: SpikeTrains, config: EncodeConfig) -> TimeSplit:
    validation, test = config.validation_fraction, config.test_fraction
    return split_time(
        spikes.epochs,
        validation_fraction=VALIDATION_FRACTION if validation is None else validation,
        test_fraction=TEST_FRACTION if test is None else test,
    )


def _edges(split: TimeSplit) -> dict[str, np.ndarray]:
    return {
        f"{part}_{edge}": getattr(getattr(split, part), edge)
        for part in ("training", "validation", "test")
        for edge in ("start_s", "stop_s")
    }


def _kept(
    job: Job,
    name: str,
    spikes: SpikeTrains,
    stimulus: TimeSeries,
    split: TimeSplit,
    config: EncodeConfig,
) -> FittedSeriesModel:
    """Return the fitted model, from its file where an earlier run of this job left one."""
    model = _MODELS[name]()
    if name == "dilated" and config.max_epochs is not None:
        model = replace(model, training=replace(model.training, n_epochs=config.max_epochs))
    made: list[FittedSeriesModel] = []

    def write(path: Path) -> None:
        made.append(fit_series(model, spikes, stimulus, split=split, seed=config.seed))
        save_model(path, made[0])

    path = job.folder.file(f"{name}.safetensors", write)
    return made[0] if made else load_model(path)


def _write(folder: Path, found: SeriesFindings) -> None:
    """Write the scores of units as a table, and scores, comparisons and predictions as arrays."""
    comparison = found.comparison
    names = ("bits_per_spike", "correlation")
    columns = ["unit", "model", *(f"{n}{end}" for n in names for end in ("", "_low", "_high"))]
    rows, means = [], []
    for scores in comparison.models:
        both = (scores.bits, scores.correlation)
        ends = [x for s in both for x in (s.units.score, s.units.low, s.units.high)]
        rows += [
            (str(unit), scores.name, *values)
            for unit, *values in zip(found.spikes.unit_ids, *ends, strict=True)
        ]
        means.append([(s.mean.score, s.mean.low, s.mean.high) for s in both])
    write_text(folder / "scores.csv", to_csv(columns, rows))
    differences = [
        [pair.difference.mean for pair in pairs] for pairs in comparison.differences.values()
    ]
    arrays = {
        "unit_ids": found.spikes.unit_ids,
        "models": np.array([scores.name for scores in comparison.models]),
        "scores": np.array(names),
        "mean_score": np.array(means),
        "compared": np.array(list(comparison.differences), dtype=str).reshape(-1, 2),
        "mean_difference": np.array([[(d.score, d.low, d.high) for d in c] for c in differences]),
        "p_value": np.array(
            [[pair.p_value for pair in c] for c in comparison.differences.values()]
        ),
    }
    write_arrays(folder / "comparison.npz", arrays)
    predictions = {f"predicted.{name}": counts for name, counts in comparison.expected.items()}
    test = comparison.test
    start_s = found.stimulus.start_s + test.bins * test.bin_s
    measured = {"start_s": start_s, "measured": test.counts, "unit_ids": found.spikes.unit_ids}
    write_arrays(folder / "predictions.npz", measured | predictions)
