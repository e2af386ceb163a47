"""A recording as a folder that spikeloop and SpikeInterface open.

* ``traces.dat``: (time, channel) little-endian int16, all channels of sample 0 first
* ``probe.json``: the contacts, in the format of probeinterface
* ``recording.json``: rate, channels, samples, gain, offset, the sha256 of ``traces.dat``
* ``ground_truth.npz``: the truth, where it is known; see `read_ground_truth`
* ``binary.json``, ``si_folder.json``: for ``spikeinterface.load(folder)``
"""

import errno
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

import spikeloop
from spikeloop.data import GroundTruth, Recording
from spikeloop.data.checks import require
from spikeloop.errors import (
    BadFileError,
    InvalidInputError,
    MissingVariableError,
    ResultsFolderError,
    SpikeloopWarning,
)
from spikeloop.io.ground_truth import FILE as TRUTH_FILE
from spikeloop.io.ground_truth import require_same_probe, require_truth, truth_arrays
from spikeloop.io.guard import reading, require_bytes, require_file
from spikeloop.io.probe import MAX_JSON_BYTES, read_probe, write_probe
from spikeloop.io.raw_traces import RawFormat, read_binary

TRACES_FILE = "traces.dat"
FORMAT_VERSION = 1

_LOWEST, _HIGHEST = -(2**15), 2**15 - 1
_CHUNK_NUMBERS = 2**20  # 4 MiB of float32: three such pieces stay in the cache of most processors
_EXTRA_BYTES = 2**20  # room for the small files
_KEYS = {
    "format_version": int,
    "sample_rate_hz": (int, float),
    "n_channels": int,
    "n_samples": int,
    "gain_uV": (int, float),
    "offset_uV": (int, float),
    "sha256": str,
}
_LARGEST_GAIN_UV = 1000.0  # a coarser step would round spikes to nothing
_FIXED = {"dtype": "<i2", "axes": ["time", "channel"]}


@dataclass(frozen=True)
class _Written:
    """What came out of writing the traces."""

    sha256: str
    n_clipped: int
    highest_uV: float


def save_recording(
    recording: Recording,
    folder: str | Path,
    *,
    truth: GroundTruth | None = None,
    gain_uV: float = 0.195,
) -> None:
    """Write a recording to a new folder, piece by piece, whole or not at all.

    Everything is written to ``FOLDER.partial``, which is renamed at the end. Voltages are rounded
    to multiples of `gain_uV`; those beyond the range of int16 are clipped, counted and warned of.

    Parameters
    ----------
    recording
        What to write; it is read once, from its beginning to its end.
    folder
        The folder to make.
    truth
        Its spikes and templates, where they are known: of a simulated one, those that
        ``truth.ground_truth()`` gives.
    gain_uV
        One step of the int16 numbers, in uV; 0.195 reaches to 6389 uV.

    Raises
    ------
    ResultsFolderError
        The folder exists already, or an unfinished one is in the way.
    InvalidInputError
        The recording or the truth is something else, a sample is not finite, the gain is not above
        0, or the truth is of another recording.
    BadFileError
        The disk is too full, or refuses; nothing stays.
    """
    _require_kinds(recording, truth)
    folder = Path(folder).resolve()
    require(
        0 < gain_uV <= _LARGEST_GAIN_UV,
        f"gain_uV={gain_uV}: give what one step of the int16 numbers is, above 0 uV and up to "
        f"{_LARGEST_GAIN_UV:g}.",
    )
    n_twice = recording.n_channels - len(np.unique(recording.contacts_um, axis=0))
    require(
        n_twice == 0,
        f"{n_twice} contacts of contacts_um lie at the place of another, which probe.json cannot "
        "hold. Give each channel a place of its own.",
    )
    arrays = {}
    if truth is not None:
        require_same_probe(truth, recording.n_channels, recording.sample_rate_hz)
        arrays = truth_arrays(truth, folder.name)
    n_bytes = 2 * recording.n_samples * recording.n_channels + _EXTRA_BYTES
    n_bytes += sum(array.nbytes for array in arrays.values())
    with _new_folder(folder, n_bytes) as partial:
        with (partial / TRACES_FILE).open("wb") as file:
            written = _write_traces(recording, file, gain_uV)
        write_probe(partial / "probe.json", recording.contacts_um)
        if truth is not None:
            with (partial / TRUTH_FILE).open("wb") as file:
                np.savez(file, **arrays)
        _write_json(partial / "binary.json", _for_spikeinterface(recording, gain_uV))
        _write_json(partial / "si_folder.json", _for_spikeinterface_load())
        _write_json(partial / "recording.json", _description(recording, gain_uV, written))
    if written.n_clipped:
        _warn_of_clipping(recording, gain_uV, written)


