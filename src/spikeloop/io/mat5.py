"""MATLAB's version 5 to 7 files: arrays of numbers, structs, cells, and the names of all else.

A file is a header of 128 bytes, then one variable after the other, plain or deflated. Each is a
list of elements: flags, dimensions, name, values; those of a struct or a cell are variables without
a name. An element is a tag (type, number of bytes), the
bytes, and padding to a multiple of eight; up to four bytes may share the eight with their tag.

SciPy's reader is not used, since one wrong bit in a tag makes it crash the process; here every size
is held against the bytes that are there.

Source: MathWorks, MAT-File Format, chapter 1 (level 5 MAT-file format).
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop.errors import BadFileError
from spikeloop.io.guard import reading, require_bytes

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
_OPAQUE = 17
_LOGICAL, _COMPLEX = 0x02, 0x08
_CLASSES = {
    **{1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse", 6: "double", 7: "single"},
    **{8: "int8", 9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32"},
    **{14: "int64", 15: "uint64", 16: "function", _OPAQUE: "opaque"},
}
_STORED = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"},
    **{12: "i8", 13: "u8"},
}
_LISTED_BYTES = 4096
"""Enough of a deflated variable to read its flags, dimensions and name."""


@dataclass(frozen=True)
class Variable:
    """A variable of a file, whose values are not unpacked yet."""

    kind: str
    """MATLAB's name of its class: double, logical, struct ..."""
    shape: tuple[int, ...]
    packed: memoryview
    """Its bytes in the file, or in the struct or cell that it is part of."""
    deflated: bool
    order: str
    """``"<"`` or ``">"``: which byte of a number comes first."""


def list_variables(path: Path) -> dict[str, Variable]:
    """Return the variables of a file by name.

    Raises
    ------
    BadFileError
        The file is damaged, cut short, or of another version.
    """
    require_bytes(path.stat().st_size, str(path))
    content = memoryview(path.read_bytes())
    order = {b"IM": "<", b"MI": ">"}.get(bytes(content[126:_HEADER_BYTES]))
    if order is None:
        raise BadFileError(
            f"{path} is not a MATLAB file of version 5 to 7.3, or its beginning is damaged. In "
            "MATLAB, save it again with -v7."
        )
    variables, offset = {}, _HEADER_BYTES
    with reading(path, "MATLAB"):
        while offset < len(content):
            stored_as, packed, offset = _element(content, offset, order)
            if stored_as not in (_MATRIX, _COMPRESSED):
                raise ValueError(f"there is an element of type {stored_as} between the variables")
            deflated = stored_as == _COMPRESSED
            start = _inflated(packed, order, _LISTED_BYTES) if deflated else packed
            name, kind, shape, _ = _description(start, order)
            if name:  # MATLAB keeps the workspaces of functions in variables without a name
                variables[name] = Variable(kind, shape, packed, deflated, order)
    return variables


def values_of(variable: Variable, where: str) -> np.ndarray:
    """Return the values of a variable of numbers, with the axes and the type that MATLAB shows.

    Raises
    ------
    BadFileError
        The values do not fill the shape.
    """
    with reading(where, "MATLAB"):
        content, offset = _values(variable)
        stored_as, data, _ = _element(content, offset, variable.order)
        values = np.frombuffer(data, dtype=variable.order + _STORED[stored_as])
        dtype = np.uint8 if variable.kind == "logical" else np.dtype(variable.kind)
        return values.astype(dtype).reshape(variable.shape, order="F")


def fields_of(variable: Variable, where: str) -> dict[str, Variable]:
    """Return the fields of a struct by name.

    Raises
    ------
    BadFileError
        The variable is no struct, is an array of several, or is damaged.
    """
    if variable.kind != "struct" or variable.shape != (1, 1):
        raise BadFileError(
            f"{where} is a MATLAB {variable.kind} of shape {variable.shape}: it must be one "
            "struct. Fetch or export it again."
        )
    with reading(where, "MATLAB"):
        content, offset = _values(variable)
        _, length, offset = _element(content, offset, variable.order)
        _, names, offset = _element(content, offset, variable.order)
        width = int(np.frombuffer(length, dtype=f"{variable.order}i4")[0])
        words = [bytes(names[i : i + width]) for i in range(0, len(names), width)]
        keys = [word.split(b"\0")[0].decode("latin1") for word in words]
        parts = _parts(content, offset, variable.order, len(keys))
        return dict(zip(keys, parts, strict=True))


