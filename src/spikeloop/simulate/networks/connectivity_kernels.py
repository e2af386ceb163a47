"""Compiled drawing of connections, a row at a time, each row from a stream of its own.

A row is one source with its targets; with a fixed in-degree, one target with its sources. All
random numbers are a function of (key, row, counter), so rows may be drawn in any order, by any
thread, and drawn again: once to count the synapses, and once to write them where they belong. Thus
nothing is held in memory but the result.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from spikeloop.numerics.random import fill_words, uniform_double

FLAT, GAUSSIAN, EXPONENTIAL = 0, 1, 2

_compiled = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
_EMPTY = -1
_N_WORDS = 32
N_JUMPS = 16


class Rows(NamedTuple):
    """What all rows of a projection have in common."""

    key: tuple[np.uint32, np.uint32]
    """Of the streams."""
    n_partners: int
    """How many partners each row chooses from."""
    skips_itself: bool
    """Whether partner number `row` and those that follow stand for the partner after."""


class Chance(NamedTuple):
    """How probable a connection is."""

    p_max: float
    """The probability at no distance."""
    profile: int
    """How it falls with the distance: FLAT, GAUSSIAN or EXPONENTIAL."""
    length_um: float
    """How far it reaches."""
    period_um: np.ndarray
    """(axis,) after which space begins again; 0 for never."""
    source_um: np.ndarray
    """(source, axis)"""
    target_um: np.ndarray
    """(target, axis)"""


@_compiled
def draw_by_chance(rows, chance, span, indptr, targets, fills):
    """Draw each connection of the sources `span` by itself, with its own probability.

    It jumps from candidate to candidate of an even probability `p_max`, over gaps that have the
    geometric distribution, and keeps a candidate at a distance with the probability that remains.

    Parameters
    ----------
    rows, chance, span
        What to draw; `span` is first and last + 1.
    indptr
        (source + 1,). Without `fills`, row s is counted in ``indptr[s + 1]``; with it, row s is
        written from ``targets[indptr[s]]`` on.
    targets
        Written with `fills`.
    """
    words = np.empty(4 * N_JUMPS, np.uint32)
    per_log = 1 / math.log1p(-chance.p_max)
    for source in range(span[0], span[1]):
        n_found = 0
        place = -1
        block = np.int64(0)  # no literal, for which `fill_words` would be compiled twice
        while place < rows.n_partners:
            fill_words(words, rows.key, source, block)
            block += 2 * N_JUMPS
            for i in range(N_JUMPS):
                gap = math.log(uniform_double(words[i], words[N_JUMPS + i])) * per_log
                place += 1 + np.int64(min(gap, rows.n_partners))
                if place >= rows.n_partners:
                    break
                target = _partner(rows, source, place)
                keep = uniform_double(words[2 * N_JUMPS + i], words[3 * N_JUMPS + i])
                if chance.profile == FLAT or keep < _nearness(chance, source, target):
                    if fills:
                        targets[indptr[source] + n_found] = target
                    n_found += 1
        if not fills:
            indptr[source + 1] = n_found


def scratch_for(n_partners: int, degree: int, multapses: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a table for the chosen or the others, whichever are fewer, and some words.

    Each thread needs its own. The table has three slots for each, so it never fills.
    """
    n_few = 0 if multapses else min(degree, n_partners - degree)
    return np.full(3 * n_few, _EMPTY, np.int32), np.empty(_N_WORDS, np.uint32)


@_compiled
def draw_out(rows, span, targets, scratch, multapses):
    """Draw `targets` (source, degree) of each of the sources `span`: ascending, unless `multapses`.

    `scratch` is from `scratch_for`.
    """
    for source in range(span[0], span[1]):
        _choose(rows, source, targets[source], scratch, multapses)


@_compiled
def draw_in(rows, indptr, targets, scratch, sources, multapses):
    """Draw sources of each target, and write the synapses source by source.

    Parameters
    ----------
    rows, multapses
        What to draw.
    indptr
        (source + 2,) zeros; on return, without the last, where each source begins in `targets`.
    targets
        Written; ascending for each source, for the targets come in order.
    scratch
        From `scratch_for`.
    sources
        Space for the sources of one target: its length is their number.
    """
    n_targets = targets.size // sources.size if sources.size else 0
    for target in range(n_targets):
        _choose(rows, target, sources, scratch, multapses)
        for source in sources:
            indptr[source + 2] += 1
    for source in range(2, indptr.size):
        indptr[source] += indptr[source - 1]
    # indptr[s + 1] is now where source s begins. It moves on to its end, where s + 1 begins.
    for target in range(n_targets):
        _choose(rows, target, sources, scratch, multapses)
        for source in sources:
            targets[indptr[source + 1]] = target
            indptr[source + 1] += 1


