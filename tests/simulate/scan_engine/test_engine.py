"""The scan engine: the bits of the event engine, compiled once."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.neurons import LIF, Alpha, Exponential, Izhikevich, Jump, Neuron, PoissonNeuron
from spikeloop.numerics.draws import Gamma, Normal, Uniform
from spikeloop.simulate import (
    STDP,
    AllToAll,
    FixedInDegree,
    Network,
    Poisson,
    Population,
    Probability,
    Projection,
    Record,
    Regular,
    Simulation,
    Source,
    Step,
    simulate_network,
)
from spikeloop.simulate.scan_engine import plan, synapses
from spikeloop.simulate.scan_engine.engine import ScanEngine, _compiled, run_many


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
    model = LIF(**{"refractory_ms": 2.0, "v_threshold": Normal(-50.0, 0.5), **given})
    receptors = {
        "fast": Exponential(3.0, reversal=0.0),
        "slow": Alpha(4.0, reversal=-75.0),
        "syn": Exponential(5.0),
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
            Projection("cells", "others", "syn", Probability(0.2), 0.7, Uniform(0.2, 3.0)),
            Projection("others", "cells", "slow", Probability(0.5), Gamma(2.0, 0.02), 1.5),
            Projection("others", "cells", "bump", FixedInDegree(3), -0.4, Uniform(0.2, 9.0)),
            Projection("others", "others", "bump", Probability(0.3), 0.3),
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


@pytest.mark.parametrize(
    "settings",
    [{}, {"integrator": "euler", "spike_lag": 1}, {"reset": "subtraction", "refractory_ms": 0.0}],
)
def test_every_receptor_and_delay_gives_the_bits_of_the_event_engine(settings):
    wanted = [("cells", name) for name in ("v", "fast", "slow", "bump", "kick")]
    method = Simulation(0.2, 0.1, recording(*wanted, ("others", "syn"), ("others", "v")))
    event, scan = both(lif_network(**settings), method)
    assert event.of("cells").counts().sum() > 300
    assert event.of("others").counts().sum() > 50
    assert_same(event, scan)


@pytest.mark.parametrize("delay_ms", [None, 2.0, Uniform(0.5, 5.0)])
def test_recurrent_network_gives_the_bits_of_the_event_engine(delay_ms):
    method = Simulation(0.2, 0.5, recording(("e", "v"), ("e", "u"), ("i", "inhibition")))
    event, scan = both(izhikevich_network(delay_ms=delay_ms), method)
    assert len(event.spikes.times_s) > 500
    assert_same(event, scan)


def test_random_neurons_give_the_bits_of_the_event_engine():
    cells = Population("cells", 100, LIF(), {"syn": Exponential(5.0)}, current=10.0)
    random = Population("random", 30, PoissonNeuron(Uniform(0.0, 300.0)))
    network = Network([random, cells], [Projection("random", "cells", "syn", Probability(0.5))])
    event, scan = both(network, Simulation(0.3, 0.5, recording(("cells", "v"))))
    assert event.of("random").counts().sum() > 500
    assert event.of("cells").counts().sum() > 50
    assert_same(event, scan)


def test_trains_that_send_twice_in_a_tick():
    cells = Population("cells", 20, LIF(), {"excitation": Exponential(5.0, reversal=0.0)})
    rates = Poisson(np.linspace(0.0, 3000.0, 20))
    connected = Projection("input", "cells", "excitation", AllToAll(), Gamma(2.0, 0.002))
    network = Network([cells], [connected], [Source("input", 20, rates)])
    method = Simulation(0.2, 1.0, recording(("cells", "excitation")))
    event, scan = both(network, method)
    assert np.diff(np.sort(event.inputs.times_s + 10 * event.inputs.unit_index)).min() == 0
    assert_same(event, scan)
    both_twice = replace(network, projections=[connected, connected])
    assert_same(*both(both_twice, method))


def test_spikes_of_one_tick_in_another_order_differ_by_rounding_alone():
    # Trains of equal rates come in any order within a tick, in which the event engine adds them;
    # the scan engine adds them in the order of their numbers. The sum differs in the last bit.
    cells = Population("cells", 20, LIF(), {"excitation": Exponential(5.0, reversal=0.0)})
    connected = Projection("input", "cells", "excitation", AllToAll(), Gamma(2.0, 0.001))
    network = Network([cells], [connected], [Source("input", 40, Poisson(300.0))])
    event, scan = both(network, Simulation(0.1, 0.1, recording(("cells", "excitation"))))
    g, other_g = (run.trace("cells", "excitation").values for run in (event, scan))
    np.testing.assert_allclose(g, other_g, rtol=1e-6)
    # Multiples of 2^-10 add up exactly in any order, as long as nothing decays to other numbers.
    exact = replace(connected, weight=2.0**-10, receptor="kick")
    cells = replace(cells, receptors={"kick": Jump()})
    assert_same(*both(replace(network, populations=[cells], projections=[exact]), Simulation(0.1)))


def test_lists_of_synapses_give_the_same_bits_as_matrices(monkeypatch):
    network, method = izhikevich_network(delay_ms=2.0), Simulation(0.2, 0.5, recording(("e", "v")))
    with_matrices = ScanEngine(network, method, seed=1)
    monkeypatch.setattr(synapses, "MOST_ENTRIES", 0)
    with_lists = ScanEngine(network, method, seed=1)
    assert len(with_matrices.prepared.arrays.matrices) == 2
    assert not with_lists.prepared.arrays.matrices
    assert_same(with_matrices.run(), with_lists.run())


def test_parallel_synapses_are_added_one_by_one():
    network = izhikevich_network()
    network = replace(network, projections=[*network.projections, *network.projections[2:]])
    event, scan = both(network, Simulation(0.2, 0.5, recording(("e", "v"), ("e", "excitation"))))
    assert_same(event, scan)


def test_current_that_changes_is_recorded_as_it_is_injected():
    cells = Population("cells", 3, LIF(), current=Step(np.array([1.0, 2.0, 3.0]), 0.3, 0.5))
    method = Simulation(0.001, 0.1, recording(("cells", "current")), engine="scan")
    trace = simulate_network(Network([cells]), method, seed=0).trace("cells", "current").values
    np.testing.assert_array_equal(trace[:, 1], [0, 0, 0, 2, 2, 0, 0, 0, 0, 0])


def test_an_overflow_stops_both_engines_at_the_same_place():
    currents = np.array([1.0, 1e31, 1e31])
    cells = Population("cells", 3, LIF(tau_ms=20.0, v_threshold=1e35), current=currents)
    quiet = Population("quiet", 4, LIF(), current=30.0)
    network = Network([quiet, cells], [], [Source("clock", 1, Regular(1000.0))])
    with pytest.warns(SpikeloopWarning, match="stopped at"):
        event, scan = both(network, Simulation(0.1, 0.1, recording(("quiet", "v"))))
    assert "the potential of neuron 2 of cells overflowed. Choose a smaller dt_ms" in scan.status
    assert len(scan.trace("quiet", "v").values) < 100
    assert_same(event, scan)


def test_networks_of_one_shape_compile_once():
    n_compiled = [_compiled.cache_info().misses]
    for start, seed in ((0.0, 1), (Uniform(0.0, 1.0), 2)):
        cells = Population("cells", 47, LIF(), {"kick": Jump()}, current=20.0, start={"v": start})
        projection = Projection("cells", "cells", "kick", Probability(0.2), Normal(0.1, 0.01))
        engine = ScanEngine(Network([cells], [projection]), Simulation(0.02), seed=seed)
        engine.run()
        engine.run()
        n_compiled.append(_compiled.cache_info().misses)
    assert np.diff(n_compiled).tolist() == [1, 0]


def step_of_two(state, inputs, p, dt_ms):
    return state[0], state[0]


def spiked_without_return(state, p):
    state[0] > 1  # noqa: B015 - the mistake that is to be found


@pytest.mark.parametrize("engine", ["event", "scan"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": step_of_two}, "step_of_two .* returns 2 values: it must return a tuple with a"),
        ({"reset": step_of_two}, "takes .state, inputs, p, dt_ms.: it must take .state, p."),
        ({"reset": lambda s, p: (s[0], 1.0)}, "returns 2 values"),
        ({"reset": lambda s, p: s[0]}, "it must return a tuple"),
        (
            {"spiked": spiked_without_return},
            "returns none: it must return whether there is a spike",
        ),
        ({"spiked": lambda s, p: (s[0] > 1,)}, "it must return whether there is a spike"),
        ({"step": lambda s, i, p, dt: (s[0] + p.wrong,)}, "uses 'wrong', which is none of the par"),
        ({"step": lambda s, i, p, dt: (np.cos(s[0]),)}, "which numba does not know"),
    ],
)
def test_wrong_functions_are_refused_by_both_engines(engine, change, words):
    functions = {
        "step": lambda s, i, p, dt: (s[0] + dt * i.current,),
        "spiked": lambda s, p: s[0] > 1,
        "reset": lambda s, p: (0.0 * s[0],),
    }
    neuron = Neuron({"v": 0.0}, {"k": 1.0}, **functions | change)
    network = Network([Population("cells", 3, neuron)])
    with pytest.raises(InvalidInputError, match=words):
        simulate_network(network, Simulation(0.001, 0.1, engine=engine), seed=0)


def test_many_runs_are_those_of_single_seeds():
    network = izhikevich_network(delay_ms=Uniform(0.5, 5.0))
    method = Simulation(0.1, 0.5, recording(("e", "v")), engine="scan")
    runs = run_many(network, method, seeds=[5, 6, 7])
    for seed, run in zip((5, 6, 7), runs, strict=True):
        assert_same(run, simulate_network(network, method, seed=seed))


def test_what_cannot_be_done_is_refused(monkeypatch):
    plastic = izhikevich_network(plasticity=STDP(w_max=10.0))
    with pytest.raises(InvalidInputError, match="e -> e: in the scan engine synapses do not chang"):
        ScanEngine(plastic, Simulation(0.1), seed=0)
    with pytest.raises(InvalidInputError, match="seeds is empty"):
        run_many(izhikevich_network(), Simulation(0.1), seeds=[])
    cells = Population("cells", 10_000_000, LIF())
    with pytest.raises(
        InvalidInputError, match=r"of 10000000 neurons for 10000 ticks take 100\.\d"
    ):
        ScanEngine(Network([cells]), Simulation(1.0), seed=0)
    monkeypatch.setattr(plan, "LARGEST_BYTES", 1e6)
    with pytest.raises(InvalidInputError, match="50 trains of spikes for 10000 ticks take"):
        ScanEngine(izhikevich_network(), Simulation(1.0), seed=0)
