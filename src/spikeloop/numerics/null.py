"""What a statistic would be without any relation: circular shifts, thresholds, p-values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

from spikeloop.errors import InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num

_BLOCK_ELEMENTS = 2**23  # of one temporary array: 32 MB of float32


def fewest_surrogates(confidence: float) -> int:
    """Return how many surrogates it takes for a p-value to reach 1 - confidence.

    >>> fewest_surrogates(0.95)
    19
    """
    return int(np.ceil(1 / (1 - confidence) - 1e-9)) - 1


def null_threshold(
    surrogates: Float[np.ndarray, "unit surrogate"], confidence: float
) -> Float[np.ndarray, " unit"]:
    """Return what a statistic must exceed for its p-value to be at most 1 - confidence.

    It is one of the surrogates' own values, so it agrees with `null_p_value` exactly, and errs on
    the safe side: at least `fewest_surrogates(confidence)` of them are needed.

    >>> null_threshold(np.arange(19.0)[None], 0.95)
    array([18.])
    """
    n_surrogates = surrogates.shape[1]
    n_above = int((1 - confidence) * (n_surrogates + 1) + 1e-9)
    return np.sort(surrogates, axis=1)[:, n_surrogates - n_above]


def null_p_value(
    statistic: Float[np.ndarray, " unit"], surrogates: Float[np.ndarray, "unit surrogate"]
) -> Float[np.ndarray, " unit"]:
    """Return (1 + number of surrogates >= statistic) / (1 + number of surrogates); NaN for NaN.

    >>> null_p_value(np.array([17.5]), np.arange(19.0)[None])
    array([0.1])
    """
    n_reached = np.sum(surrogates >= statistic[:, None], axis=1)
    p_value = (1.0 + n_reached) / (1.0 + surrogates.shape[1])
    return np.where(np.isnan(statistic), np.nan, p_value)


def draw_shifts(
    n_samples: int, n_shifts: int, least: int, rng: np.random.Generator
) -> Int[np.ndarray, " shift"]:
    """Draw different circular shifts that are at least `least` samples away from no shift.

    Raises
    ------
    InvalidInputError
        There are fewer such shifts than asked for.

    Examples
    --------
    >>> sorted(draw_shifts(10, 3, 4, np.random.default_rng(0)).tolist())
    [4, 5, 6]
    """
    n_possible = max(0, n_samples - 2 * least + 1)
    if n_possible < n_shifts:
        raise InvalidInputError(
            f"n_shifts={n_shifts}: a stimulus of {n_samples} samples has {n_possible} circular "
            f"shifts of at least {least} samples. Lower n_shifts or min_shift_s, or set n_shifts=0 "
            "for no null."
        )
    return least + rng.choice(n_possible, n_shifts, replace=False)


def shifted_extremes(
    signal: Float[np.ndarray, "time feature"],
    weights: Num[np.ndarray, "time unit"],
    shifts: Int[np.ndarray, " shift"],
    lags: Int[np.ndarray, " lag"],
    *,
    origin: Float[np.ndarray, " feature"],
    transform: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Float[np.ndarray, "unit shift"]:
    """Return the largest magnitude, over lags and features, of triggered sums of shifted weights.

    The signal is closed to a ring, so a window of a shifted weight may run over the seam:

        max over l, f of | sum over t of weights[t - shift, u] (signal[t + l, f] - origin[f]) |

    One circular correlation in Fourier space holds the sums of all shifts.

    Parameters
    ----------
    signal, weights, origin
        As in `triggered.triggered_sums`; weights whose window leaves the signal should be zero.
    shifts
        By how many samples the weights are moved later.
    lags
        The lags of the window, in samples.
    transform
        A linear map of the sums (shift, lag, feature), applied before the maximum is taken.

    Examples
    --------
    >>> signal, weights = np.array([[0.0], [1.0], [0.0], [-3.0]]), np.array([[1], [0], [0], [0]])
    >>> shifts, lags = np.array([1, 2]), np.array([0])
    >>> shifted_extremes(signal, weights, shifts, lags, origin=np.zeros(1)).round(9)
    array([[1., 0.]])
    """
    n_samples, n_features = signal.shape
    places = (shifts[:, None] + lags) % n_samples
    n_columns = max(1, _BLOCK_ELEMENTS // max(n_samples, places.size))
    n_columns = n_features if transform else min(n_columns, n_features)
    extremes = np.zeros((weights.shape[1], len(shifts)), signal.dtype)
    for left in range(0, n_features, n_columns):
        columns = slice(left, left + n_columns)
        spectrum = scipy.fft.rfft(np.ascontiguousarray((signal[:, columns] - origin[columns]).T))
        for unit in range(weights.shape[1]):
            trigger = scipy.fft.rfft(weights[:, unit].astype(signal.dtype)).conj()
            sums = scipy.fft.irfft(trigger * spectrum, n_samples)[:, places].transpose(1, 2, 0)
            sums = transform(sums) if transform else sums
            np.maximum(extremes[unit], np.abs(sums).max(axis=(1, 2)), out=extremes[unit])
    return extremes
