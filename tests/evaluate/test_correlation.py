"""Correlations against NumPy's and against loops over pairs of trials."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    correlation_matrix,
    noise_correlation,
    pearson,
    pooled_correlation,
    signal_correlation,
    signal_power,
    single_trial_correlation,
)


@pytest.fixture
def ragged():
    """Return counts (stimulus, repeat, unit) with trials missing."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 2.0, (8, 1, 3))
    repeats = rng.poisson(rates, (8, 5, 3)).astype(float)
    repeats[1, 2:], repeats[2, 0], repeats[5, 4] = np.nan, np.nan, np.nan
    return repeats


def trials_of(row: np.ndarray) -> np.ndarray:
    return row[~np.isnan(row[:, 0])]


def test_pearson_is_numpys():
    first, second = np.random.default_rng(0).normal(size=(2, 12, 3)) + 1e4
    wanted = [np.corrcoef(first[:, u], second[:, u])[0, 1] for u in range(3)]
    np.testing.assert_allclose(pearson(first, second), wanted)


def test_a_constant_has_no_correlation_rather_than_none():
    x = np.random.default_rng(1).normal(size=(9, 2))
    x[:, 0] = 0.1
    assert np.isnan(pearson(x, x)[0])
    assert pearson(x, x)[1] == pytest.approx(1.0)
    matrix = correlation_matrix(x)
    assert np.isnan(matrix[0]).all()
    assert np.isnan(matrix[:, 0]).all()
    assert matrix[1, 1] == pytest.approx(1.0)


def test_tiny_responses_correlate_as_large_ones_do():
    first, second = np.random.default_rng(2).normal(size=(2, 20, 1))
    np.testing.assert_allclose(pearson(1e-9 * first, second), pearson(first, second))


@pytest.mark.parametrize("size", [1e300, 1e150, 1e-150, 1e-300])
def test_huge_and_minute_responses_correlate_as_others_do(size):
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 20, 3))
    repeats = rng.normal(size=(20, 4, 3))
    np.testing.assert_allclose(pearson(size * first, second), pearson(first, second))
    np.testing.assert_allclose(pearson(size * first, size * first), 1.0)
    np.testing.assert_allclose(correlation_matrix(size * first), correlation_matrix(first))
    for score, rates in ((single_trial_correlation, first), (pooled_correlation, first[:, None])):
        wanted = score(repeats, rates)
        np.testing.assert_allclose(score(size * repeats, rates), wanted)
        np.testing.assert_allclose(score(repeats, size * rates), wanted)


def test_the_largest_floats_correlate():
    ends = np.array([-1.7e308, 1.7e308, 1.7e308])
    assert pearson(ends, np.array([0.0, 1.0, 1.0])) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "shape", [(10,), (10, 1), (1, 10), (1, 1), (3, 10), (10, 4), (10, 10, 1), (0, 10)]
)
def test_arrays_of_other_shapes_are_not_spread_over_one_another(shape):
    """Broadcast, a vector for ten stimuli would be taken for one of ten units."""
    square, other = np.random.default_rng(3).normal(size=(10, 10)), np.ones(shape)
    for pair in ((square, other), (other, square)):
        with pytest.raises(InvalidInputError, match=r"first has shape .* and second .*: they must"):
            pearson(*pair)
    with pytest.raises(InvalidInputError, match=r"Write one prediction of all units as np\.broad"):
        pearson(square, square[:, 0])


@pytest.mark.parametrize(
    "none", [None, "abc", ["1", "2"], [[1.0], [2.0, 3.0]], np.array([1j, 2.0]), [None, 1.0], {}]
)
def test_what_holds_no_numbers_is_refused(none):
    x = np.arange(2.0)
    with pytest.raises(InvalidInputError, match=r"first is a \w+ that cannot be read as an array"):
        pearson(none, x)
    with pytest.raises(InvalidInputError, match=r"second is a \w+ that .* Give a NumPy array"):
        pearson(x, none)
    with pytest.raises(InvalidInputError, match=r"responses is a \w+ that cannot be read"):
        correlation_matrix(none)
    with pytest.raises(InvalidInputError, match=r"predictions is a \w+ that cannot be read"):
        pooled_correlation(x[:, None], none)


