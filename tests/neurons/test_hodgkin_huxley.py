"""Hodgkin and Huxley's neuron against the same equations, solved by SciPy."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from spikeloop.neurons import HodgkinHuxley, Inputs

V_SHIFT, V_LEAK = -63.0, -65.0


def linear_over_exp(x):
    """Return x / (exp(x) - 1), which is 1 at 0."""
    return 1.0 if abs(x) < 1e-9 else x / np.expm1(x)


def rates(v):
    """Return opening and closing rates of m, h and n, as Traub and Miles print them."""
    u = v - V_SHIFT
    return (
        (0.32 * 4 * linear_over_exp((13 - u) / 4), 0.28 * 5 * linear_over_exp((u - 40) / 5)),
        (0.128 * np.exp((17 - u) / 18), 4 / (1 + np.exp((40 - u) / 5))),
        (0.032 * 5 * linear_over_exp((15 - u) / 5), 0.5 * np.exp((10 - u) / 40)),
    )


def membrane(v, m, h, n):
    """Return the current into the cell in pA."""
    sodium, potassium = 20000 * m**3 * h * (50 - v), 6000 * n**4 * (-90 - v)
    return 10 * (V_LEAK - v) + sodium + potassium


def slope(t, y, current):
    v, gates = y[0], y[1:]
    changes = [a * (1 - x) - b * x for (a, b), x in zip(rates(v), gates, strict=True)]
    return [(membrane(v, *gates) + current) / 200, *changes]


def steady(v):
    return [a / (a + b) for a, b in rates(v)]


def rest():
    return brentq(lambda v: membrane(v, *steady(v)), -80, -62, xtol=1e-10)


def crossing(t, y, current):
    return y[0] + 20


crossing.direction = 1


def exact_spikes_ms(current, duration_ms):
    done = solve_ivp(
        slope,
        (0, duration_ms),
        [-64.765, 0.01023, 0.99741, 0.02817],
        args=(current,),
        events=crossing,
        method="LSODA",
        rtol=1e-9,
        atol=1e-10,
    )
    return done.t_events[0]


def spikes_ms(run_numba, current, duration_ms, dt_ms=0.01, model=HodgkinHuxley()):  # noqa: B008 - frozen
    ticks = np.full((round(duration_ms / dt_ms), 1), current)
    return np.flatnonzero(run_numba(model.neuron(), ticks, dt_ms)[0][:, 0]) * dt_ms


def test_it_starts_at_rest_and_stays(run_numba):
    spikes, traces = run_numba(HodgkinHuxley().neuron(), np.zeros((20_000, 1)), 0.05)
    assert not spikes.any()
    assert traces[-1, 0, 0] == pytest.approx(rest(), abs=0.002)
    assert traces[-1, 0, 1:4] == pytest.approx(np.array(steady(rest())), abs=1e-4)
    assert traces[0, 0, 0] == pytest.approx(rest(), abs=0.002)


@pytest.mark.parametrize("current", [60.0, 300.0])
def test_the_spike_times_are_those_of_an_exact_solver(current, run_numba):
    want = exact_spikes_ms(current, 60)
    found = spikes_ms(run_numba, current, 60)
    assert len(found) == len(want) >= 1
    assert found == pytest.approx(want, abs=0.05)


def test_the_rheobase_is_that_of_the_exact_solver(run_numba):
    for current in (10.0, 15.0, 20.0, 25.0):
        exact = len(exact_spikes_ms(current, 300)) > 0
        assert (len(spikes_ms(run_numba, current, 300, 0.02)) > 0) == exact
    assert not exact_spikes_ms(10.0, 300).size
    assert exact_spikes_ms(25.0, 300).size


def test_with_the_leak_of_the_benchmark_it_fires_without_input(run_numba):
    model = HodgkinHuxley(v_leak=-60.0)
    assert len(spikes_ms(run_numba, 0.0, 300, 0.02, model)) == 5 - 1


def test_the_error_is_of_the_second_order(error_order):
    start = [-64.765, 0.01023, 0.99741, 0.02817]
    given = {"rtol": 1e-11, "atol": 1e-12, "method": "LSODA"}
    truth = solve_ivp(slope, (0, 4), start, args=(20.0,), **given).y[:1, -1]
    order = error_order(HodgkinHuxley().neuron(), truth, 4, 20.0, (0.08, 0.04, 0.02, 0.01))
    assert order == pytest.approx(2, abs=0.15)


def test_the_rates_are_smooth_where_their_formula_divides_by_zero(run_numba):
    # At these potentials the rates of m (twice) and of n are 0 / 0 as printed.
    offsets_mV = np.array([0, 1e-6, -1e-6, 0.039, 0.041, -0.039, -0.041])
    for v in (V_SHIFT + np.array([[13.0], [40.0], [15.0]]) + offsets_mV).ravel():
        model = HodgkinHuxley(v_start=v, capacitance_pF=1e12)  # which holds the potential
        neuron = model.neuron()
        (gates,) = run_numba(neuron, np.zeros((1, 1)), 0.01)[1][0, :, 1:4]
        p = SimpleNamespace(**neuron.parameters)
        state = tuple(jnp.float32(value) for value in neuron.state.values())
        by_jax = neuron.step(state, Inputs(0.0, 0.0, 0.5), p, 0.01)[1:4]
        want = [
            x + (x - a / (a + b)) * np.expm1(-0.01 * (a + b))
            for (a, b), x in zip(rates(v), (0.01023, 0.99741, 0.02817), strict=True)
        ]
        assert gates == pytest.approx(np.array(want), rel=2e-6)
        assert np.array(by_jax) == pytest.approx(np.array(want), rel=2e-6)
