"""Folders of published V4 responses: images in a zip, counts in .npy files (Cowley et al. 2023)."""

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile, ZipInfo

import numpy as np

from spikeloop.data import Experiment, Images, Responses, Trials
from spikeloop.data.checks import require
from spikeloop.errors import (
    BadFileError,
    MissingVariableError,
    SpikeloopWarning,
    UnsafeFileError,
)
from spikeloop.io.guard import listing, reading, require_bytes, require_file
from spikeloop.io.npz import array_header, load_array
from spikeloop.io.options import ReadOptions

if TYPE_CHECKING:
    from PIL.Image import Image

WINDOW_S = (0.0, 0.1)
"""Spikes were counted in 100 ms; the files do not say how long after onset the window began."""

_PIXEL_BYTES = 2**30  # of all images together, as they are kept in memory
_IMAGE_BYTES = 64 * 2**20  # one picture of a session is some 3 kB; this leaves room for photographs


def is_v4_folder(path: Path) -> bool:
    """Tell whether a folder holds images in a zip and responses in .npy files."""
    return path.is_dir() and bool(_archives(path)) and any(path.glob("responses*.npy"))


def read_v4(path: str | Path, options: ReadOptions | None = None) -> Experiment:
    """Read the images and responses of one session.

    The folder holds one ``images*.zip`` and ``responses*.npy``: (unit, image) means over repeats,
    (unit, image, repeat) counts padded with NaN, or both, of which the counts are read. Image i, in
    order of names, is column i. Images become grey, between 0 and 1. Trials have no onsets; those
    of one image stand together, in order of `repeat`. An image whose counts are all NaN has no
    trial, and a warning says how many there are.

    Parameters
    ----------
    path
        A folder of one session.
    options
        `image_side_px` makes the images smaller, and square: with a warning where they are not.

    Raises
    ------
    BadFileError
        The folder lacks a part or holds several, a part is damaged, or the images differ in size.
    UnsafeFileError
        An archive claims more bytes than are read, or holds pickled objects.
    InvalidInputError
        There are not as many images as columns, or a repeat has counts of some units only.
    """
    folder, options = Path(path), options or ReadOptions()
    archive = _only_archive(folder)
    counts = _read_counts(folder)
    n_columns = counts.shape[1]
    pixels = _read_images(archive, options.image_side_px)
    turned = "Transpose the responses" if len(pixels) == len(counts) else "Fetch both again"
    require(
        len(pixels) == n_columns,
        f"{folder}: {len(pixels)} images and {n_columns} columns of responses. Those are (unit, "
        f"image), paired by order, so the two numbers must be equal. {turned}.",
    )
    responses = _responses(counts, folder)
    images = Images(pixels, np.arange(len(pixels)))
    return Experiment(folder.name, trials=responses.trials, images=images, responses=responses)


def image_shape(path: str | Path) -> tuple[int, int]:
    """Return height and width of the first image of a folder of one session, in pixels.

    Raises
    ------
    BadFileError, InvalidInputError
        As `read_v4`.
    """
    archive_path = _only_archive(Path(path))
    require_file(archive_path)
    with reading(archive_path, "zip"), ZipFile(archive_path) as archive:
        width, height = _grey(archive, _image_entries(archive)[0]).size
    return height, width


def _archives(folder: Path) -> list[Path]:
    return sorted(folder.glob("images*.zip"))


def _only_archive(folder: Path) -> Path:
    archives = _archives(folder)
    if len(archives) != 1:
        held = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
        raise MissingVariableError(
            f"{folder} must hold one images.zip (or images_SESSION.zip); it holds "
            f"{', '.join(held[:20]) or 'nothing'}. Give the folder of one session."
        )
    return archives[0]


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
    """Return one trial for each repeat that is there, and warn of images that have none."""
    n_units = len(counts)
    require(
        not np.isinf(counts).any(),
        f"{folder} holds infinite counts. Set counts that are missing to NaN.",
    )
    n_present = np.isfinite(counts).sum(axis=0)
    require(
        bool(n_present.any()),
        f"{folder} holds no counts: its responses have shape {counts.shape[:2]}, and no value "
        "but NaN. Fetch or export them again.",
    )
    for image, repeat in np.argwhere((n_present > 0) & (n_present < n_units))[:1]:
        require(
            False,
            f"{folder}: image {image}, repeat {repeat} has counts of {n_present[image, repeat]} "
            f"of {n_units} units. A trial needs all: set it to NaN for all units, or drop the "
            "others.",
        )
    missing = np.flatnonzero(~n_present.any(axis=1))
    if missing.size:
        warnings.warn(
            f"{folder}: {missing.size} of {len(n_present)} images have no counts, such as image "
            f"{missing[0]}: they are left out.",
            SpikeloopWarning,
            stacklevel=3,
        )
    image, repeat = np.nonzero(n_present)
    trials = Trials(image, conditions={"repeat": repeat})
    return Responses(counts[:, image, repeat].T, WINDOW_S, trials, np.arange(n_units))


