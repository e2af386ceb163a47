"""The quadratic integrate-and-fire neuron against its closed form."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikeloop.neurons import QuadraticIF


def period_ms(model, current):
    """Return the period of the closed form in the docstring."""
    middle = (model.v_rest + model.v_critical) / 2
    k = model.curvature
    excess = model.resistance * current - k * ((model.v_critical - model.v_rest) / 2) ** 2
    ends = np.sqrt(k / excess) * (np.array([model.v_reset, model.v_peak]) - middle)
    return model.tau_ms / np.sqrt(k * excess) * np.diff(np.arctan(ends))[0]


@pytest.mark.parametrize("current", [6.0, 10.0, 50.0])
def test_the_period_is_that_of_the_closed_form(current, run_numba):
    model, means_ms = QuadraticIF(), []
    for dt_ms in (0.02, 0.01):
        ticks = np.full((round(1000 / dt_ms), 1), current)
        spikes, _ = run_numba(model.neuron(), ticks, dt_ms)
        means_ms.append(np.diff(np.flatnonzero(spikes[:, 0])).mean() * dt_ms)
    assert means_ms[1] == pytest.approx(period_ms(model, current), rel=0.01)
    # Errors of the first order cancel in this difference.
    assert 2 * means_ms[1] - means_ms[0] == pytest.approx(period_ms(model, current), rel=1e-3)


def test_far_reset_and_peak_give_the_period_of_the_normal_form():
    model = QuadraticIF(v_peak=1e6, v_reset=-1e6)
    excess = 30 - 0.1 * 7.5**2
    assert period_ms(model, 30.0) == pytest.approx(np.pi * 20 / np.sqrt(0.1 * excess), rel=1e-3)


def test_it_is_silent_below_the_rheobase_and_fires_above(run_numba):
    rheobase = 0.1 * 7.5**2
    for current, fires in ((0.98 * rheobase, False), (1.02 * rheobase, True)):
        ticks = np.full((20_000, 1), current)
        spikes, traces = run_numba(QuadraticIF().neuron(), ticks, 0.1)
        assert spikes.any() == fires
        assert traces.max() <= 0


def test_the_error_below_threshold_is_of_the_first_order(error_order):
    def slope(t, v):
        return (0.1 * (v + 65) * (v + 50) + 4 - 0.05 * v) / 20

    truth = solve_ivp(slope, (0, 16), [-65.0], rtol=1e-12, atol=1e-12).y[:, -1]
    steps_ms = (0.8, 0.4, 0.2, 0.1)
    order = error_order(QuadraticIF().neuron(), truth, 16, 4.0, steps_ms, conductance=0.05)
    assert order == pytest.approx(1, abs=0.1)