def read_recording(folder: str | Path, *, check_sha256: bool = False) -> Recording:
    """Open a folder that `save_recording` wrote; its traces stay on the disk until they are read.

    Parameters
    ----------
    folder
        The folder.
    check_sha256
        Read all traces once and compare them with the sum that was written down.

    Raises
    ------
    BadFileError
        A file is missing, damaged, cut short, or does not fit the others.
    """
    folder = Path(folder)
    description = _read_description(folder / "recording.json")
    contacts_um = read_probe(folder / "probe.json")
    n_channels, n_samples = description["n_channels"], description["n_samples"]
    if len(contacts_um) != n_channels:
        raise BadFileError(
            f"{folder}: probe.json has {len(contacts_um)} contacts and recording.json "
            f"{n_channels} channels. Take both from the same recording."
        )
    traces = folder / TRACES_FILE
    require_file(traces)
    n_bytes = traces.stat().st_size
    if n_bytes != 2 * n_samples * n_channels:
        raise BadFileError(
            f"{traces} has {n_bytes} bytes: {n_samples} samples of {n_channels} channels are "
            f"{2 * n_samples * n_channels}. It is cut short or of another recording: copy it again."
        )
    if check_sha256:
        _require_sha256(traces, description["sha256"])
    with reading(folder / "recording.json", "the description of a recording"):
        raw = RawFormat(description["gain_uV"], offset_uV=description["offset_uV"])
        return read_binary(traces, description["sample_rate_hz"], contacts_um, raw)


def _require_kinds(recording: object, truth: object) -> None:
    require(
        isinstance(recording, Recording),
        f"recording is a {type(recording).__name__}: give a Recording; of a simulated one, "
        "save_recording(made.recording, folder, truth=made.truth.ground_truth()).",
    )
    if truth is not None:
        require_truth(truth)


