"""Dale's law: each unit excites or inhibits, and training never changes which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float

SMALLEST = 1e-3
"""A magnitude before training is at least this share of the largest one: a weight of 0 stays there
under some constraints."""
LEAST_SHARE = 1e-6
"""Exponentiated gradients keep magnitudes above this share of b, as 0 would never grow again."""
MOST_LOG_STEP = 1.0
"""Exponentiated gradients change a weight at most by this factor of e in a step."""


@dataclass(frozen=True)
class DalesLaw:
    r"""Weights are a magnitude, 0 or more, times the sign of the unit that they come from.

    A weight is :math:`w_{ij} = \sigma_i m_{ij}`, with :math:`\sigma_i` the sign of sender
    :math:`i`, and the magnitude made of what training changes, :math:`\theta`, with :math:`b` one
    over the square root of the number of senders:

    ====================== ===================================== ================================
    form                   magnitude                             a step
    ====================== ===================================== ================================
    softplus               :math:`b \ln(1 + e^{\theta})`         :math:`\theta + \delta`
    absolute               :math:`|\theta|`                      :math:`\theta + b \delta`
    projection             :math:`\theta`                        :math:`\max(\theta + b \delta, 0)`
    exponentiated_gradient :math:`\theta`                        :math:`\theta e^{\delta}`
    ====================== ===================================== ================================

    with :math:`\delta` the step of the optimizer, for the gradient by :math:`\theta`.

    Sources: Song, Yang and Wang 2016, PLoS Computational Biology 12:e1004792; Cornford et al. 2024,
    Brain-like learning with exponentiated gradients, bioRxiv 2024.10.25.620272.

    Examples
    --------
    >>> DalesLaw(0.5).signs(4).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """

    inhibitory: float = 0.5
    """Share of the units of each layer, and of the inputs, that inhibit: from 0 to 1."""
    form: Literal["softplus", "absolute", "projection", "exponentiated_gradient"] = "softplus"
    """How magnitudes stay 0 or more."""
    placed: Literal["spread", "first"] = "spread"
    """Inhibitory units lie among the others, or come first (as in the original experiment, where at
    0.5 all of them were in one ear)."""
    balanced: bool = True
    """Magnitudes before training make excitation and inhibition equal on average, where there are
    both: those of the fewer are larger."""
    scale: float = 3.0
    """Magnitudes before training are uniform, up to this times b: where it is larger, units fire
    more from the start."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            0 <= self.inhibitory <= 1,
            f"inhibitory={self.inhibitory}: it is a share, from 0 to 1.",
        )
        require(self.scale > 0, f"scale={self.scale}: it must be above 0.")

    def once_begun(self) -> DalesLaw:
        """Return the constraint without what only matters where weights begin."""
        return DalesLaw(form=self.form)

    def signs(self, n_units: int) -> Float[np.ndarray, " unit"]:
        """Return 1 for units that excite, and -1 for those that inhibit."""
        n_inhibitory = round(self.inhibitory * n_units)
        if self.placed == "first":
            inhibits = np.arange(n_units) < n_inhibitory
        else:
            # Where the running total of the share passes a whole number.
            inhibits = np.diff(np.floor(np.arange(n_units + 1) * n_inhibitory / n_units)) > 0
        return np.where(inhibits, -1.0, 1.0).astype(np.float32)

    def begin(
        self, rng: np.random.Generator, signs: Float[np.ndarray, " unit"], n_to: int
    ) -> Float[np.ndarray, "unit to"]:
        """Return what training changes, before it, from which `magnitudes` makes the sizes."""
        largest = 1 / math.sqrt(len(signs))
        drawn = rng.uniform(SMALLEST, 1, (len(signs), n_to)).astype(np.float32)
        drawn *= self.scale * largest
        if self.balanced and 0 < (signs < 0).sum() < len(signs):
            alike = np.where(signs < 0, (signs < 0).sum(), (signs > 0).sum())
            drawn *= (len(signs) / (2 * alike))[:, None]
        if self.form == "softplus":
            return before_softplus(drawn / largest)
        return drawn

    def magnitudes(self, theta: Float[Array, "unit to"]) -> Float[Array, "unit to"]:
        """Return the size of each weight, 0 or more."""
        if self.form == "softplus":
            return jax.nn.softplus(theta) / math.sqrt(theta.shape[-2])
        return jnp.abs(theta) if self.form == "absolute" else theta

    def weights(
        self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]
    ) -> Float[Array, "unit to"]:
        """Return the weights, each with the sign of its sender."""
        return signs[..., None] * self.magnitudes(theta)

    def split(
        self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]
    ) -> tuple[Float[Array, "unit to"], Float[Array, "unit to"]]:
        """Return excitation and inhibition, each 0 or more."""
        weights = self.weights(theta, signs)
        return jnp.maximum(weights, 0), jnp.maximum(-weights, 0)

    def keeps(
        self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]
    ) -> Bool[Array, ""]:
        """Return whether each sender has a sign, and each weight the one of its sender."""
        return (abs(signs) == 1).all() & (self.magnitudes(theta) >= 0).all()

    def moved(
        self, theta: Float[Array, "unit to"], step: Float[Array, "unit to"]
    ) -> Float[Array, "unit to"]:
        """Return what training changes, after a step of the optimizer."""
        scale = 1 / math.sqrt(theta.shape[-2])
        if self.form == "softplus":
            return theta + step
        if self.form == "absolute":
            return theta + scale * step
        if self.form == "projection":
            return jnp.maximum(theta + scale * step, 0)
        grown = theta * jnp.exp(jnp.clip(step, -MOST_LOG_STEP, MOST_LOG_STEP))
        return jnp.maximum(grown, LEAST_SHARE * scale)


