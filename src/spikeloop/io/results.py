"""The results folder: complete or absent, and able to go on where it was cut off.

A run works in ``OUT.partial``, renamed to ``OUT`` at its end, after ``manifest.json`` has been
written with the sha256 of every file. So a folder without a manifest is not finished. Steps are
kept as they end: a run that was killed goes on with ``resume``, which trusts a step only where
the settings, the inputs, the version and the file's own hash are those recorded.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import spikeloop
from spikeloop.errors import ResultsFolderError
from spikeloop.io.config import plain, write_config

Result = TypeVar("Result")
_LIBRARIES = (
    *("numpy", "scipy", "numba", "jax", "jaxlib", "optax", "safetensors", "scikit-learn"),
    *("pandas", "h5py", "pynwb", "matplotlib"),
)


@dataclass(frozen=True)
class Run:
    """What decides the outcome of a run, and how it was asked for."""

    job: str
    """The subcommand, like ``characterize``."""
    config: object
    """The settings: a frozen dataclass."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """File name -> sha256 of every input."""
    command: str = ""
    """The command line, for the record; it decides nothing."""

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for the steps of one run to serve another."""
        return {
            "job": self.job,
            "version": spikeloop.__version__,
            "config": plain(self.config),
            "inputs": dict(self.inputs),
        }


class ResultsFolder:
    """The folder of a run that is going on; made by `open_results`."""

    def __init__(self, path: Path, run: Run) -> None:
        self.path = path
        self.run = run
        self.reused: list[str] = []
        self._steps: dict[str, str] = _read_json(path / "steps.json")

    def file(self, name: str, write: Callable[[Path], None]) -> Path:
        """Return the path of file `name`, made by ``write(path)`` unless an earlier run did."""
        path = self.path / name
        if path.exists() and self._steps.get(name) == sha256_of(path):
            self.reused.append(name)
            return path
        part = path.with_name(f"part-{name}")
        write(part)
        os.replace(part, path)
        self._steps[name] = sha256_of(path)
        write_text(self.path / "steps.json", json.dumps(self._steps))
        return path

    def result(self, name: str, result_type: type[Result], make: Callable[[], Result]) -> Result:
        """Return ``make()``, kept as ``name.npz``, or read it back where an earlier run made it."""
        made: list[Result] = []

        def write(path: Path) -> None:
            made.append(make())
            write_arrays(path, to_arrays(made[0]))

        path = self.file(f"{name}.npz", write)
        return made[0] if made else from_arrays(result_type, path)

    def finish(self) -> None:
        """Write ``config.toml`` and, last, ``manifest.json``."""
        write_config(self.path / "config.toml", self.run.config)
        for leftover in ("steps.json", "run.json", "run.pid"):
            (self.path / leftover).unlink(missing_ok=True)
        files = {
            path.relative_to(self.path).as_posix(): {
                "sha256": sha256_of(path),
                "bytes": path.stat().st_size,
            }
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
        }
        manifest = {
            **self.run.identity(),
            "command": self.run.command,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "files": files,
        }
        write_text(self.path / "manifest.json", json.dumps(manifest, indent=1))


@contextmanager
def open_results(
    out: Path, run: Run, *, overwrite: bool = False, resume: bool = False
) -> Iterator[ResultsFolder]:
    """Open a results folder for a run, and put it in its place when the run ends well.

    Parameters
    ----------
    out
        The folder to make.
    run
        What is run.
    overwrite
        Replace a folder that is there already, once the new one is complete.
    resume
        Go on with ``OUT.partial``, left by the same run when it was cut off.

    Raises
    ------
    ResultsFolderError
        The folder exists and `overwrite` is false, or was not made by a run; an unfinished one is
        in the way, or a run is still working there; the one to resume is of other settings, inputs
        or version; or the disk refuses.
    """
    with _as_refusals(out):
        out = Path(out).resolve()
        if not out.name:
            raise ResultsFolderError(f"{out} cannot be a results folder. Name one inside it.")
        partial = out.with_name(out.name + ".partial")
        _check_place(out, overwrite=overwrite)
        _prepare(partial, run, overwrite=overwrite, resume=resume)
    folder = ResultsFolder(partial, run)
    try:
        with _as_refusals(out):
            yield folder
            folder.finish()
            _put_in_place(partial, out, overwrite=overwrite)
    except Exception:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def _as_refusals(out: Path) -> Iterator[None]:
    """Turn what the disk refuses into a `ResultsFolderError` in our words."""
    try:
        yield
    except OSError as error:
        raise ResultsFolderError(
            f"{out} cannot be written: {error.strerror or error}. Check the path, who may write "
            "there, and the space left."
        ) from error


