"""MountainSort's .mda files: one array, after a header that tells its type and its axes.

The header is of little-endian int32: a code for the type, the bytes of a number, how many axes, and
the length of each. A negative number of axes says that the lengths are int64. The first axis runs
fastest.

Source: the description of the format in the documentation of MountainSort.
"""

from pathlib import Path

import numpy as np

from spikeloop.errors import BadFileError
from spikeloop.io.guard import require_bytes, require_file

_TYPES = {-2: "u1", -3: "f4", -4: "i2", -5: "i4", -6: "u2", -7: "f8", -8: "u4"}
_MOST_AXES = 50


def read_mda(path: str | Path) -> np.ndarray:
    """Return the array in an .mda file, with the axes that it tells.

    Raises
    ------
    BadFileError
        The file is missing, cut short, or of another kind.
    UnsafeFileError
        It claims more bytes than are read.
    """
    path = Path(path)
    require_file(path)
    n_there = path.stat().st_size
    with path.open("rb") as file:
        code, n_bytes, n_axes = np.frombuffer(file.read(12).ljust(12, b"\0"), "<i4").tolist()
        dtype = np.dtype(f"<{_TYPES.get(code, 'V1')}")
        if dtype.kind == "V" or n_bytes != dtype.itemsize or not 0 < abs(n_axes) <= _MOST_AXES:
            raise BadFileError(
                f"{path} is not an .mda file of real numbers: it begins with type {code}, "
                f"{n_bytes} bytes a number and {n_axes} axes. Fetch or export it again."
            )
        length = np.dtype("<i4" if n_axes > 0 else "<i8")
        shape = np.fromfile(file, length, abs(n_axes)).tolist()
        n_values = int(np.prod(shape, dtype=object))
        require_bytes(n_values * dtype.itemsize, str(path))
        n_wanted = file.tell() + n_values * dtype.itemsize
        if len(shape) != abs(n_axes) or min(shape) < 0 or n_wanted != n_there:
            raise BadFileError(
                f"{path} claims an array of shape {tuple(shape)} and {n_wanted} bytes; it has "
                f"{n_there}. It is cut short or damaged: fetch or export it again."
            )
        return np.fromfile(file, dtype, n_values).reshape(shape, order="F")
