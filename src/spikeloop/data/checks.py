"""What every noun checks when it is made. Each check names the field, and what to do."""

import reprlib
from collections.abc import Mapping

import numpy as np

from spikeloop.errors import InvalidInputError


def require(claim: bool, message: str) -> None:
    """Raise `InvalidInputError` with `message` unless `claim` holds."""
    if not claim:
        raise InvalidInputError(message)


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; True and False are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def require_kinds(**values: tuple[object, object]) -> None:
    """Refuse values of a wrong kind: name -> the value and its kind.

    Examples
    --------
    >>> require_kinds(width=("wide", int))
    Traceback (most recent call last):
    ...
    spikeloop.errors.InvalidInputError: width is a str, 'wide': it must be a int.
    """
    for name, (value, kind) in values.items():
        told = getattr(kind, "__name__", str(kind))
        require(
            isinstance(value, kind),
            f"{name} is a {type(value).__name__}, {reprlib.repr(value)}: it must be a {told}.",
        )


def require_seed(seed: int) -> None:
    """Refuse a seed that random number generators cannot take."""
    require(
        is_whole(seed) and 0 <= seed < 2**63,
        f"seed={seed!r}: it must be a whole number, in 0..2^63 - 1.",
    )


def as_vector(name: str, values: object, dtype: type | None = None) -> np.ndarray:
    """Return `values` as a read-only one-dimensional array, or say that it is not one."""
    array = _as_array(name, values, dtype)
    require(array.ndim == 1, f"{name} has shape {array.shape}: it must have one axis.")
    return frozen(array)


def _as_array(name: str, values: object, dtype: type | None) -> np.ndarray:
    try:
        given = np.asarray(values)
        require(given.dtype.kind != "c", f"{name} holds complex numbers: it must hold real ones.")
        wanted = given.dtype if dtype is None else np.dtype(dtype)
        if given.dtype.kind == "f" and wanted.kind == "i":
            _require_whole(name, given)
        if wanted.kind == "i" and given.dtype.kind in "iuf" and given.size:
            low, high = np.iinfo(wanted).min, np.iinfo(wanted).max
            require(
                low <= given.min() and given.max() <= high,
                f"{name} reaches from {given.min()} to {given.max()}: {wanted} holds {low} to "
                f"{high}.",
            )
        return given.astype(wanted, copy=False)
    except InvalidInputError:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{name} cannot be read as an array of numbers: {error}") from None


def _require_whole(name: str, values: np.ndarray) -> None:
    broken = ~np.isfinite(values) | (values != np.trunc(values))
    if broken.any():
        raise InvalidInputError(
            f"{name} holds {int(broken.sum())} values that are not whole numbers, such as "
            f"{values[broken][0]}. Give integers."
        )


def as_array(name: str, values: object, axes: tuple[str, ...], dtype: type) -> np.ndarray:
    """Return `values` as a read-only array with the axes named, or say that it has others."""
    array = _as_array(name, values, dtype)
    wanted = f"({', '.join(axes)})"
    require(array.ndim == len(axes), f"{name} has shape {array.shape}: its axes must be {wanted}.")
    return frozen(array)


def require_finite(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinity, naming the first place of one."""
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        place = place[0] if len(place) == 1 else place
        raise InvalidInputError(
            f"{name} holds {int(bad.sum())} values that are not finite, the first at index "
            f"{place}. Remove them, or find out where they come from."
        )


def require_moderate(name: str, array: np.ndarray) -> None:
    """Refuse numbers so large that their squares, added up, would not be finite."""
    limit = float(np.finfo(array.dtype).max) ** 0.4
    if array.size and max(-array.min(), array.max()) > limit:
        raise InvalidInputError(
            f"{name} reaches from {array.min():.3g} to {array.max():.3g}: magnitudes must stay "
            f"below {limit:.1g}. Choose another unit."
        )


def require_unique(name: str, ids: np.ndarray) -> None:
    """Refuse ids that occur twice, naming up to five of them."""
    if ids.dtype.kind == "f":
        require_finite(name, ids)
    values, counts = np.unique(ids, return_counts=True)
    twice = values[counts > 1]
    if twice.size:
        some = ", ".join(str(value) for value in twice[:5])
        raise InvalidInputError(
            f"{name} holds {twice.size} ids more than once ({some}). Give each its own id."
        )


def as_table(name: str, columns: Mapping[str, object] | None, n_rows: int) -> dict[str, np.ndarray]:
    """Return columns as a dictionary of read-only vectors with `n_rows` rows each."""
    table = {key: as_vector(f"{name}[{key!r}]", values) for key, values in (columns or {}).items()}
    for key, values in table.items():
        require(
            len(values) == n_rows,
            f"{name}[{key!r}] has {len(values)} rows: it must have {n_rows}.",
        )
    return table


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a view of `array` that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view
