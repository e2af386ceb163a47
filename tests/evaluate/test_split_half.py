"""Halves against every split written out."""

import itertools

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    cc_max,
    mean_reliability,
    spearman_brown,
    split_half,
    split_half_enumerated,
    split_half_random,
)

LISTS = [[1.0, 3.0], [5.0, 4.0, 8.0], [2.0, 0.0, 1.0, 1.5], [7.0]]


def padded(lists: list[list[float]]) -> np.ndarray:
    repeats = np.full((len(lists), max(map(len, lists)), 1), np.nan)
    for i, values in enumerate(lists):
        repeats[i, : len(values), 0] = values
    return repeats


def every_split(lists: list[list[float]]) -> np.ndarray:
    """Return the means of the halves, (split, half, stimulus), for all independent splits."""
    each = []
    for values in lists:
        half = len(values) // 2
        orders = np.array(list(itertools.permutations(values)))
        first, second = orders[:, :half], orders[:, half : 2 * half]
        each.append(np.stack([first.mean(axis=1), second.mean(axis=1)], axis=1))
    return np.array(list(itertools.product(*each))).transpose(0, 2, 1)


def test_split_half_is_the_mean_covariance_over_the_mean_variance_of_all_splits():
    halves = every_split(LISTS[:3])
    covariance = np.mean([np.cov(first, second)[0, 1] for first, second in halves])
    variance = np.mean([np.var(half, ddof=1) for pair in halves for half in pair])
    assert split_half(padded(LISTS))[0] == pytest.approx(covariance / variance, rel=1e-12)


def test_random_halves_average_to_the_mean_correlation_of_all_splits():
    every = [np.corrcoef(first, second)[0, 1] for first, second in every_split(LISTS[:3])]
    got = split_half_random(padded(LISTS), 5000, seed=0)[0]
    assert abs(got - np.mean(every)) < 4 * np.std(every) / np.sqrt(5000)


def test_enumerated_halves_are_those_written_out():
    repeats = np.random.default_rng(0).normal(size=(6, 4, 2)) + np.arange(6.0)[:, None, None]
    pairs = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    for unit in range(2):
        means = [[repeats[:, half, unit].mean(axis=1) for half in pair] for pair in pairs]
        wanted = np.mean([np.corrcoef(*pair)[0, 1] for pair in means])
        assert split_half_enumerated(repeats)[unit] == pytest.approx(wanted, rel=1e-12)


def test_of_an_odd_number_each_repeat_is_left_out_in_turn():
    repeats = np.random.default_rng(1).normal(size=(5, 3, 1))
    pairs = [(0, 1), (0, 2), (1, 2)]
    wanted = np.mean([np.corrcoef(repeats[:, a, 0], repeats[:, b, 0])[0, 1] for a, b in pairs])
    assert split_half_enumerated(repeats)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("n_repeats", [2, 3, 5, 6])
def test_mean_reliability_is_spearman_brown_of_all_repeats(n_repeats):
    rng = np.random.default_rng(2)
    repeats = rng.normal(size=(30, n_repeats, 5)) + 2 * rng.normal(size=(30, 1, 5))
    whole = spearman_brown(split_half(repeats), n_repeats / (n_repeats // 2))
    np.testing.assert_allclose(mean_reliability(repeats), whole)
    np.testing.assert_allclose(mean_reliability(repeats), cc_max(repeats) ** 2)


def test_mean_reliability_of_ragged_repeats_is_the_formula_written_out():
    lists = LISTS[:3]
    error = np.mean([np.var(values, ddof=1) / len(values) for values in lists])
    signal = np.var([np.mean(values) for values in lists], ddof=1) - error
    assert mean_reliability(padded(LISTS))[0] == pytest.approx(signal / (signal + error), rel=1e-12)


def test_mean_reliability_is_not_clipped_and_nan_where_there_is_nothing_to_say():
    repeats = np.array([[[0.0, 1.0], [4.0, 1.0]], [[2.0, 1.0], [4.0, 1.0]]])
    # means 2 and 3: variance 0.5; squared errors of the means 4 and 1: mean 2.5
    np.testing.assert_allclose(mean_reliability(repeats), [(0.5 - 2.5) / 0.5, np.nan])
    assert np.isnan(mean_reliability(repeats[:1])).all()


def test_the_three_kinds_nearly_agree():
    rng = np.random.default_rng(3)
    repeats = rng.normal(size=(300, 6, 3)) + rng.normal(size=(300, 1, 3))
    exact = split_half(repeats)
    np.testing.assert_allclose(split_half_enumerated(repeats), exact, atol=0.01)
    np.testing.assert_allclose(split_half_random(repeats, 50, seed=0), exact, atol=0.01)


def test_a_silent_unit_has_nan_and_leaves_the_others_alone():
    repeats = np.random.default_rng(4).normal(size=(8, 4, 2))
    repeats[:, :, 0] = 0.0
    for got in (
        split_half(repeats),
        split_half_enumerated(repeats),
        split_half_random(repeats, 5, seed=0),
    ):
        assert np.isnan(got[0])
        assert np.isfinite(got[1])


def test_one_repeat_has_no_halves():
    repeats = np.arange(6.0).reshape(3, 1, 2)
    assert np.isnan(split_half(repeats)).all()
    assert np.isnan(split_half_enumerated(repeats)).all()
    assert np.isnan(split_half_random(repeats, 5, seed=0)).all()


def test_spearman_brown_predicts_the_reliability_of_more_repeats():
    signal, noise = 0.7, 2.0
    one = signal / (signal + noise)
    for factor in (2, 5, 0.5):
        wanted = signal / (signal + noise / factor)
        assert spearman_brown(np.array([one]), factor)[0] == pytest.approx(wanted)
    assert spearman_brown(np.array([-0.5]))[0] == pytest.approx(-2.0)
    assert np.isnan(spearman_brown(np.array([-1.0]))[0])


def test_ragged_repeats_share_no_splits():
    with pytest.raises(InvalidInputError, match="repeats is ragged: its stimuli share no splits"):
        split_half_enumerated(padded(LISTS))


def test_too_many_splits_are_refused():
    with pytest.raises(InvalidInputError, match="50 repeats have 63205303218876 splits"):
        split_half_enumerated(np.zeros((2, 50, 1)))
