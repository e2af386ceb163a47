"""How alike the means over two halves of the repeats are.

Each stimulus's ``n_i`` repeats are split into two halves of ``floor(n_i / 2)``, drawn for each
stimulus apart; of an odd number one repeat is left out. Three answers, which nearly agree:

* `split_half`: from covariances averaged over all splits, in closed form, without chance;
* `split_half_enumerated`: the correlation averaged over all splits that all stimuli share;
* `split_half_random`: the correlation averaged over random splits, as is published most often.

Each gives the correlation of halves. `spearman_brown` turns it into the reliability of two halves
together, so of 2 floor(n / 2) repeats. For the mean over all repeats use `mean_reliability`.
"""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require, require_seed
from spikeloop.evaluate.correlation import pearson
from spikeloop.evaluate.draws import require_count
from spikeloop.evaluate.moments import RepeatMoments, centred, ratio, repeat_moments

if TYPE_CHECKING:
    from jaxtyping import Float

MOST_SPLITS = 5000
"""`split_half_enumerated` refuses more splits than this: 14 repeats have 1,716."""
_BLOCK = 16


def spearman_brown(
    correlation: Float[np.ndarray, "..."], factor: float = 2.0
) -> Float[np.ndarray, "..."]:
    """Return the reliability of `factor` times as many repeats: f r / (1 + (f - 1) r).

    NaN where the denominator is not above zero.

    >>> spearman_brown(np.array([0.5, 0.0])).round(6).tolist()
    [0.666667, 0.0]
    """
    return ratio(factor * correlation, 1 + (factor - 1) * correlation)


def split_half(repeats: Float[np.ndarray, "stimulus repeat unit"]) -> Float[np.ndarray, " unit"]:
    r"""Return the covariance of halves over their variance, each averaged over all splits exactly.

    All splits means every way to halve each stimulus's repeats, the stimuli split independently of
    one another, so ragged repeats need no special treatment:

    .. math:: r = \frac{C}{C + \mathrm{mean}_i (s_i^2 / h_i)}, \qquad
              C = \mathrm{Var}_i(\bar R_i) - \mathrm{mean}_i (s_i^2 / n_i), \qquad
              h_i = \lfloor n_i / 2 \rfloor,

    with :math:`s_i^2` the variance over repeats. :math:`C` is the signal power. The mean of a ratio
    is not the ratio of means, so this differs in the third decimal or so from a mean of
    correlations. For n repeats of each stimulus its Spearman-Brown value, with the factor
    n / floor(n / 2), is exactly `mean_reliability`. NaN for a constant unit, and where fewer than
    two stimuli have repeats.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [2.0]], [[4.0], [6.0]]])
    >>> split_half(repeats).round(4).tolist()
    [0.8148]
    """
    moments = repeat_moments(repeats)
    if len(moments.stimulus) < 2:
        return np.full(repeats.shape[2], np.nan)
    half = (moments.n_repeats // 2)[:, None]
    covariance = moments.mean.var(axis=0, ddof=1) - moments.squared_error.mean(axis=0)
    return ratio(covariance, covariance + (moments.variance / half).mean(axis=0))


def split_half_random(
    repeats: Float[np.ndarray, "stimulus repeat unit"], n_splits: int = 100, *, seed: int
) -> Float[np.ndarray, " unit"]:
    """Return the mean, over random splits, of the correlation over stimuli between the halves.

    A split in which a half is constant over stimuli has no correlation and is left out; NaN where
    no split has one. All units share each split.

    >>> repeats = np.array([[[1.0], [2.0], [9.0]], [[4.0], [6.0], [np.nan]]])
    >>> bool(-1 <= split_half_random(repeats, 10, seed=0)[0] <= 1)
    True
    """
    require_count("n_splits", n_splits)
    require_seed(seed)
    moments = repeat_moments(repeats)
    rng = np.random.default_rng(seed)
    half = (moments.n_repeats // 2)[:, None]

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        priority = np.where(moments.present, rng.random((n, *moments.present.shape)), 2.0)
        rank = priority.argsort(axis=-1).argsort(axis=-1)
        return rank < half, (rank >= half) & (rank < 2 * half)

    sizes = [min(_BLOCK, n_splits - start) for start in range(0, n_splits, _BLOCK)]
    return _mean_correlation(moments, (draw(size) for size in sizes))


def split_half_enumerated(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, " unit"]:
    """Return the mean correlation over all splits into halves that all stimuli share.

    Raises
    ------
    InvalidInputError
        The stimuli have different numbers of repeats, so that they share no splits, or there are
        more than `MOST_SPLITS`.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [2.0]], [[4.0], [6.0]], [[3.0], [9.0]]])
    >>> split_half_enumerated(repeats).round(4).tolist()
    [0.7146]
    """
    moments = repeat_moments(repeats)
    require(
        bool(moments.present.all()),
        "repeats is ragged: its stimuli share no splits. Use split_half or split_half_random.",
    )
    if not len(moments.stimulus):
        return np.full(repeats.shape[2], np.nan)
    n_repeats = moments.present.shape[1]
    half = n_repeats // 2
    n_splits = comb(n_repeats, half) * comb(n_repeats - half, half) // 2
    require(
        n_splits <= MOST_SPLITS,
        f"{n_repeats} repeats have {n_splits} splits, more than {MOST_SPLITS}. Use split_half.",
    )
    splits = np.array(list(_shared_splits(n_repeats, half)), dtype=bool).reshape(-1, 2, n_repeats)
    blocks = (splits[start : start + _BLOCK] for start in range(0, len(splits), _BLOCK))
    return _mean_correlation(moments, ((s[:, None, 0], s[:, None, 1]) for s in blocks))


def _shared_splits(n_repeats: int, half: int):
    """Yield each unordered pair of disjoint halves as two bool masks over repeats."""
    for first in combinations(range(n_repeats), half):
        rest = [repeat for repeat in range(n_repeats) if repeat not in first]
        for second in combinations(rest, half):
            if first < second:
                yield np.isin(range(n_repeats), first), np.isin(range(n_repeats), second)


def _mean_correlation(moments: RepeatMoments, splits) -> Float[np.ndarray, " unit"]:
    """Average the correlation of halves over `splits`: pairs of masks (split, stimulus, repeat)."""
    half = (moments.n_repeats // 2)[:, None, None]
    mean = centred(moments.mean)[:, None]
    total, n_defined = np.zeros(mean.shape[2]), np.zeros(mean.shape[2])
    for masks in splits:
        # one small matrix product per stimulus: (split, repeat) times (repeat, unit)
        weights = (np.broadcast_to(m, (len(m), *moments.present.shape)) for m in masks)
        halves = [mean + (w.transpose(1, 0, 2) / half) @ moments.residual for w in weights]
        score = pearson(*halves)
        defined = np.isfinite(score)
        total += np.where(defined, score, 0.0).sum(axis=0)
        n_defined += defined.sum(axis=0)
    return ratio(total, n_defined)
