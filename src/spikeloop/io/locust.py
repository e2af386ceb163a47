"""The tetrode in the locust's antennal lobe (Pouzat, Mazor & Laurent 2002)."""

import gzip
from pathlib import Path

import numpy as np

from spikeloop.data import Recording
from spikeloop.data.checks import require
from spikeloop.errors import BadFileError
from spikeloop.io.guard import reading, require_bytes, require_file

SAMPLE_RATE_HZ = 15000.0
SIDE_UM = 25.0
"""Nominal: the files do not tell how far apart the contacts were."""

_CHANNEL_BYTES = 64 * 2**20  # of one channel, unpacked; those that were published have 2.4 MB


def read_locust(folder: str | Path, *, scale_uV: float = 1.0) -> Recording:
    """Read the four channels ``Locust_1.dat.gz`` to ``Locust_4.dat.gz``: 20 s at 15 kHz.

    Each channel was divided by its standard deviation when it was published, so that its amplitude
    in uV is not known. Contacts are given as a square of 25 um, which is nominal.

    Parameters
    ----------
    folder
        Where the four files are.
    scale_uV
        What one standard deviation is taken to be, in uV.

    Raises
    ------
    BadFileError
        A file is missing or damaged, or the channels differ in length.
    UnsafeFileError
        A file unpacks to more than is read.
    InvalidInputError
        The samples or `scale_uV` are not finite.
    """
    folder = Path(folder)
    require(
        bool(np.isfinite(scale_uV)) and scale_uV > 0,
        f"scale_uV={scale_uV}: give what one standard deviation is, in uV.",
    )
    channels = [_channel(folder / f"Locust_{number}.dat.gz") for number in range(1, 5)]
    lengths = [len(channel) for channel in channels]
    if len(set(lengths)) > 1:
        raise BadFileError(
            f"{folder}: the four channels have {lengths} samples; they must have the same number. "
            "Fetch them again."
        )
    corners_um = SIDE_UM * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return Recording.from_array(np.stack(channels, axis=1) * scale_uV, SAMPLE_RATE_HZ, corners_um)


def _channel(path: Path) -> np.ndarray:
    """Return the float64 samples of one channel."""
    require_file(path)
    with reading(path, "gzip"), gzip.open(path) as file:
        content = file.read(_CHANNEL_BYTES + 1)
        require_bytes(len(content), str(path), _CHANNEL_BYTES)
        return np.frombuffer(content, dtype="<f8")
