"""Every score of reliability against simulations whose signal and noise are known.

Each unit of a simulation is one experiment, so a few thousand run at once. An unbiased estimate
must average to the truth within four standard errors. A ratio of unbiased estimates is biased by
about one part in the number of stimuli: it is given that, with many stimuli.
"""

import numpy as np
import pytest

from spikeloop import evaluate


def assert_averages_to(estimates: np.ndarray, truth: np.ndarray | float, slack: float = 0.0):
    """Refuse a mean error of more than four of its standard errors, and `slack`."""
    error = estimates - truth
    standard_error = error.std(ddof=1) / np.sqrt(error.size)
    assert abs(error.mean()) < 4 * standard_error + slack, (error.mean(), standard_error)


def gaussian(seed: int, m: int, n: int, n_units: int, snr: float = 0.5):
    """Return true means (stimulus, unit) of variance `snr` and repeats with noise of variance 1."""
    rng = np.random.default_rng(seed)
    truth = np.sqrt(snr) * rng.normal(size=(m, n_units))
    return truth, truth[:, None] + rng.normal(size=(m, n, n_units))


def poisson(seed: int, m: int, n: int, n_units: int):
    """Return rates (stimulus, unit), gamma with mean 2 and variance 2, and counts of them."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 1.0, (m, n_units))
    return rates, rng.poisson(rates[:, None], (m, n, n_units)).astype(float)


def made_ragged(repeats: np.ndarray, seed: int) -> np.ndarray:
    """Return repeats without a random half of the trials but the first two of each stimulus."""
    missing = np.random.default_rng(seed).random(repeats.shape[:2]) < 0.5
    missing[:, :2] = False
    return np.where(missing[:, :, None], np.nan, repeats)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("simulate", [gaussian, poisson])
def test_signal_and_noise_power_are_unbiased(simulate, ragged):
    truth, repeats = simulate(0, m=30, n=6, n_units=4000)
    noise = 1.0 if simulate is gaussian else truth.mean(axis=0)
    repeats = made_ragged(repeats, 1) if ragged else repeats
    assert_averages_to(evaluate.signal_power(repeats), truth.var(axis=0, ddof=1))
    assert_averages_to(evaluate.noise_power(repeats), noise)


@pytest.mark.parametrize("snr", [0.0, 0.1, 2.0])
def test_snr_is_unbiased_for_gaussian_noise(snr):
    truth, repeats = gaussian(2, m=12, n=3, n_units=8000, snr=snr)
    assert_averages_to(evaluate.signal_to_noise(repeats), truth.var(axis=0))


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("simulate", [gaussian, poisson])
def test_the_oracle_averages_to_its_formula(simulate, n):
    _, repeats = simulate(3, m=1000, n=n, n_units=100)
    signal, noise = (0.5, 1.0) if simulate is gaussian else (2.0, 2.0)
    wanted = signal / np.sqrt((signal + noise) * (signal + noise / (n - 1)))
    assert_averages_to(evaluate.leave_one_out_oracle(repeats), wanted, slack=1e-3)
    assert_averages_to(evaluate.random_trial_oracle(repeats, 20, seed=0), wanted, slack=1e-3)


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("simulate", [gaussian, poisson])
def test_ratios_average_to_their_truth_with_many_stimuli(simulate, n):
    _, repeats = simulate(4, m=1000, n=n, n_units=200)
    signal, noise = (0.5, 1.0) if simulate is gaussian else (2.0, 2.0)
    half = signal / (signal + noise / (n // 2))
    two_halves = signal / (signal + noise / (2 * (n // 2)))
    whole = signal / (signal + noise / n)
    for scores, wanted in (
        (evaluate.fraction_explainable(repeats), signal / (signal + noise)),
        (evaluate.cc_max(repeats), np.sqrt(whole)),
        (evaluate.mean_reliability(repeats), whole),
        (evaluate.split_half(repeats), half),
        (evaluate.split_half_random(repeats, 20, seed=0), half),
        (evaluate.split_half_enumerated(repeats), half),
        (evaluate.spearman_brown(evaluate.split_half(repeats)), two_halves),
    ):
        assert_averages_to(scores, wanted, slack=1e-3)


@pytest.mark.parametrize("simulate", [gaussian, poisson])
def test_scores_of_predictions_average_to_their_truth(simulate):
    truth, repeats = simulate(5, m=1000, n=5, n_units=200)
    rng = np.random.default_rng(6)
    predictions = truth + truth.std() * rng.normal(size=truth.shape)
    wanted = evaluate.pearson(predictions, truth)
    explained = 1 - np.sum((predictions - truth) ** 2, axis=0) / (len(truth) * truth.var(axis=0))
    ragged = made_ragged(repeats, 7)
    assert_averages_to(evaluate.cc_norm(ragged, predictions), wanted, slack=2e-3)
    assert_averages_to(evaluate.fraction_explained(ragged, predictions), explained, slack=4e-3)
    assert_averages_to(evaluate.r2_er(ragged, predictions), wanted**2, slack=2e-3)


def test_medians_of_scores_of_predictions_are_right_with_118_stimuli_and_5_repeats():
    truth, repeats = gaussian(15, m=118, n=5, n_units=2000)
    predictions = truth + truth.std() * np.random.default_rng(16).normal(size=truth.shape)
    wanted = evaluate.pearson(predictions, truth)
    for score, true in ((evaluate.cc_norm, wanted), (evaluate.r2_er, wanted**2)):
        assert abs(np.median(score(repeats, predictions)) - np.median(true)) < 0.02


def test_r2_of_stabilized_counts_averages_to_that_of_stabilized_means():
    rates, counts = poisson(8, m=600, n=5, n_units=200)
    k = np.arange(60)
    grid = np.linspace(0, rates.max(), 2000)
    log_factorial = np.cumsum(np.log(np.maximum(k, 1)))
    log_grid = np.log(np.maximum(grid, 1e-300))
    share = np.exp(k * log_grid[:, None] - grid[:, None] - log_factorial)
    means = np.interp(rates, grid, share @ evaluate.stabilize_variance(k.astype(float), "anscombe"))
    predictions = rates * np.exp(0.5 * np.random.default_rng(9).normal(size=rates.shape))
    wanted = evaluate.pearson(evaluate.stabilize_variance(predictions, "anscombe"), means) ** 2
    got = evaluate.r2_er(counts, predictions, transform="anscombe")
    assert_averages_to(got, wanted, slack=3e-3)


@pytest.mark.parametrize(
    ("m", "n", "snr", "r2"),
    [(50, 4, 0.25, 0.6), (118, 10, 0.1, 0.95), (50, 4, 0.1, 0.5), (30, 4, 1, 0)],
)
def test_the_interval_of_r2_covers_the_truth(m, n, snr, r2):
    rng, n_units = np.random.default_rng(10), 600
    prediction, across = rng.normal(size=(2, m, n_units))
    prediction -= prediction.mean(axis=0)
    prediction /= np.linalg.norm(prediction, axis=0)
    across -= across.mean(axis=0)
    across -= prediction * np.sum(prediction * across, axis=0)
    across /= np.linalg.norm(across, axis=0)
    truth = np.sqrt(snr * m) * (np.sqrt(r2) * prediction + np.sqrt(1 - r2) * across)
    repeats = truth[:, None] + rng.normal(size=(m, n, n_units))
    low, high = evaluate.r2_er_interval(repeats, prediction, n_draws=1000, seed=0)
    defined = np.isfinite(low)
    assert defined.mean() > 0.9
    covered = np.mean((low <= r2) & (r2 <= high), where=defined)
    assert covered > 0.95 - 4 * np.sqrt(0.95 * 0.05 / n_units)


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_signal_correlations_do_not_see_shared_noise_and_noise_correlations_the_signal(shared):
    rng, m, n, n_pairs = np.random.default_rng(11), 500, 6, 100
    signal, noise = rng.normal(size=(2, m, 1, n_pairs)), rng.normal(size=(2, m, n, n_pairs))
    signal[1] = 0.5 * signal[0] + np.sqrt(0.75) * signal[1]
    noise[1] = shared * noise[0] + np.sqrt(1 - shared**2) * noise[1]
    first, second = made_ragged(np.concatenate(signal + noise, axis=2), 12).reshape(
        m, n, 2, n_pairs
    ).transpose(2, 0, 1, 3)  # fmt: skip
    pairs = np.stack([first, second], axis=-1)
    signals = [evaluate.signal_correlation(pairs[:, :, pair])[0, 1] for pair in range(n_pairs)]
    assert_averages_to(np.array(signals), 0.5, slack=2e-3)
    whole = np.concatenate(signal + noise, axis=2).reshape(m, n, 2, n_pairs)
    noises = [evaluate.noise_correlation(whole[..., pair])[0, 1] for pair in range(n_pairs)]
    shrunk = shared * (1 - (1 - shared**2) / (2 * n))
    assert_averages_to(np.array(noises), shrunk, slack=0.3 * shared / n**2)


def test_the_interval_of_the_oracle_covers_its_formula():
    n, n_units, n_data_sets = 8, 50, 12
    wanted = 0.5 / np.sqrt(1.5 * (0.5 + 1 / (n - 1)))
    covered = []
    for seed in range(n_data_sets):
        _, repeats = gaussian(20 + seed, m=100, n=n, n_units=n_units)
        low, high = evaluate.leave_one_out_oracle_interval(repeats, n_draws=500, seed=seed)
        covered.append((low <= wanted) & (wanted <= high))
    assert 0.90 < np.mean(covered) < 0.98


def test_p_values_keep_their_promise_for_ragged_poisson_noise():
    rng = np.random.default_rng(13)
    repeats = made_ragged(rng.poisson(1.5, (20, 6, 2000)).astype(float), 14)
    p_value = evaluate.signal_p_value(repeats, 199, seed=0)
    for alpha in (0.05, 0.2, 0.5):
        assert (
            abs(np.mean(p_value <= alpha) - alpha) < 4 * np.sqrt(alpha * (1 - alpha) / 2000) + 0.005
        )


def test_p_values_keep_their_promise_when_some_units_get_more_permutations():
    repeats = np.random.default_rng(17).normal(size=(10, 4, 4000))
    p_value = evaluate.signal_p_value(repeats, 99, n_if_small=999, seed=0)
    for alpha in (0.005, 0.02, 0.1, 0.2):
        assert np.mean(p_value <= alpha) < alpha + 4 * np.sqrt(alpha * (1 - alpha) / 4000)
    whole = evaluate.signal_p_value(repeats, 999, seed=0)
    small = p_value < 0.1
    np.testing.assert_allclose(p_value[small], whole[small])


def test_slow_drift_is_taken_for_signal_only_where_stimuli_are_not_interleaved():
    rng, n_units = np.random.default_rng(18), 300
    counts = rng.poisson(2 + np.linspace(0, 3, 150)[:, None], (150, n_units)).astype(float)
    share = [
        np.mean(evaluate.signal_p_value(trials.reshape(30, 5, n_units), 199, seed=0) <= 0.05)
        for trials in (counts, rng.permuted(counts, axis=0))
    ]
    assert share[0] > 0.5
    assert share[1] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / n_units)
