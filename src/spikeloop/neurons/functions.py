"""The mathematical functions that the neurons of this room are written with.

Each is the function of `jax.numpy` of that name. JAX traces them on arrays; numba compiles them on
scalars, as `numba_names.py` teaches it. A neuron of your own may use these, or ``jnp`` itself.
JAX is imported when the first of them is called, so that event-driven simulation, which never
calls them, starts without it.
"""


def exp(x):
    """Return e to the power of `x`."""
    return _jax_numpy().exp(x)


def expm1(x):
    """Return e to the power of `x`, minus 1, exact where `x` is small."""
    return _jax_numpy().expm1(x)


def log(x):
    """Return the natural logarithm of `x`."""
    return _jax_numpy().log(x)


def tanh(x):
    """Return the hyperbolic tangent of `x`."""
    return _jax_numpy().tanh(x)


def sqrt(x):
    """Return the square root of `x`."""
    return _jax_numpy().sqrt(x)


def absolute(x):
    """Return `x` without its sign."""
    return _jax_numpy().abs(x)


def minimum(x, y):
    """Return the smaller of `x` and `y`."""
    return _jax_numpy().minimum(x, y)


def maximum(x, y):
    """Return the larger of `x` and `y`."""
    return _jax_numpy().maximum(x, y)


def where(condition, x, y):
    """Return `x` where `condition` holds, and `y` elsewhere."""
    return _jax_numpy().where(condition, x, y)


def _jax_numpy():
    import jax.numpy as jnp

    return jnp
