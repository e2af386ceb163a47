"""Functions whose outside names stand for what numba knows instead of for what JAX knows."""

from collections.abc import Callable, Iterator
from numbers import Number
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from spikeloop.data.checks import require
from spikeloop.neurons.names_used import OutsideName, outside_names, place_of
from spikeloop.neurons.numba_names import NAMES, numba_function
from spikeloop.neurons.single_precision import single_precision

ADVICE = (
    "Write it with arithmetic, comparisons, functions of your own, and these of jax.numpy: "
    f"{', '.join(NAMES)}."
)
"""What to do about code that numba cannot compile."""
_BUILTINS = (abs, len, range)  # those that JAX knows too
_LIBRARIES = ("jax", "numpy", "scipy")


def rebind(function: Callable, callers: tuple = ()) -> tuple[FunctionType, str]:
    """Return `function` for numba, and a description of its code and of all that it uses.

    Descriptions are equal, in any process, where the compiled code is.
    """
    require(
        type(function) is FunctionType,
        f"{function!r} is no plain Python function: give one made with def or lambda.",
    )
    require(
        function not in callers,
        f"{place_of(function)} calls itself, which neither engine can do. Write it out.",
    )
    # Numba imports the module of a function that it finds on disk: that of a user may be gone.
    namespace: dict[str, Any] = {"__name__": __name__}
    words = [
        *_code_words(function.__code__),
        repr((function.__defaults__, function.__kwdefaults__)),
    ]
    for name in {name.parts: name for name in outside_names(function)}.values():
        value, meaning = _meaning(name, function, callers)
        _put(value, name.parts, namespace)
        words.append(f"{name} = {meaning}")
    return _copy(function, namespace), "\n".join(words)


def _copy(function: FunctionType, namespace: dict) -> FunctionType:
    """Return the function with `namespace` for its globals and for its closure."""
    free = function.__code__.co_freevars
    closure = tuple(CellType(namespace[name]) for name in free if name in namespace)
    copy = FunctionType(
        function.__code__, namespace, function.__name__, function.__defaults__, closure
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _put(value: object, parts: tuple[str, ...], namespace: dict) -> None:
    """Let a dotted name stand for `value`."""
    for part in parts[:-1]:
        namespace = namespace.setdefault(part, ModuleType(part)).__dict__
    namespace[parts[-1]] = value


def _meaning(name: OutsideName, function: FunctionType, callers: tuple) -> tuple[object, str]:
    """Return what numba is to see for a name, and a description of it."""
    value = name.value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Number):
        return value, repr(value)
    if isinstance(value, tuple) and all(isinstance(item, Number) for item in value):
        floats = tuple(np.float32(item) if isinstance(item, float) else item for item in value)
        return floats, repr(value)
    known = numba_function(value)
    if known is not None:
        return known, f"numba_names.{known.py_func.__name__}"
    if any(value is builtin for builtin in _BUILTINS):
        return value, f"builtins.{value.__name__}"
    library = str(getattr(value, "__module__", "")).split(".")[0] in _LIBRARIES
    require(
        type(value) is FunctionType and not library,
        f"{place_of(function, name.line)} uses {name}, which numba does not know. {ADVICE}",
    )
    inner, words = rebind(value, (*callers, function))
    return single_precision(inner, for_python=False), words


def _code_words(code: CodeType) -> Iterator[str]:
    yield from (code.co_code.hex(), repr(code.co_names), repr(code.co_varnames))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_words(constant)
        else:
            yield repr(constant)
