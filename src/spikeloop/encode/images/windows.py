"""Where a unit looks: Gaussian windows on the places of an image; one suits each unit best.

A window multiplies the variance that the prior expects of a weight by exp(-d^2 / (2 s^2)) for a
place at a distance d from its centre. Which window is best is told by the leave-one-out error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Float

NEGLIGIBLE = 0.02
"""Places with a smaller weight are left out."""


@dataclass(frozen=True)
class Windows:
    """Settings of the windows that each unit chooses from; the whole image is always one."""

    size: float = 0.15
    """Standard deviation of a window, as a share of the side of an image."""
    n_centres: int = 3
    """How many centres along each side; 0 for the whole image alone."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.size > 0, f"size={self.size}: it must be above 0.")
        require(self.n_centres >= 0, f"n_centres={self.n_centres}: it must be 0 or more.")

    def weights(self, height: int, width: int) -> Float[np.ndarray, "window place_y place_x"]:
        """Return the weight of each place in each window; the first is the whole image.

        >>> Windows(size=0.2, n_centres=1).weights(3, 3)[:, 1].round(2).tolist()
        [[1.0, 1.0, 1.0], [0.25, 1.0, 0.25]]
        """
        along_y, along_x = self._along(height), self._along(width)
        every = np.einsum("ay,bx->abyx", along_y, along_x).reshape(-1, height, width)
        every = np.where(every < NEGLIGIBLE, 0.0, every)
        return np.concatenate([np.ones((1, height, width)), every])

    def _along(self, n_places: int) -> np.ndarray:
        """Return the weight of each place along a side, for each centre, (centre, place)."""
        at = (np.arange(n_places) + 0.5) / n_places
        centres = (np.arange(self.n_centres) + 0.5) / max(self.n_centres, 1)
        squared = (at - centres[:, None]) ** 2
        return np.exp((squared.min(axis=1, keepdims=True) - squared) / (2 * self.size**2))
