"""Intervals against theory and coverage; comparisons of models that are alike, and that are not."""

from functools import partial

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    bits_per_spike,
    bootstrap_scores,
    paired_bootstrap,
    pearson,
    poisson_deviance_explained,
    pooled_correlation,
)


def mean_over_stimuli(values):
    return values.mean(axis=0)


def closeness(means, predictions):
    return -((means - predictions) ** 2).mean(axis=0)


@pytest.fixture
def models():
    """Return means (stimulus, unit), and predictions of a better and a worse model."""
    means, noise, more = np.random.default_rng(0).normal(size=(3, 60, 8))
    return means, means + noise, means + noise + more


def test_intervals_of_means_are_as_wide_as_theory_says():
    x = np.random.default_rng(6).normal(size=(400, 2))
    result = bootstrap_scores(mean_over_stimuli, x, n_draws=4000, seed=0)
    for got, values in ((result.units, x), (result.mean, x.mean(axis=1))):
        error = values.std(axis=0) / np.sqrt(400)
        np.testing.assert_allclose(got.score, values.mean(axis=0))
        np.testing.assert_allclose(got.high - got.low, 2 * 1.96 * error, rtol=0.07)
        centre = (got.high + got.low) / 2
        np.testing.assert_array_less(abs(centre - values.mean(axis=0)), 0.1 * error)


def test_the_interval_of_a_correlation_covers_the_true_one():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(80, 800))
    means, predictions = truth + rng.normal(size=(2, *truth.shape))
    units = bootstrap_scores(pearson, means, predictions, n_draws=199, seed=0).units
    covered = np.mean((units.low <= 0.5) & (units.high >= 0.5))
    assert 0.91 < covered < 0.97


def test_draws_are_those_of_a_loop_in_plain_sight(models):
    means, predictions, _ = models
    result = bootstrap_scores(pearson, means, predictions, n_draws=99, confidence=0.9, seed=3)
    rng = np.random.default_rng(3)
    rows = [rng.integers(60, size=60) for _ in range(99)]
    draws = np.array([pearson(means[r], predictions[r]) for r in rows])
    np.testing.assert_array_equal(result.units.low, np.sort(draws, axis=0)[4])
    np.testing.assert_array_equal(result.units.high, np.sort(draws, axis=0)[-5])
    assert result.mean.low == np.sort(draws.mean(axis=1))[4]
    assert result.median.high == np.sort(np.median(draws, axis=1))[-5]
    assert result.median.score == np.median(pearson(means, predictions))
    again = bootstrap_scores(pearson, means, predictions, n_draws=99, confidence=0.9, seed=3)
    np.testing.assert_array_equal(again.units.low, result.units.low)


def test_units_without_a_score_are_left_out_and_counted(models):
    means, predictions, _ = models
    dull = means.copy()
    dull[:, 3] = 1.0
    got = bootstrap_scores(pearson, dull, predictions, n_draws=50, seed=0)
    others = np.delete(np.arange(8), 3)
    alone = bootstrap_scores(pearson, means[:, others], predictions[:, others], n_draws=50, seed=0)
    assert (got.n_excluded, alone.n_excluded) == (1, 0)
    assert got.mean.low == pytest.approx(alone.mean.low)
    assert got.median.score == pytest.approx(alone.median.score)
    assert np.isnan([got.units.score[3], got.units.low[3], got.units.high[3]]).all()
    np.testing.assert_allclose(got.units.low[others], alone.units.low)


def test_a_unit_that_some_draws_leave_without_a_score_stays_in_with_the_rest():
    counts = np.zeros((12, 2))
    counts[0, 0], counts[:, 1] = 5.0, np.arange(12)  # one in three draws leaves out the first row
    predictions = counts + 0.5
    got = bootstrap_scores(bits_per_spike, counts, predictions, n_draws=200, seed=0)
    assert got.n_excluded == 0
    assert np.isfinite([*got.units.low, *got.units.high, got.mean.low, got.mean.high]).all()


