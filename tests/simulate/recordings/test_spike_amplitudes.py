"""Amplitudes vary as asked, and tire in bursts."""

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.simulate import AmplitudeModel, spike_amplitudes


def trains(n_units, n_spikes, seed=0):
    rng = np.random.default_rng(seed)
    times = {u: np.sort(rng.uniform(0, 10, n_spikes)) for u in range(n_units)}
    return SpikeTrains.from_units(times, Epochs([0.0], [10.0]))


def test_the_variation_has_its_mean_and_spread():
    drawn = spike_amplitudes(trains(1, 40000), AmplitudeModel(0.1, 0.0), seed=1)
    np.testing.assert_allclose([drawn.mean(), drawn.std()], [1, 0.1], rtol=0.02)
    assert drawn.min() > 0


def test_fatigue_is_that_of_the_recurrence():
    spikes, method = trains(3, 200), AmplitudeModel(0.0, 0.2, 0.03)
    got = spike_amplitudes(spikes, method, seed=1)
    for unit in range(3):
        left, last_s, wanted = 1.0, -np.inf, []
        for time_s in spikes.of_unit(unit):
            left = 1 - (1 - left) * np.exp((last_s - time_s) / 0.03)
            wanted.append(left)
            left, last_s = left * 0.8, time_s
        np.testing.assert_allclose(got[spikes.unit_index == unit], wanted, rtol=1e-6)


def test_a_regular_train_settles_where_loss_and_recovery_meet():
    times_s = np.arange(1, 400) * 0.01
    spikes = SpikeTrains.from_units({0: times_s}, Epochs([0.0], [5.0]))
    kept = np.exp(-0.01 / 0.02)
    settled = (1 - kept) / (1 - 0.75 * kept)
    got = spike_amplitudes(spikes, AmplitudeModel(0.0, 0.25, 0.02), seed=1)
    np.testing.assert_allclose(got[-1], settled, rtol=1e-6)
    assert got[0] == 1
    assert np.all(np.diff(got) <= 1e-6)


def test_adding_units_does_not_change_those_before_them():
    few, many = trains(2, 50), trains(5, 50)
    got = spike_amplitudes(few, AmplitudeModel(), seed=3)
    more = spike_amplitudes(many, AmplitudeModel(), seed=3)
    for unit in range(2):
        np.testing.assert_array_equal(more[many.unit_index == unit], got[few.unit_index == unit])


def test_off_means_one():
    assert np.all(spike_amplitudes(trains(2, 50), AmplitudeModel(0.0, 0.0), seed=1) == 1)
