"""The neurons of the virtual cortex: linear filters, an energy, and divisive normalization.

With c = (s - 0.5) / 0.5 the contrast of an image s, f a Gabor and f' its quadrature partner, the
drive of a unit is

    D = max(f . c, 0)^2                (simple: half-squaring)
    D = (f . c)^2 + (f' . c)^2         (complex: the energy of a quadrature pair)

and its rate is

    rate = baseline + gain D / (c50^2 + P)      P = mean over the pool of (g . c)^2 + (g' . c)^2

where the pool holds Gabors g of several orientations and frequencies at the unit's own place. At k
times the contrast, D and P are k^2 times what they were, so that the rate rises as k^2 and
saturates at baseline + gain D / P.

Source: Heeger (1992) Visual Neuroscience 9:181; Adelson and Bergen (1985) J Opt Soc Am A 2:284.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.simulate.cortex.receptive_fields import Gabors

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped

SIMPLE, COMPLEX, UNRESPONSIVE = "simple", "complex", "unresponsive"
BACKGROUND = 0.5
"""The grey that a blank screen shows; it drives nothing."""
POOL_ORIENTATIONS_DEG = (0.0, 45.0, 90.0, 135.0)
N_POOL_FREQUENCIES = 3


@dataclass(frozen=True, eq=False)
class VirtualResponseModel:
    """Rates of the units of a virtual cortex, exactly, for any images of its size.

    >>> model = VirtualResponseModel(
    ...     unit_ids=np.array([7]), is_complex=np.array([False]), filters=np.ones((1, 2, 2, 2)),
    ...     pool=np.zeros((1, 1, 2, 2, 2)), gain_hz=np.array([8.0]), baseline_hz=np.array([1.0]),
    ...     semisaturation_contrast=1.0)
    >>> model.rates(np.array([[[1.0, 0.5], [0.5, 0.5]], [[0.0, 0.5], [0.5, 0.5]]])).tolist()
    [[9.0], [1.0]]
    """

    unit_ids: Shaped[np.ndarray, " unit"]
    """(unit,) the columns of `rates`."""
    is_complex: Bool[np.ndarray, " unit"]
    """(unit,) true where the energy of both filters drives the unit, false where the first does."""
    filters: Float[np.ndarray, "unit phase y x"]
    """(unit, 2, y, x) the Gabor of each unit and its quadrature partner; zero where it has none."""
    pool: Float[np.ndarray, "unit pool phase y x"]
    """(unit, pool, 2, y, x) the quadrature pairs whose mean energy divides each drive."""
    gain_hz: Float[np.ndarray, " unit"]
    """(unit,) in spikes per second."""
    baseline_hz: Float[np.ndarray, " unit"]
    """(unit,) rate at a blank screen, in spikes per second."""
    semisaturation_contrast: float
    """c50 in the equation: where the root of P equals it, the response is half saturated."""

    def receptive_fields(self) -> Float[np.ndarray, "unit y x"]:
        """Return the first filter of each unit."""
        return self.filters[:, 0]

    def rates(self, pixels: Float[np.ndarray, "image y x"]) -> Float[np.ndarray, "image unit"]:
        """Return the rate of each unit while each image is shown, in spikes per second.

        Raises
        ------
        InvalidInputError
            The images are not of the size of the filters.
        """
        n_units, n_pool, _, height, width = self.pool.shape
        require(
            pixels.ndim == 3 and pixels.shape[1:] == (height, width),
            f"pixels has shape {pixels.shape}: this model wants (image, {height}, {width}). "
            "Crop or resize the images.",
        )
        contrast = ((pixels - BACKGROUND) / BACKGROUND).reshape(len(pixels), -1)
        own = (contrast @ _as_columns(self.filters)).reshape(-1, n_units, 2)
        energy = (contrast @ _as_columns(self.pool)) ** 2
        pooled = energy.reshape(-1, n_units, 2 * n_pool).sum(axis=2) / n_pool
        half_squared = np.maximum(own[:, :, 0], 0.0) ** 2
        drive = np.where(self.is_complex, (own**2).sum(axis=2), half_squared)
        return self.baseline_hz + self.gain_hz * drive / (self.semisaturation_contrast**2 + pooled)


def quadrature_pairs(
    gabors: Gabors, n_pixels: int, extent_deg: float
) -> Float[np.ndarray, "unit phase y x"]:
    """Return each Gabor and the same Gabor a quarter of a cycle later, (unit, 2, y, x)."""
    shifts_deg = (0.0, -90.0)
    phases = [gabors.filters(n_pixels, extent_deg, phase_shift_deg=shift) for shift in shifts_deg]
    return np.stack(phases, axis=1)


def normalization_pool(
    gabors: Gabors, frequencies_cpd: tuple[float, float], n_pixels: int, extent_deg: float
) -> Float[np.ndarray, "unit pool phase y x"]:
    """Return the pool of each unit: round Gabors at its place, of all orientations and frequencies.

    The frequencies run over the range that the population prefers, in equal ratios. Each Gabor
    keeps the cycles of its unit (sigma times frequency), so its size goes with the wavelength.
    """
    cycles = gabors.sigma_deg * gabors.spatial_frequency_cpd
    pairs = []
    for frequency_cpd in np.geomspace(*frequencies_cpd, N_POOL_FREQUENCIES):
        for orientation_deg in POOL_ORIENTATIONS_DEG:
            member = replace(
                gabors,
                orientation_deg=np.full(len(gabors), orientation_deg),
                spatial_frequency_cpd=np.full(len(gabors), frequency_cpd),
                sigma_deg=cycles / frequency_cpd,
                aspect=np.ones(len(gabors)),
            )
            pairs.append(quadrature_pairs(member, n_pixels, extent_deg))
    return np.stack(pairs, axis=1)


def _as_columns(filters: Float[np.ndarray, "..."]) -> Float[np.ndarray, "pixel filter"]:
    height, width = filters.shape[-2:]
    return filters.reshape(-1, height * width).T
