"""Put items in a line so that similar ones stand near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int

# Lengths of the blocks tried: close enough that any length is within a third of one of them.
BLOCK_LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


@dataclass(frozen=True, eq=False)
class Seriation:
    """Items in a line."""

    order: np.ndarray
    """(item,) int: the items from the first place to the last."""
    objective: float
    """`order_objective` of `order`."""
    start_objective: float
    """`order_objective` of the spectral order that the search started from."""


def distance_weights(n_items: int) -> Float[np.ndarray, " distance"]:
    """Return how much a pair counts at each distance 0 .. n - 1 along the line.

    w_d = log(n / d) / sum_{e=1}^{n-1} (n - e) log(n / e), and w_0 = 0: the weights of all pairs
    of a line of n items add up to 1, and each doubling of the distance takes the same amount off.

    >>> distance_weights(3).round(3).tolist()
    [0.0, 0.422, 0.156]
    """
    distance = np.arange(1, n_items)
    weight = np.log(n_items / distance)
    return np.concatenate(([0.0], weight / ((n_items - distance) @ weight)))[:n_items]


def order_objective(
    similarity: Float[np.ndarray, "item item"], order: Int[np.ndarray, " item"]
) -> float:
    """Return the mean similarity of all pairs, the nearer ones weighing more.

    F(order) = sum_{a < b} similarity[order_a, order_b] w_{b - a}, with w of `distance_weights`.
    Only the similarity of an earlier item to a later one counts, so an asymmetric matrix (who
    leads whom) has one best direction, and a symmetric one has none.

    >>> chain = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]])
    >>> round(order_objective(chain, np.array([0, 1, 2])), 3)
    0.422
    >>> round(order_objective(chain, np.array([1, 0, 2])), 3)
    0.289
    """
    return float(np.sum(similarity[np.ix_(order, order)] * _forward(distance_weights(len(order)))))


def spectral_order(similarity: Float[np.ndarray, "item item"]) -> Int[np.ndarray, " item"]:
    """Return the items in the order of the Fiedler vector.

    It is the eigenvector of the second smallest eigenvalue of the Laplacian D - W, where W is the
    symmetric part of the similarity less its smallest value: of all x of length 1 with sum x = 0,
    the one with the least sum_ij W_ij (x_i - x_j)^2 (Atkins, Boman and Hendrickson 1998).

    >>> position = np.array([2.0, 0.0, 3.0, 1.0])
    >>> closeness = 3 - np.abs(position[:, None] - position)
    >>> spectral_order(closeness).tolist() in ([1, 3, 0, 2], [2, 0, 3, 1])
    True
    """
    from scipy.linalg import eigh

    if len(similarity) < 3:
        return np.arange(len(similarity))
    weight = (similarity + similarity.T) / 2
    weight = weight - weight[~np.eye(len(weight), dtype=bool)].min()
    np.fill_diagonal(weight, 0.0)
    laplacian = np.diag(weight.sum(axis=0)) - weight
    fiedler = eigh(laplacian, subset_by_index=[1, 1])[1][:, 0]
    return np.argsort(fiedler, kind="stable")


def leaf_order(similarity: Float[np.ndarray, "item item"]) -> Int[np.ndarray, " item"]:
    """Return the items in the order of the leaves of their average-linkage tree.

    The two most similar groups are joined, over and over: close relatives stand together, though
    which branch comes first is left to chance.

    >>> leaf_order(np.array([[0.0, 0.1, 0.9], [0.1, 0.0, 0.2], [0.9, 0.2, 0.0]])).tolist()
    [1, 0, 2]
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(similarity) < 3:
        return np.arange(len(similarity))
    pairs = np.triu_indices(len(similarity), 1)
    mean = (similarity + similarity.T)[pairs] / 2
    return leaves_list(linkage(mean.max() - mean, "average")).astype(np.int64)


def seriate(
    similarity: Float[np.ndarray, "item item"],
    *,
    n_sweeps: int = 10,
    n_kicks: int = 0,
    window: int = 96,
    seed: int,
) -> Seriation:
    """Search the order with the largest `order_objective`.

    The better of the spectral and the leaf order is the start. From there blocks of items move
    along the line, turning or not, as long as that raises the objective (`seriation_kernels`). A
    line longer than two windows is first arranged in groups of neighbours, of half the size each
    time, inside windows that overlap by half; then once more, since the neighbours are better now.
    The objective never falls. A symmetric similarity fits both directions: the one given has more
    similarity in its first half.

    Parameters
    ----------
    similarity
        Of the first item, standing earlier, to the second; finite. The diagonal does not count.
    n_sweeps
        The most sweeps along the line, or along each window.
    n_kicks
        How often the best line is cut at three random places, put together in another order, and
        arranged anew; the result is kept if better.
    window
        How many places of a long line are searched together, at least 2.
    seed
        Of the kicks; without kicks nothing is random.

    Examples
    --------
    >>> position = np.array([2.0, 0.0, 3.5, 1.0])
    >>> seriate(-np.abs(position[:, None] - position), seed=0).order.tolist()
    [1, 3, 0, 2]
    """
    affinity = np.array(similarity, dtype=np.float64)
    np.fill_diagonal(affinity, 0.0)
    start = _start(affinity)
    best, rng = _arranged(affinity, start, n_sweeps, window), np.random.default_rng(seed)
    objective = order_objective(affinity, best)
    for _ in range(n_kicks):
        kicked = _arranged(affinity, _kicked(best, rng), n_sweeps, window)
        if order_objective(affinity, kicked) > objective:
            best, objective = kicked, order_objective(affinity, kicked)
    best = _oriented(affinity, best)
    return Seriation(best, order_objective(affinity, best), order_objective(affinity, start))


