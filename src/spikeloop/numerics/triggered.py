"""Weighted sums of the windows of a signal: the arithmetic of triggered averages.

The window of sample t holds the samples t + first_lag .. t + first_lag + n_lags - 1. A window that
would leave the signal is left out whole: nothing is padded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    from jaxtyping import Float, Num

_BLOCK_ELEMENTS = 2**23  # of one temporary array: 32 MB of float32


def window_range(n_samples: int, first_lag: int, n_lags: int) -> tuple[int, int]:
    """Return start and stop of the samples whose window lies inside the signal.

    >>> window_range(10, first_lag=-2, n_lags=4)
    (2, 9)
    """
    start = min(max(0, -first_lag), n_samples)
    return start, max(start, min(n_samples, n_samples - (first_lag + n_lags - 1)))


def triggered_sums(
    signal: Float[np.ndarray, "time feature"],
    weights: Num[np.ndarray, "time unit"],
    first_lag: int,
    n_lags: int,
    *,
    origin: Float[np.ndarray, " feature"] | None = None,
    squares: bool = False,
) -> tuple[Float[np.ndarray, "unit lag feature"], Float[np.ndarray, "unit lag feature"] | None]:
    """Sum the windows of `signal` around every sample, weighted, and their squares where asked.

        sums[u, j, f] = sum over t of weights[t, u] (signal[t + first_lag + j, f] - origin[f])

    over the samples t whose window lies inside the signal. Time is cut into overlapping blocks, and
    each block's correlation is done in Fourier space (overlap-save), where all units and features
    of one frequency are one matrix product: about 5 n_units n_features operations per sample,
    whatever the number of lags, instead of 2 n_lags n_units n_features. Memory stays flat in time.
    The arithmetic has the signal's precision, so subtract an `origin` near the mean; where signal
    and origin agree throughout, the sum is exactly 0.

    Parameters
    ----------
    signal
        What the windows are cut from; float32 or float64.
    weights
        How often each window counts: spikes per sample.
    first_lag, n_lags
        The window, in samples; `first_lag` may have either sign.
    origin
        Subtracted from the signal; None for zero.
    squares
        Whether to sum the squares of the same differences too; else the second result is None.

    Examples
    --------
    >>> signal, spikes = np.array([[1.0], [2.0], [4.0]]), np.array([[1], [0], [1]])
    >>> triggered_sums(signal, spikes, first_lag=-1, n_lags=2)[0][0, :, 0].round(9).tolist()
    [2.0, 4.0]
    """
    start, stop = window_range(len(signal), first_lag, n_lags)
    n_units, n_features = weights.shape[1], signal.shape[1]
    origin = np.zeros(n_features, signal.dtype) if origin is None else origin
    sums = np.zeros((1 + squares, n_units, n_lags, n_features), signal.dtype)
    if start < stop and n_units:
        # Blocks of six windows are long enough to waste little on the overlap, and fit the cache.
        n_fft = min(max(128, 6 * n_lags), stop - start + n_lags - 1)
        n_fft = scipy.fft.next_fast_len(n_fft, real=True)
        n_columns = max(1, _BLOCK_ELEMENTS // (n_units * (n_fft // 2 + 1)))
        windows = signal[start + first_lag : stop + first_lag + n_lags - 1]
        for left in range(0, n_features, n_columns):
            columns = slice(left, left + n_columns)
            spectra = _cross_spectra(
                windows[:, columns], weights[start:stop], n_lags, n_fft, origin[columns], squares
            )
            for i, spectrum in enumerate(spectra):
                correlation = scipy.fft.irfft(spectrum, n_fft, axis=0)[:n_lags]
                sums[i, :, :, columns] = correlation.transpose(1, 0, 2)
    return sums[0], sums[1] if squares else None


def _cross_spectra(windows, weights, n_lags, n_fft, origin, squares):
    """Return [sum over blocks of conj(FFT weights) FFT windows], and so for the squares."""
    hop = n_fft - n_lags + 1
    n_samples, n_units = weights.shape
    n_columns = windows.shape[1]
    n_blocks = max(1, _BLOCK_ELEMENTS // (n_fft * max(n_columns, n_units)))
    totals = [0] * (1 + squares)
    for left in range(0, n_samples, hop * n_blocks):
        n = min(n_blocks, -(-(n_samples - left) // hop))
        trigger = _padded(weights[left : left + n * hop], n * hop, windows.dtype)
        trigger = scipy.fft.rfft(trigger.reshape(n, hop, n_units), n_fft, axis=1).conj()
        length = n * hop + n_lags - 1
        shown = _padded(windows[left : left + length] - origin, length, windows.dtype)
        blocks = np.lib.stride_tricks.sliding_window_view(shown, n_fft, axis=0)[::hop]
        blocks = blocks.transpose(0, 2, 1)  # (block, time, feature)
        for i in range(1 + squares):
            spectrum = scipy.fft.rfft(blocks if i == 0 else np.square(blocks), axis=1)
            totals[i] += np.matmul(trigger.transpose(1, 2, 0), spectrum.transpose(1, 0, 2))
    return totals


def _padded(array: np.ndarray, length: int, dtype: np.dtype) -> np.ndarray:
    padded = np.zeros((length, array.shape[1]), dtype)
    padded[: len(array)] = array
    return padded


def centre(signal: Float[np.ndarray, "time feature"]) -> Float[np.ndarray, " feature"]:
    """Return the mean of each feature, kept inside its range: a constant is its own mean, exactly.

    >>> (centre(np.full((3, 1), 0.1, np.float32)) == np.float32(0.1)).all()
    np.True_
    """
    mean = np.mean(signal, axis=0, dtype=np.float64)
    return np.clip(mean, signal.min(axis=0), signal.max(axis=0)).astype(signal.dtype)