def test_a_score_that_only_draws_have_is_none():
    def chosen(values):
        return np.where(values.mean(axis=0) < 0.5, values.mean(axis=0), np.nan)

    x = np.random.default_rng(2).random((20, 1))
    x += 0.51 - x.mean()
    got = bootstrap_scores(chosen, x, n_draws=50, seed=0)
    assert got.n_excluded == 1
    assert np.isnan([*got.units.low, got.mean.score, got.mean.low, got.median.high]).all()


def test_infinitely_bad_predictions_are_not_left_out():
    counts = np.random.default_rng(3).poisson(2.0, (30, 2)).astype(float)
    predictions = np.full((30, 2), 2.0)
    predictions[:, 0] = 0.0
    got = bootstrap_scores(poisson_deviance_explained, counts, predictions, n_draws=50, seed=0)
    assert got.n_excluded == 0
    assert (got.mean.score, got.mean.low, got.mean.high) == (-np.inf, -np.inf, -np.inf)
    assert np.isfinite([got.units.score[1], got.units.low[1]]).all()
    paired = paired_bootstrap(
        poisson_deviance_explained, counts, predictions, predictions, n_draws=50, seed=0
    )
    assert paired.difference.n_excluded == 1
    assert paired.difference.mean.score == 0


def test_the_difference_of_two_models_is_drawn_from_the_same_stimuli(models):
    means, better, worse = models
    got = paired_bootstrap(pearson, means, better, worse, n_draws=199, seed=1)
    a, b = (bootstrap_scores(pearson, means, p, n_draws=199, seed=1).mean for p in (better, worse))
    assert got.difference.mean.score == pytest.approx(a.score - b.score)
    np.testing.assert_array_equal(got.scores_a, pearson(means, better))
    np.testing.assert_array_equal(got.scores_b, pearson(means, worse))
    np.testing.assert_array_equal(got.difference.units.score, got.scores_a - got.scores_b)
    width = got.difference.mean.high - got.difference.mean.low
    assert width < np.hypot(a.high - a.low, b.high - b.low)
    assert got.difference.mean.low > 0
    assert got.p_value == pytest.approx(2 / 200)
    swapped = paired_bootstrap(pearson, means, worse, better, n_draws=199, seed=1)
    assert swapped.difference.mean.high == -got.difference.mean.low
    assert swapped.p_value == got.p_value


def test_a_model_does_not_beat_itself(models):
    means, predictions, _ = models
    got = paired_bootstrap(pearson, means, predictions, predictions, n_draws=50, seed=0)
    assert got.p_value == 1
    assert got.difference.mean.low == got.difference.mean.high == 0


def test_p_values_of_equal_models_are_uniform_and_agree_with_intervals():
    rng = np.random.default_rng(4)
    p_values = []
    for seed in range(200):
        means, noise_a, noise_b = rng.normal(size=(3, 40, 2))
        got = paired_bootstrap(
            closeness, means, means + noise_a, means + noise_b, n_draws=79, seed=seed
        )
        p_values.append(got.p_value)
        mean = got.difference.mean
        assert (got.p_value <= 0.05 + 1e-9) == (mean.low > 0 or mean.high < 0)
    for level in (0.1, 0.3, 0.5, 0.8):  # within three standard errors, and a little liberal
        error = np.sqrt(level * (1 - level) / 200)
        assert abs(np.mean(np.array(p_values) <= level) - level) < 3 * error + 0.02


def test_blocks_of_time_are_drawn_whole():
    rng = np.random.default_rng(5)
    rates = 0.2 * rng.gamma(1.0, 1.0, (24, 100, 1))
    counts = rng.poisson(rates).astype(float)
    counts[-1, 40:] = np.nan
    flat = np.full_like(rates, 0.2)
    score = partial(bits_per_spike, null=np.array([0.2]))
    got = paired_bootstrap(score, counts, rates, flat, n_draws=199, seed=0)
    assert got.scores_b[0] == 0
    assert got.difference.mean.low > 0
    assert got.difference.mean.low == got.difference.units.low[0]
    blocks = np.repeat(rng.normal(size=(24, 1, 1)), 100, axis=1)
    noisy = blocks + 0.1 * rng.normal(size=blocks.shape)
    whole = bootstrap_scores(pooled_correlation, blocks, blocks + noisy, n_draws=50, seed=0)
    assert whole.mean.low > 0.9
    narrow, wide = (
        bootstrap_scores(mean_over_stimuli, values, n_draws=199, seed=0).mean
        for values in (blocks.reshape(-1, 1), blocks[:, 0])
    )
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)


