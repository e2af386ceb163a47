"""Statistics of spikes, against processes whose statistics are known."""

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import InvalidInputError
from spikeloop.workflows.spike_statistics import (
    after,
    interval_variation,
    intervals_s,
    pair_correlations,
    population_rate_hz,
)


def trains(times_s, duration_s=100.0):
    return SpikeTrains.from_units(dict(enumerate(times_s)), Epochs([0.0], [duration_s]))


def test_a_gamma_process_varies_as_its_shape_says():
    rng = np.random.default_rng(1)
    shapes = (1.0, 4.0)
    found = interval_variation(
        trains([np.cumsum(rng.gamma(k, 0.01 / k, 5000)) for k in shapes], 1000.0)
    )
    np.testing.assert_allclose(found, 1 / np.sqrt(shapes), rtol=0.05)


def test_intervals_are_those_of_each_unit_alone():
    rng = np.random.default_rng(2)
    times_s = [np.sort(rng.uniform(0, 100, n)) for n in (50, 0, 1, 30)]
    values_s, unit = intervals_s(trains(times_s))
    for row, train in enumerate(times_s):
        np.testing.assert_array_equal(values_s[unit == row], np.diff(train))
    variation = interval_variation(trains(times_s))
    assert np.isnan(variation).tolist() == [False, True, True, False]
    assert variation[0] == pytest.approx(np.diff(times_s[0]).std() / np.diff(times_s[0]).mean())


def test_units_that_share_spikes_correlate_by_the_share():
    rng = np.random.default_rng(3)
    shared = rng.uniform(0, 1000, 5000)
    own = [rng.uniform(0, 1000, 5000) for _ in range(2)]
    times_s = [np.sort(np.r_[shared, mine]) for mine in own]
    found = pair_correlations(trains(times_s, 1000.0), bin_s=0.05, seed=0)
    np.testing.assert_allclose(found, [0.5], atol=0.03)


def test_only_units_that_fire_are_paired_and_no_more_than_asked_for():
    rng = np.random.default_rng(4)
    times_s = [np.sort(rng.uniform(0, 100, 200)) for _ in range(10)] + [[]] * 5
    assert len(pair_correlations(trains(times_s), bin_s=1.0, seed=0)) == 45
    assert len(pair_correlations(trains(times_s), bin_s=1.0, most_units=4, seed=0)) == 6
    assert len(pair_correlations(trains([[]] * 3), bin_s=1.0, seed=0)) == 0


def test_after_forgets_the_start():
    late = after(trains([[1.0, 60.0], [70.0]]), 50.0)
    assert late.rates_hz().tolist() == [0.02, 0.02]


def test_the_rate_of_a_population_is_that_of_its_mean_unit():
    rate_hz = population_rate_hz(trains([[0.5, 1.5, 1.6], []], 2.0), 1.0)
    assert rate_hz.tolist() == [0.5, 1.0]


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(InvalidInputError, match="least_spikes=2: give 3 or more"):
        interval_variation(trains([[1.0]]), least_spikes=2)
    with pytest.raises(InvalidInputError, match=r"bin_s=99.0: there must be 2 bins in 100.0 s"):
        pair_correlations(trains([[1.0]]), bin_s=99.0, seed=0)
