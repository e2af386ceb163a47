"""Tables of NWB files: columns beside each other, some of them ragged."""

import numpy as np

from spikeloop.errors import BadFileError, MissingVariableError
from spikeloop.io.hdf5 import Hdf5File

_NOTHING = ("", "null", "none", "nan", "n/a")


def scalar_columns(
    file: Hdf5File, table: str, *, needed: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """Return the columns of a table that hold one number or word a row, in order of their names.

    Ragged columns, columns of arrays and references to other objects are left out. Words that all
    spell numbers, or nothing ("null"), become numbers, or NaN.

    Raises
    ------
    MissingVariableError
        There is no column of numbers of a name that is needed.
    BadFileError
        Two columns differ in length.
    """
    names = file.names(table)
    ragged = {name for name in names if f"{name}_index" in names}
    ragged |= {f"{name}_index" for name in ragged}
    places = {name: f"{table}/{name}" for name in names if name not in ragged}
    columns = {
        name: numbers_of(file.array(place))
        for name, place in places.items()
        if len(file.shape(place) or ()) == 1 and file.dtype_kind(place) in tuple("biufU")
    }
    missing = [name for name in needed if name not in columns or columns[name].dtype.kind == "U"]
    if missing:
        raise MissingVariableError(
            f"{file.path}: {table} lacks {', '.join(missing)}, in numbers; it has "
            f"{', '.join(names) or 'no columns'}. Choose another table or file, or export it again."
        )
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise BadFileError(
            f"{file.path}: the columns of {table} differ in length ({lengths}). Export it again."
        )
    return columns


def ragged_rows(
    file: Hdf5File, place: str, n_rows: int, *, n_axes: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of a ragged column, end to end, and where each row stops.

    Raises
    ------
    BadFileError
        The stops do not cut the values into `n_rows` rows.
    """
    values = file.numbers(place, n_axes)
    stops = file.numbers(f"{place}_index", 1).astype(np.int64)
    whole = np.diff(stops, prepend=0).min(initial=0) >= 0 and stops[-1:] == [len(values)]
    if stops.shape != (n_rows,) or not whole:
        raise BadFileError(
            f"{file.path}: {place}_index does not cut the {len(values)} values of {place} into "
            f"{n_rows} rows. The file is damaged: fetch or export it again."
        )
    return values, stops


def numbers_of(column: np.ndarray) -> np.ndarray:
    """Return words as numbers if all of them spell one or nothing; other columns as they are.

    >>> numbers_of(np.array(["0.5", "null"])).tolist()
    [0.5, nan]
    >>> numbers_of(np.array(["VISp", "null"])).tolist()
    ['VISp', 'null']
    """
    if column.dtype.kind != "U":
        return column
    words = ["nan" if word.strip().lower() in _NOTHING else word for word in column.tolist()]
    try:
        return np.array(words, dtype=float)
    except ValueError:
        return column
