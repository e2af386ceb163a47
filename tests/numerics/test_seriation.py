from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeloop.numerics.seriation import (
    distance_weights,
    leaf_order,
    order_objective,
    seriate,
    spectral_order,
)
from spikeloop.numerics.seriation_kernels import (
    _add_reach,
    _gain,
    _line,
    _moved,
    _turned_gain,
    sweep,
)


def random_line(n_items, seed):
    """Return affinities, pulls and weights with nothing special about them."""
    rng = np.random.default_rng(seed)
    affinity = rng.normal(size=(n_items, n_items))
    np.fill_diagonal(affinity, 0.0)
    w = np.zeros(4 * n_items + 1)
    w[2 * n_items + 1 : 3 * n_items] = rng.normal(size=n_items - 1)
    return affinity, rng.normal(size=(n_items, n_items)), w


def sum_by_hand(affinity, pull, w, order):
    n_items = len(order)
    total = sum(pull[order[a], a] for a in range(n_items))
    for a in range(n_items):
        for b in range(a + 1, n_items):
            total += affinity[order[a], order[b]] * w[2 * n_items + b - a]
    return total


def noisy_chain(n_items, seed, noise=0.1):
    """Return similarities that fall along a hidden line, and the places on it."""
    rng = np.random.default_rng(seed)
    place = rng.permutation(n_items)
    similarity = np.exp(-np.abs(place[:, None] - place) / (0.1 * n_items))
    return similarity + noise * rng.normal(size=(n_items, n_items)), place


def test_weights_of_all_pairs_add_up_to_one():
    for n_items in (2, 3, 50):
        weights = distance_weights(n_items)
        n_pairs = n_items - np.arange(n_items)
        assert weights @ n_pairs == pytest.approx(1.0)
        assert weights[0] == 0
        assert (np.diff(weights[1:]) < 0).all()


def test_objective_is_the_weighted_mean_by_hand():
    similarity = np.random.default_rng(0).normal(size=(7, 7))
    order = np.random.default_rng(1).permutation(7)
    weights = distance_weights(7)
    by_hand = sum(
        similarity[order[a], order[b]] * weights[b - a] for a in range(7) for b in range(a + 1, 7)
    )
    assert order_objective(similarity, order) == pytest.approx(by_hand)
    assert order_objective(np.ones((7, 7)), order) == pytest.approx(1.0)


@given(
    st.integers(2, 12),
    st.integers(0, 10_000),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_gain_of_a_move_is_that_of_adding_up_again(n_items, seed, cuts, turns):
    affinity, pull, w = random_line(n_items, seed)
    i = int(cuts[0] * (n_items - 1))
    j = i + 1 + int(cuts[1] * (n_items - i - 1))
    k = j + int(cuts[2] * (n_items - j))
    reach, w_back = pull.copy(), w[::-1].copy()
    _add_reach(reach, affinity, w, w_back, np.arange(n_items), 1.0)
    line = _line(affinity, reach, w, w_back)
    order = np.arange(n_items)
    before = sum_by_hand(affinity, pull, w, order)
    order[i:k] = _moved(i, j, k, turns)
    rise = sum_by_hand(affinity, pull, w, order) - before
    gain = _turned_gain(line, i, j, k) if turns else _gain(line, i, j, k)
    assert gain == pytest.approx(rise, abs=1e-9)


@given(st.integers(3, 14), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_sweep_gains_what_it_says_and_never_loses(n_items, seed):
    affinity, pull, w = random_line(n_items, seed)
    lengths = np.array([1, 2, 3])[: n_items - 1]
    before = sum_by_hand(affinity, pull, w, np.arange(n_items))
    order, gained = sweep(affinity, pull, w, lengths, 1e-12)
    assert sorted(order) == list(range(n_items))
    assert gained >= 0
    assert sum_by_hand(affinity, pull, w, order) - before == pytest.approx(gained, abs=1e-9)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_optimum_of_eight_items_by_enumeration(seed, symmetric):
    similarity = np.random.default_rng(seed).normal(size=(8, 8))
    if symmetric:
        similarity += similarity.T
    every = np.array(list(permutations(range(8))))
    weights = distance_weights(8)
    objectives = sum(
        similarity[every[:, a], every[:, b]] * weights[b - a]
        for a in range(8)
        for b in range(a + 1, 8)
    )
    found = seriate(similarity, n_sweeps=50, n_kicks=30, seed=seed)
    assert found.objective == pytest.approx(objectives.max(), rel=1e-12)


@pytest.mark.parametrize("n_items", [30, 150])
def test_a_hidden_line_is_found_in_one_piece_and_in_windows(n_items):
    similarity, place = noisy_chain(n_items, seed=0)
    for window in (20, n_items):
        line = seriate(similarity, window=window, seed=0)
        assert line.objective >= line.start_objective
        assert line.objective == pytest.approx(order_objective(similarity, line.order))
        rho = np.corrcoef(place[line.order], np.arange(n_items))[0, 1]
        assert abs(rho) > 0.99


def test_windows_come_close_to_the_whole():
    similarity, _ = noisy_chain(150, seed=1, noise=0.3)
    whole = seriate(similarity, seed=0, window=150).objective
    assert seriate(similarity, seed=0, window=30).objective > 0.99 * whole


def test_direction_follows_who_leads():
    place = np.random.default_rng(3).permutation(20)
    leads = np.where(place[:, None] <= place, np.exp(-np.abs(place[:, None] - place) / 3), 0.0)
    assert place[seriate(leads, seed=0).order].tolist() == list(range(20))


def test_numbering_of_the_items_makes_no_difference():
    similarity, _ = noisy_chain(40, seed=4)
    relabelled = np.random.default_rng(5).permutation(40)
    for matrix in (similarity, similarity + similarity.T):
        first = seriate(matrix, seed=0, n_kicks=2)
        second = seriate(matrix[np.ix_(relabelled, relabelled)], seed=0, n_kicks=2)
        assert relabelled[second.order].tolist() == first.order.tolist()


def test_same_seed_same_order_and_kicks_never_lose():
    similarity = np.random.default_rng(6).normal(size=(40, 40))
    plain = seriate(similarity, seed=0)
    kicked = seriate(similarity, seed=7, n_kicks=5)
    assert kicked.objective >= plain.objective
    assert kicked.order.tolist() == seriate(similarity, seed=7, n_kicks=5).order.tolist()


def test_search_without_sweeps_returns_the_start():
    similarity, _ = noisy_chain(20, seed=8)
    line = seriate(similarity, n_sweeps=0, seed=0)
    assert line.objective == line.start_objective


@pytest.mark.parametrize("n_items", [0, 1, 2, 3])
def test_few_items(n_items):
    similarity = np.arange(n_items**2, dtype=float).reshape(n_items, n_items)
    line = seriate(similarity, n_kicks=1, seed=0)
    assert sorted(line.order) == list(range(n_items))
    assert (
        sorted(spectral_order(similarity)) == sorted(leaf_order(similarity)) == sorted(line.order)
    )
    assert np.isfinite(line.objective)


def test_two_items_stand_as_they_lead():
    assert seriate(np.array([[0.0, 0.1], [0.9, 0.0]]), seed=0).order.tolist() == [1, 0]


def test_equal_similarities_are_no_obstacle():
    assert seriate(np.ones((12, 12)), seed=0).objective == pytest.approx(1.0)
    assert seriate(np.zeros((12, 12)), seed=0).objective == 0.0
