"""What spikes add to the potentials of a layer: one product for all ticks, and its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float

PARTS = (4, 3, 2, 1)
"""Into how many parts the sum over time and trials may be cut: each core then sums one."""


@jax.custom_vjp
def project(
    spikes: Float[Array, "time trial input"], weights: Float[Array, "input unit"]
) -> Float[Array, "time trial unit"]:
    """Return the weighted sum of the spikes of each tick.

    On a CPU XLA has a sum over thousands of terms done by one core, and the slower the fewer
    columns there are: so the gradient of the weights is written as sums of parts, turned over.

    Examples
    --------
    >>> project(jnp.ones((1, 1, 2)), jnp.array([[1.0], [2.0]])).tolist()
    [[[3.0]]]
    """
    return jnp.einsum("tbi,in->tbn", spikes, weights)


def _forward(spikes: Array, weights: Array) -> tuple[Array, tuple]:
    return project(spikes, weights), (spikes, weights)


def _backward(kept: tuple, slope: Array) -> tuple[Array, Array]:
    spikes, weights = kept
    n = next(parts for parts in PARTS if len(spikes) % parts == 0)
    heard, slopes = (values.reshape(n, -1, values.shape[-1]) for values in (spikes, slope))
    by_weights = jnp.einsum("pki,pkn->pni", heard, slopes).sum(axis=0).T
    return jnp.einsum("tbn,in->tbi", slope, weights), by_weights


project.defvjp(_forward, _backward)
