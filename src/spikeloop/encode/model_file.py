"""Fitted models in files: named arrays as safetensors, settings as JSON in their header.

Nothing is run when a file is read. The same model gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from spikeloop.data.checks import require, require_finite
from spikeloop.data.safetensors_file import write_safetensors
from spikeloop.errors import BadFileError, InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import Array, Shaped


class Fitted(Protocol):
    """What every fitted model has."""

    model: Any
    parameters: Mapping[str, Array]
    history: Mapping[str, np.ndarray]
    unit_ids: Shaped[np.ndarray, " unit"]


FittedKind = TypeVar("FittedKind", bound=Fitted)
Header, Arrays = dict[str, Any], dict[str, np.ndarray]
_UNFIT = (KeyError, TypeError, ValueError, IndexError, OverflowError, MemoryError)


@dataclass(frozen=True)
class ModelFormat:
    """One format of files, and the models that they may hold."""

    name: str
    """What a file says it is."""
    kinds: Mapping[str, type]
    """The models by their names."""

    def write(
        self, path: Path, fitted: Fitted, arrays: Mapping[str, np.ndarray], header: Header
    ) -> None:
        """Write a fitted model with what else it needs, whole or not at all.

        Raises
        ------
        InvalidInputError
            Its settings cannot be told again from what would be written.
        """
        settings, unit_ids = self._told(fitted)
        whole = dict(arrays)
        for part in ("parameters", "history"):
            whole |= {f"{part}.{name}": value for name, value in getattr(fitted, part).items()}
        header = header | {
            "format": self.name,
            "model": type(fitted.model).__name__,
            "settings": settings,
            "unit_ids": unit_ids,
        }
        # One entry: several would be written in an order that changes from process to process.
        write_safetensors(path, whole, {"spikeloop": json.dumps(header, sort_keys=True)})

    def read(
        self,
        path: Path,
        assemble: Callable[[Any, Header, Arrays], FittedKind],
        expected_shapes: Callable[[FittedKind], tuple[tuple[int, ...], tuple[int, ...]]],
    ) -> FittedKind:
        """Read a fitted model.

        Parameters
        ----------
        path
            A file of this format.
        assemble
            Makes it of its model, header and arrays.
        expected_shapes
            Returns the shape that its predictions have, and that which they should have.

        Raises
        ------
        BadFileError
            The file is missing, cut off, of another kind, or its arrays do not fit its settings.
        """
        from pydantic import TypeAdapter

        header, arrays = self._read_parts(path)
        kind = self.kinds[header["model"]]
        try:
            model = TypeAdapter(kind).validate_python(header["settings"])
            told = json.loads(json.dumps(asdict(model)))
            require(told == header["settings"], f"its settings are not those of a {kind.__name__}")
            for name, value in part_of(arrays, "parameters").items():
                require(value.dtype == np.float32, f"{name} holds {value.dtype}, not float32")
                require_finite(name, value)
            fitted = assemble(model, header, arrays)
        except (*_UNFIT, InvalidInputError) as error:
            words = " ".join(str(error).split()).rstrip(".")
            raise BadFileError(
                f"{path} is not what it claims: {words}. Save the model again."
            ) from None
        try:
            got, wanted = expected_shapes(fitted)
            fits = got == wanted
        except _UNFIT:
            fits = False
        if not fits:
            raise BadFileError(
                f"{path}: its arrays do not fit the architecture that its settings describe. Save "
                "the model again."
            )
        return fitted

    def _told(self, fitted: Fitted) -> tuple[dict[str, Any], list[object]]:
        """Return settings and ids of units as JSON knows them, which must say them exactly."""
        from pydantic import TypeAdapter

        kind = type(fitted.model)
        require(
            kind is self.kinds.get(kind.__name__),
            f"a {kind.__name__} cannot be saved: only {', '.join(self.kinds)} can be read again.",
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

    def _read_parts(self, path: Path) -> tuple[Header, Arrays]:
        """Return the header, which names a known model, and the arrays."""
        header, arrays = _header_and_arrays(path)
        if header.get("format") != self.name:
            raise BadFileError(f"{path} is no {self.name}. Give a file that was saved as one.")
        if str(header.get("model")) not in self.kinds:
            raise BadFileError(
                f"{path} holds a {header.get('model')}, which is none of {', '.join(self.kinds)}. "
                "Was it written by a newer version?"
            )
        return header, arrays


def format_of(path: Path) -> str:
    """Return what a file says it is, or nothing.

    Raises
    ------
    BadFileError
        The file is missing, or cut off.
    """
    return str(_header_and_arrays(path, wants_arrays=False)[0].get("format", ""))


def _header_and_arrays(path: Path, *, wants_arrays: bool = True) -> tuple[Header, Arrays]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        what = "is a folder, and no model" if path.is_dir() else "there is no such file"
        raise BadFileError(f"{path}: {what}. Give a file that save_model wrote.")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("spikeloop", "{}"))
            names = list(file.keys()) if wants_arrays else []
            arrays = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise BadFileError(
            f"{path} cannot be read as a model: {error}. It may have been cut off: save it again."
        ) from None
    return (header if isinstance(header, dict) else {}), arrays


def part_of(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with `name` and a dot, without these."""
    return {
        key.removeprefix(f"{name}."): value
        for key, value in arrays.items()
        if key.startswith(f"{name}.")
    }
