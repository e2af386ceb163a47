"""The verb that runs a network, on either engine."""

from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.activity import Activity
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.simulation import Simulation


def simulate_network(network: Network, method: Simulation, *, seed: int) -> Activity:
    """Build a network, run it, and return what it did.

    The order of a tick is that of `Neuron`. The same seed gives the same network, the same input
    and the same spikes, on any number of threads.

    Parameters
    ----------
    network
        Populations, sources and projections.
    method
        Duration, tick, engine, and what to record.
    seed
        Start of all random numbers. What is drawn for a population, source or projection does not
        depend on the others. Random neurons draw by their number in the network.

    Raises
    ------
    InvalidInputError
        A value is out of range, or dt is longer than a time constant or a delay.

    Examples
    --------
    A neuron that a constant current fires every 33.3 ms, by the closed form of `LIF`:

    >>> from spikeloop.neurons import LIF
    >>> from spikeloop.simulate import Population
    >>> cell = Population("cell", 1, LIF(tau_ms=20.0), current=18.5)
    >>> activity = simulate_network(Network([cell]), Simulation(duration_s=1.0), seed=0)
    >>> activity.spikes.times_s[:3].tolist()
    [0.0333, 0.0667, 0.1001]
    """
    if method.engine == "scan":
        from spikeloop.simulate.scan_engine.engine import ScanEngine

        return ScanEngine(network, method, seed=seed).run()
    return EventEngine(network, method, seed=seed).run()
