"""Whether the settings of a method are what its fields say they are."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from spikeloop.data.checks import is_whole, require


def require_settings(settings: object) -> None:
    """Refuse a field of a settings dataclass that is not of its type: the first line of each.

    Whole numbers, finite numbers, words of a `Literal`, tuples of these, and other dataclasses are
    told apart by the annotations. Whether a number makes sense is for the method to say.

    Raises
    ------
    InvalidInputError
        A field holds something else.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Blur:
    ...     width_px: float = 2.0
    ...     def __post_init__(self):
    ...         require_settings(self)
    >>> Blur(width_px=float("nan"))
    Traceback (most recent call last):
    spikeloop.errors.InvalidInputError: width_px=nan: it must be a finite number.
    """
    hints = _hints(type(settings))
    for field in fields(settings):
        value, hint = getattr(settings, field.name), hints[field.name]
        require(_fits(value, hint), f"{field.name}={value!r}: it must be {_told(hint)}.")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(value))


_PLAIN: dict[type, tuple[Callable[[object], bool], str]] = {
    bool: (lambda value: isinstance(value, (bool, np.bool_)), "True or False"),
    int: (is_whole, "a whole number"),
    float: (_is_finite, "a finite number"),
    str: (lambda value: isinstance(value, str), "a word"),
    type(None): (lambda value: value is None, "None"),
}


def _fits(value: object, hint: Any) -> bool:
    parts = get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint][0](value)
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in parts
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(hint) is tuple:
        wanted = parts[:1] * len(value) if parts[1:] == (...,) and _is_tuple(value) else parts
        return _is_tuple(value) and len(value) == len(wanted) and all(map(_fits, value, wanted))
    return isinstance(value, hint)


def _is_tuple(value: object) -> bool:
    return isinstance(value, tuple)


def _told(hint: Any) -> str:
    """Return what a type asks for, in words."""
    parts = get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint][1]
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(part) for part in parts)
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_told(part) for part in parts)
    if get_origin(hint) is tuple:
        each = parts[:1] if parts[1:] == (...,) else parts
        return f"a tuple, each of it {' and '.join(dict.fromkeys(map(_told, each)))}"
    return f"a {hint.__name__}" if is_dataclass(hint) else repr(hint)
