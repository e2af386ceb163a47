"""Intervals and rates are those asked for."""

import numpy as np
import pytest
from scipy import stats

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import Firing, renewal_spikes

PLAIN = Firing(rate_hz=20.0, rate_spread=0.0, refractory_s=0.005, burst_chance=0.0)


def test_intervals_are_a_dead_time_and_an_exponential():
    spikes = renewal_spikes(1, 600.0, PLAIN, seed=1)
    intervals_s = np.diff(spikes.times_s)
    assert intervals_s.min() >= 0.005
    assert stats.kstest(intervals_s, stats.expon(0.005, 0.045).cdf).pvalue > 0.01
    np.testing.assert_allclose(spikes.rates_hz(), 20, rtol=0.03)


def test_bursts_keep_the_rate():
    method = Firing(20.0, 0.0, 0.002, burst_chance=0.4, burst_mean_s=0.002)
    spikes = renewal_spikes(4, 300.0, method, seed=2)
    np.testing.assert_allclose(spikes.rates_hz(), 20, rtol=0.08)
    short = np.mean(np.diff(spikes.of_unit(0)) < 0.01)
    assert 0.38 < short < 0.6


def test_rates_are_lognormal():
    spikes = renewal_spikes(400, 100.0, Firing(rate_hz=5.0, rate_spread=0.8), seed=3)
    logs = np.log(spikes.rates_hz()[spikes.counts() > 0])
    np.testing.assert_allclose([np.median(logs), logs.std()], [np.log(5), 0.8], atol=0.12)


def test_the_start_is_like_the_rest():
    spikes = renewal_spikes(3000, 0.3, PLAIN, seed=4)
    by_tenth = np.histogram(spikes.times_s, np.linspace(0, 0.3, 11))[0]
    assert stats.chisquare(by_tenth).pvalue > 0.001


def test_a_rate_beyond_the_refractory_time_is_lowered():
    spikes = renewal_spikes(1, 20.0, Firing(1e4, 0.0, 0.002, 0.0, 0.003), seed=5)
    np.testing.assert_allclose(spikes.rates_hz(), 200, rtol=0.05)


def test_adding_units_does_not_change_those_before_them():
    few, many = (renewal_spikes(n, 20.0, Firing(), seed=6) for n in (2, 4))
    np.testing.assert_array_equal(few.of_unit(1), many.of_unit(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Firing(rate_hz=0.0), "rate_hz=0.0: give more than 0"),
        (lambda: Firing(refractory_s=-1.0), "refractory_s=-1.0: give 0 or more"),
        (lambda: Firing(burst_chance=1.0), "burst_chance=1.0"),
        (lambda: renewal_spikes(0, 1.0, PLAIN, seed=1), "n_units=0"),
        (lambda: renewal_spikes(1, np.inf, PLAIN, seed=1), "duration_s=inf"),
    ],
)
def test_what_cannot_fire_is_refused(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
