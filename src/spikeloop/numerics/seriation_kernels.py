"""Compiled moves of blocks along a line, each judged without a second look at the whole line.

The sum to increase, over items that stand at places 0 .. n - 1, is

    F = sum_{a < b} affinity[a, b] w(b - a)  +  sum_a pull[a, a]

where `affinity[a, b]` joins the item at place a to the item at place b, w(d) = 0 for d <= 0, and
`pull[a, s]` is what the item at place a gains from things outside the line by standing at place s.

A move takes the block of items at places [i, j) past those at [j, k), and may turn it round on the
way. Alone, the item at place a would gain ``reach[a, s] - reach[a, a]`` by going to s: its pull and
its affinities to all others where they stand now. Over a block such gains lie on a diagonal (an
antidiagonal if it turns), so cumulative sums give them at once. They are wrong only for the pairs
inside [i, k), whose partners move too. What such a pair is worth depends on the difference of its
places (if the block turns, also on their sum) alone. So the correction needs only the affinities
added along the diagonals (antidiagonals) of three triangles: the pairs inside [i, k), [i, j) and
[j, k). That is O(k - i) a move, where adding up F again would take O(n^2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# Sums may be reordered (so that they vectorize); NaN and infinity keep their meaning.
_compiled = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})


class _Line(NamedTuple):
    """The line as it stands, in sums; `u` adds affinity[x, y] and `l` affinity[y, x], for x < y.

    Pairs with first <= x < y < stop and y - x = e add up to ``stop[stop, e] - first[first, e]``;
    those with x + y = s to ``anti_first[first, s]`` while s < first + stop, and from there on to
    ``anti_stop[stop, s]``.
    """

    w: np.ndarray
    """[n_w + d]: w(d), with n_w = len(w) // 2."""
    w_back: np.ndarray
    """[n_w + d]: w(-d), so that every loop runs forward."""
    u_first: np.ndarray
    u_stop: np.ndarray
    l_first: np.ndarray
    l_stop: np.ndarray
    u_anti_first: np.ndarray
    u_anti_stop: np.ndarray
    l_anti_first: np.ndarray
    l_anti_stop: np.ndarray
    ahead: np.ndarray
    """[p, d]: sum over a < p of reach[a, a + d]."""
    back: np.ndarray
    """[p, d]: sum over a < p of reach[a + d, a]."""
    turned: np.ndarray
    """[p, s]: sum over a < p of reach[a, s - a]."""


@_compiled
def _difference_sums(affinity):
    n = len(affinity)
    first, stop = np.zeros((n + 1, n)), np.zeros((n + 1, n))
    for x in range(n):
        first[x + 1] = first[x]
        for y in range(x + 1, n):
            first[x + 1, y - x] += affinity[x, y]
    for q in range(1, n + 1):
        for e in range(1, q):
            stop[q, e] = first[q - e, e]
    return first, stop


@_compiled
def _antidiagonal_sums(affinity):
    n = len(affinity)
    first, stop = np.zeros((n + 1, 2 * n)), np.zeros((n + 1, 2 * n))
    for x in range(n - 1, -1, -1):
        first[x] = first[x + 1]
        for y in range(x + 1, n):
            first[x, x + y] += affinity[x, y]
    for q in range(1, n + 1):
        for s in range(q, 2 * q):
            stop[q, s] = first[s - q + 1, s]
    return first, stop


@_compiled
def _line(affinity, reach, w, w_back):
    n = len(affinity)
    backward = np.ascontiguousarray(affinity.T)
    u_first, u_stop = _difference_sums(affinity)
    l_first, l_stop = _difference_sums(backward)
    u_anti_first, u_anti_stop = _antidiagonal_sums(affinity)
    l_anti_first, l_anti_stop = _antidiagonal_sums(backward)
    ahead, back, turned = np.zeros((n + 1, n)), np.zeros((n + 1, n)), np.zeros((n + 1, 2 * n))
    for a in range(n):
        ahead[a + 1], back[a + 1], turned[a + 1] = ahead[a], back[a], turned[a]
        for s in range(a, n):
            ahead[a + 1, s - a] += reach[a, s]
            back[a + 1, s - a] += reach[s, a]
        for s in range(n):
            turned[a + 1, a + s] += reach[a, s]
    return _Line(
        w, w_back, u_first, u_stop, l_first, l_stop,
        u_anti_first, u_anti_stop, l_anti_first, l_anti_stop, ahead, back, turned,
    )  # fmt: skip


@_compiled
def _along(stop, first, gained, lost, lost_too, size):
    """Weigh the pairs of a triangle by the difference of their places, below `size`."""
    total = 0.0
    for e in range(1, size):
        total += (stop[e] - first[e]) * (gained[e] - lost[e] - lost_too[e])
    return total


@_compiled
def _across(line, first, stop, w_u, w_l, w_far, sign):
    """Weigh the pairs of the triangle [first, stop) by the sum of their places."""
    total = 0.0
    u, l = line.u_anti_first[first], line.l_anti_first[first]  # noqa: E741
    for s in range(2 * first + 1, first + stop):
        total += u[s] * w_u[s] + l[s] * (w_l[s] + sign * w_far[s])
    u, l = line.u_anti_stop[stop], line.l_anti_stop[stop]  # noqa: E741
    for s in range(first + stop, 2 * stop - 2):
        total += u[s] * w_u[s] + l[s] * (w_l[s] + sign * w_far[s])
    return total


