"""Arithmetic that rounds after every operation, so that every engine gets the same bits.

XLA multiplies and adds in one instruction, which rounds once where two operations round twice; it
divides by multiplying with the inverse where it can; it adds up constants before it adds them to a
variable; and it has its own exponential function. Each of these changes the last bit, and a network
is chaotic: after some spikes no train would be the same.
"""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import lax

from spikeloop.neurons.elementary import ELEMENTARY
from spikeloop.neurons.retracing import done, retraced

_ROUNDED = {"add", "sub", "mul", "div", "integer_pow", "square"}


def as_written(function: Callable, zero) -> Callable:
    """Return `function` with each operation rounded by itself, as the event engine does it.

    It has no gradient. Numbers below 1e-38 are 0 here, which numba keeps.

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

    >>> import jax
    >>> square_less_1 = jax.jit(lambda x, zero: as_written(lambda x: x * x - 1.0, zero)(x))
    >>> float(square_less_1(1 + 2**-12, 0)) == 2**-11
    True
    """

    def rule(operation, values: Sequence) -> Sequence:
        name = operation.primitive.name
        if name in ELEMENTARY:
            return [retraced(ELEMENTARY[name], rule)(*values)]
        values = [jnp.asarray(value) for value in values]
        if name not in _ROUNDED or values[0].dtype != jnp.float32:
            return done(operation, values)
        if name == "div":
            # A number that divides all would become a product with its inverse. So let it seem to
            # depend on what it divides.
            values = [values[0], _hidden(values[1], _bits(values[0]) & zero)]
        return [_hidden(result, zero) for result in done(operation, values)]

    return retraced(function, rule)


def zeros_like(x, zero):
    """Return zeros of the shape of `x`, of which the compiler does not know that they are."""
    return lax.bitcast_convert_type(_bits(x) & zero, jnp.float32)


def _hidden(x, zero):
    """Return `x`, of which the compiler does not know how it was made."""
    return lax.bitcast_convert_type(_bits(x) ^ zero, jnp.float32)


def _bits(x):
    return lax.bitcast_convert_type(x, jnp.int32)
