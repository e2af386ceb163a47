"""Files of named arrays with a header: what a fitted model is kept in.

The arrays are safetensors, the header is JSON: nothing is run when a file is read. The same model
gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikeloop.errors import BadFileError


def write_model_file(
    path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, object]
) -> None:
    """Write arrays and a header, whole or not at all."""
    from safetensors.numpy import save_file

    unfinished = path.with_name(path.name + ".part")
    whole = {name: np.array(value, order="C") for name, value in arrays.items()}
    # One entry: several would be written in an order that changes from process to process.
    save_file(whole, unfinished, {"spikeloop": json.dumps(header, sort_keys=True)})
    unfinished.replace(path)


def read_model_file(path: Path, wanted: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the header, whose `format` must be the one wanted, and the arrays.

    Raises
    ------
    BadFileError
        The file is missing, cut off, or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get("spikeloop", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise BadFileError(f"{path}: there is no such file.") from None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise BadFileError(
            f"{path} cannot be read as a model: {error}. It may have been cut off: save it again."
        ) from None
    if not isinstance(header, dict) or header.get("format") != wanted:
        raise BadFileError(f"{path} is no {wanted}. Give a file that was saved as one.")
    return header, arrays


def part_of(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin with `name` and a dot, without these."""
    return {
        key.removeprefix(f"{name}."): value
        for key, value in arrays.items()
        if key.startswith(f"{name}.")
    }
