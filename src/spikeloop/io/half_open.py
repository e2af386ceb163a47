"""Epochs of packages whose intervals hold both of their ends."""

import numpy as np

from spikeloop.data import Epochs

TOUCHING_S = 1e-9
"""pynapple rounds times to this; it keeps epochs that touch apart by as much."""


def half_open(start_s: np.ndarray, stop_s: np.ndarray, times_s: np.ndarray) -> Epochs:
    """Return the closed intervals [start, stop] as half-open epochs that hold the same spikes.

    A spike may lie exactly at the end of a closed interval: pynapple, told nothing else, ends its
    support at the last spike. Such an end moves up to the next floating-point number. Epochs that
    a rounding kept apart touch again.

    >>> half_open(np.array([0.0]), np.array([2.0]), np.array([0.5, 2.0])).contains([2.0]).tolist()
    [True]
    """
    start_s = np.asarray(start_s, dtype=float)
    stop_s = np.array(stop_s, dtype=float)
    gap_s = start_s[1:] - stop_s[:-1]
    touches = np.append((gap_s >= 0) & (gap_s < 1.5 * TOUCHING_S), False)
    stop_s[touches] = start_s[1:][touches[:-1]]
    at_end = np.isin(stop_s, times_s) & ~touches
    return Epochs(start_s, np.where(at_end, np.nextafter(stop_s, np.inf), stop_s))
