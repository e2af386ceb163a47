"""Folders of published V4 responses: images in a zip, counts in .npy files (Cowley et al. 2023)."""

import re
import warnings
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

import numpy as np

from spikeloop.data import Experiment, Images, Responses, Trials
from spikeloop.data.checks import require
from spikeloop.errors import BadFileError, MissingVariableError, UnsafeFileError
from spikeloop.io.guard import listing, reading, require_bytes, require_file
from spikeloop.io.npz import array_header, load_array
from spikeloop.io.options import ReadOptions

WINDOW_S = (0.0, 0.1)
"""Spikes were counted in 100 ms; the files do not say how long after onset the window began."""

_IMAGE_BYTES = 64 * 2**20  # one picture of a session is some 3 kB; this leaves room for photographs


def is_v4_folder(path: Path) -> bool:
    """Tell whether a folder holds images in a zip and responses in .npy files."""
    return path.is_dir() and bool(_archives(path)) and any(path.glob("responses*.npy"))


def read_v4(path: str | Path, options: ReadOptions | None = None) -> Experiment:
    """Read the images and responses of one session.

    The folder holds one ``images*.zip`` and ``responses*.npy``: (unit, image) means over repeats,
    (unit, image, repeat) counts padded with NaN, or both, of which the counts are read. Image i, in
    order of names, is column i. Images become grey, between 0 and 1. Trials have no onsets; those
    of one image stand together, in order of `repeat`.

    Parameters
    ----------
    path
        A folder of one session.
    options
        `image_side_px` makes the images smaller.

    Raises
    ------
    BadFileError
        The folder lacks a part or holds several, or a part is damaged.
    UnsafeFileError
        An archive claims more bytes than are read, or holds pickled objects.
    InvalidInputError
        There are not as many images as columns, or a repeat has counts of some units only.
    """
    folder, options = Path(path), options or ReadOptions()
    archives = _archives(folder)
    if len(archives) != 1:
        held = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        raise MissingVariableError(
            f"{folder} must hold one images.zip (or images_SESSION.zip); it holds "
            f"{', '.join(held[:20]) or 'nothing'}. Give the folder of one session."
        )
    counts = _read_counts(folder)
    n_columns = counts.shape[1]
    pixels = _read_images(archives[0], options.image_side_px)
    require(
        len(pixels) == n_columns,
        f"{folder}: {len(pixels)} images and {n_columns} columns of responses. They are paired by "
        "order, so the two numbers must be equal: fetch both again, for the same session.",
    )
    responses = _responses(counts, folder)
    images = Images(pixels, np.arange(len(pixels)))
    return Experiment(folder.name, trials=responses.trials, images=images, responses=responses)


def _archives(folder: Path) -> list[Path]:
    return sorted(folder.glob("images*.zip"))


def _read_counts(folder: Path) -> np.ndarray:
    """Return (unit, image, repeat) counts, the means where there is nothing else."""
    tables: dict[int, Path] = {}
    shapes = {}
    for path in sorted(folder.glob("responses*.npy")):
        require_file(path)
        with reading(path, "npy"), path.open("rb") as file:
            shape = array_header(file, path.stat().st_size, str(path))[0]
        tables[len(shape)] = path
        shapes[path.name] = shape
    if len(tables) != len(shapes) or not tables.keys() & {2, 3}:
        raise BadFileError(
            f"{folder} must hold responses of (unit, image), of (unit, image, repeat), or one of "
            f"each; it holds {listing(shapes)}. Keep one session in a folder."
        )
    path = tables.get(3) or tables[2]
    with reading(path, "npy"), path.open("rb") as file:
        counts = load_array(file, path.stat().st_size, str(path))
    require(counts.dtype.kind in "biuf", f"{path} holds {counts.dtype}: it must hold numbers.")
    return counts if counts.ndim == 3 else counts[:, :, None]


def _responses(counts: np.ndarray, folder: Path) -> Responses:
    """Return one trial for each repeat that is there."""
    n_units = len(counts)
    n_present = np.isfinite(counts).sum(axis=0)
    for image, repeat in np.argwhere((n_present > 0) & (n_present < n_units))[:1]:
        require(
            False,
            f"{folder}: image {image}, repeat {repeat} has counts of {n_present[image, repeat]} "
            f"of {n_units} units. A trial needs all: set it to NaN for all units, or drop the "
            "others.",
        )
    image, repeat = np.nonzero(n_present)
    trials = Trials(image, conditions={"repeat": repeat})
    return Responses(counts[:, image, repeat].T, WINDOW_S, trials, np.arange(n_units))


def _read_images(path: Path, side_px: int | None) -> np.ndarray:
    """Return (image, y, x) grey pixels between 0 and 1, in natural order of the names."""
    require_file(path)
    with reading(path, "zip"), ZipFile(path) as archive:
        entries = sorted((e for e in archive.infolist() if _is_image(e)), key=_natural)
        for entry in entries:
            require_bytes(entry.file_size, f"{path}: {entry.filename}", _IMAGE_BYTES)
        require_bytes(sum(entry.file_size for entry in entries), str(path))
        require(bool(entries), f"{path} holds no .jpg or .png images.")
        first = _grey(archive.open(entries[0]), side_px, path)
        require_bytes(first.size * 4 * len(entries), str(path))
        pixels = np.empty((len(entries), *first.shape), dtype=np.float32)
        for i, entry in enumerate(entries):
            picture = _grey(archive.open(entry), side_px, path)
            require(
                picture.shape == first.shape,
                f"{path}: {entry.filename} has {picture.shape} pixels and "
                f"{entries[0].filename} {first.shape}. Give image_side_px to resize them all.",
            )
            pixels[i] = picture
    return pixels / np.float32(255)


def _grey(file: IO[bytes], side_px: int | None, path: Path) -> np.ndarray:
    from PIL import Image

    with file, warnings.catch_warnings():
        # Pillow only warns of a picture that would fill the memory; here it is refused.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(file, formats=("JPEG", "PNG")).convert("L")
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise UnsafeFileError(f"{path}: {error} Make the images smaller.") from error
    if side_px is not None:
        picture = picture.resize((side_px, side_px), Image.Resampling.BOX)
    return np.asarray(picture)


def _is_image(entry: ZipInfo) -> bool:
    path = Path(entry.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() in (".jpg", ".jpeg", ".png")


def _natural(entry: ZipInfo) -> list[str | tuple[int, str]]:
    """Sort image10 after image9: digits count as numbers."""
    parts = re.split(r"(\d+)", entry.filename)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]
