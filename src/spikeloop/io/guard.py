"""What every reader asks of a file before it believes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from spikeloop.errors import BadFileError, SpikeloopError, SpikeloopWarning, UnsafeFileError

MAX_BYTES = 4 * 2**30
"""The largest variable that is read. A file may claim any size, so the claim is checked first."""

LONGEST_S = 366 * 86400.0
"""The longest recording that is read: one that seems longer has a wrong rate or wrong times."""


def require_file(path: Path) -> None:
    """Refuse a path that is missing, no ordinary file, empty, or not to be read."""
    try:
        if not path.exists():
            raise BadFileError(f"{path} does not exist. Check the spelling of the path.")
        if path.is_dir():
            raise BadFileError(f"{path} is a folder: give the path of a file in it.")
        if not path.is_file():  # opening a pipe would wait for ever
            raise BadFileError(
                f"{path} is a pipe or a device. Save its content as a file, and give that file."
            )
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise BadFileError(
            f"{path} cannot be opened: {error.strerror}. Check the path and its permissions."
        ) from error
    if not first:
        raise BadFileError(f"{path} is empty. Fetch or export it again.")


@contextmanager
def reading(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a parser raises on a damaged file into a `BadFileError` that names the file.

    Wrap calls of foreign parsers in it, never our own reasoning about what they returned.
    """
    try:
        yield
    except (SpikeloopError, SpikeloopWarning):
        raise
    except Exception as error:  # a parser of damaged bytes can raise anything
        raise BadFileError(
            f"{path} cannot be read as {kind} ({type(error).__name__}: {error}). It is cut short, "
            f"damaged, or of another kind: fetch or export it again.{_hint(error)}"
        ) from error


def _hint(error: Exception) -> str:
    # Network disks refuse locks with EIO, EAGAIN or ENOLCK, and HDF5 says "unable to lock file".
    if isinstance(error, OSError) and (error.errno in (5, 11, 37) or "lock file" in str(error)):
        return " If it lies on a network disk, set HDF5_USE_FILE_LOCKING=FALSE and try again."
    return ""


def require_bytes(n_bytes: int, what: str, limit: int = MAX_BYTES) -> None:
    """Refuse a variable that claims more than `limit`, before any memory is given to it."""
    if n_bytes > limit:
        raise UnsafeFileError(
            f"{what} claims {n_bytes / 2**20:.0f} MiB; at most {limit / 2**20:.0f} MiB are read. "
            "Save the part that you need in a file of its own."
        )


def listing(shapes: dict[str, object]) -> str:
    """Return names with their shapes, for a message that says what a file holds.

    >>> listing({"stim": (600, 1), "rho": (600, 1)})
    'stim (600, 1), rho (600, 1)'
    """
    names = [f"{name} {shape}" for name, shape in list(shapes.items())[:40]]
    more = len(shapes) - len(names)
    return (", ".join(names) or "nothing") + (f" and {more} more" if more else "")


def as_text(array: np.ndarray) -> np.ndarray:
    """Return byte strings and string objects as an array of str; other arrays as they are.

    >>> as_text(np.array([b"VISp", b"VISl"])).tolist()
    ['VISp', 'VISl']
    """
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind == "O":
        words = [
            w.decode("utf-8", "replace") if isinstance(w, bytes) else str(w) for w in array.flat
        ]
        return np.array(words, dtype=str).reshape(array.shape)
    return array
