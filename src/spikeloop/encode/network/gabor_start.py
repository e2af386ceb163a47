"""A bank of Gabor filters for a first layer to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

N_ORIENTATIONS = 8


def gabor_pairs(size_px: int, n_pairs: int) -> Float[np.ndarray, "pair phase y x"]:
    """Return filters in pairs a quarter of a cycle apart, spread over what cells may prefer.

    Orientations are even over a half turn, eight or fewer. Wavelengths are geometric from 3.5
    pixels to the size of the filter, and the standard deviation of the envelope is half a
    wavelength (a bandwidth of 1.1 octaves), but at most a fifth of the size, so that the filter
    fades before its edge. Each has mean 0 and norm 1.

    Examples
    --------
    >>> pairs = gabor_pairs(11, 16)
    >>> pairs.shape, bool(abs((pairs[:, 0] * pairs[:, 1]).sum(axis=(1, 2))).max() < 1e-6)
    ((16, 2, 11, 11), True)
    """
    n_orientations = min(N_ORIENTATIONS, n_pairs)
    n_wavelengths = -(-n_pairs // n_orientations)
    wavelengths_px = np.geomspace(3.5, max(size_px, 4), n_wavelengths)
    along = np.arange(size_px) - (size_px - 1) / 2
    y, x = along[:, None], along
    pairs = []
    for index in range(n_pairs):
        wavelength_px = wavelengths_px[index // n_orientations]
        # Every other wavelength is turned by half a step, so that the bank covers more directions.
        turn = index % n_orientations + 0.5 * (index // n_orientations % 2)
        angle = np.pi * turn / n_orientations
        envelope = np.exp(-(y**2 + x**2) / (2 * min(wavelength_px / 2, size_px / 5) ** 2))
        phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wavelength_px
        even = envelope * (np.cos(phase) - np.sum(envelope * np.cos(phase)) / envelope.sum())
        odd = envelope * np.sin(phase)
        pairs.append([even / np.linalg.norm(even), odd / np.linalg.norm(odd)])
    return np.array(pairs, dtype=np.float32)