@_compiled
def _partner(rows, row, place):
    return place + 1 if rows.skips_itself and place >= row else place


@_compiled
def _nearness(chance, source, target):
    """Return the probability of a connection as a fraction of `p_max`."""
    squared = 0.0
    for axis in range(chance.period_um.size):
        apart = chance.target_um[target, axis] - chance.source_um[source, axis]
        if chance.period_um[axis] > 0:
            apart -= chance.period_um[axis] * math.floor(apart / chance.period_um[axis] + 0.5)
        squared += apart * apart
    squared /= chance.length_um**2
    return math.exp(-squared / 2 if chance.profile == GAUSSIAN else -math.sqrt(squared))


@_compiled
def _choose(rows, row, chosen, scratch, multapses):
    """Fill `chosen` with partners of a row: different ones, ascending, unless `multapses`."""
    table, words = scratch
    if multapses:
        _draw_each(rows, row, chosen, words)
        return
    _fill_table(rows, row, table, words)
    if 2 * chosen.size <= rows.n_partners:
        _take_those(rows, row, chosen, table)
    else:
        _take_others(rows, row, chosen, table)
    table.fill(_EMPTY)


@_compiled
def _draw_each(rows, row, chosen, words):
    n_chosen = 0
    block = np.int64(0)
    while n_chosen < chosen.size:
        fill_words(words, rows.key, row, block)
        block += _N_WORDS // 2
        for word in words:
            place = _place(word, rows.n_partners)
            if place >= 0 and n_chosen < chosen.size:
                chosen[n_chosen] = _partner(rows, row, place)
                n_chosen += 1


@_compiled
def _take_those(rows, row, chosen, table):
    n_chosen = 0
    for place in table:
        if place != _EMPTY:
            chosen[n_chosen] = _partner(rows, row, place)
            n_chosen += 1


@_compiled
def _take_others(rows, row, chosen, table):
    n_chosen = 0
    slot = 0
    for place in range(rows.n_partners):
        while slot < table.size and table[slot] < place:
            slot += 1
        if slot == table.size or table[slot] != place:
            chosen[n_chosen] = _partner(rows, row, place)
            n_chosen += 1


@_compiled
def _fill_table(rows, row, table, words):
    """Put a third as many different places into `table` as it has slots.

    Places are drawn until there are enough, and those that came before are ignored: all sets are
    equally probable.
    """
    n_missing = table.size // 3
    block = np.int64(0)
    while n_missing > 0:
        fill_words(words, rows.key, row, block)
        block += _N_WORDS // 2
        for word in words:
            place = _place(word, rows.n_partners)
            if place >= 0 and n_missing > 0 and _insert(table, place, rows.n_partners):
                n_missing -= 1


@_compiled
def _place(word, n):
    """Return a random number in 0 .. n - 1, all equally probable, or -1 for a word not to be used.

    The upper half of the product of word and n; words that would make some numbers more probable
    are given back. Source: Lemire 2019, ACM Transactions on Modeling and Computer Simulation 29:3.
    """
    product = np.uint64(word) * np.uint64(n)
    low = product & np.uint64(0xFFFFFFFF)
    if low < np.uint64(n) and low < np.uint64(2**32) % np.uint64(n):
        return np.int64(-1)
    return np.int64(product >> np.uint64(32))


@_compiled
def _insert(table, place, n):
    """Put `place` into the ascending table, and tell whether it was new.

    A hash table with linear probing whose hash keeps the order: each place belongs into the slot
    at its own fraction of the first two thirds, or as soon as possible after it.
    """
    slot = np.int64(place * (table.size // 3 * 2 / n))
    while table[slot] != _EMPTY and table[slot] < place:
        slot += 1
    if table[slot] == place:
        return False
    while place != _EMPTY:
        table[slot], place = place, table[slot]
        slot += 1
    return True
