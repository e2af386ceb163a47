"""The same source gives the same spikes, whether numba compiles it or JAX.

XLA rounds a product and the sum it goes into once, where numba rounds each; and it has its own
exponential function. So the potentials differ in the last bits, and the spikes rarely do. Where JAX
is made to round each operation as it is written, all bits are equal.
"""

import numpy as np
import pytest

from spikeloop.neurons import (
    LIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    PoissonNeuron,
    QuadraticIF,
)

CASES = {  # model, current, conductance, dt in ms
    "LIF": (LIF(), 25.0, 0.2, 0.1),
    "LIF, Euler": (LIF(integrator="euler", reset="subtraction"), 25.0, 0.2, 1.0),
    "adaptive LIF": (AdaptiveLIF(), 25.0, 0.2, 1.0),
    "Izhikevich": (Izhikevich(), 10.0, 0.05, 0.5),
    "AdEx": (AdEx.bursting(), 300.0, 1.0, 0.1),
    "quadratic IF": (QuadraticIF(), 30.0, 0.1, 0.5),
    "Hodgkin-Huxley": (HodgkinHuxley(), 300.0, 2.0, 0.05),
    "Poisson": (PoissonNeuron(200.0), 100.0, 0.0, 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_a_thousand_ticks_of_fifty_neurons(name, run_numba, run_jax):
    model, current, conductance, dt_ms = CASES[name]
    neuron, rng = model.neuron(), np.random.default_rng(11)
    currents = current * (1 + rng.standard_normal((1000, 50)))
    given = {"conductance": conductance * rng.random((1000, 50)), "uniform": rng.random((1000, 50))}

    spikes, traces = run_numba(neuron, currents, dt_ms, **given)
    assert spikes.sum() > 100

    same_spikes, same_traces = run_jax(neuron, currents, dt_ms, rounded=True, **given)
    assert np.array_equal(spikes, same_spikes)
    assert np.array_equal(traces, same_traces)

    fused_spikes, fused_traces = run_jax(neuron, currents, dt_ms, **given)
    # A potential that all but touches the threshold may cross it a tick earlier or later.
    ticks, fused_ticks = (np.argwhere(part.T) for part in (spikes, fused_spikes))
    assert np.array_equal(ticks[:, 0], fused_ticks[:, 0])
    assert np.abs(ticks[:, 1] - fused_ticks[:, 1]).sum() <= 1
    # What differs begins in the last bit of the first tick.
    scale = np.abs(traces).max(axis=(0, 1))
    assert (np.abs(traces[0] - fused_traces[0]) <= 4e-7 * scale).all()
    assert (np.abs(traces - fused_traces) <= 0.02 * scale).all()
