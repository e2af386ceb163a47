"""A network and its graph of NIR, read by Euler steps, are the same network, both ways."""

import jax
import numpy as np
import pytest
from nir_graphs import by_euler, cells, integrators, linear, nir, written_by_hand

from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.layers import LeakyReadout, SpikingLayer, unit_lif
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.network_file import load_network, save_network
from spikeloop.learn.nir_file import network_from_nir, network_to_nir
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.neurons import LIF

TASK = SoundLocalization(n_fibres=10, n_classes=4)
SPIKES = (np.random.default_rng(1).random((6, 80, 20)) < 0.25) * 1.0  # (trial, time, input)
VARIED = LIF(
    tau_ms=np.linspace(2.0, 9.0, 12),
    v_rest=np.linspace(-0.2, 0.1, 12),
    v_threshold=np.linspace(0.8, 1.3, 12),
    v_reset=np.linspace(-0.5, 0.2, 12),
)
EULER = LIF(4.0, v_rest=0.1, v_threshold=1.0, v_reset=-0.1, integrator="euler")
NETWORKS = {
    "feed-forward": SpikingNetwork(
        (SpikingLayer(12, unit_lif(2.0), trainable=("tau_ms", "v_rest")),),
        LeakyReadout(7.0, trainable=True),
        DalesLaw(0.4, scale=4.0),
    ),
    "recurrent": SpikingNetwork(
        (SpikingLayer(12, VARIED, recurrent=True),), constraint=AnySign(scale=5.0)
    ),
    "deep": SpikingNetwork(
        (
            SpikingLayer(12, EULER, dropout=0.2),
            SpikingLayer(12, VARIED, recurrent=True, connection_probability=0.6),
        ),
        constraint=DalesLaw(0.3, placed="first", scale=5.0),
    ),
}


def begun(network, task=TASK, seed=0):
    """A network whose weights and parameters are those before training."""
    key = jax.random.key(seed)
    parameters, constants = network.begin(key, task.n_inputs, task.n_classes, task.dt_ms)
    return TrainedNetwork(network, task, parameters, constants, begun=parameters)


def through_file(graph, folder):
    nir.write(folder / "network.nir", graph)
    return nir.read(folder / "network.nir")


