"""From what a filter says to an expected count: a curve for each unit.

    count = base + gain softplus(s (g - t)) / s

It is flat below the threshold t, rises with the slope `gain` above it, and turns as sharply as s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.encode.fitted import Parameters

if TYPE_CHECKING:
    from jaxtyping import Array, Float

SHARPEST = 30.0
"""The greatest sharpness, per standard deviation of what the filter says."""
FEWEST_ABOVE = 10
"""Of how many images a filter must say more than a threshold: the slope beyond it is theirs."""


def curved(curve: Parameters, drive: Float[Array, "image unit"]) -> Float[Array, "image unit"]:
    """Return the expected counts for what the filters say."""
    standard = (drive - curve["curve.mean"]) / curve["curve.spread"]
    bent = jax.nn.softplus(curve["curve.sharpness"] * (standard - curve["curve.threshold"]))
    return curve["curve.base"] + curve["curve.gain"] * bent / curve["curve.sharpness"]


def fit_curves(
    drive: Float[np.ndarray, "image unit"],
    means: Float[np.ndarray, "image unit"],
    n_trials: Float[np.ndarray, " image"],
) -> dict[str, np.ndarray]:
    """Return the curve of each unit with the least squared error, images weighted by their trials.

    Base and gain follow from threshold and sharpness by linear regression, so that only
    these two are searched, on a grid that all units share.

    Parameters
    ----------
    drive
        What the filter of each unit says of each image, by a fit that did not see the image.
    means, n_trials
        What each unit answered, and in how many trials.
    """
    centre, spread = drive.mean(axis=0), drive.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard = (drive - centre) / spread
    weight = (n_trials / n_trials.sum())[:, None]
    level = np.sum(weight * means, axis=0)
    n_units = means.shape[1]
    least = np.full(n_units, np.inf)
    names = ("base", "gain", "threshold", "sharpness")
    best = {name: np.zeros(n_units) for name in names}
    for sharpness in np.geomspace(0.3, SHARPEST, 9):
        for threshold in np.linspace(-2.5, 2.5, 21):
            bent = np.logaddexp(0.0, sharpness * (standard - threshold)) / sharpness
            middle = np.sum(weight * bent, axis=0)
            power = np.sum(weight * (bent - middle) ** 2, axis=0)
            product = np.sum(weight * (bent - middle) * (means - level), axis=0)
            gain = np.maximum(product, 0.0) / np.where(power > 1e-12, power, np.inf)
            error = gain**2 * power - 2 * gain * product
            enough = (standard > threshold).sum(axis=0) >= min(FEWEST_ABOVE, len(standard))
            better = (error < least) & (enough | np.isinf(least))
            least[better] = error[better]
            found = (level - gain * middle, gain, threshold, sharpness)
            for name, value in zip(names, found, strict=True):
                best[name][better] = np.broadcast_to(value, n_units)[better]
    best |= {"mean": centre, "spread": spread}
    return {f"curve.{name}": value for name, value in best.items()}


def plain(parameters: dict[str, np.ndarray]) -> dict[str, jax.Array]:
    """Return parameters in single precision."""
    return {name: jnp.asarray(value, dtype=jnp.float32) for name, value in parameters.items()}
