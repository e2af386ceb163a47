import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import Simulation, simulate_network
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.event_engine.wiring import cables
from spikeloop.simulate.networks.benchmark_networks import coba, izhikevich_network


@pytest.mark.parametrize("integrator", ["euler", "exponential_euler"])
def test_coba_keeps_firing_irregularly_as_published(integrator):
    spikes = simulate_network(coba(integrator=integrator), Simulation(1.0), seed=0).spikes
    halves = np.histogram(spikes.times_s, 2, (0, 1))[0] / 4000 / 0.5
    assert np.all((halves > 10) & (halves < 30))
    trains = [spikes.times_s[spikes.unit_index == unit] for unit in range(200)]
    intervals = [np.diff(times_s) for times_s in trains if len(times_s) > 8]
    assert np.mean([interval.std() / interval.mean() for interval in intervals]) > 0.7


def test_coba_has_as_many_synapses_per_neuron_at_every_size():
    for n in (1000, 8000):
        wiring = EventEngine(coba(n), Simulation(0.001), seed=0).wiring
        assert len(wiring.targets) / n == pytest.approx(80, rel=0.02)


def test_coba_is_refused_more_synapses_than_neurons():
    with pytest.raises(InvalidInputError, match="give no more than there are neurons"):
        coba(40)


def test_the_izhikevich_network_fires_only_while_it_is_driven():
    spikes = simulate_network(izhikevich_network(), Simulation(1.0, 0.5), seed=0).spikes
    assert spikes.times_s.min() > 0.2
    assert spikes.times_s.max() < 0.75
    inhibitory = spikes.unit_table["population"] == "inhibitory"
    rates_hz = spikes.counts()
    assert rates_hz[inhibitory].mean() > rates_hz[~inhibitory].mean() > 1


def test_izhikevich_weights_have_the_mean_and_spread_that_were_asked_for():
    engine = EventEngine(izhikevich_network(), Simulation(0.01, 0.5), seed=0)
    all_cables = cables(engine.network, engine.groups, engine.memory, 0.5, seed=0)
    recurrent = {(c.first_source, c.first_target): c for c in all_cables if c.weights.ndim}
    scale = {(0, 0): 0.003, (0, 800): 0.003, (800, 0): 0.006, (800, 800): 0.003}
    assert sum(len(cable.weights) for cable in recurrent.values()) == pytest.approx(1e5, rel=0.03)
    for ends, theta in scale.items():
        weights = recurrent[ends].weights
        assert weights.mean() == pytest.approx(2 * theta, rel=0.05)
        assert weights.std() == pytest.approx(np.sqrt(2) * theta, rel=0.05)
