"""Izhikevich's neuron fires in the patterns of his paper."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikeloop.neurons import Izhikevich

DT_MS = 0.1


def intervals_ms(run_numba, model, current=10.0, duration_ms=1000.0):
    """Return the intervals between the spikes of a neuron at a constant current."""
    ticks = np.full((round(duration_ms / DT_MS), 1), current)
    return np.diff(np.flatnonzero(run_numba(model.neuron(), ticks, DT_MS)[0][:, 0])) * DT_MS


def test_regular_spiking_adapts(run_numba):
    gaps = intervals_ms(run_numba, Izhikevich.regular_spiking())
    assert gaps[0] < 0.6 * gaps[-1]  # short intervals first
    assert np.ptp(gaps[3:]) < 0.1 * gaps[-1]  # then even ones
    assert 30 < gaps[-1] < 60


def test_intrinsic_bursting_begins_with_a_burst_and_goes_on_with_single_spikes(run_numba):
    gaps = intervals_ms(run_numba, Izhikevich.intrinsically_bursting())
    assert gaps[0] < 8
    assert gaps[-5:].min() > 3 * gaps[0]
    assert np.ptp(gaps[-5:]) < 0.1 * gaps[-1]


def test_chattering_fires_bursts_again_and_again(run_numba):
    gaps = intervals_ms(run_numba, Izhikevich.chattering())
    short, long = gaps[gaps < 10], gaps[gaps > 20]
    assert len(short) + len(long) == len(gaps)  # two kinds of interval, nothing between
    assert len(long) >= 10
    assert len(short) / len(long) > 2
    assert short.mean() < 5  # as fast as 200 Hz in a burst


def test_fast_spiking_does_not_adapt(run_numba):
    gaps = intervals_ms(run_numba, Izhikevich.fast_spiking())
    assert gaps[-1] < 12  # above 80 Hz
    assert gaps[3:] == pytest.approx(gaps[-1], rel=0.05)
    assert gaps[-1] < 0.4 * intervals_ms(run_numba, Izhikevich.regular_spiking())[-1]


def test_low_threshold_spiking_is_fast_and_adapts(run_numba):
    gaps = intervals_ms(run_numba, Izhikevich.low_threshold_spiking())
    assert gaps[0] < 0.7 * gaps[-1]
    assert gaps[-1] < intervals_ms(run_numba, Izhikevich.regular_spiking())[-1]
    # A low threshold: it fires at a current at which the regular cell is silent.
    assert len(intervals_ms(run_numba, Izhikevich.low_threshold_spiking(), 2.0)) > 3
    assert len(intervals_ms(run_numba, Izhikevich.regular_spiking(), 2.0)) == 0


def test_a_thalamo_cortical_cell_fires_evenly_or_in_a_burst_after_inhibition(run_numba):
    neuron = Izhikevich.thalamo_cortical()
    tonic = intervals_ms(run_numba, neuron, 1.0)
    assert len(tonic) > 15
    assert tonic[2:] == pytest.approx(tonic[-1], rel=0.05)
    current = np.zeros((6000, 1))
    current[2000:4000] = -10.0
    spikes = np.flatnonzero(run_numba(neuron.neuron(), current, DT_MS)[0][:, 0]) * DT_MS
    rebound = spikes[spikes >= 400]
    assert len(rebound) >= 2
    assert rebound[0] < 440
    assert np.diff(rebound)[0] < 12
    assert not ((spikes > 205) & (spikes < 400)).any()


def test_a_resonator_rings_and_a_plain_cell_does_not(run_numba):
    crossings = []
    for model in (Izhikevich.resonator(), Izhikevich.regular_spiking()):
        current = np.zeros((8000, 1))
        current[4000:4020] = 1.0
        spikes, traces = run_numba(model.neuron(), current, DT_MS)
        v = traces[4020:, 0, 0] - traces[3999, 0, 0]
        assert not spikes[4000:].any()
        crossings.append(np.count_nonzero(np.diff(np.sign(v[np.abs(v) > 1e-3]))))
    assert crossings[0] >= 2
    assert crossings[1] <= 1


def test_the_error_of_euler_is_of_the_first_order(error_order):
    def slope(t, y):
        v, u = y
        return [0.04 * v * v + 5 * v + 140 - u - 0.02 * v, 0.02 * (0.2 * v - u)]

    truth = solve_ivp(slope, (0, 16), [-70.0, -14.0], rtol=1e-11, atol=1e-11).y[:, -1]
    steps_ms = (0.4, 0.2, 0.1, 0.05)
    order = error_order(Izhikevich().neuron(), truth, 16, 0.0, steps_ms, conductance=0.02)
    assert order == pytest.approx(1, abs=0.1)
