"""What comes from outside, on the grid of ticks: spikes of sources, and injected currents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloop.simulate.event_engine.kernel import Outside
from spikeloop.simulate.event_engine.memory import Memory
from spikeloop.simulate.networks.groups import NeuronGroup, stream
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.signals import Grid, on_grid


@dataclass(frozen=True, eq=False)
class Events:
    """The spikes of all sources during a run."""

    ticks: np.ndarray
    """(event,) int32, ascending."""
    sources: np.ndarray
    """(event,) int32: numbered after the neurons of the network."""

    def begins(self, first: int, n_ticks: int) -> np.ndarray:
        """Return where the events of each of some ticks begin, (tick + 1,)."""
        return np.searchsorted(self.ticks, np.arange(first, first + n_ticks + 1))


@dataclass(frozen=True, eq=False)
class Currents:
    """Injected currents that change in time."""

    places: np.ndarray
    """(current, 3) int64: place in memory, number of neurons, number of different values."""
    values: tuple[np.ndarray, ...]
    """For each current, (tick, value) float32."""
    groups: frozenset[int]
    """The groups that they reach."""

    def during(self, first: int, n_ticks: int) -> np.ndarray:
        """Return the values of some ticks, one current after the other in one row."""
        rows = [values[first : first + n_ticks].ravel() for values in self.values]
        return np.concatenate(rows) if rows else np.empty(0, np.float32)


def gather_events(network: Network, grid: Grid, *, seed: int) -> Events:
    """Draw the spikes of all sources, each with random numbers of its own."""
    ticks, sources = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    first = network.n_neurons
    for source in network.sources:
        rng = stream(seed, source.name, "spikes")
        events = source.spikes.events(source.name, source.size, grid, rng)
        ticks.append(events.tick)
        sources.append((events.index + first).astype(np.int32))
        first += source.size
    tick = np.concatenate(ticks)
    order = np.argsort(tick, kind="stable") if len(network.sources) > 1 else slice(None)
    return Events(tick[order], np.concatenate(sources)[order])


def gather_currents(
    network: Network, groups: Sequence[NeuronGroup], memory: Memory, grid: Grid
) -> Currents:
    """Evaluate injected currents; those that never change are written into memory at once."""
    places, values, reached = [], [], set()
    for g, group in enumerate(groups):
        for member in group.members:
            population = member.population
            place = memory.places[g, "current"] + member.first - group.first
            current = on_grid(
                f"{population.name}: current", population.current, grid, population.size
            )
            if len(current) == 1:
                memory.flat[place : place + population.size] = current[0]
            else:
                places.append((place, population.size, current.shape[1]))
                values.append(current)
                reached.add(g)
    return Currents(np.array(places, np.int64).reshape(-1, 3), tuple(values), frozenset(reached))


def outside(events: Events, currents: Currents, first: int, n_ticks: int) -> Outside:
    """Return what comes from outside in some ticks, as the compiled loop wants it."""
    begins = events.begins(first, n_ticks)
    return Outside(
        begins - begins[0],
        events.sources[begins[0] : begins[-1]],
        currents.places,
        currents.during(first, n_ticks),
    )
