"""Correlations between responses and predictions, and between units."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.evaluate.moments import centred, ratio, repeat_moments

if TYPE_CHECKING:
    from jaxtyping import Float


def pearson(
    first: Float[np.ndarray, "stimulus ..."], second: Float[np.ndarray, "stimulus ..."]
) -> Float[np.ndarray, "..."]:
    """Correlate two arrays over their first axis; NaN where either is constant.

    >>> pearson(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [0.0, 3.0]])).tolist()
    [-1.0, nan]
    """
    first, second = centred(first), centred(second)
    power = np.sum(first**2, axis=0) * np.sum(second**2, axis=0)
    return ratio(np.sum(first * second, axis=0), np.sqrt(power))


def correlation_matrix(
    responses: Float[np.ndarray, "stimulus unit"],
) -> Float[np.ndarray, "unit unit"]:
    """Correlate each unit with each over stimuli; NaN in the row and column of a constant unit.

    Computed from means over the same trials this mixes signal with shared noise:
    `signal_correlation` does not.

    >>> correlation_matrix(np.array([[0.0, 2.0], [1.0, 0.0]])).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    values = centred(responses)
    norm = np.sqrt(np.sum(values**2, axis=0))
    return ratio(values.T @ values, np.outer(norm, norm))


def signal_correlation(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, "unit unit"]:
    r"""Correlate what each two units tell of the stimulus, without the noise that they share.

    Both the covariance and the variances take the two factors from different repeats,

    .. math:: \rho_{ab} = C_{ab} / \sqrt{C_{aa} C_{bb}}, \qquad
              C_{ab} = \mathrm{Cov}_i(\bar R_{ia}, \bar R_{ib})
                       - \mathrm{mean}_i \frac{\sum_r e_{ira} e_{irb}}{n_i (n_i - 1)},

    so :math:`C` is unbiased whatever the noise correlations are, and :math:`C_{aa}` is the signal
    power. Values may lie outside -1..1. NaN where a unit's signal power is not above zero.

    Source: Pospisil & Bair (2021), J. Neurosci. 41:5638; Spearman's correction for attenuation.

    Examples
    --------
    >>> repeats = np.array([[[0.0, 9.0], [0.0, 9.0]], [[1.0, 7.0], [1.0, 7.0]]])
    >>> signal_correlation(repeats).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    moments = repeat_moments(repeats)
    n_units = moments.mean.shape[1]
    if len(moments.stimulus) < 2:
        return np.full((n_units, n_units), np.nan)
    mean = centred(moments.mean)
    weight = 1 / (moments.n_repeats * (moments.n_repeats - 1))
    residual = (moments.residual * np.sqrt(weight)[:, None, None]).reshape(-1, n_units)
    n_stimuli = len(mean)
    covariance = mean.T @ mean / (n_stimuli - 1) - residual.T @ residual / n_stimuli
    power = np.diag(covariance)
    amplitude = np.sqrt(np.where(power > 0, power, np.nan))
    return covariance / np.outer(amplitude, amplitude)


def noise_correlation(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, "unit unit"]:
    r"""Correlate what is left of each two units' responses when the stimulus is accounted for.

    Residuals are divided by their standard deviation over the repeats of each stimulus, then
    pooled over stimuli. A stimulus that one of the two units answers with the same count every
    time says nothing of that pair and is left out; NaN where none is left. Because each stimulus
    is scaled by its own estimate, a true correlation :math:`\rho` comes out smaller by about
    :math:`\rho (1 - \rho^2) / 2n` for `n >= 5` repeats, and by more for fewer: 0.6 comes out as
    0.53 for 4 repeats and as 0.41 for 2.

    Examples
    --------
    >>> repeats = np.array([[[0.0, 5.0], [1.0, 4.0]], [[3.0, 8.0], [2.0, 9.0]]])
    >>> noise_correlation(repeats).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    moments = repeat_moments(repeats)
    scale = np.sqrt(moments.variance)
    varies = scale > 0
    scores = moments.residual / np.where(varies, scale, 1.0)[:, None]
    scores = scores.reshape(-1, scores.shape[2])
    varies = varies.astype(np.float64)
    n_free = (varies * (moments.n_repeats - 1)[:, None]).T @ varies
    return ratio(scores.T @ scores, n_free)


def bootstrap_mean_score(
    score: Callable[..., Float[np.ndarray, " unit"]],
    *arrays: Float[np.ndarray, "stimulus ..."],
    n_draws: int = 1000,
    confidence: float = 0.95,
    seed: int,
) -> tuple[float, float]:
    """Return a percentile interval of a score's mean over units, by resampling stimuli.

    Whole stimuli are drawn with replacement, each with all its repeats: the interval tells how
    far the mean would move with other stimuli of the kind, the units being these. NaN scores are
    left out of each mean.

    Parameters
    ----------
    score
        Called with the arrays, cut to the stimuli drawn; returns one value per unit.
    arrays
        Repeats, predictions ..., each with stimuli on the first axis.
    n_draws
        How many sets of stimuli are drawn.
    confidence
        Probability that the interval aims to cover.
    seed
        Start of the random numbers.

    Raises
    ------
    InvalidInputError
        The arrays have different numbers of stimuli, or `confidence` is not between 0 and 1.

    Examples
    --------
    >>> x = np.arange(20.0)[:, None]
    >>> low, high = bootstrap_mean_score(pearson, x, 3 * x, n_draws=10, seed=0)
    >>> round(low, 12), round(high, 12)
    (1.0, 1.0)
    """
    require(0 < confidence < 1, f"confidence={confidence}: it must lie between 0 and 1.")
    lengths = sorted({len(array) for array in arrays})
    require(
        len(lengths) == 1 and lengths[0] > 0,
        f"the arrays have {lengths} stimuli: they must have the same number, above 0.",
    )
    rng = np.random.default_rng(seed)
    means = np.full(n_draws, np.nan)
    for draw in range(n_draws):
        rows = rng.integers(lengths[0], size=lengths[0])
        scores = score(*(array[rows] for array in arrays))
        defined = np.isfinite(scores)
        if defined.any():
            means[draw] = scores[defined].mean()
    if np.isnan(means).all():
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(means, (tail, 1 - tail))
    return float(low), float(high)
