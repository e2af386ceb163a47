"""Objects of Neo to nouns, and back.

====================  ==========================================================================
`SpikeTrains`         a list of ``neo.SpikeTrain``, one per unit, silent ones included
`TimeSeries`          ``neo.AnalogSignal``
====================  ==========================================================================

A ``neo.SpikeTrain`` knows one stretch of time, from ``t_start`` to ``t_stop``, both included. Where
`SpikeTrains` have several epochs, ``t_start`` is the start of the first and ``t_stop`` the stop of
the last, and the epochs themselves travel as the annotations ``epoch_start_s`` and
``epoch_stop_s``, which `from_neo` reads back; other programs will take the gaps for observed time.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError, MissingExtraError
from spikeloop.io.half_open import half_open

if TYPE_CHECKING:
    import neo

UNIT_ID = "unit_id"
EPOCH_START = "epoch_start_s"
EPOCH_STOP = "epoch_stop_s"
KEPT = frozenset({UNIT_ID, EPOCH_START, EPOCH_STOP})
"""Annotations that are not columns of the unit table."""


def to_neo(noun: SpikeTrains | TimeSeries) -> "list[neo.SpikeTrain] | neo.AnalogSignal":
    """Return a noun as the objects of Neo that say the same, in seconds.

    Parameters
    ----------
    noun
        `SpikeTrains` become one SpikeTrain per unit, named by its id; the id and the row of
        `unit_table` are its annotations. A `TimeSeries` becomes a dimensionless AnalogSignal.

    Raises
    ------
    MissingExtraError
        Neo is not installed.
    InvalidInputError
        `noun` is something else, or a column of `unit_table` has a name that is kept for another
        use.

    Examples
    --------
    >>> spikes = SpikeTrains.from_units({"a": [0.5], "b": []}, Epochs([0.0], [2.0]))
    >>> [(train.name, len(train), float(train.t_stop)) for train in to_neo(spikes)]
    [('a', 1, 2.0), ('b', 0, 2.0)]
    """
    neo = _neo()
    if isinstance(noun, SpikeTrains):
        return _to_trains(neo, noun)
    if isinstance(noun, TimeSeries):
        return neo.AnalogSignal(
            noun.values,
            units="dimensionless",
            sampling_rate=_quantity(noun.sample_rate_hz, "Hz"),
            t_start=_quantity(noun.start_s, "s"),
        )
    raise InvalidInputError(
        f"to_neo got a {type(noun).__name__}: give SpikeTrains or a TimeSeries."
    )


def from_neo(
    source: "Sequence[neo.SpikeTrain] | neo.Segment | neo.SpikeTrain | neo.AnalogSignal",
    *,
    epochs: Epochs | None = None,
) -> SpikeTrains | TimeSeries:
    """Return objects of Neo, in whatever unit of time, as the noun that says the same.

    Parameters
    ----------
    source
        Spike trains, or a Segment, of which the spike trains are taken. Units are known by the
        annotation ``unit_id`` where all have it, else by their names where those are unique, else
        by their place. Annotations that all units have become columns of `unit_table`. An
        AnalogSignal becomes a `TimeSeries`; its values keep their number and lose their unit.
    epochs
        When the units were observed. None takes it from the trains, which must then agree.

    Raises
    ------
    MissingExtraError
        Neo is not installed.
    InvalidInputError
        `source` is something else or holds no train, the trains were observed at different times,
        or a spike lies outside the epochs.

    Examples
    --------
    >>> import neo
    >>> train = neo.SpikeTrain([500.0, 1500.0], units="ms", t_stop=2000.0)
    >>> from_neo([train])
    SpikeTrains(1 units, 2 spikes, 2.0 s observed)
    """
    neo = _neo()
    if isinstance(source, neo.AnalogSignal):
        return TimeSeries(
            source.magnitude,
            float(source.sampling_rate.rescale("Hz").item()),
            float(source.t_start.rescale("s").item()),
        )
    if isinstance(source, neo.Segment):
        source = source.spiketrains
    trains = [source] if isinstance(source, neo.SpikeTrain) else _as_list(source)
    wrong = [type(train).__name__ for train in trains if not isinstance(train, neo.SpikeTrain)]
    if wrong or not trains:
        raise InvalidInputError(
            f"from_neo got {wrong[0] if wrong else 'no spike train'}: give spike trains, a Segment "
            "that holds some, or an AnalogSignal."
        )
    return _from_trains(trains, epochs)


def _neo() -> ModuleType:
    try:
        import neo
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("neo", "neo") from error
    return neo


def _quantity(value: float, unit: str) -> object:
    import quantities

    return quantities.Quantity(value, unit)


def _as_list(source: object) -> list:
    try:
        return list(source)
    except TypeError:
        return [source]


def _to_trains(neo: ModuleType, spikes: SpikeTrains) -> "list[neo.SpikeTrain]":
    taken = KEPT & set(spikes.unit_table)
    if taken:
        raise InvalidInputError(
            f"unit_table has a column {min(taken)!r}, a name that is kept for another use in the "
            "annotations. Rename the column."
        )
    epochs = spikes.epochs
    shared = {}
    if len(epochs) > 1:
        shared = {EPOCH_START: epochs.start_s.tolist(), EPOCH_STOP: epochs.stop_s.tolist()}
    trains = []
    for row, unit_id in enumerate(spikes.unit_ids.tolist()):
        train = neo.SpikeTrain(
            spikes.times_s[spikes.unit_index == row],
            units="s",
            t_start=epochs.start_s[0],
            t_stop=epochs.stop_s[-1],
            name=str(unit_id),
        )
        table_row = {name: column[row].item() for name, column in spikes.unit_table.items()}
        train.annotate(**{UNIT_ID: unit_id}, **table_row, **shared)
        trains.append(train)
    return trains


def _from_trains(trains: "list[neo.SpikeTrain]", epochs: Epochs | None) -> SpikeTrains:
    times_s = [np.asarray(train.times.rescale("s").magnitude, dtype=float) for train in trains]
    if epochs is None:
        epochs = _shared_epochs(trains, np.concatenate(times_s))
    ids = _unit_ids(trains)
    return SpikeTrains.from_units(dict(zip(ids, times_s, strict=True)), epochs, _table(trains))


def _shared_epochs(trains: "list[neo.SpikeTrain]", times_s: np.ndarray) -> Epochs:
    observed = [_observed(train) for train in trains]
    for row, (start_s, stop_s) in enumerate(observed):
        if (start_s, stop_s) != observed[0]:
            raise InvalidInputError(
                f"train {row} was observed from {start_s[0]} to {stop_s[-1]} s and train 0 from "
                f"{observed[0][0][0]} to {observed[0][1][-1]} s, and units share their epochs. Cut "
                "the trains with time_slice, or give epochs."
            )
    start_s, stop_s = observed[0]
    return half_open(start_s, stop_s, times_s)


def _observed(train: "neo.SpikeTrain") -> tuple[list[float], list[float]]:
    if EPOCH_START in train.annotations and EPOCH_STOP in train.annotations:
        return list(train.annotations[EPOCH_START]), list(train.annotations[EPOCH_STOP])
    edges = (train.t_start, train.t_stop)
    start_s, stop_s = (float(edge.rescale("s").item()) for edge in edges)
    return [start_s], [stop_s]


def _unit_ids(trains: "list[neo.SpikeTrain]") -> list:
    if all(UNIT_ID in train.annotations for train in trains):
        return _distinct([train.annotations[UNIT_ID] for train in trains])
    names = [train.name for train in trains]
    if all(names) and len(set(names)) == len(names):
        return names
    return list(range(len(trains)))


def _distinct(ids: list) -> list:
    twice = [unit_id for unit_id in ids if ids.count(unit_id) > 1]
    if twice:
        raise InvalidInputError(
            f"{len(twice)} trains share the annotation unit_id, such as {twice[0]!r}. Give each "
            "its own."
        )
    return ids


def _table(trains: "list[neo.SpikeTrain]") -> dict[str, np.ndarray]:
    """Return the annotations that every train has and that are one value each."""
    shared = [
        name
        for name in trains[0].annotations
        if name not in KEPT and all(np.isscalar(train.annotations.get(name)) for train in trains)
    ]
    return {name: np.asarray([train.annotations[name] for train in trains]) for name in shared}