def test_a_score_that_does_not_pool_blocks_is_refused():
    blocks = np.random.default_rng(6).normal(size=(5, 10, 2))
    with pytest.raises(InvalidInputError, match=r"score has shape \(10, 2\).*pooled_correlation"):
        bootstrap_scores(pearson, blocks, blocks, seed=0)


@pytest.mark.parametrize("lengths", [(3, 4), (1, 1), (0, 0)])
def test_the_bootstrap_wants_the_same_stimuli_and_some(lengths):
    first, second = (np.ones((n, 1)) for n in lengths)
    with pytest.raises(InvalidInputError, match=r"the arrays have \[.*\] stimuli: they must"):
        bootstrap_scores(pearson, first, second, seed=0)


@pytest.mark.parametrize("confidence", [0, 1, 95, np.nan, None, "0.95"])
def test_the_bootstrap_wants_a_confidence_between_0_and_1(confidence):
    x = np.ones((3, 1))
    with pytest.raises(InvalidInputError, match=r"confidence=.*: it must lie between 0 and 1"):
        paired_bootstrap(pearson, x, x, x, confidence=confidence, seed=0)


@pytest.mark.parametrize("n_draws", [np.nan, np.inf, 100.5, 1000.0, "1000", None, True, 0, -1])
def test_the_bootstrap_wants_a_whole_number_of_draws(n_draws):
    x = np.ones((3, 1))
    with pytest.raises(InvalidInputError, match=r"n_draws=.*: it must be a whole number, 1 or"):
        bootstrap_scores(pearson, x, x, n_draws=n_draws, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, 1.0, np.nan, "0", None, True, 2**63])
def test_the_bootstrap_wants_a_seed_that_is_a_whole_number(seed):
    x = np.ones((3, 1))
    with pytest.raises(InvalidInputError, match=r"seed=.*: it must be a whole number"):
        bootstrap_scores(pearson, x, x, seed=seed)
    with pytest.raises(InvalidInputError, match=r"seed=.*: it must be a whole number"):
        paired_bootstrap(pearson, x, x, x, seed=seed)


@pytest.mark.parametrize("none", [None, "ab", [[1.0], [2.0, 3.0]]])
def test_the_bootstrap_wants_arrays_of_numbers(none):
    x = np.ones((2, 1))
    with pytest.raises(InvalidInputError, match=r"one of the arrays is a \w+ that cannot be read"):
        bootstrap_scores(pearson, x, none, seed=0)
    with pytest.raises(InvalidInputError, match="one of the arrays is a single number"):
        paired_bootstrap(pearson, x, x, 1.0, seed=0)


def test_the_bootstrap_refuses_predictions_that_fit_only_when_they_are_broadcast():
    square = np.random.default_rng(8).normal(size=(10, 10))
    with pytest.raises(InvalidInputError, match=r"first has shape \(10, 10\) and second \(10,\)"):
        bootstrap_scores(pearson, square, square[:, 0], n_draws=50, seed=0)
    with pytest.raises(InvalidInputError, match=r"first has shape \(10, 10\) and second \(10,\)"):
        paired_bootstrap(pearson, square, square, square[:, 0], n_draws=50, seed=0)


def test_the_bootstrap_wants_a_draw_beyond_each_end():
    x = np.random.default_rng(7).normal(size=(9, 1))
    with pytest.raises(InvalidInputError, match=r"n_draws=38: confidence=0.95 wants at least 39"):
        bootstrap_scores(mean_over_stimuli, x, n_draws=38, seed=0)
    got = bootstrap_scores(mean_over_stimuli, x, n_draws=39, seed=0)
    rng = np.random.default_rng(0)
    draws = [x[rng.integers(9, size=9)].mean() for _ in range(39)]
    assert (got.mean.low, got.mean.high) == (pytest.approx(min(draws)), pytest.approx(max(draws)))
