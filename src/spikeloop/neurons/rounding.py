"""Arithmetic that rounds after every operation, so that every engine gets the same bits.

XLA multiplies and adds in one instruction, which rounds once where two operations round twice; it
divides by multiplying with the inverse where it can; it adds up constants before it adds them to a
variable; and it has its own exponential function. Each of these changes the last bit, and a network
is chaotic: after some spikes no train would be the same.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spikeloop.neurons.elementary import ELEMENTARY
from spikeloop.neurons.retracing import done, retraced

_ROUNDED = {"add", "sub", "mul", "div", "integer_pow", "square"}


def as_written(function: Callable, zero) -> Callable:
    """Return `function` with each operation rounded by itself, as the event engine does it.

    It has no gradient.

    Parameters
    ----------
    function
        Of JAX arrays.
    zero
        The int32 number 0, which the compiler must not know: an argument of what is compiled.
        Combined with the bits of a number, it hides how that was made.

    Examples
    --------
    The square of 1 + 2^-12 needs 25 bits, one more than a float32 has:

    >>> x = np.float32(1 + 2**-12)
    >>> square_less_1 = lambda x: x * x - 1.0
    >>> rounded_once = jax.jit(square_less_1)
    >>> rounded_twice = jax.jit(lambda x, zero: as_written(square_less_1, zero)(x))
    >>> float(rounded_once(x)) == 2**-11 + 2**-24, float(rounded_twice(x, np.int32(0))) == 2**-11
    (True, True)
    """

    def rule(operation, values: Sequence) -> Sequence:
        name = operation.primitive.name
        if name in ELEMENTARY:
            return [retraced(ELEMENTARY[name], rule)(*values)]
        if name not in _ROUNDED:
            return done(operation, values)
        if name == "div":
            # A number that divides all would become a product with its inverse. So let it seem to
            # depend on what it divides.
            values = [values[0], _hidden(values[1], _bits(values[0]) & zero)]
        return [_hidden(result, zero) for result in done(operation, values)]

    return retraced(function, rule)


def _hidden(x, zero):
    """Return `x`, of which the compiler does not know how it was made."""
    if x.dtype != jnp.float32:
        return x
    return lax.bitcast_convert_type(_bits(x) ^ zero, jnp.float32)


def _bits(x):
    return lax.bitcast_convert_type(x, jnp.int32)
