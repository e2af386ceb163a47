"""MATLAB files in: version 5 by SciPy, version 7.3 by h5py."""

from pathlib import Path

import numpy as np

from spikeloop.data import Experiment
from spikeloop.errors import BadFileError, UnsafeFileError
from spikeloop.io.guard import reading, require_bytes, require_file
from spikeloop.io.hdf5 import Hdf5File
from spikeloop.io.named import experiment_of_variables
from spikeloop.io.options import ReadOptions

_NUMERIC = {
    *("double", "single", "logical", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
}


def read_matlab(path: str | Path, options: ReadOptions) -> Experiment:
    """Read a stimulus and spikes from a MATLAB file, by the names of the variables.

    Only arrays of numbers are read; see `experiment_of_variables` for their shapes. Axes are as
    MATLAB shows them, in version 7.3 too.

    Parameters
    ----------
    path
        A .mat file of any version from 4 to 7.3.
    options
        `stimulus`, `spikes`, `rate_hz` and `spikes_are`.

    Raises
    ------
    BadFileError
        The file is missing or damaged, or the variable is no array of numbers.
    MissingVariableError
        A variable is not there; the message lists those there are.
    InvalidInputError
        A name or the rate was not given, or stimulus and spikes do not fit each other.
    """
    import h5py

    path = Path(path)
    require_file(path)
    if h5py.is_hdf5(path):
        with Hdf5File(path) as file:
            return _read_hdf5(file, options)
    return _read_version_5(path, options)


def _read_version_5(path: Path, options: ReadOptions) -> Experiment:
    import scipy.io

    with reading(path, "MATLAB"):
        variables = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}

    def load(name: str) -> np.ndarray:
        shape, kind = variables[name]
        _require_numeric(path, name, kind)
        require_bytes(8 * int(np.prod(shape, dtype=object)), f"{path}: {name}")
        with reading(path, "MATLAB"):
            return scipy.io.loadmat(path, variable_names=[name])[name]

    shapes = {name: shape for name, (shape, _) in variables.items()}
    return experiment_of_variables(path, shapes, load, options)


def _read_hdf5(file: Hdf5File, options: ReadOptions) -> Experiment:
    names = [name for name in file.names() if not name.startswith("#")]
    shapes = {name: (file.shape(name) or ())[::-1] for name in names}

    def load(name: str) -> np.ndarray:
        _require_numeric(file.path, name, str(file.attribute(name, "MATLAB_class") or "unknown"))
        return file.array(name).T  # version 7.3 stores the axes the other way round

    return experiment_of_variables(file.path, shapes, load, options)


def _require_numeric(path: Path, name: str, kind: str) -> None:
    if kind in ("object", "opaque", "function", "function_handle"):
        raise UnsafeFileError(
            f"{path}: {name} is a MATLAB {kind}, which is not read. In MATLAB, save its numbers as "
            "an array of their own."
        )
    if kind not in _NUMERIC:
        raise BadFileError(
            f"{path}: {name} is a MATLAB {kind}: it must be an array of numbers. In MATLAB, save "
            "its numbers as an array of their own."
        )
