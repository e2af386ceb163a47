"""Models of images as scikit-learn knows them: fit, predict and score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from spikeloop.data import Images, Responses, Trials
from spikeloop.data.checks import require
from spikeloop.encode.fit import fit
from spikeloop.encode.fitted import FittedModel, ImageModel

if TYPE_CHECKING:
    from jaxtyping import Float

WINDOW_S = (0.0, 1.0)
"""Rates of what is fitted are counts: scikit-learn knows no counting window."""


class ImageRegressor(RegressorMixin, BaseEstimator):
    """Fit a model of images as an estimator of scikit-learn, for its pipelines and searches.

    Parameters
    ----------
    model
        Settings: `Ridge`, `GaborBank` ...
    seed
        Start of all random numbers.

    Attributes
    ----------
    fitted_ : FittedModel
        What was learned.

    Examples
    --------
    >>> from spikeloop.encode import Ridge
    >>> images = np.random.default_rng(0).normal(size=(100, 5, 5))
    >>> counts = 3 + images[:, 2, 1:3]
    >>> regressor = ImageRegressor(Ridge(), seed=0).fit(images, counts)
    >>> round(regressor.score(images, counts), 2)
    1.0
    """

    def __init__(self, model: ImageModel, seed: int) -> None:
        self.model = model
        self.seed = seed

    def fit(
        self, X: Float[np.ndarray, "image ..."], y: Float[np.ndarray, "image ..."]
    ) -> ImageRegressor:
        """Fit the model to counts, a twelfth of the images being drawn for validation.

        Parameters
        ----------
        X
            (image, y, x), or (image, pixel) for square images.
        y
            (image, unit), or (image,) for one unit.

        Raises
        ------
        InvalidInputError
            The images are not square and have one axis, or do not fit the model or the counts.
        """
        images = _as_images(X)
        counts = np.asarray(y, dtype=float)
        require(
            counts.ndim in (1, 2) and len(counts) == len(images),
            f"y has shape {counts.shape}: {len(images)} images want ({len(images)}, unit).",
        )
        self.one_unit_ = counts.ndim == 1
        columns = counts.reshape(len(images), -1)
        ids = np.arange(len(images))
        responses = Responses(columns, WINDOW_S, Trials(ids), np.arange(columns.shape[1]))
        self.fitted_: FittedModel = fit(self.model, responses, Images(images, ids), seed=self.seed)
        self.n_features_in_ = int(np.prod(images.shape[1:]))
        return self

    def predict(self, X: Float[np.ndarray, "image ..."]) -> Float[np.ndarray, "image ..."]:
        """Return expected counts, of the shape that `y` had."""
        check_is_fitted(self)
        counts = self.fitted_.predict(_as_images(X))
        return counts[:, 0] if self.one_unit_ else counts


def _as_images(X: np.ndarray) -> np.ndarray:
    """Return rows of pixels as square images."""
    images = np.asarray(X, dtype=np.float32)
    if images.ndim != 2:
        return images
    side = round(images.shape[1] ** 0.5)
    require(
        side**2 == images.shape[1],
        f"X has {images.shape[1]} pixels in each row, which make no square. Give (image, y, x).",
    )
    return images.reshape(-1, side, side)
