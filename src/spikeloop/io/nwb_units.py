"""The units of an NWB file: who fired when, where, and how well isolated."""

import warnings

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.data.checks import require, require_finite, require_unique
from spikeloop.errors import MissingVariableError, SpikeloopWarning
from spikeloop.io.guard import LONGEST_S
from spikeloop.io.half_open import half_open
from spikeloop.io.hdf5 import Hdf5File
from spikeloop.io.nwb_tables import ragged_rows, scalar_columns
from spikeloop.io.options import ReadOptions

_ELECTRODES = "general/extracellular_ephys/electrodes"


def read_units(file: Hdf5File, options: ReadOptions) -> SpikeTrains:
    """Return the units of the file in its order, with their own ids and columns.

    Raises
    ------
    MissingVariableError
        There are no units, no spike times, or no quality columns where they are asked for.
    InvalidInputError
        Ids occur twice, times are not finite or not observed, or no unit is good enough.
    """
    _require_spike_times(file)
    table = scalar_columns(file, "units", needed=("id",))
    unit_ids = table.pop("id")
    require_unique("units/id", unit_ids)
    times_s, stops = ragged_rows(file, "units/spike_times", len(unit_ids))
    require_finite("units/spike_times", times_s)
    table |= _locations(file, table, len(unit_ids))
    keep = np.ones(len(unit_ids), dtype=bool)
    if options.nwb_quality:
        keep = _good_units(table, options, file)
    epochs, times_of_units = _observed(file, np.split(times_s, stops[:-1]), keep)
    return SpikeTrains.from_units(
        dict(zip(unit_ids[keep].tolist(), times_of_units, strict=True)),
        epochs,
        {name: column[keep] for name, column in table.items()},
    )


def _require_spike_times(file: Hdf5File) -> None:
    names = file.names("units")
    missing = {"id", "spike_times", "spike_times_index"} - set(names)
    if missing:
        there = names or file.names()
        raise MissingVariableError(
            f"{file.path} has no {', '.join(sorted(missing))} in a units table: it holds "
            f"{', '.join(there) or 'nothing'}. Choose a file with sorted units."
        )
    require(file.shape("units/id") != (0,), f"{file.path}: its units table has no rows.")


def _locations(file: Hdf5File, table: dict[str, np.ndarray], n_units: int) -> dict[str, np.ndarray]:
    """Return the brain area of each unit's peak channel, or of the first electrode it names."""
    if "location" in table or not file.shape(f"{_ELECTRODES}/location"):
        return {}
    electrodes = scalar_columns(file, _ELECTRODES, needed=("id",))
    words = electrodes.get("location", np.empty(0)).astype(str)
    channel = table.get("peak_channel_id", np.empty(0, dtype=str))
    if channel.dtype.kind != "U":
        order = np.argsort(electrodes["id"], kind="stable")
        ids = electrodes["id"][order]
        place = np.minimum(np.searchsorted(ids, channel), len(ids) - 1)
        row = np.where(ids[place] == channel, order[place], -1)
    elif file.shape("units/electrodes_index") is not None:
        rows, stops = ragged_rows(file, "units/electrodes", n_units)
        first = np.concatenate([[0], stops[:-1]])
        row = np.where(first < stops, np.append(rows, -1)[first], -1).astype(np.int64)
    else:
        return {}
    known = (row >= 0) & (row < len(words))
    return {"location": np.where(known, np.append(words, "")[np.where(known, row, -1)], "unknown")}


def _good_units(table: dict[str, np.ndarray], options: ReadOptions, file: Hdf5File) -> np.ndarray:
    """Return which units pass all limits; a quality that is NaN passes none."""
    limits = {
        "amplitude_cutoff": (-np.inf, options.amplitude_cutoff_max),
        "presence_ratio": (options.presence_ratio_min, np.inf),
        "isi_violations": (-np.inf, options.isi_violations_max),
    }
    missing = [n for n in limits if n not in table or table[n].dtype.kind == "U"]
    if missing:
        raise MissingVariableError(
            f"{file.path}: the units lack {', '.join(missing)}, so their quality cannot be judged; "
            f"they have {', '.join(table) or 'no columns'}. Read it without nwb_quality."
        )
    good = [(table[n] >= low) & (table[n] <= high) for n, (low, high) in limits.items()]
    keep = np.logical_and.reduce(good)
    require(
        bool(keep.any()),
        f"none of the {len(keep)} units passes the quality limits. Loosen them, or read the file "
        "without nwb_quality.",
    )
    return keep


