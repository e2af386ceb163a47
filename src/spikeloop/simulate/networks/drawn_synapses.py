"""The synapses that a network has with a seed, to look at, analyse or draw."""

from dataclasses import dataclass

import numpy as np

from spikeloop.simulate.event_engine.memory import lay_out
from spikeloop.simulate.event_engine.wiring import Cable, cables
from spikeloop.simulate.networks.groups import group_populations
from spikeloop.simulate.networks.network import Network, Projection
from spikeloop.simulate.networks.simulation import Simulation


@dataclass(frozen=True, eq=False)
class DrawnSynapses:
    """The synapses of one projection, ordered by source neuron, then by target neuron."""

    projection: Projection
    source: np.ndarray
    """(synapse,) number of the neuron, or train, in its population, or source."""
    target: np.ndarray
    """(synapse,) number of the neuron in its population."""
    weight: np.ndarray
    """(synapse,) at the start of a run, in the unit of the receptor."""
    delay_ms: np.ndarray
    """(synapse,) from spike to arrival, in whole ticks."""


def draw_synapses(network: Network, method: Simulation, *, seed: int) -> list[DrawnSynapses]:
    """Return the synapses of each projection: those that `simulate_network` uses with this seed.

    Parameters
    ----------
    network
        Populations, sources and projections.
    method
        How it would be run; only `dt_ms` matters here.
    seed
        As for `simulate_network`.

    Raises
    ------
    InvalidInputError
        A weight, delay or rule of connection that `simulate_network` would refuse.

    Examples
    --------
    >>> from spikeloop.neurons import LIF, Jump
    >>> from spikeloop.simulate import FixedInDegree, Population
    >>> cells = Population("cells", 10, LIF(), {"in": Jump()})
    >>> wires = Projection("cells", "cells", "in", FixedInDegree(3), weight=0.5)
    >>> (drawn,) = draw_synapses(Network([cells], [wires]), Simulation(1.0), seed=0)
    >>> np.bincount(drawn.target)
    array([3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    """
    groups = group_populations(network.populations, method.dt_ms)
    memory = lay_out(groups, seed=seed)
    drawn = cables(network, groups, memory, method.dt_ms, seed=seed)
    return [_table(cable, method.dt_ms) for cable in drawn]


def _table(cable: Cable, dt_ms: float) -> DrawnSynapses:
    synapses = cable.synapses
    n_synapses = len(synapses.targets)
    return DrawnSynapses(
        cable.projection,
        np.repeat(np.arange(len(synapses.indptr) - 1), np.diff(synapses.indptr)),
        synapses.targets,
        np.broadcast_to(cable.weights, n_synapses),
        np.broadcast_to(cable.delay_ticks, n_synapses) * dt_ms,
    )
