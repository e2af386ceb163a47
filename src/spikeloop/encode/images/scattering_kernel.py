"""Two banks of filters, one on the other, and a regression on the likeness of images.

The features are the divided amplitudes of a bank of filters, the amplitudes of a second bank on the
first (`second_order.py`), and the luminance of each place. Two images are alike, in a window, by

    k(a, b) = exp(-g d(a, b)^2 / m)

with the distance d between their features inside the window, and m the median of its square over
pairs of training images. Ridge regression with this kernel is the mean of a Gaussian process. It
answers combinations of features that a linear readout cannot, and needs no more than a thousand
images.

Source: Bruna and Mallat (2013) IEEE Trans Pattern Anal Mach Intell 35:1872; Rasmussen and Williams
(2006) Gaussian Processes for Machine Learning, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters, in_batches
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.bank_features import (
    ROUNDING,
    BankFeatures,
    divided,
    luminance,
    mean_amplitude,
    pooled_amplitudes,
    to_unit_variance,
)
from spikeloop.encode.images.second_order import SecondOrder, second_amplitudes
from spikeloop.encode.images.windows import Windows
from spikeloop.numerics.ridge import kernel_ridge_regression

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class ScatteringKernel:
    """Gaussian-process regression on the amplitudes of two banks of filters."""

    features: BankFeatures = field(
        default_factory=lambda: BankFeatures(n_places=6, exponents=(0.5,))
    )
    """The first bank, and what is made of it."""
    second: SecondOrder = field(default_factory=SecondOrder)
    """The bank on the amplitudes of the first."""
    second_weight: float = 1.0
    """Variance of all features of the second bank at a place, where that of the first is 1."""
    sharpness: float = 0.5
    """g in the kernel: how fast likeness falls with distance."""
    windows: Windows = field(default_factory=Windows)
    """Where a unit may look."""
    most_images: int = 2000
    """How many images, drawn at random, are compared with, where there are more."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.second_weight >= 0, f"second_weight={self.second_weight}: give 0 or more.")
        require(self.sharpness > 0, f"sharpness={self.sharpness}: it must be above 0.")
        require(self.most_images >= 20, f"most_images={self.most_images}: it must be 20 or more.")

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Regress the mean counts on likeness; chance decides which of many images are used."""
        data = training.joined(validation)
        if len(data) > self.most_images:
            order = np.random.default_rng(seed).permutation(len(data))
            data = data.select(np.sort(order[: self.most_images]))
        level = mean_amplitude(self.features, data.pixels)
        raw = in_batches(partial(_raw_features, self, level), data.pixels)
        mean, factor = self._scaling(raw, data.pixels.shape[1:])
        examples = (raw - mean) * factor
        fitted = self._in_best_windows(examples, data)
        parameters = {
            "mean_amplitude": level,
            "mean": mean,
            "factor": factor,
            "examples": examples,
            **fitted,
        }
        return Estimate(
            {name: jnp.asarray(array, dtype=jnp.float32) for name, array in parameters.items()},
            {"window": fitted["in_window"].argmax(axis=0)},
        )

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return what the likeness to the images that were learned from says of each image."""
        raw = _features(self, parameters["mean_amplitude"], pixels)
        features = (raw - parameters["mean"]) * parameters["factor"]
        counts = jnp.zeros((len(pixels), len(parameters["intercept"]))) + parameters["intercept"]
        for i, window in enumerate(self.windows.weights(*parameters["examples"].shape[-2:])):
            distance = squared_distance(features, parameters["examples"], window)
            kernel = jnp.exp(-self.sharpness * distance / parameters["median_distance"][i])
            counts += kernel @ (parameters["weights"] * parameters["in_window"][i])
        return counts

    def _scaling(self, raw: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of each feature, and what makes the variances of each group as set."""
        mean, factor = to_unit_variance(raw)
        n_first = self.features.n_channels(*shape)
        factor[:n_first] /= np.sqrt(n_first)
        factor[n_first:-1] *= np.sqrt(self.second_weight / max(len(factor) - n_first - 1, 1))
        factor[-1] *= self.features.shading
        return mean, factor

    def _in_best_windows(self, examples: np.ndarray, data: ImageData) -> dict[str, np.ndarray]:
        """Return the regression of each unit in the window with its least leave-one-out error."""
        n_images, n_units = data.means.shape
        every = self.windows.weights(*examples.shape[-2:])
        least = np.full(n_units, np.inf)
        weights, intercept = np.zeros((n_images, n_units)), np.zeros(n_units)
        median, chosen = np.ones(len(every)), np.zeros(n_units, dtype=int)
        for i, window in enumerate(every):
            distance = np.asarray(squared_distance(examples, examples, window), dtype=np.float64)
            # Where most pairs look the same, as in a grey surround, any unit of distance will do.
            median[i] = np.median(distance[np.triu_indices(n_images, 1)]) or 1.0
            kernel = np.exp(-self.sharpness * distance / median[i])
            fitted = kernel_ridge_regression(kernel, data.means, data.n_trials.astype(float))
            better = fitted.error < least
            weights[:, better], intercept[better] = (
                fitted.weights[:, better],
                fitted.intercept[better],
            )
            least[better], chosen[better] = fitted.error[better], i
        return {
            "weights": weights,
            "intercept": intercept,
            "median_distance": median,
            "in_window": chosen == np.arange(len(every))[:, None],
        }


def squared_distance(
    a: Float[Array, "a channel place_y place_x"],
    b: Float[Array, "b channel place_y place_x"],
    window: Float[np.ndarray, "place_y place_x"],
) -> Float[Array, "a b"]:
    """Return the squared distance of features, each place weighted as in the window."""
    inside = np.flatnonzero(window.ravel() > 0)
    root = np.sqrt(window.ravel()[inside]).astype(np.float32)
    a, b = ((x.reshape(*x.shape[:2], -1)[:, :, inside] * root).reshape(len(x), -1) for x in (a, b))
    products = jnp.dot(a, b.T, precision="highest")
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * products
    return jnp.maximum(squared, 0.0)


def _features(
    model: ScatteringKernel, level: Float[Array, ""], pixels: Float[Array, "image y x"]
) -> Float[Array, "image channel place_y place_x"]:
    first, n_places = model.features, model.features.n_places
    return jnp.concatenate(
        [
            divided(first, pooled_amplitudes(first, pixels), level),
            second_amplitudes(first.bank, model.second, pixels, n_places, ROUNDING * level),
            luminance(first, pixels),
        ],
        axis=1,
    )


_raw_features = jax.jit(_features, static_argnums=0)
