"""A stimulus and spikes found by the names of their variables, in any kind of file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from spikeloop.data import Epochs, Experiment, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.errors import InvalidInputError, MissingVariableError
from spikeloop.io.guard import listing
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
    column. Spikes are counts in the stimulus's bins, (time,) or (time, unit), or the times of one
    unit in seconds. Spikes of bin i are placed in its middle, at (i + 0.5) / rate.

    Parameters
    ----------
    path
        Where the variables come from, for messages and for the name of the experiment.
    shapes
        The names of the variables, and their shapes.
    load
        Returns the variable of a name.
    options
        `stimulus`, `spikes`, `rate_hz` and `spikes_are`.

    Raises
    ------
    MissingVariableError
        A variable is not there; the message lists those there are.
    InvalidInputError
        A name or the rate was not given, or stimulus and spikes do not fit each other.
    """
    for name, value in {"stimulus": options.stimulus, "spikes": options.spikes}.items():
        require(
            value is not None,
            f"{path} holds {listing(dict(shapes))}: say which of these is the {name}.",
        )
        if value not in shapes:
            raise MissingVariableError(
                f"{path} has no variable {value!r}: it has {listing(dict(shapes))}. Give one of "
                f"these as {name}."
            )
    require(
        options.rate_hz is not None,
        f"{path} does not say how fast it was sampled. Give rate_hz (--rate), in samples per "
        "second.",
    )
    values, given = load(options.stimulus), load(options.spikes)
    for name, array in {options.stimulus: values, options.spikes: given}.items():
        require(array.dtype.kind in "biuf", f"{name} holds {array.dtype}: it must hold numbers.")
    stimulus = TimeSeries(_time_first(values), options.rate_hz)
    spikes = _spike_trains(given, stimulus, options)
    return Experiment(path.stem, spikes=spikes, stimulus=stimulus)


def _time_first(values: np.ndarray) -> np.ndarray:
    """Return (time, feature) of a vector, a row, or an array whose first axis is time."""
    if values.size == max(values.shape, default=1):
        return values.reshape(-1, 1)
    return values.reshape(len(values), -1)


def _spike_trains(values: np.ndarray, stimulus: TimeSeries, options: ReadOptions) -> SpikeTrains:
    table = _time_first(values)
    epochs = Epochs([stimulus.start_s], [stimulus.stop_s])
    if _are_binned(table, stimulus.n_samples, options):
        _require_plausible(table, stimulus.sample_rate_hz, options)
        bins, unit_index = np.nonzero(table)
        n_spikes = table[bins, unit_index].astype(np.int64)
        times_s = (np.repeat(bins, n_spikes) + 0.5) / stimulus.sample_rate_hz
        unit_ids = np.arange(table.shape[1])
        return SpikeTrains(times_s, np.repeat(unit_index, n_spikes), unit_ids, epochs)
    require(
        table.shape[1] == 1,
        f"{options.spikes} has shape {values.shape}: spike times must be one vector, of one unit.",
    )
    return SpikeTrains.from_units({0: table[:, 0]}, epochs)


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
        f"{options.spikes} has {len(table)} bins and {options.stimulus} {n_samples} samples: they "
        "must be as many. Cut the longer one, or, if these are times in seconds, say so with "
        "spikes_are='times_s'.",
    )
    if not whole:
        raise InvalidInputError(
            f"{options.spikes} holds values that are not counts (whole, 0 or more), such as "
            f"{table[~((table >= 0) & (table == np.floor(table)))][0]}. Give counts per bin, or, "
            "if these are times in seconds, say so with spikes_are='times_s'."
        )
    return True
