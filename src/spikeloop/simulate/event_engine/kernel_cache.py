"""Compiled kernels kept on disk, so that a second process starts at once."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

import spikeloop
from spikeloop.numerics.symbols import own_symbol


class _KernelCache(FunctionCache):
    """Numba's cache on disk, for functions that close over other compiled functions.

    Numba keys those by a pickle of what they close over, which differs from process to process; so
    it would never find them again. Here the key says what the code was made from.
    """

    def __init__(self, function, fingerprint: str) -> None:
        super().__init__(function)
        self._fingerprint = fingerprint

    def _index_key(self, signature, codegen):
        return signature, codegen.magic_tuple(), self._fingerprint

    def load_overload(self, signature, target_context):
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # a damaged file may raise anything; it is as good as none
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature, data):
        with suppress(OSError):  # such as a disk that is full: it is compiled again next time
            super().save_overload(signature, data)


def kept_on_disk(dispatcher, made_from: Sequence[object]):
    """Let `dispatcher` load and save its compiled code on disk, and return it.

    `made_from` is everything the code depends on besides the sources of this package, as objects
    with a complete ``repr``. Where no folder can be written, it compiles anew in each process.
    """
    words = [spikeloop.__version__, numba.__version__, _sources(), *map(repr, made_from)]
    fingerprint = hashlib.sha256("\n".join(words).encode()).hexdigest()
    own_symbol(dispatcher.py_func, fingerprint[:16])
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func, fingerprint)
    except RuntimeError:
        return dispatcher
    return dispatcher


def _sources() -> str:
    """Return a hash of the sources that kernels are made from."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), here.parents[1] / "numerics" / "random.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
