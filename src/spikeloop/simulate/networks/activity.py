"""What a simulated network did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.simulate.networks.network import Population, Source
from spikeloop.simulate.networks.signals import Grid

if TYPE_CHECKING:
    from scipy.sparse import csr_array


TIME_DIGITS = 10
"""Decimals of a spike time in seconds: 333 ticks of 0.1 ms are 0.0333 s."""


@dataclass(frozen=True, eq=False)
class Activity:
    """The spikes of a network, and what was recorded of its state."""

    spikes: SpikeTrains
    """One unit for each neuron, numbered from 0 in the order of the populations; the columns
    ``population`` and ``index`` of its table say which neuron that is."""
    inputs: SpikeTrains
    """The spikes of the sources, in the same way."""
    traces: Mapping[tuple[str, str], TimeSeries]
    """(population, variable) -> (tick, neuron) values at the start of each tick."""
    recorded: Mapping[tuple[str, str], np.ndarray]
    """(population, variable) -> which neurons of the population the columns of `traces` are."""
    dt_ms: float
    """Duration of a tick."""
    weights: Mapping[int, "csr_array"] = field(default_factory=dict)
    """Number of a projection with plasticity -> (source, target) sparse array of its weights at the
    end."""
    status: str = "done"
    """``"done"``, or when and where the potential overflowed, and what to do."""
    timings_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds spent on building the network, on compiling (or loading compiled code), and on
    running it."""

    def __repr__(self) -> str:
        n_spikes, n_neurons = len(self.spikes.times_s), self.spikes.n_units
        recorded = ", ".join(f"{name} of {owner}" for owner, name in self.traces) or "nothing"
        return (
            f"Activity({n_spikes} spikes of {n_neurons} neurons in "
            f"{self.spikes.epochs.duration_s:g} s; recorded: {recorded}; {self.status})"
        )

    def of(self, population: str) -> SpikeTrains:
        """Return the spikes of one population, or of one source; its units count from 0."""
        for trains in (self.spikes, self.inputs):
            chosen = trains.unit_table["population"] == population
            if chosen.any():
                own = trains.select(chosen)
                return replace(own, unit_ids=own.unit_table["index"])
        known = np.unique(
            np.concatenate(
                [trains.unit_table["population"] for trains in (self.spikes, self.inputs)]
            )
        )
        require(False, f"there is no population {population!r}: there are {', '.join(known)}.")
        raise AssertionError

    def trace(self, population: str, variable: str, neuron: int | None = None) -> TimeSeries:
        """Return what was recorded of one variable of one population: of a neuron of it, or of all.

        A neuron is named by its number in the population.
        """
        known = ", ".join(f"{name} of {owner}" for owner, name in self.traces)
        require(
            (population, variable) in self.traces,
            f"{variable} of {population} was not recorded: recorded were {known or 'none'}. Add "
            f"Record({population!r}, {variable!r}) to the simulation.",
        )
        series = self.traces[population, variable]
        if neuron is None:
            return series
        columns = np.flatnonzero(self.recorded[population, variable] == neuron)
        require(
            len(columns) == 1,
            f"{variable} of neuron {neuron} of {population} was not recorded.",
        )
        return TimeSeries(series.values[:, columns], series.sample_rate_hz, series.start_s)


def spike_trains(
    parts: Sequence[Population | Source],
    firsts: Mapping[str, int],
    ticks: np.ndarray,
    senders: np.ndarray,
    grid: Grid,
    n_ticks: int,
) -> SpikeTrains:
    """Return the spikes of some populations or sources, one unit for each neuron.

    Parameters
    ----------
    parts
        Populations, or sources, in the order in which their units are numbered.
    firsts
        The number by which the engine calls the first neuron of each.
    ticks, senders
        (spike,) ticks, ascending, and who fired, as the engine numbers them.
    grid
        The ticks of the run.
    n_ticks
        How many of them were done.
    """
    sizes = [part.size for part in parts]
    starts = np.cumsum([0, *sizes])[:-1]
    unit = np.full(int(senders.max(initial=0)) + 1, -1, np.int32)
    for part, start in zip(parts, starts, strict=True):
        first = firsts[part.name]
        end = min(first + part.size, len(unit))
        unit[first:end] = np.arange(start, start + max(end - first, 0))
    unit_index = unit[senders]
    ours = unit_index >= 0
    return SpikeTrains(
        np.round(ticks[ours] * (grid.dt_ms / 1000), TIME_DIGITS),
        unit_index[ours],
        np.arange(sum(sizes)),
        Epochs([0.0], [n_ticks * grid.dt_ms / 1000]),
        {
            "population": np.repeat([part.name for part in parts] or np.empty(0, str), sizes),
            "index": np.concatenate([np.arange(size) for size in sizes] or [np.empty(0, int)]),
        },
    )
