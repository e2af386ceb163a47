"""Filters that give white noise a wanted power spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


def spectrum_filters(
    power: Float[np.ndarray, "row frequency"], n_taps: int
) -> Float[np.ndarray, "row tap"]:
    r"""Return symmetric filters whose output, of white noise of variance 1, has the powers given.

    The filter of row r is the inverse Fourier transform of :math:`\sqrt{P_r(f)}` under a Hann
    window, scaled so that the variance of its output, :math:`\sum_k h_k^2`, is the mean of
    :math:`P_r` over the frequencies of the full circle. The window smooths the spectrum over about
    two ``n_taps``-ths of the sample rate.

    Parameters
    ----------
    power
        Power of each row relative to white noise of variance 1, at frequencies that run evenly from
        0 to half the sample rate, both included.
    n_taps
        An odd number, smaller than twice the number of frequencies.

    Examples
    --------
    >>> flat = spectrum_filters(np.full((1, 65), 4.0), 31)
    >>> float(flat[0, 15]), bool(np.allclose(np.delete(flat, 15), 0))
    (2.0, True)
    """
    impulse = np.fft.irfft(np.sqrt(power), axis=1)
    taps = np.roll(impulse, n_taps // 2, axis=1)[:, :n_taps] * np.hanning(n_taps + 2)[1:-1]
    inner = power[:, 1:-1].sum(axis=1)  # frequencies that occur twice on the circle
    variance = (power[:, 0] + power[:, -1] + 2 * inner) / impulse.shape[1]
    energy = np.maximum((taps**2).sum(axis=1), np.finfo(float).tiny)
    return taps * np.sqrt(variance / energy)[:, None]
