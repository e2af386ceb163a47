"""Fitted models of images in files."""

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
from spikeloop.encode.model_file import Arrays, Header, ModelFormat, part_of
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.splits import StimulusSplit

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


def save_model(path: str | Path, fitted: FittedModel) -> None:
    """Write a fitted model, whole or not at all.

    Parameters
    ----------
    path
        A file to be, such as ``gabor_bank.safetensors``. One that is there is replaced.
    fitted
        The model.

    Raises
    ------
    InvalidInputError
        Its settings cannot be told again from what would be written.
    """
    arrays = {f"split.{part}": getattr(fitted.split, part) for part in _PARTS}
    arrays["mean_image"] = fitted.mean_image
    FORMAT.write(Path(path), fitted, arrays, {"window_s": list(fitted.window_s)})


def load_model(path: str | Path) -> FittedModel:
    """Read a fitted model.

    Parameters
    ----------
    path
        A file that `save_model` wrote.

    Raises
    ------
    BadFileError
        The file is missing, cut off, of another kind, or its arrays do not fit its settings.
    """
    return FORMAT.read(Path(path), _assembled, _expected_shapes)


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
