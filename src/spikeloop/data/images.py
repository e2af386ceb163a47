"""The images that were shown."""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import as_array, as_vector, require, require_finite, require_unique


@dataclass(frozen=True, eq=False)
class Images:
    """Grey images of one size. Images are paired with responses by `image_ids`, never by order.

    >>> Images(np.zeros((3, 4, 5)), image_ids=[10, 11, 12], extent_deg=(8.0, 10.0))
    Images(3 of 4 x 5 pixels, 8.0 x 10.0 deg)
    """

    pixels: np.ndarray
    """(image, y, x) float32; row 0 is the top."""
    image_ids: np.ndarray
    """(image,) integers, each once: the `stimulus_id` of the trials that showed it."""
    extent_deg: tuple[float, float] | None = None
    """Height and width in degrees of visual angle, or None where nobody wrote it down."""

    def __post_init__(self) -> None:
        pixels = as_array("pixels", self.pixels, ("image", "y", "x"), np.float32)
        image_ids = as_vector("image_ids", self.image_ids, np.int64)
        require(pixels.size > 0, f"pixels has shape {pixels.shape}: it holds nothing.")
        require_finite("pixels", pixels)
        require(
            len(pixels) == len(image_ids),
            f"{len(pixels)} images and {len(image_ids)} image_ids: give one id per image.",
        )
        require_unique("image_ids", image_ids)
        require(
            image_ids.size == 0 or image_ids.min() >= 0,
            "image_ids must be 0 or more: -1 stands for a blank screen in Trials.",
        )
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "image_ids", image_ids)
        if self.extent_deg is not None:
            extent_deg = tuple(float(side) for side in self.extent_deg)
            require(
                len(extent_deg) == 2 and min(extent_deg) > 0,
                f"extent_deg={self.extent_deg}: give (height, width), both above 0.",
            )
            object.__setattr__(self, "extent_deg", extent_deg)

    def __repr__(self) -> str:
        n_images, height, width = self.pixels.shape
        extent = "" if self.extent_deg is None else ", {} x {} deg".format(*self.extent_deg)
        return f"Images({n_images} of {height} x {width} pixels{extent})"

    def __len__(self) -> int:
        return len(self.pixels)

    def of_ids(self, image_ids: np.ndarray) -> np.ndarray:
        """Return the pixels (id, y, x) of `image_ids`, in their order.

        Raises
        ------
        InvalidInputError
            An id is not among those of these images.
        """
        wanted = np.asarray(image_ids)
        order = np.argsort(self.image_ids)
        place = np.searchsorted(self.image_ids, wanted, sorter=order)
        row = order[np.minimum(place, len(order) - 1)]
        missing = wanted[self.image_ids[row] != wanted]
        require(
            missing.size == 0,
            f"{missing.size} of the ids asked for have no image, such as {missing[:5].tolist()}.",
        )
        return self.pixels[row]
