"""The one door: any file or folder in, an experiment out."""

from pathlib import Path

from spikeloop.data import Experiment
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io.guard import require_file
from spikeloop.io.matlab import read_matlab
from spikeloop.io.npz import read_npz
from spikeloop.io.nwb_read import read_nwb
from spikeloop.io.options import ReadOptions
from spikeloop.io.v4 import is_v4_folder, read_v4

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK"
_READERS = {".nwb": read_nwb, ".mat": read_matlab, ".npz": read_npz}


def read_experiment(path: str | Path, options: ReadOptions | None = None) -> Experiment:
    """Read an NWB, MATLAB or npz file, or a folder of V4 responses.

    The content decides what a file is, and its name where the content does not tell.

    Parameters
    ----------
    path
        The file, or the folder with ``images.zip`` and ``responses_mean.npy``.
    options
        Which variables to read; see `ReadOptions`.

    Raises
    ------
    BadFileError
        The file is missing, damaged, unsafe, or of no kind known here.
    InvalidInputError
        The content cannot be right, or the options do not say enough; the message names the file.

    Examples
    --------
    >>> read_experiment("c1p8.mat", ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0))
    Traceback (most recent call last):
    spikeloop.errors.BadFileError: c1p8.mat does not exist. Check the path for a slip of the pen.
    """
    path, options = Path(path), options or ReadOptions()
    if path.is_dir():
        if not is_v4_folder(path):
            raise BadFileError(
                f"{path} is a folder without images.zip and responses_mean.npy. Give a file, or "
                "the folder of one V4 session."
            )
        reader = read_v4
    else:
        reader = _READERS[_kind(path)]
    try:
        return reader(path, options)
    except InvalidInputError as error:
        if str(path) in str(error):
            raise
        raise InvalidInputError(f"{path}: {error}") from error


def _kind(path: Path) -> str:
    require_file(path)
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"MATLAB"):
        return ".mat"
    if start.startswith(_ZIP):
        return ".npz"
    suffix = path.suffix.lower()
    if start.startswith(_HDF5):
        return ".mat" if suffix == ".mat" else ".nwb"
    if suffix not in _READERS:
        raise BadFileError(f"{path} is neither NWB nor MATLAB nor npz. Convert it to one of these.")
    return suffix
