"""A network as a whole: by hand, by closed forms, and by what must not matter."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.learn.layers import LeakyReadout, SpikingLayer, unit_lif
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.plan import NetworkPlan
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.neurons import LIF, AdaptiveLIF, Neuron, PoissonNeuron
from spikeloop.numerics.draws import Uniform

KEY = jax.random.key(0)
run = jax.jit(NetworkPlan.run, static_argnums=0)
HALVED_MS = 1 / math.log(2)
"""Time constant with which a potential halves in a tick."""


def inputs(n_ticks=50, n_inputs=8, n_trials=4, seed=0, probability=0.3):
    drawn = np.random.default_rng(seed).random((n_trials, n_ticks, n_inputs))
    return jnp.asarray(drawn < probability, jnp.float32)


def lively(network, scale=4.0, n_inputs=8, n_classes=3):
    """Return a plan, and numbers with weights so large that the layers fire."""
    parameters, constants = network.begin(KEY, n_inputs, n_classes)
    for name in parameters:
        if name.endswith((".input", ".recurrent")) and name != "readout.input":
            parameters[name] *= scale
    return network.plan(1.0), parameters, constants


FREE = SpikingNetwork((SpikingLayer(10, recurrent=True),), constraint=AnySign())


def test_three_ticks_are_those_by_hand():
    network = SpikingNetwork(
        (SpikingLayer(2, unit_lif(HALVED_MS), recurrent=True),),
        LeakyReadout(HALVED_MS),
        AnySign(),
    )
    parameters, constants = network.begin(KEY, 2, 2)
    parameters["hidden.0.input"] = jnp.array([[0.6, 0.2], [0.5, -0.4]])
    parameters["hidden.0.recurrent"] = jnp.array([[0.0, 1.5], [-0.7, 0.0]])
    parameters["readout.input"] = jnp.array([[1.0, 0.5], [-1.0, 2.0]])
    spikes = jnp.array([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    answer = run(network.plan(1.0), parameters | constants, spikes)
    # Unit 0: 0.6; 0.3 + 1.1 fires; 0.5. Unit 1: 0.2; 0.1 - 0.2; -0.05 - 0.4 + 1.5 fires.
    np.testing.assert_array_equal(answer.spikes[0][:, 0], [[0, 0], [1, 0], [0, 1]])
    np.testing.assert_allclose(answer.state.layers[0].variables[0], [[0.5, 0.0]], atol=1e-6)
    # Integrators: (0, 0); (1, 0.5); (0.5 - 1, 0.25 + 2).
    np.testing.assert_allclose(answer.output, [[0.5 / 3, 2.75 / 3]], rtol=1e-5)
    np.testing.assert_allclose(answer.state.readout, [[-0.5, 2.25]], rtol=1e-5)


@pytest.mark.parametrize("tau_ms", [1.0, 5.0, 1e3, 1e7])
def test_the_answer_is_the_mean_of_the_trace_and_the_state_its_end(tau_ms):
    network = SpikingNetwork(FREE.layers, LeakyReadout(tau_ms), AnySign())
    plan, parameters, constants = lively(network)
    numbers = parameters | constants
    first = run(plan, numbers, inputs())
    then = run(plan, numbers, inputs(37, seed=1), first.state)
    assert 0.03 < then.spikes[0].mean() < 0.6
    ages = jnp.arange(1, 38)[:, None, None]
    traces = [
        plan.trace(numbers, first.spikes[0]),
        plan.trace(numbers, then.spikes[0]) + first.state.readout * jnp.exp(-ages / tau_ms),
    ]
    for answer, trace in zip((first, then), traces, strict=True):
        np.testing.assert_allclose(answer.output, trace.mean(axis=0), rtol=2e-5, atol=2e-5)
        np.testing.assert_allclose(answer.state.readout, trace[-1], rtol=2e-5, atol=2e-5)


def test_two_halves_are_the_whole():
    network = SpikingNetwork(
        (SpikingLayer(10, recurrent=True), SpikingLayer(6)), constraint=AnySign()
    )
    plan, parameters, constants = lively(network)
    numbers = parameters | constants
    whole = run(plan, numbers, inputs(60))
    first = run(plan, numbers, inputs(60)[:, :25])
    second = run(plan, numbers, inputs(60)[:, 25:], first.state)
    for index in (0, 1):
        joined = jnp.concatenate([first.spikes[index], second.spikes[index]])
        np.testing.assert_array_equal(joined, whole.spikes[index])
    mean = (25 * first.output + 35 * second.output) / 60
    np.testing.assert_allclose(mean, whole.output, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second.state.readout, whole.state.readout, rtol=1e-5, atol=1e-6)


def test_gradient_of_the_answer_is_that_through_the_trace():
    network = SpikingNetwork(FREE.layers, LeakyReadout(7.0, trainable=True), AnySign())
    plan, parameters, constants = lively(network)
    scale = np.random.default_rng(1).normal(size=(4, 3))

    def by_answer(parameters):
        return (run(plan, parameters | constants, inputs()).output * scale).sum()

    def by_trace(parameters):
        numbers = parameters | constants
        trace = plan.trace(numbers, run(plan, numbers, inputs()).spikes[0])
        return (trace.mean(axis=0) * scale).sum()

    found, wanted = jax.grad(by_answer)(parameters), jax.grad(by_trace)(parameters)
    assert set(found) == {f"{n}.input" for n in ("hidden.0", "readout")} | {
        "hidden.0.recurrent",
        "readout.tau_ms",
    }
    for name, slope in wanted.items():
        largest = float(abs(slope).max())
        assert largest > 1e-3
        np.testing.assert_allclose(found[name], slope, rtol=1e-4, atol=1e-4 * largest)


def test_a_synapse_that_does_not_exist_has_no_effect_and_no_gradient():
    layers = (SpikingLayer(8, recurrent=True, connection_probability=0.4),)
    plan, parameters, constants = lively(SpikingNetwork(layers, constraint=AnySign()))
    masks = {part: constants[f"hidden.0.{part}.mask"] for part in ("input", "recurrent")}
    answer = run(plan, parameters | constants, inputs())
    assert answer.spikes[0].sum() > 0
    slopes = jax.grad(lambda p: (run(plan, p | constants, inputs()).output ** 2).sum())(parameters)
    for part, mask in masks.items():
        slope = slopes[f"hidden.0.{part}"]
        np.testing.assert_array_equal(slope[mask == 0], 0)
        assert (slope[mask == 1] != 0).mean() > 0.5
        other = jnp.where(mask == 0, 9.0, parameters[f"hidden.0.{part}"])
        changed = run(plan, parameters | constants | {f"hidden.0.{part}": other}, inputs())
        np.testing.assert_array_equal(changed.output, answer.output)


def test_synapses_exist_with_the_probability_and_by_themselves():
    layers = (SpikingLayer(60, recurrent=True, connection_probability=0.3),)
    parameters, constants = SpikingNetwork(layers).begin(KEY, 60, 3)
    masks = [constants[f"hidden.0.{part}.mask"] for part in ("input", "recurrent")]
    for mask in masks:
        assert set(np.unique(mask)) == {0, 1}
        assert float(mask.mean()) == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / 3600))
    both = float((masks[0] * masks[1]).mean())
    assert both == pytest.approx(0.09, abs=4 * math.sqrt(0.09 * 0.91 / 3600))
    assert not any("mask" in name for name in parameters)  # so that no step reaches one


def test_dropout_needs_a_key_and_keeps_what_is_expected():
    network = SpikingNetwork((SpikingLayer(40, dropout=0.3),), constraint=AnySign())
    plan, parameters, constants = lively(network)
    numbers = parameters | constants
    sure = run(plan, numbers, inputs())
    whole = SpikingNetwork((SpikingLayer(40),), constraint=AnySign()).plan(1.0)
    np.testing.assert_array_equal(sure.output, run(whole, numbers, inputs()).output)
    keys = jax.random.split(KEY, 400)
    lossy = jax.vmap(lambda key: run(plan, numbers, inputs(), dropout_key=key))(keys)
    np.testing.assert_array_equal(lossy.spikes[0][0], sure.spikes[0])  # lost on their way up
    error = lossy.output.std(axis=0) / 20
    assert (error > 0).all()
    assert (abs(lossy.output.mean(axis=0) - sure.output) < 4.5 * error).all()
    # The variance of a sum of s_i w_i, each kept with probability q and divided by it, is the sum
    # of (s_i w_i)^2 (1 - q) / q.
    ages = jnp.arange(50, 0, -1)[:, None, None]
    kept = math.exp(-1 / 5.0)
    heard = sure.spikes[0] * (1 - kept**ages) / (1 - kept) / 50
    squares = jnp.einsum("tbn,nk->bk", heard**2, numbers["readout.input"] ** 2)
    np.testing.assert_allclose(lossy.output.var(axis=0), squares * 0.3 / 0.7, rtol=0.4)


@pytest.mark.parametrize("trainable", [(), ("tau_ms",)])
@pytest.mark.parametrize("tau_ms", [np.linspace(2.0, 9.0, 6), Uniform(2.0, 9.0)])
def test_each_neuron_has_its_own_time_constant(tau_ms, trainable):
    layer = SpikingLayer(6, unit_lif(tau_ms), trainable=trainable)
    network = SpikingNetwork((layer,), constraint=AnySign())
    parameters, constants = network.begin(KEY, 1, 2)
    parameters["hidden.0.input"] = jnp.full((1, 6), 0.9)
    pulse = jnp.zeros((1, 5, 1)).at[0, 0, 0].set(1.0)
    v = run(network.plan(1.0), parameters | constants, pulse).state.layers[0].variables[0][0]
    decayed_ms = -4 / np.log(np.asarray(v, float) / 0.9)
    if isinstance(tau_ms, np.ndarray):
        np.testing.assert_allclose(decayed_ms, tau_ms, rtol=1e-4)
    assert decayed_ms.min() > 2 - 1e-3
    assert decayed_ms.max() < 9 + 1e-3
    assert np.unique(np.round(decayed_ms, 3)).size == 6


def test_what_is_drawn_depends_on_the_key_alone():
    layers = (SpikingLayer(6, unit_lif(Uniform(2.0, 9.0)), connection_probability=0.5),)
    network = SpikingNetwork(layers)
    first, again, other = (network.begin(jax.random.key(k), 6, 3) for k in (1, 1, 2))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    for name in ("hidden.0.neuron.tau_ms", "hidden.0.input.mask"):
        assert (first[1][name] != other[1][name]).any()
    for name, value in first[0].items():
        assert (value != other[0][name]).any()


@pytest.mark.parametrize("direction", [-1, 1])
def test_a_trained_time_constant_never_falls_below_a_tick(direction):
    model = AdaptiveLIF(tau_ms=5.0, v_rest=0.0, v_threshold=1.0, v_reset=0.0, tau_adaptation_ms=1.0)
    layer = SpikingLayer(4, model, trainable=("tau_ms", "tau_adaptation_ms", "v_threshold"))
    network = SpikingNetwork((layer,), LeakyReadout(1.5, trainable=True), AnySign())
    plan, parameters, constants = lively(network)
    for name in [name for name in parameters if "tau" in name]:
        parameters[name] = plan.moved(name, parameters[name], direction * 15.0)
        if direction < 0:
            parameters[name] = plan.moved(name, parameters[name], -1e4)
    numbers = parameters | constants
    numbers["hidden.0.input"] = jnp.full((8, 4), 0.01)
    numbers["readout.input"] = jnp.ones((4, 3))
    pulse = inputs(3).at[:, 1:].set(0)
    v = run(plan, numbers, pulse).state.layers[0].variables[0]
    begun = run(plan, numbers, pulse[:, :1]).state.layers[0].variables[0]
    lasting = math.exp(-2) if direction < 0 else 1.0  # two ticks of one time constant, or of none
    np.testing.assert_allclose(v, begun * lasting, rtol=1e-4)
    slopes = jax.grad(lambda p: run(plan, p | constants, inputs()).output.sum())(parameters)
    assert all(np.isfinite(slope).all() for slope in slopes.values())


def test_a_trained_parameter_moves_by_the_step_and_reaches_the_neurons():
    layer = SpikingLayer(4, trainable=("v_threshold",))
    plan, parameters, constants = lively(SpikingNetwork((layer,), constraint=AnySign()))
    name = "hidden.0.neuron.v_threshold"
    np.testing.assert_array_equal(parameters[name], np.ones(4))
    raised = plan.moved(name, parameters[name], jnp.array([0.0, 1e3, 0.0, 1e3]))
    spikes = run(plan, parameters | constants | {name: raised}, inputs()).spikes[0]
    np.testing.assert_array_equal(spikes[..., 1::2], 0)
    before = run(plan, parameters | constants, inputs()).spikes[0]
    np.testing.assert_array_equal(spikes[..., ::2], before[..., ::2])
    assert before[..., 1::2].sum() > 0


def test_networks_that_differ_in_numbers_alone_are_compiled_once():
    n_traced = 0

    def output(plan, numbers, spikes):
        nonlocal n_traced
        n_traced += 1
        return plan.run(numbers, spikes).output

    compiled = jax.jit(output, static_argnums=0)
    for tau_ms, law, probability in (
        (5.0, DalesLaw(0.5), 0.5),
        (np.full(6, 3.0), DalesLaw(0.2, placed="first"), 0.5),
        (Uniform(2.0, 3.0), DalesLaw(1.0, balanced=False), 0.1),
    ):
        layer = SpikingLayer(6, unit_lif(tau_ms), connection_probability=probability)
        network = SpikingNetwork((layer,), LeakyReadout(float(np.min(probability * 10))), law)
        parameters, constants = network.begin(KEY, 8, 3)
        compiled(network.plan(1.0), parameters | constants, inputs())
    assert n_traced == 1
    for other in (DalesLaw(form="absolute"), AnySign()):
        assert SpikingNetwork((layer,), constraint=other).plan(1.0) != network.plan(1.0)
    assert network.plan(0.5) != network.plan(1.0)


def test_weights_have_the_names_and_signs_of_their_senders():
    layers = (SpikingLayer(6, recurrent=True, connection_probability=0.5), SpikingLayer(4))
    network = SpikingNetwork(layers, constraint=DalesLaw(0.5))
    parameters, constants = network.begin(KEY, 8, 3)
    weights = network.plan(1.0).weights(parameters | constants)
    shapes = {name: value.shape for name, value in weights.items()}
    assert shapes == {
        "hidden.0.input": (8, 6),
        "hidden.0.recurrent": (6, 6),
        "hidden.1.input": (6, 4),
        "readout.input": (4, 3),
    }
    for name, value in weights.items():
        signs = DalesLaw(0.5).signs(len(value))[:, None]
        assert (signs * value >= 0).all()
        mask = constants.get(f"{name}.mask", jnp.ones_like(value))
        np.testing.assert_array_equal(value != 0, mask == 1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trainable": ("tau_s",)}, "tau_s.*tau_ms"),
        ({"trainable": ["tau_ms"]}, "trainable"),
        ({"trainable": "tau_ms"}, "trainable"),
        ({"size": 0}, "size"),
        ({"size": 2.0}, "size"),
        ({"neuron": LIF}, "neuron"),
        ({"neuron": PoissonNeuron()}, "random"),
        ({"connection_probability": 0.0}, "connection_probability"),
        ({"connection_probability": float("nan")}, "connection_probability"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(settings, words):
    with pytest.raises(InvalidInputError, match=words):
        SpikingLayer(**settings)


def test_a_network_that_cannot_be_is_refused():
    with pytest.raises(InvalidInputError, match="layers"):
        SpikingNetwork(())
    with pytest.raises(InvalidInputError, match="layers"):
        SpikingNetwork((30,))
    for tau_ms in (0.0, math.nan, math.inf, "5"):
        with pytest.raises(InvalidInputError, match="tau_ms"):
            LeakyReadout(tau_ms)


BROKEN = Neuron(
    {"v": 0.0},
    {"a": 1.0, "b": np.array([1.0, math.nan, 1.0])},
    lambda state, inputs, p, dt_ms: (state[0] + p.a * p.b,),
    lambda state, p: state[0] >= 1,
    lambda state, p: (0.0,),
)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (SpikingNetwork((SpikingLayer(3, unit_lif(0.5)),)), "tau_ms=0.5.*1 ms"),
        (SpikingNetwork((SpikingLayer(3, unit_lif(np.array([5.0, 0.9, 5.0]))),)), "tau_ms=0.9"),
        (SpikingNetwork((SpikingLayer(3, unit_lif(Uniform(0.1, 0.9))),)), "tau_ms=0"),
        (SpikingNetwork(readout=LeakyReadout(0.5)), "readout.*0.5"),
        (SpikingNetwork((SpikingLayer(3, BROKEN),)), "b holds 1 values that are not finite"),
        (SpikingNetwork((SpikingLayer(3, unit_lif(np.full(4, 5.0))),)), "tau_ms.*4.*3 neurons"),
    ],
)
def test_numbers_that_cannot_be_are_refused(network, words):
    with pytest.raises(InvalidInputError, match=words):
        network.begin(KEY, 8, 3, dt_ms=1.0)


def test_a_time_constant_of_one_tick_is_allowed_however_it_is_rounded():
    network = SpikingNetwork((SpikingLayer(3, unit_lif(0.7)),), LeakyReadout(0.7))
    parameters, _ = network.begin(KEY, 8, 3, dt_ms=0.7)
    assert parameters["hidden.0.input"].shape == (8, 3)


def test_a_refractory_time_that_would_be_lost_is_refused():
    layer = SpikingLayer(3, LIF(tau_ms=5.0, refractory_ms=0.3))
    with pytest.raises(InvalidInputError, match="less than half a tick"):
        SpikingNetwork((layer,)).plan(1.0)
    assert SpikingNetwork((layer,)).plan(0.1).layers[0].tick.n_held == 3


@pytest.mark.parametrize("shape", [(4, 50, 7), (50, 8), (4, 50, 8, 1)])
def test_spikes_of_another_shape_are_refused(shape):
    plan, parameters, constants = lively(FREE)
    with pytest.raises(InvalidInputError, match="with 8 inputs"):
        run(plan, parameters | constants, jnp.zeros(shape))
