"""How often bootstrap intervals cover the truth, and how p-values of equal models are spread.

The numbers of `docs/explanation/scores.md` come from these simulations. Each unit of a simulation
is one experiment.
"""

import numpy as np
import pytest

from spikeloop.evaluate import (
    bits_per_spike,
    bootstrap_scores,
    cc_norm,
    fraction_explained,
    paired_bootstrap,
    pearson,
    poisson_deviance_explained,
    single_trial_correlation,
)

pytestmark = pytest.mark.slow
N_UNITS = 500


def gaussian(seed, n_stimuli, n_units=N_UNITS):
    """Return 8 repeats with S = 1 and N = 2, and predictions half of whose variance is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n_stimuli, n_units))
    repeats = truth[:, None] + np.sqrt(2) * rng.normal(size=(n_stimuli, 8, n_units))
    return repeats, truth + rng.normal(size=truth.shape)


def poisson(seed, n_stimuli, n_units=N_UNITS):
    """Return counts of gamma rates, and predictions that are off by a factor with mean 1."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 1.0, (n_stimuli, n_units))
    return rng.poisson(rates).astype(float), rates * rng.gamma(4.0, 0.25, rates.shape)


def correlation_with_means(repeats, predictions):
    return pearson(repeats.mean(axis=1), predictions)


@pytest.mark.parametrize(
    ("simulate", "score"),
    [
        (gaussian, correlation_with_means),
        (gaussian, single_trial_correlation),
        (gaussian, cc_norm),
        (gaussian, fraction_explained),
        (poisson, poisson_deviance_explained),
        (poisson, bits_per_spike),
    ],
)
def test_intervals_cover_the_score_of_endless_stimuli(simulate, score):
    truth = np.mean([score(*simulate(seed, 5000, 20)).mean() for seed in range(10)])
    for n_stimuli, least in ((20, 0.87), (50, 0.89), (100, 0.90)):
        arrays = simulate(100 + n_stimuli, n_stimuli)
        units = bootstrap_scores(score, *arrays, n_draws=499, seed=0).units
        covered = np.mean((units.low <= truth) & (truth <= units.high))
        assert least < covered < 0.975, (n_stimuli, covered)


def test_the_interval_of_a_mean_over_units_that_share_noise_covers_the_truth():
    covered = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        shared = rng.normal(size=(100, 1))
        truth, noise, error = rng.normal(size=(3, 100, 6))
        mean = bootstrap_scores(
            pearson, truth + shared / 2 + noise, truth + error, n_draws=199, seed=seed
        ).mean
        covered.append(mean.low <= 1 / np.sqrt(2 * 2.25) <= mean.high)
    assert 0.90 < np.mean(covered) < 0.975


@pytest.mark.parametrize("n_stimuli", [20, 50, 200])
def test_p_values_of_equal_models_are_uniform(n_stimuli):
    rng, p_values = np.random.default_rng(n_stimuli), []
    for seed in range(400):
        truth, noise, error_a, error_b = rng.normal(size=(4, n_stimuli, 3))
        got = paired_bootstrap(
            pearson, truth + noise, truth + error_a, truth + error_b, n_draws=199, seed=seed
        )
        p_values.append(got.p_value)
    for level in (0.05, 0.2, 0.5, 0.8):
        error = np.sqrt(level * (1 - level) / 400)
        assert abs(np.mean(np.array(p_values) <= level) - level) < 3 * error + 0.01
