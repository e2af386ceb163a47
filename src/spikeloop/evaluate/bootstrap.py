"""How far a score would move with other stimuli, and whether one model beats another.

What stands on the first axis of the arrays is drawn with replacement, as often as there is of it,
and scored again: stimuli with all their repeats, or blocks of a time series. Draws must be
independent of one another: blocks are to be longer than what a response remembers.

The ends of an interval are percentiles of the scores drawn. Such intervals are too narrow for few
stimuli: `docs/explanation/scores.md` says by how much. They take the units and the models as given,
so they say nothing of other units, nor of a model fitted again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require, require_seed
from spikeloop.evaluate.draws import require_draws
from spikeloop.evaluate.samples import as_numbers

if TYPE_CHECKING:
    from jaxtyping import Float

    Score = Callable[..., Float[np.ndarray, " unit"]]


@dataclass(frozen=True, eq=False)
class ScoreInterval:
    """A score, or one for each unit, and the ends of its confidence interval."""

    score: Float[np.ndarray, "..."] | float
    """What the data themselves score."""
    low: Float[np.ndarray, "..."] | float
    """Lower end."""
    high: Float[np.ndarray, "..."] | float
    """Upper end."""


@dataclass(frozen=True, eq=False)
class BootstrapScores:
    """Scores of units and their averages, with intervals."""

    units: ScoreInterval
    """(unit,) each; all three are NaN where the data themselves have no score."""
    mean: ScoreInterval
    """Mean over the units that have a score."""
    median: ScoreInterval
    """Median over the units that have a score."""
    n_excluded: int
    """How many units have no score, so that the averages leave them out."""


@dataclass(frozen=True, eq=False)
class PairedBootstrap:
    """Two models scored on the same stimuli."""

    scores_a: Float[np.ndarray, " unit"]
    """(unit,) scores of the first model."""
    scores_b: Float[np.ndarray, " unit"]
    """(unit,) scores of the second model."""
    difference: BootstrapScores
    """Scores of the first less those of the second; units without either are left out."""
    p_value: float
    """Two-sided, of no difference in the mean: at most 1 - confidence exactly where the interval of
    the mean difference leaves out zero, and never below 2 / (1 + the number of draws)."""


def bootstrap_scores(
    score: Score,
    *arrays: Float[np.ndarray, "stimulus ..."],
    n_draws: int = 1000,
    confidence: float = 0.95,
    seed: int,
) -> BootstrapScores:
    """Return scores with percentile intervals, for each unit and for their mean and median.

    Whole stimuli are drawn with replacement, each with all its repeats: the intervals tell how far
    the scores would move with other stimuli of the kind. The averages are over the units that the
    data themselves give a score. A draw that leaves a unit without a score is left out for it.

    Parameters
    ----------
    score
        Called with the arrays, cut to the stimuli drawn; returns one value per unit, NaN where
        there is none. Settings can be bound: ``functools.partial(bits_per_spike, null=rates)``.
    arrays
        Repeats, predictions ..., each with stimuli, or blocks of time, on the first axis.
    n_draws
        How many sets of stimuli are drawn.
    confidence
        Probability that each interval aims to cover.
    seed
        Start of the random numbers.

    Raises
    ------
    InvalidInputError
        The arrays hold no numbers, have different numbers of stimuli, or fewer than two,
        `confidence` is not between 0 and 1, `n_draws` is too small for it or not whole, or the seed
        is not a whole number, 0 or more.

    Examples
    --------
    >>> from spikeloop.evaluate import pearson
    >>> x = np.arange(20.0)[:, None]
    >>> mean = bootstrap_scores(pearson, x, 3 * x, n_draws=50, seed=0).mean
    >>> round(mean.score, 12), round(mean.low, 12), round(mean.high, 12)
    (1.0, 1.0, 1.0)
    """
    return _summary(*_draws(score, arrays, n_draws, confidence, seed), confidence)


def paired_bootstrap(
    score: Score,
    responses: Float[np.ndarray, "stimulus ..."],
    predictions_a: Float[np.ndarray, "stimulus ..."],
    predictions_b: Float[np.ndarray, "stimulus ..."],
    *,
    n_draws: int = 1000,
    confidence: float = 0.95,
    seed: int,
) -> PairedBootstrap:
    """Return by how much the scores of two models differ, the same stimuli drawn for both.

    What makes a stimulus hard for both models cancels, so the interval of the difference is
    narrower than those of the scores suggest. Two models may differ although their own intervals
    overlap: look at this one.

    Parameters
    ----------
    score
        Called as ``score(responses, predictions)``, cut to the stimuli drawn.
    responses
        Repeats, means or counts, with stimuli, or blocks of time, on the first axis.
    predictions_a, predictions_b
        What the two models predict of them.
    n_draws, confidence, seed
        As for `bootstrap_scores`.

    Raises
    ------
    InvalidInputError
        As for `bootstrap_scores`.

    Examples
    --------
    >>> from spikeloop.evaluate import pearson
    >>> rng = np.random.default_rng(0)
    >>> means = rng.normal(size=(100, 5))
    >>> good, bad = means + rng.normal(size=(100, 5)), means + 3 * rng.normal(size=(100, 5))
    >>> result = paired_bootstrap(pearson, means, good, bad, seed=0)
    >>> result.difference.mean.low > 0, round(result.p_value, 4)
    (True, 0.002)
    """

    def difference(
        responses: np.ndarray, predictions_a: np.ndarray, predictions_b: np.ndarray
    ) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # -inf less -inf is NaN, and no difference
            return score(responses, predictions_a) - score(responses, predictions_b)

    arrays = (responses, predictions_a, predictions_b)
    scores, draws = _draws(difference, arrays, n_draws, confidence, seed)
    means = _averages(np.nanmean, scores, draws)
    n_defined = np.sum(~np.isnan(means))
    n_beyond = min(np.sum(means <= 0), np.sum(means >= 0))
    p_value = min(1.0, 2 * (1 + n_beyond) / (1 + n_defined)) if n_defined else np.nan
    return PairedBootstrap(
        scores_a=score(responses, predictions_a),
        scores_b=score(responses, predictions_b),
        difference=_summary(scores, draws, confidence),
        p_value=float(p_value),
    )


def _draws(
    score: Score, arrays: tuple[np.ndarray, ...], n_draws: int, confidence: float, seed: int
) -> tuple[Float[np.ndarray, " unit"], Float[np.ndarray, "draw unit"]]:
    """Return the scores of the arrays, and those of each draw of stimuli."""
    require_draws(n_draws, confidence)
    require_seed(seed)
    arrays = tuple(as_numbers("one of the arrays", array) for array in arrays)
    require(
        all(array.ndim for array in arrays),
        "one of the arrays is a single number: stimuli must stand on the first axis of each.",
    )
    lengths = sorted({len(array) for array in arrays})
    require(
        len(lengths) == 1 and lengths[0] > 1,
        f"the arrays have {lengths} stimuli: they must have the same number, at least 2.",
    )
    scores = np.asarray(score(*arrays), dtype=np.float64)
    require(
        scores.ndim == 1,
        f"the score has shape {scores.shape}: it must give one value per unit, (unit,). For arrays "
        "of blocks take a score that pools them, such as pooled_correlation.",
    )
    rng = np.random.default_rng(seed)
    draws = np.empty((n_draws, len(scores)))
    for draw in draws:
        rows = rng.integers(lengths[0], size=lengths[0])
        draw[:] = score(*(array[rows] for array in arrays))
    return scores, draws


def _summary(
    scores: Float[np.ndarray, " unit"], draws: Float[np.ndarray, "draw unit"], confidence: float
) -> BootstrapScores:
    undefined = np.isnan(scores)
    low, high = (np.where(undefined, np.nan, end) for end in _ends(draws, confidence))
    averages = []
    for average in (np.nanmean, np.nanmedian):
        value = _averages(average, scores, scores[None])[0]
        ends = _ends(_averages(average, scores, draws), confidence)
        averages.append(ScoreInterval(float(value), *map(float, ends)))
    return BootstrapScores(ScoreInterval(scores, low, high), *averages, int(undefined.sum()))


def _averages(
    average: Callable, scores: Float[np.ndarray, " unit"], draws: Float[np.ndarray, "draw unit"]
) -> Float[np.ndarray, " draw"]:
    """Return the average of each draw over the units that have a score; NaN where none is drawn."""
    draws = draws[:, ~np.isnan(scores)]
    some = ~np.isnan(draws).all(axis=1)
    averages = np.full(len(draws), np.nan)
    averages[some] = average(draws[some], axis=1)
    return averages


def _ends(
    draws: Float[np.ndarray, "draw ..."], confidence: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Return the k-th draw from below and from above, k = tail (n + 1), of the n that are defined.

    A draw, and nothing between two: -inf stays what it is, and p-values agree with intervals.
    """
    ordered = np.sort(draws, axis=0)  # NaN comes last
    n_defined = np.sum(~np.isnan(draws), axis=0)
    k = np.floor((1 - confidence) / 2 * (n_defined + 1) + 1e-9).astype(int)
    k = np.maximum(k, 1)
    low = np.take_along_axis(ordered, (k - 1)[None], axis=0)[0]
    return low, np.take_along_axis(ordered, (n_defined - k)[None], axis=0)[0]
