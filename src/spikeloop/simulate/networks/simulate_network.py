"""The verb that runs a network, on either engine."""

import warnings

from spikeloop.data.checks import require
from spikeloop.errors import SpikeloopWarning
from spikeloop.numerics.random import stream_key
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
        Start of all random numbers. What is drawn for a population, source or projection depends
        on its names and not on the others; of projections between the same receptors, on which of
        them it is. Random neurons draw by their number in the network.

    Raises
    ------
    InvalidInputError
        A value is out of range, or dt is longer than a time constant or a delay.

    Warns
    -----
    SpikeloopWarning
        A potential overflowed: the run ends there, and so do the spikes. Or a delay or a refractory
        time is no multiple of dt.

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
    require(isinstance(network, Network), f"network={network!r}: give a Network.")
    require(isinstance(method, Simulation), f"method={method!r}: give a Simulation.")
    stream_key(seed)  # refuses what is no seed
    if method.engine == "scan":
        from spikeloop.simulate.scan_engine.engine import ScanEngine

        activity = ScanEngine(network, method, seed=seed).run()
    else:
        activity = EventEngine(network, method, seed=seed).run()
    n_recorded = min((len(s.values) for s in activity.traces.values()), default=method.n_ticks)
    if activity.status != "done":
        warnings.warn(f"the simulation {activity.status}", SpikeloopWarning, stacklevel=2)
    elif n_recorded < method.n_ticks:
        stop_ms = n_recorded * method.dt_ms
        words = f"what is recorded is no number, or beyond 1e15, at {stop_ms:g} ms: it ends there."
        warnings.warn(words, SpikeloopWarning, stacklevel=2)
    return activity
