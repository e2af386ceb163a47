"""A bank of quadrature filters with divisive normalization, and a linear readout of each unit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters, in_batches
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.bank_features import (
    BankFeatures,
    bank_features,
    mean_amplitude,
    to_unit_variance,
)
from spikeloop.encode.images.poisson_readout import expected, poisson_regression
from spikeloop.encode.images.windows import Windows
from spikeloop.numerics.ridge import ridge_regression, ridge_regression_with

if TYPE_CHECKING:
    from jaxtyping import Array, Float

IMAGES_TO_CHOOSE_BY = 1500
"""Windows and penalties are chosen by this many images, drawn at random, where there are more."""


@dataclass(frozen=True)
class GaborBank:
    """Amplitudes of quadrature pairs, divided by those around, and read out by ridge regression.

    The features are those of complex cells with normalization, and the luminance of each place. All
    units share them; each has its own weights, penalty and window, by leave-one-out errors.

    Source: Heeger (1992) Visual Neuroscience 9:181; Kay et al. (2008) Nature 452:352.
    """

    features: BankFeatures = field(default_factory=BankFeatures)
    """What the filters say of an image."""
    windows: Windows = field(default_factory=Windows)
    """Where a unit may look."""

    readout: Literal["ridge", "poisson"] = "ridge"
    """``"ridge"``: linear, by least squares. ``"poisson"``: a softplus of that, by the likelihood
    of Poisson counts, with the prior that ridge regression chose; slower."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            self.readout in ("ridge", "poisson"),
            f"readout={self.readout!r}: it must be 'ridge' or 'poisson'.",
        )

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Regress the mean counts on the features; chance decides which images choose windows."""
        data = training.joined(validation)
        amplitude = mean_amplitude(self.features, data.pixels)
        features = in_batches(partial(_features, self.features, amplitude), data.pixels)
        scaling = Scaling.of(features, self.features.shading)
        scaled = scaling.scaled(features)
        fitted = fit_in_windows(scaled, data, self.windows, seed=seed)
        found = {"weights": fitted.weights, "intercept": fitted.intercept}
        if self.readout == "poisson":
            found = _poisson(scaled, data, fitted, len(validation))
        weights = found["weights"] * scaling.factor
        parameters = found | {
            "weights": weights,
            "intercept": found["intercept"] - np.einsum("ucyx,cyx->u", weights, scaling.mean),
            "mean_amplitude": amplitude,
        }
        return Estimate(
            {name: jnp.asarray(array, dtype=jnp.float32) for name, array in parameters.items()},
            {"window": fitted.window, "penalty": fitted.penalty},
        )

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return what the weights say of the features; with ridge it may lie below zero."""
        features = bank_features(self.features, pixels, parameters["mean_amplitude"])
        drive = jnp.einsum("icyx,ucyx->iu", features, parameters["weights"])
        drive = drive + parameters["intercept"]
        return drive if self.readout == "ridge" else expected(drive, parameters["level"])


def _poisson(
    scaled: np.ndarray, data: ImageData, fitted: WindowedFit, n_validation: int
) -> dict[str, np.ndarray]:
    """Return the most probable weights for Poisson counts, by the prior of the ridge regression."""
    rows = scaled.reshape(len(scaled), -1)
    relevance = np.repeat(fitted.relevance[:, None], scaled.shape[1], axis=1)
    with np.errstate(divide="ignore"):
        precision = fitted.precision / relevance.reshape(len(relevance), -1).T
    n_trials = data.n_trials.astype(float)
    found = poisson_regression(rows, data.means, n_trials, precision, n_validation)
    return {
        "weights": found["weights"].T.reshape(len(relevance), *scaled.shape[1:]),
        "intercept": found["intercept"],
        "level": found["level"],
    }


@partial(jax.jit, static_argnums=0)
def _features(settings: BankFeatures, amplitude: float, pixels: jax.Array) -> jax.Array:
    return bank_features(settings, pixels, amplitude)


@dataclass(frozen=True, eq=False)
class Scaling:
    """What makes features have a mean of 0, filters the same variance, and luminance its share."""

    mean: Float[np.ndarray, "channel place_y place_x"]
    factor: Float[np.ndarray, "channel place_y place_x"]

    @classmethod
    def of(cls, features: np.ndarray, shading: float) -> Scaling:
        """Return the scaling of these features, of which the luminance is the last channel."""
        mean, factor = to_unit_variance(features)
        factor[-1] *= shading * np.sqrt(len(factor) - 1)
        return cls(mean, factor)

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Return scaled features."""
        return (features - self.mean) * self.factor


@dataclass(frozen=True, eq=False)
class WindowedFit:
    """One regression for each unit, in its window."""

    weights: Float[np.ndarray, "unit channel place_y place_x"]
    intercept: Float[np.ndarray, " unit"]
    window: Float[np.ndarray, " unit"]
    penalty: Float[np.ndarray, " unit"]
    precision: Float[np.ndarray, " unit"]
    """The inverse prior variance of a weight where the window is 1."""
    relevance: Float[np.ndarray, "unit place_y place_x"]
    """Each unit's window: what multiplies the prior variance of its weights."""


def fit_in_windows(
    features: Float[np.ndarray, "image channel place_y place_x"],
    data: ImageData,
    windows: Windows,
    *,
    seed: int,
) -> WindowedFit:
    """Regress each unit on the features in the window that suits it best.

    Where there are many images, windows and penalties are chosen by some of them: the variances of
    noise and of weights, of which a penalty is the ratio, are the same for all.
    """
    n_images, n_units = data.means.shape
    places = windows.weights(*features.shape[-2:])
    some = np.arange(n_images)
    if n_images > IMAGES_TO_CHOOSE_BY:
        some = np.sort(np.random.default_rng(seed).permutation(n_images)[:IMAGES_TO_CHOOSE_BY])
    of_some = data.select(some)
    tried = [ridge_regression(*_regressed(features[some], of_some, window)) for window in places]
    chosen = np.array([fitted.error for fitted in tried]).argmin(axis=0)
    weights = np.zeros((n_units, *features.shape[1:]), dtype=features.dtype)
    intercept, penalty, precision = np.zeros((3, n_units))
    for i in np.unique(chosen):
        units = np.flatnonzero(chosen == i)
        fitted = tried[i].of(units)
        found, intercept[units] = fitted.weights, fitted.intercept
        if len(some) < n_images:
            rows, means, n_trials = _regressed(features, data, places[i])
            found, intercept[units] = ridge_regression_with(
                rows, means[:, units], n_trials, fitted.absolute_penalty
            )
        weights[units] = _spread(found, places[i])
        penalty[units] = fitted.penalty
        precision[units] = fitted.absolute_penalty / np.maximum(fitted.error, 1e-12)
    return WindowedFit(weights, intercept, chosen, penalty, precision, places[chosen])


def _regressed(
    features: np.ndarray, data: ImageData, window: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what is regressed on what in one window: rows, targets, and weights of rows."""
    inside = window > 0
    rows = features[:, :, inside] * np.sqrt(window[inside]).astype(features.dtype)
    return (
        rows.reshape(len(rows), -1),
        data.means.astype(features.dtype),
        data.n_trials.astype(features.dtype),
    )


def _spread(weights: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the weights of features as they stand in the image, (unit, channel, y, x)."""
    inside = window > 0
    found = weights.T.reshape(weights.shape[1], -1, int(inside.sum()))
    spread = np.zeros((*found.shape[:2], *window.shape), dtype=weights.dtype)
    spread[:, :, inside] = found * np.sqrt(window[inside])
    return spread
