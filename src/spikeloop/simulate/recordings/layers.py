"""A recording as a sum of layers, made block by block, so that every piece comes out the same.

Each sample belongs to one block of fixed borders, and each layer is a function of the block alone.
A piece of the recording is cut from whole blocks: it cannot depend on how it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from spikeloop.data import Recording
from spikeloop.numerics.parallel import one_blas_thread

if TYPE_CHECKING:
    from jaxtyping import Float32

BLOCK = 4096
"""How many samples a block has: a part of what a seed means, so a constant."""

AMPLITUDES, NOISE, BACKGROUND, BACKGROUND_UNITS, ARTEFACTS, HUM = range(100, 106)
DRIFT, RATES, INTERVALS = range(106, 109)
"""What random numbers are for: the same seed gives things that have nothing in common."""


class Layer(Protocol):
    """Something that a recording is the sum of."""

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add what this layer has in a block to `traces_uV`, all `BLOCK` samples, in place."""


class LayeredSource:
    """Samples start..stop of a sum of layers: what a `Recording` fetches from.

    The last block that was used in part is kept, so that reading on in small pieces is not slow.
    """

    def __init__(self, layers: Sequence[Layer], n_channels: int) -> None:
        self.layers = tuple(layers)
        self.n_channels = n_channels
        self._kept: tuple[int, np.ndarray] | None = None

    def __call__(self, start: int, stop: int) -> Float32[np.ndarray, "time channel"]:
        """Return samples start..stop (half-open), in uV."""
        traces_uV = np.zeros((stop - start, self.n_channels), dtype=np.float32)
        with one_blas_thread():  # several threads may add up in another order
            for block in range(start // BLOCK, (stop - 1) // BLOCK + 1):
                first, last = max(start, block * BLOCK), min(stop, (block + 1) * BLOCK)
                piece = traces_uV[first - start : last - start]
                if len(piece) == BLOCK:
                    self._make(piece, block)
                else:
                    piece[:] = self._whole(block)[first - block * BLOCK : last - block * BLOCK]
        return traces_uV

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": None}

    def _whole(self, block: int) -> np.ndarray:
        kept = self._kept
        if kept is None or kept[0] != block:
            kept = (block, np.zeros((BLOCK, self.n_channels), dtype=np.float32))
            self._make(kept[1], block)
            self._kept = kept
        return kept[1]

    def _make(self, traces_uV: np.ndarray, block: int) -> None:
        for layer in self.layers:
            layer.add(traces_uV, block)


class RecordedLayer:
    """Another recording, as a layer."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the other recording; past its end there is nothing to add."""
        start = block * BLOCK
        stop = min(start + BLOCK, self.recording.n_samples)
        traces_uV[: stop - start] += self.recording.read(start, stop)
