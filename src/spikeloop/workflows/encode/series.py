"""A continuous stimulus and spikes: fit models, keep them, and compare them on unseen time."""

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from spikeloop.data import Experiment, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.encode import TimeSplit, split_time
from spikeloop.encode.temporal.checkpoints import load_series_model, save_series_model
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM, quadratic_glm
from spikeloop.encode.temporal.series_data import binned_counts, whole_bins
from spikeloop.io.results import write_arrays, write_text
from spikeloop.viz.tables import to_csv
from spikeloop.workflows.encode.fits import fit_each
from spikeloop.workflows.encode.series_scores import (
    Contest,
    SeriesScores,
    TestBins,
    block_sums,
    compare_series,
    score_series,
)
from spikeloop.workflows.encode.settings import SERIES_BASELINES, EncodeConfig
from spikeloop.workflows.job import Job

VALIDATION_FRACTION, TEST_FRACTION = 0.1, 0.2
SETTLING_S = 4.0
"""How much of the stimulus before the test is shown to simulations, so that they have settled."""
N_SIMULATIONS = 50
"""Over how many simulations a rate is averaged that depends on the model's own spikes."""

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
    test: TestBins
    given: dict[str, np.ndarray]
    """Name -> (bin, unit) counts expected in the test, given the spikes before each bin."""
    scores: list[SeriesScores]
    contests: dict[tuple[str, str], Contest]
    confidence: float

    def __getitem__(self, name: str) -> SeriesScores:
        """Return the scores of one model, by its name."""
        return {scores.name: scores for scores in self.scores}[name]

    @property
    def best(self) -> str:
        """Name of the model with the most bits per spike."""
        mean = np.array([scores.bits.mean.score for scores in self.scores])
        return self.scores[int(np.argmax(np.nan_to_num(mean, nan=-np.inf)))].name

    @property
    def order(self) -> np.ndarray:
        """(unit,) the units that the best model predicts, from the best to the worst, NaN last."""
        score = self[self.best].bits.units.score
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
    with job.doing("test"):
        test = _test_bins(spikes, stimulus, split)
        given = {"mean": np.broadcast_to(test.null, test.counts.shape)}
        sums = {"mean": block_sums(test, given["mean"], given["mean"])}
        for name, model in fitted.items():
            job.bar.set_description(f"test {name}")
            given[name], free = _expected(model, spikes, stimulus, test, seed=config.seed)
            sums[name] = block_sums(test, given[name], free)
        draws = {"n_draws": config.n_draws, "confidence": config.confidence, "seed": config.seed}
        found = SeriesFindings(
            spikes=spikes,
            stimulus=stimulus,
            split=split,
            fitted=fitted,
            test=test,
            given=given,
            scores=[score_series(name, of, **draws) for name, of in sums.items()],
            contests={
                (second, first): compare_series(sums[second], sums[first], **draws)
                for first, second in combinations(sums, 2)
            },
            confidence=config.confidence,
        )
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
        save_series_model(path, made[0])

    path = job.folder.file(f"{name}.safetensors", write)
    return made[0] if made else load_series_model(path)


def _test_bins(spikes: SpikeTrains, stimulus: TimeSeries, split: TimeSplit) -> TestBins:
    learned, tested = (
        whole_bins(stimulus, spikes.epochs) & np.any([whole_bins(stimulus, e) for e in epochs], 0)
        for epochs in ((split.training, split.validation), (split.test,))
    )
    require(
        bool(tested.any()),
        "the stimulus was not shown in the last part of the observed time, which is for the test. "
        "Give a larger test_fraction, or leave out the time after the stimulus.",
    )
    counts = binned_counts(spikes, stimulus).astype(float)
    bin_s = 1 / stimulus.sample_rate_hz
    return TestBins(bin_s, np.flatnonzero(tested), counts[tested], counts[learned].mean(axis=0))


def _expected(
    fitted: FittedSeriesModel,
    spikes: SpikeTrains,
    stimulus: TimeSeries,
    test: TestBins,
    *,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts expected in the test: given the spikes before, and without them."""
    given = fitted.rates(stimulus, spikes).values[test.bins] * test.bin_s
    if not fitted.model.uses_spikes:
        return given, given
    first = max(0, int(test.bins[0]) - round(SETTLING_S / test.bin_s))
    shown = TimeSeries(stimulus.values[first : test.bins[-1] + 1], stimulus.sample_rate_hz)
    free = fitted.rates_without_spikes(shown, n_draws=N_SIMULATIONS, seed=seed)
    return given, free.values[test.bins - first] * test.bin_s


def _write(folder: Path, found: SeriesFindings) -> None:
    """Write the scores of units as a table, and scores, comparisons and predictions as arrays."""
    names = ("bits_per_spike", "correlation")
    columns = ["unit", "model", *(f"{n}{end}" for n in names for end in ("", "_low", "_high"))]
    rows, means = [], []
    for scores in found.scores:
        both = (scores.bits, scores.correlation)
        ends = [x for s in both for x in (s.units.score, s.units.low, s.units.high)]
        rows += [
            (str(unit), scores.name, *values)
            for unit, *values in zip(found.spikes.unit_ids, *ends, strict=True)
        ]
        means.append([(s.mean.score, s.mean.low, s.mean.high) for s in both])
    write_text(folder / "scores.csv", to_csv(columns, rows))
    contests = [[pair.difference.mean for pair in pairs] for pairs in found.contests.values()]
    arrays = {
        "unit_ids": found.spikes.unit_ids,
        "models": np.array([scores.name for scores in found.scores]),
        "scores": np.array(names),
        "mean_score": np.array(means),
        "compared": np.array(list(found.contests), dtype=str).reshape(-1, 2),
        "mean_difference": np.array([[(d.score, d.low, d.high) for d in c] for c in contests]),
        "p_value": np.array([[pair.p_value for pair in c] for c in found.contests.values()]),
    }
    write_arrays(folder / "comparison.npz", arrays)
    predictions = {f"predicted.{name}": counts for name, counts in found.given.items()}
    test = found.test
    start_s = found.stimulus.start_s + test.bins * test.bin_s
    measured = {"start_s": start_s, "measured": test.counts, "unit_ids": found.spikes.unit_ids}
    write_arrays(folder / "predictions.npz", measured | predictions)
