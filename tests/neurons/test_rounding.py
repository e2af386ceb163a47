"""Arithmetic of JAX that rounds as NumPy and numba do."""

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest

from spikeloop.neurons import numba_names
from spikeloop.neurons.elementary import ELEMENTARY
from spikeloop.neurons.retracing import done, retraced
from spikeloop.neurons.rounding import as_written

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 100_000)).astype(np.float32)


def rounded(function, *arguments):
    def run(zero, *arguments):
        return as_written(function, zero)(*arguments)

    return np.asarray(jax.jit(run)(np.int32(0), *arguments))


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, y: x * y + x,
        lambda x, y: x * y - y * x * x,
        lambda x, y: (0.04 * x + 5.0) * x + 140.0 - y,
        lambda x, y: x / 3.0 + y,
        lambda x, y: x / y / x,
        lambda x, y: y + 1.0 + 2.0,
        lambda x, y: x * 0.3 * 0.7,
        lambda x, y: 1.0 / x - x / (y * y),
    ],
)
def test_formulas_have_the_bits_of_numpy(formula):
    np.testing.assert_array_equal(rounded(formula, X, Y), formula(X, Y))


def test_a_parameter_may_divide_all():
    def by(x, y):
        return x / y + y

    np.testing.assert_array_equal(rounded(by, X, np.float32(7)), by(X, np.float32(7)))


@pytest.mark.parametrize("name", sorted(ELEMENTARY))
def test_elementary_functions_have_the_bits_of_numba(name):
    compiled = getattr(numba_names, name)

    @numba.njit
    def each(x, y):
        for i in range(len(x)):
            y[i] = compiled(x[i])

    ends = np.array([0, 1, -1, np.inf, -np.inf, np.nan, 80, -80, 1e30, -1e30], np.float32)
    x = np.concatenate([X * np.float32(s) for s in (1e-6, 1e-3, 1, 15)] + [ends])
    y = np.empty_like(x)
    each(x, y)
    np.testing.assert_array_equal(rounded(getattr(jnp, name), x), y)


def test_functions_within_functions_are_done_again_too():
    names = []

    def rule(operation, values):
        names.append(operation.primitive.name)
        return done(operation, values)

    def nested(state, p):
        return jnp.where(state[0] > p["limit"], jax.jit(jnp.exp)(state[1]), 0.0), state[0]

    state, p = (jnp.array([1.0, 3.0]), jnp.array([0.0, 1.0])), {"limit": 2.0}
    again = retraced(nested, rule)(state, p)
    np.testing.assert_array_equal(again, nested(state, p))
    assert {"gt", "exp", "select_n"} <= set(names)
