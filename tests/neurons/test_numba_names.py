"""The functions that numba calls, against NumPy in float64, against JAX, and as machine code."""

import functools
import re

import jax.numpy as jnp
import numba
import numpy as np
import pytest

from spikeloop.neurons import functions, numba_names
from spikeloop.neurons.numba_names import NAMES, numba_function

INF, NAN = np.inf, np.nan
LIMITS = {
    "exp": {INF: INF, -INF: 0, NAN: NAN, 0: 1, 88.8: INF, 200: INF, -104.1: 0},
    "expm1": {INF: INF, -INF: -1, NAN: NAN, 0: 0, 200: INF, -200: -1, 1e-30: 1e-30},
    "log": {INF: INF, 0: -INF, -1: NAN, NAN: NAN, -INF: NAN, 1: 0, 1e-45: -103.27893},
    "log1p": {INF: INF, -1: -INF, -2: NAN, NAN: NAN, 0: 0, 1e-30: 1e-30},
    "tanh": {INF: 1, -INF: -1, NAN: NAN, 0: 0, 50: 1, -50: -1, 1e-30: 1e-30},
}
RANGES = [  # name, from, to, most units in the last place
    ("exp", -87, 88.7, 1.1),
    ("expm1", -20, 88.7, 1.8),
    ("expm1", -1, 1, 1.8),
    ("log", 1e-37, 1e6, 1.0),
    ("log", 0.5, 2, 1.0),
    ("log1p", -0.9, 1, 1.5),
    ("log1p", 0, 1e6, 1.5),
    ("tanh", -10, 10, 2.5),
]


@functools.cache
def loop(name):
    function = getattr(numba_names, name)

    @numba.njit
    def run(x, y):
        for i in range(len(x)):
            y[i] = function(x[i])

    return run


def apply(name, x):
    y = np.empty_like(x)
    loop(name)(x, y)
    return y


@pytest.mark.parametrize(("name", "low", "high", "bound"), RANGES)
def test_the_error_in_units_of_the_last_place(name, low, high, bound):
    x = np.random.default_rng(3).uniform(low, high, 1_000_000).astype(np.float32)
    want = getattr(np, name)(x.astype(np.float64))
    error = np.abs(apply(name, x) - want) / np.spacing(np.abs(want).astype(np.float32))
    assert error.max() < bound


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    x = np.array(list(LIMITS[name]), dtype=np.float32)
    want = np.array(list(LIMITS[name].values()), dtype=np.float32)
    np.testing.assert_allclose(apply(name, x), want, rtol=1e-6)


def test_small_exponentials_lose_digits_one_by_one():
    x = np.linspace(-103, -87, 1000, dtype=np.float32)
    assert np.abs(apply("exp", x) - np.exp(x.astype(np.float64))).max() <= 1.5e-45


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sqrt"])
def test_loops_are_vector_instructions_without_library_calls(name):
    run = loop(name)
    signature = (numba.float32[::1], numba.float32[::1])
    run.compile(signature)
    code = run.inspect_llvm(signature)
    body = code.split("define", 2)[1]  # what follows is the wrapper that Python calls
    assert re.search(r"<(4|8|16) x float>", body)
    assert "double" not in body
    called = re.findall(r"call [^@\n]*@([\w.]+)\(", body)
    assert [name for name in called if not name.startswith("llvm.")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_name_does_what_jax_does(name):
    x = np.array([-2.5, -1, 0, 0.5, 1, 3], dtype=np.float32)
    theirs, ours = getattr(jnp, name), numba_function(getattr(jnp, name))
    n_more = {"where": 2, "clip": 2, "power": 1, "minimum": 1, "maximum": 1}
    n_more |= {"logical_and": 1, "logical_or": 1}
    more = (np.float32(2), np.float32(0.75))[: n_more.get(name, 0)]
    got = np.array([ours(value, *more) for value in x])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(got, np.asarray(theirs(x, *more)), rtol=3e-7)


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_nan_goes_through(name):
    ours = numba_function(getattr(jnp, name))
    assert np.isnan(ours(NAN, 1.0))
    assert np.isnan(ours(1.0, NAN))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "absolute", "minimum", "where"])
def test_the_functions_of_this_room_are_those_of_jax(name):
    more = {"minimum": (2.0,), "where": (2.0, 3.0)}.get(name, ())
    mine, theirs = getattr(functions, name), getattr(jnp, name)
    assert mine(1.5, *more) == theirs(1.5, *more)
    assert numba_function(mine) is numba_function(theirs)


def test_other_functions_have_no_meaning():
    assert numba_function(np.exp) is None
    assert numba_function(jnp.sort) is None
