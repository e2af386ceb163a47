"""Quadrature pairs of oriented filters at several scales, and what they say of an image.

A filter is a log-Gabor in the plane of frequencies,

    F(f, theta) = exp(-ln(f / f0)^2 / (2 b^2)) exp(-(theta - theta0)^2 / (2 w^2))

that is all but zero in the half plane of opposite frequencies: its output is complex, the real and
imaginary parts are those of an even and an odd filter, and their length is the amplitude, the
square root of the energy of a complex cell. It has no response to a constant image. A coarse
filter's output varies slowly, and is computed on a coarse grid. Of n orientations, number k answers
gratings that vary along the angle k pi / n, from x towards greater y, which is downwards.

Source: Field (1987) J Opt Soc Am A 4:2379; Adelson and Bergen (1985) J Opt Soc Am A 2:284.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, repeat, takewhile
from operator import mul
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from scipy.fft import next_fast_len

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Complex, Float

SMALLEST = 1e-6
"""Keeps the gradient of an amplitude finite where it is zero; far below any that matters."""


MOST_SCALES, MOST_ORIENTATIONS = 32, 64
"""More filters would be nearly alike."""


@dataclass(frozen=True)
class FilterBank:
    """Settings of a bank of oriented filters."""

    n_scales: int = 6
    """How many scales, from fine to coarse; wavelengths that exceed the image are left out."""
    n_orientations: int = 8
    """How many orientations, evenly over half a turn."""
    finest_wavelength_px: float = 3.0
    """Wavelength of the finest scale, in pixels."""
    scale_ratio: float = 1.6
    """Ratio of the wavelengths of two scales."""
    bandwidth: float = 0.4
    """Standard deviation of the logarithm of frequency that a filter passes."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            1 <= self.n_scales <= MOST_SCALES,
            f"n_scales={self.n_scales}: between 1 and {MOST_SCALES}.",
        )
        require(
            3 <= self.n_orientations <= MOST_ORIENTATIONS,
            f"n_orientations={self.n_orientations}: between 3 and {MOST_ORIENTATIONS}, as fewer "
            "filters are so broad that they pass opposite frequencies, and tell phases apart.",
        )
        require(
            self.finest_wavelength_px >= 2,
            f"finest_wavelength_px={self.finest_wavelength_px}: pixels show no wavelength below 2.",
        )
        require(self.scale_ratio > 1, f"scale_ratio={self.scale_ratio}: it must be above 1.")
        require(self.bandwidth > 0, f"bandwidth={self.bandwidth}: it must be above 0.")

    def wavelengths_px(self, height: int, width: int) -> tuple[float, ...]:
        """Return the wavelengths that fit into an image, from fine to coarse."""
        finest = self.finest_wavelength_px
        every = accumulate(repeat(self.scale_ratio, self.n_scales - 1), mul, initial=finest)
        fitting = tuple(takewhile(lambda length: length <= max(height, width, 3), every))
        require(
            len(fitting) > 0,
            f"images of {height} x {width} pixels have no room for a finest wavelength of "
            f"{self.finest_wavelength_px:g} pixels. Make it shorter.",
        )
        return fitting


@dataclass(frozen=True)
class Grid:
    """Where the samples of a map lie in an image."""

    corner_px: tuple[float, float]
    """y and x of the first sample, in pixels."""
    extent_px: tuple[float, float]
    """Height and width that the samples cover, in pixels; beyond, the map repeats."""
    n_samples: tuple[int, int]
    """How many samples lie along y and along x."""


@dataclass(frozen=True, eq=False)
class Scale:
    """The filters of one scale, in the frequencies that they pass."""

    wavelength_px: float
    """What they prefer, in pixels."""
    transfer: Float[np.ndarray, "orientation fy fx"]
    """What each filter multiplies each frequency by, the lowest frequencies first, as in an FFT."""
    grid: Grid
    """Where in the image the samples of their outputs lie; some lie in the margin."""


