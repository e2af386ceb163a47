"""The leaky integrate-and-fire neuron, plain and adaptive, against closed forms."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import LIF, AdaptiveLIF


def intervals_ms(spikes, dt_ms):
    return np.diff(np.flatnonzero(spikes[:, 0])) * dt_ms


@pytest.mark.parametrize("integrator", ["euler", "exponential_euler"])
@pytest.mark.parametrize("current", [16.0, 20.0, 60.0])
def test_the_rate_is_that_of_the_closed_form(integrator, current, run_numba):
    dt_ms, n_ticks = 0.02, 100_000
    neuron = LIF(integrator=integrator).neuron()
    spikes, _ = run_numba(neuron, np.full((n_ticks, 1), current), dt_ms)
    period_ms = 20 * np.log(current / (current - 15))
    # A spike waits for the end of its tick, half of one on average.
    assert intervals_ms(spikes, dt_ms).mean() == pytest.approx(period_ms, abs=1.5 * dt_ms)


def test_constant_inputs_are_integrated_exactly(run_jax):
    steps_ms, n_ticks = np.array([0.1, 1.0, 5.0]), np.array([100, 10, 2])
    given = {"conductance": 0.5, "dtype": np.float64}
    _, traces = run_jax(LIF().neuron(), np.full((100, 3), 3.0), steps_ms, **given)
    v_infinity, tau_ms = (-65 + 3) / 1.5, 20 / 1.5
    want = v_infinity + (-65 - v_infinity) * np.exp(-10 / tau_ms)
    assert traces[n_ticks - 1, np.arange(3), 0] == pytest.approx(want, abs=1e-11)


def test_the_error_of_euler_is_of_the_first_order(error_order):
    neuron = LIF(integrator="euler").neuron()
    truth = [-55 - 10 * np.exp(-8 / 20)]
    assert error_order(neuron, truth, 8, 10.0, (0.8, 0.4, 0.2, 0.1)) == pytest.approx(1, abs=0.05)


def test_both_resets(run_numba):
    v = -65 + 400 * (1 - np.exp(-1 / 20))  # one step from rest, beyond the threshold of -50
    for reset, want in (("value", -65.0), ("subtraction", v - 15)):
        spikes, traces = run_numba(LIF(reset=reset).neuron(), np.full((1, 1), 400.0), 1.0)
        assert spikes[0, 0]
        assert traces[0, 0, 0] == pytest.approx(want, rel=1e-5)


def test_the_adaptive_threshold_follows_its_equation(run_numba):
    spikes, traces = run_numba(AdaptiveLIF().neuron(), np.full((20_000, 1), 30.0), 0.1)
    times_ms = np.flatnonzero(spikes[:, 0]) * 0.1
    now_ms = 19_999 * 0.1
    want = (2.0 * np.exp(-(now_ms - times_ms) / 200)).sum()
    assert traces[-1, 0, 1] == pytest.approx(want, rel=1e-4)


def test_the_adaptive_neuron_slows_down_to_a_rate_that_fits_its_threshold(run_numba):
    spikes, _ = run_numba(AdaptiveLIF().neuron(), np.full((40_000, 1), 30.0), 0.1)
    gaps_ms = intervals_ms(spikes, 0.1)
    assert (np.diff(gaps_ms[:5]) > 0).all()
    # Steady state: the threshold at the spike is what the jumps of all former spikes left of it.
    last_ms = gaps_ms[-10:].mean()
    a = 2 / np.expm1(last_ms / 200)
    assert last_ms == pytest.approx(20 * np.log(30 / (30 - 15 - a)), abs=0.15)


def test_adaptation_by_euler_converges_to_the_exact_one(run_numba):
    current = np.full((4000, 1), 30.0)
    counts = []
    for integrator in ("euler", "exponential_euler"):
        model = AdaptiveLIF(integrator=integrator, reset="subtraction")
        counts.append(int(run_numba(model.neuron(), current, 0.05)[0].sum()))
    assert counts[1] > 5
    assert abs(counts[0] - counts[1]) <= 1


def test_without_steps_of_the_threshold_it_is_the_plain_neuron(run_numba):
    current = 20 * (1 + np.random.default_rng(5).standard_normal((3000, 4)))
    plain = run_numba(LIF().neuron(), current, 0.5)[0]
    adaptive = run_numba(AdaptiveLIF(threshold_step=0.0).neuron(), current, 0.5)[0]
    assert plain.sum() > 50
    assert np.array_equal(plain, adaptive)


@pytest.mark.parametrize("model", [LIF, AdaptiveLIF])
def test_unknown_choices(model):
    with pytest.raises(InvalidInputError, match="integrator='rk4': choose one of euler, exp"):
        model(integrator="rk4").neuron()
    with pytest.raises(InvalidInputError, match="reset='soft': choose one of value, subtraction"):
        model(reset="soft").neuron()
