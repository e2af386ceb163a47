"""The elementary functions of the event engine, on JAX arrays: the same operations in order.

`numba_names.py` explains them. Where XLA's own functions round otherwise, these do not.
"""

import jax.numpy as jnp
from jax import lax

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693359375
_LN2_LOW = -2.12194440054690583e-4
_ROUNDER = 12582912.0
_SQRT_HALF_BITS = 0x3F3504F3


def _exp(x):
    bounded = jnp.where(x > -104.0, x, -104.0)
    bounded = jnp.where(bounded < 89.0, bounded, 89.0)
    k = (bounded * _LOG2_E + _ROUNDER) - _ROUNDER
    r = (bounded - k * _LN2_HIGH) - k * _LN2_LOW
    half = jnp.floor(k * 0.5)
    result = (1 + _expm1_of_rest(r)) * _two_to_the(half) * _two_to_the(k - half)
    return jnp.where(x == x, result, x)


def _expm1(x):
    bounded = jnp.where(x > -30.0, x, -30.0)
    bounded = jnp.where(bounded < 89.0, bounded, 89.0)
    k = (bounded * _LOG2_E + _ROUNDER) - _ROUNDER
    r = (bounded - k * _LN2_HIGH) - k * _LN2_LOW
    half = _two_to_the(k - 1)
    result = 2 * (half * _expm1_of_rest(r) + (half - 0.5))
    return jnp.where(x == x, result, x)


def _log(x):
    tiny = x < 1.1754944e-38
    m, e = _take_apart(jnp.where(tiny, x * 8388608.0, x))
    e = jnp.where(tiny, e - 23, e)
    f = m - 1
    s = f / (2 + f)
    z = s * s
    rest = z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9))))
    square = 0.5 * f * f
    result = e * _LN2_HIGH - ((square - (s * (square + rest) + e * _LN2_LOW)) - f)
    result = jnp.where(x < jnp.inf, result, x)
    result = jnp.where(x != 0, result, -jnp.inf)
    return jnp.where(x < 0, jnp.nan, result)


def _log1p(x):
    total = 1 + x
    lost = x - (total - 1)
    result = _log(total) + jnp.where(total < jnp.inf, lost / total, 0.0)
    return jnp.where(total > 0, result, _log(total))


def _tanh(x):
    size = jnp.where(abs(x) < 10.0, abs(x), 10.0)
    grown = _expm1(2 * size)
    result = grown / (grown + 2)
    result = jnp.where(x < 0, -result, result)
    return jnp.where(x == x, result, x)


def _expm1_of_rest(r):
    series = 1 / 120 + r * (1 / 720 + r * (1 / 5040))
    return r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * series)))


def _two_to_the(k):
    return lax.bitcast_convert_type((k.astype(jnp.int32) + 127) << 23, jnp.float32)


def _take_apart(x):
    bits = lax.bitcast_convert_type(x, jnp.int32)
    e = (bits - _SQRT_HALF_BITS) >> 23
    m = lax.bitcast_convert_type(bits - (e << 23), jnp.float32)
    return m, e.astype(jnp.float32)


ELEMENTARY = {"exp": _exp, "expm1": _expm1, "log": _log, "log1p": _log1p, "tanh": _tanh}
"""What JAX calls an operation, and how it is done."""
