"""MATLAB files in, of version 5 to 7 and of version 7.3, which is HDF5."""

from pathlib import Path

import numpy as np

from spikeloop.data import Experiment
from spikeloop.errors import BadFileError, UnsafeFileError
from spikeloop.io.guard import require_file
from spikeloop.io.hdf5 import Hdf5File
from spikeloop.io.mat5 import list_variables, values_of
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
        A .mat file of any version from 5 to 7.3.
    options
        `stimulus`, `spikes`, `spike_units`, `rate_hz` and `spikes_are`.

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
    variables = list_variables(path)

    def load(name: str) -> np.ndarray:
        _require_numeric(path, name, variables[name].kind)
        return values_of(variables[name], f"{path}: {name}")

    shapes = {name: variable.shape for name, variable in variables.items()}
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
