"""Compiled loops over the samples of a recording."""

import numpy as np
from numba import njit

# Sums may be reordered (so that they vectorize); NaN and infinity keep their meaning.
_compiled = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})
_TILE = 1024  # times filtered at once: they stay in the fastest cache
UNROLLED = 8
"""A number of taps must be a multiple of this."""


@_compiled
def filter_rows(padded, taps):
    """Return, as (row, time), the sum over k of taps[row, k] * padded[row, time + k].

    Eight taps are added in one sweep, so that the sum is read and written an eighth as often.
    """
    n_rows, n_taps = taps.shape
    n_times = padded.shape[1] - n_taps
    out = np.zeros((n_rows, n_times), dtype=np.float32)
    for row in range(n_rows):
        h = taps[row]
        for first in range(0, n_times, _TILE):
            y = out[row, first : first + _TILE]
            for k in range(0, n_taps, UNROLLED):
                x = padded[row, first + k :]
                for t in range(len(y)):
                    y[t] += (
                        (h[k] * x[t] + h[k + 1] * x[t + 1])
                        + (h[k + 2] * x[t + 2] + h[k + 3] * x[t + 3])
                        + (h[k + 4] * x[t + 4] + h[k + 5] * x[t + 5])
                        + (h[k + 6] * x[t + 6] + h[k + 7] * x[t + 7])
                    )
    return out


@_compiled
def add_waveforms(traces, bank, unit, row, taps, amplitude, place):
    """Add one waveform per spike to `traces` (time, channel), in place.

    `bank` is (waveforms, offset, first_channel, n_channels, n_times): the waveform of unit u at
    displacement d is (n_times, n_channels[u]), at waveforms[offset[u] + d * its size]. The waveform
    of spike i is taken `place[i]` of the way along the displacements, between two of them, delayed
    by the filter `taps[i]`, and begins at `row[i]`, which may lie outside `traces`.
    """
    waveforms, offset, first_channel, n_channels, n_times = bank
    n_taps = taps.shape[1]
    widest = 0 if len(n_channels) == 0 else n_channels.max()
    # Time and channel in one axis: long loops are fast ones. Zeros stand on either side.
    scaled = np.zeros((n_times + 2 * n_taps) * widest, dtype=np.float32)
    delayed = np.empty((n_times + n_taps) * widest, dtype=np.float32)
    for i in range(len(unit)):
        u = unit[i]
        n, size = n_channels[u], n_times * n_channels[u]
        if n > 0 and -(n_times + n_taps) < row[i] < len(traces):
            below = np.int64(place[i])
            share = np.float32(place[i] - below)
            low = waveforms[offset[u] + below * size :][:size]
            high = waveforms[offset[u] + (below + (share > 0)) * size :][:size]
            scaled[: n_taps * n] = 0
            scaled[n_taps * n + size : (n_times + 2 * n_taps) * n] = 0
            _mix(scaled[n_taps * n :], low, high, amplitude[i], share)
            _delay(delayed[: (n_times + n_taps) * n], scaled, taps[i], n)
            for t in range(max(0, -row[i]), min(n_times + n_taps, len(traces) - row[i])):
                target = traces[row[i] + t, first_channel[u] : first_channel[u] + n]
                target += delayed[t * n : (t + 1) * n]


@_compiled
def _mix(out, low, high, amplitude, share):
    low_share, high_share = amplitude * (np.float32(1) - share), amplitude * share
    for j in range(len(low)):
        out[j] = low_share * low[j] + high_share * high[j]


@_compiled
def _delay(out, padded, h, n):
    """Write into `out`, at i, the sum over k of h[k] * padded[i + (len(h) - k) * n]."""
    out[:] = 0
    for k in range(0, len(h), UNROLLED):
        if np.any(h[k : k + UNROLLED] != 0):
            x = padded[(len(h) - k - 7) * n :]
            for first in range(0, len(out), _TILE):
                _add_eight(out[first : first + _TILE], x[first:], h[k : k + UNROLLED], n)


@_compiled
def _add_eight(y, x, h, n):
    x0, x1, x2, x3, x4, x5, x6, x7 = (
        x[7 * n :], x[6 * n :], x[5 * n :], x[4 * n :], x[3 * n :], x[2 * n :], x[n:], x,
    )  # fmt: skip
    for i in range(len(y)):
        y[i] += (
            (h[0] * x0[i] + h[1] * x1[i])
            + (h[2] * x2[i] + h[3] * x3[i])
            + (h[4] * x4[i] + h[5] * x5[i])
            + (h[6] * x6[i] + h[7] * x7[i])
        )


@_compiled
def depleted(times, unit, n_units, drop, recovery):
    """Return what is left of the amplitude at each spike, when each takes away a share `drop`.

    Between spikes of the same unit the missing part decays with the time constant `recovery`.
    """
    missing = np.zeros(n_units)
    last = np.full(n_units, -np.inf)
    left = np.empty(len(times))
    for i in range(len(times)):
        u = unit[i]
        missing[u] *= np.exp((last[u] - times[i]) / recovery)
        left[i] = 1 - missing[u]
        missing[u] = 1 - left[i] * (1 - drop)
        last[u] = times[i]
    return left
