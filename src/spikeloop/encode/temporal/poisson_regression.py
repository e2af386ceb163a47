"""Penalized maximum likelihood of Poisson counts: a convex problem, solved by Newton's method.

With z = X w the cost is the mean over bins of f(z) - y log f(z), plus w' P w / 2. It is convex in w
where f is convex and log f concave (Paninski 2004), as exp and softplus are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.numerics.parallel import one_blas_thread

if TYPE_CHECKING:
    from jaxtyping import Float

LINKS = ("exp", "softplus")
"""What turns a drive into an expected count."""
_ROWS_AT_ONCE = 2**15
_LARGEST_DRIVE = 30.0  # of exp, which would overflow; far above any count in a bin


def poisson_regression(
    design: Float[np.ndarray, "time column"],
    counts: Float[np.ndarray, " time"],
    penalty: Float[np.ndarray, "column column"],
    *,
    start: Float[np.ndarray, " column"],
    link: str = "exp",
    tolerance: float = 1e-8,
) -> Float[np.ndarray, " column"]:
    """Return the weights of least cost, in double precision.

    Newton steps, halved until the cost falls, until a step promises to lower it by less than
    `tolerance` per bin.

    Examples
    --------
    >>> counts = np.array([1.0, 2.0, 6.0])
    >>> ones = np.ones((3, 1), np.float32)
    >>> weights = poisson_regression(ones, counts, np.zeros((1, 1)), start=np.zeros(1))
    >>> np.exp(weights).round(6).tolist()
    [3.0]
    """
    with one_blas_thread():
        return _solved(design, counts, penalty, np.array(start, dtype=float), (link, tolerance))


def _solved(design, counts, penalty, weights, settings):
    link, tolerance = settings
    for _ in range(100):
        cost, gradient, curvature = _cost(design, counts, weights, link, derivatives=True)
        cost += weights @ penalty @ weights / 2
        gradient = gradient + penalty @ weights
        curvature = curvature + penalty
        # A little of the identity, where columns repeat each other and nothing penalizes them.
        curvature[np.diag_indices_from(curvature)] += 1e-12 * np.trace(curvature) + 1e-15
        step = np.linalg.solve(curvature, gradient)
        promised = float(gradient @ step) / 2
        if promised < tolerance:
            return weights - step if promised > 0 else weights
        share = 1.0
        while share > 1e-6:
            moved = weights - share * step
            moved_cost = _cost(design, counts, moved, link)[0] + moved @ penalty @ moved / 2
            if moved_cost <= cost - 0.1 * share * promised:
                break
            share /= 2
        weights = moved
    return weights


def mean_loss(
    design: Float[np.ndarray, "time column"],
    counts: Float[np.ndarray, " time"],
    weights: Float[np.ndarray, " column"],
    link: str,
) -> float:
    """Return the mean over bins of f(z) - y log f(z), without penalty."""
    return _cost(design, counts, weights, link)[0]


def half_spike_drive(n_spikes: float, n_bins: int, link: str) -> float:
    """Return the drive whose expected count is the mean count, or half a spike where none was."""
    mean = max(n_spikes, 0.5) / n_bins
    return float(np.log(mean) if link == "exp" else np.log(np.expm1(mean)))


def _cost(design, counts, weights, link, *, derivatives=False):
    """Return the mean loss, its gradient and its curvature; the latter two where asked for."""
    n_columns = design.shape[1]
    cost, gradient, curvature = 0.0, np.zeros(n_columns), np.zeros((n_columns, n_columns))
    for first in range(0, len(design), _ROWS_AT_ONCE):
        rows = design[first : first + _ROWS_AT_ONCE].astype(float)
        observed = counts[first : first + _ROWS_AT_ONCE]
        loss, slope, bend = _pointwise(rows @ weights, observed, link)
        cost += loss.sum()
        if derivatives:
            gradient += slope @ rows
            curvature += (rows * bend[:, None]).T @ rows
    n_bins = len(design)
    return cost / n_bins, gradient / n_bins, curvature / n_bins


def _pointwise(drive, counts, link):
    """Return f(z) - y log f(z) and its first two derivatives by z."""
    if link == "exp":
        drive = np.minimum(drive, _LARGEST_DRIVE)
        expected = np.exp(drive)
        return expected - counts * drive, expected - counts, expected
    expected = np.logaddexp(0, drive)
    logistic = np.exp(drive - expected)
    # Far below zero softplus and logistic are both exp, and their ratio 1.
    ratio = np.where(drive < -30, 1.0, logistic / np.maximum(expected, 1e-300))
    log_expected = np.where(drive < -30, drive, np.log(np.maximum(expected, 1e-300)))
    slope = logistic - counts * ratio
    falling = logistic * (1 - logistic)
    bend = falling - counts * (ratio * (1 - logistic) - ratio**2)
    return expected - counts * log_expected, slope, bend