@cache
def scales(bank: FilterBank, height: int, width: int) -> tuple[Scale, ...]:
    """Return the filters of a bank for images of this size, each mirrored into a margin."""
    padded = padded_shape(height, width)
    corner = tuple(-((n - side) // 2) for n, side in zip(padded, (height, width), strict=True))
    return tuple(
        filters_of_scale(bank, wavelength, Grid(corner, padded, padded))
        for wavelength in bank.wavelengths_px(height, width)
    )


def filters_of_scale(bank: FilterBank, wavelength_px: float, grid: Grid) -> Scale:
    """Return the filters of one wavelength for a map on this grid."""
    highest = np.exp(2 * bank.bandwidth) / wavelength_px
    sides = zip(grid.n_samples, grid.extent_px, strict=True)
    sizes = tuple(_enough(n, extent, highest) for n, extent in sides)
    fy, fx = (
        np.fft.fftfreq(m, 1 / m) / extent for m, extent in zip(sizes, grid.extent_px, strict=True)
    )
    return Scale(
        wavelength_px, _transfer(bank, wavelength_px, fy, fx), replace(grid, n_samples=sizes)
    )


def padded_shape(height: int, width: int) -> tuple[int, int]:
    """Return the size of an image with its margins, in which it is mirrored."""
    return tuple(
        next_fast_len(n + 2 * min(max(4, n // 7), n - 1), real=False) for n in (height, width)
    )


def _enough(n: int, extent_px: float, highest: float) -> int:
    """Return how many samples hold frequencies up to `highest`, in cycles per pixel; at most n."""
    m = next_fast_len(max(4, int(np.ceil(2 * highest * extent_px))))
    return min(m + m % 2, n)


def _transfer(bank: FilterBank, wavelength: float, fy: np.ndarray, fx: np.ndarray) -> np.ndarray:
    frequency = np.hypot(fy[:, None], fx)
    log_ratio = np.log(np.where(frequency > 0, frequency, 1.0) * wavelength)
    radial = np.where(frequency > 0, np.exp(-(log_ratio**2) / (2 * bank.bandwidth**2)), 0.0)
    angle = np.arctan2(fy[:, None], fx)
    centre = np.pi * np.arange(bank.n_orientations)[:, None, None] / bank.n_orientations
    distance = np.angle(np.exp(1j * (angle - centre)))
    spread = 0.85 * np.pi / bank.n_orientations
    return (radial * np.exp(-(distance**2) / (2 * spread**2))).astype(np.float32)


def spectrum(pixels: Float[Array, "... y x"]) -> Complex[Array, "... fy fx"]:
    """Return the Fourier transform of images that are mirrored into a margin."""
    height, width = pixels.shape[-2:]
    padding = [(0, 0)] * (pixels.ndim - 2)
    for n, m in zip((height, width), padded_shape(height, width), strict=True):
        before = (m - n) // 2
        padding.append((before, m - n - before))
    return jnp.fft.fft2(jnp.pad(pixels, padding, mode="reflect"))


def outputs(
    transformed: Complex[Array, "... fy fx"], scale: Scale
) -> Complex[Array, "... orientation row column"]:
    """Return what the quadrature pairs of one scale say of the images with this spectrum."""
    n_y, n_x = transformed.shape[-2:]
    m_y, m_x = scale.transfer.shape[-2:]
    rows, columns = _lowest(n_y, m_y), _lowest(n_x, m_x)
    band = transformed[..., rows[:, None], columns][..., None, :, :]
    return jnp.fft.ifft2(band * scale.transfer) * (m_y * m_x / (n_y * n_x))


def _lowest(n: int, m: int) -> np.ndarray:
    """Return where in a transform of `n` samples those of a transform of `m` stand."""
    return np.fft.fftfreq(m, 1 / m).astype(int) % n


def amplitude(pair: Complex[Array, "..."]) -> Float[Array, "..."]:
    """Return the length of each pair, with a gradient that is finite everywhere."""
    return jnp.sqrt(pair.real**2 + pair.imag**2 + SMALLEST**2)


def pool(
    maps: Float[Array, "... row column"], grid: Grid, n_places: int, shape: tuple[int, int]
) -> Float[Array, "... place_y place_x"]:
    """Average maps over Gaussian windows at evenly spaced places of an image.

    A window is as wide, in standard deviations, as 0.6 of the distance between two places. Samples
    in the margin do not count.
    """
    along_y, along_x = (_pooling(grid, axis, n_places, shape[axis]) for axis in (0, 1))
    return jnp.einsum("...yx,iy,jx->...ij", maps, along_y, along_x)


@cache
def _pooling(grid: Grid, axis: int, n_places: int, side_px: int) -> np.ndarray:
    """Return the weights (place, sample) of each window along one side; they sum to 1."""
    n = grid.n_samples[axis]
    at = grid.corner_px[axis] + np.arange(n) * (grid.extent_px[axis] / n)
    distance = side_px / n_places
    centre = (np.arange(n_places) + 0.5) * distance - 0.5
    inside = (at >= -0.5) & (at <= side_px - 0.5)
    weight = np.exp(-((at - centre[:, None]) ** 2) / (2 * (0.6 * distance) ** 2)) * inside
    return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
