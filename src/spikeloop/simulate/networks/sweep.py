"""Many networks at once."""

from collections.abc import Sequence

from spikeloop.data.checks import require
from spikeloop.numerics.parallel import map_tasks
from spikeloop.simulate.networks.activity import Activity
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.simulate_network import simulate_network
from spikeloop.simulate.networks.simulation import Simulation


def simulate_many(
    networks: Sequence[Network],
    method: Simulation,
    *,
    seeds: Sequence[int],
    executor: str = "serial",
) -> list[Activity]:
    """Return ``simulate_network(network, method, seed=seed)`` for each network and seed.

    Networks of the same kinds of neurons share their compiled code.

    Parameters
    ----------
    networks
        What to simulate.
    method
        How to run each of them.
    seeds
        One for each network.
    executor
        As for `spikeloop.numerics.parallel.map_tasks`: ``"serial"``, or ``"process"`` for a worker
        on each core. For processes the functions of neurons and signals must be defined at the top
        of a module.

    Raises
    ------
    InvalidInputError
        The numbers of networks and seeds differ, or a network is refused.

    Examples
    --------
    How the rate depends on the current:

    >>> from spikeloop.neurons import LIF
    >>> from spikeloop.simulate import Population
    >>> networks = [Network([Population("cell", 1, LIF(), current=i)]) for i in (10.0, 20.0, 30.0)]
    >>> runs = simulate_many(networks, Simulation(duration_s=1.0), seeds=[0, 0, 0])
    >>> [len(run.spikes.times_s) for run in runs]
    [0, 35, 71]
    """
    require(
        isinstance(networks, Sequence) and isinstance(seeds, Sequence),
        "networks and seeds must be lists, with one seed for each network.",
    )
    require(
        len(networks) == len(seeds),
        f"{len(networks)} networks and {len(seeds)} seeds: give one seed for each network.",
    )
    tasks = [(network, method, seed) for network, seed in zip(networks, seeds, strict=True)]
    progress = "networks" if method.progress else None
    return map_tasks(_simulate, tasks, executor=executor, progress=progress)


def _simulate(task: tuple[Network, Simulation, int]) -> Activity:
    network, method, seed = task
    return simulate_network(network, method, seed=seed)
