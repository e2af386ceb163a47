"""Gradients through spikes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons.surrogate import Surrogate, smooth_spikes

SHAPES = ("sigmoid", "fast_sigmoid", "arctan", "triangle")
X = np.linspace(-3.0, 3.0, 241)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slope", [0.3, 1.0, 5.0])
def test_derivative_is_that_of_the_smooth_function(shape, slope):
    surrogate, step = Surrogate(shape, slope), 1e-6
    jax.config.update("jax_enable_x64", True)
    try:
        rise = surrogate.smooth(jnp.asarray(X + step)) - surrogate.smooth(jnp.asarray(X - step))
        derivative = np.asarray(surrogate.derivative(X))
    finally:
        jax.config.update("jax_enable_x64", False)
    np.testing.assert_allclose(np.asarray(rise) / (2 * step), derivative, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_derivative_is_1_at_threshold_even_and_falls_off(shape):
    surrogate = Surrogate(shape, 2.0)
    values = np.asarray(surrogate.derivative(X))
    assert surrogate.derivative(0.0) == 1
    np.testing.assert_allclose(values, values[::-1], atol=1e-6)
    assert (np.diff(values[X >= 0]) <= 1e-7).all()
    np.testing.assert_allclose(values, Surrogate(shape, 1.0).derivative(2 * X), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_smooth_function_rises_from_0(shape):
    assert abs(float(Surrogate(shape, 0.5).smooth(-1e6))) < 1e-4


def test_spike_is_a_step_whose_gradient_is_the_surrogate():
    surrogate = Surrogate("arctan", 3.0)
    x = jnp.asarray(X, jnp.float32)
    np.testing.assert_array_equal(surrogate.spike(x), X >= 0)
    gradient = jax.vmap(jax.grad(surrogate.spike))(x)
    np.testing.assert_allclose(gradient, surrogate.derivative(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("spiked", "truth", "gradient"),
    [
        (lambda state, p: state[0] >= 1, 1.0, 1.0),
        (lambda state, p: state[0] > 1, 0.0, 1.0),
        (lambda state, p: state[0] <= 1, 1.0, -1.0),
        (lambda state, p: (state[0] > 1) * 2.0, 0.0, 2.0),
        (lambda state, p: (state[0] >= 1) & (state[1] < 0), 1.0, 1.0),
        (lambda state, p: (state[0] >= 1) & (state[1] > 0), 0.0, 0.0),
        (lambda state, p: jnp.logical_or(state[0] > 1, state[1] < 0), 1.0, 0.0),
        (lambda state, p: ~(state[0] < 1), 1.0, 1.0),
        (lambda state, p: jnp.where(state[0] >= 1, True, False), 1.0, 0.0),
        (lambda state, p: state[1] < 0, 1.0, 0.0),
    ],
)
def test_comparisons_have_values_and_gradients(spiked, truth, gradient):
    # At the threshold itself, where ">" and ">=" differ; the second variable is far below 0.
    fires = smooth_spikes(spiked, Surrogate("triangle", 1.0))
    value, slope = jax.value_and_grad(lambda v: fires((v, -9.0), None))(1.0)
    assert (float(value), float(slope)) == (truth, gradient)


def test_relaxed_spikes_are_smooth():
    surrogate = Surrogate("sigmoid", 4.0)
    fires = smooth_spikes(lambda state, p: state[0] >= p, surrogate, relaxed=True)
    np.testing.assert_allclose(fires((jnp.float32(0.3),), 0.5), surrogate.smooth(-0.2), rtol=1e-6)


def test_wrong_settings_are_refused():
    with pytest.raises(InvalidInputError, match="shape='box': choose one of sigmoid, fast_sig"):
        Surrogate("box")
    with pytest.raises(InvalidInputError, match=r"slope=0\.0: it must be above 0"):
        Surrogate(slope=0.0)
