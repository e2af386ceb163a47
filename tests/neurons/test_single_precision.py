"""Arithmetic compiled in float32 gives the bits that NumPy gives in float32."""

import jax
import numba
import numpy as np
import pytest

from spikeloop.neurons.single_precision import single_precision

X, Y = np.float32(1.7), np.float32(-0.3)
SCALE = 0.1


def polynomial(x, y):
    return (0.04 * x + 5) * x + 140.0 - y / 3


def integers(x, y):
    return 1 - x + 2 * y + (x > 0) * 3 + (1 - (y > 0)) * x


def divisions(x, y):
    return x // 0.4 + y % 0.25 + 1 / x


def powers(x, y):
    return x**2 + y**3 - x**-3 + y**16


def outside(x, y):
    return SCALE * x - y * SCALE


def in_place(x, y):
    total = 0.1
    total += x
    total *= 3
    total -= y
    return total


@pytest.mark.parametrize("function", [polynomial, divisions, outside, in_place])
def test_the_bits_of_numpy(function):
    assert single_precision(function)(X, Y) == function(X, Y)


def test_integers_and_truths_meet_floats_as_float32():
    assert single_precision(integers)(X, Y) == np.float32(integers(X, Y))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16, -1, -3])
def test_powers_multiply_as_jax_does(n):
    power = single_precision(eval(f"lambda x: x ** {n}"))  # noqa: S307 - our own constant
    assert power(X) == jax.jit(lambda x: jax.lax.integer_pow(x, n))(X)


def test_other_powers_are_those_of_the_library():
    assert single_precision(lambda x, y: x**y)(X, Y) == pytest.approx(1.7**-0.3, rel=1e-6)
    assert single_precision(lambda x: x**0.5)(X) == pytest.approx(1.7**0.5, rel=1e-6)


def test_integers_among_themselves_stay_integers():
    assert single_precision(lambda numbers: numbers[1 + len(numbers) - 2])((X, Y)) == Y


def test_comparisons_are_of_float32():
    assert single_precision(lambda x: x >= 0.1)(np.float32(0.1))
    assert single_precision(lambda x: x == 0.1)(np.float32(0.1))


@pytest.mark.parametrize("function", [polynomial, integers, divisions, powers, in_place])
def test_no_double_is_left(function):
    compiled = single_precision(function)
    compiled.compile((numba.float32, numba.float32))
    (code,) = compiled.inspect_llvm().values()
    assert "double" not in code.split("define", 2)[1]
