"""The product of spikes and weights, whose gradient is written by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.learn.projection import LANES, project


def plain(spikes, weights):
    return jnp.einsum("tbi,in->tbn", spikes, weights)


@pytest.mark.parametrize("n_units", [1, 4, LANES, LANES + 1])
@pytest.mark.parametrize("n_ticks", [1, 7])
def test_value_and_gradients_are_those_of_the_plain_product(n_ticks, n_units):
    rng = np.random.default_rng(n_ticks)
    spikes = jnp.asarray(rng.random((n_ticks, 3, 6)) < 0.4, jnp.float32)
    weights, scale = (
        jnp.asarray(rng.normal(size=shape), jnp.float32)
        for shape in ((6, n_units), (n_ticks, 3, n_units))
    )

    def both(product):
        value, back = jax.vjp(product, spikes, weights)
        return value, *back(scale)

    for found, wanted in zip(both(project), both(plain), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_many_networks_are_each_one():
    rng = np.random.default_rng(0)
    spikes = jnp.asarray(rng.random((8, 2, 5)), jnp.float32)
    weights = jnp.asarray(rng.normal(size=(3, 5, 4)), jnp.float32)
    slopes = [
        jax.vmap(jax.grad(lambda w, of=of: (of(spikes, w) ** 2).sum()))(weights)
        for of in (project, plain)
    ]
    np.testing.assert_allclose(*slopes, rtol=1e-4)
