"""Where the spikes that reach a network from outside come from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from spikeloop.data import SpikeTrains
from spikeloop.data.checks import frozen, require
from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.simulate.networks.signals import BLOCK_VALUES, ROUNDING, Grid, Signal, on_grid

if TYPE_CHECKING:
    from jaxtyping import Float, Int32

MOST_SPIKES = 2**28
"""How many spikes a source may send: 2 GiB of ticks and indices."""


@dataclass(frozen=True, eq=False)
class Events:
    """Spikes on a grid of ticks."""

    tick: Int32[np.ndarray, " spike"]
    """When each happens, ascending."""
    index: Int32[np.ndarray, " spike"]
    """Which train each belongs to; in any order within a tick."""


@runtime_checkable
class SpikeSource(Protocol):
    """Anything that sends spikes from outside the network."""

    def events(self, name: str, size: int, grid: Grid, rng: np.random.Generator) -> Events:
        """Return the spikes of `size` trains; error messages call them `name`."""


@dataclass(frozen=True, eq=False)
class Poisson:
    r"""Independent Poisson trains of a rate that may change in time.

    Exact for rates that are constant in each tick: the number of spikes in a tick is a Poisson
    count of mean :math:`r\,dt`, so a train may have two spikes in one tick, and both are sent.

    >>> events = Poisson(10.0).events("inputs", 1000, Grid(10_000, 0.1), np.random.default_rng(1))
    >>> events.tick.size
    9911
    """

    rate_hz: Signal
    """Spikes per second of each train: a number, one for each train, or a signal in time."""

    def events(self, name: str, size: int, grid: Grid, rng: np.random.Generator) -> Events:
        """Return the spikes of `size` trains; error messages call them `name`."""
        rate_hz = on_grid(f"{name}: rate_hz", self.rate_hz, grid, size)
        require(
            rate_hz.min() >= 0,
            f"{name}: rate_hz goes down to {rate_hz.min():.6g}: a rate is 0 or more.",
        )
        _require_room(name, rate_hz.mean(dtype=float) * size * grid.duration_s)
        per_tick = grid.dt_ms / 1000
        if rate_hz.shape[1] == 1:
            return _equal_trains(rate_hz[:, 0].astype(float) * per_tick * size, size, grid, rng)
        if rate_hz.shape[0] == 1:
            return _steady_trains(rate_hz[0].astype(float) * per_tick * grid.n_ticks, grid, rng)
        return _any_trains(rate_hz, per_tick, rng)


@dataclass(frozen=True, eq=False)
class Regular:
    """Trains of spikes with equal distances: at first, first + 1 / rate, first + 2 / rate ...

    >>> clock = Regular(rate_hz=400.0, first_ms=0.5)
    >>> clock.events("clock", 1, Grid(100, 0.1), np.random.default_rng(1)).tick.tolist()
    [5, 30, 55, 80]
    """

    rate_hz: float | np.ndarray
    """Spikes per second: a number, or one for each train. At 0 there is none, not even a first."""
    first_ms: float | np.ndarray = 0.0
    """When the first spike happens: a number, or one for each train."""

    def events(self, name: str, size: int, grid: Grid, rng: np.random.Generator) -> Events:
        """Return the spikes of `size` trains, without random numbers."""
        rate_hz = _for_each(f"{name}: rate_hz", self.rate_hz, size)
        first_ms = _for_each(f"{name}: first_ms", self.first_ms, size)
        first, per_tick = first_ms / grid.dt_ms, rate_hz * (grid.dt_ms / 1000)
        count = np.floor(np.maximum((grid.n_ticks - first) * per_tick + 1, 0)) * (rate_hz > 0)
        _require_room(name, count.sum())
        count = count.astype(np.int64)
        index = np.repeat(np.arange(size), count)
        nth = np.arange(index.size) - np.repeat(np.cumsum(count) - count, count)
        tick = np.floor(first[index] + nth / per_tick[index] + ROUNDING).astype(np.int64)
        inside = tick < grid.n_ticks
        return _in_order(tick[inside], index[inside])


@dataclass(frozen=True, eq=False)
class Given:
    """Spikes that are known: from an experiment, or from another simulation.

    A spike happens in the tick that its time falls into; the simulation starts at time 0. Spikes
    before that or after the end are dropped, with a `SpikeloopWarning`.

    >>> from spikeloop.data import Epochs
    >>> trains = SpikeTrains.from_units({"a": [0.0003], "b": [0.0001]}, Epochs([0.0], [1.0]))
    >>> events = Given(trains).events("inputs", 2, Grid(10, 0.1), np.random.default_rng(1))
    >>> events.tick.tolist(), events.index.tolist()
    ([1, 3], [1, 0])
    """

    spikes: SpikeTrains
    """One unit for each train."""

    def __post_init__(self) -> None:
        require(
            isinstance(self.spikes, SpikeTrains),
            f"spikes is a {type(self.spikes).__name__}: give SpikeTrains.",
        )

    def events(self, name: str, size: int, grid: Grid, rng: np.random.Generator) -> Events:
        """Return the spikes that fall into the ticks, without random numbers."""
        require(
            self.spikes.n_units == size,
            f"{name}: {self.spikes.n_units} units of spikes for {size} trains: give one each.",
        )
        tick = grid.ticks_of(self.spikes.times_s * 1000)
        inside = (tick >= 0) & (tick < grid.n_ticks)
        n_outside = inside.size - np.count_nonzero(inside)
        if n_outside:
            warnings.warn(
                f"{name}: {n_outside} of {inside.size} spikes lie outside 0..{grid.duration_s} s, "
                "and are not sent.",
                SpikeloopWarning,
                stacklevel=2,
            )
        return _events(tick[inside], self.spikes.unit_index[inside])


def as_source(spikes: SpikeSource | SpikeTrains) -> SpikeSource:
    """Return a source of spikes: itself, or `Given` the `SpikeTrains`.

    Raises
    ------
    InvalidInputError
        It is neither.
    """
    if isinstance(spikes, SpikeTrains):
        return Given(spikes)
    if isinstance(spikes, SpikeSource):
        return spikes
    raise InvalidInputError(
        f"spikes is a {type(spikes).__name__}: give Poisson, Regular, Given or SpikeTrains."
    )


def _equal_trains(
    expected: Float[np.ndarray, " tick_or_1"], size: int, grid: Grid, rng: np.random.Generator
) -> Events:
    """Draw the spikes of all trains together, tick by tick, and then whose each of them is."""
    count = rng.poisson(np.broadcast_to(expected, grid.n_ticks))
    tick = np.repeat(np.arange(grid.n_ticks, dtype=np.int32), count)
    return Events(frozen(tick), frozen(rng.integers(size, size=tick.size, dtype=np.int32)))


def _steady_trains(
    expected: Float[np.ndarray, " train"], grid: Grid, rng: np.random.Generator
) -> Events:
    """Draw how many spikes each train has, and then when."""
    index = np.repeat(np.arange(expected.size), rng.poisson(expected))
    return _in_order(rng.integers(grid.n_ticks, size=index.size), index)


def _any_trains(
    rate_hz: Float[np.ndarray, "tick train"], per_tick: float, rng: np.random.Generator
) -> Events:
    """Draw how many spikes a block of ticks has, and then each one's place in the summed rate.

    The sum runs over trains within ticks. A spike is where it passes a uniform number; those are
    sorted, so the spikes come out in order.
    """
    n_ticks, size = rate_hz.shape
    block = max(BLOCK_VALUES // size, 1)
    places = [np.empty(0, dtype=np.int64)]
    for start in range(0, n_ticks, block):
        edges = np.cumsum(rate_hz[start : start + block], dtype=float)
        level = np.sort(rng.random(rng.poisson(edges[-1] * per_tick))) * edges[-1]
        places.append(start * size + np.searchsorted(edges, level, side="right"))
    return _events(*np.divmod(np.concatenate(places), size))


def _in_order(tick: np.ndarray, index: np.ndarray) -> Events:
    """Sort by tick, then by train: as one number of 64 bits, which is the fastest to sort."""
    both = np.sort(tick << 32 | index)
    return _events(both >> 32, both & (2**32 - 1))


def _events(tick: np.ndarray, index: np.ndarray) -> Events:
    return Events(frozen(tick.astype(np.int32)), frozen(index.astype(np.int32)))


def _for_each(name: str, value: float | np.ndarray, size: int) -> Float[np.ndarray, " train"]:
    """Return a value of 0 or more for each train."""
    row = np.asarray(value, dtype=float)
    require(
        row.shape in ((), (size,)),
        f"{name} has shape {row.shape}: give a number, or one for each of {size} trains.",
    )
    require(
        bool(np.all(np.isfinite(row) & (row >= 0))),
        f"{name} holds a value below 0, or one that is not finite: it must be 0 or more.",
    )
    return np.broadcast_to(row, size)


def _require_room(name: str, expected: float) -> None:
    require(
        expected <= MOST_SPIKES,
        f"{name}: {expected:.3g} spikes would take {8 * expected / 2**30:.1f} GiB, and 2 are "
        "allowed. Give fewer trains, lower rates, or less time.",
    )
