"""Synapses as the scan engine keeps them: matrices, or lists of equal length.

Either way spikes are added in the order of the event engine, so that sums round as they do there.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from spikeloop.simulate.event_engine.wiring import Cable

MOST_ENTRIES = 2**25
"""Matrices together are no larger than this: 128 MiB."""
STEP = 8
"""Lists are as long as a multiple of this, so that networks that differ by chance compile once."""


class SynapseList(NamedTuple):
    """What arrives at each place, in order. Entries left over have weight 0."""

    sender: Any
    """(entry, place) int32: who sends, less delay times the number of senders."""
    weight: Any
    """(entry, place) float32."""
    nth: Any
    """(entry, place) uint16: an entry counts if more spikes than this are sent in the tick. Empty
    where no sender sends two."""


class Synapses(NamedTuple):
    """A table of synapses, by columns."""

    place: np.ndarray
    """(synapse,) which of all rows and neurons that spikes arrive at."""
    delay: np.ndarray
    """(synapse,) ticks."""
    sender: np.ndarray
    """(synapse,) which of all neurons, and then of all trains of sources."""
    weight: np.ndarray
    """(synapse,) float32, or what else belongs to it."""


def table_of(cables: Sequence[Cable], places: np.ndarray) -> Synapses:
    """Return the synapses of some projections; `places` says where in memory is which place."""
    columns = [[np.empty(0, int)] * 3 + [np.empty(0, np.float32)]]
    for cable in cables:
        targets, indptr = cable.synapses.targets, cable.synapses.indptr
        columns.append(
            [
                places[cable.place + targets],
                np.broadcast_to(cable.delay_ticks, targets.shape).astype(int),
                cable.first_source + np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)),
                np.broadcast_to(cable.weights, targets.shape),
            ]
        )
    return Synapses(*(np.concatenate(parts) for parts in zip(*columns, strict=True)))


def fit_matrices(synapses: Synapses, shape: tuple[int, int]) -> bool:
    """Return whether a matrix for each delay holds these synapses one by one, and is not too large.

    Two synapses of the same neurons with the same delay would be one.
    """
    delays = np.unique(synapses.delay)
    if len(delays) * shape[0] * shape[1] > MOST_ENTRIES:
        return False
    rows = np.searchsorted(delays, synapses.delay) * shape[0] + synapses.sender
    pairs = np.sort(rows * shape[1] + synapses.place)
    return bool((np.diff(pairs) != 0).all())


def matrices(synapses: Synapses, shape: tuple[int, int]) -> tuple[tuple[int, ...], tuple]:
    """Return the delays, ascending, and for each the weights as (sender, place)."""
    delays = np.unique(synapses.delay)
    found = np.zeros((len(delays), *shape), np.float32)
    at = np.searchsorted(delays, synapses.delay), synapses.sender, synapses.place
    found[at] = synapses.weight
    return tuple(int(delay) for delay in delays), tuple(found)


def synapse_list(
    synapses: Synapses, n_places: int, most: np.ndarray, *, longest_first: bool
) -> SynapseList:
    """Return a list of synapses for each place.

    Parameters
    ----------
    synapses
        In any order; those of equal place, delay and sender stay in theirs.
    n_places
        How many lists.
    most
        (sender,) the most spikes that each sends in a tick.
    longest_first
        Whether those of long delays come first, as where each has its own, or last.
    """
    place, delay, sender, weight = synapses
    repeats = most[sender]
    entry = np.repeat(np.arange(len(place)), repeats)
    nth = np.arange(len(entry)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    first = -delay if longest_first else delay
    order = np.lexsort((nth, sender[entry], first[entry], place[entry]))
    entry, nth = entry[order], nth[order]
    length = np.bincount(place[entry], minlength=n_places)
    row = np.arange(len(entry)) - np.repeat(np.cumsum(length) - length, length)
    shape = (-(-int(length.max(initial=0)) // STEP) * STEP, n_places)
    filled = SynapseList(
        np.full(shape, -len(most), np.int32),
        np.zeros(shape, weight.dtype),
        np.zeros(shape if nth.any() else (0, n_places), np.uint16),
    )
    at = (row, place[entry])
    filled.sender[at] = (sender - delay * len(most))[entry]
    filled.weight[at] = weight[entry]
    if len(filled.nth):
        filled.nth[at] = nth
    return filled


def lengthened(synapses: SynapseList, length: int, *, count: bool) -> SynapseList:
    """Return the lists with entries of weight 0 at their ends, and with `nth` if it is to count."""
    sender, weight, nth = synapses
    more = ((0, length - len(sender)), (0, 0))
    nth = np.zeros(sender.shape, np.uint16) if count and not len(nth) else nth
    return SynapseList(
        np.pad(sender, more, mode="edge") if len(sender) else sender,
        np.pad(weight, more),
        np.pad(nth, more) if count else nth,
    )