@_compiled
def _gain(line, i, j, k):
    """Return how much F changes when [i, j) goes past [j, k)."""
    w, v, m, r, o = line.w, line.w_back, j - i, k - j, len(line.w) // 2
    none = w  # w starts with the weights of negative differences: zeros
    gain = line.ahead[j, r] - line.ahead[i, r] - line.ahead[k, 0] + line.ahead[i, 0]
    gain += line.back[i + r, m] - line.back[i, m]
    u, l = line.u_stop, line.l_stop  # noqa: E741
    gain += _along(u[k], line.u_first[i], w[o:], w[o - r :], w[o - m :], m + r)
    gain += _along(l[k], line.l_first[i], v[o - m - r :], v[o - m :], v[o - r :], m + r)
    gain += _along(u[j], line.u_first[i], w[o:], w[o + r :], none, m)
    gain += _along(l[j], line.l_first[i], v[o - m :], v[o - m - r :], none, m)
    gain += _along(u[k], line.u_first[j], w[o:], w[o + m :], none, r)
    gain += _along(l[k], line.l_first[j], v[o - r :], v[o - m - r :], none, r)
    return gain


@_compiled
def _turned_gain(line, i, j, k):
    """Return how much F changes when [i, j) goes past [j, k) and turns, or turns only (k = j)."""
    w, v, m, r, o = line.w, line.w_back, j - i, k - j, len(line.w) // 2
    none = w
    turn, far = o - (i + k - 1), o - (j + k - 1)
    gain = line.turned[j, i + k - 1] - line.turned[i, i + k - 1]
    gain += line.back[i + r, m] - line.back[i, m] - line.ahead[k, 0] + line.ahead[i, 0]
    gain += _along(line.u_stop[k], line.u_first[i], w[o:], w[o - m :], none, m + r)
    gain += _along(line.l_stop[k], line.l_first[i], none, v[o - m :], none, m + r)
    gain += _along(line.l_stop[j], line.l_first[i], w[o:], none, none, m)
    gain += _along(line.l_stop[j], line.l_first[i], v[o - m :], none, none, m)
    gain += _along(line.u_stop[k], line.u_first[j], w[o:], w[o + m :], none, r)
    gain -= _across(line, i, k, w[turn:], v[turn:], v[far:], -1.0)
    gain -= _across(line, i, j, v[turn:], w[turn:], v[far:], 1.0)
    gain += _across(line, j, k, w[turn:], v[turn:], v[far:], -1.0)
    return gain


@_compiled
def _best_move(line, i, lengths, is_length):
    """Return the largest gain of the blocks that start at i, with its j, k and whether it turns."""
    n = len(line.ahead) - 1
    best, best_j, best_k, turns = 0.0, i, i, False
    for m in lengths:
        j = i + m
        if j > n:
            break
        for k in range(j + 1, n + 1):
            gain = _gain(line, i, j, k)
            if gain > best:
                best, best_j, best_k, turns = gain, j, k, False
        for r in range(n - j + 1):
            if m == 1 or not is_length[r]:
                continue
            gain = _turned_gain(line, i, j, j + r)
            if gain > best:
                best, best_j, best_k, turns = gain, j, j + r, True
    return best, best_j, best_k, turns


@_compiled
def _add_reach(reach, affinity, w, w_back, given, sign):
    """Add `sign` times what the items at the places `given` offer to all others at all places."""
    n, o = len(affinity), len(w) // 2
    for b in given:
        before, after = w_back[o - b :], w[o - b :]
        for a in range(n):
            row, ahead, back = reach[a], sign * affinity[a, b], sign * affinity[b, a]
            for s in range(n):
                row[s] += ahead * before[s] + back * after[s]


def _moved(i, j, k, turns):
    """Return where the items that stand at [i, k) after a move stood before it."""
    block = np.arange(i, j)
    return np.concatenate((np.arange(j, k), block[::-1] if turns else block))


def sweep(
    affinity: Float[np.ndarray, "place place"],
    pull: Float[np.ndarray, "place place"],
    w: Float[np.ndarray, " difference"],
    lengths: Int[np.ndarray, " length"],
    least_gain: float,
) -> tuple[Int[np.ndarray, " place"], float]:
    """Go once along the line, making at each place the best move of a block that starts there.

    Parameters
    ----------
    affinity
        float64, with zeros on the diagonal.
    pull
        float64: what the item at the first place gains from outside at the second.
    w
        float64: weights of the differences -2n .. 2n, zeros up to difference 0.
    lengths
        Lengths of the moved blocks, ascending. What they go past may have any length, or one of
        these if they turn.
    least_gain
        A move that gains no more is not made; above the rounding of F, or moves may go in circles.

    Returns
    -------
    order
        For each place, where the item that now stands there stood before.
    gained
        How much F rose.
    """
    n = len(affinity)
    affinity, reach, order = affinity.copy(), pull.copy(), np.arange(n)
    w_back = w[::-1].copy()
    _add_reach(reach, affinity, w, w_back, order, 1.0)
    line = _line(affinity, reach, w, w_back)
    is_length = np.isin(order, lengths) | (order == 0)
    gained = 0.0
    for i in range(n):
        gain, j, k, turns = _best_move(line, i, lengths, is_length)
        if gain <= least_gain:
            continue
        places, source = np.arange(i, k), _moved(i, j, k, turns)
        _add_reach(reach, affinity, w, w_back, places, -1.0)
        affinity[i:k] = affinity[source]
        affinity[:, i:k] = affinity[:, source]
        reach[i:k], order[i:k] = reach[source], order[source]
        _add_reach(reach, affinity, w, w_back, places, 1.0)
        line = _line(affinity, reach, w, w_back)
        gained += gain
    return order, gained
