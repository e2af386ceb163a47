"""Delays of synapses: each spike arrives when its delay says, and delays are learned."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.learn import (
    AnySign,
    DalesLaw,
    FeedforwardInhibition,
    PatternTiming,
    SpikingLayer,
    SpikingNetwork,
    Training,
    load_network,
    save_network,
    train,
    unit_lif,
)
from spikeloop.learn.delays import arrivals, project_late, with_late
from spikeloop.neurons import Jump
from spikeloop.simulate import (
    Given,
    Matrix,
    Network,
    Population,
    Projection,
    Simulation,
    Source,
    simulate_network,
)

N_TICKS, N_TRIALS, N_FROM, N_TO, N_LAGS = 13, 3, 5, 4, 6
TASK = PatternTiming(n_inputs=10, duration_ms=50.0)
LATE = SpikingNetwork((SpikingLayer(8, longest_delay_ms=12.0),), constraint=DalesLaw(0.5))


def plain(spikes, kernel):
    """Spike by spike, lag by lag."""
    total = jnp.zeros((N_TICKS + N_LAGS - 1, N_TRIALS, N_TO))
    for tick in range(N_TICKS):
        for lag in range(N_LAGS):
            total = total.at[tick + lag].add(spikes[tick] @ kernel[lag])
    return total


def test_value_and_gradients_are_those_of_the_plain_sum():
    rng = np.random.default_rng(0)
    spikes = jnp.asarray(rng.random((N_TICKS, N_TRIALS, N_FROM)) < 0.4, jnp.float32)
    kernel, scale = (
        jnp.asarray(rng.normal(size=shape), jnp.float32)
        for shape in ((N_LAGS, N_FROM, N_TO), (N_TICKS + N_LAGS - 1, N_TRIALS, N_TO))
    )

    def both(of):
        value, back = jax.vjp(of, spikes, kernel)
        return value, *back(scale)

    for found, wanted in zip(both(project_late), both(plain), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_bumps_are_normal_densities_and_a_whole_spike_without_width():
    delays = jnp.array([[0.0, 2.3], [4.6, 5.0]])
    for width in (0.7, 2.0):
        bumps = np.asarray(arrivals(delays, jnp.float32(width), N_LAGS))
        ticks = np.arange(N_LAGS)[:, None, None]
        density = np.exp(-((ticks - np.asarray(delays)) ** 2) / (2 * width**2))
        np.testing.assert_allclose(bumps, density / density.sum(axis=0), rtol=1e-4)
    exact = np.asarray(arrivals(delays, jnp.float32(0), N_LAGS))
    assert set(np.unique(exact)) == {0.0, 1.0}
    np.testing.assert_array_equal(exact.argmax(axis=0), [[0, 2], [5, 5]])
    np.testing.assert_array_equal(exact.sum(axis=0), 1)


def test_gradient_of_delays_is_that_of_finite_differences():
    rng = np.random.default_rng(1)
    spikes = jnp.asarray(rng.random((N_TICKS, N_TRIALS, N_FROM)) < 0.4, jnp.float32)
    weights = jnp.asarray(rng.normal(size=(N_FROM, N_TO)), jnp.float32)
    scale = jnp.asarray(rng.normal(size=(N_TICKS + N_LAGS - 1, N_TRIALS, N_TO)), jnp.float32)
    delays = jnp.asarray(rng.uniform(0.5, 4.5, (N_FROM, N_TO)), jnp.float32)

    def loss(delays):
        arriving = project_late(spikes, weights * arrivals(delays, jnp.float32(1.0), N_LAGS))
        return (arriving * scale).sum()

    slope = jax.grad(loss)(delays)
    assert abs(slope).min() > 0
    for place in ((0, 0), (2, 1), (4, 3)):
        step = jnp.zeros_like(delays).at[place].set(0.02)
        found = (loss(delays + step) - loss(delays - step)) / 0.04
        np.testing.assert_allclose(slope[place], found, rtol=0.02, atol=2e-3)


@pytest.mark.parametrize("n_first", [3, 5, 9])
def test_what_is_still_to_come_comes_in_the_next_stretch(n_first):
    rng = np.random.default_rng(2)
    kernel = jnp.asarray(rng.normal(size=(N_LAGS, N_FROM, N_TO)), jnp.float32)
    spikes = jnp.asarray(rng.random((N_TICKS, N_TRIALS, N_FROM)) < 0.4, jnp.float32)
    whole = plain(spikes, kernel)
    late = jnp.zeros((N_LAGS - 1, N_TRIALS, N_TO))
    first, late = with_late(project_late(spikes[:n_first], kernel), late)
    second, late = with_late(project_late(spikes[n_first:], kernel), late)
    found = jnp.concatenate([first, second, late])
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)


def test_two_halves_of_a_trial_are_the_whole():
    layers = (
        SpikingLayer(8, longest_delay_ms=12.0),
        SpikingLayer(6, recurrent=True, longest_delay_ms=4.0),
        SpikingLayer(5),
    )
    network = SpikingNetwork(layers, constraint=AnySign())
    parameters, constants = network.begin(jax.random.key(0), TASK.n_inputs, 3)
    spikes = (jax.random.uniform(jax.random.key(1), (4, 50, TASK.n_inputs)) < 0.2) * 1.0
    plan, numbers = network.plan(1.0), parameters | constants
    whole = plan.run(numbers, spikes)
    first = plan.run(numbers, spikes[:, :21])
    second = plan.run(numbers, spikes[:, 21:], first.state)
    for index, fired in enumerate(whole.spikes):
        assert fired.sum() > 0
        both = jnp.concatenate([first.spikes[index], second.spikes[index]])
        np.testing.assert_array_equal(both, fired)


def test_spikes_are_those_of_the_event_engine():
    layer = SpikingLayer(30, unit_lif(), longest_delay_ms=7.0)
    network = SpikingNetwork((layer,), constraint=AnySign())
    parameters, constants = network.begin(jax.random.key(0), TASK.n_inputs, 3)
    plan, numbers = network.plan(1.0), parameters | constants
    spikes = np.asarray(jax.random.uniform(jax.random.key(1), (1, 50, TASK.n_inputs)) < 0.2)
    fired = np.asarray(plan.run(numbers, jnp.asarray(spikes, jnp.float32)).spikes[0][:, 0])
    weights = np.asarray(plan.weights(numbers)["hidden.0.input"])
    ticks = np.round(np.asarray(numbers["hidden.0.delays_ms"]))
    assert set(np.unique(ticks)) == set(range(8))

    n_ticks = spikes.shape[1] + 1  # a synapse takes a tick more in the engine
    tick, fibre = np.nonzero(spikes[0])
    order = np.lexsort((tick, fibre))
    trains = SpikeTrains.from_units(
        {unit: tick[order][fibre[order] == unit] / 1000 for unit in range(TASK.n_inputs)},
        Epochs([0.0], [n_ticks / 1000]),
    )
    projections = [
        Projection("fibres", "cells", "jump", Matrix(weights * (ticks == lag)), delay_ms=lag + 1.0)
        for lag in range(8)
    ]
    engine = Network(
        [Population("cells", 30, layer.neuron, {"jump": Jump()})],
        projections,
        [Source("fibres", TASK.n_inputs, Given(trains))],
    )
    own = simulate_network(engine, Simulation(n_ticks / 1000, 1.0), seed=0).of("cells")
    found = np.zeros((n_ticks, 30))
    np.add.at(found, (np.round(own.times_s * 1000).astype(int), own.unit_index), 1)
    assert fired.sum() > 20
    np.testing.assert_array_equal(found[1:], fired)


@pytest.fixture(scope="module")
def trained():
    training = Training(max_epochs=2, batches_per_epoch=8, n_validation=64, warm_up_epochs=0)
    return train(TASK, LATE, training, seed=0)


def test_delays_move_and_stay_within_their_bounds(trained):
    delays, before = trained.delays_ms(), trained.delays_ms(before=True)
    assert delays.shape == (TASK.n_inputs, 8)
    for values in (delays, before):
        assert values.min() >= 0
        assert values.max() <= 12
        np.testing.assert_array_equal(values, np.round(values))
    assert (delays != before).mean() > 0.1
    value = trained.parameters["hidden.0.delays_ms"]
    for step in (-1e3, 1e3):
        moved = trained.plan.moved("hidden.0.delays_ms", value, jnp.full_like(value, step))
        assert (moved == (0 if step < 0 else 12)).all()


def test_network_is_the_same_from_a_file(trained, tmp_path):
    save_network(tmp_path / "a.safetensors", trained)
    again = load_network(tmp_path / "a.safetensors")
    spikes = TASK.draw(jax.random.key(1), 20).spikes
    np.testing.assert_array_equal(again(spikes)[0], trained(spikes)[0])


def test_the_longest_delay_may_be_no_binary_fraction(trained, tmp_path):
    task = replace(TASK, dt_ms=0.1, duration_ms=5.0)
    network = SpikingNetwork((SpikingLayer(8, longest_delay_ms=0.3),))
    own, fixed = network.begin(jax.random.key(0), task.n_inputs, task.n_classes, task.dt_ms)
    name = "hidden.0.delays_ms"
    own[name] = network.plan(0.1).moved(name, own[name], jnp.full_like(own[name], 1e3))
    late = replace(trained, network=network, task=task, parameters=own, constants=fixed, begun=own)
    save_network(tmp_path / "a.safetensors", late)
    np.testing.assert_allclose(load_network(tmp_path / "a.safetensors").delays_ms(), 0.3)
    beyond = replace(late, parameters=own | {name: own[name] + 0.1})
    save_network(tmp_path / "b.safetensors", beyond)
    with pytest.raises(BadFileError, match=r"within 0 and 0\.3 ms"):
        load_network(tmp_path / "b.safetensors")


def test_delays_tell_patterns_apart_that_a_short_memory_cannot():
    task = PatternTiming(n_inputs=10, jitter_ms=3.0, noise=0.3, duration_ms=60.0)
    training = Training(
        learning_rate=0.2, max_epochs=8, batches_per_epoch=32, warm_up_epochs=0, n_validation=512
    )
    best = {}
    for longest_ms in (0.0, 40.0):
        layer = SpikingLayer(10, unit_lif(2.0), longest_delay_ms=longest_ms)
        network = SpikingNetwork((layer,), constraint=AnySign())
        found = train(task, network, training, seed=0)
        best[longest_ms] = found.history["validation_accuracy"].max()
    assert best[0.0] < 0.75
    assert best[40.0] > 0.85


def test_settings_that_make_no_sense_are_refused(trained):
    for longest_ms in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInputError, match="longest_delay_ms"):
            SpikingLayer(8, longest_delay_ms=longest_ms)
    short = SpikingNetwork((SpikingLayer(8, longest_delay_ms=0.4),))
    with pytest.raises(InvalidInputError, match="shorter than a tick"):
        short.begin(jax.random.key(0), 4, 2)
    with pytest.raises(InvalidInputError, match="interneurons"):
        SpikingNetwork(LATE.layers, constraint=FeedforwardInhibition())
    with pytest.raises(InvalidInputError, match="layer 0 has no delays"):
        replace(trained, network=SpikingNetwork((SpikingLayer(8),))).delays_ms()
