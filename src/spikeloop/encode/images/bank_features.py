"""What a bank of filters says of places: energies, divided by those around, and shading."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import in_batches
from spikeloop.encode.images.filter_bank import (
    FilterBank,
    Grid,
    amplitude,
    outputs,
    pool,
    scales,
    spectrum,
)

if TYPE_CHECKING:
    from jaxtyping import Array, Float

IMAGES_FOR_MEAN = 1000
"""At most so many images tell the mean amplitude."""
ROUNDING = 0.1
"""Divided amplitudes far below this count as if they were this: powers are smooth at zero."""


@dataclass(frozen=True)
class BankFeatures:
    """Settings of the features that a bank of filters gives."""

    bank: FilterBank = field(default_factory=FilterBank)
    """The filters."""
    n_places: int = 8
    """At how many places along each side of an image the amplitudes are averaged."""
    semisaturation: float = 1.0
    """Amplitude at which the division by the amplitudes of all filters at a place has half its
    effect, in units of their mean over training images."""
    exponents: tuple[float, ...] = (0.5, 2.0)
    """Powers of the divided amplitudes; each is a feature of its own."""
    shading: float = 0.5
    """Root of the variance that luminance has at a place, where that of all filters is 1."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.n_places >= 1, f"n_places={self.n_places}: it must be 1 or more.")
        require(
            self.semisaturation > 0, f"semisaturation={self.semisaturation}: it must be above 0."
        )
        require(
            len(self.exponents) > 0 and min(self.exponents) > 0,
            f"exponents={self.exponents}: give one or more powers above 0.",
        )
        require(self.shading >= 0, f"shading={self.shading}: it must be 0 or more.")

    def n_channels(self, height: int, width: int) -> int:
        """Return how many features the filters that fit into an image give at each place."""
        n_filters = len(self.bank.wavelengths_px(height, width)) * self.bank.n_orientations
        return n_filters * len(self.exponents)


def pooled_amplitudes(
    settings: BankFeatures, pixels: Float[Array, "image y x"]
) -> Float[Array, "image channel place_y place_x"]:
    """Return the amplitude of each filter of a bank, averaged over each place of an image."""
    shape = pixels.shape[1:]
    transformed = spectrum(pixels)
    pooled = []
    for scale in scales(settings.bank, *shape):
        maps = amplitude(outputs(transformed, scale))
        pooled.append(pool(maps, scale.grid, settings.n_places, shape))
    return jnp.concatenate(pooled, axis=1)


def divided(
    settings: BankFeatures,
    amplitudes: Float[Array, "image channel place_y place_x"],
    mean_amplitude: float | Float[Array, ""],
) -> Float[Array, "image channel place_y place_x"]:
    r"""Return amplitudes divided by those of all filters at the same place.

    .. math:: \left(\frac{A_k}{s \bar A + \mathrm{mean}_j A_j}\right)^p

    after the normalization model (Heeger 1992, who squares them all), with the semisaturation s,
    the mean amplitude over training images, and each exponent p.
    """
    around = amplitudes.mean(axis=1, keepdims=True)
    ratio = amplitudes / (settings.semisaturation * mean_amplitude + around)
    smooth = ratio**2 + ROUNDING**2
    return jnp.concatenate([smooth ** (exponent / 2) for exponent in settings.exponents], axis=1)


def luminance(
    settings: BankFeatures, pixels: Float[Array, "image y x"]
) -> Float[Array, "image 1 place_y place_x"]:
    """Return the mean of the pixels at each place."""
    shape = pixels.shape[1:]
    grid = Grid((0.0, 0.0), shape, shape)
    return pool(pixels[:, None], grid, settings.n_places, shape)


def bank_features(
    settings: BankFeatures, pixels: Float[Array, "image y x"], mean_amplitude: Float[Array, ""]
) -> Float[Array, "image channel place_y place_x"]:
    """Return the divided amplitudes of a bank, and the luminance as a last channel."""
    features = divided(settings, pooled_amplitudes(settings, pixels), mean_amplitude)
    return jnp.concatenate([features, luminance(settings, pixels)], axis=1)


def to_unit_variance(
    features: Float[np.ndarray, "image channel place_y place_x"],
) -> tuple[
    Float[np.ndarray, "channel place_y place_x"], Float[np.ndarray, "channel place_y place_x"]
]:
    """Return the mean of each feature, and one over its spread: 0 where it never varies."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    return mean, 1 / np.where(spread > 1e-6 * np.abs(mean).max(), spread, np.inf)


def mean_amplitude(settings: BankFeatures, pixels: Float[np.ndarray, "image y x"]) -> float:
    """Return the mean over images, filters and places of the pooled amplitudes.

    Of many images, some that are evenly spaced among them are taken.
    """
    some = pixels[:: -(-len(pixels) // IMAGES_FOR_MEAN)]
    return float(in_batches(partial(_pooled_amplitudes, settings), some).mean(dtype=np.float64))


_pooled_amplitudes = jax.jit(pooled_amplitudes, static_argnums=0)
