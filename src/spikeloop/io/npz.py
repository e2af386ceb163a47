"""NumPy archives: whole experiments out and in, and a user's own variables in. Nothing unpickled.

An experiment is stored under the paths of its fields: ``spikes.times_s``, ``spikes.unit_ids``,
``spikes.epochs.start_s``, ``spikes.unit_table.<column>``, ``stimulus.values``,
``stimulus.sample_rate_hz``, ``trials.stimulus_id``, ``trials.conditions.<column>``,
``images.pixels``, ``responses.counts``, ``responses.trials.stimulus_id`` and so on, with the
meaning, shape and unit of the field. What an experiment lacks is left out.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import numpy as np

from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.data.checks import require
from spikeloop.errors import BadFileError, InvalidInputError, MissingVariableError, UnsafeFileError
from spikeloop.io.atomic import whole_file
from spikeloop.io.guard import listing, reading, require_bytes, require_file
from spikeloop.io.named import experiment_of_variables
from spikeloop.io.options import ReadOptions

_NOUNS = {
    "spikes": SpikeTrains,
    "epochs": Epochs,
    "stimulus": TimeSeries,
    "trials": Trials,
    "images": Images,
    "responses": Responses,
}
_TABLES = ("unit_table", "conditions")


def save_npz(path: str | Path, experiment: Experiment) -> None:
    """Write an experiment to an .npz file, whole or not at all; the same one, the same bytes.

    Spikes alone become an experiment by a name: ``Experiment("name", spikes=spikes)``.

    Raises
    ------
    InvalidInputError
        It is no `Experiment`, or a column holds neither numbers nor words.
    """
    require(
        isinstance(experiment, Experiment),
        f"experiment is a {type(experiment).__name__}: only an Experiment can be loaded again. For "
        'spikes: save_npz(path, Experiment("name", spikes=spikes)).',
    )
    arrays = _flat("", experiment)
    with whole_file(Path(path)) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **arrays)


def load_npz(path: str | Path) -> Experiment:
    """Read an experiment that `save_npz` wrote.

    Raises
    ------
    BadFileError
        The file is missing, damaged, or has no experiment in it.
    UnsafeFileError
        It holds pickled objects, or claims more bytes than are read.
    """
    path = Path(path)
    headers = npz_headers(path)
    if not _is_saved(headers):
        raise MissingVariableError(
            f"{path} holds no saved experiment, but {listing(_shapes(headers))}. Say which of "
            "these is the stimulus, and which the spikes."
        )
    n_bytes = sum(
        int(np.prod(shape, dtype=object)) * dtype.itemsize for shape, dtype in headers.values()
    )
    require_bytes(n_bytes, str(path))
    arrays = {name: load_variable(path, name) for name in headers}
    parts = {n: _noun(t, n, arrays, path) for n, t in _NOUNS.items() if n != "epochs"}
    return Experiment(str(arrays["name"]), **parts)


def read_npz(path: str | Path, options: ReadOptions) -> Experiment:
    """Read a saved experiment, or a stimulus and spikes by the names of the variables.

    Raises
    ------
    BadFileError
        The file is missing or damaged.
    UnsafeFileError
        It holds pickled objects, or claims more bytes than are read.
    MissingVariableError
        A variable is not there; the message lists those there are.
    InvalidInputError
        A name or the rate was not given, or stimulus and spikes do not fit each other.
    """
    path = Path(path)
    headers = npz_headers(path)
    if _is_saved(headers):
        return load_npz(path)
    return experiment_of_variables(
        path, _shapes(headers), lambda name: load_variable(path, name), options
    )


def is_saved_experiment(path: Path) -> bool:
    """Tell what `save_npz` wrote from an .npz file with a user's own variables."""
    return _is_saved(npz_headers(path))


