"""A layer over time: its spikes are those of a loop by hand, its gradient that of plain JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.learn.tick import LayerState, Tick, run_layer
from spikeloop.neurons import LIF, AdaptiveLIF
from spikeloop.neurons.model import Neuron
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate

SIZE, N_TRIALS, N_TICKS = 5, 3, 60
TAU_MS = np.linspace(3.0, 12.0, SIZE)
UNIT = {"tau_ms": TAU_MS, "v_rest": 0.1, "v_threshold": 1.0, "v_reset": -0.2}
ADAPTIVE = UNIT | {"tau_adaptation_ms": 8.0, "threshold_step": 0.6}
MODELS = {
    "to_value": LIF(**UNIT),
    "by_subtraction": LIF(**UNIT, reset="subtraction"),
    "euler": LIF(**UNIT, integrator="euler"),
    "lagging": LIF(**UNIT, spike_lag=1),
    "refractory": LIF(**UNIT, refractory_ms=1.5),
    "adaptive": AdaptiveLIF(**ADAPTIVE),
    "adaptive_all": AdaptiveLIF(**ADAPTIVE, refractory_ms=1.0, spike_lag=1, reset="subtraction"),
}
DT_MS = 0.5
PLAIN = SpikeGradient()
SHAPES = ("sigmoid", "fast_sigmoid", "arctan", "triangle")
TRAINED = ("tau_ms", "v_rest", "v_threshold")


@pytest.fixture
def double():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def made(model, gradient=PLAIN, *, recurrent=True, seed=0, dtype=np.float32):
    """Return a tick, its numbers, and what reaches the layer."""
    rng = np.random.default_rng(seed)
    neuron = model.neuron()
    tick = Tick.of(neuron, DT_MS, gradient, recurrent=recurrent)
    values = neuron.parameters | {f"start.{name}": v for name, v in neuron.state.items()}
    numbers = {name: jnp.asarray(np.broadcast_to(v, SIZE), dtype) for name, v in values.items()}
    weights = jnp.asarray(rng.normal(0, 0.5, (SIZE, SIZE)), dtype) if recurrent else None
    drive = jnp.asarray(rng.normal(0.12, 0.3, (N_TICKS, N_TRIALS, SIZE)), dtype)
    start = tick.start({k: v for k, v in numbers.items() if "." in k}, N_TRIALS, SIZE)
    start = jax.tree.map(lambda values: values.astype(dtype), start)
    return tick, {k: v for k, v in numbers.items() if "." not in k}, weights, start, drive


def by_hand(model, drive, weights):
    """Return spikes, potentials, thresholds above rest and refractory times after each tick."""
    drive = np.asarray(drive, float)
    tau_a = getattr(model, "tau_adaptation_ms", 1.0)
    step = getattr(model, "threshold_step", 0.0)
    keep = 1 - DT_MS / TAU_MS if model.integrator == "euler" else np.exp(-DT_MS / TAU_MS)
    v, a = np.full(drive.shape[1:], model.v_rest), np.zeros(drive.shape[1:])
    left, fires = np.zeros(drive.shape[1:]), np.zeros(drive.shape[1:])
    rows = []
    for now in drive:
        total = now if weights is None else now + fires @ np.asarray(weights, float)
        before = v, a
        v = np.where(left > 0, v, model.v_rest + (v - model.v_rest) * keep + total)
        a = a * np.exp(-DT_MS / tau_a)
        seen = before if model.spike_lag else (v, a)
        fires = (seen[0] >= model.v_threshold + seen[1]) & (left == 0)
        left = np.where(fires, model.refractory_ms / DT_MS, np.maximum(left - 1, 0))
        low = (
            model.v_reset if model.reset == "value" else v - (model.v_threshold + a - model.v_rest)
        )
        v, a = np.where(fires, low, v), np.where(fires, a + step, a)
        rows.append((fires, v, a, left))
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_spikes_and_states_are_those_of_a_loop_by_hand(name, recurrent):
    model = MODELS[name]
    tick, numbers, weights, state, drive = made(model, recurrent=recurrent)
    fires, v, a, left = by_hand(model, drive, weights)
    assert 0.03 < fires.mean() < 0.6
    run = jax.jit(lambda state, drive: run_layer(tick, {}, numbers, weights, state, drive))
    n_each = 10
    for first in range(0, N_TICKS, n_each):
        spikes, state = run(state, drive[first : first + n_each])
        last = first + n_each - 1
        np.testing.assert_array_equal(spikes, fires[first : last + 1])
        for found, wanted in zip(state.variables, (v[last], a[last]), strict=False):
            np.testing.assert_allclose(found, wanted, atol=3e-6)
        if state.held is not None:
            np.testing.assert_array_equal(np.maximum(state.held, 0), left[last])
        if recurrent:
            np.testing.assert_array_equal(state.spikes, fires[last])


def test_two_halves_are_the_whole():
    tick, numbers, weights, state, drive = made(MODELS["adaptive_all"])
    spikes, end = run_layer(tick, {}, numbers, weights, state, drive)
    first, middle = run_layer(tick, {}, numbers, weights, state, drive[:23])
    second, last = run_layer(tick, {}, numbers, weights, middle, drive[23:])
    np.testing.assert_array_equal(spikes, jnp.concatenate([first, second]))
    jax.tree.map(np.testing.assert_array_equal, end, last)
    assert float(middle.held.max()) > 0


def unfused(tick, trained, fixed, recurrent, state, drive):
    def advance(before, now):
        total = now if recurrent is None else now + before.spikes @ recurrent
        return tick(trained | fixed, before, total)

    last, spikes = jax.lax.scan(advance, state, drive)
    return spikes, last


def losses(tick, numbers, weights, state, drive):
    """Return the loss of a run as a function of all that may be trained, and where that is."""
    trained = {name: numbers[name] for name in TRAINED}
    fixed = {name: value for name, value in numbers.items() if name not in TRAINED}
    rng = np.random.default_rng(7)
    scale = rng.normal(size=drive.shape)
    ends = tuple(rng.normal(size=drive.shape[1:]) for _ in state.variables)

    def loss(run, trained, weights, variables, heard, drive):
        begin = LayerState(variables, state.held, heard)
        spikes, last = run(tick, trained, fixed, weights, begin, drive)
        total = (spikes * scale).sum()
        total += sum((v * end).sum() for v, end in zip(last.variables, ends, strict=True))
        return total if heard is None else total + 0.7 * (last.spikes * ends[0]).sum()

    return loss, (trained, weights, state.variables, state.spikes, drive)


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_a_plain_scan(double, shape, detach_reset):
    gradient = SpikeGradient(Surrogate(shape, slope=3.0), detach_reset=detach_reset)
    model = MODELS["refractory" if shape == "sigmoid" else "adaptive_all"]
    recurrent = (SHAPES.index(shape) + detach_reset) % 2 == 0  # with each of both, at half the time
    loss, where = losses(*made(model, gradient, recurrent=recurrent, dtype=np.float64))
    slopes = [
        jax.jit(jax.grad(lambda *of, run=run: loss(run, *of), argnums=range(5)))(*where)
        for run in (run_layer, unfused)
    ]
    for found, wanted in zip(*map(jax.tree.leaves, slopes), strict=True):
        assert np.abs(wanted).max() > 1e-3
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-10 * np.abs(wanted).max())


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_of_relaxed_spikes_is_that_of_finite_differences(double, shape):
    gradient = SpikeGradient(Surrogate(shape, slope=4.0), detach_reset=False, relaxed=True)
    parts = made(MODELS["adaptive"], gradient, dtype=np.float64)
    loss, where = losses(*parts[:-1], parts[-1][:20])
    value = jax.jit(lambda *of: loss(run_layer, *of))
    slopes = jax.jit(jax.grad(lambda *of: loss(run_layer, *of), argnums=range(5)))(*where)
    rng = np.random.default_rng(1)
    for index, (part, slope) in enumerate(zip(where, slopes, strict=True)):
        direction = jax.tree.map(lambda x: rng.normal(size=x.shape), part)

        def moved(step, index=index, direction=direction):
            there = list(where)
            there[index] = jax.tree.map(lambda x, d: x + step * d, where[index], direction)
            return float(value(*there))

        wanted = (moved(1e-6) - moved(-1e-6)) / 2e-6
        pairs = zip(*map(jax.tree.leaves, (slope, direction)), strict=True)
        found = sum(float((a * b).sum()) for a, b in pairs)
        assert found == pytest.approx(wanted, rel=1e-5)


def test_what_is_fixed_has_no_gradient():
    tick, numbers, weights, state, drive = made(MODELS["to_value"])
    slopes = jax.grad(lambda fixed: run_layer(tick, {}, fixed, weights, state, drive)[0].sum())
    for slope in slopes(numbers).values():
        np.testing.assert_array_equal(slope, 0)


def test_a_neuron_of_ten_lines_fires_when_it_should():
    def step(state, inputs, p, dt_ms):
        return (state[0] + dt_ms * p.pace,)

    def spiked(state, p):
        return state[0] > p.threshold

    def reset(state, p):
        return (state[0] - p.threshold,)

    clock = Neuron({"v": 0.0}, {"pace": 0.25, "threshold": 1.0}, step, spiked, reset)
    tick = Tick.of(clock, 1.0, SpikeGradient(), recurrent=False)
    numbers = {"pace": jnp.array([0.25, 0.375]), "threshold": jnp.ones(2)}
    start = tick.start({"start.v": jnp.zeros(2)}, 1, 2)
    drive = jnp.zeros((8, 1, 2)).at[0, 0, 1].set(0.5)
    spikes, last = run_layer(tick, {}, numbers, None, start, drive)
    # Above 1, not at it: 0.25 (n + 1) > 1 at n = 4; 0.5 + 0.375 (n + 1) > 1 at n = 1, 4, 6.
    np.testing.assert_array_equal(np.flatnonzero(spikes[:, 0, 0]), [4])
    np.testing.assert_array_equal(np.flatnonzero(spikes[:, 0, 1]), [1, 4, 6])
    np.testing.assert_array_equal(last.variables[0], [[1.0, 0.5]])
