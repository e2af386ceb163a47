"""Models of images as scikit-learn knows them: fit, predict and score."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from spikeloop.data import Images, Responses, Trials
from spikeloop.data.checks import require
from spikeloop.encode.fit import fit
from spikeloop.encode.fitted import FittedModel, ImageModel
from spikeloop.errors import InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import Float

WINDOW_S = (0.0, 1.0)
"""Rates of what is fitted are counts: scikit-learn knows no counting window."""


class ImageRegressor(RegressorMixin, BaseEstimator):
    """Fit a model of images as an estimator of scikit-learn, for its pipelines and searches.

    The settings of the model are parameters too, as ``model__penalties``, and so are settings
    within settings, as ``model__training__max_epochs``.

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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, with the settings of the model if `deep`."""
        parameters = super().get_params(deep=False)
        return parameters | _settings("model", self.model) if deep else parameters

    def set_params(self, **parameters: object) -> ImageRegressor:
        """Set parameters by name; settings of the model are changed together.

        Raises
        ------
        InvalidInputError
            There is no parameter of a name, or the model does not take the settings.
        """
        inner = {}
        for name, value in parameters.items():
            if name.startswith("model__"):
                inner[name.removeprefix("model__")] = value
                continue
            require(
                name in ("model", "seed"),
                f"there is no parameter {name}. Set model, seed, or settings of the model as "
                "model__NAME.",
            )
            setattr(self, name, value)
        self.model = _changed(self.model, inner)
        return self

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
            Images or counts are not arrays of numbers, the images have one axis and are not square,
            or they do not fit the model or the counts.
        """
        images = _as_images(X)
        counts = _numbers("y", y, np.float64)
        require(
            counts.ndim in (1, 2) and counts.size > 0 and len(counts) == len(images),
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
        """Return expected counts, of the shape that `y` had.

        Raises
        ------
        InvalidInputError
            The images are not numbers, or not of the size of those fitted.
        """
        check_is_fitted(self)
        counts = self.fitted_.predict(_as_images(X))
        return counts[:, 0] if self.one_unit_ else counts


def _as_images(X: np.ndarray) -> np.ndarray:
    """Return rows of pixels as square images."""
    images = _numbers("X", X, np.float32)
    require(
        images.ndim in (2, 3) and images.size > 0,
        f"X has shape {images.shape}: give (image, y, x), or (image, pixel) for square images.",
    )
    if images.ndim == 3:
        return images
    side = round(images.shape[1] ** 0.5)
    require(
        side**2 == images.shape[1],
        f"X has {images.shape[1]} pixels in each row, which make no square. Give (image, y, x).",
    )
    return images.reshape(-1, side, side)


def _numbers(name: str, values: object, dtype: type) -> np.ndarray:
    try:
        given = np.asarray(values)
        require(given.dtype.kind in "biufO", f"{name} holds {given.dtype}: give real numbers.")
        with np.errstate(over="ignore"):  # infinity is refused, with its place, by the nouns
            return given.astype(dtype, copy=False)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(
            f"{name} cannot be read as an array of numbers. Give rows of one length."
        ) from error


def _names(settings: object) -> list[str]:
    made = is_dataclass(settings) and not isinstance(settings, type)
    return [field.name for field in fields(settings)] if made else []


def _settings(name: str, settings: object) -> dict[str, Any]:
    """Return the settings of a model by names that scikit-learn gives them."""
    named = {}
    for setting in _names(settings):
        inner = f"{name}__{setting}"
        named[inner] = getattr(settings, setting)
        named |= _settings(inner, named[inner])
    return named


def _changed(settings: object, changes: dict[str, object]) -> Any:
    """Return settings with other values, by names relative to them."""
    known = _names(settings)
    whole = {name: value for name, value in changes.items() if "__" not in name}
    within: dict[str, dict[str, object]] = {}
    for name in changes.keys() - whole.keys():
        outer, inner = name.split("__", 1)
        within.setdefault(outer, {})[inner] = changes[name]
    for name in (*whole, *within):
        require(
            name in known,
            f"a {type(settings).__name__} has no setting {name}. It has: "
            f"{', '.join(known) or 'none'}.",
        )
    for name, inner in within.items():
        whole[name] = _changed(whole.get(name, getattr(settings, name)), inner)
    return replace(settings, **whole) if whole else settings
