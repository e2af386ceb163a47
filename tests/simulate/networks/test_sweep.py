import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import Simulation, simulate_many, simulate_network
from spikeloop.simulate.networks.benchmark_networks import izhikevich_network

NETWORKS = [izhikevich_network(200, probability=p) for p in (0.1, 0.3)]
METHOD = Simulation(0.3, dt_ms=0.5)


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_each_run_is_that_of_its_network_and_seed(executor):
    runs = simulate_many(NETWORKS, METHOD, seeds=[3, 4], executor=executor)
    for run, network, seed in zip(runs, NETWORKS, [3, 4], strict=True):
        alone = simulate_network(network, METHOD, seed=seed)
        assert len(alone.spikes.times_s) > 20
        np.testing.assert_array_equal(run.spikes.times_s, alone.spikes.times_s)
        np.testing.assert_array_equal(run.spikes.unit_index, alone.spikes.unit_index)


def test_a_seed_too_few_is_refused():
    with pytest.raises(InvalidInputError, match="2 networks and 1 seed"):
        simulate_many(NETWORKS, METHOD, seeds=[1])
