"""Neurons compiled by numba, for event-driven simulation."""

import hashlib
import re
import sys
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numba
from numba import types
from numba.core.errors import NumbaError, UnsupportedBytecodeError
from numba.extending import intrinsic

import spikeloop
from spikeloop.data.checks import require
from spikeloop.errors import InvalidInputError
from spikeloop.neurons.model import Inputs, Neuron
from spikeloop.neurons.names_used import place_of
from spikeloop.neurons.rebound import ADVICE, rebind
from spikeloop.neurons.single_precision import as_float, single_precision

_ARGUMENTS = {
    "step": ("state", "inputs", "p", "dt_ms"),
    "spiked": ("state", "p"),
    "reset": ("state", "p"),
}
_COMPILED: dict[str, "CompiledNeuron"] = {}


@dataclass(frozen=True, eq=False)
class CompiledNeuron:
    """The three functions of a neuron as numba functions, to be called from compiled loops.

    They take scalars: tuples of numbers for the state, the inputs and the parameters. All their
    arithmetic is done in float32. Numba compiles them when they are first called.
    """

    step: Callable
    """(state, inputs, p, dt_ms) -> state, a tuple of float32."""
    spiked: Callable
    """(state, p) -> whether there is a spike, a boolean."""
    reset: Callable
    """(state, p) -> state, a tuple of float32."""
    fingerprint: str
    """Equal, in any process, only where the compiled code is equal."""
    state: tuple[str, ...]
    """Names of the state variables."""
    parameters: tuple[str, ...]
    """Names of the parameters."""
    sources: Mapping[str, Callable]
    """What the neuron's own functions are compiled to, by name; Python must not call these."""

    def check(self) -> None:
        """Compile the three functions, and refuse what numba cannot compile.

        Raises
        ------
        InvalidInputError
            A function uses what numba does not know, or returns something else than it must.
        """
        state = types.UniTuple(types.float32, len(self.state))
        p = types.NamedUniTuple(types.float32, len(self.parameters), _parameters(self.parameters))
        inputs = types.NamedUniTuple(types.float32, len(Inputs._fields), Inputs)
        kinds = {"state": state, "inputs": inputs, "p": p, "dt_ms": types.float32}
        for name, arguments in _ARGUMENTS.items():
            result = self._result_kind(name, tuple(kinds[word] for word in arguments))
            where = _place_in(self.sources[name].py_func, name)
            if name == "spiked":
                _require_truth(where, result)
            else:
                _require_state(where, result, self.state)

    def _result_kind(self, name: str, arguments: tuple) -> types.Type:
        """Return the numba type of what a function returns, or say why there is none."""
        dispatcher = self.sources[name]
        try:
            dispatcher.compile(arguments)
        except (NumbaError, UnsupportedBytecodeError) as error:
            why = _explained(str(error), self.parameters)
            where = _place_in(dispatcher.py_func, name, str(error))
            raise InvalidInputError(f"{where} {why}") from None
        return dispatcher.overloads[arguments].signature.return_type


def compile_neuron(neuron: Neuron) -> CompiledNeuron:
    """Return the functions of a neuron for numba; the same ones for neurons of the same code.

    Raises
    ------
    InvalidInputError
        A function takes other arguments, or uses a name that numba does not know.

    Examples
    --------
    >>> from spikeloop.neurons import LIF
    >>> lif = compile_neuron(LIF().neuron())
    >>> lif.reset((-49.0,), (20.0, -65.0, -50.0, -65.0, 1.0))
    (-65.0,)
    """
    state, parameters = tuple(neuron.state), tuple(neuron.parameters)
    words = [_surroundings(), repr(state), repr(parameters)]
    functions = {}
    for name, arguments in _ARGUMENTS.items():
        functions[name], description = rebind(getattr(neuron, name))
        _require_arguments(name, functions[name], arguments)
        words.append(description)
    fingerprint = hashlib.sha256("\n".join(words).encode()).hexdigest()
    if fingerprint not in _COMPILED:
        sources = {
            name: single_precision(function, for_python=False)
            for name, function in functions.items()
        }
        _COMPILED[fingerprint] = CompiledNeuron(
            **_adapted(sources, _parameters(parameters), len(state)),
            fingerprint=fingerprint,
            state=state,
            parameters=parameters,
            sources=sources,
        )
    return _COMPILED[fingerprint]


def _adapted(
    sources: Mapping[str, Callable], Parameters: type, n_state: int
) -> dict[str, Callable]:
    """Return the functions with float32 arguments of the right types, and with float32 results."""
    own_step, own_spiked, own_reset = (sources[name] for name in _ARGUMENTS)
    as_state = _as_state(n_state)

    @single_precision
    def step(state, inputs, p, dt_ms):
        given = Inputs(*_as_floats(inputs))
        p = Parameters(*_as_floats(p))
        return as_state(own_step(_as_floats(state), given, p, as_float(dt_ms)))

    @single_precision
    def spiked(state, p):
        return _as_truth(own_spiked(_as_floats(state), Parameters(*_as_floats(p))))

    @single_precision
    def reset(state, p):
        return as_state(own_reset(_as_floats(state), Parameters(*_as_floats(p))))

    return {"step": step, "spiked": spiked, "reset": reset}


