"""Two plain loops over time, by which the functions of a neuron are judged: numba's and JAX's."""

import contextlib
import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numba
import numpy as np
import pytest

from spikeloop.neurons import Inputs
from spikeloop.neurons.compiled import compile_neuron
from spikeloop.neurons.rounding import as_written


def _inputs(current, conductance, uniform, dtype=np.float32):
    """Return the inputs as (input, tick, neuron)."""
    return np.stack(np.broadcast_arrays(current, conductance, uniform)).astype(dtype)


@functools.cache
def _loop(compiled):
    step, spiked, reset = compiled.step, compiled.spiked, compiled.reset

    @numba.njit
    def loop(state, p, inputs, dt_ms, spikes, traces):
        start = state
        for k in range(inputs.shape[2]):
            state = start
            for tick in range(inputs.shape[1]):
                given = (inputs[0, tick, k], inputs[1, tick, k], inputs[2, tick, k])
                state = step(state, given, p, dt_ms)
                if spiked(state, p):
                    spikes[tick, k] = True
                    state = reset(state, p)
                for j, value in enumerate(state):
                    traces[tick, k, j] = value

    return loop


@pytest.fixture
def run_numba():
    """Return ``run(neuron, current, dt_ms) -> spikes (tick, neuron), traces (..., variable)``."""

    def run(neuron, current, dt_ms, conductance=0.0, uniform=0.5):
        inputs = _inputs(current, conductance, uniform)
        spikes = np.zeros(inputs.shape[1:], dtype=bool)
        traces = np.zeros((*spikes.shape, len(neuron.state)), dtype=np.float32)
        state, p = (
            tuple(np.float32(value) for value in part.values())
            for part in (neuron.state, neuron.parameters)
        )
        loop = _loop(compile_neuron(neuron))
        loop(state, p, inputs, np.float32(dt_ms), spikes, traces)
        return spikes, traces

    return run


@pytest.fixture
def run_jax():
    """Return the same function with JAX on arrays.

    `dtype` says in which precision; with `rounded` each operation is rounded by itself.
    """

    def run(neuron, current, dt_ms, dtype=np.float32, rounded=False, **given):
        inputs = _inputs(current, given.get("conductance", 0.0), given.get("uniform", 0.5), dtype)
        with _precision(dtype):
            state = tuple(jnp.full(inputs.shape[2], x, dtype) for x in neuron.state.values())
            p = {name: jnp.asarray(value, dtype) for name, value in neuron.parameters.items()}
            scan = functools.partial(_scan, neuron, rounded)
            zero = jnp.int32(0)
            spikes, traces = jax.jit(scan)(state, p, inputs, jnp.asarray(dt_ms, dtype), zero)
            return np.asarray(spikes), np.stack([np.asarray(x) for x in traces], axis=-1)

    return run


@pytest.fixture
def error_order(run_jax):
    """Return ``order(neuron, truth, ...)``: how the error at the end shrinks with the tick.

    `truth` is the state at `duration_ms`, or the first variables of it.
    """

    def order(neuron, truth, duration_ms, current, steps_ms, **given):
        steps_ms = np.array(steps_ms)
        n_ticks = np.rint(duration_ms / steps_ms).astype(int)
        currents = np.full((n_ticks.max(), len(steps_ms)), current)
        _, traces = run_jax(neuron, currents, steps_ms, dtype=np.float64, **given)
        ends = traces[n_ticks - 1, np.arange(len(steps_ms)), : len(truth)]
        errors = np.abs(ends - truth).max(axis=1)
        return np.polyfit(np.log(steps_ms), np.log(errors), 1)[0]

    return order


def _scan(neuron, rounded, state, p, inputs, dt_ms, zero):
    def tick(state, now, p):
        p = SimpleNamespace(**p)
        after = neuron.step(state, Inputs(*now), p, dt_ms)
        spikes = neuron.spiked(after, p)
        back = neuron.reset(after, p)
        state = tuple(jnp.where(spikes, x, y) for x, y in zip(back, after, strict=True))
        return state, (spikes, state)

    done = as_written(tick, zero) if rounded else tick
    return jax.lax.scan(lambda state, now: done(state, now, p), state, tuple(inputs))[1]


def _precision(dtype):
    if dtype is np.float32:
        return contextlib.nullcontext()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return jax.experimental.enable_x64()
