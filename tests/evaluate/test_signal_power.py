"""Signal and noise against the published formulas, and the p-value against all permutations."""

import itertools

import numpy as np
import pytest

from spikeloop.evaluate import (
    cc_max,
    fraction_explainable,
    noise_power,
    signal_p_value,
    signal_power,
    signal_to_noise,
)


def tuned(seed: int, shape: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + rng.normal(size=(shape[0], 1, shape[2]))


def sahani_linden(values: np.ndarray) -> float:
    """Return the signal power of (stimulus, repeat), as printed in Schoppe et al. (2016)."""
    n = values.shape[1]
    of_sum = np.var(values.sum(axis=1), ddof=1)
    return (of_sum - np.var(values, axis=0, ddof=1).sum()) / (n * (n - 1))


def test_signal_power_is_the_published_formula_averaged_over_orders_of_repeats():
    repeats = tuned(0, (3, 3, 1))
    orders = itertools.product(itertools.permutations(range(3)), repeat=3)
    every = [
        sahani_linden(
            np.array([row[list(o)] for row, o in zip(repeats[:, :, 0], order, strict=True)])
        )
        for order in orders
    ]
    assert signal_power(repeats)[0] == pytest.approx(np.mean(every), rel=1e-12)


def test_ragged_powers_are_those_of_the_lists():
    lists = [[1.0, 3.0], [5.0, 4.0, 9.0], [2.0, 0.0, 1.0, 1.0]]
    repeats = np.full((4, 4, 1), np.nan)
    for i, values in enumerate(lists):
        repeats[i, : len(values), 0] = values
    repeats[3, 0] = 50.0  # shown once: tells nothing
    variances = [np.var(values, ddof=1) for values in lists]
    errors = [v / len(values) for v, values in zip(variances, lists, strict=True)]
    signal = np.var([np.mean(values) for values in lists], ddof=1) - np.mean(errors)
    assert noise_power(repeats)[0] == pytest.approx(np.mean(variances))
    assert signal_power(repeats)[0] == pytest.approx(signal)
    fev = signal / (signal + np.mean(variances))
    assert fraction_explainable(repeats)[0] == pytest.approx(fev)


def test_snr_is_the_published_formula_but_for_the_bias_of_a_ratio():
    repeats = tuned(1, (20, 5, 3))
    m, n, _ = repeats.shape
    means, noise = repeats.mean(axis=1), repeats.var(axis=1, ddof=1).mean(axis=0)
    squares = np.sum((means - means.mean(axis=0)) ** 2, axis=0)
    n_free = m * (n - 1)
    wanted = (squares * (n_free - 2) / n_free - (m - 1) * noise / n) / (m * noise)
    np.testing.assert_allclose(signal_to_noise(repeats), wanted)


def test_fev_is_near_that_of_the_plain_variance_of_all_trials():
    repeats = tuned(2, (200, 6, 4))
    total = repeats.reshape(-1, 4).var(axis=0)
    plain = (total - repeats.var(axis=1, ddof=1).mean(axis=0)) / total
    np.testing.assert_allclose(fraction_explainable(repeats), plain, atol=2 / 200)


def test_nothing_is_clipped_and_cc_max_is_nan_without_signal():
    noise = np.random.default_rng(3).normal(size=(20, 4, 200))
    power = signal_power(noise)
    assert 0.3 < np.mean(power < 0) < 0.7
    np.testing.assert_array_equal(np.isnan(cc_max(noise)), power <= 0)
    np.testing.assert_array_equal(fraction_explainable(noise) < 0, power < 0)


def test_cc_max_is_the_root_of_the_share_of_signal_in_the_variance_of_means():
    repeats = tuned(4, (50, 4, 3))
    share = signal_power(repeats) / repeats.mean(axis=1).var(axis=0, ddof=1)
    np.testing.assert_allclose(cc_max(repeats), np.sqrt(share))


@pytest.mark.parametrize("level", [0.0, 0.1])
def test_a_constant_unit_has_no_power_p_of_1_and_nan_ratios(level):
    repeats = tuned(5, (10, 4, 2))
    repeats[:, :, 0] = level
    assert signal_power(repeats)[0] == noise_power(repeats)[0] == 0
    assert signal_p_value(repeats, 50, seed=0)[0] == 1
    for score in (signal_to_noise, fraction_explainable, cc_max):
        both = score(repeats)
        assert np.isnan(both[0])
        assert both[1] == pytest.approx(score(repeats[:, :, 1:])[0], rel=1e-12)


def test_without_repeats_all_are_nan_and_p_is_1():
    repeats = np.arange(6.0).reshape(3, 1, 2)
    for score in (signal_power, noise_power, signal_to_noise, fraction_explainable, cc_max):
        assert np.isnan(score(repeats)).all()
    assert signal_p_value(repeats, 10, seed=0).tolist() == [1, 1]


def test_the_p_value_is_the_share_of_all_permutations():
    lists = [[0.0, 0.3], [1.0, 1.1, 0.2]]
    pool, repeats = np.concatenate(lists), np.full((2, 3, 1), np.nan)
    repeats[0, :2, 0], repeats[1, :, 0] = lists

    def between(values: np.ndarray) -> float:
        return values[:2].sum() ** 2 / 2 + values[2:].sum() ** 2 / 3

    every = [between(np.array(order)) for order in itertools.permutations(pool)]
    share = np.mean(np.array(every) >= between(pool) - 1e-12)
    got = signal_p_value(repeats, 4000, seed=0)[0]
    assert abs(got - share) < 4 * np.sqrt(share * (1 - share) / 4000) + 1 / 4000


def test_p_values_of_noise_are_uniform():
    from scipy.stats import kstest

    noise = np.random.default_rng(6).poisson(1.0, (12, 5, 400)).astype(float)
    noise += np.random.default_rng(7).normal(scale=1e-3, size=noise.shape)  # no ties
    assert kstest(signal_p_value(noise, 199, seed=0), "uniform").pvalue > 0.01


def test_units_are_permuted_alike_whatever_stands_beside_them():
    repeats = tuned(8, (10, 4, 3))
    every = signal_p_value(repeats, 100, seed=0)
    np.testing.assert_array_equal(signal_p_value(repeats[:, :, 1:], 100, seed=0), every[1:])
