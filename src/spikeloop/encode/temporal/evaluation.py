"""How well fitted models of a continuous stimulus predict time that they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.data.checks import require, require_seed
from spikeloop.encode.evaluation import Evaluation
from spikeloop.encode.splits import TimeSplit
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.encode.temporal.series_data import binned_counts, whole_bins
from spikeloop.encode.temporal.series_scores import (
    SeriesDifference,
    SeriesScores,
    TestBins,
    block_sums,
    compare_series,
    score_series,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

SETTLING_S = 4.0
"""How much of the stimulus before the test is shown to simulations, so that they have settled."""
N_SIMULATIONS = 50
"""Over how many simulations a rate is averaged that depends on the model's own spikes."""
MEAN = "mean"
"""The name of the model that predicts the mean rate, which is always compared with."""


@dataclass(frozen=True, eq=False)
class SeriesComparison:
    """Several models on the same test, which none of them learned from."""

    unit_ids: Shaped[np.ndarray, " unit"]
    """(unit,) as in the spikes."""
    test: TestBins
    """What the units did in the test."""
    expected: Mapping[str, Float[np.ndarray, "bin unit"]]
    """Name -> counts expected in the test, given the spikes before each bin."""
    models: Sequence[SeriesScores]
    """The mean rate first, then one for each model, in the order given."""
    differences: Mapping[tuple[str, str], SeriesDifference]
    """Of each model, less each that stands before it."""

    def __getitem__(self, name: str) -> SeriesScores:
        """Return the scores of one model, by its name."""
        return {scores.name: scores for scores in self.models}[name]

    def __repr__(self) -> str:
        told = (
            f"{scores.name}: {scores.bits.mean.score:.3f} bits per spike, correlation "
            f"{scores.correlation.mean.score:.3f}"
            for scores in self.models
        )
        return f"SeriesComparison({len(self.unit_ids)} units; {'; '.join(told)})"


def evaluate_series(
    fitted: Mapping[str, FittedSeriesModel],
    spikes: SpikeTrains,
    stimulus: TimeSeries,
    method: Evaluation,
    *,
    progress: Callable[[str], None] | None = None,
    seed: int,
) -> SeriesComparison:
    """Score models on the test of their split, and compare each two, by blocks of 10 s.

    Parameters
    ----------
    fitted
        Models by their names, all fitted with the same split, to these units.
    spikes, stimulus
        What they were fitted to, with the test.
    method
        Settings.
    progress
        Called with the name of each model before it is tested.
    seed
        Start of the random numbers of the bootstrap, and of the simulations of models with a spike
        history.

    Raises
    ------
    InvalidInputError
        The models were fitted with different splits or to other units, or the stimulus was not
        shown in the test.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> from spikeloop.encode import PoissonGLM, fit
    >>> rng = np.random.default_rng(0)
    >>> noise = TimeSeries(rng.standard_normal((20_000, 1)), sample_rate_hz=100.0)
    >>> fired = np.flatnonzero(rng.random(20_000) < 0.1 * np.exp(noise.values[:, 0]))
    >>> spikes = SpikeTrains.from_units({"a": (fired + 0.5) / 100}, Epochs([0.0], [200.0]))
    >>> glm = fit(PoissonGLM(history_basis=None), spikes, noise, seed=0)
    >>> evaluate_series({"glm": glm}, spikes, noise, Evaluation(n_draws=100), seed=0)["glm"].name
    'glm'
    """
    require_seed(seed)
    test = _test_bins(spikes, stimulus, _shared_split(fitted, spikes))
    expected = {MEAN: np.broadcast_to(test.null, test.counts.shape)}
    sums = {MEAN: block_sums(test, expected[MEAN], expected[MEAN])}
    for name, model in fitted.items():
        if progress is not None:
            progress(name)
        expected[name], free = _expected(model, spikes, stimulus, test, seed=seed)
        sums[name] = block_sums(test, expected[name], free)
    draws = {"n_draws": method.n_draws, "confidence": method.confidence, "seed": seed}
    return SeriesComparison(
        unit_ids=spikes.unit_ids,
        test=test,
        expected=expected,
        models=[score_series(name, of, **draws) for name, of in sums.items()],
        differences={
            (second, first): compare_series(sums[second], sums[first], **draws)
            for first, second in combinations(sums, 2)
        },
    )


def _shared_split(fitted: Mapping[str, FittedSeriesModel], spikes: SpikeTrains) -> TimeSplit:
    """Return the split of all models, or say why they cannot be compared on these spikes."""
    require(
        isinstance(fitted, Mapping) and len(fitted) > 0,
        "fitted must hold models by their names, one at least, such as {'glm': fitted_glm}.",
    )
    require(MEAN not in fitted, f"{MEAN!r} is the mean rate here. Call the model otherwise.")
    for name, model in fitted.items():
        require(
            isinstance(model, FittedSeriesModel),
            f"{name} is a {type(model).__name__}: give FittedSeriesModels, or call evaluate_models "
            "for models of images.",
        )
    first = next(iter(fitted.values())).split
    for name, model in fitted.items():
        same = all(
            np.array_equal(getattr(getattr(model.split, part), edge), getattr(of_first, edge))
            for part, of_first in vars(first).items()
            for edge in ("start_s", "stop_s")
        )
        require(
            same,
            f"{name} learned from other time than the model before it, so that their scores tell "
            "nothing of the models. Fit them with the same split.",
        )
        require(
            np.array_equal(model.unit_ids, spikes.unit_ids),
            f"{name} was fitted to other units than those of the spikes.",
        )
    return first


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
