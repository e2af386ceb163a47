"""Mistakes that are easily made in scores, each with a test that would find it."""

import numpy as np
import pytest

from spikeloop.evaluate import (
    bits_per_spike,
    bootstrap_scores,
    cc_max,
    cc_norm,
    correlation_matrix,
    fraction_explainable,
    fraction_explained,
    fraction_explained_above,
    leave_one_out_oracle,
    mean_reliability,
    noise_correlation,
    noise_power,
    pearson,
    poisson_deviance_explained,
    pooled_correlation,
    signal_correlation,
    signal_power,
    signal_to_noise,
    single_trial_correlation,
    split_half,
)

OF_REPEATS = [
    cc_max, fraction_explainable, leave_one_out_oracle, mean_reliability, noise_power,
    signal_power, signal_to_noise, split_half,
]  # fmt: skip
OF_PREDICTIONS = [
    cc_norm, fraction_explained, single_trial_correlation,
    lambda repeats, predictions: pooled_correlation(repeats, predictions[:, None]),
    lambda repeats, predictions: poisson_deviance_explained(repeats, predictions[:, None]),
    lambda repeats, predictions: bits_per_spike(repeats, predictions[:, None]),
]  # fmt: skip


@pytest.fixture
def simulated():
    """Return rates (stimulus, unit), and ragged counts (stimulus, repeat, unit) of them."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 2.0, (30, 5))
    repeats = rng.poisson(rates[:, None], (30, 6, 5)).astype(float)
    repeats[3:9, 4:], repeats[9:12, 2:] = np.nan, np.nan
    return rates, repeats


def lists_of(repeats):
    return [row[~np.isnan(row[:, 0])] for row in repeats]


def test_noise_of_ragged_repeats_is_that_of_the_lists_that_they_pad(simulated):
    """A variance over padded rows is NaN, or counts the padding, or fails on lists."""
    _, repeats = simulated
    noise = np.mean([trials.var(axis=0, ddof=1) for trials in lists_of(repeats)], axis=0)
    np.testing.assert_allclose(noise_power(repeats), noise)
    trials = lists_of(repeats)
    errors = np.mean([t.var(axis=0, ddof=1) / len(t) for t in trials], axis=0)
    signal = np.var([t.mean(axis=0) for t in trials], axis=0, ddof=1) - errors
    np.testing.assert_allclose(signal_power(repeats), signal)
    np.testing.assert_allclose(fraction_explainable(repeats), signal / (signal + noise))


@pytest.mark.parametrize("score", OF_REPEATS)
def test_padding_changes_no_score_of_repeats(score, simulated):
    """Where NaN is taken for a trial, wider padding or another order of the trials changes it."""
    _, repeats = simulated
    wider = np.concatenate([np.full((30, 2, 5), np.nan), repeats], axis=1)
    assert np.isfinite(score(repeats)).all()
    np.testing.assert_allclose(score(wider), score(repeats))


@pytest.mark.parametrize("score", OF_PREDICTIONS)
def test_padding_changes_no_score_of_predictions(score, simulated):
    """A missing trial is neither a count of zero nor a trial that was badly predicted."""
    rates, repeats = simulated
    wider = np.concatenate([np.full((30, 2, 5), np.nan), repeats], axis=1)
    assert np.isfinite(score(repeats, rates)).all()
    np.testing.assert_allclose(score(wider, rates), score(repeats, rates))


@pytest.mark.parametrize("score", OF_REPEATS)
def test_a_unit_shown_everything_once_has_no_reliability(score):
    """One repeat says nothing of noise: the score is undefined, and not zero."""
    once = np.random.default_rng(1).poisson(3.0, (30, 1, 2)).astype(float)
    assert np.isnan(score(once)).all()


@pytest.mark.parametrize("score", OF_PREDICTIONS[:2])
def test_a_prediction_of_what_was_shown_once_has_no_noise_corrected_score(score):
    once = np.random.default_rng(1).poisson(3.0, (30, 1, 2)).astype(float)
    assert np.isnan(score(once, once[:, 0] + 1)).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_constant_unit_has_no_correlation_and_not_zero(value, simulated):
    """A small number added to each standard deviation turns 0 / 0 into a correlation of 0."""
    rates, repeats = simulated
    dull = repeats.copy()
    dull[..., 2] = np.where(np.isnan(dull[..., 2]), np.nan, value)
    once = dull[:, 0]
    scores = [
        single_trial_correlation(dull, rates), cc_norm(dull, rates), leave_one_out_oracle(dull),
        pooled_correlation(dull, rates[:, None]), pearson(once, rates),
        np.diag(correlation_matrix(once)), np.diag(signal_correlation(dull)),
        np.diag(noise_correlation(dull)),
    ]  # fmt: skip
    for score in scores:
        np.testing.assert_array_equal(np.isnan(score), np.arange(5) == 2)


def test_small_responses_correlate_as_large_ones_do(simulated):
    """A small number added to each standard deviation shrinks correlations of small responses."""
    rates, repeats = simulated
    for score in (single_trial_correlation, cc_norm):
        np.testing.assert_allclose(score(1e-9 * repeats, 1e-9 * rates), score(repeats, rates))


def test_an_undefined_score_does_not_drag_the_mean_towards_zero(simulated):
    """NaN taken for 0 makes a mean depend on how many units happened to be silent."""
    rates, repeats = simulated
    silent = repeats.copy()
    silent[..., 0] = np.where(np.isnan(silent[..., 0]), np.nan, 0.0)
    got = bootstrap_scores(single_trial_correlation, silent, rates, n_draws=39, seed=0)
    others = single_trial_correlation(repeats, rates)[1:]
    assert got.mean.score == pytest.approx(others.mean())
    assert got.n_excluded == 1


def test_fev_of_noise_is_below_zero_half_of_the_time():
    """Cut at zero, units without signal would have a little on average."""
    noise = np.random.default_rng(2).normal(size=(40, 4, 400))
    fev = fraction_explainable(noise)
    assert abs(fev.mean()) < 4 * fev.std() / 20
    assert 0.4 < np.mean(fev < 0) < 0.65


def test_feve_of_a_bad_model_is_below_zero(simulated):
    """Cut at zero, a model worse than a constant looks as good as one, and the mean too high."""
    rates, repeats = simulated
    scores = fraction_explained(repeats, rates[::-1] + 5)
    assert (scores < -1).all()
    got = fraction_explained_above(repeats, rates[::-1] + 5, threshold=0.15)
    assert got.mean == pytest.approx(scores.mean())


def test_a_threshold_that_raises_the_mean_says_how_many_units_it_left_out():
    """The mean of the units above a threshold is another number for each threshold."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=(50, 200)) * rng.uniform(0.1, 1.5, 200)
    repeats = truth[:, None] + rng.normal(size=(50, 5, 200))
    predictions = truth + rng.normal(size=truth.shape) / 2  # poor where there is little signal
    low, high = (
        fraction_explained_above(repeats, predictions, threshold=threshold)
        for threshold in (0.05, 0.3)
    )
    assert high.mean > low.mean + 0.2
    assert 0 < low.n_excluded < high.n_excluded
    assert low.n_excluded == 200 - np.sum(low.explainable > 0.05)
    np.testing.assert_array_equal(low.scores, high.scores)