def test_single_numbers_and_infinite_ones_have_no_correlation():
    for number in (True, 3.0, np.float64(3.0)):
        with pytest.raises(InvalidInputError, match="first is a single number: stimuli must stand"):
            pearson(number, number)
    x = np.array([[1.0, np.inf], [2.0, 3.0]])
    with pytest.raises(InvalidInputError, match="second holds infinite values"):
        pearson(np.nan_to_num(x), x)
    with pytest.raises(
        InvalidInputError, match=r"shape \(3,\): its axes must be \(stimulus, unit\)"
    ):
        correlation_matrix(np.arange(3.0))


def test_numbers_of_every_kind_correlate_as_floats_do():
    wanted = np.array([[3, 0], [1, 1], [2, 1], [0, 1]])
    other = np.array([[0.5, 3.0], [2.0, 1.0], [0.0, 2.0], [1.0, 5.0]])
    expected = pearson(wanted.astype(float), other)
    for same in (wanted.tolist(), wanted, wanted.astype(np.uint8), wanted.astype(np.float32)):
        np.testing.assert_array_equal(pearson(same, other), expected)
        np.testing.assert_array_equal(
            correlation_matrix(same), correlation_matrix(wanted.astype(float))
        )
    heard = wanted > 0
    np.testing.assert_array_equal(pearson(heard, other), pearson(heard.astype(float), other))
    assert pearson([1, 2, 4], [1, 2, 4]) == pytest.approx(1.0)


def test_a_column_with_nan_has_no_correlation_and_leaves_the_others_alone():
    first, second = np.random.default_rng(4).normal(size=(2, 9, 2))
    holes = first.copy()
    holes[3, 0] = np.nan
    got = pearson(holes, second)
    assert np.isnan(got[0])
    assert got[1] == pearson(first, second)[1]


def test_the_matrix_is_numpys():
    x = np.random.default_rng(3).normal(size=(12, 4))
    np.testing.assert_allclose(correlation_matrix(x), np.corrcoef(x.T))


def test_signal_correlation_is_the_covariance_of_different_repeats(ragged):
    trials = [trials_of(row) for row in ragged]
    means = np.array([values.mean(axis=0) for values in trials])
    m = len(means)
    covariance = np.zeros((3, 3))
    for values in trials:
        n = len(values)
        pairs = [np.outer(values[r], values[s]) for r in range(n) for s in range(n) if r != s]
        covariance += np.mean(pairs, axis=0) / m
    for i in range(m):
        for j in range(m):
            if i != j:
                covariance -= np.outer(means[i], means[j]) / (m * (m - 1))
    np.testing.assert_allclose(np.diag(covariance), signal_power(ragged))
    amplitude = np.sqrt(np.diag(covariance))
    wanted = covariance / np.outer(amplitude, amplitude)
    np.testing.assert_allclose(signal_correlation(ragged), wanted)


def test_shared_noise_makes_no_signal_correlation():
    rng = np.random.default_rng(4)
    shared = 3 * rng.normal(size=(500, 4, 1))
    repeats = rng.normal(size=(500, 1, 2)) + shared + rng.normal(size=(500, 4, 2))
    assert abs(signal_correlation(repeats)[0, 1]) < 0.2
    assert correlation_matrix(repeats.mean(axis=1))[0, 1] > 0.5
    assert noise_correlation(repeats)[0, 1] > 0.8


def test_units_without_signal_have_no_signal_correlation():
    noise = np.random.default_rng(5).normal(size=(20, 4, 60))
    power = signal_power(noise)
    matrix = signal_correlation(noise)
    np.testing.assert_array_equal(np.isnan(np.diag(matrix)), power <= 0)
    assert np.isnan(matrix[power <= 0]).all()


