"""Published recordings by name, fetched once and kept in a folder of this machine.

================== ============================================================================
SPIKELOOP_DATA     the folder that keeps them; without it, the cache folder of the user
SPIKELOOP_MIRROR   an https address or a folder that has them as ``NAME/FILE``, as another
                   machine's SPIKELOOP_DATA has; without it, the place of publication
================== ============================================================================
"""

import hashlib
import os
import shutil
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import numpy as np

from spikeloop.errors import FetchError, InvalidInputError
from spikeloop.io.atomic import whole_file
from spikeloop.io.download import LocalCopier, RemoteFile, ResumingDownloader
from spikeloop.io.guard import reading, require_file


@dataclass(frozen=True)
class KnownArray:
    """An array that a MATLAB file must hold: files differ with who saved them, numbers do not."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str
    """Of the bytes of the array as `dtype`, row after row."""


@dataclass(frozen=True)
class Dataset:
    """A published recording that spikeloop knows how to get, or how to check."""

    name: str
    what: str
    """What was recorded, in a few words."""
    licence: str
    citation: str
    use: str
    """A command that reads it; ``{folder}`` stands for its folder."""
    files: tuple[RemoteFile, ...] = ()
    """What to download; empty where there is no address, and the file must be got by hand."""
    by_hand: str = ""
    """The name of the file that must be got by hand."""
    where: str = ""
    """Where to get it by hand."""
    arrays: tuple[KnownArray, ...] = ()
    """What the file that was got by hand must hold."""

    @property
    def folder(self) -> Path:
        """The folder that holds the files once they are fetched."""
        return data_folder() / self.name

    @property
    def n_bytes(self) -> int | None:
        """The size of the files together, or None where it depends on who saved them."""
        return sum(file.n_bytes for file in self.files) if self.files else None

    @property
    def is_fetched(self) -> bool:
        """Whether all files are in `folder`; `fetch_dataset` checks their content too."""
        names = [file.name for file in self.files] or [self.by_hand]
        return all((self.folder / name).is_file() for name in names)


def list_datasets() -> list[Dataset]:
    """Return the recordings that `fetch_dataset` knows, in order of name.

    >>> [dataset.name for dataset in list_datasets()][:2]
    ['h1', 'v4-190925']
    """
    return list(_registry().values())


def find_dataset(name: str) -> Dataset:
    """Return the entry of one data set.

    Raises
    ------
    InvalidInputError
        There is no data set of that name; the message lists those there are.
    """
    known = _registry()
    if name not in known:
        raise InvalidInputError(
            f"there is no data set {name!r}. Choose one of: {', '.join(known)}."
        )
    return known[name]


def fetch_dataset(name: str, *, source: str | Path | None = None) -> Path:
    """Return the folder of a data set, after fetching and checking what it lacks.

    A download that breaks off is kept as ``FILE.part`` and continued by the next call. A file is
    put in place once its sha256 is right, so what the folder holds is whole.

    Parameters
    ----------
    name
        One of `list_datasets`.
    source
        A folder that holds the files under the names they have in the data set, or the file
        itself where there is only one. None downloads them.

    Raises
    ------
    InvalidInputError
        There is no data set of that name.
    FetchError
        The address cannot be reached, the content is not what was published, the mirror is neither
        https nor local, or the data set must be got by hand.
    BadFileError
        The file that was got by hand is missing or damaged, or the folder cannot be written to.

    Examples
    --------
    >>> fetch_dataset("v5")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    spikeloop.errors.InvalidInputError: there is no data set 'v5'. Choose one of: h1, v4-190925, ...
    """
    dataset = find_dataset(name)
    source = None if source is None else Path(source).expanduser()
    fetch = _fetch_files if dataset.files else _fetch_by_hand
    try:
        fetch(dataset, source)
    except OSError as error:
        raise FetchError(
            f"{dataset.folder} cannot be filled: {error}. Set SPIKELOOP_DATA to a folder that you "
            "may write to, with room."
        ) from error
    finally:
        with suppress(OSError):  # it holds files, or was never made
            dataset.folder.rmdir()
    return dataset.folder


def data_folder() -> Path:
    """Return the folder that keeps all data sets: SPIKELOOP_DATA, or the user's cache folder."""
    import pooch

    folder = os.environ.get("SPIKELOOP_DATA")
    return Path(folder).expanduser() if folder else pooch.os_cache("spikeloop")


