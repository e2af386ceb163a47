"""What training makes small: how unlikely the counts are, and how unlikely the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from spikeloop.encode.fitted import Parameters

LEAST_COUNT = 1e-6
"""Expected counts are held above this where their logarithm is taken."""
LAPLACE = jnp.array([[0.0, -1.0, 0.0], [-1.0, 4.0, -1.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class Penalties:
    """What weights cost. The loss is the mean over images of the sum over units."""

    smoothness: float = 0.0
    """Times half the mean squared Laplacian of the first kernels: rough filters cost."""
    group: float = 0.0
    """Times the mean norm of the later kernels: whole kernels are driven to zero."""
    sparsity: float = 0.0
    """Times the summed magnitudes of each unit's readout weights."""
    adaptive_spread: float = 0.0
    """Above 0: each unit's sparsity is multiplied by a learned factor, log-normal around 1 with
    this standard deviation, so that hard units are held tighter (Turishcheva et al. 2024)."""

    def __post_init__(self) -> None:
        require_settings(self)
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            require(value >= 0, f"{name}={value}: a penalty must be 0 or more.")

    def of_core(self, parameters: Parameters) -> Float[Array, ""]:
        """Return what the shared kernels cost."""
        total = jnp.zeros(())
        if self.smoothness:
            total += self.smoothness * roughness(parameters["core.0.kernel"])
        later = [
            jnp.sqrt((parameters[key] ** 2).sum(axis=(0, 1)) + 1e-12).ravel()
            for key in sorted(parameters)
            if key.endswith(".kernel") and key != "core.0.kernel"
        ]
        if self.group and later:
            total += self.group * jnp.concatenate(later).mean()
        return total

    def of_readout(
        self, magnitudes: Float[Array, " unit"], log_factor: Float[Array, " unit"]
    ) -> Float[Array, ""]:
        """Return what the units' own weights cost."""
        if not self.adaptive_spread:
            return self.sparsity * magnitudes.sum()
        prior = (log_factor**2).sum() / (2 * self.adaptive_spread**2)
        return self.sparsity * (jnp.exp(log_factor) * magnitudes).sum() + prior


def roughness(kernel: Float[Array, "ky kx channel out"]) -> Float[Array, ""]:
    """Return half the mean square of the kernels' Laplacian, with zeros around them.

    Examples
    --------
    >>> round(float(roughness(jnp.ones((1, 1, 1, 1)))), 3)
    8.0
    """
    padded = jnp.pad(kernel, ((1, 1), (1, 1), (0, 0), (0, 0)))
    height, width = kernel.shape[:2]
    bent = sum(
        LAPLACE[i, j] * padded[i : i + height, j : j + width] for i in range(3) for j in range(3)
    )
    return (bent**2).mean() / 2


def surprise(
    loss: str, parameters: Parameters, expected: Float[Array, "image unit"], counts: jax.Array
) -> Float[Array, "image unit"]:
    """Return the negative logarithm of the likelihood of counts, up to what no weight changes.

    ``poisson``: m - y log m. ``negative_binomial``: with variance m + m^2 / r, where the dispersion
    r of each unit is learned. ``gaussian``: (y - m)^2 / (2 v), where v is the variance of the unit
    over the training images.
    """
    if loss == "gaussian":
        return (counts - expected) ** 2 / (2 * parameters["variance"])
    expected = jnp.maximum(expected, LEAST_COUNT)
    if loss == "poisson":
        return expected - counts * jnp.log(expected)
    dispersion = jnp.exp(parameters["log_dispersion"])
    lgamma = jax.scipy.special.gammaln
    return (
        (counts + dispersion) * jnp.log(dispersion + expected)
        - counts * jnp.log(expected)
        - dispersion * parameters["log_dispersion"]
        + lgamma(dispersion)
        - lgamma(counts + dispersion)
    )
