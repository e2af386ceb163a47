"""Keep the state of a training on disk, so that it can go on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.safetensors_file import write_safetensors
from spikeloop.errors import BadFileError, InvalidInputError


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often the state of a training is written.

    Where the file exists, the training goes on from it; on a CPU it ends with the same bits as one
    that was never interrupted.
    """

    path: Path
    """A file to be, such as `training.safetensors`."""
    every_epochs: int = 10
    """How many epochs lie between two writings; the last epoch is always written."""

    def __post_init__(self) -> None:
        require(self.every_epochs >= 1, f"every_epochs={self.every_epochs}: it must be 1 or more.")

    def save(self, arrays: Mapping[str, np.ndarray], identity: Mapping[str, str]) -> None:
        """Write the file anew, whole or not at all."""
        write_safetensors(Path(self.path), arrays, identity)

    def load(
        self, like: Mapping[str, np.ndarray], identity: Mapping[str, str]
    ) -> dict[str, np.ndarray] | None:
        """Return the arrays, or None where there is no file yet.

        Raises
        ------
        BadFileError
            The file is damaged, or no checkpoint.
        InvalidInputError
            It is of another model, other data or another seed, or there is no such folder.
        """
        from safetensors import SafetensorError, safe_open

        path = Path(self.path)
        require(path.parent.is_dir(), f"{path.parent} is no folder: make it before the training.")
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="numpy") as file:
                _require_same(path, file.metadata() or {}, identity)
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise BadFileError(
                f"{path} is damaged, or no checkpoint: {error}. Delete it to train from the start."
            ) from None
        wanted = {key: (value.shape, value.dtype) for key, value in like.items()}
        if {key: (value.shape, value.dtype) for key, value in arrays.items()} != wanted:
            raise BadFileError(
                f"{path} does not hold the arrays of this training. Delete it to train from the "
                "start."
            )
        return arrays


def _require_same(path: Path, found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if found.get(key) != value:
            raise InvalidInputError(
                f"{path} is the checkpoint of another training: its {key} is {found.get(key)}, not "
                f"{value}. Choose another file, or delete it."
            )
