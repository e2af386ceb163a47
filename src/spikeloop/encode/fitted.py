"""A model of images that was fitted: rates of all units for any image."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data import Responses
from spikeloop.data.checks import as_array, as_vector, require, require_finite, require_unique
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.splits import StimulusSplit
from spikeloop.errors import SpikeloopWarning

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Shaped

Parameters = Mapping[str, "jax.Array"]
"""What was learned: arrays by their names; a name may hold dots, where parts have parts."""
IMAGES_AT_ONCE = 256
"""How many images are predicted at a time; half as many, again and again, where memory is short."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a model learned."""

    parameters: Parameters
    """What `expected_counts` of the model takes."""
    history: Mapping[str, np.ndarray] = field(default_factory=dict)
    """How it was learned: loss curves over epochs, penalties chosen for each unit ..."""


class ImageModel(Protocol):
    """A frozen dataclass of settings that can be fitted to images, all units at once."""

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Learn from the training images; choose settings and stop by the validation images."""

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return the expected count of each unit for each image: pure, and differentiable."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model with what it learned: a `ResponseModel`.

    `rates` and `expected_counts` are pure functions of JAX arrays, to be differentiated, batched or
    compiled; `predict` is for many images at once.
    """

    model: ImageModel
    """Its settings."""
    parameters: Parameters
    """What it learned."""
    unit_ids: Shaped[np.ndarray, " unit"]
    """(unit,) the columns of what it predicts."""
    window_s: tuple[float, float]
    """The counting window of the responses it was fitted to, in seconds after onset."""
    mean_image: Float[np.ndarray, "y x"]
    """(y, x) mean of the images that it was fitted to."""
    split: StimulusSplit
    """What it learned from, and what it has not seen."""
    history: Mapping[str, np.ndarray] = field(default_factory=dict)
    """How it was learned: loss curves, penalties ..."""

    @classmethod
    def of(
        cls,
        model: ImageModel,
        estimate: Estimate,
        responses: Responses,
        data: ImageData,
        split: StimulusSplit,
    ) -> FittedModel:
        """Return what a model learned of responses, from these data, as a fitted model."""
        return cls(
            model=model,
            parameters=estimate.parameters,
            unit_ids=responses.unit_ids,
            window_s=responses.window_s,
            mean_image=data.pixels.mean(axis=0),
            split=split,
            history=estimate.history,
        )

    def __post_init__(self) -> None:
        unit_ids = as_vector("unit_ids", self.unit_ids)
        require_unique("unit_ids", unit_ids)
        object.__setattr__(self, "unit_ids", unit_ids)
        require_finite("window_s", np.asarray(self.window_s, dtype=float))
        mean_image = as_array("mean_image", self.mean_image, ("y", "x"), np.float32)
        object.__setattr__(self, "mean_image", mean_image)

    def __repr__(self) -> str:
        height, width = self.mean_image.shape
        return (
            f"FittedModel({type(self.model).__name__}, {len(self.unit_ids)} units, images of "
            f"{height} x {width})"
        )

    def expected_counts(self, pixels: Float[Array, "image y x"]) -> Float[Array, "image unit"]:
        """Return the expected count in the window, for each image and unit.

        Raises
        ------
        InvalidInputError
            The images are not of the size that the model was fitted to.
        """
        self._require_shape(pixels)
        return self.model.expected_counts(self.parameters, pixels)

    def rates(self, pixels: Float[Array, "image y x"]) -> Float[Array, "image unit"]:
        """Return the expected counts divided by the duration of the window, in spikes/s."""
        start_s, stop_s = self.window_s
        return self.expected_counts(pixels) / (stop_s - start_s)

    def predict(self, pixels: Float[np.ndarray, "image y x"]) -> Float[np.ndarray, "image unit"]:
        """Return the expected counts of many images, a batch at a time, as a NumPy array.

        Where a batch does not fit the memory it is halved, and a warning says so.

        Raises
        ------
        InvalidInputError
            There are no images, not of the size that the model was fitted to, or with pixels that
            are not finite in single precision.
        """
        pixels = as_array("pixels", pixels, ("image", "y", "x"), np.float32)
        self._require_shape(pixels)
        require(len(pixels) > 0, "pixels holds no image: give at least one.")
        require_finite("pixels", pixels)
        return in_batches(partial(_expected_counts, self.model, dict(self.parameters)), pixels)

    def receptive_fields(self) -> Float[np.ndarray, "unit y x"]:
        """Return the gradient of each unit's expected count at the mean image, per unit of pixel.

        For a linear model it is the filter; for others the best linear description around a grey
        image with the average shading of those shown. A unit that answers both signs of a pattern
        alike, as complex cells do, may have a gradient near zero there.
        """
        return np.asarray(_gradients(self.model, dict(self.parameters), self.mean_image))

    def _require_shape(self, pixels: Float[Array, "image y x"]) -> None:
        height, width = self.mean_image.shape
        require(
            pixels.ndim == 3 and pixels.shape[1:] == (height, width),
            f"pixels has shape {tuple(pixels.shape)}: this model wants (image, {height}, {width}). "
            "Crop or resize the images.",
        )


@partial(jax.jit, static_argnums=0)
def _expected_counts(model: ImageModel, parameters: Parameters, pixels: jax.Array) -> jax.Array:
    return model.expected_counts(parameters, pixels)


@partial(jax.jit, static_argnums=0)
def _gradients(model: ImageModel, parameters: Parameters, image: jax.Array) -> jax.Array:
    """Return the gradient of each unit at one image, (unit, y, x), a unit at a time."""
    counts, pull_back = jax.vjp(
        lambda pixels: model.expected_counts(parameters, pixels)[0], image[None]
    )
    return jax.lax.map(lambda unit: pull_back(unit)[0][0], jnp.eye(len(counts)))


def in_batches(
    predict: Callable[[jax.Array], jax.Array],
    pixels: Float[np.ndarray, "image y x"],
    size: int = IMAGES_AT_ONCE,
) -> Float[np.ndarray, "image unit"]:
    """Return `predict` of all images, at most `size` at a time, fewer where memory is short.

    Batches are of one size, the last filled up with its own last image, so that one is compiled.
    """
    size = min(size, len(pixels))
    try:
        parts = []
        for start in range(0, len(pixels), size):
            batch = pixels[start : start + size]
            missing = size - len(batch)
            filled = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
            parts.append(np.asarray(predict(filled))[: len(batch)])
        return np.concatenate(parts)
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not out_of_memory(error) or size <= 1:
            raise
    warnings.warn(
        f"{size} images at once do not fit the memory: going on with {size // 2}.",
        SpikeloopWarning,
        stacklevel=2,
    )
    return in_batches(predict, pixels, size // 2)


def out_of_memory(error: Exception) -> bool:
    """Return whether an error says that memory is short."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
