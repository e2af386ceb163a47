"""From a network to what a scan over ticks needs: a plan to compile, and the arrays it works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikeloop.data.checks import require
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.numerics.random import stream_key
from spikeloop.simulate.event_engine.group_kernel import GroupShape
from spikeloop.simulate.event_engine.memory import Memory, lay_out
from spikeloop.simulate.event_engine.wiring import Cable, cables
from spikeloop.simulate.networks.groups import NeuronGroup, constants, group_populations
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.outside import Events, gather_currents, gather_events
from spikeloop.simulate.networks.recorder import Recorder
from spikeloop.simulate.networks.signals import Grid
from spikeloop.simulate.networks.simulation import Simulation
from spikeloop.simulate.scan_engine.synapses import (
    SynapseList,
    Synapses,
    fit_matrices,
    matrices,
    synapse_list,
    table_of,
)

LARGEST_BYTES = 8e9
"""What the arrays of a run may take; more is refused before."""

Column = tuple[int, str]  # a group, and the name of one of its columns


@dataclass(frozen=True)
class GroupPlan:
    """Like neurons: what to do with them, and where they are."""

    shape: GroupShape
    step: Callable
    spiked: Callable
    reset: Callable
    first: int
    """Number of the first neuron in the network."""
    size: int
    held: int
    """Refractory ticks."""


@dataclass(frozen=True)
class Plan:
    """What compiled code depends on, besides the shapes of arrays."""

    groups: tuple[GroupPlan, ...]
    columns: tuple[Column, ...]
    """The columns that change, in the order of `Arrays.start`."""
    n_places: int
    """How many values at the beginning of these are such that spikes arrive at."""
    currents: tuple[tuple[int, int, int], ...]
    """(group, first, stop) of the neurons in the group that each changing current reaches."""
    longest_delay: int
    """In ticks, 1 or more."""
    delays: tuple[int, ...]
    """Of each of `Arrays.matrices`, ascending."""
    gradient: SpikeGradient | None = None
    """How gradients pass through spikes; None for none, and arithmetic as in the event engine."""

    @property
    def rows(self) -> tuple[Column, ...]:
        """The columns that spikes arrive at, which come first."""
        ends = np.cumsum([self.groups[g].size for g, _ in self.columns])
        return self.columns[: int((ends <= self.n_places).sum())]

    @property
    def n_neurons(self) -> int:
        """How many neurons there are."""
        return sum(group.size for group in self.groups)


class Arrays(NamedTuple):
    """The numbers of a network."""

    dt_ms: Any
    """() float32."""
    zero: Any
    """() int32: 0, as `as_written` wants it."""
    kept: Any
    """(recorded,) int32: places in `start` to record."""
    key: Any
    """(2,) uint32: where the random numbers of the neurons start."""
    start: Any
    """float32: all columns that change, one after the other, at the start."""
    constants: tuple[dict[str, Any], ...]
    """For each group, the columns that do not change: () or (neuron,) float32."""
    currents: tuple[Any, ...]
    """For each changing current, (tick, 1 or neuron) float32."""
    events: Any
    """(tick, train): how many spikes each train of a source sends."""
    matrices: tuple[Any, ...]
    """For each delay, (sender, place) float32: synapses of projections with one delay."""
    shared: SynapseList
    """The same, where they make no matrix."""
    own: SynapseList
    """Synapses with delays of their own."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A network made ready: drawn, checked, and laid out."""

    plan: Plan
    arrays: Arrays
    groups: Sequence[NeuronGroup]
    memory: Memory
    cables: Sequence[Cable]
    events: Events
    recorder: Recorder
    tables: tuple[Synapses, Synapses]
    """Synapses of projections with one delay, and synapses with delays of their own."""


def prepare(network: Network, method: Simulation, *, seed: int) -> Prepared:
    """Draw the network and its input, exactly as the event engine does."""
    _require_fixed_synapses(network)
    grid = Grid(method.n_ticks, method.dt_ms)
    groups = group_populations(network.populations, method.dt_ms)
    memory = lay_out(groups, seed=seed)
    events = gather_events(network, grid, seed=seed)
    currents = gather_currents(network, groups, memory, grid)
    recorder = Recorder(network, groups, memory, method)
    found = cables(network, groups, memory, method.dt_ms, seed=seed)
    places = _without_padding(groups, memory)
    n_places = int((places[: memory.n_arrivals] >= 0).sum())
    counts = _counts(network, events, grid)
    own = table_of([cable for cable in found if cable.delay_ticks.ndim], places)
    shared = table_of([cable for cable in found if not cable.delay_ticks.ndim], places)
    delays, *synapses = _wire(shared, own, n_places, _most(network, counts))
    plan = Plan(
        groups=tuple(_group_plan(group) for group in groups),
        columns=tuple(memory.places),
        n_places=n_places,
        currents=tuple(_reach(place, size, memory, groups) for place, size, _ in currents.places),
        longest_delay=max((int(cable.delay_ticks.max(initial=1)) for cable in found), default=1),
        delays=delays,
    )
    arrays = Arrays(
        np.float32(method.dt_ms),
        np.int32(0),
        places[recorder.places].astype(np.int32),
        np.array(stream_key(seed, 0), np.uint32),
        memory.flat[places >= 0],
        tuple(_constants(group, method.dt_ms, seed=seed) for group in groups),
        currents.values,
        counts,
        *synapses,
    )
    return Prepared(plan, arrays, groups, memory, found, events, recorder, (shared, own))