@cache
def _registry() -> dict[str, Dataset]:
    text = files("spikeloop.io").joinpath("registry.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    known = (_dataset(entry, content["collection"]) for entry in content["dataset"])
    return {dataset.name: dataset for dataset in known}


def _dataset(entry: dict, collections: dict) -> Dataset:
    collection = collections[entry["collection"]]
    return Dataset(
        name=entry["name"],
        what=entry["what"],
        licence=collection["licence"],
        citation=collection["citation"],
        use=collection["use"],
        files=tuple(
            RemoteFile(
                file["name"], collection["address"] + file["path"], file["n_bytes"], file["sha256"]
            )
            for file in entry.get("files", ())
        ),
        by_hand=entry.get("by_hand", ""),
        where=entry.get("where", ""),
        arrays=tuple(
            KnownArray(array["name"], tuple(array["shape"]), array["dtype"], array["sha256"])
            for array in entry.get("arrays", ())
        ),
    )


def _mirror_place(name: str) -> Path | str | None:
    """Return where SPIKELOOP_MIRROR keeps a data set: a folder, an address, or None without it."""
    mirror = os.environ.get("SPIKELOOP_MIRROR")
    if not mirror:
        return None
    try:
        url = urlsplit(mirror)
    except ValueError:  # such as https://[HOST
        url = urlsplit("")
    if url.scheme == "https" or (url.scheme == "http" and url.hostname in _THIS_MACHINE):
        return urljoin(mirror.rstrip("/") + "/", f"{name}/")
    if url.scheme == "file" and url.hostname in (None, *_THIS_MACHINE):
        return Path(url2pathname(url.path)) / name
    folder = Path(mirror).expanduser()
    if folder.is_dir():
        return folder / name
    raise FetchError(
        f"SPIKELOOP_MIRROR={mirror!r} is neither an https address nor a folder that is there. Give "
        "https://HOST/PATH/ or a folder."
    )


_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def _fetch_files(dataset: Dataset, source: Path | None) -> None:
    if source and source.is_file() and len(dataset.files) > 1:
        raise FetchError(
            f"{source} is one file, and {dataset.name} has {len(dataset.files)}: give the folder "
            f"that holds {', '.join(file.name for file in dataset.files)}."
        )
    place = source or _mirror_place(dataset.name)
    for file in dataset.files:
        if isinstance(place, Path):
            address = str(place if place.is_file() else place / file.name)
            _retrieve(dataset, file, address, LocalCopier(file))
        else:
            address = file.address if place is None else place + file.name
            part = dataset.folder / f"{file.name}.part"
            _retrieve(dataset, file, address, ResumingDownloader(file, part))


def _retrieve(dataset: Dataset, file: RemoteFile, address: str, downloader: Callable) -> None:
    import pooch

    known_hash = f"sha256:{file.sha256}"
    pooch.retrieve(address, known_hash, fname=file.name, path=dataset.folder, downloader=downloader)


def _fetch_by_hand(dataset: Dataset, source: Path | None) -> None:
    target = dataset.folder / dataset.by_hand
    if source is None and target.exists():
        _require_arrays(target, dataset)
        return
    source = source or _mirror_place(dataset.name)
    if not isinstance(source, Path):
        raise FetchError(
            f"{dataset.name} has no address to fetch it from. Get {dataset.by_hand} by hand: "
            f"{dataset.where}. Then: spikeloop data fetch {dataset.name} --from {dataset.by_hand}"
        )
    source = source / dataset.by_hand if source.is_dir() else source
    require_file(source)
    _require_arrays(source, dataset)
    dataset.folder.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as unfinished:
        shutil.copyfile(source, unfinished)


def _require_arrays(path: Path, dataset: Dataset) -> None:
    """Refuse a MATLAB file that does not hold the arrays of the data set, number by number."""
    import scipy.io

    with reading(path, "MATLAB"):
        shapes = {name: tuple(shape) for name, shape, _ in scipy.io.whosmat(path)}
    for known in dataset.arrays:
        # The shape first: an array as large as the known one is no danger to the memory.
        if shapes.get(known.name) != known.shape:
            raise FetchError(
                f"{path}: {known.name} has shape {shapes.get(known.name)}; {known.shape} was "
                f"wanted. This is not {dataset.by_hand} of {dataset.where}."
            )
        with reading(path, "MATLAB"), np.errstate(invalid="ignore"):
            array = scipy.io.loadmat(path, variable_names=[known.name])[known.name]
            got = hashlib.sha256(np.ascontiguousarray(array, known.dtype)).hexdigest()
        if got != known.sha256:
            raise FetchError(
                f"{path}: the numbers of {known.name} have sha256 {got}; {known.sha256} was "
                f"wanted. This is not {dataset.by_hand} of {dataset.where}, or it was changed."
            )
