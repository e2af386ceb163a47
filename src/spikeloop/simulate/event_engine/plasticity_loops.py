"""What the compiled loop does for synapses that change."""

from typing import NamedTuple

import numpy as np

from spikeloop.simulate.event_engine.columns import add_to, element, inlined
from spikeloop.simulate.event_engine.plasticity_kernels import (
    short_term_factor,
    stdp_arrivals,
    stdp_spikes,
)


class Dynamics(NamedTuple):
    """The state of the synapses that change."""

    plastic: tuple
    """For each projection with `STDP`, its `Plastic`."""
    plastic_paths: np.ndarray
    """(plastic,) int64: the path of each."""
    resources: tuple
    """For each projection with `ShortTerm`, its `Resources`."""
    resource_of: np.ndarray
    """(path,) int64: which of `resources` a path has, or -1."""


@inlined
def deliver_with_factors(wiring, state, part, log, now, tick):
    """Deliver the spikes that arrive at this tick; short-term plasticity scales them."""
    dynamics = state.dynamics
    for path in range(wiring.delays.size):
        starts = wiring.starts[path, part]
        then = now - wiring.delays[path]
        for spike in range(log.begins[then], log.begins[then + 1]):
            source = log.neurons[spike]
            factor = np.float32(1)
            if dynamics.resource_of[path] >= 0:
                resources = dynamics.resources[dynamics.resource_of[path]]
                factor = short_term_factor(resources, source, tick - wiring.delays[path])
            for synapse in range(starts[source], starts[source + 1]):
                weight = factor * element(wiring.weights, synapse)
                add_to(state.flat, element(wiring.targets, synapse), weight)


@inlined
def learn(wiring, state, log, now, tick):
    """Change weights by the spikes that arrived in this tick, then by those that happened in it."""
    dynamics = state.dynamics
    for k in range(len(dynamics.plastic)):
        then = now - wiring.delays[dynamics.plastic_paths[k]]
        arrived = log.neurons[log.begins[then] : log.begins[then + 1]]
        stdp_arrivals(dynamics.plastic[k], arrived, tick)
        stdp_spikes(dynamics.plastic[k], log.neurons[log.begins[now] : log.begins[now + 1]], tick)


@inlined
def learn_nothing(wiring, state, log, now, tick):
    """Leave weights as they are."""