def _observed(
    file: Hdf5File, trains: list[np.ndarray], keep: np.ndarray
) -> tuple[Epochs, list[np.ndarray]]:
    """Return when all kept units were observed, and their spikes then."""
    kept = [train for train, good in zip(trains, keep, strict=True) if good]
    if file.shape("units/obs_intervals_index") is None:
        epochs = _span(file, trains)
    else:
        bounds, stops = ragged_rows(file, "units/obs_intervals", len(trains), n_axes=2)
        require(bounds.shape[1] == 2, "obs_intervals must be rows of start and stop.")
        require_finite("units/obs_intervals", bounds)
        intervals = np.split(bounds, stops[:-1])
        require(min(map(len, intervals)) > 0, "a unit has no obs_intervals: give each unit some.")
        intervals = [_merged(rows) for rows, good in zip(intervals, keep, strict=True) if good]
        if any(not np.array_equal(rows, intervals[0]) for rows in intervals):
            epochs = _shared(intervals)
            kept = _restricted(kept, epochs)
        else:
            epochs = Epochs(*intervals[0].T)
        _require_plausible("obs_intervals", epochs.start_s[0], epochs.stop_s[-1])
    times_s = np.concatenate(kept)
    late_s = times_s[~epochs.contains(times_s)]  # NWB's intervals hold their stop
    return half_open(epochs.start_s, epochs.stop_s, late_s), kept


def _span(file: Hdf5File, trains: list[np.ndarray]) -> Epochs:
    tables = [scalar_columns(file, f"intervals/{name}") for name in file.names("intervals")]
    edges = [
        table[edge] for table in tables for edge in ("start_time", "stop_time") if edge in table
    ]
    times_s = np.concatenate([*edges, *trains])
    times_s = times_s[np.isfinite(times_s)]
    require(
        times_s.size > 0 and times_s.max() > times_s.min(),
        "the file does not say when the units were observed: there are no obs_intervals, no "
        "intervals and no spikes. Add obs_intervals to the units.",
    )
    start_s, stop_s = float(times_s.min()), float(times_s.max())
    _require_plausible("the spikes and interval tables", start_s, stop_s)
    warnings.warn(
        f"{file.path.name} does not say when its units were observed (obs_intervals). It is taken "
        f"to be from {start_s:g} to {stop_s:g} s, the span of its spikes and interval tables.",
        SpikeloopWarning,
        stacklevel=2,
    )
    return Epochs([start_s], [stop_s])


def _require_plausible(name: str, start_s: float, stop_s: float) -> None:
    days = (float(stop_s) - float(start_s)) / 86400
    require(
        days <= LONGEST_S / 86400,
        f"{name} run from {start_s:g} to {stop_s:g} s, which is {days:.3g} days: at most "
        f"{LONGEST_S / 86400:g} are read. Check that the times are in seconds, and export the file "
        "again.",
    )


def _merged(intervals: np.ndarray) -> np.ndarray:
    """Return (start, stop) rows in order of time, with those that overlap made one."""
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    start_s, stop_s = intervals[:, 0], np.maximum.accumulate(intervals[:, 1])
    apart = start_s[1:] >= stop_s[:-1]
    return np.column_stack([start_s[np.r_[True, apart]], stop_s[np.r_[apart, True]]])


def _shared(intervals: list[np.ndarray]) -> Epochs:
    """Return the time in which every unit was observed: where all their intervals overlap."""
    edges = np.concatenate([rows.T.ravel() for rows in intervals])
    steps = np.concatenate([np.repeat([1, -1], len(rows)) for rows in intervals])
    order = np.lexsort((steps, edges))
    edges, depth = edges[order], np.cumsum(steps[order])
    full = np.flatnonzero(depth == len(intervals))
    start_s, stop_s = edges[full], edges[full + 1]
    longer = stop_s > start_s
    require(
        bool(longer.any()),
        "no moment was observed in all units (obs_intervals). Split the file into groups of units "
        "that were observed together.",
    )
    return Epochs(start_s[longer], stop_s[longer])


def _restricted(trains: list[np.ndarray], epochs: Epochs) -> list[np.ndarray]:
    inside = [train[epochs.contains(train)] for train in trains]
    n_dropped = sum(map(len, trains)) - sum(map(len, inside))
    warnings.warn(
        f"The units were observed at different times (obs_intervals). Only the "
        f"{epochs.duration_s:g} s that they share are kept; {n_dropped} spikes were dropped.",
        SpikeloopWarning,
        stacklevel=2,
    )
    return inside
