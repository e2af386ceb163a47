"""Fitted models of a continuous stimulus in files."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data import Epochs
from spikeloop.encode.model_file import Arrays, Header, ModelFormat, part_of
from spikeloop.encode.splits import TimeSplit
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel, SeriesModel
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM

MODELS: dict[str, type[SeriesModel]] = {
    kind.__name__: kind
    for kind in (TemporalLinearNonlinear, PoissonGLM, MaximallyInformative, DilatedNetwork)
}
"""What a file may hold."""
FORMAT = ModelFormat("spikeloop series model, version 1", MODELS)
_PARTS = ("training", "validation", "test")
_OWN = ("stimulus_mean", "counts_mean", "counts_most")


def write_series_model(path: Path, fitted: FittedSeriesModel) -> None:
    """Write a fitted model, whole or not at all."""
    arrays = {name: getattr(fitted, name) for name in _OWN}
    for part in _PARTS:
        epochs = getattr(fitted.split, part)
        arrays[f"split.{part}"] = np.stack([epochs.start_s, epochs.stop_s])
    FORMAT.write(path, fitted, arrays, {"bin_s": float(fitted.bin_s)})


def read_series_model(path: Path) -> FittedSeriesModel:
    """Read a fitted model that `write_series_model` wrote, or refuse another file."""
    return FORMAT.read(path, _assembled, _expected_shapes)


def _assembled(model: SeriesModel, header: Header, arrays: Arrays) -> FittedSeriesModel:
    parameters = part_of(arrays, "parameters")
    return FittedSeriesModel(
        model=model,
        parameters={name: jnp.asarray(value) for name, value in parameters.items()},
        unit_ids=np.asarray(header["unit_ids"]),
        bin_s=float(header["bin_s"]),
        **{name: arrays[name] for name in _OWN},
        split=TimeSplit(
            **{name: Epochs(*edges) for name, edges in part_of(arrays, "split").items()}
        ),
        history=part_of(arrays, "history"),
    )


def _expected_shapes(fitted: FittedSeriesModel) -> tuple[tuple[int, ...], tuple[int, ...]]:
    n_features, n_units = len(fitted.stimulus_mean), len(fitted.unit_ids)
    shown, counts = (jax.ShapeDtypeStruct((2, n), jnp.float32) for n in (n_features, n_units))
    expected = jax.eval_shape(fitted.model.expected_counts, dict(fitted.parameters), shown, counts)
    return expected.shape, (2, n_units)
