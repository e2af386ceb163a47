import sys

import numpy as np
import pytest

from spikeloop.data import TimeSeries
from spikeloop.errors import InvalidInputError
from spikeloop.neurons import LIF, Alpha, Exponential, Izhikevich, Jump, Neuron
from spikeloop.numerics.draws import Gamma, Normal, Uniform
from spikeloop.simulate import (
    STDP,
    AllToAll,
    Network,
    Pairs,
    Poisson,
    Population,
    Probability,
    Projection,
    ShortTerm,
    Simulation,
    Source,
    Step,
    simulate_network,
)
from spikeloop.simulate.networks.drawn_synapses import draw_synapses
from spikeloop.simulate.networks.nir_export import to_nir

nir = pytest.importorskip("nir")

DT_MS = 0.5
CELL = LIF(
    tau_ms=Uniform(15.0, 25.0),
    v_threshold=Normal(-50.0, 1.0),
    resistance=Uniform(0.9, 1.1),
    integrator="euler",
)
SLOW, FAST = Exponential(8.0, integrator="euler"), Exponential(3.0, integrator="euler")
RECEPTORS = {
    "one current": {"in": SLOW},
    "jumps": {"in": Jump(), "other": Jump()},
    "currents and jumps": {"in": SLOW, "other": FAST, "kick": Jump()},
}


def network(receptors, weight=2.0):
    """Two populations that drive each other, of like neurons, so that they share a group."""
    first, *_, last = [*receptors, *receptors]
    start = {"v": Uniform(-70.0, -55.0)}
    populations = [
        Population("many", 40, CELL, receptors, np.linspace(10.0, 18.0, 40), start),
        Population("few", 15, CELL, receptors, 12.0, start),
    ]
    projections = [
        Projection("noise", "many", first, Probability(0.3), weight, 1.5),
        Projection("noise", "few", last, Probability(0.3), Gamma(4.0, weight / 4)),
        Projection("many", "few", first, Probability(0.2), 0.5 * weight),
        Projection("few", "many", last, Probability(0.4), -0.5 * weight, 2.0),
        Projection("few", "few", last, Pairs([0, 0, 3], [5, 5, 0]), weight, 1.0),
    ]
    return Network(populations, projections, [Source("noise", 20, Poisson(40.0))])


class Reader:
    """The equations of NIR by Euler steps of dt, where a spike is the value 1 for one step."""

    ORDER = (nir.Input, nir.Delay, nir.Linear, nir.LI, nir.CubaLIF, nir.LIF)

    def __init__(self, graph, fed):
        self.graph, self.fed, self.dt = graph, fed, float(graph.metadata["dt"])
        self.into = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
        read = [name for name, node in graph.nodes.items() if type(node) in self.ORDER]
        self.names = sorted(read, key=lambda name: self.ORDER.index(type(graph.nodes[name])))
        self.out = {name: [] for name in self.names}
        sizes = {name: int(graph.nodes[name].output_type["output"][0]) for name in self.names}
        self.i = {name: np.zeros(size) for name, size in sizes.items()}
        self.v = {
            name: graph.nodes[name].metadata.get("v_start", self.i[name]).astype(float)
            for name in self.names
        }

    def spikes(self, n_ticks):
        """Return population -> (tick, neuron) spikes."""
        for tick in range(n_ticks):
            for name in self.names:
                self.out[name].append(self.send(name, tick))
        kinds = (nir.LIF, nir.CubaLIF)
        cells = [name for name in self.names if isinstance(self.graph.nodes[name], kinds)]
        return {name: np.array(self.out[name]) for name in cells}

    def send(self, name, tick):
        node = self.graph.nodes[name]
        if isinstance(node, nir.Input):
            return self.fed[name][tick] if name in self.fed else self.i[name]
        if isinstance(node, nir.Delay):
            lag = round(float(node.delay[0]) / self.dt)
            return self.out[self.into[name][0]][tick - lag] if tick >= lag else self.i[name]
        x = sum(self.out[before][tick] for before in self.into[name])
        if isinstance(node, nir.Linear):
            return node.weight.astype(float) @ x
        return self.step(name, node, x)

    def step(self, name, node, x):
        """Return the spikes of neurons, or the potential of an LI."""
        v, tau = self.v[name], node.tau_mem if isinstance(node, nir.CubaLIF) else node.tau
        if isinstance(node, nir.CubaLIF):
            self.i[name] = x = self.i[name] + self.dt / node.tau_syn * (
                node.w_in * x - self.i[name]
            )
        v = v + self.dt / tau * (node.v_leak - v + node.r * x)
        if isinstance(node, nir.LI):
            self.v[name] = v
            return v
        fired = v > node.v_threshold
        self.v[name] = np.where(fired, node.v_reset, v)
        return fired.astype(float)


