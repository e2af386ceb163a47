"""What spikes add to the potentials of a layer: one product for all ticks, and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float

LANES = 8
"""Columns that a processor multiplies at a time: products of a multiple of them are faster."""


@jax.custom_vjp
def project(
    spikes: Float[Array, "*when input"], weights: Float[Array, "input unit"]
) -> Float[Array, "*when unit"]:
    """Return the weighted sum of the spikes of each tick.

    On a CPU a product of few columns is slow unless they fill its vectors, and so is the gradient
    of the weights, a sum over thousands of ticks and trials, unless it is written turned over.

    Examples
    --------
    >>> project(jnp.ones((1, 1, 2)), jnp.array([[1.0], [2.0]])).tolist()
    [[[3.0]]]
    """
    n_units = weights.shape[-1]
    return (spikes @ jnp.pad(weights, ((0, 0), (0, -n_units % LANES))))[..., :n_units]


def _forward(spikes: Array, weights: Array) -> tuple[Array, tuple]:
    return project(spikes, weights), (spikes, weights)


def _backward(kept: tuple, slope: Array) -> tuple[Array, Array]:
    spikes, weights = kept
    heard, slopes = (values.reshape(-1, values.shape[-1]) for values in (spikes, slope))
    return slope @ weights.T, jnp.einsum("ki,kn->ni", heard, slopes).T


project.defvjp(_forward, _backward)
