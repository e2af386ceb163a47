"""Named arrays in a file, with words about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikeloop.data.checks import require


def write_safetensors(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write arrays and words about them, whole or not at all."""
    from safetensors.numpy import save

    require(not path.is_dir(), f"{path} is a folder: give the name of a file.")
    require(path.parent.is_dir(), f"{path.parent} is no folder: make it, or choose another path.")
    whole = {name: np.array(value, order="C") for name, value in arrays.items()}
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_bytes(save(whole, dict(metadata)))
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