def npz_headers(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Return the shape and type of every array in an .npz file, refusing pickles and bombs."""
    require_file(path)
    headers = {}
    with reading(path, "npz"), ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):  # not an array
                continue
            require_bytes(info.file_size, f"{path}: {info.filename}")
            with archive.open(info) as file:
                shape, _, dtype = array_header(file, info.file_size, f"{path}: {info.filename}")
            headers[info.filename.removesuffix(".npy")] = (shape, dtype)
    return headers


def load_variable(path: Path, name: str) -> np.ndarray:
    """Return one array of an .npz file."""
    with reading(path, "npz"), ZipFile(path) as archive:
        info = archive.getinfo(f"{name}.npy")
        with archive.open(info) as file:
            return load_array(file, info.file_size, f"{path}: {name}")


def load_array(file: IO[bytes], n_bytes: int, where: str) -> np.ndarray:
    """Read an array in the .npy format from the `n_bytes` of an open file."""
    shape, fortran_order, dtype = array_header(file, n_bytes, where)
    flat = np.frombuffer(file.read(), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran_order else "C")


def array_header(
    file: IO[bytes], n_bytes: int, where: str
) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, order and type of an .npy file, checked against its size before reading it."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise BadFileError(f"{where} is of .npy version {version}: save it as a plain array.")
    shape, fortran_order, dtype = read[version](file)
    if dtype.hasobject:
        raise UnsafeFileError(
            f"{where} holds pickled Python objects: reading it could run code. Save it as an array "
            "of numbers or words."
        )
    claimed = dtype.itemsize * int(np.prod(shape, dtype=object))
    require_bytes(claimed, where)
    if file.tell() + claimed != n_bytes:
        raise BadFileError(
            f"{where} has shape {shape} and type {dtype}, which is {claimed} bytes, but "
            f"{n_bytes - file.tell()} are there. Fetch or export it again."
        )
    return shape, fortran_order, dtype


def _is_saved(names: Mapping[str, object]) -> bool:
    return "name" in names and ("spikes.times_s" in names or "responses.counts" in names)


def _shapes(headers: dict[str, tuple[tuple[int, ...], np.dtype]]) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, (shape, _) in headers.items()}


def _flat(prefix: str, value: object) -> dict[str, np.ndarray]:
    """Return the arrays of a noun under the paths of its fields."""
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, Mapping):
        parts = value
    else:
        return {} if value is None else {prefix: storable(prefix, value)}
    flat = {}
    for name, part in parts.items():
        flat |= _flat(f"{prefix}.{name}" if prefix else name, part)
    return flat


def storable(name: str, value: object) -> np.ndarray:
    """Return an array of numbers or words; refuse objects, which only pickle could store."""
    array = np.asarray(value)
    if array.dtype.kind in "OT" and all(isinstance(item, str) for item in array.flat):
        array = array.astype(str)
    if array.dtype.hasobject:
        raise InvalidInputError(
            f"{name} holds objects that are neither numbers nor words. Turn them into one of these."
        )
    return array


def _noun(noun: type, prefix: str, arrays: dict[str, np.ndarray], path: Path) -> object | None:
    """Return the noun whose fields are stored under `prefix`; None if none of them is."""
    given = {}
    for field in fields(noun):
        place = f"{prefix}.{field.name}"
        if field.name in _TABLES:
            start = place + "."
            columns = [name for name in arrays if name.startswith(start)]
            given[field.name] = {name.removeprefix(start): arrays[name] for name in columns}
        elif field.name in _NOUNS:
            given[field.name] = _noun(_NOUNS[field.name], place, arrays, path)
        elif place in arrays:
            given[field.name] = arrays[place][()]
    if not any(name.startswith(prefix + ".") for name in arrays):
        return None
    needed = [f.name for f in fields(noun) if f.default is f.default_factory is MISSING]
    for name in needed:
        if given.get(name) is None:
            raise MissingVariableError(f"{path} lacks {prefix}.{name}. Save the experiment again.")
    with reading(path, "a saved experiment"):
        return noun(**given)