def _check_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is in the way, and to overwrite anything that a run did not make."""
    if not out.exists():
        return
    if not overwrite:
        raise ResultsFolderError(
            f"{out} exists already. Choose another --out, or replace it with --overwrite."
        )
    made = {*_read_json(out / "manifest.json").get("files", {}), "manifest.json"}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*")} if out.is_dir() else {"."}
    if "manifest.json" not in there or not there <= made:
        strange = ", ".join(sorted(there - made)[:3]) or "no manifest.json"
        raise ResultsFolderError(
            f"{out} is not a results folder as a run leaves it ({strange}), so it is not "
            "overwritten. Choose another --out."
        )


def _prepare(partial: Path, run: Run, *, overwrite: bool, resume: bool) -> None:
    identity = json.dumps(run.identity(), sort_keys=True)
    if partial.exists():
        _refuse_strange_or_busy(partial)
    if partial.exists() and resume:
        changed = _differences(_read_json(partial / "run.json"), json.loads(identity))
        if changed:
            raise ResultsFolderError(
                f"{partial} is of another run: {'; '.join(changed[:3])}. Resume with the settings "
                "it was started with, or start anew with --overwrite."
            )
        for unfinished in partial.glob("part-*"):
            unfinished.unlink()
        write_text(partial / "run.pid", str(os.getpid()))
        return
    if partial.exists() and not overwrite:
        raise ResultsFolderError(
            f"{partial} holds a run that was cut off. Go on with --resume, or start anew with "
            "--overwrite."
        )
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    write_text(partial / "run.pid", str(os.getpid()))
    write_text(partial / "run.json", identity)


def _refuse_strange_or_busy(partial: Path) -> None:
    if not (partial / "run.pid").is_file():
        raise ResultsFolderError(
            f"{partial} is in the way, and was not left by a run. Move it, or choose another --out."
        )
    process = (partial / "run.pid").read_text(encoding="utf-8").strip()
    if process.isdigit() and _is_alive(int(process)):
        raise ResultsFolderError(
            f"Process {process} is still working in {partial}. Wait for it, or choose another "
            "--out."
        )


def _is_alive(process: int) -> bool:
    """Return whether another process of this number runs; on Windows that is not known."""
    if os.name != "posix" or process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_json(path: Path) -> dict[str, Any]:
    """Return what a file of ours holds; nothing where it is missing or not ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _differences(before: object, now: object, name: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        pairs = [(before.get(key), now.get(key), f"{name}.{key}".lstrip(".")) for key in keys]
        return [text for old, new, key in pairs for text in _differences(old, new, key)]
    return [] if before == now else [f"{name} was {before!r} and is {now!r}"]


def _put_in_place(partial: Path, out: Path, *, overwrite: bool) -> None:
    _check_place(out, overwrite=overwrite)  # again: somebody may have put something there meanwhile
    if not out.exists():
        os.replace(partial, out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent)) / "old"
    os.replace(out, old)
    os.replace(partial, out)
    shutil.rmtree(old.parent)


def write_text(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    part = path.with_name(f"part-{path.name}")
    with part.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an npz file; the same arrays give the same bytes."""
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, or of the files of a folder in the order of their names."""
    path = Path(path)
    if path.is_dir():
        parts = sorted(file for file in path.rglob("*") if file.is_file())
        lines = [f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n" for file in parts]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python, spikeloop and the libraries that decide its numbers."""
    found = {name: version(name) for name in _LIBRARIES}
    return {"spikeloop": spikeloop.__version__, "python": platform.python_version(), **found}


def to_arrays(result: object) -> dict[str, np.ndarray]:
    """Return the fields of a frozen result as arrays, leaving out those that are None.

    Raises
    ------
    TypeError
        A field would need pickle.
    """
    values = {item.name: getattr(result, item.name) for item in fields(result)}
    arrays = {name: np.asarray(value) for name, value in values.items() if value is not None}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{type(result).__name__}.{name} cannot be stored as plain numbers.")
    return arrays


def from_arrays(result_type: type[Result], path: Path) -> Result:
    """Read a result that `to_arrays` has stored; what was left out comes back as None."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    values = {name: array.item() if array.ndim == 0 else array for name, array in arrays.items()}
    return result_type(**{item.name: values.get(item.name) for item in fields(result_type)})
