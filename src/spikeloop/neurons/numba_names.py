"""What the mathematical functions of a neuron are to numba: float32 in, float32 out.

None of `exp`, `expm1`, `log`, `log1p` and `tanh` calls a library, so that LLVM makes vector
instructions of a loop over neurons: they take the number apart, and sum a Taylor series over what
remains. They err by less than 2 units in the last place, `tanh` by less than 2.5.
"""

import sys
from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from spikeloop.neurons import functions
from spikeloop.neurons.single_precision import as_float, single_precision

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693359375  # nine bits, so that its product with a whole number below 2**15 is exact
_LN2_LOW = -2.12194440054690583e-4  # ln 2 - _LN2_HIGH
_ROUNDER = 12582912.0  # 1.5 * 2**23: added and taken away, it leaves a float32 a whole number
_ROUNDER_BITS = 0x4B400000
_WORD = ir.IntType(32)


@intrinsic
def _power_of_two(typing_context, rounded):
    """Return 2 to the power of k, from -126 to 127, where `rounded` is k + _ROUNDER."""

    def generate(context, builder, signature, arguments):
        return _with_exponent(builder, _exponent(builder, arguments[0]))

    return types.float32(types.float32), generate


@intrinsic
def _powers_of_two(typing_context, rounded):
    """Return 2 to the power of k // 2 and of the rest of k, where `rounded` is k + _ROUNDER.

    Their product may be too large or too small for a float32, and they not.
    """
    result = types.UniTuple(types.float32, 2)

    def generate(context, builder, signature, arguments):
        k = _exponent(builder, arguments[0])
        half = builder.ashr(k, ir.Constant(_WORD, 1))
        powers = [_with_exponent(builder, part) for part in (half, builder.sub(k, half))]
        return context.make_tuple(builder, result, powers)

    return result(types.float32), generate


def _exponent(builder, rounded):
    return builder.sub(builder.bitcast(rounded, _WORD), ir.Constant(_WORD, _ROUNDER_BITS))


def _with_exponent(builder, k):
    biased = builder.add(k, ir.Constant(_WORD, 127))
    return builder.bitcast(builder.shl(biased, ir.Constant(_WORD, 23)), ir.FloatType())


@intrinsic
def _take_apart(typing_context, x):
    """Return m and e of a normal number x = m * 2**e, with m between sqrt(1/2) and sqrt(2)."""
    result = types.UniTuple(types.float32, 2)

    def generate(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], _WORD)
        above = builder.sub(bits, ir.Constant(_WORD, 0x3F3504F3))  # the bits of sqrt(1/2)
        e = builder.ashr(above, ir.Constant(_WORD, 23))
        m = builder.sub(bits, builder.shl(e, ir.Constant(_WORD, 23)))
        parts = [builder.bitcast(m, ir.FloatType()), builder.sitofp(e, ir.FloatType())]
        return context.make_tuple(builder, result, parts)

    return result(types.float32), generate


def _of_llvm(name: str, n_arguments: int):
    """Return the intrinsic that calls LLVM's function of that name."""

    def generate(context, builder, signature, arguments):
        function = builder.module.declare_intrinsic(name, [ir.FloatType()])
        return builder.call(function, arguments)

    one, two = types.float32(types.float32), types.float32(types.float32, types.float32)
    if n_arguments == 1:
        return intrinsic(lambda typing_context, x: (one, generate))
    return intrinsic(lambda typing_context, x, y: (two, generate))


_sqrt, _floor, _sin, _cos = (
    _of_llvm(f"llvm.{name}", 1) for name in ("sqrt", "floor", "sin", "cos")
)
_power = _of_llvm("llvm.pow", 2)


@single_precision
def _expm1_of_rest(r):
    """Return exp(r) - 1 where the magnitude of `r` is at most ln(2) / 2: Taylor, eight terms."""
    series = 1 / 120 + r * (1 / 720 + r * (1 / 5040))
    return r + r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * series)))


@single_precision
def exp(x):
    """Return e to the power of `x`."""
    bounded = _between(as_float(x), -104.0, 89.0)
    rounded = bounded * _LOG2_E + _ROUNDER
    k = rounded - _ROUNDER
    r = (bounded - k * _LN2_HIGH) - k * _LN2_LOW
    one, other = _powers_of_two(rounded)
    return (1 + _expm1_of_rest(r)) * one * other


@single_precision
def expm1(x):
    """Return e to the power of `x`, minus 1, exact where `x` is small."""
    bounded = _between(as_float(x), -30.0, 89.0)
    rounded = bounded * _LOG2_E + _ROUNDER
    k = rounded - _ROUNDER
    r = (bounded - k * _LN2_HIGH) - k * _LN2_LOW
    half = _power_of_two(rounded - 1)
    return 2 * (half * _expm1_of_rest(r) + (half - 0.5))


