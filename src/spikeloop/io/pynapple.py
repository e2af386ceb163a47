"""Objects of pynapple to nouns, and back.

====================  ==========================================================================
`SpikeTrains`         ``TsGroup``; epochs are its time support, `unit_table` its metadata
`TimeSeries`          ``Tsd`` for one feature, ``TsdFrame`` for more
`Epochs`              ``IntervalSet``
====================  ==========================================================================

pynapple rounds times to 1e-9 s, and sorts units by key. Its intervals hold both ends; ours do not
hold their stop (see `half_open`).
"""

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError, MissingExtraError
from spikeloop.io.half_open import TOUCHING_S, half_open

if TYPE_CHECKING:
    import pynapple as nap

UNIT_ID = "unit_id"
"""The metadata column of ids that are not integers, which cannot be keys of a TsGroup."""


def to_pynapple(
    noun: SpikeTrains | TimeSeries | Epochs,
) -> "nap.TsGroup | nap.Tsd | nap.TsdFrame | nap.IntervalSet":
    """Return a noun as the object of pynapple that says the same.

    Parameters
    ----------
    noun
        `SpikeTrains` become a TsGroup. Integer ids are its keys; other ids become the column
        ``unit_id`` and the keys count from 0. Silent units are kept. A `TimeSeries` becomes a Tsd
        or a TsdFrame, `Epochs` an IntervalSet, in which epochs that touch are 1 ns apart.

    Raises
    ------
    MissingExtraError
        pynapple is not installed.
    InvalidInputError
        `noun` is something else, or a column of `unit_table` has a name that pynapple keeps.

    Examples
    --------
    >>> spikes = SpikeTrains.from_units({7: [0.5], 3: []}, Epochs([0.0], [2.0]), {"depth": [9, 8]})
    >>> group = to_pynapple(spikes)
    >>> list(group.keys()), group["depth"].tolist()
    ([3, 7], [8, 9])
    """
    nap = _pynapple()
    if isinstance(noun, SpikeTrains):
        return _to_group(nap, noun)
    if isinstance(noun, TimeSeries):
        return _to_series(nap, noun)
    if isinstance(noun, Epochs):
        return _to_intervals(nap, noun)
    raise InvalidInputError(
        f"to_pynapple got a {type(noun).__name__}: give SpikeTrains, a TimeSeries or Epochs."
    )


def from_pynapple(
    source: "nap.TsGroup | nap.Tsd | nap.TsdFrame | nap.IntervalSet",
) -> SpikeTrains | TimeSeries | Epochs:
    """Return an object of pynapple as the noun that says the same.

    Parameters
    ----------
    source
        A TsGroup becomes `SpikeTrains`, observed during its time support, with its metadata as
        `unit_table` except for ``rate``, which pynapple computes. A Tsd or TsdFrame, which must be
        regular, becomes a `TimeSeries`. An IntervalSet becomes `Epochs`; its metadata is left.

    Raises
    ------
    MissingExtraError
        pynapple is not installed.
    InvalidInputError
        `source` is something else, or is not sampled regularly.

    Examples
    --------
    >>> spikes = SpikeTrains.from_units({"a": [0.5], "b": []}, Epochs([0.0], [2.0]))
    >>> from_pynapple(to_pynapple(spikes)).unit_ids.tolist()
    ['a', 'b']
    """
    nap = _pynapple()
    if isinstance(source, nap.TsGroup):
        return _from_group(source)
    if isinstance(source, nap.Tsd | nap.TsdFrame):
        return _from_series(source)
    if isinstance(source, nap.IntervalSet):
        return half_open(source.start, source.end, np.empty(0))
    raise InvalidInputError(
        f"from_pynapple got a {type(source).__name__}: give a TsGroup, a Tsd, a TsdFrame or an "
        "IntervalSet."
    )


def _pynapple() -> ModuleType:
    try:
        import pynapple
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("pynapple", "pynapple") from error
    return pynapple


