"""What a step of training lowers, and how far it goes: by plain arithmetic."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.learn.epochs import Keys, Learned, Plan, _step, look, loss_of
from spikeloop.learn.layers import SpikingLayer
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.plan import NetworkPlan
from spikeloop.learn.signs import DalesLaw
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.training import Training

TASK = SoundLocalization(n_fibres=6, n_classes=3, duration_ms=30.0)
KEY = jax.random.key(0)
LAYERS = (SpikingLayer(7, recurrent=True, trainable=("tau_ms",), dropout=0.2),)
run = jax.jit(NetworkPlan.run, static_argnums=0)


def ready(law=DalesLaw, **settings):
    """Return a plan, and the numbers of a network that fires."""
    network = SpikingNetwork(LAYERS, constraint=law(scale=4.0))
    parameters, constants = network.begin(KEY, TASK.n_inputs, TASK.n_classes)
    training = Training(batch_size=16, batches_per_epoch=3, **settings)
    return Plan(network.plan(TASK.dt_ms), TASK, training), parameters, constants


def test_the_loss_is_the_cross_entropy_and_what_rates_beyond_bounds_cost():
    bounds = {"lowest_rate_hz": 100.0, "highest_rate_hz": 120.0}
    plan, parameters, constants = ready(**bounds, rate_weight=0.3)
    trials = TASK.draw(KEY, 16)
    numbers = parameters | constants
    total, (loss, accuracy) = jax.jit(partial(loss_of, plan))(numbers, trials)
    answer = run(plan.network, numbers, trials.spikes)
    output, target = np.asarray(answer.output, float), np.asarray(trials.target)
    chances = np.exp(output) / np.exp(output).sum(axis=1, keepdims=True)
    wanted = -np.log(chances[np.arange(16), target]).mean()
    assert float(loss) == pytest.approx(wanted, rel=1e-5)
    assert float(accuracy) == np.mean(output.argmax(axis=1) == target)
    rates_hz = np.asarray(answer.spikes[0].sum(axis=0), float).mean(axis=0) / 0.030
    assert (rates_hz < 100).any()
    assert (rates_hz > 120).any()
    beyond = np.maximum(100 - rates_hz, 0) + np.maximum(rates_hz - 120, 0)
    assert float(total) == pytest.approx(wanted + 0.3 * (beyond**2).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("form", "clip_norm"), [("softplus", 0.0), ("exponentiated_gradient", 0.01)]
)
def test_steps_are_those_of_adam(form, clip_norm):
    plan, parameters, constants = ready(partial(DalesLaw, 0.4, form), clip_norm=clip_norm)
    trials, rate = TASK.draw(KEY, 16), 0.05
    dropout = jax.random.key(5)
    slopes_of = jax.jit(jax.grad(lambda p: loss_of(plan, p | constants, trials, dropout)[0]))
    step = jax.jit(partial(_step, plan, trials=trials, rate=rate, dropout_key=dropout))
    learned = Learned(parameters, plan.training.optimizer().init(parameters))
    first, second = ({name: 0.0 for name in parameters} for _ in range(2))
    for count in (1, 2, 3):
        slopes = {k: np.asarray(v, float) for k, v in slopes_of(learned.parameters).items()}
        length = np.sqrt(sum((slope**2).sum() for slope in slopes.values()))
        shorter = min(1.0, clip_norm / length) if clip_norm else 1.0
        assert (shorter < 1) == (clip_norm > 0)
        before = learned.parameters
        learned, _ = step(learned, constants)
        for name, slope in slopes.items():
            first[name] = 0.9 * first[name] + 0.1 * shorter * slope
            second[name] = 0.999 * second[name] + 0.001 * (shorter * slope) ** 2
            mean, square = first[name] / (1 - 0.9**count), second[name] / (1 - 0.999**count)
            moved = -rate * mean / (np.sqrt(square) + 1e-8)
            old = np.asarray(before[name], float)
            if name.endswith("tau_ms") or form == "softplus":
                wanted = old + moved
            else:
                wanted = old * np.exp(moved)
            np.testing.assert_allclose(learned.parameters[name], wanted, rtol=2e-3, atol=1e-4)


def test_a_look_is_the_mean_over_all_its_trials():
    plan, parameters, constants = ready()
    numbers = {k: v[None] for k, v in (parameters | constants).items()}
    keys = Keys(*jax.random.split(KEY, 3))
    found = look(plan.network, TASK, 500, numbers, keys)
    parts = [TASK.draw(jax.random.fold_in(keys.trials, index), 250) for index in (0, 1)]
    trials = jax.tree.map(lambda *values: jnp.concatenate(values), *parts)
    answer = run(plan.network, parameters | constants, trials.spikes)
    output = np.asarray(answer.output, float)
    logs = output - np.log(np.exp(output).sum(axis=1, keepdims=True))
    loss = -logs[np.arange(500), np.asarray(trials.target)].mean()
    assert float(found.loss[0]) == pytest.approx(loss, rel=1e-4)
    accuracy = (output.argmax(axis=1) == np.asarray(trials.target)).mean()
    assert float(found.accuracy[0]) == pytest.approx(accuracy, abs=1e-6)
    rates_hz = answer.spikes[0].mean(axis=(0, 1)) * 1000
    np.testing.assert_allclose(found.rates_hz[0][0], rates_hz, rtol=1e-4)