def test_the_mean_of_noisy_repeats_is_not_taken_for_the_truth():
    """Variance of means holds noise / n: unless it is taken off, ceilings come out too high."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=(60, 300))
    repeats = truth[:, None] + 2 * rng.normal(size=(60, 4, 300))  # S = 1, N = 4
    np.testing.assert_allclose(np.median(mean_reliability(repeats)), 1 / 2, atol=0.03)
    assert np.median(repeats.mean(axis=1).var(axis=0, ddof=1)) > 1.9
    np.testing.assert_allclose(np.median(signal_power(repeats)), 1, atol=0.06)


def test_bins_without_spikes_are_no_trouble_to_the_likelihood():
    """y log y is 0 where y is, and no small number has to be added to either side."""
    counts = np.array([[0.0], [0.0], [2.0]])
    assert poisson_deviance_explained(counts, counts)[0] == 1
    assert bits_per_spike(counts, counts)[0] == pytest.approx(np.log2(3))
    assert bits_per_spike(counts, counts[::-1])[0] == -np.inf


def test_units_are_scored_all_at_once_as_each_alone(simulated):
    """A squeezed axis makes one unit, or one stimulus, a special case."""
    rates, repeats = simulated
    for score in OF_PREDICTIONS:
        alone = [score(repeats[..., u : u + 1], rates[:, u : u + 1]) for u in range(5)]
        assert all(one.shape == (1,) for one in alone)
        np.testing.assert_allclose(score(repeats, rates), np.concatenate(alone))