def on_ticks(trains, n_ticks):
    """Return (tick, unit) how many spikes there are."""
    counts = np.zeros((n_ticks, trains.n_units))
    np.add.at(counts, (np.rint(trains.times_s * 1000 / DT_MS).astype(int), trains.unit_index), 1)
    return counts


def assert_same_spikes(net, graph, n_ticks=400, seed=6):
    activity = simulate_network(net, Simulation(n_ticks * DT_MS / 1000, DT_MS), seed=seed)
    fed = {source.name: on_ticks(activity.of(source.name), n_ticks) for source in net.sources}
    found = Reader(graph, fed).spikes(n_ticks)
    assert sorted(found) == sorted(population.name for population in net.populations)
    for name, spikes in found.items():
        assert spikes.sum() > 40
        np.testing.assert_array_equal(spikes, on_ticks(activity.of(name), n_ticks))


@pytest.mark.parametrize("kind", RECEPTORS)
def test_the_equations_of_nir_give_the_same_spikes(kind, tmp_path):
    net = network(RECEPTORS[kind])
    nir.write(tmp_path / "net.nir", to_nir(net, DT_MS, seed=6))
    assert_same_spikes(net, nir.read(tmp_path / "net.nir"))


def test_integer_weights_reach_the_threshold_exactly():
    cell = LIF(tau_ms=16.0, v_rest=0.0, v_threshold=3.0, v_reset=0.0, integrator="euler")
    start = {"v": np.arange(4.0) - 1}
    net = Network(
        [Population("cells", 4, cell, {"in": Jump()}, start=start)],
        [Projection("inputs", "cells", "in", AllToAll(), 3.0, 1.0)],
        [Source("inputs", 2, Poisson(200.0))],
    )
    assert_same_spikes(net, to_nir(net, DT_MS, seed=6))


def test_a_file_gives_back_every_number(tmp_path):
    graph = to_nir(network(RECEPTORS["currents and jumps"]), DT_MS, seed=6)
    nir.write(tmp_path / "net.nir", graph)
    again = nir.read(tmp_path / "net.nir")
    assert sorted(again.nodes) == sorted(graph.nodes)
    assert sorted(again.edges) == sorted(graph.edges)
    assert again.metadata["dt"] == DT_MS / 1000
    for name, node in graph.nodes.items():
        for field, wanted in node.to_dict().items():
            got = getattr(again.nodes[name], field, None)
            if isinstance(wanted, np.ndarray) and field != "shape":
                assert got.dtype == wanted.dtype == np.float32
                np.testing.assert_array_equal(got, wanted)


def test_gains_and_weights_are_those_of_the_equations():
    cell = LIF(tau_ms=20.0, v_rest=-65.0, resistance=2.0)
    cells = Population("cells", 3, cell, {"in": Exponential(5.0)}, current=[1.0, 2.0, 3.0])
    net = Network([cells], [Projection("cells", "cells", "in", AllToAll(), 4.0, 1.5)])
    graph = to_nir(net, 0.1, seed=0)
    node = graph.nodes["cells"]
    assert isinstance(node, nir.CubaLIF)
    np.testing.assert_allclose(node.tau_mem, 0.020)
    np.testing.assert_allclose(node.tau_syn, 0.005)
    np.testing.assert_allclose(node.r, 200.0)
    np.testing.assert_allclose(node.w_in, 50.0)
    np.testing.assert_allclose(node.v_leak, [-63.0, -61.0, -59.0])
    np.testing.assert_allclose(graph.nodes["delay_0"].delay, 0.0015)
    # One tick moves the potential by dt / tau R w = 0.1 / 20 * 2 * 4.
    np.testing.assert_allclose(graph.nodes["weight_0"].weight, 0.04 * (1 - np.eye(3)), rtol=1e-6)


