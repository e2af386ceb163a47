"""The scan engine: the bits of the event engine, compiled once."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import LIF, Alpha, Exponential, Izhikevich, Jump, Neuron, PoissonNeuron
from spikeloop.numerics.draws import Gamma, Normal, Uniform
from spikeloop.simulate import (
    STDP,
    FixedInDegree,
    Network,
    OneToOne,
    Poisson,
    Population,
    Probability,
    Projection,
    Record,
    Regular,
    Simulation,
    Source,
    Step,
    scan_plan,
    scan_synapses,
    simulate_network,
)
from spikeloop.simulate.scan_engine import ScanEngine, run_many


def izhikevich_network(n=200, **given):
    """Return a recurrent network of excitatory and inhibitory neurons with Poisson input."""
    receptors = {
        "excitation": Exponential(10.0, reversal=0.0, integrator="euler"),
        "inhibition": Exponential(10.0, reversal=-85.0, integrator="euler"),
    }
    n_excitatory = 4 * n // 5
    weight = Gamma(2.0, 0.003 * 1000 / n)
    projections = [
        Projection("input", target, "excitation", Probability(0.1), 0.2) for target in "ei"
    ]
    for source, receptor in (("e", "excitation"), ("i", "inhibition")):
        for target in "ei":
            projections.append(
                Projection(source, target, receptor, Probability(0.1), weight, **given)
            )
    return Network(
        [
            Population("e", n_excitatory, Izhikevich(), receptors),
            Population("i", n - n_excitatory, Izhikevich(a=0.1, d=2.0), receptors),
        ],
        projections,
        [Source("input", 50, Poisson(Step(5.0, 20.0, 180.0)))],
    )


def lif_network(**given):
    """Return a network with every kind of receptor, delays of all kinds, and refractory neurons."""
    model = LIF(refractory_ms=2.0, v_threshold=Normal(-50.0, 0.5), **given)
    receptors = {
        "fast": Exponential(3.0, reversal=0.0),
        "slow": Alpha(4.0, reversal=-75.0),
        "current": Exponential(5.0),
        "bump": Alpha(2.0),
        "kick": Jump(),
    }
    start = {"v": Uniform(-65.0, -50.0), "fast": 0.01, "bump": 0.5}
    cells = Population("cells", 60, model, receptors, current=Step(17.0, 5.0), start=start)
    others = Population("others", 20, model, receptors, current=18.0)
    return Network(
        [cells, others],
        [
            Projection("clock", "cells", "kick", Probability(0.3), 1.5),
            Projection("cells", "cells", "fast", Probability(0.1), Gamma(2.0, 0.01), 0.5),
            Projection("cells", "others", "current", Probability(0.2), 0.7, Uniform(0.2, 3.0)),
            Projection("others", "cells", "slow", Probability(0.5), Gamma(2.0, 0.02), 1.5),
            Projection("others", "cells", "bump", FixedInDegree(3), -0.4, Uniform(0.2, 9.0)),
            Projection("cells", "others", "current", OneToOne(), -0.1)
            if False
            else Projection("others", "others", "bump", Probability(0.3), 0.3),
        ],
        [Source("clock", 10, Regular(200.0, first_ms=np.arange(10) * 0.3))],
    )


def recording(*wanted):
    return tuple(Record(population, variable) for population, variable in wanted)


def assert_same(a, b):
    """Compare two activities to the last bit."""
    assert a.status == b.status
    for one, other in ((a.spikes, b.spikes), (a.inputs, b.inputs)):
        np.testing.assert_array_equal(one.times_s, other.times_s)
        order, other_order = (np.lexsort((x.unit_index, x.times_s)) for x in (one, other))
        np.testing.assert_array_equal(one.unit_index[order], other.unit_index[other_order])
    assert a.traces.keys() == b.traces.keys()
    for key, trace in a.traces.items():
        np.testing.assert_array_equal(trace.values, b.traces[key].values, err_msg=str(key))


def both(network, method, seed=3):
    return [
        simulate_network(network, replace(method, engine=engine), seed=seed)
        for engine in ("event", "scan")
    ]
