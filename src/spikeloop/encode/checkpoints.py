"""Fitted models in files: arrays as safetensors, settings as JSON in their header.

Nothing in such a file is run when it is read.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import TypeAdapter, ValidationError

from spikeloop.data.checks import require
from spikeloop.encode.fitted import FittedModel
from spikeloop.encode.images.gabor_bank import GaborBank
from spikeloop.encode.images.linear import Ridge, SmoothRidge
from spikeloop.encode.images.linear_nonlinear import LinearNonlinear
from spikeloop.encode.images.linear_nonlinear_poisson import LinearNonlinearPoisson
from spikeloop.encode.images.mean_response import MeanResponse
from spikeloop.encode.images.scattering_kernel import ScatteringKernel
from spikeloop.encode.model_file import part_of, read_model_file, write_model_file
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.splits import StimulusSplit
from spikeloop.errors import BadFileError, InvalidInputError

if TYPE_CHECKING:
    from spikeloop.encode.fitted import ImageModel

MODELS: dict[str, type[ImageModel]] = {
    kind.__name__: kind
    for kind in (
        *(MeanResponse, Ridge, SmoothRidge, LinearNonlinear, LinearNonlinearPoisson),
        *(GaborBank, ScatteringKernel, ConvolutionalNetwork),
    )
}
"""What a file may hold."""
FORMAT = "spikeloop image model, version 1"
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
    settings, unit_ids = _told(fitted)
    arrays = {f"parameters.{name}": value for name, value in fitted.parameters.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    arrays |= {f"split.{part}": getattr(fitted.split, part) for part in _PARTS}
    arrays["mean_image"] = fitted.mean_image
    header = {
        "format": FORMAT,
        "model": type(fitted.model).__name__,
        "settings": settings,
        "unit_ids": unit_ids,
        "window_s": list(fitted.window_s),
    }
    write_model_file(Path(path), arrays, header)


def _told(fitted: FittedModel) -> tuple[dict[str, Any], list[object]]:
    """Return settings and ids of units as JSON knows them, which must say them exactly."""
    kind = type(fitted.model)
    require(
        kind is MODELS.get(kind.__name__),
        f"a {kind.__name__} cannot be saved: only {', '.join(MODELS)} can be read again.",
    )
    try:
        settings = json.loads(json.dumps(asdict(fitted.model)))
        unit_ids = json.loads(json.dumps(fitted.unit_ids.tolist()))
        same = TypeAdapter(kind).validate_python(settings) == fitted.model
    except (TypeError, ValueError):
        same = False
    require(
        same,
        f"the settings or unit ids of this {kind.__name__} cannot be told in JSON. Use plain "
        "numbers and words.",
    )
    return settings, unit_ids


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
    path = Path(path)
    header, arrays = read_model_file(path, FORMAT)
    kind = MODELS.get(header.get("model", ""))
    if kind is None:
        raise BadFileError(
            f"{path} holds a {header.get('model')}, which is none of {', '.join(MODELS)}. Was it "
            "written by a newer version?"
        )
    fitted = _assembled(path, kind, header, arrays)
    try:
        height, width = fitted.mean_image.shape
        image = jax.ShapeDtypeStruct((1, height, width), jnp.float32)
        counts = jax.eval_shape(fitted.model.expected_counts, dict(fitted.parameters), image)
        fits = counts.shape == (1, len(fitted.unit_ids))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, MemoryError):
        fits = False
    if not fits:
        raise BadFileError(
            f"{path}: its arrays do not fit the architecture that its settings describe. Save the "
            "model again."
        )
    return fitted


def _assembled(
    path: Path, kind: type[ImageModel], header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> FittedModel:
    try:
        start_s, stop_s = header["window_s"]
        require(stop_s > start_s, f"window_s=({start_s}, {stop_s}): stop must be after start.")
        return FittedModel(
            model=TypeAdapter(kind).validate_python(header["settings"]),
            parameters={
                name: jnp.asarray(value) for name, value in part_of(arrays, "parameters").items()
            },
            unit_ids=np.asarray(header["unit_ids"]),
            window_s=(float(start_s), float(stop_s)),
            mean_image=arrays["mean_image"],
            split=StimulusSplit(**part_of(arrays, "split")),
            history=part_of(arrays, "history"),
        )
    except (KeyError, TypeError, ValueError, ValidationError, InvalidInputError) as error:
        first = str(error).splitlines()[0]
        raise BadFileError(
            f"{path} is not what it claims: {first}. Save the model again."
        ) from None
