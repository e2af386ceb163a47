"""What NIR cannot say, and what no network here is, is refused, and the message says what to do."""

import sys

import jax
import numpy as np
import pytest
from nir_graphs import cells, integrators, linear, nir, written_by_hand

from spikeloop.errors import InvalidInputError
from spikeloop.learn.layers import SpikingLayer
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.nir_file import network_from_nir, network_to_nir
from spikeloop.learn.signs import DalesLaw
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.neurons import LIF, AdaptiveLIF, Izhikevich

TASK = SoundLocalization(n_fibres=10, n_classes=4)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"neuron": AdaptiveLIF()}, "hidden.1: NIR has no neuron like AdaptiveLIF. Use LIF"),
        ({"neuron": Izhikevich()}, "hidden.1: NIR has no neuron like Izhikevich"),
        ({"neuron": LIF().neuron()}, "hidden.1: NIR has no neuron like Neuron"),
        ({"neuron": LIF(refractory_ms=2.0)}, "hidden.1: refractory_ms=2.0, and neurons of NIR"),
        ({"neuron": LIF(reset="subtraction")}, "hidden.1: reset='subtraction', and neurons of NIR"),
        ({"neuron": LIF(spike_lag=1)}, "hidden.1: spike_lag=1, and NIR tests the threshold after"),
        ({"longest_delay_ms": 3.0}, "hidden.1: longest_delay_ms=3.0, and NIR delays neurons"),
    ],
)
def test_layers_that_nir_has_not_are_refused(layer, message):
    network = SpikingNetwork((SpikingLayer(3), SpikingLayer(3, **layer)))
    with pytest.raises(InvalidInputError, match=message):
        network_to_nir(TrainedNetwork(network, TASK, {}, {}, begun={}))


def change(node, **fields):
    """Return what gives fields of a node other values."""

    def changed(graph):
        for field, value in fields.items():
            setattr(graph.nodes[node], field, value)

    return changed


def spoil(node, field, value):
    def changed(graph):
        array = np.array(getattr(graph.nodes[node], field), float)
        array.flat[1] = value
        setattr(graph.nodes[node], field, array)

    return changed


def tell(node, **metadata):
    def changed(graph):
        (graph if node is None else graph.nodes[node]).metadata = metadata

    return changed


def replaced(node, other):
    return lambda graph: graph.nodes.update({node: other})


def joined(*edges, **nodes):
    def changed(graph):
        graph.nodes.update(nodes)
        graph.edges += edges

    return changed


def parted(*edges):
    return lambda graph: [graph.edges.remove(edge) for edge in edges]


def several(*changes):
    return lambda graph: [change(graph) for change in changes]