def test_weights_are_those_of_a_simulation_with_the_same_seed():
    net = network(RECEPTORS["jumps"])
    drawn = draw_synapses(net, Simulation(0.01, DT_MS), seed=5)
    graph = to_nir(net, DT_MS, seed=5)
    for number, synapses in enumerate(drawn):
        weight = graph.nodes[f"weight_{number}"].weight
        assert weight.sum() == pytest.approx(synapses.weight.sum(dtype=float), rel=1e-5)
        pairs = set(zip(synapses.source.tolist(), synapses.target.tolist(), strict=True))
        assert np.count_nonzero(weight) == len(pairs)
    assert graph.nodes["weight_4"].weight[5, 0] == 4.0  # two synapses of 2


@pytest.mark.parametrize("connected", [True, False])
def test_a_network_without_sources_has_a_way_in(connected, tmp_path):
    cells = Population("cells", 2, LIF(integrator="euler"), {"in": Jump()}, 20.0)
    wires = [Projection("cells", "cells", "in", AllToAll(), 1.0)] if connected else []
    graph = to_nir(Network([cells], wires), DT_MS, seed=0)
    nir.write(tmp_path / "net.nir", graph)
    assert list(nir.read(tmp_path / "net.nir").inputs) == ["input_cells"]
    assert list(graph.outputs) == ["output_cells"]
    assert_same_spikes(Network([cells], wires), graph, n_ticks=2000)


def _own():
    return Neuron(
        {"v": 0.0}, {"g": 1.0}, lambda s, i, p, dt: s, lambda s, p: s[0] > 1, lambda s, p: s
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neuron": Izhikevich()}, "cells: NIR has no neuron like Izhikevich. Use LIF"),
        ({"neuron": _own()}, "cells: NIR has no neuron like Neuron"),
        (
            {"neuron": LIF(refractory_ms=2.0)},
            "cells: refractory_ms=2.0, and neurons of NIR have no",
        ),
        (
            {"neuron": LIF(reset="subtraction")},
            "cells: reset='subtraction', and neurons of NIR reset",
        ),
        ({"neuron": LIF(spike_lag=1)}, "cells: spike_lag=1, and NIR tests the threshold after"),
        ({"current": Step(1.0)}, "cells: the current changes in time, and NIR holds constants"),
        ({"current": lambda t_ms: t_ms}, "cells: the current changes in time"),
        ({"current": TimeSeries(np.ones((9, 1)), 1e3)}, "cells: the current changes in time"),
        ({"receptors": {"in": Exponential(5.0, 0.0)}}, "cells: receptor 'in' is a conductance"),
        ({"receptors": {"in": Alpha(5.0)}}, "cells: receptor 'in' is Alpha, and NIR has none"),
        (
            {"start": {"in": 1.0}},
            "cells: receptor 'in' has a start, and currents of NIR start at 0",
        ),
        ({"name": "a/b"}, "'a/b' cannot name a part of a NIR file"),
        ({"name": "inputs_in"}, None),
        ({"name": "delay_0"}, "two parts of the graph are called 'delay_0'"),
        ({"size": 20_000}, "NIR writes each projection as a dense matrix, here 4e\\+08 weights"),
    ],
)
def test_what_nir_cannot_say_is_refused(change, message):
    given = {"name": "cells", "size": 2, "neuron": LIF(), "receptors": {"in": Jump()}}
    cells = Population(**given | change)
    net = Network([cells], [Projection(cells.name, cells.name, "in", Probability(0.0))])
    if message is None:
        to_nir(net, DT_MS, seed=0)
        return
    with pytest.raises(InvalidInputError, match=message):
        to_nir(net, DT_MS, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plasticity": STDP()}, "projection cells -> cells: its synapses change, and weights of"),
        ({"short_term": ShortTerm()}, "its synapses change"),
        ({"delay_ms": Uniform(1.0, 2.0)}, "delay_ms gives each synapse its own, and NIR delays"),
    ],
)
def test_synapses_that_nir_cannot_say_are_refused(change, message):
    cells = Population("cells", 5, LIF(), {"in": Jump()})
    net = Network([cells], [Projection("cells", "cells", "in", AllToAll(), **change)])
    with pytest.raises(InvalidInputError, match=message):
        to_nir(net, DT_MS, seed=0)


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(
        ImportError, match=r"nir is not installed. Run: pip install 'spikeloop\[nir"
    ):
        to_nir(network(RECEPTORS["jumps"]), DT_MS, seed=0)
