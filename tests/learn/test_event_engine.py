"""A trained network and a simulated one are the same network: they fire at the same times."""

import jax
import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.learn.layers import SpikingLayer, unit_lif
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.signs import DalesLaw
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.neurons import AdaptiveLIF, Jump
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

N_TRIALS = 4
TASK = SoundLocalization(n_fibres=20)
KEY = jax.random.key(0)
ADAPTIVE = AdaptiveLIF(
    tau_ms=np.linspace(3.0, 9.0, 30),
    v_rest=0.0,
    v_threshold=1.0,
    v_reset=0.0,
    tau_adaptation_ms=20.0,
    threshold_step=0.3,
    refractory_ms=2.0,
)
LAYERS = {
    "one": (SpikingLayer(30, unit_lif()),),
    "recurrent": (SpikingLayer(30, unit_lif(), recurrent=True),),
    "deep": (
        SpikingLayer(30, ADAPTIVE, recurrent=True),
        SpikingLayer(20, unit_lif(4.0), recurrent=True, connection_probability=0.5),
    ),
}


def simulated(layers, weights, spikes):
    """Return (tick, unit) spikes of each layer of one trial, as the event engine has them."""
    # A synapse takes a tick: layer n fires n + 1 ticks later.
    n_ticks = len(spikes) + len(layers)
    fibre, tick = np.nonzero(spikes.T)
    duration_s = n_ticks * TASK.dt_ms / 1000
    trains = SpikeTrains.from_units(
        {unit: tick[fibre == unit] * TASK.dt_ms / 1000 for unit in range(TASK.n_inputs)},
        Epochs([0.0], [duration_s]),
    )
    populations, projections, source = [], [], "fibres"
    for index, layer in enumerate(layers):
        name = f"hidden.{index}"
        populations.append(Population(name, layer.size, layer.neuron, {"jump": Jump()}))
        senders = {"input": source} | ({"recurrent": name} if layer.recurrent else {})
        projections += [
            Projection(sender, name, "jump", Matrix(weights[f"{name}.{part}"]))
            for part, sender in senders.items()
        ]
        source = name
    network = Network(populations, projections, [Source("fibres", TASK.n_inputs, Given(trains))])
    activity = simulate_network(network, Simulation(duration_s, TASK.dt_ms), seed=0)
    rows = []
    for index, layer in enumerate(layers):
        own = activity.of(f"hidden.{index}")
        fired = np.zeros((n_ticks, layer.size))
        np.add.at(fired, (np.round(own.times_s * 1000 / TASK.dt_ms).astype(int), own.unit_index), 1)
        assert not fired[: index + 1].any()
        rows.append(fired[index + 1 :][: len(spikes)])
    return rows


@pytest.mark.parametrize("name", LAYERS)
def test_spikes_are_those_of_the_event_engine(name):
    layers = LAYERS[name]
    network = SpikingNetwork(layers, constraint=DalesLaw(0.4, scale=10.0))
    parameters, constants = network.begin(KEY, TASK.n_inputs, TASK.n_classes, TASK.dt_ms)
    numbers = parameters | constants
    plan = network.plan(TASK.dt_ms)
    trials = TASK.draw(jax.random.key(1), N_TRIALS).spikes
    answer = plan.run(numbers, trials)
    weights = {key: np.asarray(value) for key, value in plan.weights(numbers).items()}
    for trial in range(N_TRIALS):
        rows = simulated(layers, weights, np.asarray(trials[trial]))
        for sent, fired in zip(answer.spikes, rows, strict=True):
            assert 0.02 < fired.mean() < 0.5
            np.testing.assert_array_equal(sent[:, trial], fired)
