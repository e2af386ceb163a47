"""Scores by the Poisson likelihood against scipy, scikit-learn and closed forms."""

import numpy as np
import pytest
from scipy.stats import poisson
from sklearn.metrics import d2_tweedie_score

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import bits_per_spike, poisson_deviance_explained

SCORES = [poisson_deviance_explained, bits_per_spike]


@pytest.fixture
def simulated():
    """Return counts with many zeros, and expected counts that are not far off."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 1.5, (60, 4))
    return rng.poisson(rates).astype(float), rates * rng.gamma(9.0, 1 / 9, rates.shape)


def test_deviance_explained_is_scikit_learns(simulated):
    counts, predictions = simulated
    assert (counts == 0).sum() > 50
    wanted = [d2_tweedie_score(counts[:, u], predictions[:, u], power=1) for u in range(4)]
    np.testing.assert_allclose(poisson_deviance_explained(counts, predictions), wanted)


@pytest.mark.parametrize("null", [None, np.array([1.0, 2.0, 0.5, 3.0])])
def test_bits_are_log_likelihoods_of_scipy(simulated, null):
    counts, predictions = simulated
    constant = counts.mean(axis=0) if null is None else null
    gained = poisson.logpmf(counts, predictions) - poisson.logpmf(counts, constant)
    wanted = gained.sum(axis=0) / counts.sum(axis=0) / np.log(2)
    np.testing.assert_allclose(bits_per_spike(counts, predictions, null), wanted)


def test_deviance_is_twice_the_log_likelihood_short_of_a_perfect_one(simulated):
    counts, predictions = simulated
    null = np.array([1.0, 2.0, 0.5, 3.0])
    best = poisson.logpmf(counts, counts).sum(axis=0)
    short, null_short = (
        best - poisson.logpmf(counts, means).sum(axis=0) for means in (predictions, null)
    )
    got = poisson_deviance_explained(counts, predictions, null)
    np.testing.assert_allclose(got, 1 - short / null_short)


def test_spikes_known_to_a_bin_carry_its_surprise():
    counts = np.zeros((64, 1))
    counts[::16] = 3.0
    np.testing.assert_allclose(bits_per_spike(counts, counts), 4.0)
    np.testing.assert_allclose(poisson_deviance_explained(counts, counts), 1.0)


@pytest.mark.parametrize("score", SCORES)
def test_the_null_scores_zero_and_a_wrong_scale_less(score, simulated):
    counts, predictions = simulated
    mean = np.tile(counts.mean(axis=0), (60, 1))
    np.testing.assert_allclose(score(counts, mean), 0.0, atol=1e-12)
    assert (score(counts, 5 * predictions) < 0).all()
    assert (score(counts, predictions, null=mean[0] + 1) > score(counts, predictions)).all()


def test_true_rates_gain_the_information_of_a_poisson_neuron():
    rng = np.random.default_rng(1)
    rates = rng.gamma(2.0, 0.05, (200_000, 1))
    counts = rng.poisson(rates).astype(float)
    ratio = rates / rates.mean()
    wanted = np.mean(ratio * np.log2(ratio))
    assert bits_per_spike(counts, rates)[0] == pytest.approx(wanted, abs=0.015)


@pytest.mark.parametrize("score", SCORES)
def test_missing_trials_count_neither_for_the_model_nor_for_the_null(score, simulated):
    counts, predictions = simulated
    repeats = counts.reshape(20, 3, 4).copy()
    repeats[4, 2], repeats[9, 1:] = np.nan, np.nan
    stimuli = predictions[:20]
    present = ~np.isnan(repeats[:, :, 0])
    trials = np.repeat(stimuli, present.sum(axis=1), axis=0)
    wanted = score(repeats[present], trials)
    np.testing.assert_allclose(score(repeats, stimuli[:, None]), wanted)


@pytest.mark.parametrize("score", SCORES)
def test_silence_predicted_where_a_spike_came_is_infinitely_wrong(score, simulated):
    counts, predictions = simulated
    certain = predictions.copy()
    certain[counts[:, 0] > 0, 0] = 0.0
    got, whole = score(counts, certain), score(counts, predictions)
    assert got[0] == -np.inf
    np.testing.assert_array_equal(got[1:], whole[1:])
    right = predictions * (counts > 0)
    assert (score(counts, right) > whole).all()


def test_a_silent_unit_has_no_bits_and_a_constant_one_no_deviance_to_explain(simulated):
    counts, predictions = simulated
    counts[:, 0], counts[:, 1] = 0.0, 0.1
    got = poisson_deviance_explained(counts, predictions)
    np.testing.assert_array_equal(np.isnan(got), [True, True, False, False])
    bits = bits_per_spike(counts, predictions, null=np.ones(4))
    np.testing.assert_array_equal(np.isnan(bits), [True, False, False, False])
    known = poisson_deviance_explained(counts, predictions, null=np.ones(4))
    assert known[0] == pytest.approx(1 - predictions[:, 0].mean())


@pytest.mark.parametrize("score", SCORES)
def test_a_null_that_rules_the_spikes_out_gives_no_score(score, simulated):
    counts, predictions = simulated
    got = score(counts, predictions, null=np.array([0.0, 1.0, 1.0, 1.0]))
    np.testing.assert_array_equal(np.isnan(got), [True, False, False, False])


@pytest.mark.parametrize("score", SCORES)
def test_what_no_poisson_count_can_be_is_refused(score, simulated):
    counts, predictions = simulated
    with pytest.raises(InvalidInputError, match=r"predictions reaches down to -0\.1:"):
        score(counts, predictions * 0 - 0.1)
    with pytest.raises(InvalidInputError, match="counts reaches down to -1: Poisson counts"):
        score(counts * 0 - 1, predictions)
    with pytest.raises(InvalidInputError, match=r"null has shape \(2,\) and reaches down to 1"):
        score(counts, predictions, null=np.ones(2))
    with pytest.raises(InvalidInputError, match=r"null has shape \(4,\) and reaches down to -1"):
        score(counts, predictions, null=-np.ones(4))
    with pytest.raises(InvalidInputError, match="null holds 4 values that are not finite"):
        score(counts, predictions, null=np.full(4, np.nan))
