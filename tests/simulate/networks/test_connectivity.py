import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from spikeloop.errors import InvalidInputError
from spikeloop.simulate.networks.connectivity import (
    AllToAll,
    Between,
    Matrix,
    OneToOne,
    Pairs,
    Synapses,
    connect,
)


def dense(synapses, n_target):
    """How many synapses join each pair."""
    n_source = len(synapses.indptr) - 1
    table = np.zeros((n_source, n_target), int)
    np.add.at(table, (sources_of(synapses), synapses.targets), 1)
    return table


def sources_of(synapses):
    return np.repeat(np.arange(len(synapses.indptr) - 1), np.diff(synapses.indptr))


def test_all_to_all_joins_each_pair_once():
    np.testing.assert_array_equal(dense(connect(AllToAll(), Between(3, 5), seed=0), 5), 1)
    alone = dense(connect(AllToAll(), Between(4, 4, same=True), seed=0), 4)
    np.testing.assert_array_equal(alone, 1 - np.eye(4, dtype=int))
    rule = AllToAll(self_connections=True)
    np.testing.assert_array_equal(dense(connect(rule, Between(4, 4, same=True), seed=0), 4), 1)


def test_one_to_one_is_the_diagonal():
    synapses = connect(OneToOne(), Between(4, 4), seed=0)
    np.testing.assert_array_equal(dense(synapses, 4), np.eye(4, dtype=int))


def test_pairs_are_sorted_with_their_weights_and_repeats_stay_in_order():
    rule = Pairs([2, 0, 2, 2], [1, 3, 0, 1], weights=[1.0, 2.0, 3.0, 4.0])
    synapses = connect(rule, Between(3, 4), seed=0)
    assert synapses.indptr.tolist() == [0, 1, 1, 4]
    assert synapses.targets.tolist() == [3, 0, 1, 1]
    assert synapses.weights.tolist() == [2.0, 3.0, 1.0, 4.0]
    assert connect(Pairs([], []), Between(2, 2), seed=0).indptr.tolist() == [0, 0, 0]
    assert connect(Pairs([1], [1]), Between(2, 2), seed=0).weights is None


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 9)),
        unique_by=lambda synapse: synapse[:2],
    )
)
def test_pairs_and_matrices_make_the_same_synapses(triples):
    source, target, weights = np.array(triples, int).reshape(-1, 3).T
    between = Between(5, 7)
    matrix = sparse.coo_array((weights, (source, target)), shape=(5, 7))
    wanted = connect(Pairs(source, target, weights), between, seed=0)
    for given_matrix in (matrix, matrix.tocsc(), sparse.csr_matrix(matrix), matrix.toarray()):
        got = connect(Matrix(given_matrix), between, seed=0)
        np.testing.assert_array_equal(got.indptr, wanted.indptr)
        np.testing.assert_array_equal(got.targets, wanted.targets)
        np.testing.assert_array_equal(got.weights, wanted.weights)
        assert [got.indptr.dtype, got.targets.dtype, got.weights.dtype] == ["i8", "i4", "f4"]


def test_a_sparse_matrix_keeps_its_zeros_adds_repeats_and_is_left_as_it_was():
    data, indices, indptr = [5.0, 0.0, 1.0, 2.0], [2, 0, 1, 1], [0, 2, 4]
    matrix = sparse.csr_array((data, indices, indptr), shape=(2, 3))
    synapses = connect(Matrix(matrix), Between(2, 3), seed=0)
    assert synapses.targets.tolist() == [0, 2, 1]
    assert synapses.weights.tolist() == [0.0, 5.0, 3.0]
    synapses.weights[:] = -1.0
    assert [matrix.data.tolist(), matrix.indices.tolist()] == [data, indices]


def test_a_matrix_of_bools_has_weights_of_one():
    synapses = connect(Matrix(np.array([[True, False]])), Between(1, 2), seed=0)
    assert synapses.weights.tolist() == [1.0]