@single_precision
def log(x):
    """Return the natural logarithm of `x`."""
    x = as_float(x)
    tiny = x < 1.1754944e-38  # numbers below it have fewer digits: 2**23 times them have all
    m, e = _take_apart(x * 8388608.0 if tiny else x)
    e = e - 23 if tiny else e
    f = m - 1
    s = f / (2 + f)  # log(1 + f) = 2 artanh(s)
    z = s * s
    rest = z * (2 / 3 + z * (2 / 5 + z * (2 / 7 + z * (2 / 9))))
    square = 0.5 * f * f
    result = e * _LN2_HIGH - ((square - (s * (square + rest) + e * _LN2_LOW)) - f)
    return _limits_of_log(x, result)


@single_precision
def _limits_of_log(x, result):
    result = result if x < _INFINITY else x  # infinity, or NaN
    result = result if x != 0 else -_INFINITY
    return result if not x < 0 else _NAN


_INFINITY = float("inf")
_NAN = float("nan")


@single_precision
def log1p(x):
    """Return the natural logarithm of 1 + `x`, exact where `x` is small."""
    x = as_float(x)
    total = 1 + x
    lost = x - (total - 1)  # what rounding took off the sum
    result = log(total) + (lost / total if total < _INFINITY else 0.0)
    return result if total > 0 else log(total)


@single_precision
def tanh(x):
    """Return the hyperbolic tangent of `x`."""
    x = as_float(x)
    grown = expm1(2 * _between(abs(x), 0.0, 10.0))  # above 9.1 it is 1
    result = grown / (grown + 2)
    return -result if x < 0 else result


@single_precision
def _between(x, low, high):
    """Return `x`, `low` if it is below that, `high` if above; NaN stays NaN."""
    x = low if x < low else x
    return high if x > high else x


@single_precision
def minimum(x, y):
    """Return the smaller of `x` and `y`, and NaN where one is."""
    return as_float(x) if x < y or x != x else as_float(y)


@single_precision
def maximum(x, y):
    """Return the larger of `x` and `y`, and NaN where one is."""
    return as_float(x) if x > y or x != x else as_float(y)


@single_precision
def where(condition, x, y):
    """Return `x` where `condition` holds, and `y` elsewhere."""
    return as_float(x) if condition else as_float(y)


@single_precision
def clip(x, low, high):
    """Return `x`, but no less than `low` and no more than `high`."""
    return minimum(maximum(x, low), high)


@single_precision
def sqrt(x):
    """Return the square root of `x`."""
    return _sqrt(x)


@single_precision
def floor(x):
    """Return the largest whole number that is not above `x`."""
    return _floor(x)


@single_precision
def sin(x):
    """Return the sine of `x`."""
    return _sin(x)


@single_precision
def cos(x):
    """Return the cosine of `x`."""
    return _cos(x)


@single_precision
def power(x, y):
    """Return `x` to the power of `y`."""
    return _power(x, y)


@single_precision
def absolute(x):
    """Return `x` without its sign."""
    return abs(as_float(x))


@single_precision
def square(x):
    """Return `x` times itself."""
    return as_float(x) * x


@single_precision
def sign(x):
    """Return -1, 0 or 1."""
    return where(x > 0, 1.0, where(x < 0, -1.0, x))


@single_precision
def logical_and(x, y):
    """Return whether both hold."""
    return bool(x) & bool(y)


@single_precision
def logical_or(x, y):
    """Return whether at least one holds."""
    return bool(x) | bool(y)


@single_precision
def logical_not(x):
    """Return whether `x` does not hold."""
    return not bool(x)


_TABLE = {
    name: globals()[name]
    for name in (
        *("exp", "expm1", "log", "log1p", "tanh", "sqrt", "sin", "cos", "power", "square"),
        *("absolute", "sign", "floor", "minimum", "maximum", "clip", "where"),
        *("logical_and", "logical_or", "logical_not"),
    )
}
_TABLE["abs"] = _TABLE["absolute"]
NAMES = tuple(sorted(_TABLE))
"""The functions of `jax.numpy` that a neuron may call."""


def numba_function(function: Callable) -> Callable | None:
    """Return what numba is to call for a function of `functions`, or of `jax.numpy`, or None."""
    rooms = [functions]
    if "jax.numpy" in sys.modules:
        rooms.append(sys.modules["jax.numpy"])
    for room in rooms:
        for name, compiled in _TABLE.items():
            if getattr(room, name, None) is function:
                return compiled
    return None