def assert_same(trained, graph, spikes=SPIKES, dt_s=TASK.dt_ms / 1000):
    answer = trained.answer(spikes)
    sent = by_euler(graph, dt_s, spikes)
    fired = [values for name, values in sent.items() if isinstance(graph.nodes[name], nir.LIF)]
    assert len(fired) == len(answer.spikes)
    for ours, theirs in zip(answer.spikes, fired, strict=True):
        assert 0.02 < ours.mean() < 0.6
        np.testing.assert_array_equal(ours, theirs)
    (potentials,) = (
        sent[name] for name, node in graph.nodes.items() if isinstance(node, nir.Output)
    )
    np.testing.assert_allclose(answer.output, potentials.mean(axis=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_equations_of_the_graph_fire_the_spikes_and_give_the_answer(name):
    trained = begun(NETWORKS[name])
    assert_same(trained, network_to_nir(trained))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_becomes_the_network_again(name, tmp_path):
    trained = begun(NETWORKS[name])
    graph = network_to_nir(trained)
    assert_alike(network_from_nir(graph, TASK), trained)
    again = network_from_nir(through_file(graph, tmp_path), TASK)
    assert_alike(again, trained)
    answer, expected = again.answer(SPIKES), trained.answer(SPIKES)
    jax.tree.map(np.testing.assert_array_equal, answer.spikes, expected.spikes)
    np.testing.assert_allclose(answer.output, expected.output, rtol=1e-5, atol=1e-6)


def assert_alike(again, trained):
    assert type(again.network.constraint) is type(trained.network.constraint)
    weights = trained.weights()
    for name, value in again.weights().items():
        np.testing.assert_allclose(value, weights.pop(name), rtol=2e-6)
        np.testing.assert_array_equal(again.signs(name), trained.signs(name))
        mask = f"{name}.mask"
        assert (mask in again.constants) == (mask in trained.constants)
        np.testing.assert_array_equal(again.constants.get(mask), trained.constants.get(mask))
    assert not weights
    for ours, theirs in zip(again.network.layers, trained.network.layers, strict=True):
        assert ours.recurrent == theirs.recurrent
        assert ours.neuron.integrator == theirs.neuron.integrator
        assert ours.connection_probability == pytest.approx(theirs.connection_probability, abs=0.1)


def test_interneurons_become_part_of_weights_of_either_sign():
    law = FeedforwardInhibition()
    trained = begun(SpikingNetwork((SpikingLayer(12),), constraint=law))
    graph = network_to_nir(trained)
    again = network_from_nir(graph, TASK)
    assert again.network.constraint == AnySign()
    for name, value in trained.weights().items():
        assert (value < 0).any()
        np.testing.assert_array_equal(again.weights()[name], value)


def test_time_constants_are_those_whose_euler_step_decays_as_much():
    halved_ms = 1 / np.log(2)
    layers = (SpikingLayer(12, unit_lif(halved_ms)), SpikingLayer(12, EULER))
    graph = network_to_nir(begun(SpikingNetwork(layers, LeakyReadout(halved_ms))))
    for name, tau_s in (("hidden_0", 0.002), ("hidden_1", 0.004), ("readout", 0.002)):
        node = graph.nodes[name]
        np.testing.assert_allclose(node.tau, tau_s, rtol=1e-6)
        np.testing.assert_allclose(node.r, tau_s / 0.001, rtol=1e-6)
    assert graph.nodes["hidden_0"].metadata["tau_ms"] == pytest.approx([halved_ms] * 12)
    assert graph.metadata["dt"] == 0.001
    bare = nir.NIRGraph(graph.nodes, graph.edges)
    for node in bare.nodes.values():
        node.metadata = {}
    again = network_from_nir(bare, TASK)
    assert again.network.layers[0].neuron.tau_ms == pytest.approx(2.0)
    assert again.network.layers[0].neuron.integrator == "euler"
    assert again.network.readout.tau_ms == pytest.approx(halved_ms)


def test_signs_stay_where_the_file_has_them():
    layer = SpikingLayer(12, VARIED, recurrent=True)
    network = SpikingNetwork((layer,), constraint=DalesLaw(0.25, placed="first"))
    graph = network_to_nir(begun(network))
    assert graph.nodes["hidden_0_input"].metadata["signs"].tolist() == [-1] * 5 + [1] * 15
    again = network_from_nir(graph, TASK)
    assert again.network.constraint == DalesLaw(0.25)
    assert (again.signs() != again.network.constraint.signs(20)).any()
    rng = np.random.default_rng(0)
    moved = dict(again.parameters)
    for _ in range(20):
        for name, value in moved.items():
            moved[name] = again.plan.moved(name, value, rng.normal(size=value.shape))
    further = TrainedNetwork(again.network, TASK, moved, again.constants, again.begun)
    for name, weight in further.weights().items():
        assert (np.abs(weight - again.weights()[name]) > 1e-3).mean() > 0.9
        assert (weight * again.signs(name)[:, None] > 0).all()


def test_a_network_from_a_graph_can_be_kept(tmp_path):
    trained = network_from_nir(network_to_nir(begun(NETWORKS["deep"])), TASK)
    save_network(tmp_path / "network.safetensors", trained)
    again = load_network(tmp_path / "network.safetensors")
    jax.tree.map(np.testing.assert_array_equal, again.numbers, trained.numbers)
    assert again.plan == trained.plan


def test_a_graph_of_another_tool_is_read_right(tmp_path):
    graph = through_file(written_by_hand(), tmp_path)
    trained = network_from_nir(graph, TASK)
    assert trained.network.constraint == AnySign()
    assert [layer.recurrent for layer in trained.network.layers] == [False, True]
    # A gain of r dt / tau = 9 * 1 / 9, and one of 2 * 1 / 6.
    np.testing.assert_array_equal(
        trained.weights()["hidden.1.recurrent"], graph.nodes["w"].weight.T.astype(np.float32)
    )
    np.testing.assert_allclose(
        trained.weights()["readout.input"], graph.nodes["read"].weight.T / 3, rtol=1e-6
    )
    assert_same(trained, graph)
    assert_same(trained, network_to_nir(trained))


def test_a_graph_within_the_graph_is_unpacked():
    flat = written_by_hand()
    inner = {name: flat.nodes[name] for name in ("last", "w")}
    inner |= {"start": nir.Input(np.array([6])), "end": nir.Output(np.array([6]))}
    within = [("start", "last"), ("last", "w"), ("w", "last"), ("last", "end")]
    nodes = {name: node for name, node in flat.nodes.items() if name not in ("last", "w")}
    nodes["rnn"] = nir.NIRGraph(inner, within)
    edges = [("rnn" if a == "last" else a, "rnn" if b == "last" else b) for a, b in flat.edges]
    edges = [edge for edge in edges if "w" not in edge]
    nested = network_from_nir(nir.NIRGraph(nodes, edges), TASK)
    expected = network_from_nir(flat, TASK)
    jax.tree.map(np.testing.assert_array_equal, nested.numbers, expected.numbers)


def test_one_number_is_for_all_neurons():
    graph = written_by_hand()
    for name in ("7", "last", "sum"):
        node = graph.nodes[name]
        for field in ("tau", "r", "v_leak", "v_threshold", "v_reset"):
            if hasattr(node, field):
                setattr(node, field, np.float32(getattr(node, field)[0]))
    trained = network_from_nir(graph, TASK)
    for layer, expected in zip(trained.network.layers, (-0.1, 0.0), strict=True):
        assert layer.neuron.v_rest == pytest.approx(expected)


@pytest.mark.parametrize("reached", [True, False])
def test_a_threshold_is_reached_exactly_or_passed(reached):
    # Halved in each tick: 0.5; 0.75; 0.375 + 0.625 = 1.
    threshold = np.nextafter(np.float32(1), np.float32(0)) if reached else np.float32(1)
    nodes = [
        nir.Input(np.array([20])),
        nir.Linear(np.eye(1, 20) * 0.5 + np.eye(1, 20, 1) * 0.625),
        cells(1, tau_s=0.002, r=2.0, v_threshold=threshold),
        nir.Linear(np.ones((4, 1))),
        integrators(),
    ]
    trained = network_from_nir(nir.NIRGraph.from_list(*nodes), TASK)
    spikes = np.zeros((1, 3, 20))
    spikes[0, [0, 1], 0] = spikes[0, 2, 1] = 1
    for network in (trained, network_from_nir(network_to_nir(trained), TASK)):
        assert network.answer(spikes).spikes[0].ravel().tolist() == [0, 0, reached]
    assert by_euler(network_to_nir(trained), 0.001, spikes)["hidden_0"].sum() == reached


def test_a_threshold_of_zero_is_not_reached_at_zero():
    graph = written_by_hand()
    graph.nodes["7"] = cells(5, v_threshold=0.0)
    trained = network_from_nir(graph, TASK)
    silent = np.zeros_like(SPIKES)
    assert not trained.answer(silent).spikes[0].any()
    assert not by_euler(graph, 0.001, silent)["7"].any()


@pytest.mark.parametrize("form", ["softplus", "absolute", "projection", "exponentiated_gradient"])
def test_weights_of_exactly_zero_stay_zero(form, tmp_path):
    weight = np.abs(linear(12, 20, 0).weight) * np.array([1.0, -1.0] * 10)
    weight[:, 3] = weight[2] = 0.0
    graph = network_to_nir(begun(SpikingNetwork((SpikingLayer(12),), constraint=DalesLaw(0.5))))
    graph.nodes["hidden_0_input"].weight = weight
    graph.metadata["form"] = form
    trained = network_from_nir(through_file(graph, tmp_path), TASK)
    assert trained.network.constraint.form == form
    found = trained.weights()["hidden.0.input"]
    np.testing.assert_allclose(found, weight.T, rtol=2e-6)
    unmasked = {key: value for key, value in trained.constants.items() if "mask" not in key}
    numbers = trained.parameters | unmasked
    np.testing.assert_array_equal(trained.plan.weights(numbers)["hidden.0.input"], found)
    assert all(np.isfinite(value).all() for value in trained.numbers.values())
    # Softplus cannot learn from 0, so that there is no synapse: the layer is sparse.
    exist = 0.95 * 11 / 12 if form == "softplus" else 1.0
    assert trained.network.layers[0].connection_probability == pytest.approx(exist)
    slopes = jax.grad(
        lambda p: sum(w.sum() for w in trained.plan.weights(p | trained.constants).values())
    )(trained.parameters)
    assert all(np.isfinite(slope).all() for slope in slopes.values())


def test_a_silenced_network_stays_silenced(tmp_path):
    trained = begun(NETWORKS["recurrent"]).silenced(hidden_0=np.arange(12) < 5)
    again = network_from_nir(through_file(network_to_nir(trained), tmp_path), TASK)
    for name in ("hidden.0.recurrent", "readout.input"):
        np.testing.assert_array_equal(again.weights()[name], trained.weights()[name])
        np.testing.assert_array_equal(again.constants[f"{name}.mask"][:, 0], np.arange(12) >= 5)
