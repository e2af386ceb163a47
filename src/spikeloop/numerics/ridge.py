"""Ridge regression of many targets on the same rows, each with the penalty that suits it.

All targets share one decomposition; the error of leaving out each row in turn is known in closed
form, so that trying a penalty costs two matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

PENALTIES = 10.0 ** np.arange(-5.0, 3.01, 0.5)
"""Penalties to try, in units of the mean eigenvalue of what is decomposed: its trace over the rank
that it has in general, so that rounding of the eigenvalues that are zero does not count."""


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """One regression for each target."""

    weights: Float[np.ndarray, "feature target"]
    """What each feature counts; for a kernel, what each row of it counts."""
    intercept: Float[np.ndarray, " target"]
    """What is added."""
    penalty: Float[np.ndarray, " target"]
    """The penalty chosen, in units of the mean eigenvalue."""
    absolute_penalty: Float[np.ndarray, " target"]
    """The same in units of the scatter of the rows: the variance of noise over that of weights."""
    left_out: Float[np.ndarray, "row target"]
    """The prediction of each row by the regression that did not see it."""
    error: Float[np.ndarray, " target"]
    """The mean square of what is wrong with `left_out`, rows weighted."""

    def of(self, targets: np.ndarray) -> RidgeFit:
        """Return the regressions of some of the targets."""
        return RidgeFit(
            self.weights[:, targets],
            self.intercept[targets],
            self.penalty[targets],
            self.absolute_penalty[targets],
            self.left_out[:, targets],
            self.error[targets],
        )


def ridge_regression(
    rows: Float[np.ndarray, "row feature"],
    targets: Float[np.ndarray, "row target"],
    row_weight: Float[np.ndarray, " row"],
    penalties: Float[np.ndarray, " penalty"] = PENALTIES,
) -> RidgeFit:
    r"""Regress all targets on the rows, each with its best penalty by leave-one-out errors.

    Minimizes :math:`\sum_i a_i (y_i - b - w \cdot x_i)^2 + \lambda |w|^2` for row weights a. The
    row left out is predicted by :math:`y_i - (y_i - \hat y_i) / (1 - h_{ii})`, with H the matrix
    that takes targets to predictions (Allen 1974, Technometrics 16:125).

    Parameters
    ----------
    rows
        Features of each row; they are centred here, and not scaled.
    targets
        What is to be predicted.
    row_weight
        How much each row counts, such as the number of trials behind it.
    penalties
        Those to try, in units of the mean eigenvalue of the weighted scatter of the rows.

    Examples
    --------
    >>> rows = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    >>> fitted = ridge_regression(rows, 2 * rows[:, :1] + 3, np.ones(4))
    >>> fitted.weights.round(2).tolist(), fitted.intercept.round(2).tolist()
    ([[2.0], [0.0]], [3.0])
    """
    root = np.sqrt(row_weight / row_weight.mean())
    centre, scaled = _centred(rows, row_weight, root)
    level, wanted = _centred(targets, row_weight, root)
    wide = scaled.shape[0] < scaled.shape[1]
    values, vectors = _eigen(scaled @ scaled.T if wide else scaled.T @ scaled)
    left = vectors if wide else scaled @ vectors / np.sqrt(values)
    mean = values.sum() / max(min(len(rows) - 1, rows.shape[1]), 1)
    chosen = _choose(values, left, wanted, root, penalties * mean)
    shrunk = chosen.scores / (values[:, None] + chosen.penalty)
    weights = scaled.T @ (left @ shrunk) if wide else vectors @ (shrunk * np.sqrt(values)[:, None])
    return RidgeFit(
        weights=weights,
        intercept=level - centre @ weights,
        penalty=penalties[chosen.index],
        absolute_penalty=chosen.penalty,
        left_out=targets - chosen.residual / root[:, None],
        error=chosen.error,
    )


def kernel_ridge_regression(
    kernel: Float[np.ndarray, "row row"],
    targets: Float[np.ndarray, "row target"],
    row_weight: Float[np.ndarray, " row"],
    penalties: Float[np.ndarray, " penalty"] = PENALTIES,
) -> RidgeFit:
    """Regress all targets on what a kernel says of the rows, each with its best penalty.

    As `ridge_regression`, whose rows are known by their products alone: a prediction is
    ``kernel_with_the_rows @ weights + intercept``.

    Examples
    --------
    >>> rows = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    >>> fitted = kernel_ridge_regression(rows @ rows.T, 2 * rows[:, :1] + 3, np.ones(4))
    >>> new = np.array([[2.0, 5.0]])
    >>> (new @ rows.T @ fitted.weights + fitted.intercept).round(2).tolist()
    [[7.0]]
    """
    root = np.sqrt(row_weight / row_weight.mean())
    share = row_weight / row_weight.sum()
    to_all = share @ kernel
    centred = (kernel - to_all - to_all[:, None] + share @ to_all) * root * root[:, None]
    level = share @ targets
    values, vectors = _eigen(centred)
    mean = values.sum() / max(len(kernel) - 1, 1)
    wanted = (targets - level) * root[:, None]
    chosen = _choose(values, vectors, wanted, root, penalties * mean)
    weights = root[:, None] * (vectors @ (chosen.scores / (values[:, None] + chosen.penalty)))
    return RidgeFit(
        weights=weights,
        intercept=level - to_all @ weights,
        penalty=penalties[chosen.index],
        absolute_penalty=chosen.penalty,
        left_out=targets - chosen.residual / root[:, None],
        error=chosen.error,
    )


def ridge_regression_with(
    rows: Float[np.ndarray, "row feature"],
    targets: Float[np.ndarray, "row target"],
    row_weight: Float[np.ndarray, " row"],
    absolute_penalty: Float[np.ndarray, " target"],
) -> tuple[Float[np.ndarray, "feature target"], Float[np.ndarray, " target"]]:
    """Regress each target with its known penalty; returns weights and intercepts.

    As `ridge_regression` on many rows with few penalties, several times faster: a decomposition of
    Cholesky for each penalty takes the place of all eigenvectors.

    Examples
    --------
    >>> rows = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    >>> weights, intercept = ridge_regression_with(rows, 2 * rows + 3, np.ones(4), np.array([0, 2]))
    >>> weights.round(2).tolist(), intercept.round(2).tolist()
    ([[2.0, 0.0], [0.0, 1.0]], [3.0, 3.0])
    """
    from scipy.linalg import cho_factor, cho_solve

    root = np.sqrt(row_weight / row_weight.mean())
    centre, scaled = _centred(rows, row_weight, root)
    level, wanted = _centred(targets, row_weight, root)
    # A penalty must stand out from the rounding of the largest eigenvalue, which is at most this.
    largest = float(np.sum(scaled**2))
    if absolute_penalty.min() < 10 * np.finfo(scaled.dtype).eps * largest:
        scaled = scaled.astype(np.float64)
    scatter, product = scaled.T @ scaled, scaled.T @ wanted
    weights = np.zeros(product.shape, dtype=rows.dtype)
    diagonal = scatter.diagonal().copy()
    for penalty in np.unique(absolute_penalty):
        chosen = absolute_penalty == penalty
        np.fill_diagonal(scatter, diagonal + penalty)
        weights[:, chosen] = cho_solve(cho_factor(scatter), product[:, chosen])
    return weights, level - centre @ weights


def _centred(
    values: np.ndarray, row_weight: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each column, and what differs from it times the root of row weights."""
    mean = np.average(values, axis=0, weights=row_weight)
    return mean, (values - mean) * root[:, None]


