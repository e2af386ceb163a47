"""Fitted models in files: of images, and the doors for both kinds."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.encode.fitted import FittedModel, ImageModel
from spikeloop.encode.images.gabor_bank import GaborBank
from spikeloop.encode.images.linear import Ridge, SmoothRidge
from spikeloop.encode.images.linear_nonlinear import LinearNonlinear
from spikeloop.encode.images.linear_nonlinear_poisson import LinearNonlinearPoisson
from spikeloop.encode.images.mean_response import MeanResponse
from spikeloop.encode.images.scattering_kernel import ScatteringKernel
from spikeloop.encode.model_file import Arrays, Header, ModelFormat, format_of, part_of
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.splits import StimulusSplit
from spikeloop.encode.temporal.checkpoints import FORMAT as SERIES_FORMAT
from spikeloop.encode.temporal.checkpoints import read_series_model, write_series_model
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel

MODELS: dict[str, type[ImageModel]] = {
    kind.__name__: kind
    for kind in (
        *(MeanResponse, Ridge, SmoothRidge, LinearNonlinear, LinearNonlinearPoisson),
        *(GaborBank, ScatteringKernel, ConvolutionalNetwork),
    )
}
"""What a file may hold."""
FORMAT = ModelFormat("spikeloop image model, version 1", MODELS)
_PARTS = ("training_ids", "validation_ids", "test_ids")


def save_model(path: str | Path, fitted: FittedModel | FittedSeriesModel) -> None:
    """Write a fitted model, whole or not at all.

    Parameters
    ----------
    path
        A file to be, such as ``gabor_bank.safetensors``. One that is there is replaced.
    fitted
        The model, of images or of a continuous stimulus.

    Raises
    ------
    InvalidInputError
        Its settings cannot be told again from what would be written, or there can be no such file.
    """
    require(
        isinstance(fitted, (FittedModel, FittedSeriesModel)),
        f"a {type(fitted).__name__} is no fitted model: give what fit returned.",
    )
    write = write_image_model if isinstance(fitted, FittedModel) else write_series_model
    write(Path(path), fitted)


def write_image_model(path: Path, fitted: FittedModel) -> None:
    """Write a fitted model of images, whole or not at all."""
    arrays = {f"split.{part}": getattr(fitted.split, part) for part in _PARTS}
    arrays["mean_image"] = fitted.mean_image
    FORMAT.write(path, fitted, arrays, {"window_s": list(fitted.window_s)})


def load_model(path: str | Path) -> FittedModel | FittedSeriesModel:
    """Read a fitted model, of images or of a continuous stimulus.

    Parameters
    ----------
    path
        A file that `save_model` wrote.

    Raises
    ------
    BadFileError
        The file is missing, cut off, of another kind, or its arrays do not fit its settings.
    """
    path = Path(path)
    if format_of(path) == SERIES_FORMAT.name:
        return read_series_model(path)
    return FORMAT.read(path, _assembled, _expected_shapes)


def _assembled(model: ImageModel, header: Header, arrays: Arrays) -> FittedModel:
    start_s, stop_s = header["window_s"]
    require(stop_s > start_s, f"window_s=({start_s}, {stop_s}): stop must be after start.")
    parameters = part_of(arrays, "parameters")
    return FittedModel(
        model=model,
        parameters={name: jnp.asarray(value) for name, value in parameters.items()},
        unit_ids=np.asarray(header["unit_ids"]),
        window_s=(float(start_s), float(stop_s)),
        mean_image=arrays["mean_image"],
        split=StimulusSplit(**part_of(arrays, "split")),
        history=part_of(arrays, "history"),
    )


def _expected_shapes(fitted: FittedModel) -> tuple[tuple[int, ...], tuple[int, ...]]:
    height, width = fitted.mean_image.shape
    image = jax.ShapeDtypeStruct((1, height, width), jnp.float32)
    counts = jax.eval_shape(fitted.model.expected_counts, dict(fitted.parameters), image)
    return counts.shape, (1, len(fitted.unit_ids))
