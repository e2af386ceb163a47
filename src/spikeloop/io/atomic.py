"""Files that are there whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spikeloop.errors import BadFileError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the path of a file to write beside `path`, and put it in place once it is written.

    Raises
    ------
    BadFileError
        The folder does not exist, or may not be written to, or the disk is full.
    """
    unfinished = path.with_name(f"{path.stem}.tmp-{os.getpid()}{path.suffix}")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        raise BadFileError(
            f"{path} cannot be written: {error.strerror or error}. Check the folder, who may write "
            "to it, and the space left."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
