"""Correlations between responses and predictions, and between units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import as_array, require
from spikeloop.evaluate.moments import centred, of_one_size, ratio, repeat_moments
from spikeloop.evaluate.samples import (
    as_numbers,
    first_present,
    paired_samples,
    predictions_of,
    present_centred,
)

if TYPE_CHECKING:
    from jaxtyping import Float


def pearson(
    first: Float[np.ndarray, "stimulus ..."], second: Float[np.ndarray, "stimulus ..."]
) -> Float[np.ndarray, "..."]:
    """Correlate two arrays over their first axis; NaN where either is constant or holds NaN.

    Both have the same shape: nothing is repeated along an axis, as it cannot be told whether a
    vector of n predictions goes with n stimuli or with n units. Lists, integers and true or false
    are read as floats.

    Raises
    ------
    InvalidInputError
        The shapes differ, or either is no array of numbers, or holds infinite ones.

    Examples
    --------
    >>> pearson(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [0.0, 3.0]])).tolist()
    [-1.0, nan]
    """
    first, second = _correlatable("first", first), _correlatable("second", second)
    require(
        first.shape == second.shape,
        f"first has shape {first.shape} and second {second.shape}: they must be the same. Write "
        "one prediction of all units as np.broadcast_to(prediction[:, None], responses.shape).",
    )
    first, second = centred(first), centred(second)
    power = _summed(first, first) * _summed(second, second)
    return ratio(_summed(first, second), np.sqrt(power))


def pooled_correlation(
    responses: Float[np.ndarray, "... unit"], predictions: Float[np.ndarray, "... unit"]
) -> Float[np.ndarray, " unit"]:
    """Correlate over all axes but the last at once, leaving out responses that are NaN.

    Predictions have the axes of the responses; an axis of length 1 stands for any length. This is
    `pearson` for a time series cut into blocks, (block, bin, unit), the last filled up with NaN.
    NaN where either side is constant.

    Raises
    ------
    InvalidInputError
        The shapes do not fit, either is no array of numbers, a response is infinite, or a
        prediction of one is not finite.

    Examples
    --------
    >>> blocks = np.array([[[0.0], [1.0]], [[2.0], [np.nan]]])
    >>> pooled_correlation(blocks, np.array([[[1.0], [3.0]], [[5.0], [9.0]]])).round(12).tolist()
    [1.0]
    """
    first, second, present = paired_samples(responses, predictions)
    first, second = (present_centred(of_one_size(v), present) for v in (first, second))
    power = _summed(first, first) * _summed(second, second)
    return ratio(_summed(first, second), np.sqrt(power))


def single_trial_correlation(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
) -> Float[np.ndarray, " unit"]:
    r"""Correlate every single trial with the prediction of its stimulus.

    All trials count, also those of stimuli shown once; NaN is a trial that is missing. With signal
    power S and noise power N, true means score about :math:`\sqrt{S / (S + N)}`: noise is held
    against the prediction. NaN where either side is constant. The correlation with the mean over
    repeats is `pearson` of ``responses.mean()``, and without the noise it is `cc_norm`.

    Raises
    ------
    InvalidInputError
        The predictions have not one row per stimulus and one column per unit, or are not finite.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [np.nan]]])
    >>> single_trial_correlation(repeats, np.array([[0.0], [1.0]])).round(4).tolist()
    [0.866]
    """
    repeats = as_array("repeats", repeats, ("stimulus", "repeat", "unit"), np.float64)
    require(repeats.size > 0, f"repeats has shape {repeats.shape}: it holds no trials.")
    require(not np.isinf(repeats).any(), "repeats holds infinite values. Remove them.")
    predictions = of_one_size(predictions_of(repeats, predictions))
    present = ~np.isnan(repeats)
    n_units = repeats.shape[2]
    repeats = of_one_size(repeats.reshape(-1, n_units)).reshape(repeats.shape)
    origin = first_present(repeats.reshape(-1, n_units), present.reshape(-1, n_units))
    excess = np.where(present, repeats - origin, 0.0)
    n_trials, sums = np.count_nonzero(present, axis=1), excess.sum(axis=1)
    total = n_trials.sum(axis=0)
    power = np.einsum("iru,iru->u", excess, excess) - ratio(sums.sum(axis=0) ** 2, total)
    predictions = predictions - first_present(predictions, n_trials > 0)
    predictions -= ratio(np.sum(n_trials * predictions, axis=0), total)
    power *= np.sum(n_trials * predictions**2, axis=0)
    return ratio(np.sum(sums * predictions, axis=0), np.sqrt(power))


def correlation_matrix(
    responses: Float[np.ndarray, "stimulus unit"],
) -> Float[np.ndarray, "unit unit"]:
    """Correlate each unit with each over stimuli; NaN in the row and column of a constant unit.

    Computed from means over the same trials this mixes signal with shared noise:
    `signal_correlation` does not.

    Raises
    ------
    InvalidInputError
        `responses` is no array of numbers with these axes, or holds infinite ones.

    Examples
    --------
    >>> correlation_matrix(np.array([[0.0, 2.0], [1.0, 0.0]])).round(12).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    values = centred(_correlatable("responses", responses))
    require(
        values.ndim == 2,
        f"responses has shape {values.shape}: its axes must be (stimulus, unit).",
    )
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


def _correlatable(name: str, values: object) -> Float[np.ndarray, "stimulus ..."]:
    """Return columns of floats near 1, whose correlations are those of `values`."""
    values = as_numbers(name, values).astype(np.float64, copy=False)
    require(values.ndim >= 1, f"{name} is a single number: stimuli must stand on its first axis.")
    values = of_one_size(values)
    require(not np.isinf(values).any(), f"{name} holds infinite values. Remove them.")
    return values


def _summed(a: np.ndarray, b: np.ndarray) -> Float[np.ndarray, "..."]:
    """Return the sum of products over the first axis."""
    return np.einsum("s...,s...->...", a, b)
