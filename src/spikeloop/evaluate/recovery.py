"""How near an estimated receptive field comes to the true one.

No score depends on the size or the mean of a filter. Where a filter is constant there is nothing to
compare, and the score is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float


def filter_correlation(
    estimate: Float[np.ndarray, "unit y x"], truth: Float[np.ndarray, "unit y x"]
) -> Float[np.ndarray, " unit"]:
    """Correlate each estimated filter with the true one over pixels.

    This is the cosine of the angle between the two once their means are removed: 1 for the same
    filter, -1 for its negative; NaN where either is constant.

    >>> edge = np.array([[[1.0, -1.0], [1.0, -1.0]]])
    >>> filter_correlation(3 * edge + 5, edge).tolist()
    [1.0]
    """
    a, b = _centred(estimate), _centred(truth)
    sizes = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.divide((a * b).sum(axis=-1), sizes, out=np.full(len(a), np.nan), where=sizes > 0)


def subspace_overlap(
    estimate: Float[np.ndarray, "unit estimated y x"], truth: Float[np.ndarray, "unit true y x"]
) -> Float[np.ndarray, " unit"]:
    r"""Return how much of the smaller of two subspaces lies in the larger, in 0..1.

    With orthonormal bases Q of the estimated and R of the true filters, means removed,

    .. math:: \sqrt{ \lVert Q^T R \rVert_F^2 / \min(\mathrm{estimated}, \mathrm{true}) }

    is the root mean squared cosine of the principal angles. One estimated filter scores the length
    of its projection on the true ones: a complex cell, which answers every phase, scores 1 for any
    mixture of its quadrature pair. NaN where the filters of either side are not independent.

    >>> sine, cosine = np.sin(np.arange(8) * np.pi / 4), np.cos(np.arange(8) * np.pi / 4)
    >>> pair = np.array([[[sine], [cosine]]])
    >>> subspace_overlap((0.6 * pair[:, :1] - 0.8 * pair[:, 1:]), pair).round(9).tolist()
    [1.0]
    """
    q, q_full_rank = _basis(estimate)
    r, r_full_rank = _basis(truth)
    squared = (np.matmul(q.transpose(0, 2, 1), r) ** 2).sum(axis=(1, 2))
    overlap = np.sqrt(squared / min(estimate.shape[1], truth.shape[1]))
    return np.where(q_full_rank & r_full_rank, overlap, np.nan)


def receptive_field_centre(
    filters: Float[np.ndarray, "unit y x"], extent_deg: tuple[float, float]
) -> Float[np.ndarray, "unit 2"]:
    """Return the centre of mass of each squared filter, as degrees (up, right) from the middle.

    `extent_deg` is the height and width of the image; its row 0 is the top. The mean of a filter
    is removed first; NaN where it is constant.

    >>> receptive_field_centre(np.array([[[0, 0, 0, 2.0]] * 2]), (2.0, 4.0)).round(3).tolist()
    [[0.0, 1.0]]
    """
    _, height, width = filters.shape
    power = (_centred(filters) ** 2).reshape(filters.shape)
    total = power.sum(axis=(1, 2))
    up = (0.5 - (np.arange(height) + 0.5) / height) * extent_deg[0]
    right = ((np.arange(width) + 0.5) / width - 0.5) * extent_deg[1]
    moments = np.stack([power.sum(axis=2) @ up, power.sum(axis=1) @ right], axis=1)
    out = np.full_like(moments, np.nan)
    return np.divide(moments, total[:, None], out=out, where=total[:, None] > 0)


def preferred_orientation(filters: Float[np.ndarray, "unit y x"]) -> Float[np.ndarray, " unit"]:
    r"""Return the direction of the stripes of each filter, in degrees in 0..180.

    The angle is counterclockwise from horizontal; pixels are square. With F the Fourier transform,
    squared twice so that the peak outweighs the noise of an estimate, and :math:`\varphi` the angle
    of a frequency, the stripes run at right angles to
    :math:`\frac12 \arg \sum |F|^4 e^{2 i \varphi}`. NaN where a filter is constant.

    >>> stripes = np.cos(2 * np.pi * np.arange(12) / 4)
    >>> preferred_orientation(np.stack([np.tile(stripes, (12, 1)), np.tile(stripes, (12, 1)).T]))
    array([90.,  0.])
    """
    power = np.abs(np.fft.fft2(_centred(filters).reshape(filters.shape))) ** 4
    up = -np.fft.fftfreq(filters.shape[1])[:, None]
    right = np.fft.fftfreq(filters.shape[2])[None, :]
    vector = (power * np.exp(2j * np.arctan2(up, right))).sum(axis=(1, 2))
    stripes = (np.rad2deg(np.angle(vector)) / 2 + 90) % 180
    return np.where(power.sum(axis=(1, 2)) > 0, stripes, np.nan)


def orientation_error(
    estimate_deg: Float[np.ndarray, " unit"], truth_deg: Float[np.ndarray, " unit"]
) -> Float[np.ndarray, " unit"]:
    """Return the angle between two orientations, in degrees in 0..90.

    >>> orientation_error(np.array([175.0, 10.0]), np.array([5.0, 100.0])).tolist()
    [10.0, 90.0]
    """
    return np.abs((estimate_deg - truth_deg + 90) % 180 - 90)


def _centred(filters: Float[np.ndarray, "*n y x"]) -> Float[np.ndarray, "*n pixel"]:
    """Return the filters as rows without their mean; one that is constant becomes exactly zero."""
    rows = filters.reshape(*filters.shape[:-2], -1).astype(float)
    constant = np.ptp(rows, axis=-1, keepdims=True) == 0
    return np.where(constant, 0.0, rows - rows.mean(axis=-1, keepdims=True))


def _basis(
    filters: Float[np.ndarray, "unit filter y x"],
) -> tuple[Float[np.ndarray, "unit pixel filter"], np.ndarray]:
    """Return an orthonormal basis of each unit's filters, and whether they are independent."""
    left, sizes, _ = np.linalg.svd(_centred(filters).transpose(0, 2, 1), full_matrices=False)
    return left, sizes[:, -1] > 1e-9 * np.maximum(sizes[:, 0], np.finfo(float).tiny)
