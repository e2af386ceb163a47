"""The AdEx neuron: its patterns, its rheobase, and the order of its error."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikeloop.neurons import AdEx

DT_MS = 0.02


def intervals_ms(run_numba, model, current, duration_ms=1000.0):
    ticks = np.full((round(duration_ms / DT_MS), 1), current)
    return np.diff(np.flatnonzero(run_numba(model.neuron(), ticks, DT_MS)[0][:, 0])) * DT_MS


def test_tonic(run_numba):
    gaps = intervals_ms(run_numba, AdEx.tonic(), 500.0)
    assert np.ptp(gaps[3:]) < 0.05 * gaps[-1]
    assert len(gaps) > 20


def test_adapting(run_numba):
    gaps = intervals_ms(run_numba, AdEx.adapting(), 500.0)
    assert (np.diff(gaps[:6]) > 0).all()
    assert gaps[-1] > 2 * gaps[0]


def test_initial_burst(run_numba):
    gaps = intervals_ms(run_numba, AdEx.initial_burst(), 400.0)
    assert gaps[0] < 0.3 * gaps[-1]
    assert np.ptp(gaps[-4:]) < 0.05 * gaps[-1]


def test_bursting(run_numba):
    gaps = intervals_ms(run_numba, AdEx.bursting(), 210.0)
    middle = (gaps.min() + gaps.max()) / 2
    short, long = gaps[gaps < middle], gaps[gaps >= middle]
    assert len(long) >= 4
    assert len(short) >= len(long)
    assert long.min() > 2 * short.max()


def test_the_rheobase_is_where_the_fixed_points_meet(run_numba):
    model = AdEx(a=0.0, b=0.0)
    # Without adaptation dv/dt is least at v_threshold: there the current must carry the leak.
    rheobase = 30 * (-50.4 + 70.6) - 30 * 2.0
    assert len(intervals_ms(run_numba, model, 1.01 * rheobase)) > 1
    assert len(intervals_ms(run_numba, model, 0.99 * rheobase)) == 0


def test_the_spike_times_are_those_of_an_exact_solver(run_numba):
    def slope(t, y):
        v, w = y
        spike = 30 * 2 * np.exp((v + 50.4) / 2)
        return [(-30 * (v + 70.6) + spike - w + 800) / 281, (4 * (v + 70.6) - w) / 144]

    def peak(t, y):
        return y[0] - 20

    peak.terminal = True
    start, times_ms, y = 0.0, [], np.array([-70.6, 0.0])
    while len(times_ms) < 5:
        done = solve_ivp(slope, (start, 1000), y, events=peak, rtol=1e-9, atol=1e-9)
        start = done.t[-1]
        times_ms.append(start)
        y = np.array([-70.6, done.y[1, -1] + 80.5])
    found_ms = []
    for dt_ms in (0.01, 0.005):
        spikes, _ = run_numba(AdEx().neuron(), np.full((round(200 / dt_ms), 1), 800.0), dt_ms)
        found_ms.append(np.flatnonzero(spikes[:, 0])[:5] * dt_ms)
    assert np.abs(found_ms[1] - times_ms).max() < 0.15
    # Errors of the first order cancel in this difference.
    assert 2 * found_ms[1] - found_ms[0] == pytest.approx(np.array(times_ms), abs=0.04)


def test_the_potential_never_passes_the_peak(run_numba):
    current = np.random.default_rng(2).uniform(-1e4, 1e5, (3000, 3))
    spikes, traces = run_numba(AdEx(v_reset=-40.0).neuron(), current, 0.1)
    assert spikes.sum() > 100
    assert np.isfinite(traces).all()
    assert traces[..., 0].max() <= 20


def test_the_error_below_threshold_is_of_the_first_order(error_order):
    def slope(t, y):
        v, w = y
        spike = 30 * 2 * np.exp((v + 50.4) / 2)
        total = -30 * (v + 70.6) + spike - w + 300 - 2 * v
        return [total / 281, (4 * (v + 70.6) - w) / 144]

    truth = solve_ivp(slope, (0, 16), [-70.6, 0.0], rtol=1e-11, atol=1e-11).y[:, -1]
    steps_ms = (0.4, 0.2, 0.1, 0.05)
    order = error_order(AdEx().neuron(), truth, 16, 300.0, steps_ms, conductance=2.0)
    assert order == pytest.approx(1, abs=0.1)
