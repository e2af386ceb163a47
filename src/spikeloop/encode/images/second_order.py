"""Textures: filters on the amplitudes of filters, as in a scattering transform.

The amplitude of an oriented filter tells where an image holds an orientation and a scale. A second
bank of filters, coarser than the first, on maps of these amplitudes tells how they are laid out:
the borders of textures, curvature, and how densely something repeats.

Source: Bruna and Mallat (2013) IEEE Trans Pattern Anal Mach Intell 35:1872.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.images.filter_bank import (
    FilterBank,
    Scale,
    filters_of_scale,
    outputs,
    pool,
    scales,
    spectrum,
)

if TYPE_CHECKING:
    from jaxtyping import Array, Complex, Float

LONGER = 1.5
"""The least ratio of a second wavelength to the first."""


@dataclass(frozen=True)
class SecondOrder:
    """Settings of the second bank."""

    n_first_scales: int = 4
    """Of how many scales of the first bank, from the finest, the amplitudes are filtered again."""
    bank: FilterBank = field(
        default_factory=lambda: FilterBank(
            n_scales=4, n_orientations=4, finest_wavelength_px=6.0, scale_ratio=1.8
        )
    )
    """The second bank; its finest wavelength is at least 1.5 times that of the first filter."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            self.n_first_scales >= 1, f"n_first_scales={self.n_first_scales}: it must be 1 or more."
        )


def second_amplitudes(
    first: FilterBank,
    second: SecondOrder,
    pixels: Float[Array, "image y x"],
    n_places: int,
    floor: Float[Array, ""],
) -> Float[Array, "image channel place_y place_x"]:
    """Return the root of the amplitudes of the second bank, averaged over each place.

    Amplitudes far below `floor` count as if they were that: roots are smooth at zero. There are
    none where an image is smaller than the finest wavelength of the second bank.
    """
    shape = pixels.shape[1:]
    transformed = spectrum(pixels)
    pooled = [jnp.zeros((len(pixels), 0, n_places, n_places))]
    for scale in scales(first, *shape)[: second.n_first_scales]:
        maps = jnp.fft.fft2(_root(outputs(transformed, scale), floor))
        for above in _above(scale, second.bank, max(shape)):
            again = _root(outputs(maps, above), jnp.sqrt(floor))
            places = pool(again, above.grid, n_places, shape)
            pooled.append(places.reshape(len(pixels), -1, n_places, n_places))
    return jnp.concatenate(pooled, axis=1)


def _root(pair: Complex[Array, "..."], floor: Float[Array, ""]) -> Float[Array, "..."]:
    """Return the root of the amplitude of each pair, smooth where that is below the floor."""
    return (pair.real**2 + pair.imag**2 + floor**2) ** 0.25


def _above(scale: Scale, bank: FilterBank, longest_px: float) -> list[Scale]:
    """Return the second filters for the amplitudes of one scale."""
    shortest = max(LONGER * scale.wavelength_px, bank.finest_wavelength_px)
    wavelengths = shortest * bank.scale_ratio ** np.arange(bank.n_scales)
    return [
        filters_of_scale(bank, float(wavelength), scale.grid)
        for wavelength in wavelengths
        if wavelength <= longest_px
    ]
