"""Which outside names the functions of a neuron use, and what those stand for."""

import builtins
import dis
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from spikeloop.errors import InvalidInputError

_MISSING = object()


@dataclass(frozen=True)
class OutsideName:
    """A name in the code of a function that its arguments and its own variables do not explain."""

    parts: tuple[str, ...]
    """As it is written: ("jnp", "exp")."""
    value: Any
    """What it stands for."""
    line: int
    """Where it is used."""

    def __str__(self) -> str:
        return ".".join(self.parts)


def outside_names(function: FunctionType) -> Iterator[OutsideName]:
    """Yield the names that `function` takes from its module or from the function around it.

    >>> import math
    >>> [str(name) for name in outside_names(lambda x: math.cos(x) + abs(x))]
    ['math.cos', 'abs']
    """
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for code in _codes(function.__code__):
        instructions = list(dis.get_instructions(code))
        for at, instruction in enumerate(instructions):
            name = str(instruction.argval)
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                value = function.__globals__.get(name, getattr(builtins, name, _MISSING))
            elif instruction.opname == "LOAD_DEREF" and name in cells:
                value = cells[name].cell_contents
            else:
                continue
            line = instruction.positions.lineno or code.co_firstlineno
            yield _followed(OutsideName((name,), value, line), instructions[at + 1 :], function)


def place_of(function: FunctionType, line: int | None = None) -> str:
    """Return the name of a function, and where it stands, in words."""
    code = function.__code__
    return (
        f"{function.__name__} ({Path(code.co_filename).name}, line {line or code.co_firstlineno})"
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _followed(name: OutsideName, instructions: list, function: FunctionType) -> OutsideName:
    """Return the name with the attributes that follow it, as long as it is a module."""
    parts, value = name.parts, name.value
    for instruction in instructions:
        if not isinstance(value, ModuleType):
            break
        if instruction.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
            break
        parts = (*parts, str(instruction.argval))
        value = getattr(value, parts[-1], _MISSING)
    if value is _MISSING:
        raise InvalidInputError(
            f"{place_of(function, name.line)}: there is no {'.'.join(parts)}. Define it, or "
            "correct its name."
        )
    return OutsideName(parts, value, name.line)
