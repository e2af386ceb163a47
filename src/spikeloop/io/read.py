"""The one door: any file or folder in, an experiment out."""

from pathlib import Path

from spikeloop.data import Experiment
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io.guard import require_file
from spikeloop.io.matlab import read_matlab
from spikeloop.io.npz import is_saved_experiment, read_npz
from spikeloop.io.nwb_read import read_nwb
from spikeloop.io.options import ReadOptions, require_applicable
from spikeloop.io.v4 import is_v4_folder, read_v4

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK"
_READERS = {
    "an NWB file": read_nwb,
    "a MATLAB file": read_matlab,
    "an npz file": read_npz,
    "an experiment written by save_npz": read_npz,
    "a folder of V4 responses": read_v4,
}
_SUFFIXES = {".nwb": "an NWB file", ".mat": "a MATLAB file", ".npz": "an npz file"}


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
        The content cannot be right, the options do not say enough, or one of them does not apply to
        this kind of file; the message names the file.

    Examples
    --------
    >>> read_experiment("c1p8.mat", ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0))
    Traceback (most recent call last):
    spikeloop.errors.BadFileError: c1p8.mat does not exist. Check the spelling of the path.
    """
    path, options = Path(path), options or ReadOptions()
    kind = _kind(path)
    try:
        require_applicable(options, kind)
        return _READERS[kind](path, options)
    except InvalidInputError as error:
        if str(path) in str(error):
            raise
        raise InvalidInputError(f"{path}: {error}") from error


def _kind(path: Path) -> str:
    """Return what a path is, as a key of `_READERS`."""
    try:
        is_folder = path.is_dir()
    except OSError:  # such as a name that is too long: require_file says so
        is_folder = False
    if is_folder:
        if is_v4_folder(path):
            return "a folder of V4 responses"
        raise BadFileError(
            f"{path} is a folder without images.zip and responses_mean.npy. Give a file, or the "
            "folder of one V4 session."
        )
    require_file(path)
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"MATLAB"):
        return "a MATLAB file"
    if start.startswith(_ZIP):
        saved = is_saved_experiment(path)
        return "an experiment written by save_npz" if saved else "an npz file"
    suffix = path.suffix.lower()
    if start.startswith(_HDF5):
        return "a MATLAB file" if suffix == ".mat" else "an NWB file"
    if suffix not in _SUFFIXES:
        raise BadFileError(f"{path} is neither NWB nor MATLAB nor npz. Convert it to one of these.")
    return _SUFFIXES[suffix]
