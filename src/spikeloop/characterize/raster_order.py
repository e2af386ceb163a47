"""The order of units in a raster: those that are active together, or in turn, stand together.

With z_i the activity of unit i, z-scored over its T bins, the similarity of two units is

    S_ij = max_{l = 0, step, .. max_lag} (1 / T) sum_t z_i(t) z_j(t + l),

their largest correlation while j follows i by l bins. The order o maximizes

    F(o) = sum_{a < b} S[o_a, o_b] w_{b - a},     w_d = log(n / d) / sum_e (n - e) log(n / e),

the mean similarity of earlier to later units, nearer pairs with more weight. The idea of matching
the similarity to a target that falls with the logarithm of the distance is that of Rastermap
(Stringer et al. 2025, Nature Neuroscience 28); the search is our own (`numerics.seriation`).
"""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite
from spikeloop.numerics.seriation import seriate

UNITS_AT_ONCE = 64  # z-scored in float64 at a time, so that no second copy of all of them is made


@dataclass(frozen=True)
class RasterOrder:
    """How to sort units by the similarity of their activity."""

    max_lag_bins: int = 0
    """The longest lag at which units are compared. 0: only activity in the same bin counts."""
    lag_step_bins: int = 1
    """From one lag to the next."""
    n_components: int | None = None
    """Compare what this many principal components keep of the activity; None: all of it."""
    n_sweeps: int = 10
    """The most searches along the whole raster before the order is taken as it is."""
    n_kicks: int = 0
    """How often to cut the order at random and search again; each takes as long as the first."""

    def __post_init__(self) -> None:
        for name, least in (
            ("max_lag_bins", 0),
            ("lag_step_bins", 1),
            ("n_components", 1),
            ("n_sweeps", 0),
            ("n_kicks", 0),
        ):
            value = getattr(self, name)
            require(
                value is None or value >= least,
                f"{name}={value}: it must be {least} or more. Raise it.",
            )


@dataclass(frozen=True, eq=False)
class OrderedRaster:
    """Units in the order of their activity."""

    order: np.ndarray
    """(unit,) int: columns of the activity, from the top of the raster to its bottom. Units whose
    activity never changes come last, as they stood."""
    objective: float
    """F of the order, over the units whose activity changes; at most 1."""
    similarity: np.ndarray
    """(unit, unit) float32: S[i, j], how well j follows i, units as given. Zeros for units whose
    activity never changes. On the diagonal 1, or the share of the variance that the principal
    components keep."""
    start_objective: float
    """F of the order that the search began with."""

    def __repr__(self) -> str:
        return (
            f"OrderedRaster({len(self.order)} units, objective {self.objective:.3g}, "
            f"{self.start_objective:.3g} at the start)"
        )


def order_raster(activity: np.ndarray, method: RasterOrder, *, seed: int) -> OrderedRaster:
    """Sort units so that those with similar activity stand next to each other.

    With lags, units that lead come before units that follow. Without lags both directions of an
    order are equally good, and the one with more similarity in its first half is given. The
    numbering of the units makes no difference, except between units whose activity is identical.

    Parameters
    ----------
    activity
        (bin, unit), finite: spike counts or rates, z-scored or not.
    method
        What similar means, and how long to search.
    seed
        Of the kicks; without kicks nothing is random.

    Raises
    ------
    InvalidInputError
        The activity has other axes or no units, holds NaN, or is shorter than the longest lag.

    Examples
    --------
    >>> wave = np.exp(-((np.arange(100)[:, None] / 10 - np.array([3, 7, 5, 1, 9])) ** 2))
    >>> order_raster(wave, RasterOrder(max_lag_bins=20), seed=0).order.tolist()
    [3, 0, 2, 1, 4]
    """
    activity = _checked(activity, method)
    changing, z = _standardized(activity)
    # The rows in the order of their bytes: then everything after is the same to the last bit,
    # however the units were numbered.
    row_bytes = z.view(np.dtype((np.void, z.strides[0]))).ravel()
    canonical = np.argsort(row_bytes, kind="stable")
    units = np.flatnonzero(changing)[canonical]
    among = _similarity(z[canonical], method)
    line = seriate(among, n_sweeps=method.n_sweeps, n_kicks=method.n_kicks, seed=seed)
    similarity = np.zeros((activity.shape[1],) * 2, dtype=np.float32)
    similarity[np.ix_(units, units)] = among
    return OrderedRaster(
        order=np.concatenate((units[line.order], np.flatnonzero(~changing))),
        objective=line.objective,
        similarity=similarity,
        start_objective=line.start_objective,
    )


def _checked(activity: np.ndarray, method: RasterOrder) -> np.ndarray:
    given = np.asarray(activity)
    dtype = given.dtype if given.dtype in (np.float32, np.float64) else np.float64
    activity = as_array("activity", given, ("bin", "unit"), dtype)
    require(
        activity.size > 0,
        f"activity has shape {activity.shape}: it needs bins and units. Add some.",
    )
    require_finite("activity", activity)
    require(
        method.max_lag_bins < len(activity),
        f"max_lag_bins={method.max_lag_bins}: it must be below the {len(activity)} bins of the "
        "activity. Lower it.",
    )
    return activity


def _standardized(activity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which units change, and those as rows (unit, bin) of mean 0 and length 1."""
    changing = activity.max(axis=0) > activity.min(axis=0)
    units = np.flatnonzero(changing)
    z = np.empty((len(units), len(activity)), dtype=np.float32)
    for first in range(0, len(units), UNITS_AT_ONCE):
        some = slice(first, first + UNITS_AT_ONCE)
        rows = np.ascontiguousarray(activity[:, units[some]].T, dtype=np.float64)
        rows -= rows.mean(axis=1, keepdims=True)
        rows /= np.abs(rows).max(axis=1, keepdims=True)  # lest squares over- or underflow
        z[some] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return changing, z


def _similarity(z: np.ndarray, method: RasterOrder) -> np.ndarray:
    """Return S of rows of length 1, by one matrix product for each lag."""
    mixing = None
    if method.n_components is not None and method.n_components < len(z):
        axes = np.linalg.eigh((z @ z.T).astype(np.float64))[1]
        mixing = axes[:, -method.n_components :].astype(np.float32)
        z = mixing.T @ z
    n_bins, similarity = z.shape[1], None
    for lag in range(0, method.max_lag_bins + 1, method.lag_step_bins):
        product = z[:, : n_bins - lag] @ z[:, lag:].T
        product = product if mixing is None else mixing @ product @ mixing.T
        similarity = product if similarity is None else np.maximum(similarity, product)
    return similarity
