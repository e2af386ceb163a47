"""The door of every score: what repeats may look like."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate.moments import ratio, repeat_moments


def test_ragged_repeats_give_the_moments_of_each_list():
    lists = [[1.0, 4.0, 4.0], [2.0], [], [0.0, 6.0]]
    repeats = np.full((4, 3, 1), np.nan)
    repeats[0, :, 0] = lists[0]
    repeats[1, 2, 0] = 2.0
    repeats[3, [0, 2], 0] = lists[3]
    moments = repeat_moments(repeats)
    assert moments.stimulus.tolist() == [0, 3]
    assert moments.n_repeats.tolist() == [3, 2]
    np.testing.assert_allclose((moments.mean + moments.origin)[:, 0], [3.0, 3.0])
    np.testing.assert_allclose(moments.variance[:, 0], [np.var(lists[0], ddof=1), 18.0])
    np.testing.assert_allclose(moments.squared_error[:, 0], [1.0, 9.0])


def test_a_constant_that_no_float_holds_has_moments_of_exactly_zero():
    moments = repeat_moments(np.full((7, 3, 2), 0.1))
    assert not moments.mean.any()
    assert not moments.residual.any()
    assert not moments.sum_squares.any()


def test_repeats_are_not_changed():
    repeats = np.arange(6.0).reshape(3, 2, 1)
    before = repeats.copy()
    repeat_moments(repeats)
    np.testing.assert_array_equal(repeats, before)


def test_a_trial_missing_for_some_units_alone_is_refused():
    repeats = np.zeros((2, 2, 2))
    repeats[0, 0, 1] = np.nan
    with pytest.raises(InvalidInputError, match="misses trials for some units and not for others"):
        repeat_moments(repeats)


def test_infinite_responses_are_refused():
    with pytest.raises(InvalidInputError, match="infinite"):
        repeat_moments(np.full((2, 2, 1), np.inf))


def test_no_units_are_refused():
    with pytest.raises(InvalidInputError, match="holds no units"):
        repeat_moments(np.zeros((2, 2, 0)))


def test_other_axes_are_refused():
    with pytest.raises(InvalidInputError, match="stimulus, repeat, unit"):
        repeat_moments(np.zeros((2, 2)))


def test_a_ratio_is_nan_where_its_denominator_is_not_above_zero():
    got = ratio(np.array([1.0, 1.0, 1.0]), np.array([2.0, 0.0, -1.0]))
    np.testing.assert_array_equal(got, [0.5, np.nan, np.nan])
