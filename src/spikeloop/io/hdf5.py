"""HDF5 files, read without trust: no links out of the folder, no sizes taken on faith."""

from pathlib import Path

import numpy as np

from spikeloop.errors import BadFileError, UnsafeFileError
from spikeloop.io.guard import MAX_BYTES, as_text, reading, require_bytes, require_file

_MOST_DEFLATED = 1032  # deflate packs no tighter, so a larger claim is a lie or a bomb
_SMALL_BYTES = 2**20


class Hdf5File:
    """An open HDF5 file. Use it in a ``with`` statement; places are paths such as ``units/id``."""

    def __init__(self, path: Path) -> None:
        import h5py

        require_file(path)
        self.path = path
        self._folder = path.resolve().parent
        with reading(path, "HDF5"):
            self._file = h5py.File(path.resolve(), "r")

    def __enter__(self) -> "Hdf5File":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def names(self, place: str = "/") -> list[str]:
        """Return what lies in a group; nothing where there is no such group."""
        group = self._find(place)
        with reading(self.path, "HDF5"):
            names = list(group) if hasattr(group, "keys") else []
            return [n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in names]

    def shape(self, place: str) -> tuple[int, ...] | None:
        """Return the shape of a dataset; None where there is none."""
        dataset = self._find(place)
        with reading(self.path, "HDF5"):
            return getattr(dataset, "shape", None)

    def dtype_kind(self, place: str) -> str | None:
        """Return the kind of NumPy type of a dataset, ``"O"`` for references; None without one.

        Strings are ``"U"``, however they are stored.
        """
        import h5py

        dataset = self._find(place)
        with reading(self.path, "HDF5"):
            if not hasattr(dataset, "shape"):
                return None
            dtype = dataset.dtype
            return "U" if h5py.check_string_dtype(dtype) is not None else dtype.kind

    def attribute(self, place: str, name: str) -> object | None:
        """Return an attribute of a group or dataset; None where there is none."""
        node = self._find(place)
        with reading(self.path, "HDF5"):
            value = None if node is None else node.attrs.get(name)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def number(self, place: str, name: str) -> float | None:
        """Return an attribute that is a number; None where there is none."""
        value = self.attribute(place, name)
        with reading(self.path, "HDF5"):
            return None if value is None else float(np.ravel(value)[0])

    def array(self, place: str) -> np.ndarray:
        """Return a dataset of numbers or strings.

        Raises
        ------
        BadFileError
            There is none there, it holds something else, or it is damaged.
        """
        if self.dtype_kind(place) not in tuple("biufSU"):
            raise BadFileError(
                f"{self.path} holds no numbers or words at {place}: the file is damaged, or not of "
                "the kind that was expected. Fetch or export it again."
            )
        dataset = self._find(place)
        with reading(self.path, "HDF5"):
            claimed = dataset.size * dataset.dtype.itemsize
            stored = claimed if dataset.is_virtual else dataset.id.get_storage_size()
        limit = min(MAX_BYTES, _SMALL_BYTES + _MOST_DEFLATED * stored)
        require_bytes(claimed, f"{self.path}: {place}", limit)
        with reading(self.path, "HDF5"):
            return as_text(np.asarray(dataset[()]))

    def numbers(self, place: str, n_axes: int) -> np.ndarray:
        """Return a dataset of numbers with so many axes, or refuse it."""
        array = self.array(place)
        if array.dtype.kind not in "biuf" or array.ndim != n_axes:
            raise BadFileError(
                f"{self.path}: {place} has type {array.dtype} and shape {array.shape}: it must "
                f"hold numbers along {n_axes} axes. Export it again."
            )
        return array

    def targets(self, place: str) -> list[str]:
        """Return the places that a dataset of references points at."""
        dataset = self._find(place)
        with reading(self.path, "HDF5"):
            return [self._file[reference].name for reference in dataset[()]]

    def _find(self, place: str) -> object | None:
        """Follow a path one name at a time, so that no link is followed before it is looked at."""
        node = self._file
        for name in [part for part in place.split("/") if part]:
            with reading(self.path, "HDF5"):
                if not hasattr(node, "keys"):
                    return None
                self._require_inside(node, name)
                if name not in node:
                    return None
                node = node[name]
            self._require_own_bytes(node, place)
        return node

    def _require_inside(self, group: object, name: str) -> None:
        import h5py

        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            self._require_in_folder(link.filename, f"{name} is a link to")
            folders = (self._folder, Path(group.file.filename).parent)
            if not any((folder / link.filename).is_file() for folder in folders):
                raise BadFileError(
                    f"{self.path}: {name} is a link to {link.filename}, which is not there. Put "
                    "that file into the folder."
                )

    def _require_own_bytes(self, node: object, place: str) -> None:
        """Refuse a dataset whose values come from a file elsewhere."""
        elsewhere = [str(entry[0]) for entry in getattr(node, "external", None) or []]
        if getattr(node, "is_virtual", False):
            elsewhere += [source.file_name for source in node.virtual_sources()]
        for file_name in [node.file.filename, *elsewhere]:
            self._require_in_folder(file_name, f"{place} takes its values from")

    def _require_in_folder(self, file_name: str, claim: str) -> None:
        if not (self._folder / file_name).resolve().is_relative_to(self._folder):
            raise UnsafeFileError(
                f"{self.path}: {claim} {file_name}, outside its folder. Bring that file into the "
                "folder and correct the link, if you trust it."
            )
