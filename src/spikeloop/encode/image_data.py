"""Images beside what the units answered to them: what a model of images is fitted to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import BLANK, Images, Responses
from spikeloop.data.checks import require
from spikeloop.errors import SpikeloopWarning

if TYPE_CHECKING:
    from jaxtyping import Float, Int

FEWEST_IMAGES = 20
"""A model fitted to fewer would tell more of chance than of the units."""


@dataclass(frozen=True, eq=False)
class ImageData:
    """Images, and the mean count of each unit over the trials that showed each."""

    pixels: Float[np.ndarray, "image y x"]
    """(image, y, x) float32, as shown."""
    means: Float[np.ndarray, "image unit"]
    """(image, unit) float64: counts averaged over the trials of each image."""
    n_trials: Int[np.ndarray, " image"]
    """(image,) how many trials showed each image."""

    def __len__(self) -> int:
        return len(self.pixels)

    def select(self, keep: np.ndarray) -> ImageData:
        """Return some of the images, by their rows."""
        return ImageData(self.pixels[keep], self.means[keep], self.n_trials[keep])

    def joined(self, other: ImageData) -> ImageData:
        """Return the images of both."""
        return ImageData(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("pixels", "means", "n_trials")
            )
        )


def image_data(responses: Responses, images: Images, stimulus_ids: np.ndarray) -> ImageData:
    """Pair responses with images by their ids.

    Parameters
    ----------
    responses
        Counts; blanks are not used.
    images
        The images that were shown.
    stimulus_ids
        Which stimuli to take, in this order.

    Raises
    ------
    InvalidInputError
        A stimulus has no image, or was never shown.

    Examples
    --------
    >>> from spikeloop.data import Trials
    >>> trials = Trials(stimulus_id=[7, 8, 7])
    >>> responses = Responses([[1.0], [0.0], [3.0]], (0.0, 0.25), trials, unit_ids=["a"])
    >>> data = image_data(responses, Images(np.zeros((2, 4, 4)), [8, 7]), np.array([7, 8]))
    >>> data.means[:, 0].tolist(), data.n_trials.tolist()
    ([2.0, 0.0], [2, 1])
    """
    shown = responses.stimulus_ids
    unknown = np.setdiff1d(stimulus_ids, shown)
    require(
        not unknown.size,
        f"{unknown.size} stimuli of the split were never shown, such as {unknown[:5].tolist()}. "
        "Split responses.stimulus_ids.",
    )
    row = np.searchsorted(shown, stimulus_ids)
    seen = responses.trials.stimulus_id
    n_trials = np.bincount(np.searchsorted(shown, seen[seen != BLANK]), minlength=len(shown))
    return ImageData(images.of_ids(stimulus_ids), responses.mean()[row], n_trials[row])


def require_fittable(data: ImageData, unit_ids: np.ndarray) -> None:
    """Refuse what no model can learn from, and warn of units that nothing can be learned of.

    Raises
    ------
    InvalidInputError
        There are fewer than 20 images, they all look the same, or there is no unit.
    """
    require(len(unit_ids) > 0, "there is no unit: there is nothing to predict.")
    require(
        len(data) >= FEWEST_IMAGES,
        f"{len(data)} images to learn from: at least {FEWEST_IMAGES} are needed. Show more images, "
        "or hold out fewer.",
    )
    require(
        bool(np.ptp(data.pixels, axis=0).max() > 0),
        f"all {len(data)} images look the same: they cannot tell what drives a unit. Check how "
        "they were read.",
    )
    constant = np.ptp(data.means, axis=0) == 0
    if constant.any():
        warnings.warn(
            f"{int(constant.sum())} of {len(constant)} units answer all training images alike, "
            f"such as unit {unit_ids[constant][0]}: every model predicts that, and their "
            "correlations are NaN.",
            SpikeloopWarning,
            stacklevel=3,
        )
