"""How to run a network, and the verb that runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spikeloop.data.checks import require
from spikeloop.simulate.networks.activity import Activity
from spikeloop.simulate.networks.network import Network


@dataclass(frozen=True, eq=False)
class Record:
    """What to record at the start of each tick.

    >>> Record("excitatory", "v", neurons=[0, 1]).variable
    'v'
    """

    population: str
    """Name of the population."""
    variable: str
    """A state variable of its neuron, the name of a receptor (its conductance, or current), or
    ``"current"``, what is injected."""
    neurons: Sequence[int] | None = None
    """Which neurons of the population; None for all."""


@dataclass(frozen=True)
class Simulation:
    """How to run a network."""

    duration_s: float = 1.0
    """How long, in the time of the network."""
    dt_ms: float = 0.1
    """Duration of a tick."""
    record: Sequence[Record] = ()
    """What to record besides spikes."""
    engine: Literal["event", "scan"] = "event"
    """``event``: compiled by numba, for any size; ``scan``: JAX, for small dense networks, many at
    once, gradients, and GPUs."""
    threads: int | None = None
    """How many cores the event engine uses; None: one, and all for large networks. The result does
    not depend on it."""
    progress: bool = False
    """Whether to show a progress bar, where there is a terminal."""

    def __post_init__(self) -> None:
        for name in ("duration_s", "dt_ms"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value > 0, f"{name}={value}: it must be above 0.")
        require(
            self.n_ticks >= 1,
            f"duration_s={self.duration_s} is shorter than a tick, dt_ms={self.dt_ms}.",
        )
        require(self.engine in ("event", "scan"), f"engine={self.engine!r}: choose event or scan.")
        require(
            self.threads is None or self.threads >= 1,
            f"threads={self.threads}: give a number above 0, or None.",
        )

    @property
    def n_ticks(self) -> int:
        """How many ticks there are."""
        return round(self.duration_s * 1000 / self.dt_ms)


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
    from spikeloop.simulate.event_engine.engine import EventEngine

    return EventEngine(network, method, seed=seed).run()
