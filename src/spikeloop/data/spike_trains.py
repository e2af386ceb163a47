"""Who fired when."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloop.data.checks import as_table, as_vector, require, require_finite, require_unique
from spikeloop.data.epochs import Epochs
from spikeloop.errors import SpikeloopWarning


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """The spikes of many units, in one list ordered by time.

    >>> spikes = SpikeTrains.from_units({"a": [0.1, 0.5], "b": []}, Epochs([0.0], [2.0]))
    >>> spikes
    SpikeTrains(2 units, 2 spikes, 2.0 s observed)
    >>> spikes.rates_hz().tolist()
    [1.0, 0.0]
    """

    times_s: np.ndarray
    """(spike,) float64, in seconds, ascending, inside the epochs."""
    unit_index: np.ndarray
    """(spike,) int32: the row of `unit_ids` that each spike belongs to."""
    unit_ids: np.ndarray
    """(unit,) a name or a number for each unit, each once. Units without spikes are kept."""
    epochs: Epochs
    """When the units were observed."""
    unit_table: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Columns with a row for each unit: depth, area, quality ..."""

    def __post_init__(self) -> None:
        times_s = as_vector("times_s", self.times_s, float)
        unit_index = as_vector("unit_index", self.unit_index, np.int32)
        unit_ids = as_vector("unit_ids", self.unit_ids)
        require(isinstance(self.epochs, Epochs), f"epochs is a {type(self.epochs).__name__}.")
        require(
            len(times_s) == len(unit_index),
            f"{len(times_s)} times_s and {len(unit_index)} unit_index: give one of each per spike.",
        )
        require_unique("unit_ids", unit_ids)
        require_finite("times_s", times_s)
        require(
            unit_index.size == 0 or (unit_index.min() >= 0 and unit_index.max() < len(unit_ids)),
            f"unit_index must lie in 0..{len(unit_ids) - 1}, the rows of unit_ids.",
        )
        for i in np.flatnonzero(np.diff(times_s) < 0)[:1]:
            require(
                False,
                f"times_s is not ascending: spike {i + 1} at {times_s[i + 1]} s comes after one at "
                f"{times_s[i]} s. Sort the spikes, or use SpikeTrains.from_units.",
            )
        _require_observed(times_s, self.epochs)
        object.__setattr__(self, "times_s", times_s)
        object.__setattr__(self, "unit_index", unit_index)
        object.__setattr__(self, "unit_ids", unit_ids)
        table = as_table("unit_table", self.unit_table, len(unit_ids))
        object.__setattr__(self, "unit_table", table)

    @classmethod
    def from_units(
        cls,
        times_s: Mapping[object, object],
        epochs: Epochs,
        unit_table: Mapping[str, object] | None = None,
    ) -> "SpikeTrains":
        """Merge one list of spike times per unit; a list that is not sorted is sorted, and said so.

        Parameters
        ----------
        times_s
            unit id -> (spike,) times in seconds.
        epochs
            When the units were observed.
        unit_table
            Columns with a row for each unit, in the order of `times_s`.

        Raises
        ------
        InvalidInputError
            A time is not finite or lies outside the epochs.
        """
        trains = [as_vector(f"times_s[{unit!r}]", times, float) for unit, times in times_s.items()]
        for unit, train in zip(times_s, trains, strict=True):
            require_finite(f"times_s[{unit!r}]", train)
        unsorted = [
            str(unit)
            for unit, train in zip(times_s, trains, strict=True)
            if np.any(train[1:] < train[:-1])
        ]
        if unsorted:
            warnings.warn(
                f"The spike times of {len(unsorted)} units were not sorted "
                f"({', '.join(unsorted[:5])}); they have been sorted.",
                SpikeloopWarning,
                stacklevel=2,
            )
        merged = np.concatenate([np.empty(0), *trains])
        unit_index = np.repeat(np.arange(len(trains), dtype=np.int32), [len(t) for t in trains])
        order = np.argsort(merged, kind="stable")
        return cls(merged[order], unit_index[order], _ids(times_s), epochs, unit_table or {})

    def __repr__(self) -> str:
        return (
            f"SpikeTrains({self.n_units} units, {len(self.times_s)} spikes, "
            f"{self.epochs.duration_s} s observed)"
        )

    @property
    def n_units(self) -> int:
        """How many units there are, silent ones included."""
        return len(self.unit_ids)

    def counts(self) -> np.ndarray:
        """Return the number of spikes of each unit, (unit,)."""
        return np.bincount(self.unit_index, minlength=self.n_units)

    def rates_hz(self) -> np.ndarray:
        """Return spikes per observed second of each unit, (unit,)."""
        return self.counts() / self.epochs.duration_s

    def of_unit(self, unit_id: object) -> np.ndarray:
        """Return the spike times of one unit, in seconds."""
        row = np.flatnonzero(self.unit_ids == unit_id)
        require(row.size == 1, f"there is no unit {unit_id!r}: see unit_ids for those there are.")
        return self.times_s[self.unit_index == row[0]]

    def select(self, keep: np.ndarray) -> "SpikeTrains":
        """Return the units where `keep` (unit,) is true, with their spikes and table rows."""
        keep = np.asarray(keep)
        require(
            keep.shape == (self.n_units,) and keep.dtype == bool,
            f"keep has shape {keep.shape} and type {keep.dtype}: give one bool for each of the "
            f"{self.n_units} units.",
        )
        new_index = np.cumsum(keep, dtype=np.int32) - 1
        spike = keep[self.unit_index]
        return SpikeTrains(
            self.times_s[spike],
            new_index[self.unit_index[spike]],
            self.unit_ids[keep],
            self.epochs,
            {name: column[keep] for name, column in self.unit_table.items()},
        )


def _require_observed(times_s: np.ndarray, epochs: Epochs) -> None:
    outside = np.flatnonzero(~epochs.contains(times_s))
    if outside.size:
        first = times_s[outside[0]]
        require(
            False,
            f"{outside.size} spikes lie outside the epochs, the first at {first} s; the epochs run "
            f"from {epochs.start_s[0]} to {epochs.stop_s[-1]} s. Widen the epochs, or drop the "
            "spikes that were not observed.",
        )


def _ids(times_s: Mapping[object, object]) -> np.ndarray:
    ids = list(times_s)
    return np.asarray(ids) if ids else np.empty(0, dtype=np.int64)
