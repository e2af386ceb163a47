"""Do again, by other rules, what a function does to JAX arrays."""

from collections.abc import Callable, Sequence

import jax

Rule = Callable[[object, Sequence], Sequence]
"""(operation, its arguments) -> its results."""

_INLINED = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr"}


def retraced(function: Callable, rule: Rule) -> Callable:
    """Return `function` with each of its elementary operations done by `rule`.

    JAX records what the function does, and that record is done again. Loops within the function
    count as one operation.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> def spoken(operation, values):
    ...     names.append(operation.primitive.name)
    ...     return done(operation, values)
    >>> names = []
    >>> retraced(lambda x: 2 * x + 1, spoken)(jnp.ones(2)).tolist(), names
    ([3.0, 3.0], ['mul', 'add'])
    """

    def again(*arguments):
        record, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _follow(record, jax.tree.leaves(arguments), rule)
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return again


def done(operation, values: Sequence) -> Sequence:
    """Return the results of an operation: the rule that changes nothing."""
    results = operation.primitive.bind(*values, **operation.params)
    return results if operation.primitive.multiple_results else [results]


def _follow(record, arguments: Sequence, rule: Rule) -> list:
    jaxpr = record.jaxpr
    known = dict(zip(jaxpr.constvars + jaxpr.invars, [*record.consts, *arguments], strict=True))

    def value(name):
        return name.val if hasattr(name, "val") else known[name]

    for operation in jaxpr.eqns:
        values = [value(name) for name in operation.invars]
        inner = _INLINED.get(operation.primitive.name)
        if inner is None:
            results = rule(operation, values)
        else:
            results = _follow(operation.params[inner], values, rule)
        known.update(zip(operation.outvars, results, strict=True))
    return [value(name) for name in jaxpr.outvars]
