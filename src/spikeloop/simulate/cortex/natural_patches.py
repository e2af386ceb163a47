"""Patches of natural images, from the two photographs that scikit-learn ships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require

if TYPE_CHECKING:
    from jaxtyping import Float, Int

PHOTOGRAPHS = ("china.jpg", "flower.jpg")
REDUCTIONS = (1.5, 2.0, 3.0)
"""How many pixels of a photograph make one of a patch: at 1 the photographs are not sharp."""
LUMINANCE = (0.299, 0.587, 0.114)
"""How much red, green and blue add to grey (ITU-R BT.601)."""
LEAST_CONTRAST = 0.04
"""Patches whose pixels have a smaller standard deviation, such as clear sky, are left out."""


@dataclass(frozen=True, eq=False)
class NaturalPatches:
    """Patches, and where in which photograph each was cut."""

    pixels: Float[np.ndarray, "patch y x"]
    """(patch, y, x) between 0 and 1."""
    photograph: Int[np.ndarray, " patch"]
    """(patch,) which of the photographs."""
    box: Float[np.ndarray, "patch 4"]
    """(patch, 4) top, left, bottom and right, as shares of the photograph's height and width."""


def natural_patches(
    n_patches: int, n_pixels: int, *, rms_contrast: float, seed: int
) -> NaturalPatches:
    """Cut grey patches out of photographs, each with mean 0.5 and the same contrast.

    Patches start on a grid of half a patch, at three magnifications, so that two patches of one
    magnification share half their area at most. Each is shifted and scaled to a mean of 0.5 and a
    standard deviation of `rms_contrast`, then clipped to 0..1, which lowers the contrast of some.

    Patches of different magnifications show the same places of the photographs: of the 1,180 that
    the virtual cortex is shown, nearly all of a random fifth lie at least half inside one of the
    others. Such a split flatters a model; hold out whole parts of the photographs instead, by
    `NaturalPatches.box`.

    Parameters
    ----------
    n_patches
        How many patches, drawn at random.
    n_pixels
        Height and width of a patch.
    rms_contrast
        Standard deviation of the pixels of each patch, before clipping.
    seed
        Decides which patches are drawn, and in which order.

    Raises
    ------
    InvalidInputError
        The photographs do not hold so many patches.

    Examples
    --------
    >>> patches = natural_patches(10, 16, rms_contrast=0.2, seed=1).pixels
    >>> patches.shape, float(patches.mean().round(2))
    ((10, 16, 16), 0.5)
    """
    rng = np.random.default_rng(seed)
    tiles = [_tiles(photograph, n_pixels) for photograph in _grey_photographs()]
    found, box = (np.concatenate(parts) for parts in zip(*tiles, strict=True))
    photograph = np.repeat(np.arange(len(tiles)) // len(REDUCTIONS), [len(t[0]) for t in tiles])
    require(
        len(found) >= n_patches,
        f"n_patches={n_patches} of {n_pixels} x {n_pixels} pixels: the two photographs hold "
        f"{len(found)}. Ask for fewer patches, or for smaller ones.",
    )
    drawn = rng.permutation(len(found))[:n_patches]
    patches = found[drawn].astype(np.float64)
    centred = patches - patches.mean(axis=(1, 2), keepdims=True)
    scaled = 0.5 + rms_contrast * centred / centred.std(axis=(1, 2), keepdims=True)
    pixels = np.clip(scaled, 0.0, 1.0).astype(np.float32)
    return NaturalPatches(pixels, photograph[drawn], box[drawn])


def _grey_photographs() -> list[Float[np.ndarray, "y x"]]:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    photographs = []
    for name in PHOTOGRAPHS:
        grey = Image.fromarray((load_sample_image(name) @ LUMINANCE / 255).astype(np.float32))
        for reduction in REDUCTIONS:
            size = [round(side / reduction) for side in grey.size]
            photographs.append(np.asarray(grey.resize(size, Image.Resampling.BOX)))
    return photographs


def _tiles(
    photograph: Float[np.ndarray, "y x"], n_pixels: int
) -> tuple[Float[np.ndarray, "tile n_pixels n_pixels"], Float[np.ndarray, "tile 4"]]:
    """Return the tiles of half overlap that are not featureless, and their boxes."""
    if min(photograph.shape) < n_pixels:
        return np.empty((0, n_pixels, n_pixels)), np.empty((0, 4))
    step = max(n_pixels // 2, 1)
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (n_pixels, n_pixels))
    tiles = windows[::step, ::step]
    corner = step * np.stack(np.indices(tiles.shape[:2]), axis=-1).reshape(-1, 2)
    box = np.concatenate([corner, corner + n_pixels], axis=1) / np.tile(photograph.shape, 2)
    tiles = tiles.reshape(-1, n_pixels, n_pixels)
    kept = tiles.std(axis=(1, 2)) >= LEAST_CONTRAST
    return tiles[kept], box[kept]
