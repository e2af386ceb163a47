"""How well models of a continuous stimulus predict time that none has seen.

The test is cut into blocks of 10 s, which are drawn again for intervals: bins of 2 ms are not
independent of one another. Each block is first reduced to the sums that the scores are made of, so
that a thousand draws take no time.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikeloop import evaluate
from spikeloop.data.checks import require
from spikeloop.encode.evaluation import LEAST_SHARE

BLOCK_S = 10.0
FEWEST_BLOCKS = 5
SMOOTH_S = 0.010
"""SD of the Gaussian that rates and spikes are smoothed by before they are correlated."""


@dataclass(frozen=True, eq=False)
class TestBins:
    """The bins of the test, run by run, and what the units did in them."""

    __test__ = False

    bin_s: float
    bins: np.ndarray
    """(bin,) their places in the stimulus, ascending."""
    counts: np.ndarray
    """(bin, unit)."""
    null: np.ndarray
    """(unit,) mean count in a bin of the time that was learned from."""

    @property
    def block(self) -> np.ndarray:
        """(bin,) the block of each bin; none is shorter than half of the others."""
        size = min(round(BLOCK_S / self.bin_s), max(1, len(self.bins) // FEWEST_BLOCKS))
        n_blocks = max(1, round(len(self.bins) / size))
        return np.minimum(np.arange(len(self.bins)) // size, n_blocks - 1)

    def smoothed(self, series: np.ndarray) -> np.ndarray:
        """Return (bin, unit) smoothed over time, within each unbroken run of bins."""
        starts = np.flatnonzero(np.diff(self.bins, prepend=-2) > 1)
        runs = np.split(series.astype(float), starts[1:])
        return np.concatenate(
            [gaussian_filter1d(run, SMOOTH_S / self.bin_s, axis=0) for run in runs]
        )


@dataclass(frozen=True, eq=False)
class SeriesScores:
    """How well one model predicts the test."""

    name: str
    """What the model is called."""
    bits: evaluate.BootstrapScores
    """Bits per spike of each unit beyond its mean rate, given the spikes before each bin."""
    correlation: evaluate.BootstrapScores
    """Of the rate that the stimulus alone lets expect with the spikes, both smoothed; NaN for a
    constant rate."""


class SeriesDifference(NamedTuple):
    """Of two models, the same blocks drawn: the scores of the first less those of the second."""

    bits: evaluate.PairedBootstrap
    correlation: evaluate.PairedBootstrap


@dataclass(frozen=True, eq=False)
class BlockSums:
    """The sums of one model, for each block and unit."""

    spikes: np.ndarray
    """(block, unit)."""
    information: np.ndarray
    """(block, unit) bits beyond the mean rate."""
    moments: np.ndarray
    """(block, 6, unit) n, x, y, xx, yy, xy of smoothed spikes x and smoothed rates y."""


def block_sums(test: TestBins, given: np.ndarray, free: np.ndarray) -> BlockSums:
    """Reduce the predictions of one model to sums over blocks.

    Parameters
    ----------
    test
        What the units did.
    given
        (bin, unit) counts expected given the spikes before.
    free
        (bin, unit) counts that the stimulus alone lets expect.
    """
    likely = np.maximum(given, np.maximum(LEAST_SHARE * test.null, np.finfo(float).tiny))
    null = np.maximum(test.null, np.finfo(float).tiny)
    bits = test.counts * np.log2(likely / null) - (likely - test.null) / np.log(2)
    x, y = test.smoothed(test.counts), test.smoothed(free)
    # The correlation does not depend on the origin; near the mean the sums lose no digits.
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    y = np.where(np.ptp(free, axis=0) > 0, y, 0.0)
    moments = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    starts = np.flatnonzero(np.diff(test.block, prepend=-1))
    return BlockSums(
        *(np.add.reduceat(values, starts, axis=0) for values in (test.counts, bits, moments))
    )


def score_series(name: str, sums: BlockSums, **draws: float) -> SeriesScores:
    """Score one model; `draws` are those of `evaluate.bootstrap_scores`."""
    require(
        len(sums.spikes) > 1,
        f"the test holds {len(sums.spikes)} block of time: at least 2 are needed. Give a larger "
        "test_fraction.",
    )
    return SeriesScores(
        name,
        evaluate.bootstrap_scores(_bits, sums.spikes, sums.information, **draws),
        evaluate.bootstrap_scores(_correlation, sums.moments, sums.moments, **draws),
    )


def compare_series(first: BlockSums, second: BlockSums, **draws: float) -> SeriesDifference:
    """Return the differences in bits per spike and in correlation, the same blocks drawn."""
    compare = partial(evaluate.paired_bootstrap, **draws)
    return SeriesDifference(
        compare(_bits, first.spikes, first.information, second.information),
        compare(_correlation, first.moments, first.moments, second.moments),
    )


def _bits(spikes: np.ndarray, information: np.ndarray) -> np.ndarray:
    n_spikes = spikes.sum(axis=0)
    unknown = np.full(n_spikes.shape, np.nan)
    return np.divide(information.sum(axis=0), n_spikes, out=unknown, where=n_spikes > 0)


def _correlation(_: np.ndarray, moments: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = moments.sum(axis=0)
    power = (xx - x * x / n) * (yy - y * y / n)
    unknown = np.full(power.shape, np.nan)
    return np.divide(xy - x * y / n, np.sqrt(np.maximum(power, 0)), out=unknown, where=power > 0)