@contextmanager
def _new_folder(folder: Path, n_bytes: int) -> Iterator[Path]:
    """Give a folder to write to, and put it in place of `folder` once all is written."""
    if folder.exists():
        raise ResultsFolderError(f"{folder} exists already. Choose another folder, or remove it.")
    partial = folder.with_name(f"{folder.name}.partial")
    if partial.exists():
        raise ResultsFolderError(
            f"{partial} is in the way: a recording is being written there, or was cut off. Wait "
            "for it, or remove the folder."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder.parent).free < n_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        partial.mkdir()
    except OSError as error:
        raise _disk_error(folder, n_bytes, error) from error
    try:
        yield partial
        for path in partial.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)  # first, to tell the space that there is then
        raise _disk_error(folder, n_bytes, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _disk_error(folder: Path, n_bytes: int, error: OSError) -> BadFileError:
    if errno.errorcode.get(error.errno) in ("ENOSPC", "EDQUOT"):  # Windows has no quota
        n_free = shutil.disk_usage(folder.parent).free
        return BadFileError(
            f"{folder} cannot be written: it needs {n_bytes} bytes ({n_bytes / 1e9:.3g} GB), and "
            f"{n_free} are free. Nothing was kept. Make room, or choose another disk."
        )
    return BadFileError(
        f"{folder} cannot be written: {error.strerror or error}. Nothing was kept. Check the path, "
        "and who may write there."
    )


def _write_traces(recording: Recording, file: IO[bytes], gain_uV: float) -> _Written:
    sha256, n_clipped, highest_uV = hashlib.sha256(), 0, 0.0
    for start, stop in recording.chunks(max(1, _CHUNK_NUMBERS // recording.n_channels)):
        traces_uV = recording.read(start, stop)
        largest_uV = float(max(traces_uV.max(), -traces_uV.min()))
        if not np.isfinite(largest_uV):
            time, channel = np.argwhere(~np.isfinite(traces_uV))[0]
            raise InvalidInputError(
                f"sample {start + time} of channel {channel} is {traces_uV[time, channel]}: all "
                "must be finite. Nothing was kept. Find out where it comes from."
            )
        highest_uV = max(highest_uV, largest_uV)
        with np.errstate(over="ignore"):  # what becomes infinite is clipped like all else
            steps = traces_uV / np.float32(gain_uV)
        np.rint(steps, out=steps)
        if largest_uV / gain_uV > _HIGHEST:
            n_clipped += int(np.sum((steps < _LOWEST) | (steps > _HIGHEST)))
            np.clip(steps, _LOWEST, _HIGHEST, out=steps)
        numbers = steps.astype("<i2")
        file.write(numbers)
        sha256.update(numbers)
    return _Written(sha256.hexdigest(), n_clipped, highest_uV)


def _warn_of_clipping(recording: Recording, gain_uV: float, written: _Written) -> None:
    share = written.n_clipped / (recording.n_samples * recording.n_channels)
    warnings.warn(
        f"{written.n_clipped} samples ({100 * share:.2g} %) lay beyond {_HIGHEST * gain_uV:.5g} "
        f"uV, up to {written.highest_uV:.5g} uV, and were clipped. To keep them, use gain_uV="
        f"{1.001 * written.highest_uV / _HIGHEST:.3g} or more.",
        SpikeloopWarning,
        stacklevel=3,
    )


def _description(recording: Recording, gain_uV: float, written: _Written) -> dict[str, object]:
    return {
        "format": "spikeloop recording",
        "format_version": FORMAT_VERSION,
        "spikeloop": spikeloop.__version__,
        "sample_rate_hz": recording.sample_rate_hz,
        "n_channels": recording.n_channels,
        "n_samples": recording.n_samples,
        **_FIXED,
        "gain_uV": gain_uV,
        "offset_uV": 0.0,
        "n_clipped": written.n_clipped,
        "sha256": written.sha256,
    }


def _for_spikeinterface(recording: Recording, gain_uV: float) -> dict[str, object]:
    """Return what SpikeInterface asks of the folder of a binary recording."""
    return {
        "class": "spikeinterface.core.binaryrecordingextractor.BinaryRecordingExtractor",
        "module": "spikeinterface",
        "version": "0.101.0",
        "relative_paths": True,
        "annotations": {},
        "properties": {},
        "kwargs": {
            "file_paths": [TRACES_FILE],
            "sampling_frequency": recording.sample_rate_hz,
            "num_channels": recording.n_channels,
            "dtype": "<i2",
            "t_starts": None,
            "channel_ids": [str(channel) for channel in range(recording.n_channels)],
            "time_axis": 0,
            "file_offset": 0,
            "gain_to_uV": [gain_uV] * recording.n_channels,
            "offset_to_uV": [0.0] * recording.n_channels,
            "is_filtered": False,
        },
    }


def _for_spikeinterface_load() -> dict[str, object]:
    return {
        "class": "spikeinterface.core.binaryfolder.BinaryFolderRecording",
        "module": "spikeinterface",
        "version": "0.101.0",
        "relative_paths": True,
        "annotations": {},
        "properties": {},
        "kwargs": {"folder_path": "."},
    }


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read_description(path: Path) -> dict[str, object]:
    require_file(path)
    require_bytes(path.stat().st_size, str(path), MAX_JSON_BYTES)
    with reading(path, "JSON"):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise BadFileError(f"{path} does not describe a recording. Save the recording again.")
    for name, kind in _KEYS.items():
        if name not in content:
            raise MissingVariableError(f"{path} lacks {name}. Save the recording again.")
        if not isinstance(content[name], kind) or isinstance(content[name], bool):
            raise BadFileError(f"{path}: {name}={content[name]!r}. Save the recording again.")
    if content["format_version"] != FORMAT_VERSION:
        raise BadFileError(
            f"{path} is of format {content['format_version']}; this spikeloop reads "
            f"{FORMAT_VERSION}. Read it with spikeloop {content.get('spikeloop')}."
        )
    for name, value in _FIXED.items():
        if content.get(name, value) != value:
            raise BadFileError(
                f"{path}: {name}={content[name]!r}, and traces are read as {value!r}. Read them "
                "with read_binary."
            )
    return content


def _require_sha256(path: Path, wanted: str) -> None:
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != wanted:
        raise BadFileError(
            f"{path} has sha256 {got}; {wanted} was written down. It is damaged: copy it again."
        )