def _read_images(path: Path, side_px: int | None) -> np.ndarray:
    """Return (image, y, x) grey pixels between 0 and 1, in natural order of the names."""
    require_file(path)
    with reading(path, "zip"), ZipFile(path) as archive:
        entries = _image_entries(archive)
        first = _grey(archive, entries[0])
        shape = (first.height, first.width) if side_px is None else (side_px, side_px)
        n_bytes = int(np.prod(shape)) * 4 * len(entries)
        if n_bytes > _PIXEL_BYTES:
            raise UnsafeFileError(
                f"{path} unpacks to {n_bytes / 2**20:.0f} MiB of pixels; at most "
                f"{_PIXEL_BYTES / 2**20:.0f} MiB are read. Give image_side_px to make them smaller."
            )
        pixels = np.empty((len(entries), *shape), dtype=np.float32)
        for i, entry in enumerate(entries):
            picture = _grey(archive, entry)
            if picture.size != first.size:
                raise BadFileError(
                    f"{path}: {entry.filename} has {_told(picture)} pixels and "
                    f"{entries[0].filename} {_told(first)}. All must have one size: crop or resize "
                    "them to what was shown."
                )
            pixels[i] = _resized(picture, shape)
    if side_px is not None and first.height != first.width:
        warnings.warn(
            f"{path}: its images have {_told(first)} pixels (height x width); made {side_px} x "
            f"{side_px}, what they show is distorted. Crop them to squares.",
            SpikeloopWarning,
            stacklevel=3,
        )
    pixels /= 255
    return pixels


def _image_entries(archive: ZipFile) -> list[ZipInfo]:
    """Return the images of an archive, of bearable size, in natural order of their names."""
    path = archive.filename
    entries = sorted((e for e in archive.infolist() if _is_image(e)), key=_natural)
    for entry in entries:
        require_bytes(entry.file_size, f"{path}: {entry.filename}", _IMAGE_BYTES)
    require_bytes(sum(entry.file_size for entry in entries), str(path))
    require(bool(entries), f"{path} holds no .jpg or .png images.")
    return entries


def _grey(archive: ZipFile, entry: ZipInfo) -> "Image":
    """Return one image with pixels between 0 and 255."""
    from PIL import Image, UnidentifiedImageError

    name = f"{archive.filename}: {entry.filename}"
    with archive.open(entry) as file, warnings.catch_warnings(), reading(name, "an image"):
        # Pillow only warns of a picture that would fill the memory; here it is refused.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(file, formats=("JPEG", "PNG"))
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise UnsafeFileError(f"{name}: {error} Make the images smaller.") from error
        except UnidentifiedImageError as error:
            raise BadFileError(
                f"{name} ({entry.file_size} bytes) is not a JPEG or PNG image. Fetch or export it "
                "again."
            ) from error
        _require_plain(picture, name)
        if picture.mode.startswith("I"):  # 16 bits, which convert("L") would cut off at 255
            return Image.fromarray(np.asarray(picture, dtype=np.float32) / 257)
        return picture.convert("L")


def _resized(picture: "Image", shape: tuple[int, int]) -> np.ndarray:
    """Return (y, x) pixels, averaged where there are fewer than before."""
    from PIL import Image

    height, width = shape
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def _told(picture: "Image") -> str:
    return f"{picture.height} x {picture.width}"


def _require_plain(picture: "Image", name: str) -> None:
    """Refuse an animation, and a picture through which an unknown background would show."""
    require(
        getattr(picture, "n_frames", 1) == 1,
        f"{name} holds several frames. Save the frame that was shown as one image.",
    )
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    if see_through and not picture.mode.startswith("I"):
        see_through = picture.convert("RGBA").getchannel("A").getextrema()[0] < 255
    require(
        not see_through,
        f"{name} is transparent in places. Save it on the background that was shown.",
    )


def _is_image(entry: ZipInfo) -> bool:
    path = Path(entry.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() in (".jpg", ".jpeg", ".png")


def _natural(entry: ZipInfo) -> list[str | tuple[int, str]]:
    """Sort image10 after image9: digits count as numbers."""
    parts = re.split(r"(\d+)", entry.filename)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]
