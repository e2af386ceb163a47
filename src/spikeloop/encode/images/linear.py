"""Linear models of images: the filter of each unit, times the image, plus a constant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.windows import Windows
from spikeloop.numerics.ridge import ridge_regression
from spikeloop.numerics.smooth_prior import smooth_regression

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class Ridge:
    """Linear regression on the pixels, with a penalty on the squared weights.

    Each unit has the penalty with the least leave-one-out error, in closed form, from one
    decomposition that all units share. Training and validation images are used alike.

    Source: Hoerl and Kennard (1970) Technometrics 12:55; Allen (1974) Technometrics 16:125.
    """

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Regress the mean counts on the pixels; there is no chance in it."""
        data = training.joined(validation)
        fitted = ridge_regression(_rows(data), data.means, data.n_trials.astype(float))
        return _linear(data, fitted.weights, fitted.intercept, penalty=fitted.penalty)

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return what the filters say; it may lie below zero."""
        return filtered(parameters, pixels)


@dataclass(frozen=True)
class SmoothRidge:
    """Linear regression on the pixels whose filters are expected to be smooth and local.

    The weights have a Gaussian prior in which those of two pixels at a distance d are correlated by
    exp(-d^2 / (2 l^2)), and are large inside a window. Length l, window, size of the filter and
    noise are those that make the responses of a unit most probable (automatic smoothness
    determination, with locality).

    Source: Sahani and Linden (2003) NIPS 15:317; Park and Pillow (2011) PLoS Comput Biol
    7:e1002219.
    """

    lengths_px: tuple[float, ...] = (0.7, 1.0, 1.5, 2.2, 3.2, 4.7, 7.0)
    """Lengths to choose from, in pixels."""
    windows: Windows = field(default_factory=Windows)
    """Windows to choose from."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            len(self.lengths_px) > 0 and min(self.lengths_px) > 0,
            f"lengths_px={self.lengths_px}: give one or more lengths above 0.",
        )

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Regress the mean counts on the pixels; there is no chance in it."""
        data = training.joined(validation)
        fitted = smooth_regression(
            data.pixels.astype(np.float64),
            data.means,
            data.n_trials.astype(float),
            self.lengths_px,
            self.windows.weights(*data.pixels.shape[1:]),
        )
        weights = fitted.weights.reshape(-1, fitted.weights.shape[-1])
        return _linear(
            data, weights, fitted.intercept, length_px=fitted.length, window=fitted.window
        )

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return what the filters say; it may lie below zero."""
        return filtered(parameters, pixels)


def filtered(
    parameters: Parameters, pixels: Float[Array, "image y x"]
) -> Float[Array, "image unit"]:
    """Return each unit's filter times each image, plus its constant."""
    return jnp.einsum("iyx,uyx->iu", pixels, parameters["filters"]) + parameters["intercept"]


def _rows(data: ImageData) -> np.ndarray:
    return data.pixels.reshape(len(data), -1).astype(np.float64)


def _linear(
    data: ImageData, weights: np.ndarray, intercept: np.ndarray, **history: np.ndarray
) -> Estimate:
    filters = weights.T.reshape(-1, *data.pixels.shape[1:])
    parameters = {"filters": filters, "intercept": intercept}
    return Estimate(
        {name: jnp.asarray(array, dtype=jnp.float32) for name, array in parameters.items()}, history
    )
