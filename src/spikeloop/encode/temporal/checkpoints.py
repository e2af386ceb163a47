"""Fitted models of a continuous stimulus in files: arrays as safetensors, settings as JSON.

Nothing in such a file is run when it is read.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import TypeAdapter, ValidationError

from spikeloop.data import Epochs
from spikeloop.encode.model_file import part_of, read_model_file, write_model_file
from spikeloop.encode.splits import TimeSplit
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel, SeriesModel
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.errors import BadFileError, InvalidInputError

MODELS: dict[str, type[SeriesModel]] = {
    kind.__name__: kind
    for kind in (TemporalLinearNonlinear, PoissonGLM, MaximallyInformative, DilatedNetwork)
}
"""What a file may hold."""
FORMAT = "spikeloop series model, version 1"
_PARTS = ("training", "validation", "test")
_OWN = ("stimulus_mean", "counts_mean", "counts_most")


def save_series_model(path: str | Path, fitted: FittedSeriesModel) -> None:
    """Write a fitted model, whole or not at all.

    Parameters
    ----------
    path
        A file to be, such as ``glm.safetensors``. One that is there is replaced.
    fitted
        The model.
    """
    arrays = {f"parameters.{name}": value for name, value in fitted.parameters.items()}
    arrays |= {f"history.{name}": value for name, value in fitted.history.items()}
    arrays |= {name: getattr(fitted, name) for name in _OWN}
    for part in _PARTS:
        epochs = getattr(fitted.split, part)
        arrays[f"split.{part}"] = np.stack([epochs.start_s, epochs.stop_s])
    header = {
        "format": FORMAT,
        "model": type(fitted.model).__name__,
        "settings": asdict(fitted.model),
        "unit_ids": fitted.unit_ids.tolist(),
        "bin_s": float(fitted.bin_s),
    }
    write_model_file(Path(path), arrays, header)


def load_series_model(path: str | Path) -> FittedSeriesModel:
    """Read a fitted model.

    Parameters
    ----------
    path
        A file that `save_series_model` wrote.

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
    n_features, n_units = len(fitted.stimulus_mean), len(fitted.unit_ids)
    shown, counts = (jax.ShapeDtypeStruct((2, n), jnp.float32) for n in (n_features, n_units))
    try:
        expected = jax.eval_shape(
            fitted.model.expected_counts, dict(fitted.parameters), shown, counts
        )
        fits = expected.shape == (2, n_units)
    except (KeyError, TypeError, ValueError, IndexError):
        fits = False
    if not fits:
        raise BadFileError(
            f"{path}: its arrays do not fit the architecture that its settings describe. Save the "
            "model again."
        )
    return fitted


def _assembled(
    path: Path, kind: type[SeriesModel], header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> FittedSeriesModel:
    try:
        return FittedSeriesModel(
            model=TypeAdapter(kind).validate_python(header["settings"]),
            parameters={
                name: jnp.asarray(value) for name, value in part_of(arrays, "parameters").items()
            },
            unit_ids=np.asarray(header["unit_ids"]),
            bin_s=float(header["bin_s"]),
            **{name: arrays[name] for name in _OWN},
            split=TimeSplit(
                **{name: Epochs(*edges) for name, edges in part_of(arrays, "split").items()}
            ),
            history=part_of(arrays, "history"),
        )
    except (KeyError, TypeError, ValueError, ValidationError, InvalidInputError) as error:
        first = str(error).splitlines()[0]
        raise BadFileError(
            f"{path} is not what it claims: {first}. Save the model again."
        ) from None