def _wire(
    shared: Synapses, own: Synapses, n_places: int, most: np.ndarray
) -> tuple[tuple[int, ...], tuple, SynapseList, SynapseList]:
    """Return the delays and matrices of synapses that fit there, and the lists of others."""
    delays, filled, shape = (), (), (len(most), n_places)
    if fit_matrices(shared, shape):
        delays, filled = matrices(shared, shape)
        shared = Synapses(*(column[:0] for column in shared))
    return (
        delays,
        filled,
        synapse_list(shared, n_places, most, longest_first=False),
        synapse_list(own, n_places, most, longest_first=True),
    )


def require_room(runs: Sequence[Prepared]) -> None:
    """Refuse runs whose arrays would not fit into memory together."""
    n_bytes = sum(_n_bytes(one.plan, one.arrays) for one in runs)
    n_ticks = len(runs[0].arrays.events)
    require(
        n_bytes <= LARGEST_BYTES,
        f"runs={len(runs)} of {runs[0].plan.n_neurons} neurons for {n_ticks} ticks take "
        f"{n_bytes / 1e9:.1f} GB in the scan engine; {LARGEST_BYTES / 1e9:g} GB is the most. "
        "Simulate a shorter time, fewer runs at once, or with engine='event'.",
    )


def _n_bytes(plan: Plan, arrays: Arrays) -> int:
    n_ticks, n_trains = arrays.events.shape
    history = 8 * plan.longest_delay * (plan.n_neurons + n_trains)
    results = n_ticks * (plan.n_neurons + 4 * len(arrays.kept))
    given = (*arrays.matrices, *arrays.own, *arrays.shared, *arrays.currents, arrays.events)
    return history + results + sum(array.nbytes for array in given)


def _require_fixed_synapses(network: Network) -> None:
    for projection in network.projections:
        require(
            projection.plasticity is None and projection.short_term is None,
            f"projection {projection.source} -> {projection.target}: in the scan engine synapses "
            "do not change. Use engine='event'.",
        )


def _group_plan(group: NeuronGroup) -> GroupPlan:
    neuron = group.neuron
    functions = (neuron.step, neuron.spiked, neuron.reset)
    return GroupPlan(group.shape, *functions, group.first, group.size, group.refractory_ticks)


def _constants(group: NeuronGroup, dt_ms: float, *, seed: int) -> dict[str, np.ndarray]:
    return {
        name: column[: group.size] if column.ndim else column
        for name, column in constants(group, dt_ms, seed=seed).items()
    }


def _without_padding(groups: Sequence[NeuronGroup], memory: Memory) -> np.ndarray:
    """Return where each place in memory comes to lie without the padding, or -1."""
    places, end = np.full(memory.flat.size, -1), 0
    for (g, _), place in memory.places.items():
        size = groups[g].size
        places[place : place + size] = np.arange(end, end + size)
        end += size
    return places


def _reach(
    place: int, size: int, memory: Memory, groups: Sequence[NeuronGroup]
) -> tuple[int, int, int]:
    """Return the group, and the neurons in it, whose injected current lies at `place`."""
    for g, group in enumerate(groups):
        first = int(place) - memory.places[g, "current"]
        if 0 <= first < group.size:
            return g, first, first + int(size)
    raise AssertionError(place)


def _most(network: Network, counts: np.ndarray) -> np.ndarray:
    """Return the most spikes that each neuron, and each train, sends in a tick."""
    return np.concatenate([np.ones(network.n_neurons, int), counts.max(axis=0, initial=1)])


def _counts(network: Network, events: Events, grid: Grid) -> np.ndarray:
    """Return how many spikes each train sends in each tick, in the smallest type that holds it."""
    n_trains = sum(source.size for source in network.sources)
    n_bytes = 4 * grid.n_ticks * n_trains
    require(
        n_bytes <= LARGEST_BYTES,
        f"{n_trains} trains of spikes for {grid.n_ticks} ticks take {n_bytes / 1e9:.1f} GB in the "
        "scan engine. Simulate a shorter time, or with engine='event'.",
    )
    counts = np.zeros((grid.n_ticks, n_trains), np.int32)
    np.add.at(counts, (events.ticks, events.sources - network.n_neurons), 1)
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
