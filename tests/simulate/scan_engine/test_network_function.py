"""A network as a function: its values, its gradients, and batches of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import LIF, Exponential, Jump, PoissonNeuron
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate
from spikeloop.numerics.draws import Normal, Uniform
from spikeloop.simulate import (
    AllToAll,
    Network,
    Poisson,
    Population,
    Probability,
    Projection,
    Record,
    Regular,
    Simulation,
    Source,
    simulate_network,
)
from spikeloop.simulate.scan_engine.network_function import network_function

SIGMOID = Surrogate("sigmoid", slope=0.5)


def layered(delay_ms=None):
    """Return inputs -> hidden, which are recurrent -> output, with delays of three kinds."""
    model = LIF(tau_ms=10.0, v_rest=0.0, v_reset=0.0, v_threshold=Normal(5.0, 0.5))
    receptors = {"syn": Exponential(4.0), "kick": Jump()}
    return Network(
        [
            Population("output", 3, model, receptors, current=4.5),
            Population("hidden", 12, model, receptors, current=4.5),
        ],
        [
            Projection("input", "hidden", "syn", AllToAll(), Normal(0.3, 0.3), 2.0),
            Projection("hidden", "hidden", "kick", Probability(0.4), Normal(0.0, 1.0), delay_ms),
            Projection("hidden", "output", "syn", AllToAll(), 0.4),
        ],
        [Source("input", 8, Poisson(100.0))],
    )


@pytest.mark.parametrize("delay_ms", [None, Uniform(1.0, 4.0)])
def test_spikes_are_those_of_the_simulated_network(delay_ms):
    network, method = layered(delay_ms), Simulation(0.1, 0.5, (Record("output", "v"),))
    start, simulate = network_function(network, method, seed=1)
    outcome, activity = jax.jit(simulate)(start), simulate_network(network, method, seed=1)
    for population in ("hidden", "output"):
        counts = outcome.spikes[population].sum(axis=0)
        np.testing.assert_array_equal(counts, activity.of(population).counts())
    assert activity.of("output").counts().sum() > 4
    np.testing.assert_allclose(
        outcome.traces["output", "v"], activity.trace("output", "v").values, rtol=1e-3, atol=1e-3
    )
    assert not outcome.overflowed


def test_gradient_of_a_trace_is_the_closed_form():
    # v after n ticks is the sum of R (1 - a) a^(n - 1 - k) I_k over the ticks k before, with
    # a = exp(-dt / tau).
    cell = Population("cell", 1, LIF(tau_ms=5.0, resistance=2.0), current=1.0)
    method = Simulation(0.02, 0.5, (Record("cell", "v"),))
    start, simulate = network_function(Network([cell]), method, seed=0)

    def trace(current):
        return simulate(start._replace(currents={"cell": current})).traces["cell", "v"][:, 0]

    slopes = jax.jacobian(trace)(jnp.ones((40, 1)))[:, :, 0]
    a = np.exp(-0.5 / 5.0)
    age = np.arange(40)[:, None] - 1 - np.arange(40)
    wanted = np.where(age >= 0, 2.0 * (1 - a) * a ** np.maximum(age, 0), 0.0)
    np.testing.assert_allclose(slopes, wanted, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("detach_reset", [True, False])
def test_surrogate_gradient_of_a_neuron_is_the_one_by_hand(detach_reset):
    model = LIF(tau_ms=10.0, v_rest=0.0, v_reset=0.5, v_threshold=1.0, integrator="euler")
    cell = Population("cell", 1, model, {"syn": Exponential(5.0, integrator="euler")})
    network = Network(
        [cell],
        [Projection("clock", "cell", "syn", AllToAll(), 1.2)],
        [Source("clock", 1, Regular(250.0))],
    )
    gradient = SpikeGradient(SIGMOID, detach_reset=detach_reset)
    start, simulate = network_function(network, Simulation(0.06, 1.0), seed=0, gradient=gradient)
    scale = np.random.default_rng(0).standard_normal(60).astype(np.float32)

    def loss(weight):
        return (simulate(start._replace(weights=(weight,))).spikes["cell"][:, 0] * scale).sum()

    value, slope = jax.value_and_grad(loss)(jnp.float32(1.2))
    g = dg = v = dv = total = wanted = 0.0
    for tick in range(60):
        arrived = tick > 0 and start.events[tick - 1, 0]
        g, dg = g + 1.2 * arrived, dg + arrived
        v, dv = v + 0.1 * (g - v), dv + 0.1 * (dg - dv)
        g, dg = 0.8 * g, 0.8 * dg
        spike, d_spike = float(v >= 1.0), float(SIGMOID.derivative(v - 1.0)) * dv
        total, wanted = total + spike * scale[tick], wanted + d_spike * scale[tick]
        dv = (1 - spike) * dv + (0.0 if detach_reset else (0.5 - v) * d_spike)
        v = 0.5 if spike else v
    assert value == pytest.approx(total, rel=1e-5)
    assert slope == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("delay_ms", [None, Uniform(1.0, 4.0)])
def test_gradient_of_the_relaxed_network_is_that_of_finite_differences(delay_ms):
    method = Simulation(0.03, 1.0, (Record("output", "v"),))
    gradient = SpikeGradient(Surrogate("sigmoid", 4.0), detach_reset=False, relaxed=True)
    start, simulate = network_function(layered(delay_ms), method, seed=2, gradient=gradient)
    scale = np.random.default_rng(3).standard_normal((30, 3))

    @jax.jit
    def loss(numbers):
        outcome = simulate(numbers)
        return (outcome.spikes["output"] * scale).sum() + outcome.traces["output", "v"].mean()

    slopes = jax.jit(jax.grad(loss))(start)
    for name in start._fields:
        rng = np.random.default_rng(4)
        direction = jax.tree.map(
            lambda x, rng=rng: rng.standard_normal(np.shape(x)).astype(np.float32),
            getattr(start, name),
        )

        def moved(step, name=name, direction=direction):
            values = jax.tree.map(lambda x, d: x + step * d, getattr(start, name), direction)
            return float(loss(start._replace(**{name: values})))

        step = 2e-3
        difference = (8 * (moved(step) - moved(-step)) - moved(2 * step) + moved(-2 * step)) / (
            12 * step
        )
        parts = zip(jax.tree.leaves(getattr(slopes, name)), jax.tree.leaves(direction), strict=True)
        along = float(sum((slope * part).sum() for slope, part in parts))
        assert along == pytest.approx(difference, rel=0.02, abs=1e-3), name


def test_a_batch_is_its_members():
    start, simulate = network_function(layered(), Simulation(0.05, 1.0), seed=1)
    events = np.random.default_rng(0).poisson(0.1, (4, 50, 8)).astype(np.float32)

    def spikes(events):
        return simulate(start._replace(events=events)).spikes["output"]

    batch = jax.jit(jax.vmap(spikes))(events)
    assert batch.shape == (4, 50, 3)
    for one, given in zip(batch, events, strict=True):
        np.testing.assert_allclose(one, jax.jit(spikes)(given), atol=1e-6)


def test_another_key_is_another_draw():
    network = Network([Population("random", 200, PoissonNeuron(100.0))])
    start, simulate = network_function(network, Simulation(0.1, 1.0), seed=1)
    keys = [jax.random.key_data(jax.random.key(number)) for number in (1, 1, 2)]
    one, same, other = (simulate(start, key).spikes["random"] for key in keys)
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert abs(float(other.sum()) - 2000) < 5 * np.sqrt(2000)
    with pytest.raises(InvalidInputError, match="one key of random numbers; it got 0 keys"):
        simulate(start)
