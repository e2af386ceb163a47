import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.encode.network.normalization import normalized
from spikeloop.encode.network.stack import NONLINEARITIES

VALUES, SLOPE = (np.random.default_rng(seed).normal(size=(3, 4, 5, 2)) for seed in (1, 2))
GAIN, SHIFT = jnp.asarray([0.5, -2.0]), jnp.asarray([0.3, 0.1])


def plain(values, gain, shift, activate):
    mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
    return activate(gain * (values - mean) / jnp.sqrt(variance + 1e-5) + shift)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_values_and_gradients_are_those_of_the_plain_formula(name):
    activate = NONLINEARITIES[name]

    def found(f):
        def of(*inputs):
            return (f(*inputs) * SLOPE).sum()

        inputs = 2 * VALUES + 1, GAIN, SHIFT
        return f(*inputs), jax.jit(jax.grad(of, argnums=(0, 1, 2)))(*inputs)

    own = found(lambda *inputs: normalized(*inputs, activate)[0])
    wanted = found(lambda *inputs: plain(*inputs, activate))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), own, wanted)


def test_moments_are_exact_far_from_zero():
    far = (1e4 + VALUES).astype(np.float32)
    _, mean, variance = normalized(far, GAIN, SHIFT, NONLINEARITIES["none"])
    exact = far.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(variance, exact.var(axis=(0, 1, 2)), rtol=1e-4)
