"""Trained networks in files: named arrays as safetensors, settings as JSON in their header.

Nothing is run when a file is read, and only the kinds of settings listed here are made. The same
network gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.safetensors_file import write_safetensors
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.layers import LeakyReadout, SpikingLayer
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.learn.tasks.digits import PoissonDigits
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.tasks.task import Task
from spikeloop.learn.tasks.timing import PatternTiming
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.neurons.adaptive_lif import AdaptiveLIF
from spikeloop.neurons.lif import LIF
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate
from spikeloop.numerics.draws import Distribution, Gamma, LogNormal, Normal, Uniform

FORMAT = "spikeloop spiking network 1"
KINDS = {
    kind.__name__: kind
    for kind in (
        *(SpikingNetwork, SpikingLayer, LeakyReadout, SpikeGradient, Surrogate),
        *(DalesLaw, AnySign, FeedforwardInhibition),
        *(LIF, AdaptiveLIF, Normal, LogNormal, Gamma, Uniform),
        *(SoundLocalization, PatternTiming, PoissonDigits),
    )
}
"""Settings that a file may hold."""
_PARTS = ("parameters", "constants", "begun", "history")
_UNFIT = (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError)


def save_network(path: str | Path, trained: TrainedNetwork) -> None:
    """Write a trained network, whole or not at all.

    A task that the file cannot hold, such as `RecordedTrials` or one of your own, must be given
    again to `load_network`.

    Raises
    ------
    InvalidInputError
        Its neurons are of a kind that no file can hold, such as a `Neuron` made of functions of
        your own; or there is no such folder.
    """
    settings = {
        "format": FORMAT,
        "network": _told(trained.network),
        "task": _told(trained.task) if type(trained.task) in KINDS.values() else None,
        "status": trained.status,
        "advice": list(trained.advice),
    }
    arrays = {
        f"{part}.{name}": np.asarray(value)
        for part in _PARTS
        for name, value in getattr(trained, part).items()
    }
    arrays |= {f"rates_hz.{index}": rates for index, rates in enumerate(trained.rates_hz)}
    write_safetensors(Path(path), arrays, {"spikeloop": json.dumps(settings, sort_keys=True)})


def load_network(path: str | Path, task: Task | None = None) -> TrainedNetwork:
    """Read a trained network.

    Parameters
    ----------
    path
        A file of `save_network`.
    task
        What it was trained on, where the file does not hold it; else None.

    Raises
    ------
    BadFileError
        The file is damaged, or holds something else.
    InvalidInputError
        The file does not hold its task and none is given, or the other way round.
    """
    path = Path(path)
    require(path.is_file(), f"{path} is no file.")
    with _told_of_damage(path):
        header, arrays = _opened(path)
        holds_task = header["task"] is not None
    require(
        holds_task or task is not None,
        f"{path} holds the weights of the network, but not its task: give it, as "
        "load_network(path, task=...).",
    )
    require(
        task is None or not holds_task,
        f"{path} holds the task of the network: leave task out.",
    )
    with _told_of_damage(path):
        trained = _assembled(header, arrays, task)
        _require_fitting(trained)
    return trained


@contextmanager
def _told_of_damage(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, OSError, InvalidInputError, *_UNFIT) as error:
        raise BadFileError(
            f"{path} is damaged, or holds no trained network: {type(error).__name__}: {error}"
        ) from None


def _opened(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what the header tells, and the arrays."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        header = json.loads((file.metadata() or {})["spikeloop"])
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    require(header["format"] == FORMAT, f"its format is {header['format']!r}, not {FORMAT!r}.")
    return header, arrays


def _assembled(
    header: dict[str, Any], arrays: dict[str, np.ndarray], task: Task | None
) -> TrainedNetwork:
    parts: dict[str, dict[str, Any]] = {part: {} for part in (*_PARTS, "rates_hz")}
    for key, values in arrays.items():
        part, _, name = key.partition(".")
        require(bool(np.isfinite(values).all()) or part == "history", f"{key} is not finite.")
        require(
            values.dtype == (np.float64 if part == "history" else np.float32),
            f"{key} holds {values.dtype}.",
        )
        parts[part][name] = values if part in {"history", "rates_hz"} else jnp.asarray(values)
    rates_hz = tuple(parts["rates_hz"][str(index)] for index in range(len(parts["rates_hz"])))
    network = _made(header["network"])
    task = _made(header["task"]) if task is None else task
    require(isinstance(network, SpikingNetwork), "its network is none.")
    _require_sizes(network, task, parts["parameters"])
    return TrainedNetwork(
        network,
        task,
        **{part: parts[part] for part in _PARTS},
        rates_hz=rates_hz,
        status=str(header["status"]),
        advice=tuple(str(words) for words in header["advice"]),
    )


def _require_sizes(network: SpikingNetwork, task: Task, parameters: Mapping[str, Any]) -> None:
    """Refuse settings of a larger network than the file has weights for, before it is made."""
    n_values = sum(value.size for value in parameters.values())
    n_from = task.n_inputs
    for n_to in (*(layer.size for layer in network.layers), task.n_classes):
        require(
            n_from * n_to <= n_values,
            f"it has {n_values} weights, too few for {n_from} units to reach {n_to}: it does not "
            "fit the task.",
        )
        n_from = n_to


def _require_fitting(trained: TrainedNetwork) -> None:
    """Refuse arrays that are not those of the network, or break its law."""
    import jax

    network, task = trained.network, trained.task
    wanted = network.begin(jax.random.key(0), task.n_inputs, task.n_classes, task.dt_ms)
    for numbers, like in zip(
        (trained.parameters, trained.begun, trained.constants),
        (wanted[0], wanted[0], wanted[1]),
        strict=True,
    ):
        shapes, expected = (
            {name: value.shape for name, value in of.items() if not name.endswith(".mask")}
            for of in (numbers, like)
        )
        require(shapes == expected, f"it holds arrays of {shapes}, where {expected} are wanted.")
    for key in trained.parameters | trained.constants:
        if key.endswith(".mask"):
            _require_mask(trained, key)
    for name in trained.weights():
        for numbers in (trained.parameters, trained.begun):
            keeps = network.constraint.keeps(numbers[name], trained.signs(name))
            require(bool(keeps), f"{name} breaks the law of its signs.")
    for index, layer in enumerate(network.layers):
        _require_neurons(trained, f"hidden.{index}", layer)


def _require_mask(trained: TrainedNetwork, key: str) -> None:
    name = key.removesuffix(".mask")
    require(key in trained.constants and f"{name}.signs" in trained.constants, f"{key} is odd.")
    mask = np.asarray(trained.constants[key])
    n_from, n_to = len(trained.signs(name)), _n_to(trained, name)
    require(
        mask.shape in {(n_from, n_to), (n_from, 1)} and bool(np.isin(mask, (0, 1)).all()),
        f"{key} must hold 0 and 1 for {n_from} x {n_to} synapses.",
    )


def _n_to(trained: TrainedNetwork, name: str) -> int:
    kind, *index = name.split(".")
    return (
        trained.task.n_classes if kind == "readout" else trained.network.layers[int(index[0])].size
    )


def _require_neurons(trained: TrainedNetwork, name: str, layer: SpikingLayer) -> None:
    """Refuse delays out of bounds, and neurons that are not those of the settings."""
    delays = f"{name}.delays_ms"
    for numbers in (trained.parameters, trained.begun):
        if delays in numbers:
            values = np.asarray(numbers[delays])
            # In single precision, a whole number of ticks may lie above by rounding.
            within = values.min() >= 0 and values.max() <= layer.longest_delay_ms * (1 + 1e-6)
            require(bool(within), f"{delays} must lie within 0 and {layer.longest_delay_ms} ms.")
    for key, value in layer.made().parameters.items():
        kept = trained.constants.get(f"{name}.neuron.{key}")
        if kept is not None and not isinstance(value, Distribution):
            require(
                bool(np.allclose(kept, np.asarray(value, np.float32))),
                f"{key} of {name} differs from its settings.",
            )


def _told(value: object) -> Any:
    """Return settings as what JSON can hold."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return [_told(item) for item in value]
    require(
        is_dataclass(value) and type(value).__name__ in KINDS,
        f"a file cannot hold {type(value).__name__}: it can hold {', '.join(KINDS)}.",
    )
    kept = {field.name: _told(getattr(value, field.name)) for field in fields(value)}
    return {"kind": type(value).__name__, "fields": kept}


def _made(told: Any) -> Any:
    """Return settings from what JSON held."""
    if isinstance(told, list):
        return tuple(_made(item) for item in told)
    if not isinstance(told, dict):
        return told
    if "array" in told:
        return np.asarray(told["array"], np.float32)
    return KINDS[told["kind"]](**{name: _made(value) for name, value in told["fields"].items()})