def cells_of(variable: Variable, where: str) -> list[Variable]:
    """Return the variables in a cell array, the first axis running fastest.

    Raises
    ------
    BadFileError
        The variable is no cell array, or is damaged.
    """
    if variable.kind != "cell":
        raise BadFileError(
            f"{where} is a MATLAB {variable.kind}: it must be a cell. Fetch or export it again."
        )
    with reading(where, "MATLAB"):
        content, offset = _values(variable)
        return _parts(content, offset, variable.order, int(np.prod(variable.shape, dtype=object)))


def _values(variable: Variable) -> tuple[memoryview, int]:
    """Return the bytes of a variable, and where its values begin."""
    packed, order = variable.packed, variable.order
    content = _inflated(packed, order) if variable.deflated else packed
    return content, _description(content, order)[3]


def _parts(content: memoryview, offset: int, order: str, n_parts: int) -> list[Variable]:
    """Return the variables that stand one after the other from `offset`."""
    parts = []
    for _ in range(n_parts):
        stored_as, packed, offset = _element(content, offset, order)
        if stored_as != _MATRIX:
            raise ValueError(f"there is an element of type {stored_as} among the parts")
        _, kind, shape, _ = _description(packed, order)
        parts.append(Variable(kind, shape, packed, False, order))
    return parts


def _inflated(packed: memoryview, order: str, n_bytes: int | None = None) -> memoryview:
    """Return the elements of a deflated variable: the first `n_bytes`, or all that are claimed."""
    stream = zlib.decompressobj()
    tag = np.frombuffer(stream.decompress(packed, 8), dtype=f"{order}u4")
    if tag[0] != _MATRIX:
        raise ValueError(f"a deflated variable holds type {tag[0]}")
    claimed = int(tag[1])
    require_bytes(claimed, "a deflated variable")
    wanted = claimed if n_bytes is None else min(n_bytes, claimed)
    content = stream.decompress(stream.unconsumed_tail, max(wanted, 1))
    if len(content) < wanted:
        raise EOFError(f"a deflated variable holds {len(content)} bytes and claims {wanted}")
    if n_bytes is None and (stream.decompress(stream.unconsumed_tail, 1) or not stream.eof):
        raise EOFError("a deflated variable does not end where it should")  # nor was its sum right
    return memoryview(content)


def _description(content: memoryview, order: str) -> tuple[str, str, tuple[int, ...], int]:
    """Return name, kind and shape of a variable, and where its values begin."""
    _, flags, offset = _element(content, 0, order)
    word = int(np.frombuffer(flags[:4], dtype=f"{order}u4")[0])
    number, bits = word & 0xFF, word >> 8
    shape: tuple[int, ...] = ()
    if number != _OPAQUE:  # an opaque object has no dimensions of its own
        _, sizes, offset = _element(content, offset, order)
        shape = tuple(np.frombuffer(sizes, dtype=f"{order}i4").tolist())
    _, name, offset = _element(content, offset, order)
    kind = "logical" if bits & _LOGICAL else _CLASSES[number]
    kind = f"complex {kind}" if bits & _COMPLEX else kind
    return bytes(name).decode("latin1"), kind, shape, offset


def _element(content: memoryview, offset: int, order: str) -> tuple[int, memoryview, int]:
    """Return the type and bytes of the element at `offset`, and where the next one begins."""
    first, second = np.frombuffer(content[offset : offset + 8], dtype=f"{order}u4").tolist()
    if first >> 16:  # the small format: number of bytes and type in the first four
        kind, n_bytes, start, stop = first & 0xFFFF, first >> 16, offset + 4, offset + 8
        if n_bytes > 4:
            raise ValueError(f"a small element claims {n_bytes} bytes")
        return kind, content[start : start + n_bytes], stop
    start = offset + 8
    stop = start + second
    if stop > len(content):
        raise EOFError(f"an element claims {second} bytes, but {len(content) - start} are there")
    padding = 0 if first == _COMPRESSED else -second % 8
    return first, content[start:stop], stop + padding
