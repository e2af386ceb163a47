import itertools

import numpy as np
import pytest
from numba import njit
from scipy import stats

from spikeloop.errors import InvalidInputError
from spikeloop.numerics.random import (
    fill_words,
    stream_key,
    threefry2x32,
    threefry2x32_arrays,
    uniform,
    uniform_arrays,
    uniform_double,
)

# The authors' own test vectors, of their library Random123: counters, keys, words.
PUBLISHED = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


@njit
def words_of(key, rows, n_words):
    """The first word for each row and counter, as compiled code would draw it."""
    words = np.empty((rows, n_words), np.uint32)
    for row in range(rows):
        for i in range(n_words):
            words[row, i] = threefry2x32(key[0], key[1], row, i)[0]
    return words


@pytest.mark.parametrize(("counters", "key", "words"), PUBLISHED)
def test_published_words_come_out(counters, key, words):
    arguments = [np.uint32(number) for number in (*key, *counters)]
    assert threefry2x32(*arguments) == words
    arrays = threefry2x32_arrays(*(np.array([number]) for number in arguments))
    assert [int(word[0]) for word in arrays] == list(words)


def test_the_words_are_those_of_jax():
    random = pytest.importorskip("jax.extend.random")
    jnp = pytest.importorskip("jax.numpy")
    key = stream_key(7, 3)
    counters = np.random.default_rng(0).integers(2**32, size=(2, 500), dtype=np.uint32)
    wanted = np.asarray(random.threefry_2x32(jnp.array(key), jnp.array(counters.ravel())))
    for arrays in (counters, jnp.array(counters)):
        got = threefry2x32_arrays(*(np.uint32(word) for word in key), *arrays)
        np.testing.assert_array_equal(np.concatenate(got), wanted)
    got = [threefry2x32(*key, *pair) for pair in counters.T]
    np.testing.assert_array_equal(np.array(got).T.ravel(), wanted)


def test_jax_traces_the_arrays_and_gives_the_compiled_numbers():
    jax = pytest.importorskip("jax")
    key = stream_key(1)

    @jax.jit
    def draw(tick, unit):
        return uniform_arrays(threefry2x32_arrays(*key, tick, unit)[0])

    units = np.arange(300, dtype=np.uint32)
    wanted = [uniform(threefry2x32(*key, np.uint32(9), unit)[0]) for unit in units]
    got = np.asarray(draw(np.uint32(9), units))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, wanted)
    assert "while" not in str(jax.make_jaxpr(draw)(np.uint32(9), units))


def test_uniform_numbers_never_reach_zero_or_one():
    ends = np.array([0, 2**32 - 1], np.uint32)
    singles = np.array([uniform(bits) for bits in ends])
    assert {str(made.return_type) for made in uniform.nopython_signatures} == {"float32"}
    np.testing.assert_array_equal(singles, [2.0**-24, 1 - 2.0**-24])
    np.testing.assert_array_equal(uniform_arrays(ends), singles)
    doubles = [uniform_double(bits, bits) for bits in ends]
    assert doubles == [2.0**-53, 1 - 2.0**-53]


def test_uniform_numbers_are_uniform_in_rows_and_in_columns():
    drawn = np.vectorize(uniform)(words_of(stream_key(0), 300, 300))
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    deviation = drawn - 0.5
    for neighbours in (
        deviation[:, 1:] * deviation[:, :-1],
        deviation[1:] * deviation[:-1],
        deviation[1:, 1:] * deviation[:-1, :-1],
    ):
        standard_error = 1 / 12 / np.sqrt(neighbours.size)
        assert abs(neighbours.mean()) < 5 * standard_error


def test_doubles_use_both_words():
    words = words_of(stream_key(0), 200, 200)
    drawn = np.vectorize(uniform_double)(words, words[::-1])
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    steps = drawn * 2.0**53
    np.testing.assert_array_equal(steps % 2, 1)


def test_words_fill_in_the_order_of_their_counters():
    key, words = stream_key(5), np.empty(8, np.uint32)
    fill_words(words, key, 3, 10)
    wanted = np.array([threefry2x32(*key, 3, 10 + i) for i in range(4)])
    np.testing.assert_array_equal(words.reshape(2, 4), wanted.T)


def test_streams_differ_in_seed_ids_and_number_of_ids():
    every_ids = ((), (0,), (1,), (0, 0), (1, 0))
    names = [(seed, *ids) for seed in (0, 1, 2**32, 2**63 - 1) for ids in every_ids]
    keys = [stream_key(*name) for name in names]
    assert all(a != b for a, b in itertools.combinations(keys, 2))
    assert [stream_key(*name) for name in names] == keys
    assert all(isinstance(word, np.uint32) for word in keys[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1,), r"seed is -1: it must lie in 0\.\.2\^63 - 1"),
        ((2**63,), "seed is 9223372036854775808"),
        ((1.5,), r"seed is 1\.5: give a whole number"),
        ((0, 2**32), r"a stream id is 4294967296: it must lie in 0\.\.2\^32 - 1"),
        ((0, "noise"), "a stream id is 'noise': give a whole number"),
    ],
)
def test_what_is_no_seed_is_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        stream_key(*arguments)
