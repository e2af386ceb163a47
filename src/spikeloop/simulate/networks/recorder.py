"""Where in memory lies what is to be recorded, and what was."""

from collections.abc import Sequence

import numpy as np

from spikeloop.data import TimeSeries
from spikeloop.data.checks import require
from spikeloop.simulate.event_engine.group_kernel import LIMIT
from spikeloop.simulate.event_engine.memory import Memory
from spikeloop.simulate.networks.groups import NeuronGroup
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.simulation import Record, Simulation

LARGEST_BYTES = 8e9
"""What recordings may take; more is refused before the run."""


class Recorder:
    """The places in memory that a simulation records, in the order in which it was asked."""

    def __init__(
        self, network: Network, groups: Sequence[NeuronGroup], memory: Memory, method: Simulation
    ) -> None:
        self.method = method
        self.neurons: dict[tuple[str, str], np.ndarray] = {}
        places = [np.empty(0, np.int64)]
        for wanted in method.record:
            population = network.population(wanted.population)
            neurons = _neurons(wanted, population.size)
            require(
                (wanted.population, wanted.variable) not in self.neurons,
                f"record: {wanted.variable} of {wanted.population} is asked for twice. Name all "
                "its neurons in one Record.",
            )
            self.neurons[wanted.population, wanted.variable] = neurons
            places.append(_place(wanted, groups, memory) + neurons)
        self.places = np.concatenate(places)
        n_bytes = 4 * self.places.size * method.n_ticks
        require(
            n_bytes <= LARGEST_BYTES,
            f"record: {self.places.size} values in {method.n_ticks} ticks are "
            f"{n_bytes / 1e9:.1f} GB. Record fewer neurons, or a shorter time.",
        )

    def traces(self, values: np.ndarray) -> dict[tuple[str, str], TimeSeries]:
        """Return (tick, value) as a time series for each variable that was asked for.

        They end before the first tick in which one of them is no number below `LIMIT`.
        """
        sound = (np.abs(values) < LIMIT).all(axis=1)
        values = values[: len(values) if sound.all() else int(sound.argmin())]
        ends = np.cumsum([len(neurons) for neurons in self.neurons.values()], dtype=int)
        rate_hz = 1000 / self.method.dt_ms
        parts = np.split(values, ends[:-1], axis=1) if len(ends) else []
        return {
            key: TimeSeries(part, rate_hz)
            for key, part in zip(self.neurons, parts, strict=True)
            if len(part)
        }


def _neurons(wanted: Record, size: int) -> np.ndarray:
    if wanted.neurons is None:
        return np.arange(size)
    neurons = np.asarray(wanted.neurons)
    require(
        neurons.ndim == 1
        and neurons.size > 0
        and neurons.dtype.kind in "iu"
        and neurons.min() >= 0
        and neurons.max() < size,
        f"record: neurons={wanted.neurons} of {wanted.population}: give numbers from 0 to "
        f"{size - 1}.",
    )
    return neurons.astype(np.int64)


def _place(wanted: Record, groups: Sequence[NeuronGroup], memory: Memory) -> int:
    """Return where in memory the variable of the first neuron of the population lies."""
    for g, group in enumerate(groups):
        for member in group.members:
            if member.population.name == wanted.population:
                column = _column(wanted, group, list(member.population.receptors))
                return memory.places[g, column] + member.first - group.first
    raise AssertionError(wanted.population)


def _column(wanted: Record, group: NeuronGroup, receptors: list[str]) -> str:
    columns = {"current": "current"}
    for k, (name, kind) in enumerate(zip(receptors, group.shape.receptors, strict=True)):
        part = "response" if kind.startswith("alpha") else "row"
        columns[name] = f"receptor {k} {part}"
    columns |= {name: f"state {name}" for name in group.shape.state}
    require(
        wanted.variable in columns,
        f"record: {wanted.population} has no {wanted.variable!r}: it has {', '.join(columns)}.",
    )
    return columns[wanted.variable]
