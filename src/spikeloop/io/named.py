"""A stimulus and spikes found by the names of their variables, in any kind of file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from spikeloop.data import Epochs, Experiment, SpikeTrains, TimeSeries
from spikeloop.data.checks import require, require_finite
from spikeloop.errors import InvalidInputError, MissingVariableError
from spikeloop.io.guard import LONGEST_S, as_text, listing
from spikeloop.io.options import ReadOptions

_MAX_SPIKES_PER_S = 1e6  # a thousand times what neurons do; room for the sum of a population


def experiment_of_variables(
    path: Path,
    shapes: Mapping[str, object],
    load: Callable[[str], np.ndarray],
    options: ReadOptions,
) -> Experiment:
    """Return the stimulus and the spikes that `options` names.

    The stimulus starts at 0 s and is (time,) or (time, feature ...), a row being taken for a
    column. Spikes are counts in the stimulus's bins, (time,) or (time, unit), or times in seconds,
    of one unit or of the units that `spike_units` gives for each. Spikes of bin i are placed in its
    middle, at (i + 0.5) / rate.

    Parameters
    ----------
    path
        Where the variables come from, for messages and for the name of the experiment.
    shapes
        The names of the variables, and their shapes.
    load
        Returns the variable of a name.
    options
        `stimulus`, `spikes`, `spike_units`, `rate_hz` and `spikes_are`.

    Raises
    ------
    MissingVariableError
        A variable is not there; the message lists those there are.
    InvalidInputError
        A name or the rate was not given, or stimulus and spikes do not fit each other.
    """
    stimulus = _named("stimulus", options.stimulus, path, shapes)
    spikes = _named("spikes", options.spikes, path, shapes)
    require(
        options.rate_hz is not None,
        f"{path} does not say how fast it was sampled. Give rate_hz (--rate), in samples per "
        "second.",
    )
    values, given = load(stimulus), load(spikes)
    for name, array in {stimulus: values, spikes: given}.items():
        require(array.dtype.kind in "biuf", f"{name} holds {array.dtype}: it must hold numbers.")
    require(
        values.size > 0,
        f"{stimulus} has shape {values.shape}: it holds no samples. Export it again, or give "
        "another variable as stimulus.",
    )
    given = given if given.size else given.ravel()  # no spikes, whatever the other axes
    shown = TimeSeries(_time_first(values), options.rate_hz)
    require(
        shown.stop_s <= LONGEST_S,
        f"{stimulus} {values.shape} lasts {shown.stop_s / 86400:.3g} days at {options.rate_hz:g} "
        "Hz. Check rate_hz (--rate), in samples per second.",
    )
    if options.spike_units is None:
        table = _time_first(given)
        if _are_binned(table, shown.n_samples, options):
            return Experiment(path.stem, _spikes_in_bins(table, shown, options), shown)
        ids = np.zeros(len(table), int)
    else:
        ids = load(_named("spike_units", options.spike_units, path, shapes)).ravel()
    trains = _trains_of_units(given, ids, options)
    _require_within(trains, f"{stimulus} {values.shape}", shown, options)
    spike_trains = SpikeTrains.from_units(trains, Epochs([shown.start_s], [shown.stop_s]))
    return Experiment(path.stem, spike_trains, shown)


def _named(option: str, name: str | None, path: Path, shapes: Mapping[str, object]) -> str:
    require(
        name is not None,
        f"{path} holds {listing(dict(shapes))}: say which of these is the {option}.",
    )
    if name not in shapes:
        raise MissingVariableError(
            f"{path} has no variable {name!r}: it has {listing(dict(shapes))}. Give one of these "
            f"as {option}."
        )
    return name


def _time_first(values: np.ndarray) -> np.ndarray:
    """Return (time, feature) of a vector, a row, or an array whose first axis is time."""
    if values.size == max(values.shape, default=1):
        return values.reshape(-1, 1)
    return values.reshape(len(values), -1)


def _spikes_in_bins(counts: np.ndarray, stimulus: TimeSeries, options: ReadOptions) -> SpikeTrains:
    _require_plausible(counts, stimulus.sample_rate_hz, options)
    bins, unit_index = np.nonzero(counts)
    n_spikes = counts[bins, unit_index].astype(np.int64)
    times_s = (np.repeat(bins, n_spikes) + 0.5) / stimulus.sample_rate_hz
    epochs = Epochs([stimulus.start_s], [stimulus.stop_s])
    unit_ids = np.arange(counts.shape[1])
    return SpikeTrains(times_s, np.repeat(unit_index, n_spikes), unit_ids, epochs)


def _trains_of_units(
    values: np.ndarray, ids: np.ndarray, options: ReadOptions
) -> dict[object, np.ndarray]:
    """Return unit id -> spike times, in the order of the ids."""
    require(
        values.size == max(values.shape, default=1),
        f"{options.spikes} has shape {values.shape}: spike times must be one vector. Give the unit "
        "of each spike as spike_units, or, if these are counts per bin, say so with "
        "spikes_are='binned'.",
    )
    times_s = values.ravel().astype(float)
    require_finite(str(options.spikes), times_s)
    require(
        len(ids) == len(times_s),
        f"{options.spike_units} has {len(ids)} values and {options.spikes} {len(times_s)} spikes. "
        "Give the unit of each spike, one per spike.",
    )
    unit_ids, unit_index = np.unique(_as_ids(ids, options), return_inverse=True)
    order = np.argsort(unit_index, kind="stable")
    stops = np.cumsum(np.bincount(unit_index, minlength=len(unit_ids)))[:-1]
    trains = np.split(times_s[order], stops)
    n_distinct = sum(len(np.unique(train)) for train in trains)
    require(
        2 * n_distinct >= len(times_s),
        f"{options.spikes} has {len(times_s)} values for spike times, but only {n_distinct} differ "
        "from each other: it looks like counts per bin. Use spikes_are='binned', without "
        "spike_units.",
    )
    names = unit_ids.tolist() or [0]  # no spikes at all: one silent unit
    return dict(zip(names, trains, strict=True))


def _as_ids(ids: np.ndarray, options: ReadOptions) -> np.ndarray:
    """Return ids as integers or words; MATLAB stores integers as floating-point numbers."""
    ids = as_text(ids)
    if ids.dtype.kind == "f" and np.all((np.abs(ids) < 2**53) & (ids == np.floor(ids))):
        ids = ids.astype(np.int64)
    require(
        ids.dtype.kind in "biuU",
        f"{options.spike_units} holds {ids.dtype}: unit ids must be whole numbers or words.",
    )
    return ids.astype(np.int64) if ids.dtype.kind == "b" else ids


def _require_within(
    trains: Mapping[object, np.ndarray], name: str, stimulus: TimeSeries, options: ReadOptions
) -> None:
    """Refuse spikes before or after the stimulus, with the usual causes."""
    times_s = np.concatenate(list(trains.values()))
    n_outside = int(np.sum((times_s < stimulus.start_s) | (times_s >= stimulus.stop_s)))
    if n_outside:
        raise InvalidInputError(
            f"{n_outside} of {len(times_s)} spikes lie outside the stimulus: {name} lasts "
            f"{stimulus.stop_s:.9g} s at {stimulus.sample_rate_hz:g} Hz, the spikes of "
            f"{options.spikes} run from {times_s.min():.9g} to {times_s.max():.9g} s. Is the rate "
            "right, is the stimulus (time, feature), are the times in seconds? If so, remove the "
            "spikes outside."
        )


def _require_plausible(counts: np.ndarray, rate_hz: float, options: ReadOptions) -> None:
    highest = counts.max(initial=0)
    require(
        highest * rate_hz <= _MAX_SPIKES_PER_S,
        f"{options.spikes} holds a count of {highest} in a bin of {1 / rate_hz:g} s: no unit fires "
        "so fast. Check that these are spikes, and the rate.",
    )


def _are_binned(table: np.ndarray, n_samples: int, options: ReadOptions) -> bool:
    """Tell counts from times: counts are whole, and as many as the stimulus has samples."""
    if options.spikes_are == "times_s":
        return False
    whole = bool(np.all((table >= 0) & (table == np.floor(table))))
    fits = len(table) == n_samples
    if options.spikes_are == "auto" and not whole and not fits:
        return False
    require(
        fits,
        f"{options.spikes} has {len(table)} bins and {options.stimulus} {n_samples} samples: the "
        "two must be equal. Put time on the first axis, cut the longer one, or, if these are times "
        "in seconds, say so with spikes_are='times_s'.",
    )
    if not whole:
        raise InvalidInputError(
            f"{options.spikes} holds values that are not counts (whole, 0 or more), such as "
            f"{table[~((table >= 0) & (table == np.floor(table)))][0]}. Give counts per bin, or, "
            "if these are times in seconds, say so with spikes_are='times_s'."
        )
    return True