def before_softplus(values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return what softplus makes these of; they are above 0.

    >>> jax.nn.softplus(before_softplus(np.array([0.5, 100.0]))).round(5).tolist()
    [0.5, 100.0]
    """
    return values + np.log(-np.expm1(-values))  # log(e^x - 1), however large x


@dataclass(frozen=True)
class AnySign:
    """No constraint: a unit may excite some and inhibit others."""

    scale: float = 3.0
    """Weights before training are uniform within plus and minus this over the root of senders."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.scale > 0, f"scale={self.scale}: it must be above 0.")

    def once_begun(self) -> AnySign:
        """Return the constraint without what only matters where weights begin."""
        return AnySign()

    def signs(self, n_units: int) -> Float[np.ndarray, " unit"]:
        """Return 0 for each unit: none has a sign."""
        return np.zeros(n_units, np.float32)

    def begin(
        self, rng: np.random.Generator, signs: Float[np.ndarray, " unit"], n_to: int
    ) -> Float[np.ndarray, "unit to"]:
        """Return the weights before training."""
        largest = self.scale / math.sqrt(len(signs))
        return rng.uniform(-largest, largest, (len(signs), n_to))

    def weights(
        self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]
    ) -> Float[Array, "unit to"]:
        """Return the weights."""
        return theta

    def split(
        self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]
    ) -> tuple[Float[Array, "unit to"], Float[Array, "unit to"]]:
        """Return excitation and inhibition, each 0 or more."""
        weights = self.weights(theta, signs)
        return jnp.maximum(weights, 0), jnp.maximum(-weights, 0)

    def keeps(self, theta: Float[Array, "unit to"], signs: Float[Array, " unit"]) -> bool:
        """Return that any weight will do."""
        return True

    def moved(
        self, theta: Float[Array, "unit to"], step: Float[Array, "unit to"]
    ) -> Float[Array, "unit to"]:
        """Return the weights after a step of the optimizer."""
        return theta + step / math.sqrt(theta.shape[-2])
