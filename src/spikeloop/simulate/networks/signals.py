"""Quantities that change in time, and the ticks at which a network sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, log10
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import TimeSeries
from spikeloop.data.checks import frozen, require
from spikeloop.errors import InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import Float32, Int

ROUNDING = 1e-6
"""Times this close, in ticks or samples, are one: k * dt is seldom the decimal number it means."""
MOST_VALUES = 2**30
"""How many numbers a signal may become: 4 GiB of float32."""
BLOCK_VALUES = 2**20
"""How many numbers are computed at once, in float64."""


@dataclass(frozen=True)
class Grid:
    """The ticks of a simulation: tick k runs from k dt to (k + 1) dt.

    >>> grid = Grid(n_ticks=4, dt_ms=0.3)
    >>> grid.times_ms.tolist(), grid.duration_s
    ([0.0, 0.3, 0.6, 0.9], 0.0012)
    """

    n_ticks: int
    """How many ticks there are."""
    dt_ms: float
    """How long each of them lasts."""

    def __post_init__(self) -> None:
        require(
            isinstance(self.n_ticks, int | np.integer) and 0 < self.n_ticks < 2**31,
            f"n_ticks={self.n_ticks}: it must be a whole number above 0 and below 2**31.",
        )
        require(
            bool(np.isfinite(self.dt_ms)) and self.dt_ms > 0,
            f"dt_ms={self.dt_ms}: it must be above 0.",
        )

    @property
    def times_ms(self) -> np.ndarray:
        """(tick,) when each tick starts: rounded, so that 3 ticks of 0.3 ms start at 0.9 ms."""
        digits = 9 - floor(log10(self.dt_ms))
        return np.round(np.arange(self.n_ticks) * self.dt_ms, digits)

    @property
    def duration_s(self) -> float:
        """When the last tick ends, in seconds."""
        return round(self.n_ticks * self.dt_ms / 1000, 12 - floor(log10(self.dt_ms)))

    def ticks_of(self, times_ms: np.ndarray) -> Int[np.ndarray, " time"]:
        """Return the tick that each time falls into; a time at a border belongs to the later one.

        >>> Grid(10, 0.3).ticks_of(np.array([0.0, 0.9, 1.1])).tolist()
        [0, 3, 3]
        """
        return np.floor(times_ms / self.dt_ms + ROUNDING).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Step:
    """One value from start to stop (start <= time < stop), and another outside.

    >>> on_grid("current", Step(2.0, start_ms=1.0, stop_ms=2.0), Grid(6, 0.5), 1)[:, 0].tolist()
    [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]
    """

    amplitude: float | np.ndarray
    """The value from start to stop: a number, or one for each neuron."""
    start_ms: float = 0.0
    """When it begins."""
    stop_ms: float = np.inf
    """When it is over."""
    baseline: float | np.ndarray = 0.0
    """The value before and after: a number, or one for each neuron."""

    def __post_init__(self) -> None:
        _check_values(self, "amplitude", "baseline")
        _check_span(self.start_ms, self.stop_ms)

    def on_ticks(self, ticks: np.ndarray, grid: Grid) -> np.ndarray:
        """Return the values (tick, 1 or neuron) at the start of `ticks`."""
        first, stop = np.ceil(np.array([self.start_ms, self.stop_ms]) / grid.dt_ms - ROUNDING)
        active = (ticks >= first) & (ticks < stop)
        return np.where(active[:, None], self.amplitude, self.baseline)


@dataclass(frozen=True, eq=False)
class Ramp:
    """A straight line from one value to another, each of which holds outside.

    >>> ramp = Ramp(0.0, 4.0, start_ms=1.0, stop_ms=3.0)
    >>> on_grid("current", ramp, Grid(5, 1.0), 1)[:, 0].tolist()
    [0.0, 0.0, 2.0, 4.0, 4.0]
    """

    start_value: float | np.ndarray
    """The value until start: a number, or one for each neuron."""
    stop_value: float | np.ndarray
    """The value from stop on: a number, or one for each neuron."""
    start_ms: float
    """When the line begins."""
    stop_ms: float
    """When it is over."""

    def __post_init__(self) -> None:
        _check_values(self, "start_value", "stop_value")
        _check_span(self.start_ms, self.stop_ms)
        require(
            bool(np.isfinite(self.stop_ms - self.start_ms)),
            f"start_ms={self.start_ms}, stop_ms={self.stop_ms}: a ramp has a finite length.",
        )

    def on_ticks(self, ticks: np.ndarray, grid: Grid) -> np.ndarray:
        """Return the values (tick, 1 or neuron) at the start of `ticks`."""
        done = (ticks * grid.dt_ms - self.start_ms) / (self.stop_ms - self.start_ms)
        done = np.clip(done, 0.0, 1.0)[:, None]
        return (1 - done) * self.start_value + done * self.stop_value


@dataclass(frozen=True, eq=False)
class Sine:
    r"""An oscillation, :math:`c + a \sin(2 \pi f t + \phi)`.

    >>> sine = Sine(1.0, frequency_hz=250.0, offset=1.0)
    >>> on_grid("rate_hz", sine, Grid(4, 1.0), 1)[:, 0].tolist()
    [1.0, 2.0, 1.0, 0.0]
    """

    amplitude: float | np.ndarray
    """Half of peak to peak: a number, or one for each neuron."""
    frequency_hz: float | np.ndarray
    """Cycles per second: a number, or one for each neuron."""
    phase_deg: float | np.ndarray = 0.0
    """Where the cycle is at time 0: 90 is a peak. A number, or one for each neuron."""
    offset: float | np.ndarray = 0.0
    """What it oscillates about: a number, or one for each neuron."""

    def __post_init__(self) -> None:
        _check_values(self, "amplitude", "frequency_hz", "phase_deg", "offset")

    def on_ticks(self, ticks: np.ndarray, grid: Grid) -> np.ndarray:
        """Return the values (tick, 1 or neuron) at the start of `ticks`."""
        time_s = ticks[:, None] * (grid.dt_ms / 1000)
        cycles = self.frequency_hz * time_s + np.divide(self.phase_deg, 360)
        return self.offset + self.amplitude * np.sin(2 * np.pi * (cycles % 1))


Signal = float | np.ndarray | TimeSeries | Step | Ramp | Sine | Callable[[float], object]
"""A number, one for each neuron (neuron,), samples, a shape in time, or a function of the time in
ms that returns a number or (neuron,)."""


def on_grid(
    name: str, signal: Signal, grid: Grid, n: int
) -> Float32[np.ndarray, "tick_or_1 n_or_1"]:
    """Return the value of a signal at the start of each tick.

    An axis along which nothing changes has length 1: a constant has one row, and what is the same
    for all has one column.

    Parameters
    ----------
    name
        What error messages call it.
    signal
        A sample of a `TimeSeries` holds until the next one starts; its columns are those of the
        result. A function is called once for each tick, with the time in ms.
    grid
        The ticks.
    n
        How many neurons, or sources, there are.

    Raises
    ------
    InvalidInputError
        A value is not finite; there are not 1 or `n` of them; samples do not cover all ticks; or
        the result would take more than 4 GiB.

    Examples
    --------
    >>> on_grid("current", lambda t_ms: [t_ms, -t_ms], Grid(3, 0.5), 2).tolist()
    [[0.0, -0.0], [0.5, -0.5], [1.0, -1.0]]
    >>> on_grid("current", 0.0, Grid(1000, 0.1), 50).tolist()
    [[0.0]]
    """
    if isinstance(signal, Step | Ramp | Sine):
        width = signal.on_ticks(np.arange(1), grid).shape[1]
        return _in_blocks(name, signal.on_ticks, grid, width, n)
    if isinstance(signal, TimeSeries):
        return _in_blocks(name, _samples(name, signal, grid), grid, signal.values.shape[1], n)
    if callable(signal):
        return _call(name, signal, grid, n)
    return _constant(name, signal, n)


def _constant(name: str, signal: object, n: int) -> np.ndarray:
    row = _as_row(name, signal)
    _require_width(name, row.size, n)
    row = row if row.any() else row[:1]
    return _as_float32(name, row[None], np.zeros(1))


def _in_blocks(name: str, on_ticks: Callable, grid: Grid, width: int, n: int) -> np.ndarray:
    _require_width(name, width, n)
    _require_room(name, grid, width)
    times_ms = grid.times_ms
    values = np.empty((grid.n_ticks, width), dtype=np.float32)
    size = max(BLOCK_VALUES // width, 1)
    for start in range(0, grid.n_ticks, size):
        ticks = np.arange(start, min(start + size, grid.n_ticks))
        values[ticks[0] : ticks[-1] + 1] = _as_float32(name, on_ticks(ticks, grid), times_ms[ticks])
    return values


def _samples(name: str, series: TimeSeries, grid: Grid) -> Callable:
    """Return the function of ticks that finds their samples."""

    def sample(time_s: np.ndarray) -> np.ndarray:
        place = (time_s - series.start_s) * series.sample_rate_hz
        return np.floor(place + ROUNDING).astype(np.int64)

    last_s = grid.times_ms[-1] / 1000
    require(
        sample(0.0) >= 0 and sample(last_s) < series.n_samples,
        f"{name}: the samples run from {series.start_s} to {series.stop_s} s, and the ticks start "
        f"from 0 to {last_s} s. Give samples for all of them, or simulate for a shorter time.",
    )
    return lambda ticks, grid: series.values[sample(ticks * (grid.dt_ms / 1000))]


def _call(name: str, function: Callable[[float], object], grid: Grid, n: int) -> np.ndarray:
    values = np.empty((grid.n_ticks, 1), dtype=np.float32)
    for tick, time_ms in enumerate(grid.times_ms.tolist()):
        row = _as_row(f"{name} at {time_ms} ms", function(time_ms))
        if row.size != values.shape[1] and row.size != 1:
            _require_width(f"{name} at {time_ms} ms", row.size, n)
            _require_room(name, grid, n)
            values = np.repeat(values, n, axis=1)
        values[tick] = _as_float32(name, row[None], np.array([time_ms]))
    return values


def _as_float32(name: str, values: np.ndarray, times_ms: np.ndarray) -> np.ndarray:
    """Return (tick, value) as float32, and refuse what is not finite or too large for it."""
    with np.errstate(over="ignore"):
        small = values.astype(np.float32)
    for tick, column in np.argwhere(~np.isfinite(small))[:1]:
        require(
            False,
            f"{name} is {values[tick, column]} at {times_ms[tick]} ms: it must be finite, and fit "
            "single precision.",
        )
    return small


def _as_row(name: str, value: object) -> np.ndarray:
    """Return a number, or one for each neuron, as a vector."""
    wanted = "it must be a number, or one for each neuron."
    try:
        row = np.asarray(value)
    except ValueError as error:
        raise InvalidInputError(f"{name} is no array ({error}): {wanted}") from None
    require(row.dtype.kind in "buif", f"{name} is a {type(value).__name__}: {wanted}")
    require(row.ndim < 2 and row.size > 0, f"{name} has shape {row.shape}: {wanted}")
    return np.atleast_1d(row.astype(float, copy=False))


def _require_width(name: str, width: int, n: int) -> None:
    require(
        width in (1, n), f"{name} has {width} values: give one for all, or one for each of {n}."
    )


def _require_room(name: str, grid: Grid, width: int) -> None:
    n_values = grid.n_ticks * width
    require(
        n_values <= MOST_VALUES,
        f"{name}: {grid.n_ticks} ticks of {width} values are {4 * n_values / 2**30:.1f} GiB, and "
        "4 are allowed. Simulate for a shorter time, or give all the same value.",
    )


def _check_values(shape: Step | Ramp | Sine, *fields: str) -> None:
    """Check the fields, and keep those with a value for each neuron as read-only arrays."""
    sizes = {}
    for field in fields:
        row = _as_row(field, getattr(shape, field))
        require(bool(np.isfinite(row).all()), f"{field} holds a value that is not finite.")
        if np.ndim(getattr(shape, field)) == 1:
            object.__setattr__(shape, field, frozen(row))
            sizes[field] = row.size
    wide = set(sizes.values()) - {1}
    told = ", ".join(f"{field} has {size} values" for field, size in sizes.items())
    require(len(wide) < 2, f"{told}: give each a number, or one for each neuron.")


def _check_span(start_ms: float, stop_ms: float) -> None:
    require(
        isinstance(start_ms, Real) and isinstance(stop_ms, Real),
        f"start_ms={start_ms!r}, stop_ms={stop_ms!r}: give numbers.",
    )
    require(
        start_ms < stop_ms, f"start_ms={start_ms}, stop_ms={stop_ms}: stop must be after start."
    )
