"""Counting events in windows and bins. Every window is half-open: start <= time < stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def count_in_windows(
    times: Float[np.ndarray, " event"],
    labels: Int[np.ndarray, " event"],
    n_labels: int,
    starts: Float[np.ndarray, " window"],
    stops: Float[np.ndarray, " window"],
) -> Int[np.ndarray, "window label"]:
    """Count the events of each label in each window; windows may overlap and come in any order.

    Two binary searches per window find its slice of the event list; one `bincount` over the
    slices counts all labels at once, so the cost is O(windows log events + events counted).

    Parameters
    ----------
    times
        When each event happened, ascending.
    labels
        Which label each event carries, in 0..n_labels - 1.
    n_labels
        How many labels there are.
    starts, stops
        Edges of the windows, in the unit of `times`.

    Examples
    --------
    >>> times, labels = np.array([0.0, 0.5, 1.0]), np.array([0, 1, 0])
    >>> count_in_windows(times, labels, 2, np.array([0.0, 0.5]), np.array([1.0, 1.5])).tolist()
    [[1, 1], [1, 1]]
    """
    first = np.searchsorted(times, starts, side="left")
    n_events = np.searchsorted(times, stops, side="left") - first
    window = np.repeat(np.arange(len(starts)), n_events)
    offset = np.repeat(first - (np.cumsum(n_events) - n_events), n_events)
    event = np.arange(len(window)) + offset
    flat = np.bincount(window * n_labels + labels[event], minlength=len(starts) * n_labels)
    return flat.reshape(len(starts), n_labels)


def count_in_bins(
    times: Float[np.ndarray, " event"],
    labels: Int[np.ndarray, " event"],
    n_labels: int,
    *,
    start: float,
    rate: float,
    n_bins: int,
) -> Int[np.ndarray, "bin label"]:
    """Count the events of each label in regular bins [start + i / rate, start + (i + 1) / rate).

    A time within one millionth of a bin below an edge is taken to stand on the edge: such times
    come from a sample index divided by a rate, not from a clock that good. Events before the first
    bin or after the last are not counted.

    >>> times, labels = np.array([0.1, 0.3]), np.array([0, 0])
    >>> count_in_bins(times, labels, 1, start=0.0, rate=10.0, n_bins=4)[:, 0].tolist()
    [0, 1, 0, 1]
    """
    position = np.floor((times - start) * rate + 1e-6).astype(np.int64)
    inside = (position >= 0) & (position < n_bins)
    flat = position[inside] * n_labels + labels[inside]
    return np.bincount(flat, minlength=n_bins * n_labels).reshape(n_bins, n_labels)
