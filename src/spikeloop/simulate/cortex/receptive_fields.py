"""Gabor receptive fields, in degrees of visual angle.

A Gabor with stripes at the angle theta has the coordinates

    along = x cos(theta) + y sin(theta)        across = y cos(theta) - x sin(theta)

and the value ``env (cos(2 pi f across + phase) - m)``, where

    env = exp(-across^2 / (2 sigma^2) - along^2 / (2 (aspect sigma)^2))

and m makes the sum of the pixels zero, so that uniform light drives nothing. It is scaled by
2 / sum(env): the grating that it likes best, at full contrast, then gives 1. Filters of that scale,
and of a size that goes with the wavelength, answer natural images about equally at all frequencies
(Field, 1987, J Opt Soc Am A 4:2379).

x runs to the right and y upwards from the centre of the image; row 0 of an image is its top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Gabors:
    """The parameters of many Gabors, each field with a value for each.

    >>> upright = Gabors(*([value] for value in (0.0, 0.0, 90.0, 0.1, 0.0, 5.0, 1.0)))
    >>> upright.filters(n_pixels=24, extent_deg=48.0).shape
    (1, 24, 24)
    """

    x_deg: np.ndarray
    """(unit,) centre, in degrees to the right of the centre of the image."""
    y_deg: np.ndarray
    """(unit,) centre, in degrees above the centre of the image."""
    orientation_deg: np.ndarray
    """(unit,) direction of the stripes, counterclockwise from horizontal, in 0..180."""
    spatial_frequency_cpd: np.ndarray
    """(unit,) stripes per degree."""
    phase_deg: np.ndarray
    """(unit,) phase at the centre: 0 has a bright stripe in the middle, 180 a dark one."""
    sigma_deg: np.ndarray
    """(unit,) standard deviation of the envelope across the stripes, in degrees."""
    aspect: np.ndarray
    """(unit,) standard deviation along the stripes over that across them."""

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            object.__setattr__(self, name, np.asarray(values, dtype=float))

    def __len__(self) -> int:
        return len(self.x_deg)

    def filters(
        self, n_pixels: int, extent_deg: float, *, phase_shift_deg: float = 0.0
    ) -> Float[np.ndarray, "unit y x"]:
        """Draw each Gabor on a square of `n_pixels` a side; a shift of -90 gives its quadrature."""
        position = ((np.arange(n_pixels) + 0.5) / n_pixels - 0.5) * extent_deg
        x = position[None, None, :] - _column(self.x_deg)
        y = -position[None, :, None] - _column(self.y_deg)
        theta = np.deg2rad(_column(self.orientation_deg))
        along, across = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
        sigma = _column(self.sigma_deg)
        envelope = np.exp(
            -0.5 * ((across / sigma) ** 2 + (along / sigma / _column(self.aspect)) ** 2)
        )
        phase = np.deg2rad(_column(self.phase_deg) + phase_shift_deg)
        carrier = np.cos(2 * np.pi * _column(self.spatial_frequency_cpd) * across + phase)
        total = envelope.sum(axis=(1, 2), keepdims=True)
        mean = (envelope * carrier).sum(axis=(1, 2), keepdims=True) / total
        return 2 * envelope * (carrier - mean) / total


def draw_gabors(
    n_gabors: int,
    extent_deg: float,
    frequencies_cpd: tuple[float, float],
    rng: np.random.Generator,
) -> Gabors:
    """Draw Gabors of all orientations and phases, scattered over the middle of the image.

    Frequencies are uniform on a logarithmic axis. A product of sigma and frequency of 0.3 to 0.45
    makes a bandwidth of 1.2 to 1.9 octaves, and an aspect of 1 to 1.7 is usual too (Ringach, 2002,
    J Neurophysiol 88:455).
    """
    frequency_cpd = np.exp(rng.uniform(*np.log(frequencies_cpd), n_gabors))
    return Gabors(
        x_deg=rng.uniform(-extent_deg / 6, extent_deg / 6, n_gabors),
        y_deg=rng.uniform(-extent_deg / 6, extent_deg / 6, n_gabors),
        orientation_deg=rng.uniform(0, 180, n_gabors),
        spatial_frequency_cpd=frequency_cpd,
        phase_deg=rng.uniform(0, 360, n_gabors),
        sigma_deg=rng.uniform(0.3, 0.45, n_gabors) / frequency_cpd,
        aspect=rng.uniform(1.0, 1.7, n_gabors),
    )


def _column(values: Float[np.ndarray, " unit"]) -> Float[np.ndarray, "unit 1 1"]:
    return values[:, None, None]
