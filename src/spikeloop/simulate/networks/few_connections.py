"""Connections of small networks, drawn by NumPy: the same that compiled code draws for large ones.

To compile that takes a second, and to load it a twentieth; this draws 100,000 connections in less.
"""

import numpy as np

from spikeloop.numerics.random import threefry2x32_arrays, uniform_double_arrays
from spikeloop.simulate.networks.connectivity import Synapses
from spikeloop.simulate.networks.connectivity_kernels import N_JUMPS, Rows


def draw_evenly(rows: Rows, p: float, n_rows: int) -> Synapses:
    """Draw each connection with probability `p`, from the random numbers of `draw_by_chance`."""
    row, place, block = np.arange(n_rows), np.full(n_rows, -1), 0
    sources, places = [row[:0]], [place[:0]]
    with np.errstate(divide="ignore"):
        per_log = 1 / np.log1p(np.float64(-p))
    while row.size and rows.n_partners:
        counters = np.arange(block, block + 2 * N_JUMPS, dtype=np.uint32)
        words, _ = threefry2x32_arrays(*rows.key, row.astype(np.uint32)[:, None], counters)
        gaps = np.log(uniform_double_arrays(words[:, :N_JUMPS], words[:, N_JUMPS:])) * per_log
        steps = 1 + np.minimum(gaps, rows.n_partners).astype(np.int64)
        reached = place[:, None] + np.cumsum(steps, axis=1)
        inside = reached < rows.n_partners
        sources.append(np.broadcast_to(row[:, None], inside.shape)[inside])
        places.append(reached[inside])
        row, place = row[inside[:, -1]], reached[inside[:, -1], -1]
        block += 2 * N_JUMPS
    source, place = np.concatenate(sources), np.concatenate(places)
    order = np.argsort(source, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=n_rows))])
    target = place + (rows.skips_itself & (place >= source))
    return Synapses(indptr, target[order].astype(np.int32))
