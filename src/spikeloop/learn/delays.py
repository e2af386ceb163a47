"""Spikes that arrive later: a delay for each synapse, which training changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax

from spikeloop.learn.projection import project

if TYPE_CHECKING:
    from jaxtyping import Array, Float

NARROWEST_TICKS = 0.5
"""Width of the bumps at which training ends, in ticks."""


def arrivals(
    delays_ticks: Float[Array, "input unit"], width_ticks: Float[Array, ""], n_lags: int
) -> Float[Array, "lag input unit"]:
    r"""Return how much of a spike arrives so many ticks later.

    All of it in the tick nearest to the delay where the width is 0. A delay has no gradient then:
    so training spreads a spike over a Gaussian bump of width :math:`\sigma` around the delay
    :math:`d`, cut off at the ends,

    .. math:: g_l = \frac{e^{-(l - d)^2 / 2 \sigma^2}}{\sum_k e^{-(k - d)^2 / 2 \sigma^2}}

    and makes it narrower from epoch to epoch.

    Source: Hammouamri, Khalfaoui-Hassani and Masquelier 2024, Learning delays in spiking neural
    networks using dilated convolutions with learnable spacings, ICLR.

    Examples
    --------
    >>> arrivals(jnp.array([[0.0, 1.6]]), jnp.array(0.0), 3).tolist()
    [[[1.0, 0.0]], [[0.0, 0.0]], [[0.0, 1.0]]]
    """
    apart = jnp.arange(n_lags)[:, None, None] - delays_ticks
    wide = jnp.maximum(width_ticks, NARROWEST_TICKS)
    bumps = jax.nn.softmax(-(apart**2) / (2 * wide**2), axis=0)
    nearest = (jnp.arange(n_lags)[:, None, None] == jnp.round(delays_ticks)) * 1.0
    return jnp.where(width_ticks > 0, bumps, nearest)


@jax.custom_vjp
def project_late(
    spikes: Float[Array, "time trial input"], kernel: Float[Array, "lag input unit"]
) -> Float[Array, "time+late trial unit"]:
    """Return the weighted sum of the spikes that arrive in each tick, and in the ticks after.

    `kernel` has the weights as they arrive so many ticks later. A loop over lags, forth and back:
    written as one convolution it would be many times slower on a CPU.

    Examples
    --------
    >>> spikes = jnp.array([1.0, 0.0, 1.0]).reshape(3, 1, 1)
    >>> project_late(spikes, jnp.array([0.5, 0.0, 2.0]).reshape(3, 1, 1)).ravel().tolist()
    [0.5, 0.0, 2.5, 0.0, 2.0]
    """
    n_ticks, n_trials, _ = spikes.shape
    n_lags, _, n_units = kernel.shape

    def add(total: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        lag, weights = now
        window = lax.dynamic_slice_in_dim(total, lag, n_ticks) + project(spikes, weights)
        return lax.dynamic_update_slice_in_dim(total, window, lag, 0), None

    none = jnp.zeros((n_ticks + n_lags - 1, n_trials, n_units), spikes.dtype)
    return lax.scan(add, none, (jnp.arange(n_lags), kernel))[0]


def _forward(spikes: Array, kernel: Array) -> tuple[Array, tuple]:
    return project_late(spikes, kernel), (spikes, kernel)


def _backward(kept: tuple, slope: Array) -> tuple[Array, Array]:
    spikes, kernel = kept
    n_ticks, lags = len(spikes), jnp.arange(len(kernel))
    heard = spikes.reshape(-1, spikes.shape[-1])

    def by_weights(lag: Array) -> Array:
        arrived = lax.dynamic_slice_in_dim(slope, lag, n_ticks).reshape(-1, slope.shape[-1])
        return jnp.einsum("ki,kn->ni", heard, arrived).T

    def by_spikes(total: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        lag, weights = now
        return total + lax.dynamic_slice_in_dim(slope, lag, n_ticks) @ weights.T, None

    sum_ = lax.scan(by_spikes, jnp.zeros_like(spikes), (lags, kernel))[0]
    return sum_, lax.map(by_weights, lags)


project_late.defvjp(_forward, _backward)


def with_late(
    arriving: Float[Array, "time+late trial unit"], before: Float[Array, "late trial unit"]
) -> tuple[Float[Array, "time trial unit"], Float[Array, "late trial unit"]]:
    """Return what arrives now and what comes later, given what was still to come before.

    Examples
    --------
    >>> arriving = jnp.array([1.0, 0.0, 0.0])[:, None, None]
    >>> now, later = with_late(arriving, jnp.array([5.0, 7.0])[:, None, None])
    >>> now.ravel().tolist(), later.ravel().tolist()
    ([6.0], [7.0, 0.0])
    """
    total = arriving.at[: len(before)].add(before)
    n_ticks = len(total) - len(before)
    return total[:n_ticks], total[n_ticks:]
