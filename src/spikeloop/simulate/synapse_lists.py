"""Synapses in lists of equal length, one for each place that spikes arrive at.

A list has its synapses in the order in which the event engine delivers their spikes. Sums are taken
in that order, for all places at once, so that they round as they do there.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from spikeloop.simulate.wiring import Cable

STEP = 8
"""Lists are as long as a multiple of this, so that networks that differ by chance compile once."""


class SynapseList(NamedTuple):
    """What arrives at each place, in order. Entries left over have weight 0."""

    sender: Any
    """(entry, place) int32: who sends, less delay times the number of senders."""
    weight: Any
    """(entry, place) float32."""
    nth: Any
    """(entry, place) uint16: the entry counts if the sender sends more spikes than this. Empty where
    no sender sends two in a tick."""


class _Synapses(NamedTuple):
    """Columns of a table of synapses."""

    place: np.ndarray
    delay: np.ndarray
    sender: np.ndarray
    weight: np.ndarray


def synapse_lists(
    cables: Sequence[Cable],
    places: np.ndarray,
    n_rows: int,
    *,
    n_neurons: int,
    counts: np.ndarray,
) -> tuple[SynapseList, SynapseList]:
    """Return the synapses with delays of their own, and those that share the projection's.

    Parameters
    ----------
    cables
        The synapses of each projection.
    places
        For each place of the event engine's memory, that in a list.
    n_rows
        How many places spikes arrive at.
    n_neurons
        The sources' trains are numbered after them.
    counts
        (tick, train) how many spikes each train sends.
    """
    most = np.concatenate([np.ones(n_neurons, np.int64), counts.max(axis=0, initial=1)])
    lists = []
    for own in (True, False):
        tables = [_table(cable, places) for cable in cables if bool(cable.delay_ticks.ndim) == own]
        lists.append(_list(tables, n_rows, most, longest_first=own))
    return tuple(lists)


def _table(cable: Cable, places: np.ndarray) -> _Synapses:
    targets = cable.synapses.targets
    sources = np.repeat(np.arange(len(cable.synapses.indptr) - 1), np.diff(cable.synapses.indptr))
    return _Synapses(
        places[cable.place + targets],
        np.broadcast_to(cable.delay_ticks, targets.shape).astype(np.int64),
        cable.first_source + sources,
        np.broadcast_to(cable.weights, targets.shape),
    )


def _list(
    tables: Sequence[_Synapses], n_rows: int, most: np.ndarray, *, longest_first: bool
) -> SynapseList:
    """Return the synapses of some tables, ordered by place, delay, sender, and table."""
    if not tables:
        return SynapseList(*(np.zeros((0, n_rows), kind) for kind in (np.int32, np.float32, np.uint16)))
    place, delay, sender, weight = (np.concatenate(column) for column in zip(*tables, strict=True))
    repeats = most[sender]
    entry = np.repeat(np.arange(len(place)), repeats)
    nth = np.arange(len(entry)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    first = -delay if longest_first else delay
    entry_order = np.lexsort((nth, sender[entry], first[entry], place[entry]))
    entry, nth = entry[entry_order], nth[entry_order]
    length = np.bincount(place[entry], minlength=n_rows)
    at = np.arange(len(entry)) - np.repeat(np.cumsum(length) - length, length), place[entry]
    shape = (-(-int(length.max(initial=0)) // STEP) * STEP, n_rows)
    senders = np.full(shape, -len(most), np.int32)
    senders[at] = (sender - delay * len(most))[entry]
    weights, nths = np.zeros(shape, np.float32), np.zeros(shape, np.uint16)
    weights[at], nths[at] = weight[entry], nth
    return SynapseList(senders, weights, nths if nth.any() else nths[:0])
