"""The oracle against brute force, and where it is undefined."""

import itertools

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    leave_one_out_oracle,
    leave_one_out_oracle_interval,
    random_trial_oracle,
)


def ragged(seed: int, n_stimuli: int = 9, n_repeats: int = 5, n_units: int = 4) -> np.ndarray:
    """Return Poisson counts with trials missing anywhere, some stimuli shown once or never."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(2.0, 1.5, (n_stimuli, 1, n_units))
    repeats = rng.poisson(rates, (n_stimuli, n_repeats, n_units)).astype(float)
    repeats[rng.random((n_stimuli, n_repeats)) < 0.3] = np.nan
    repeats[0, 1:], repeats[1] = np.nan, np.nan
    return repeats


def brute_force(repeats: np.ndarray) -> np.ndarray:
    scores = []
    for unit in range(repeats.shape[2]):
        left_out, others = [], []
        for row in repeats[:, :, unit]:
            trials = row[~np.isnan(row)]
            for r in range(len(trials)):
                if len(trials) > 1:
                    left_out.append(trials[r])
                    others.append(np.delete(trials, r).mean())
        scores.append(np.corrcoef(left_out, others)[0, 1])
    return np.array(scores)


@pytest.mark.parametrize("seed", range(5))
def test_the_closed_form_is_the_brute_force_correlation_of_ragged_trials(seed):
    repeats = ragged(seed)
    np.testing.assert_allclose(leave_one_out_oracle(repeats), brute_force(repeats), rtol=1e-12)


def test_the_closed_form_holds_far_from_zero():
    repeats = ragged(0) / 7
    got = leave_one_out_oracle(repeats + 1e5)
    np.testing.assert_allclose(got, leave_one_out_oracle(repeats), rtol=1e-8)


def test_stimuli_shown_once_contribute_nothing():
    repeats = ragged(1)
    more = np.full((3, *repeats.shape[1:]), np.nan)
    more[:, 0] = 100.0
    got = leave_one_out_oracle(np.concatenate([more, repeats]))
    np.testing.assert_allclose(got, leave_one_out_oracle(repeats), rtol=1e-12)


def test_a_constant_unit_has_nan_and_not_zero_and_leaves_the_others_alone():
    repeats = ragged(2)
    dull = np.where(np.isnan(repeats[:, :, :1]), np.nan, 0.1)
    got = leave_one_out_oracle(np.concatenate([dull, repeats], axis=2))
    assert np.isnan(got[0])
    np.testing.assert_allclose(got[1:], leave_one_out_oracle(repeats), rtol=1e-12)


def test_one_repeat_has_no_oracle():
    repeats = np.arange(8.0).reshape(4, 1, 2)
    assert np.isnan(leave_one_out_oracle(repeats)).all()
    assert np.isnan(random_trial_oracle(repeats, 3, seed=0)).all()
    assert np.isnan(leave_one_out_oracle_interval(repeats, seed=0)).all()


def test_the_oracle_is_not_clipped():
    repeats = np.array([[[0.0], [4.0]], [[1.0], [3.0]], [[2.0], [2.0]]])
    assert leave_one_out_oracle(repeats)[0] == pytest.approx(-1.0)


def test_random_trials_average_to_the_mean_over_all_draws():
    repeats = np.random.default_rng(3).normal(size=(3, 3, 1)) + np.arange(3.0)[:, None, None]
    values = repeats[:, :, 0]
    every = []
    for draw in itertools.product(range(3), repeat=3):
        left_out = [values[i, r] for i, r in enumerate(draw)]
        others = [np.delete(values[i], r).mean() for i, r in enumerate(draw)]
        every.append(np.corrcoef(left_out, others)[0, 1])
    got = random_trial_oracle(repeats, 4000, seed=0)[0]
    assert abs(got - np.mean(every)) < 4 * np.std(every) / np.sqrt(4000)


def test_the_fraction_of_stimuli_used_is_an_option_of_the_random_trial_oracle():
    repeats = ragged(4)
    used = np.mean(np.sum(~np.isnan(repeats[:, :, 0]), axis=1) >= 2)
    plain = random_trial_oracle(repeats, 20, seed=0)
    scaled = random_trial_oracle(repeats, 20, times_fraction_used=True, seed=0)
    np.testing.assert_allclose(scaled, used * plain, rtol=1e-12)


def test_runs_without_a_correlation_are_left_out_of_the_random_trial_oracle():
    repeats = np.zeros((4, 4, 2))
    repeats[0, 0, 0] = repeats[1, 1, 0] = 1.0
    got = random_trial_oracle(repeats, 200, seed=0)
    assert -1 <= got[0] < 0
    assert np.isnan(got[1])


def test_the_interval_holds_the_oracle_and_comes_again_with_the_seed():
    repeats = ragged(5, n_stimuli=60)
    low, high = leave_one_out_oracle_interval(repeats, n_draws=300, seed=1)
    oracle = leave_one_out_oracle(repeats)
    assert ((low < oracle) & (oracle < high)).all()
    np.testing.assert_array_equal(
        low, leave_one_out_oracle_interval(repeats, n_draws=300, seed=1)[0]
    )


def test_the_interval_is_that_of_stimuli_drawn_one_by_one():
    repeats = ragged(6, n_stimuli=40, n_units=1)
    rng = np.random.default_rng(0)
    scores = [leave_one_out_oracle(repeats[rng.integers(40, size=40)])[0] for _ in range(2000)]
    low, high = leave_one_out_oracle_interval(repeats, n_draws=2000, seed=0)
    np.testing.assert_allclose([low[0], high[0]], np.quantile(scores, [0.025, 0.975]), atol=0.04)


def test_a_draw_of_silent_stimuli_alone_has_no_oracle():
    repeats = np.zeros((3, 4, 1))
    repeats[2] = 0.3
    interval = leave_one_out_oracle_interval(repeats, n_draws=500, seed=0)
    np.testing.assert_allclose(interval, 1.0)


def test_a_silent_unit_has_no_interval():
    repeats = np.random.default_rng(0).normal(size=(9, 4, 2))
    repeats[:, :, 0] = 0.0
    low, high = leave_one_out_oracle_interval(repeats, n_draws=50, seed=0)
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()


def test_a_confidence_outside_0_to_1_is_refused():
    with pytest.raises(InvalidInputError, match=r"confidence=95: it must lie between 0 and 1"):
        leave_one_out_oracle_interval(ragged(0), confidence=95, seed=0)
