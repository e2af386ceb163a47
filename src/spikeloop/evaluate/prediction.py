"""How good predictions are, when noise in the responses is not held against them.

Predictions stand as (stimulus, unit), a row for each row of the repeats. Stimuli shown less than
twice are left out, and each of the others counts once. Nothing is clipped. All scores are NaN where
fewer than two stimuli have repeats, or the signal power is not above zero.

All divide by an estimated signal power. For weak units and few stimuli that is close to zero at
times, so that single values, and means over units, are far off: report medians over units.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.evaluate.moments import RepeatMoments, centred, ratio, repeat_moments
from spikeloop.evaluate.samples import predictions_of
from spikeloop.evaluate.signal_power import fraction_explainable

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def cc_norm(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
) -> Float[np.ndarray, " unit"]:
    r"""Return the correlation with the true means that a prediction is estimated to have.

    .. math:: CC_{norm} = \mathrm{Cov}(\bar R, \hat y) / \sqrt{S \, \mathrm{Var}(\hat y)}

    with S the signal power: the plain correlation divided by `cc_max`, so values above 1 occur, and
    large ones for weak units. Compare medians over units, not means. NaN for a constant prediction.

    Source: Schoppe et al. (2016), Front. Comput. Neurosci. 10:10.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [7.0]], [[4.0], [4.0]]])
    >>> cc_norm(repeats, np.array([[0.0], [1.0], [1.0]])).round(4).tolist()
    [0.9487]
    """
    moments, predicted = moments_and_predictions(repeats, predictions)
    signal, mean = signal_sum(moments), centred(moments.mean)
    signal = np.where(signal > 0, signal, np.nan)
    power = np.sum(centred(predicted) ** 2, axis=0) * signal
    return ratio(np.sum(mean * centred(predicted), axis=0), np.sqrt(power))


def fraction_explained(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
) -> Float[np.ndarray, " unit"]:
    r"""Return the fraction of explainable variance explained (FEVE).

    .. math:: \mathrm{FEVE} = 1 - \frac{\mathrm{MSE} - N}{\mathrm{Var} - N}

    with the squared error of single trials, the noise power N, and the variance of single trials.
    :math:`\mathrm{Var} - N` is taken without bias, as :math:`(m - 1) / m` of the signal power over
    m stimuli, so the true means score 1 and their average 0, on average. A bad prediction scores
    far below zero. Unlike correlations it depends on the scale and the offset of a prediction.
    For weak units single values are far off: compare medians over units, not means.

    Source: Cadena et al. (2019), PLoS Comput. Biol. 15:e1006897.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [7.0]]])
    >>> fraction_explained(repeats, np.array([[2.0], [6.0]])).round(4).tolist()
    [1.2857]
    """
    moments, predicted = moments_and_predictions(repeats, predictions)
    error = (moments.mean - (predicted - moments.origin)) ** 2
    return 1 - ratio(np.sum(error - moments.squared_error, axis=0), signal_sum(moments))


@dataclass(frozen=True, eq=False)
class ExplainedAbove:
    """The fraction explained of units whose responses the stimuli explain well enough."""

    scores: Float[np.ndarray, " unit"]
    """(unit,) `fraction_explained` of every unit, included or not."""
    explainable: Float[np.ndarray, " unit"]
    """(unit,) `fraction_explainable` of every unit."""
    included: Bool[np.ndarray, " unit"]
    """(unit,) true where `explainable` is above the threshold, and there is a score."""

    @property
    def mean(self) -> float:
        """Mean score of the units included, negative ones as they are; NaN where none is."""
        return float(self.scores[self.included].mean()) if self.included.any() else np.nan

    @property
    def median(self) -> float:
        """Median score of the units included; NaN where none is."""
        return float(np.median(self.scores[self.included])) if self.included.any() else np.nan

    @property
    def n_excluded(self) -> int:
        """How many units the mean and the median leave out."""
        return int((~self.included).sum())


def fraction_explained_above(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
    *,
    threshold: float,
) -> ExplainedAbove:
    """Return the FEVE of the units whose FEV is above a threshold, and how many are left out.

    The mean rises with the threshold, whatever the model: compare means of the same units only, and
    report the threshold and the number left out with each. 0.15 is usual. Because FEV is estimated
    from the same repeats, units whose noise happens to look like signal are favoured; where there
    are other repeats, choose units by those.

    Source: the selection of Cadena et al. (2019), PLoS Comput. Biol. 15:e1006897.

    Raises
    ------
    InvalidInputError
        The threshold is NaN or no number, or as for `fraction_explained`.

    Examples
    --------
    >>> repeats = np.array([[[1.0, 1.0], [3.0, 3.0]], [[5.0, 3.0], [7.0, 1.0]]])
    >>> above = fraction_explained_above(repeats, np.array([[2.0, 2.0], [5.0, 2.0]]), threshold=0.1)
    >>> round(above.mean, 4), above.n_excluded
    (1.1429, 1)
    """
    require(
        isinstance(threshold, Real) and not np.isnan(threshold),
        f"threshold={threshold!r}: it must be a number, such as 0.15.",
    )
    scores = fraction_explained(repeats, predictions)
    explainable = fraction_explainable(repeats)
    included = np.isfinite(scores) & (explainable > threshold)
    return ExplainedAbove(scores, explainable, included)


def moments_and_predictions(
    repeats: np.ndarray, predictions: np.ndarray
) -> tuple[RepeatMoments, Float[np.ndarray, "used unit"]]:
    """Return the moments of the repeats, and the predictions of the same stimuli.

    Raises
    ------
    InvalidInputError
        The predictions have not one row per stimulus and one column per unit, or are not finite.
    """
    moments = repeat_moments(repeats)
    return moments, predictions_of(repeats, predictions)[moments.stimulus]


def signal_sum(moments: RepeatMoments) -> Float[np.ndarray, " unit"]:
    """Estimate the true means' squared distance from their average, summed over the m stimuli.

    It is (m - 1) times the signal power, and unbiased as that is.
    """
    n_stimuli = len(moments.stimulus)
    if n_stimuli < 2:
        return np.full(moments.mean.shape[1], np.nan)
    squares = np.sum(centred(moments.mean) ** 2, axis=0)
    return squares - (n_stimuli - 1) * moments.squared_error.mean(axis=0)
