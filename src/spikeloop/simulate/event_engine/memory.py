"""Where each changing value of a network lies in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloop.simulate.networks.groups import NeuronGroup, padded, starts

CACHE_LINE = 64
"""Bytes."""


@dataclass(frozen=True, eq=False)
class Memory:
    """All columns that change, in one vector, so that a synapse is one place in it.

    The rows that spikes arrive at come first: a ring for spikes under way need cover only those.
    """

    flat: np.ndarray
    """float32 values at the start."""
    places: dict[tuple[int, str], int]
    """(group, column) -> where the column begins."""
    n_arrivals: int
    """How many values at the beginning are those that spikes arrive at."""

    def column(self, flat: np.ndarray, group: int, name: str, size: int) -> np.ndarray:
        """Return the view of one column of `flat`, padded."""
        place = self.places[group, name]
        return flat[place : place + padded(size)]


def lay_out(groups: Sequence[NeuronGroup], *, seed: int) -> Memory:
    """Give each changing column of each group its place, and the values it starts with."""
    columns = [(g, name) for g, group in enumerate(groups) for name in group.shape.columns()]
    rows = [(g, name) for g, name in columns if _kind(name) == "row"]
    others = [(g, name) for g, name in columns if _kind(name) in ("state", "response", "current")]
    places, end = {}, 0
    for g, name in rows + others:
        places[g, name] = end
        end += padded(groups[g].size)
    n_arrivals = sum(padded(groups[g].size) for g, _ in rows)
    flat = np.zeros(end, np.float32)
    for g, group in enumerate(groups):
        for name, values in starts(group, seed=seed).items():
            flat[places[g, name] : places[g, name] + group.size] = values
    return Memory(flat, places, n_arrivals)


def aligned(values: np.ndarray) -> np.ndarray:
    """Return a copy that begins where a cache line does, so that no vector lies across two."""
    room = np.empty(values.nbytes + CACHE_LINE, np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    copy = room[start : start + values.nbytes].view(values.dtype)
    copy[:] = values
    return copy


def _kind(column: str) -> str:
    """Return the last word of a receptor's column, and the first of any other."""
    words = column.split()
    return words[-1] if words[0] == "receptor" else words[0]