def damaged():
    matrix = sparse.csr_array(np.eye(3))
    matrix.indices[0] = 77
    return matrix


@dataclass(frozen=True)
class Next:
    """A rule of a user."""

    def synapses(self, between, key):
        numbers = np.arange(between.n_source + 1)
        targets = np.random.default_rng(key).permutation(between.n_target)
        return Synapses(numbers, targets.astype(np.int32))


def test_a_rule_of_your_own_draws_from_the_key():
    first, same, other = (connect(Next(), Between(50, 50), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.targets, same.targets)
    assert not np.array_equal(first.targets, other.targets)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Between(0, 5), r"n_source=0: it must be a whole number in 1\.\.2147483647"),
        (lambda: Between(5, 2.5), r"n_target=2\.5: it must be a whole number"),
        (lambda: Between(5, 2**31), "n_target=2147483648: it must be a whole number"),
        (lambda: Between(3, 4, same=True), "n_source=3 and n_target=4 of the same population"),
        (lambda: connect("all", Between(3, 4), seed=0), "'all' is no rule of connection"),
        (lambda: connect(AllToAll, Between(3, 4), seed=0), "AllToAll'> is no rule of connection"),
        (lambda: connect(AllToAll(), Between(3, 4), seed=-1), "seed is -1"),
        (
            lambda: connect(OneToOne(), Between(3, 4), seed=0),
            "OneToOne: 3 sources and 4 targets: there must be as many of both",
        ),
        (lambda: Pairs([0, 1], [0]), "2 in source and 1 in target: give one of each"),
        (lambda: Pairs([0.5], [0]), "source holds 1 values that are not whole numbers"),
        (lambda: Pairs([0], [0], weights=[1.0, 2.0]), "2 weights for 1 synapses"),
        (lambda: Pairs([0], [0], weights=[np.nan]), "weights holds 1 values that are not finite"),
        (
            lambda: connect(Pairs([0, 3], [0, 0]), Between(3, 4), seed=0),
            r"source\[1\] is 3: there are 3, numbered from 0",
        ),
        (
            lambda: connect(Pairs([0, 1], [0, -1]), Between(3, 4), seed=0),
            r"target\[1\] is -1: there are 4, numbered from 0",
        ),
        (
            lambda: connect(Matrix(np.ones((4, 3))), Between(3, 4), seed=0),
            r"matrix has shape \(4, 3\): it must be \(source, target\), here \(3, 4\)",
        ),
        (
            lambda: connect(Matrix(sparse.csr_array([[1j]])), Between(1, 1), seed=0),
            "matrix holds complex128: it must hold real numbers",
        ),
        (
            lambda: connect(Matrix([[1j]]), Between(1, 1), seed=0),
            "matrix holds complex numbers: it must hold real ones",
        ),
        (lambda: connect(Matrix([[1.0], []]), Between(2, 1), seed=0), "matrix cannot be read as"),
        (
            lambda: connect(Matrix([[1.0, np.nan]]), Between(1, 2), seed=0),
            "matrix holds 1 values that are not finite",
        ),
        (lambda: connect(Matrix([[1e39]]), Between(1, 1), seed=0), "that are not finite"),
        (lambda: connect(Matrix(damaged()), Between(3, 3), seed=0), "matrix is damaged: "),
        (
            lambda: connect(AllToAll(), Between(2**31 - 1, 2**31 - 1), seed=0),
            r"the rule makes 4\.61e\+18 synapses, whose targets take 1\.84e\+10 GB",
        ),
    ],
)
def test_what_cannot_be_connected_is_refused(act, message):
    with pytest.raises(InvalidInputError, match=message):
        act()


def test_without_word_from_the_system_memory_is_taken_to_be_a_tebibyte(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    with pytest.raises(InvalidInputError, match=r"there are 1\.1e\+03 GB of memory"):
        connect(AllToAll(), Between(2**20, 2**20), seed=0)
