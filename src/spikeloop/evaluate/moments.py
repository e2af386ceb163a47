"""What every score of reliability starts from: a mean and a scatter for each stimulus and unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import as_array, require

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class RepeatMoments:
    """Means and residuals of the stimuli shown at least twice.

    Responses are counted from the unit's first one: this makes every moment of a constant unit
    exactly zero, and changes no variance and no correlation.
    """

    stimulus: Int[np.ndarray, " used"]
    """Rows of the repeats that were shown at least twice; the others tell nothing of noise."""
    n_repeats: Float[np.ndarray, " used"]
    """How often each was shown."""
    present: Bool[np.ndarray, "used repeat"]
    """Where a trial stands; false where it is missing."""
    origin: Float[np.ndarray, " unit"]
    """The first response of each unit, from which the others are counted."""
    mean: Float[np.ndarray, "used unit"]
    """Mean over repeats, less `origin`."""
    residual: Float[np.ndarray, "used repeat unit"]
    """Each response less its stimulus's mean; zero where the trial is missing."""
    sum_squares: Float[np.ndarray, "used unit"]
    """Sum over repeats of the squared residuals."""

    @property
    def variance(self) -> Float[np.ndarray, "used unit"]:
        """Variance over the repeats of each stimulus, with n - 1 in the denominator."""
        return self.sum_squares / (self.n_repeats - 1)[:, None]

    @property
    def squared_error(self) -> Float[np.ndarray, "used unit"]:
        """Estimated variance of each mean: the variance over repeats divided by their number."""
        return self.variance / self.n_repeats[:, None]


def repeat_moments(repeats: Float[np.ndarray, "stimulus repeat unit"]) -> RepeatMoments:
    """Return the means and residuals of `repeats`, with NaN where a trial is missing.

    Raises
    ------
    InvalidInputError
        The array has other axes or no units, holds infinities, or misses a trial for some of the
        units and not for others.

    Examples
    --------
    >>> moments = repeat_moments(np.array([[[1.0], [3.0]], [[5.0], [np.nan]]]))
    >>> moments.stimulus.tolist(), moments.mean.tolist(), moments.sum_squares.tolist()
    ([0], [[1.0]], [[2.0]])
    """
    repeats = as_array("repeats", repeats, ("stimulus", "repeat", "unit"), np.float64)
    require(repeats.shape[2] > 0, "repeats holds no units: give at least one.")
    require(not np.isinf(repeats).any(), "repeats holds infinite values. Remove them.")
    n_missing = np.isnan(repeats).sum(axis=2)
    require(
        bool(np.isin(n_missing, (0, repeats.shape[2])).all()),
        "repeats misses trials for some units and not for others: a missing trial must be NaN for "
        "all units. Score the units with other trials apart.",
    )
    stimulus = np.flatnonzero(np.sum(n_missing == 0, axis=1) >= 2)
    present = n_missing[stimulus] == 0
    n_repeats = present.sum(axis=1).astype(np.float64)
    residual = repeats[stimulus]
    origin = np.zeros(repeats.shape[2])
    if len(stimulus):
        origin = residual[0, np.argmax(present[0])].copy()
    residual -= origin
    residual[~present] = 0.0
    mean = residual.sum(axis=1) / n_repeats[:, None]
    residual -= mean[:, None]
    residual[~present] = 0.0
    sum_squares = np.einsum("iru,iru->iu", residual, residual)
    return RepeatMoments(stimulus, n_repeats, present, origin, mean, residual, sum_squares)


def centred(values: np.ndarray) -> np.ndarray:
    """Return `values` less their mean over the first axis: exact zeros where they are constant."""
    if not len(values):
        return values
    values = values - values[0]
    return values - values.mean(axis=0)


def of_one_size(values: Float[np.ndarray, "sample ..."]) -> Float[np.ndarray, "sample ..."]:
    """Return each column times a power of two that brings its largest magnitude near 1.

    Sums of products of such columns neither overflow nor vanish, and correlations are what they
    were to the last bit. NaN is passed over.

    >>> of_one_size(np.array([[3.0, 2.0**900], [4.0, -(2.0**900)]])).tolist()
    [[0.375, 0.5], [0.5, -0.5]]
    """
    highest = np.fmax.reduce(values, axis=0, initial=0.0)
    lowest = np.fmin.reduce(values, axis=0, initial=0.0)
    exponent = np.frexp(np.maximum(highest, -lowest))[1]
    return values * np.ldexp(1.0, -np.clip(exponent, -1000, 1000))


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return ``numerator / denominator``, and NaN where the denominator is not above zero.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    shape = np.broadcast_shapes(np.shape(numerator), np.shape(denominator))
    positive = np.broadcast_to(np.greater(denominator, 0), shape)
    return np.divide(numerator, denominator, out=np.full(shape, np.nan), where=positive)
