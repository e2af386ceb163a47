"""How regularly units fire, and how much together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.data.checks import require
from spikeloop.numerics.binning import count_in_bins

if TYPE_CHECKING:
    from jaxtyping import Float


def intervals_s(spikes: SpikeTrains) -> tuple[np.ndarray, np.ndarray]:
    """Return the time between each two spikes of a unit that follow each other, and the unit.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({"a": [0.125, 0.5], "b": [0.25, 1.0]}, Epochs([0], [2]))
    >>> [values.tolist() for values in intervals_s(spikes)]
    [[0.375, 0.75], [0, 1]]
    """
    order = np.argsort(spikes.unit_index, kind="stable")
    unit = spikes.unit_index[order]
    same = unit[1:] == unit[:-1]
    return np.diff(spikes.times_s[order])[same], unit[1:][same]


def interval_variation(spikes: SpikeTrains, *, least_spikes: int = 5) -> Float[np.ndarray, " unit"]:
    """Return the coefficient of variation of the intervals of each unit: SD over mean.

    It is 0 for a clock and 1 for a Poisson process; NaN for units of fewer spikes than
    `least_spikes`.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({"a": [0.0, 1.0, 2.0], "b": [0.5]}, Epochs([0.0], [3.0]))
    >>> interval_variation(spikes, least_spikes=3).tolist()
    [0.0, nan]
    """
    require(least_spikes >= 3, f"least_spikes={least_spikes}: give 3 or more, for 2 intervals.")
    values_s, unit = intervals_s(spikes)
    n = np.bincount(unit, minlength=spikes.n_units)
    known = n >= least_spikes - 1
    total_s = np.bincount(unit, values_s, spikes.n_units)
    mean_s = np.divide(total_s, n, where=known, out=np.full(spikes.n_units, np.nan))
    squares = np.bincount(unit, (values_s - mean_s[unit]) ** 2, spikes.n_units)
    variance = np.divide(squares, n, where=known, out=np.full(spikes.n_units, np.nan))
    return np.sqrt(variance) / mean_s


def pair_correlations(
    spikes: SpikeTrains, *, bin_s: float = 0.005, most_units: int = 200, seed: int
) -> Float[np.ndarray, " pair"]:
    """Return the correlations between the spike counts of pairs of units in bins of time.

    Of more than `most_units` units that fire, so many are drawn. The pairs are all of those.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({0: [0.1, 0.7], 1: [0.1, 0.7]}, Epochs([0.0], [1.0]))
    >>> pair_correlations(spikes, bin_s=0.25, seed=1).round(6).tolist()
    [1.0]
    """
    start_s, stop_s = float(spikes.epochs.start_s[0]), float(spikes.epochs.stop_s[-1])
    n_bins = int((stop_s - start_s) / bin_s + 1e-6)
    require(n_bins >= 2, f"bin_s={bin_s}: there must be 2 bins in {stop_s - start_s} s.")
    active = np.flatnonzero(spikes.counts())
    drawn = np.random.default_rng(seed).permutation(active)[:most_units]
    keep = np.zeros(spikes.n_units, dtype=bool)
    keep[drawn] = True
    chosen = spikes.select(keep)
    counts = count_in_bins(
        chosen.times_s,
        chosen.unit_index,
        chosen.n_units,
        start=start_s,
        rate=1 / bin_s,
        n_bins=n_bins,
    ).astype(float)
    counts = counts[:, counts.std(axis=0) > 0]
    if counts.shape[1] < 2:
        return np.empty(0)
    return np.corrcoef(counts, rowvar=False)[np.triu_indices(counts.shape[1], 1)]


def after(spikes: SpikeTrains, start_s: float) -> SpikeTrains:
    """Return the spikes from `start_s` on, and the time from then on as observed.

    >>> from spikeloop.data import Epochs
    >>> after(SpikeTrains.from_units({0: [0.25, 0.75]}, Epochs([0.0], [1.0])), 0.5)
    SpikeTrains(1 units, 1 spikes, 0.5 s observed)
    """
    late = spikes.times_s >= start_s
    return SpikeTrains(
        spikes.times_s[late],
        spikes.unit_index[late],
        spikes.unit_ids,
        Epochs([start_s], spikes.epochs.stop_s[-1:]),
        spikes.unit_table,
    )


def population_rate_hz(spikes: SpikeTrains, bin_s: float) -> Float[np.ndarray, " bin"]:
    """Return the spikes per second of a unit, on average over units, in bins from 0 s.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({0: [0.25, 0.75], 1: []}, Epochs([0.0], [1.0]))
    >>> population_rate_hz(spikes, 0.5).tolist()
    [1.0, 1.0]
    """
    n_bins = max(1, round(float(spikes.epochs.stop_s[-1]) / bin_s))
    alike = np.zeros(len(spikes.times_s), dtype=np.int64)
    counts = count_in_bins(spikes.times_s, alike, 1, start=0.0, rate=1 / bin_s, n_bins=n_bins)
    return counts[:, 0] / (bin_s * max(spikes.n_units, 1))