def _forward(weights: np.ndarray) -> np.ndarray:
    """Return the matrix of weights[b - a] for a < b, and zeros below."""
    place = np.arange(len(weights))
    return np.triu(weights[np.abs(place[:, None] - place)], 1)


def _oriented(affinity: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the better direction of an order; of equals, the one with the strong items first."""
    forward, backward = (order_objective(affinity, line) for line in (order, order[::-1]))
    if abs(forward - backward) > 1e-9 * np.abs(affinity).max(initial=0.0):
        return order if forward > backward else order[::-1]
    strength = affinity.sum(axis=0) + affinity.sum(axis=1)
    lean = strength[order] @ (np.arange(len(order)) - (len(order) - 1) / 2)
    return order if lean <= 0 else order[::-1]


def _start(affinity: np.ndarray) -> np.ndarray:
    """Return the better of the spectral and the leaf order, in its better direction."""
    spectral = spectral_order(affinity)
    # The tree is built from the spectral order, so that ties do not depend on the items' numbers.
    leaves = spectral[leaf_order(affinity[np.ix_(spectral, spectral)])]
    starts = [_oriented(affinity, order) for order in (spectral, leaves)]
    return max(starts, key=lambda order: order_objective(affinity, order))


def _kicked(order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the order with two pieces swapped, cut at random."""
    first, second, third, last = np.split(order, np.sort(rng.integers(0, len(order) + 1, size=3)))
    return np.concatenate((first, third, second, last))


def _arranged(affinity: np.ndarray, order: np.ndarray, n_sweeps: int, window: int) -> np.ndarray:
    """Return a better order, found in one piece or, for a long line, from coarse to fine, twice."""
    if len(order) < 3:
        return order
    if len(order) <= 2 * window:
        return _arranged_in_groups(affinity, order, 1, n_sweeps, len(order))
    n_levels = int(np.ceil(np.log2(len(order) / window)))
    for level in [*range(n_levels, -1, -1)] * 2:
        order = _arranged_in_groups(affinity, order, 2**level, n_sweeps, window)
    return order


def _arranged_in_groups(
    affinity: np.ndarray, order: np.ndarray, size: int, n_sweeps: int, window: int
) -> np.ndarray:
    """Return a better order of groups of `size` neighbours, or the old one."""
    first = np.arange(0, len(order), size)
    line = affinity[np.ix_(order, order)]
    line = np.add.reduceat(np.add.reduceat(line, first, axis=0), first, axis=1)
    np.fill_diagonal(line, 0.0)
    weights = distance_weights(len(order))[::size][: len(first)]
    moved = _settled_in_windows(line, weights, n_sweeps, window)
    groups = np.split(order, first[1:])
    candidate = np.concatenate([groups[group] for group in moved])
    # A group was taken to stand at one place, so the gain seen above is not exact.
    better = order_objective(affinity, candidate) > order_objective(affinity, order)
    return candidate if better else order


def _settled_in_windows(
    line: np.ndarray, weights: np.ndarray, n_sweeps: int, window: int
) -> np.ndarray:
    """Return the new order of the places of a line, searched in overlapping windows."""
    n_items, forward = len(line), _forward(weights)
    line, order = line.copy(), np.arange(n_items)
    for first in range(0, max(n_items - window // 2, 1), max(window // 2, 1)):
        inside = slice(first, min(first + window, n_items))
        outside = np.r_[: inside.start, inside.stop : n_items]
        pull = line[inside, outside] @ forward[inside, outside].T
        pull += line[outside, inside].T @ forward[outside, inside]
        moved = _settled(line[inside, inside], pull, weights, n_sweeps)
        line[inside] = line[inside][moved]
        line[:, inside] = line[:, inside][:, moved]
        order[inside] = order[inside][moved]
    return order


def _settled(line: np.ndarray, pull: np.ndarray, weights: np.ndarray, n_sweeps: int) -> np.ndarray:
    """Sweep until neither direction finds a move that gains."""
    from spikeloop.numerics.seriation_kernels import sweep

    n_items = len(line)
    w = np.zeros(4 * n_items + 1)
    w[2 * n_items + 1 :][: n_items - 1] = weights[1:n_items]
    lengths = np.array([length for length in BLOCK_LENGTHS if length < n_items])
    least_gain = 1e-12 * (np.abs(line).sum() * weights.max(initial=0.0) + np.abs(pull).max())
    order, backward, n_quiet = np.arange(n_items), False, 0
    for _ in range(n_sweeps):
        # Read backward it is the same problem, in which blocks move to the left.
        line, pull, order = line.T[::-1, ::-1], pull[::-1, ::-1], order[::-1]
        backward = not backward
        moved, gained = sweep(
            np.ascontiguousarray(line), np.ascontiguousarray(pull), w, lengths, least_gain
        )
        line, pull, order = line[np.ix_(moved, moved)], pull[moved], order[moved]
        n_quiet = 0 if gained > 0 else n_quiet + 1
        if n_quiet == 2:
            break
    return order[::-1] if backward else order
