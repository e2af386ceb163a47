"""Random numbers that are a function of where they are used: counters in, bits out.

A generator with a state gives different numbers when threads or chunks take turns differently.
Here the number for (stream, row, place) is Threefry-2x32 of those counters, so any thread may
compute any of them, in any order. Compiled code calls `threefry2x32` and `uniform`, which inline;
`threefry2x32_arrays` and `uniform_arrays` compute the same numbers on NumPy or JAX arrays.

Source: Salmon, Moraes, Dror and Shaw 2011, Parallel random numbers: as easy as 1, 2, 3 (SC11).
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable

from spikeloop.errors import InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import UInt32

Key = tuple[np.uint32, np.uint32]

_compiled = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
# LLVM leaves calls of this size where they are, and vectorizes no loop with a call in it.
_inlined = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
_generic = register_jitable(forceinline=True)

# Constants of this type keep the arithmetic of NumPy and JAX in 32 bits. Numba widens it to 64, so
# there `_word` cuts each result, and LLVM makes 32 bits of it again.
_PARITY = np.uint32(0x1BD11BDA)
_WIDTH = np.uint32(32)
_EVEN = tuple(np.uint32(distance) for distance in (13, 15, 26, 6))
_ODD = tuple(np.uint32(distance) for distance in (17, 29, 16, 24))
_STEPS = tuple(np.uint32(step) for step in range(6))


def stream_key(seed: int, *ids: int) -> Key:
    """Return the key of a stream of random numbers; other seeds or ids give unrelated streams.

    Parameters
    ----------
    seed
        0 to 2^63 - 1.
    ids
        What the stream is for, as whole numbers in 0 to 2^32 - 1; their order and number matter.

    Raises
    ------
    InvalidInputError
        The seed or an id is not such a number.

    Examples
    --------
    >>> stream_key(0, 1) == stream_key(0, 1), stream_key(0, 1) == stream_key(0, 1, 0)
    (True, False)
    """
    seed = _whole("seed", seed, 63)
    ids = tuple(_whole("a stream id", stream_id, 32) for stream_id in ids)
    first, second = np.random.SeedSequence(seed, spawn_key=ids).generate_state(2)
    return first, second


def _whole(name: str, number: int, n_bits: int) -> int:
    try:
        number = index(number)
    except TypeError:
        raise InvalidInputError(f"{name} is {number!r}: give a whole number.") from None
    if not 0 <= number < 2**n_bits:
        raise InvalidInputError(f"{name} is {number}: it must lie in 0..2^{n_bits} - 1.")
    return number


def _word(x):
    return x


@overload(_word, jit_options={"forceinline": True})
def _compiled_word(x):
    return lambda x: np.uint32(x)


@_generic
def _four_rounds(x0, x1, distances):
    for distance in distances:
        x0 = _word(x0 + x1)
        x1 = _word(((x1 << distance) | (x1 >> (_WIDTH - distance))) ^ x0)
    return x0, x1


@_generic
def threefry2x32_arrays(key0, key1, counter0, counter1):
    """Return two words of random bits for each pair of counters, as `threefry2x32` does.

    Parameters
    ----------
    key0, key1, counter0, counter1
        uint32 arrays of NumPy or JAX, of shapes that broadcast; JAX may trace them. The keys may
        be single words; single counters of NumPy would warn that they run over.

    Examples
    --------
    >>> zeros = np.zeros(1, np.uint32)
    >>> [hex(word[0]) for word in threefry2x32_arrays(zeros, zeros, zeros, zeros)]
    ['0x6b200159', '0x99ba4efe']
    """
    key2 = _word(key0 ^ key1 ^ _PARITY)
    x0, x1 = _word(counter0 + key0), _word(counter1 + key1)
    x0, x1 = _four_rounds(x0, x1, _EVEN)
    x0, x1 = _word(x0 + key1), _word(x1 + key2 + _STEPS[1])
    x0, x1 = _four_rounds(x0, x1, _ODD)
    x0, x1 = _word(x0 + key2), _word(x1 + key0 + _STEPS[2])
    x0, x1 = _four_rounds(x0, x1, _EVEN)
    x0, x1 = _word(x0 + key0), _word(x1 + key1 + _STEPS[3])
    x0, x1 = _four_rounds(x0, x1, _ODD)
    x0, x1 = _word(x0 + key1), _word(x1 + key2 + _STEPS[4])
    x0, x1 = _four_rounds(x0, x1, _EVEN)
    return _word(x0 + key2), _word(x1 + key0 + _STEPS[5])


@_inlined
def threefry2x32(key0, key1, counter0, counter1):
    """Return two words of random bits (uint32) for a pair of counters: Threefry-2x32, 20 rounds.

    For compiled code; all arguments are uint32.

    >>> [hex(word) for word in threefry2x32(*(np.uint32(0),) * 4)]
    ['0x6b200159', '0x99ba4efe']
    """
    return threefry2x32_arrays(
        np.uint32(key0), np.uint32(key1), np.uint32(counter0), np.uint32(counter1)
    )


@_inlined
def uniform(bits):
    """Return the upper 23 `bits` of a word as float32, in steps of 2^-23 from 2^-24 to 1 - 2^-24.

    An odd number of 24 bits over 2^24: exact in float32, symmetric about a half, never 0 or 1.

    >>> uniform(np.uint32(0)) == 2**-24, uniform(np.uint32(2**32 - 1)) == 1 - 2**-24
    (True, True)
    """
    # Through int32, which fits: vectors convert signed words to float32, and not unsigned ones.
    odd = np.int32(np.uint32(bits) >> np.uint32(8) | np.uint32(1))
    return np.float32(odd) * np.float32(2.0**-24)


@_inlined
def uniform_double(bits0, bits1):
    """Return the upper 52 bits of two words as float64, from 2^-53 to 1 - 2^-53.

    >>> uniform_double(np.uint32(2**31), np.uint32(0)) == 0.5 + 2**-53
    True
    """
    bits = (np.uint64(bits0) << np.uint64(32)) | np.uint64(bits1)
    return np.float64(np.int64(bits >> np.uint64(11) | np.uint64(1))) * 2.0**-53


def uniform_double_arrays(bits0: UInt32[np.ndarray, "..."], bits1: UInt32[np.ndarray, "..."]):
    """Return the numbers of `uniform_double` for arrays of words, of NumPy.

    >>> words = np.array([2**31, 0], np.uint32)
    >>> uniform_double_arrays(words[:1], words[1:]) == 0.5 + 2**-53
    array([ True])
    """
    bits = (bits0.astype(np.uint64) << np.uint64(32)) | bits1
    return (bits >> np.uint64(11) | np.uint64(1)).astype(np.float64) * 2.0**-53


def uniform_arrays(bits: UInt32[np.ndarray, "..."]):
    """Return the numbers of `uniform` for an array of words, of NumPy or JAX.

    >>> uniform_arrays(np.array([2**31], np.uint32)) == 0.5 + 2**-24
    array([ True])
    """
    return (bits >> np.uint32(8) | np.uint32(1)).astype(np.float32) * np.float32(2.0**-24)


@_compiled
def fill_words(words, key, row, block):
    """Fill `words` with random bits of the counters (row, block), (row, block + 1), ...

    For compiled code: it takes len(words) / 2 counters, fewer than half as long as one call for
    each. The blocks of a row meet without overlap if `block` steps by len(words) / 2.

    Parameters
    ----------
    words
        uint32 array of even length, overwritten.
    key
        From `stream_key`.
    row, block
        The counters.

    Examples
    --------
    >>> words = np.empty(4, np.uint32)
    >>> fill_words(words, stream_key(0), 5, 0)
    >>> threefry2x32(*stream_key(0), 5, 1) == (words[1], words[3])
    True
    """
    half = len(words) // 2
    for i in range(half):
        words[i], words[half + i] = threefry2x32(key[0], key[1], row, block + i)
