"""Undoing the correlations of a signal: covariances of windows, and their regularized inverses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.numerics.triggered import centre, triggered_sums

if TYPE_CHECKING:
    from jaxtyping import Float


def window_covariance(
    signal: Float[np.ndarray, "time feature"], n_lags: int
) -> Float[np.ndarray, "window window"]:
    """Return the covariance of all windows of `n_lags` samples, lag-major, exactly and cheaply.

    Only the products of the first lag with the others are summed over time. The next row follows
    from the one before it: the same sum moved by one sample drops one product and gains another.

        M[l + 1, m + 1] = M[l, m] - s[l] s[m]' + s[n + l] s[n + m]',  n = n_samples - n_lags + 1

    >>> signal = np.array([[1.0], [2.0], [4.0], [3.0]])
    >>> windows = np.array([[1.0, 2.0], [2.0, 4.0], [4.0, 3.0]])
    >>> bool(np.allclose(window_covariance(signal, 2), np.cov(windows.T, bias=True)))
    True
    """
    shifted = signal - centre(signal)
    n_samples, n_features = shifted.shape
    n = n_samples - n_lags + 1
    moments = np.zeros((n_lags, n_lags, n_features, n_features))
    moments[0] = triggered_sums(shifted, shifted, 0, n_lags)[0].transpose(1, 0, 2)
    head = shifted[: n_lags - 1].astype(float)
    tail = shifted[n:].astype(float)
    for i in range(1, n_lags):
        lost = np.einsum("f,mg->mfg", head[i - 1], head[i - 1 :])
        won = np.einsum("f,mg->mfg", tail[i - 1], tail[i - 1 :])
        moments[i, i:] = moments[i - 1, i - 1 : -1] - lost + won
    above = np.triu_indices(n_lags, 1)
    moments[above[::-1]] = moments[above].transpose(0, 2, 1)
    size = n_lags * n_features
    moments = moments.transpose(0, 2, 1, 3).reshape(size, size) / n
    total = shifted.sum(axis=0, dtype=float)
    dropped = np.cumsum(np.vstack([np.zeros((1, n_features)), head]), axis=0)
    kept = np.cumsum(np.vstack([np.zeros((1, n_features)), tail[::-1]]), axis=0)[::-1]
    mean = ((total - dropped - kept) / n).ravel()
    return moments - np.outer(mean, mean)


def ridge_power(
    covariance: Float[np.ndarray, "axis axis"], ridge: float, power: float
) -> Float[np.ndarray, "axis axis"]:
    """Return (covariance + ridge * m I)^power, where m is the mean eigenvalue.

    Power -1 undoes the correlations of an average; power -0.5 makes windows white. A covariance of
    zero, that of a constant signal, gives zero: there is nothing to undo.

    >>> ridge_power(np.diag([1.0, 3.0]), ridge=0.5, power=-1).round(3).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    values, vectors = np.linalg.eigh(covariance)
    floor = ridge * np.trace(covariance) / len(covariance)
    if not floor > 0:
        return np.zeros_like(covariance)
    return (vectors * (np.maximum(values, 0) + floor) ** power) @ vectors.T


def ridge_whitened_rows(
    rows: Float[np.ndarray, "row column"], ridge: float
) -> Float[np.ndarray, "row column"]:
    """Return rows (C + ridge * m I)^-1, where C = rows' rows / n_rows and m its mean eigenvalue.

    Solved with C or with the Gram matrix of the rows, whichever is smaller; the two agree because
    X (X'X / n + r I)^-1 = (X X' / n + r I)^-1 X. Rows of zeros throughout are given back as zeros.

    >>> ridge_whitened_rows(np.array([[1.0, 0.0], [-1.0, 0.0]]), ridge=1.0).round(3).tolist()
    [[0.667, 0.0], [-0.667, 0.0]]
    """
    from scipy.linalg import solve

    n_rows, n_columns = rows.shape
    wide = n_rows < n_columns
    gram = (rows @ rows.T if wide else rows.T @ rows) / n_rows
    floor = ridge * np.trace(gram) / n_columns
    if not floor > 0:
        return np.zeros_like(rows)
    gram[np.diag_indices_from(gram)] += floor
    if wide:
        return solve(gram, rows, assume_a="pos")
    return solve(gram, rows.T, assume_a="pos").T


def leave_one_out_ridge(
    rows: Float[np.ndarray, "row column"],
    targets: Float[np.ndarray, "row target"],
    ridges: Float[np.ndarray, " ridge"],
) -> float:
    """Return the largest ridge, one for all targets, that predicts rows left out about best.

    Ridge regression of the targets on centred rows leaves the residual (y_i - yhat_i) / (1 - h_ii)
    when row i is left out (Allen 1974), with H = 1 / n + U diag(d) U' from the eigenvectors U of
    the rows and d = e / (e + ridge * m), e the eigenvalues of their covariance and m the mean,
    as in `ridge_whitened_rows`. The error of a row is its mean square over targets of one variance;
    constant ones do not count. "About best" is within one standard error, over rows, of the least
    mean error (Breiman et al. 1984): the smoothest answer that predicts no worse. Rows of zeros
    leave nothing to choose, and the largest ridge is returned.

    >>> rows = np.array([[-1.0], [0.0], [1.0]])
    >>> leave_one_out_ridge(rows, 2 * rows, np.array([0.01, 10.0]))
    0.01
    """
    n_rows, n_columns = rows.shape
    wide = n_rows < n_columns
    values, vectors = np.linalg.eigh((rows @ rows.T if wide else rows.T @ rows) / n_rows)
    kept = values > 1e-6 * values[-1]
    if not kept.any():
        return float(ridges.max())
    values, vectors = values[kept].astype(float), vectors[:, kept]
    left = (vectors if wide else rows @ vectors / np.sqrt(n_rows * values)).astype(float)
    spread = targets.std(axis=0)
    targets = (targets - targets.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scores, within = left.T @ targets, left**2
    errors = np.empty((len(ridges), n_rows))
    for row, ridge in zip(errors, ridges, strict=True):
        share = values / (values + ridge * values.sum() / n_columns)
        residual = targets - left @ (share[:, None] * scores)
        row[:] = np.mean(residual**2, axis=1) / (1 - 1 / n_rows - within @ share) ** 2
    mean = errors.mean(axis=1)
    best = np.argmin(mean)
    standard_error = errors[best].std() / np.sqrt(n_rows)
    return float(ridges[mean <= mean[best] + standard_error].max())