def test_noise_correlation_is_that_of_scores_within_each_stimulus(ragged):
    pooled = []
    for row in ragged:
        values = trials_of(row)
        pooled.append((values - values.mean(axis=0)) / values.std(axis=0, ddof=1))
    n_free = sum(len(scores) - 1 for scores in pooled)
    wanted = sum(scores.T @ scores for scores in pooled) / n_free
    np.testing.assert_allclose(noise_correlation(ragged), wanted)


def test_a_stimulus_that_a_unit_does_not_answer_says_nothing_of_its_pairs(ragged):
    quiet = ragged.copy()
    quiet[3, :, 0] = 0.0
    without = np.delete(ragged, 3, axis=0)
    got = noise_correlation(quiet)
    np.testing.assert_allclose(got[0], noise_correlation(without)[0])
    np.testing.assert_allclose(got[1:, 1:], noise_correlation(ragged)[1:, 1:])


def test_a_silent_unit_has_nan_and_leaves_the_others_alone(ragged):
    silent = np.where(np.isnan(ragged), np.nan, np.where(np.arange(3) == 1, 0.0, ragged))
    for correlate in (signal_correlation, noise_correlation):
        got, whole = correlate(silent), correlate(ragged)
        assert np.isnan(got[1]).all()
        assert np.isnan(got[:, 1]).all()
        assert got[0, 2] == pytest.approx(whole[0, 2])


def test_one_repeat_has_neither_correlation():
    repeats = np.arange(8.0).reshape(4, 1, 2)
    assert np.isnan(signal_correlation(repeats)).all()
    assert np.isnan(noise_correlation(repeats)).all()


def test_single_trials_are_each_correlated_with_the_prediction_of_their_stimulus(ragged):
    ragged[6, 1:] = np.nan  # shown once, and counted
    predictions = np.random.default_rng(6).normal(size=(8, 3)) + 1e4
    wanted = []
    for u in range(3):
        i, r = np.nonzero(~np.isnan(ragged[:, :, u]))
        wanted.append(np.corrcoef(ragged[i, r, u], predictions[i, u])[0, 1])
    np.testing.assert_allclose(single_trial_correlation(ragged, predictions), wanted)
    np.testing.assert_allclose(pooled_correlation(ragged, predictions[:, None]), wanted)


def test_true_means_correlate_with_single_trials_as_far_as_noise_lets_them():
    rng = np.random.default_rng(7)
    truth = rng.normal(size=(400, 50))
    repeats = truth[:, None] + np.sqrt(3) * rng.normal(size=(400, 5, 50))
    assert single_trial_correlation(repeats, truth).mean() == pytest.approx(0.5, abs=0.01)


def test_blocks_of_time_correlate_as_the_whole_does():
    first, second = np.random.default_rng(8).normal(size=(2, 23, 2))
    padded = np.concatenate([first, np.full((1, 2), np.nan)]).reshape(4, 6, 2)
    filled = np.concatenate([second, np.full((1, 2), np.nan)]).reshape(4, 6, 2)
    np.testing.assert_allclose(pooled_correlation(padded, filled), pearson(first, second))


def test_units_may_miss_different_trials(ragged):
    predictions = np.random.default_rng(9).normal(size=(8, 3))
    holes = ragged.copy()
    holes[3, 0, 1] = np.nan
    got, whole = (single_trial_correlation(values, predictions) for values in (holes, ragged))
    np.testing.assert_allclose(got[[0, 2]], whole[[0, 2]])
    assert got[1] != whole[1]


def test_single_trials_and_predictions_must_be_of_the_same_stimuli(ragged):
    with pytest.raises(
        InvalidInputError, match=r"predictions has shape \(1, 3\): the repeats want"
    ):
        single_trial_correlation(ragged, np.ones((1, 3)))
    with pytest.raises(InvalidInputError, match="repeats holds infinite values"):
        single_trial_correlation(ragged + np.inf, np.ones((8, 3)))
    with pytest.raises(InvalidInputError, match=r"shape \(0, 5, 3\): it holds no trials"):
        single_trial_correlation(ragged[:0], np.ones((0, 3)))