SUBGRAPH = nir.NIRGraph(
    {"a": nir.Input(np.array([6])), "b": cells(6), "c": cells(6)},
    [("a", "b"), ("a", "c")],
)
REFUSED = {
    "kind": (
        replaced("7", nir.IF(np.ones(5), np.ones(5))),
        "7 is IF, and nothing here is like it. Use Input, Linear",
    ),
    "delay": (
        several(
            parted(("last", "w")),
            joined(("last", "late"), ("late", "w"), late=nir.Delay(np.ones(6))),
        ),
        "late is Delay, and nothing here",
    ),
    "outputs": (
        joined(("last", "out"), out=nir.Output(np.array([6]))),
        "the graph has 2 nodes of kind Output: end, out. It must have one",
    ),
    "no output": (
        lambda graph: (graph.nodes.pop("end"), graph.edges.remove(("sum", "end"))),
        "the graph has 0 nodes of kind Output. It must have one",
    ),
    "inputs": (
        joined(("in", "7"), **{"in": nir.Input(np.array([5]))}),
        "the graph has 2 nodes of kind Input: start, in",
    ),
    "branch": (
        joined(("7", "skip"), ("skip", "read"), skip=linear(6, 5, 0)),
        "7 leads to 1 and skip: each node must lead to one",
    ),
    "merge": (
        joined(("skip", "7"), skip=linear(5, 20, 0)),
        "7 is reached from fc and skip: each node must be reached from one",
    ),
    "feedback": (
        joined(("last", "back"), ("back", "7"), back=linear(5, 6, 0)),
        "7 is reached from fc and back",
    ),
    "two loops": (
        joined(("last", "w2"), ("w2", "last"), w2=linear(6, 6, 0)),
        "w and w2 both lead from last back to it. Add them",
    ),
    "loop without weights": (joined(("last", "last")), "last is reached from 1 and last"),
    "dead end": (parted(("sum", "end")), "sum leads to nothing"),
    "circle": (
        several(parted(("1", "last")), joined(("1", "start"))),
        "start is reached from 1: each",
    ),
    "lone": (joined(alone=cells(3)), "alone: not on the way from the input to the output"),
    "missing": (joined(("7", "ghost")), "edges name ghost, and there is no such node"),
    "read from spikes": (
        several(
            parted(("last", "read"), ("read", "sum"), ("sum", "end")),
            joined(("last", "end")),
            lambda graph: [graph.nodes.pop(name) for name in ("read", "sum")],
        ),
        "the graph is Input -> Linear -> LIF -> Linear -> LIF -> Output: it must be Input, then",
    ),
    "subgraph": (
        several(replaced("last", SUBGRAPH)),
        "last has 2 nodes of kind Output",
    ),
    "tick": (
        tell(None, dt=0.0005),
        "dt=0.0005 in the metadata of the graph, in seconds, and a tick of the task lasts 0.001 s",
    ),
    "no tick": (tell(None, dt="fast"), "dt=fast in the metadata"),
    "inputs of the task": (
        several(replaced("fc", linear(5, 30, 0)), replaced("start", nir.Input(np.array([30])))),
        r"fc: weight has shape \(5, 30\): it must be \(5, 20\), \(to, from\), as there are inputs",
    ),
    "classes": (
        several(replaced("read", linear(3, 6, 0)), replaced("sum", integrators(3))),
        "sum: 3 integrators, and the task has 4 classes",
    ),
    "weights of the readout": (
        replaced("read", linear(3, 6, 0)),
        r"read: weight has shape \(3, 6\): it must be \(4, 6\)",
    ),
    "loop of another size": (
        replaced("w", linear(6, 7, 0)),
        r"w: weight has shape \(6, 7\): it must be \(6, 6\)",
    ),
    "neurons": (replaced("last", cells(7)), "last: tau has 7 values: it must have one for each"),
    "axes": (
        change("w", weight=np.ones((6, 6, 1))),
        r"w: weight has shape \(6, 6, 1\): its axes must be \(to, from\)",
    ),
    "weight": (spoil("w", "weight", np.nan), "w: weight holds 1 values that are not finite"),
    "large weight": (spoil("w", "weight", 1e39), "w: weight holds 1 values that are not finite"),
    "large moves": (
        several(change("last", r=np.full(6, 1e3)), spoil("w", "weight", 1e37)),
        "w: weight . r . dt / tau holds 1 values that are not finite",
    ),
    "bias": (
        spoil("fc", "bias", -0.5),
        "fc: a bias of -0.5, and layers have none here. Make it 0, and add r . bias to v_leak",
    ),
    "infinite bias": (spoil("fc", "bias", np.inf), "fc: bias holds 1 values that are not finite"),
    "threshold": (spoil("7", "v_threshold", np.nan), "7: v_threshold holds 1 values that are not"),
    "gain": (spoil("7", "r", np.inf), "7: r holds 1 values that are not finite"),
    "tau": (spoil("7", "tau", 0.0), "7: tau=0 s: it must be above 0"),
    "short tau": (
        spoil("7", "tau", 0.0004),
        "7: the potential decays with a time constant of 0.4 ms, and a tick lasts 1 ms",
    ),
    "readout within a tick": (
        replaced("sum", integrators(tau_s=0.0009)),
        "sum: tau=0.9 ms, and a tick lasts 1 ms: integrators must remember more",
    ),
    "short readout": (
        replaced("sum", integrators(tau_s=0.0015)),
        "sum: the potential decays with a time constant of 0.910239 ms",
    ),
    "taus of the readout": (
        spoil("sum", "tau", 0.007),
        "sum: time constants from 5.48.* to 6.48.* ms, and a readout has one",
    ),
    "rest of the readout": (
        spoil("sum", "v_leak", -0.5),
        "sum: v_leak=-0.5, and integrators rest at 0",
    ),
    "told tau": (
        tell("7", tau_ms=np.full(5, 3.0), integrator="euler"),
        "7: tau is 4 ms, and tau_ms in its metadata 3, which does not give that by euler",
    ),
    "told tau of the readout": (
        tell("sum", tau_ms=np.full(4, 6.0)),
        "sum: tau is 6 ms, and tau_ms in its metadata 6, which does not give that by exponential",
    ),
    "told tau too short": (
        tell("sum", tau_ms=np.zeros(4)),
        "sum: the potential decays with a time constant of 0 ms",
    ),
    "integrator": (
        tell("7", tau_ms=np.full(5, 4.0), integrator="rk4"),
        "7: integrator='rk4' in its metadata, beside tau_ms: it must be 'euler'",
    ),
    "start": (
        tell("7", v_start=np.zeros(3)),
        "7: v_start in its metadata has 3 values: it must have one for each of 5",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_graph_that_is_no_network_here_is_refused(name):
    spoiled, message = REFUSED[name]
    graph = written_by_hand()
    spoiled(graph)
    with pytest.raises(InvalidInputError, match=message):
        network_from_nir(graph, TASK)


def signed():
    """A graph that obeys Dale's law."""
    network = SpikingNetwork((SpikingLayer(12, recurrent=True),), constraint=DalesLaw(0.4))
    parameters, constants = network.begin(jax.random.key(0), TASK.n_inputs, TASK.n_classes)
    trained = TrainedNetwork(network, TASK, parameters, constants, begun=parameters)
    return network_to_nir(trained)


def flip(node, sender, value):
    def changed(graph):
        signs = graph.nodes[node].metadata["signs"].copy()
        signs[sender] = value
        graph.nodes[node].metadata["signs"] = signs

    return changed


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (
            flip("hidden_0_input", 3, -1),
            "hidden_0_input: the weight from unit 3 to 0 is .*, and the sign of unit 3 is -1 "
            r"\(12 such weights\). Correct them, or leave signs out",
        ),
        (flip("hidden_0_input", 3, 0), "hidden_0_input: 1 senders have no sign, or 0, and others"),
        (flip("hidden_0_input", 3, 0.5), r"hidden_0_input: signs hold \[0.5\]: they must be 1"),
        (tell("readout_input"), "readout_input: 12 senders have no sign"),
        (tell("readout_input", signs=np.ones(5)), "readout_input: signs has 5 values"),
        (tell("readout_input", signs=np.full(12, np.nan)), "signs holds 12 values that are not"),
        (
            several(
                change("readout_input", weight=np.zeros((4, 12))),
                flip("readout_input", slice(None), 1),
            ),
            "hidden_0_recurrent and readout_input give the units above hidden_0_input other signs",
        ),
        (lambda graph: graph.metadata.update(form="cubic"), "form='cubic': it must be one of"),
        (
            lambda graph: graph.nodes["readout_input"].metadata.update(mask=np.zeros((4, 12))),
            r"readout_input: mask in its metadata must be \(4, 12\), of 1, and 0 where a weight",
        ),
        (
            lambda graph: graph.nodes["readout_input"].metadata.update(mask=np.ones((12, 4))),
            "readout_input: mask in its metadata must be",
        ),
        (
            lambda graph: graph.nodes["readout_input"].metadata.update(mask=np.full((4, 12), 2.0)),
            "readout_input: mask in its metadata must be",
        ),
    ],
)
def test_metadata_that_contradict_the_graph_are_refused(spoiled, message):
    graph = signed()
    spoiled(graph)
    with pytest.raises(InvalidInputError, match=message):
        network_from_nir(graph, TASK)


def test_signs_are_those_of_what_weights_do():
    graph = signed()
    graph.nodes["hidden_0"].r = -graph.nodes["hidden_0"].r
    with pytest.raises(InvalidInputError, match="hidden_0_input: the weight from unit 0 to 0"):
        network_from_nir(graph, TASK)


def test_what_is_no_graph_is_refused():
    for other in (cells(3), {"nodes": {}}, "network.nir"):
        with pytest.raises(InvalidInputError, match=f"{type(other).__name__} is no graph. Give"):
            network_from_nir(other, TASK)


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    graph, trained = written_by_hand(), TrainedNetwork(SpikingNetwork(), TASK, {}, {}, begun={})
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (lambda: network_to_nir(trained), lambda: network_from_nir(graph, TASK)):
        with pytest.raises(ImportError, match=r"nir is not installed. Run: pip install 'spikeloop"):
            call()