@cache
def _as_state(n_state: int):
    """Return the function that makes float32 of what must be a tuple of so many numbers."""

    @intrinsic
    def as_state(typing_context, numbers):
        if not isinstance(numbers, types.BaseTuple) or len(numbers) != n_state:
            return None
        if not all(_is_number(types.unliteral(kind)) for kind in numbers):
            return None
        result = types.UniTuple(types.float32, n_state)
        return result(numbers), partial(_floats_of, numbers)

    return as_state


@intrinsic
def _as_truth(typing_context, truth):
    """Return a number as a boolean; there is no such function for anything else."""
    if not _is_number(types.unliteral(truth)):
        return None

    def generate(context, builder, signature, arguments):
        return context.cast(builder, arguments[0], truth, types.boolean)

    return types.boolean(truth), generate


@intrinsic
def _as_floats(typing_context, numbers):
    """Return a tuple of numbers as a tuple of float32."""
    if not isinstance(numbers, types.BaseTuple):
        return None
    result = types.UniTuple(types.float32, len(numbers))
    return result(numbers), partial(_floats_of, numbers)


def _floats_of(numbers: types.BaseTuple, context, builder, signature, arguments):
    """Generate the code that makes float32 of each item of a tuple."""
    values = [
        context.cast(builder, builder.extract_value(arguments[0], k), kind, types.float32)
        for k, kind in enumerate(numbers)
    ]
    return context.make_tuple(builder, signature.return_type, values)


@cache
def _parameters(names: tuple[str, ...]) -> type:
    return namedtuple("Parameters", names)


@cache
def _surroundings() -> str:
    """Return what compiled code depends on besides the neuron: versions and our own sources."""
    here = Path(__file__).parent
    names = ("compiled", "rebound", "names_used", "numba_names", "single_precision")
    sources = b"".join((here / f"{name}.py").read_bytes() for name in names)
    versions = (spikeloop.__version__, numba.__version__, sys.implementation.cache_tag)
    return f"{versions} {hashlib.sha256(sources).hexdigest()}"


def _require_arguments(name: str, function: Callable, wanted: tuple[str, ...]) -> None:
    code = function.__code__
    got = code.co_varnames[: code.co_argcount]
    require(
        len(got) == len(wanted) and not code.co_kwonlyargcount,
        f"{_place_in(function, name)} takes ({', '.join(got)}): it must take "
        f"({', '.join(wanted)}).",
    )


def _place_in(function: Callable, name: str, text: str = "") -> str:
    """Return what a function is called, and where in it numba stumbled if `text` says so."""
    line = re.search(r'(?:File "[^"]*", line |Raised from [^(]*\()(\d+)', text)
    place = place_of(function, int(line[1]) if line else None)
    return place if function.__name__ == name else f"{name} {place}"


def _explained(text: str, parameters: tuple[str, ...]) -> str:
    """Return numba's long message in one sentence, and what to do."""
    unknown = re.search(r"Unknown attribute '(\w+)' of type (Parameters|Inputs)\(", text)
    if unknown:
        known = parameters if unknown[2] == "Parameters" else Inputs._fields
        return (
            f"uses {unknown[1]!r}, which is none of the {unknown[2].lower()}: these are "
            f"{', '.join(known)}. Correct its name."
        )
    operation = re.search(r">>> (.*)", text)
    lines = [line for line in text.splitlines() if line and not line.startswith("Failed in")]
    why = f"there is no {operation[1]}" if operation else lines[0].split(" Raised from")[0]
    why = why.rstrip(".")
    return f"cannot be compiled by numba: {why}. {ADVICE}"


def _require_state(where: str, result: types.Type, state: tuple[str, ...]) -> None:
    wanted = f"it must return a tuple with a number for each state variable, {', '.join(state)}"
    require(isinstance(result, types.BaseTuple), f"{where} returns {result}: {wanted}.")
    require(len(result) == len(state), f"{where} returns {len(result)} values: {wanted}.")
    for name, kind in zip(state, result, strict=True):
        kind = types.unliteral(kind)
        require(_is_number(kind), f"{where} returns {kind} for {name}: {wanted}.")


def _require_truth(where: str, result: types.Type) -> None:
    require(
        _is_number(result), f"{where} returns {result}: it must return whether there is a spike."
    )


def _is_number(kind: types.Type) -> bool:
    return isinstance(kind, types.Float | types.Integer | types.Boolean)