def _to_group(nap: ModuleType, spikes: SpikeTrains) -> "nap.TsGroup":
    taken = {"rate", UNIT_ID} & set(spikes.unit_table)
    if taken:
        raise InvalidInputError(
            f"unit_table has a column {min(taken)!r}, a name that is kept for another use in a "
            "TsGroup. Rename the column."
        )
    metadata = dict(spikes.unit_table)
    keys = np.arange(spikes.n_units)
    if np.issubdtype(spikes.unit_ids.dtype, np.integer):
        keys = spikes.unit_ids
    else:
        metadata[UNIT_ID] = spikes.unit_ids
    support = _to_intervals(nap, spikes.epochs)
    # pynapple rounds epochs at once and spikes only after it has dropped those outside.
    times_s = np.round(spikes.times_s, 9)
    # A TsGroup is sorted by key, and not every version sorts its metadata with it.
    rows = np.argsort(keys)
    trains = {
        int(keys[row]): nap.Ts(times_s[spikes.unit_index == row], time_support=support)
        for row in rows
    }
    metadata = {name: column[rows] for name, column in metadata.items()}
    return nap.TsGroup(trains, time_support=support, metadata=metadata or None)


def _from_group(group: "nap.TsGroup") -> SpikeTrains:
    keys = list(group.keys())
    table = {name: _column(group, name) for name in group.metadata_columns if name != "rate"}
    ids = table.pop(UNIT_ID, np.asarray(keys, dtype=np.int64))
    trains = [np.asarray(group[key].index) for key in keys]
    times_s = np.concatenate([np.empty(0), *trains])
    unit_index = np.repeat(np.arange(len(keys)), [len(train) for train in trains])
    order = np.argsort(times_s, kind="stable")
    support = group.time_support
    epochs = half_open(support.start, support.end, times_s)
    return SpikeTrains(times_s[order], unit_index[order], ids, epochs, table)


def _column(group: "nap.TsGroup", name: str) -> np.ndarray:
    # Through a list, so that a column of strings held as objects becomes an array of strings.
    return np.asarray(np.asarray(group.get_info(name)).tolist())


def _to_series(nap: ModuleType, series: TimeSeries) -> "nap.Tsd | nap.TsdFrame":
    times_s = series.start_s + np.arange(series.n_samples) / series.sample_rate_hz
    support = nap.IntervalSet(series.start_s, series.stop_s)
    if series.values.shape[1] == 1:
        return nap.Tsd(times_s, series.values[:, 0], time_support=support)
    return nap.TsdFrame(times_s, series.values, time_support=support)


def _from_series(series: "nap.Tsd | nap.TsdFrame") -> TimeSeries:
    values = np.asarray(series.values)
    times_s = np.asarray(series.index)
    return TimeSeries(values.reshape(len(values), -1), _sample_rate_hz(times_s), float(times_s[0]))


def _sample_rate_hz(times_s: np.ndarray) -> float:
    """Return the rate of a regular clock whose ticks were rounded to 1e-9 s."""
    if len(times_s) < 2:
        raise InvalidInputError(
            f"the series has {len(times_s)} samples: a sample rate needs two or more."
        )
    rate_hz = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    # Rounded ticks of 500 Hz say 500.0000001: of the rates that fit, the one with few digits is
    # the one that was set.
    for candidate_hz in (float(f"{rate_hz:.6g}"), float(f"{rate_hz:.9g}"), float(rate_hz)):
        error_s = times_s - times_s[0] - np.arange(len(times_s)) / candidate_hz
        if np.abs(error_s).max() < 2 * TOUCHING_S:
            return candidate_hz
    place = int(np.argmax(np.abs(error_s)))
    raise InvalidInputError(
        f"the series is not sampled regularly: sample {place} is {abs(error_s[place]):.3g} s away "
        f"from a clock of {rate_hz:.6g} Hz. Restrict it to one epoch, or interpolate it first."
    )


def _to_intervals(nap: ModuleType, epochs: Epochs) -> "nap.IntervalSet":
    stop_s = epochs.stop_s.copy()
    stop_s[:-1] = np.minimum(stop_s[:-1], epochs.start_s[1:] - TOUCHING_S)
    return nap.IntervalSet(epochs.start_s, stop_s)
