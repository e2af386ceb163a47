"""Regression on images with the prior that weights vary smoothly over the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

RATIOS = 10.0 ** np.arange(-5.0, 4.01, 0.5)
"""Ratios of noise to prior variance to try, in units of the mean eigenvalue."""
NEGLIGIBLE = 1e-4
"""Patterns of a smaller share of the prior's variance than the strongest has are left out."""


@dataclass(frozen=True, eq=False)
class SmoothFit:
    """One regression for each target."""

    weights: Float[np.ndarray, "y x target"]
    """What each pixel counts: the mean of the posterior."""
    intercept: Float[np.ndarray, " target"]
    """What is added."""
    length: Float[np.ndarray, " target"]
    """The most probable length over which weights are correlated, in pixels."""
    window: Float[np.ndarray, " target"]
    """Which of the windows is the most probable."""
    log_evidence: Float[np.ndarray, "length window target"]
    """Logarithm of the probability of the targets, at the best sizes of weights and of noise."""


def smooth_regression(
    images: Float[np.ndarray, "row y x"],
    targets: Float[np.ndarray, "row target"],
    row_weight: Float[np.ndarray, " row"],
    lengths: Sequence[float],
    windows: Float[np.ndarray, "window y x"],
) -> SmoothFit:
    r"""Regress all targets on images whose weights are smooth and local, as is most probable.

    The weights of two pixels are Gaussian with the covariance
    :math:`s^2 \sqrt{W_a W_b} \exp(-d^2 / 2 l^2)` at a distance d, for a window W; the noise of
    row i has variance :math:`\sigma^2 / a_i`. All of :math:`l`, W, :math:`s` and :math:`\sigma`
    maximize the evidence (Sahani & Linden 2003; windows: Park & Pillow 2011, PLoS Comput. Biol.
    7:e1002219). On a grid the covariance is a
    product over the two axes, and its eigenvectors are products of those of each: few of them hold
    nearly all of a smooth prior, and only these are regressed on.

    Parameters
    ----------
    images, targets, row_weight
        As in `spikeloop.numerics.ridge.ridge_regression`.
    lengths
        The lengths to choose from, in pixels.
    windows
        The windows to choose from: how the prior variance of a weight depends on its place.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.normal(size=(60, 12, 12))
    >>> y, x = np.mgrid[:12, :12]
    >>> smooth = np.exp(-((y - 5) ** 2 + (x - 6) ** 2) / 8)
    >>> targets = np.einsum("iyx,yx->i", images, smooth)[:, None]
    >>> fitted = smooth_regression(images, targets, np.ones(60), (0.5, 2.0), np.ones((1, 12, 12)))
    >>> bool(np.corrcoef(fitted.weights.ravel(), smooth.ravel())[0, 1] > 0.95)
    True
    """
    root = np.sqrt(row_weight / row_weight.mean())
    centre = np.average(images, axis=0, weights=row_weight)
    level = np.average(targets, axis=0, weights=row_weight)
    wanted = (targets - level) * root[:, None]
    scaled = (images - centre) * root[:, None, None]
    n_targets = targets.shape[1]
    evidence = np.full((len(lengths), len(windows), n_targets), -np.inf)
    weights, best = np.zeros((*images.shape[1:], n_targets)), np.full(n_targets, -np.inf)
    for i, j in np.ndindex(evidence.shape[:2]):
        seen = np.sqrt(windows[j])
        (along_y, along_x), kept = _patterns(images.shape[1:], lengths[i])
        rows = np.einsum("iyx,ya,xb->iab", scaled * seen, along_y, along_x, optimize=True)[:, kept]
        evidence[i, j], coordinates = _most_probable(rows, wanted)
        better = evidence[i, j] > best
        best[better] = evidence[i, j, better]
        spread = np.zeros((*kept.shape, n_targets))
        spread[kept] = coordinates
        found = np.einsum("abu,ya,xb->yxu", spread[:, :, better], along_y, along_x, optimize=True)
        weights[:, :, better] = found * seen[:, :, None]
    return SmoothFit(
        weights=weights,
        intercept=level - np.einsum("yx,yxu->u", centre, weights),
        length=np.asarray(lengths)[evidence.max(axis=1).argmax(axis=0)],
        window=evidence.max(axis=0).argmax(axis=0),
        log_evidence=evidence,
    )


def _patterns(
    shape: tuple[int, int], length: float
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the prior's eigenvectors along y and x, scaled by its root, and which pairs matter."""
    along, values = [], []
    for n in shape:
        distance = np.arange(n) - np.arange(n)[:, None]
        value, vector = np.linalg.eigh(np.exp(-(distance**2) / (2 * length**2)))
        value = np.maximum(value, 0.0)
        along.append(vector * np.sqrt(value))
        values.append(value)
    product = np.outer(*values)
    return (along[0], along[1]), product > NEGLIGIBLE * product.max()


def _most_probable(rows: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the greatest log evidence of each target, and the mean of its weights.

    With the eigenvalues e of rows rows' and the coordinates c of the targets, and the ratio r of
    noise to prior variance, targets ~ N(0, s2 (rows rows' / r + 1)), so that at the best s2

        log evidence = -n / 2 log(s2) - sum log(1 + e / r) / 2,   s2 = sum c^2 / (1 + e / r) / n

    The mean of the targets was removed, which costs one of the n rows.
    """
    n_rows = len(rows) - 1
    wide = rows.shape[0] < rows.shape[1]
    values, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    kept = values > 1e-12 * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    singular = np.sqrt(values)
    left = vectors if wide else rows @ vectors / singular
    scores = left.T @ wanted
    outside = np.maximum(np.sum(wanted**2, axis=0) - np.sum(scores**2, axis=0), 0.0)
    best = np.full(wanted.shape[1], -np.inf)
    coordinates = np.zeros((len(values), wanted.shape[1]))
    for ratio in RATIOS * values.mean():
        gain = 1 + values / ratio
        variance = (outside + np.sum(scores**2 / gain[:, None], axis=0)) / n_rows
        evidence = -0.5 * n_rows * np.log(np.maximum(variance, 1e-300)) - 0.5 * np.log(gain).sum()
        better = evidence > best
        best[better] = evidence[better]
        coordinates[:, better] = scores[:, better] * (singular / (values + ratio))[:, None]
    return best, rows.T @ (left / singular @ coordinates) if wide else vectors @ coordinates