@dataclass(frozen=True, eq=False)
class _Chosen:
    scores: np.ndarray
    index: np.ndarray
    penalty: np.ndarray
    residual: np.ndarray
    error: np.ndarray


def _eigen(symmetric: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues that are above rounding, and their vectors."""
    values, vectors = np.linalg.eigh(symmetric)
    kept = values > max(values[-1], 0.0) * len(values) * np.finfo(symmetric.dtype).eps
    return values[kept], vectors[:, kept]


def _choose(
    values: np.ndarray,
    left: np.ndarray,
    wanted: np.ndarray,
    root: np.ndarray,
    penalties: np.ndarray,
) -> _Chosen:
    """Choose each target's penalty by its leave-one-out error."""
    scores, within = left.T @ wanted, left**2
    error = np.full(wanted.shape[1], np.inf)
    index = np.zeros(wanted.shape[1], dtype=int)
    intercept_leverage = root**2 / np.sum(root**2)
    most = 1 - 4 * float(np.finfo(wanted.dtype).eps)  # a row that fits itself alone

    def left_out_errors(shrinkage: np.ndarray) -> np.ndarray:
        """Return what is wrong with each row left out, for one shrinkage or one for each target."""
        leverage = np.minimum(intercept_leverage[:, None] + within @ shrinkage, most)
        residual = wanted - left @ (shrinkage * scores)
        residual /= 1 - leverage
        return residual

    for i, penalty in enumerate(penalties.tolist()):  # plain numbers keep the arrays' precision
        wrong = left_out_errors((values / (values + penalty))[:, None])
        tried = np.einsum("rt,rt->t", wrong, wrong) / len(wrong)
        better = tried < error
        error[better], index[better] = tried[better], i
    penalty = penalties.astype(values.dtype)[index]
    residual = left_out_errors(values[:, None] / (values[:, None] + penalty))
    return _Chosen(scores, index, penalty, residual, error)
