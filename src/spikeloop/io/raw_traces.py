"""Raw binary traces, sample after sample with all channels of each, as a lazy `Recording`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop.data import Recording
from spikeloop.data.checks import require
from spikeloop.errors import BadFileError
from spikeloop.io.guard import LONGEST_S, reading, require_file

_LARGEST_UV = 1e15  # beyond it, float32 has no room for the traces


@dataclass(frozen=True)
class RawFormat:
    """How the numbers of a raw file are to be read: uV = number * gain_uV + offset_uV."""

    gain_uV: float
    """What one step of the numbers is, in uV: for Intan 0.195, for Neuropixels 1.0 some 2.34."""
    dtype: str = "<i2"
    """The type of a number, as NumPy calls it: ``<i2`` is a little-endian int16."""
    offset_uV: float = 0.0
    """What the number 0 is, in uV."""
    header_bytes: int = 0
    """What to skip at the beginning of the file."""

    def __post_init__(self) -> None:
        try:
            kind = np.dtype(self.dtype).kind
        except TypeError:
            kind = ""
        require(
            kind != "" and kind in "iuf",
            f"dtype={self.dtype!r}: it must be a type of integers or real numbers, such as '<i2'.",
        )
        require(
            0 < abs(self.gain_uV) < _LARGEST_UV,
            f"gain_uV={self.gain_uV}: give what one step of the numbers is, in uV.",
        )
        require(
            abs(self.offset_uV) < _LARGEST_UV,
            f"offset_uV={self.offset_uV}: it must be below {_LARGEST_UV:g}.",
        )
        require(
            self.header_bytes >= 0,
            f"header_bytes={self.header_bytes}: it must be 0 or more.",
        )


def read_binary(
    path: str | Path, sample_rate_hz: float, contacts_um: np.ndarray, raw: RawFormat
) -> Recording:
    """Open a raw binary file, of which nothing is read until it is asked for.

    The file holds sample 0 of all channels, then sample 1 of all channels, and so on, with a
    channel for each contact. Use `read_probe` for the contacts of a probe file.

    Parameters
    ----------
    path
        The file.
    sample_rate_hz
        Samples per second.
    contacts_um
        (channel, 2) where each contact lies, x and y in um, in the order of the channels.
    raw
        The type of the numbers, and their gain.

    Raises
    ------
    BadFileError
        The file is missing, or does not hold a whole number of samples.
    InvalidInputError
        The rate or the contacts cannot be right, or the recording would last for years.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "traces.dat"
    >>> np.array([[100, -200], [300, 400]], "<i2").tofile(path)
    >>> recording = read_binary(path, 20000.0, [[0, 0], [0, 20]], RawFormat(gain_uV=0.5))
    >>> recording.read(0, 1).tolist()
    [[50.0, -100.0]]
    """
    path = Path(path).resolve()
    require_file(path)
    mapped = _Mapped(path, raw, len(np.asarray(contacts_um)))
    n_bytes = path.stat().st_size - raw.header_bytes
    n_samples, rest = divmod(n_bytes, max(mapped.sample_bytes, 1))
    if rest or n_samples <= 0:
        raise BadFileError(
            f"{path} has {n_bytes} bytes of samples: with {mapped.n_channels} channels of "
            f"{np.dtype(raw.dtype)} it must be a multiple of {mapped.sample_bytes}, above 0. Is it "
            "cut short? Check the number of contacts, dtype and header_bytes."
        )
    recording = Recording(mapped, n_samples, sample_rate_hz, contacts_um)
    require(
        recording.duration_s <= LONGEST_S,
        f"{path} lasts {recording.duration_s / 86400:.3g} days at {sample_rate_hz:g} Hz. Check "
        "sample_rate_hz, in samples per second.",
    )
    return recording


@dataclass(frozen=True)
class _Mapped:
    """Fetch from a memory-mapped file, opened anew each time so that it can be sent elsewhere."""

    path: Path
    raw: RawFormat
    n_channels: int

    @property
    def sample_bytes(self) -> int:
        return self.n_channels * np.dtype(self.raw.dtype).itemsize

    def __call__(self, start: int, stop: int) -> np.ndarray:
        offset = self.raw.header_bytes + start * self.sample_bytes
        shape = (stop - start, self.n_channels)
        with reading(self.path, "raw traces"):
            numbers = np.memmap(self.path, self.raw.dtype, "r", offset, shape)
            traces_uV = numbers.astype(np.float32)
        traces_uV *= np.float32(self.raw.gain_uV)
        if self.raw.offset_uV:
            traces_uV += np.float32(self.raw.offset_uV)
        return traces_uV
