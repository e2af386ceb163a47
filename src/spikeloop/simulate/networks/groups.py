"""From populations to columns: like neurons side by side, whatever population they belong to."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import require
from spikeloop.errors import SpikeloopWarning
from spikeloop.neurons.model import Neuron
from spikeloop.neurons.receptors import Alpha, Exponential, Receptor
from spikeloop.numerics.draws import Distribution, values_of
from spikeloop.simulate.event_engine.group_kernel import LANES, GroupShape
from spikeloop.simulate.networks.network import Population

MOST_REFRACTORY = 10**9
"""Ticks: they are counted in 32 bits."""


@dataclass(frozen=True, eq=False)
class Member:
    """A population with its neuron made, and its place among the neurons of the network."""

    population: Population
    neuron: Neuron
    first: int
    """Number of its first neuron in the network."""


@dataclass(frozen=True, eq=False)
class NeuronGroup:
    """Neurons that one kernel steps."""

    shape: GroupShape
    members: tuple[Member, ...]
    refractory_ticks: int

    @property
    def neuron(self) -> Neuron:
        """The neuron of the group; its members differ in values only."""
        return self.members[0].neuron

    @property
    def first(self) -> int:
        """Number of the first neuron of the group."""
        return self.members[0].first

    @property
    def size(self) -> int:
        """How many neurons it has."""
        return sum(member.population.size for member in self.members)


def group_populations(populations: Sequence[Population], dt_ms: float) -> list[NeuronGroup]:
    """Return the populations in groups of like ones, each numbered after the one before.

    Populations are alike if they have the same functions, the same names of variables, the same
    kinds of receptors in the same order, and the same refractory time.
    """
    kinds: dict[tuple, list[tuple[Population, Neuron]]] = {}
    for population in populations:
        neuron = population.neuron.neuron()
        _check_time_constants(population, neuron, dt_ms)
        ticks = _refractory_ticks(population, neuron, dt_ms)
        functions = (neuron.step, neuron.spiked, neuron.reset)
        kind = (functions, _shape(population, neuron, ticks), ticks)
        kinds.setdefault(kind, []).append((population, neuron))
    groups, first = [], 0
    for (_, shape, ticks), found in kinds.items():
        members = []
        for population, neuron in found:
            members.append(Member(population, neuron, first))
            first += population.size
        groups.append(NeuronGroup(shape, tuple(members), ticks))
    return groups


def kind_of(receptor: Receptor) -> str:
    """Return the name that the kernels have for this kind of receptor."""
    if not isinstance(receptor, Exponential | Alpha):
        return "jump"
    wave = "exponential" if isinstance(receptor, Exponential) else "alpha"
    return f"{wave} {'conductance' if receptor.is_conductance else 'current'}"


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return random numbers of their own for what has these names, whatever else there is."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    key = np.frombuffer(digest, np.uint32)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(key.tolist())))


def padded(size: int) -> int:
    """Return `size` raised to a multiple of the vector lanes."""
    return -(-size // LANES) * LANES


def constants(group: NeuronGroup, dt_ms: float, *, seed: int) -> dict[str, np.ndarray]:
    """Return the columns of a group that do not change: a scalar, or a value for each neuron."""
    columns = {}
    for name in group.shape.parameters:
        parts = [
            values_of(
                f"{member.population.name}: {name}",
                member.neuron.parameters[name],
                member.population.size,
                stream(seed, member.population.name, "parameter", name),
            )
            for member in group.members
        ]
        for member, part in zip(group.members, parts, strict=True):
            if name in member.neuron.time_constants_ms:
                _check_time_constant(member.population.name, name, part, dt_ms)
        columns[f"parameter {name}"] = _joined(group, parts)
    for k in range(len(group.shape.receptors)):
        given = [
            _receptor_constants(list(member.population.receptors.values())[k], dt_ms)
            for member in group.members
        ]
        for name in given[0]:
            parts = [np.float32(values[name]) for values in given]
            columns[f"receptor {k} {name}"] = _joined(group, parts)
    return columns


def starts(group: NeuronGroup, *, seed: int) -> dict[str, np.ndarray]:
    """Return where the changing columns of a group start, (neuron,) each."""
    columns = {}
    for name in group.shape.state:
        columns[f"state {name}"] = _start(group, name, seed)
    for k, kind in enumerate(group.shape.receptors):
        column = "response" if kind.startswith("alpha") else "row"
        columns[f"receptor {k} {column}"] = _start(group, k, seed)
    return columns


def _start(group: NeuronGroup, what: str | int, seed: int) -> np.ndarray:
    """Return where a state variable, or the receptor of a number, starts."""
    parts = []
    for member in group.members:
        population = member.population
        name = what if isinstance(what, str) else list(population.receptors)[what]
        otherwise = member.neuron.state[name] if isinstance(what, str) else 0.0
        value = population.start.get(name, otherwise)
        rng = stream(seed, population.name, "start", name)
        drawn = values_of(f"{population.name}: start of {name}", value, population.size, rng)
        receptor = population.receptors.get(name)
        require(
            isinstance(value, Distribution)
            or receptor is None
            or not receptor.is_conductance
            or drawn.min() >= 0,
            f"{population.name}: start of {name}: it is a conductance, which cannot be negative.",
        )
        parts.append(np.broadcast_to(drawn, population.size))
    return np.concatenate(parts)


def _shape(population: Population, neuron: Neuron, refractory_ticks: int) -> GroupShape:
    return GroupShape(
        receptors=tuple(kind_of(receptor) for receptor in population.receptors.values()),
        state=tuple(neuron.state),
        parameters=tuple(neuron.parameters),
        refractory=refractory_ticks > 0,
        spike_lag=neuron.spike_lag,
        random=neuron.random,
    )


def _check_time_constants(population: Population, neuron: Neuron, dt_ms: float) -> None:
    constants_ms = dict(neuron.time_constants_ms)
    for name, receptor in population.receptors.items():
        if isinstance(receptor, Exponential | Alpha):
            constants_ms[f"tau_ms of {name}"] = receptor.tau_ms
    for name, value in constants_ms.items():
        if isinstance(value, int | float | np.ndarray):
            _check_time_constant(population.name, name, value, dt_ms)


def _check_time_constant(population: str, name: str, value, dt_ms: float) -> None:
    shortest = float(np.min(value))
    require(shortest > 0, f"{population}: {name}={shortest:g}: it must be above 0.")
    require(
        shortest >= dt_ms,
        f"{population}: {name}={shortest:g} is shorter than a tick, dt_ms={dt_ms}. Choose a "
        "smaller dt_ms.",
    )


def _refractory_ticks(population: Population, neuron: Neuron, dt_ms: float) -> int:
    require(
        neuron.refractory_ms / dt_ms < MOST_REFRACTORY,
        f"{population.name}: refractory_ms={neuron.refractory_ms:g} is more than {MOST_REFRACTORY} "
        "ticks. Choose less.",
    )
    ticks = round(neuron.refractory_ms / dt_ms)
    if abs(ticks * dt_ms - neuron.refractory_ms) > 1e-4 * dt_ms:
        warnings.warn(
            f"{population.name}: refractory_ms={neuron.refractory_ms:g} is no multiple of "
            f"dt_ms={dt_ms}: it was rounded to {ticks * dt_ms:g}.",
            SpikeloopWarning,
            stacklevel=2,
        )
    return ticks


def _receptor_constants(receptor: Receptor, dt_ms: float) -> dict[str, float]:
    if isinstance(receptor, Exponential):
        values = {"decay": receptor.decay(dt_ms)}
    elif isinstance(receptor, Alpha):
        decay = float(np.exp(-dt_ms / receptor.tau_ms))
        values = {"decay": decay, "rise": float(np.e * dt_ms / receptor.tau_ms)}
    else:
        return {}
    return values | ({"reversal": receptor.reversal} if receptor.is_conductance else {})


def _joined(group: NeuronGroup, parts: list[np.ndarray]) -> np.ndarray:
    """Return one scalar where all members share it, or the values of all neurons, padded."""
    if all(np.ndim(part) == 0 and part == parts[0] for part in parts):
        return np.float32(parts[0])
    column = np.zeros(padded(group.size), np.float32)
    sizes = [member.population.size for member in group.members]
    column[: group.size] = np.concatenate(
        [np.broadcast_to(part, size) for part, size in zip(parts, sizes, strict=True)]
    )
    return column
