import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.numerics import null
from spikeloop.numerics.null import (
    draw_shifts,
    fewest_surrogates,
    null_p_value,
    null_threshold,
    shifted_extremes,
)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("more", [0, 1, 17])
def test_exceeding_the_threshold_is_the_same_as_a_small_p_value(confidence, more):
    rng = np.random.default_rng(0)
    surrogates = rng.integers(0, 30, (200, fewest_surrogates(confidence) + more)).astype(float)
    statistic = rng.integers(0, 40, 200).astype(float)
    exceeds = statistic > null_threshold(surrogates, confidence)
    small = null_p_value(statistic, surrogates) <= 1 - confidence + 1e-12
    assert np.array_equal(exceeds, small)


def test_fewest_surrogates_is_the_least_number_that_can_reach_the_confidence():
    assert [fewest_surrogates(c) for c in (0.5, 0.9, 0.95, 0.975, 0.99)] == [1, 9, 19, 39, 99]


def test_shifts_are_different_and_far_from_none():
    shifts = draw_shifts(100, 40, 25, np.random.default_rng(0))
    assert len(set(shifts.tolist())) == 40
    assert shifts.min() >= 25
    assert shifts.max() <= 75


def test_too_few_shifts_are_refused():
    with pytest.raises(InvalidInputError, match=r"n_shifts=40: a stimulus of 100 samples has 21 "):
        draw_shifts(100, 40, 40, np.random.default_rng(0))


@pytest.mark.parametrize("block", [2**23, 50])
def test_extremes_equal_rolling_the_weights_round_the_ring(monkeypatch, block):
    monkeypatch.setattr(null, "_BLOCK_ELEMENTS", block)
    rng = np.random.default_rng(4)
    signal, weights = rng.standard_normal((60, 3)), rng.poisson(0.5, (60, 2))
    shifts, lags, origin = np.array([7, 30, 53]), np.arange(-4, 2), signal.mean(axis=0)
    got = shifted_extremes(signal, weights, shifts, lags, origin=origin)
    expected = np.zeros((2, 3))
    for unit in range(2):
        for i, shift in enumerate(shifts):
            rolled = np.roll(weights[:, unit], shift)
            sums = [rolled @ np.roll(signal - origin, -lag, axis=0) for lag in lags]
            expected[unit, i] = np.abs(sums).max()
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_a_transform_sees_all_lags_and_features():
    rng = np.random.default_rng(5)
    signal, weights = rng.standard_normal((40, 2)), rng.poisson(0.5, (40, 1))
    arguments = (signal, weights, np.array([9, 20]), np.arange(3))
    twice = shifted_extremes(*arguments, origin=np.zeros(2), transform=lambda sums: 2 * sums)
    np.testing.assert_allclose(twice, 2 * shifted_extremes(*arguments, origin=np.zeros(2)))
