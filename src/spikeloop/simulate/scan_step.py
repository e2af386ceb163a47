"""One tick of a network on JAX arrays, and the scan over ticks.

The order of operations is that of `group_kernel.py` and `event_kernel.py`, to the last addition.
"""

from collections import namedtuple
from functools import partial, reduce
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from spikeloop.neurons.model import Inputs
from spikeloop.neurons.rounding import as_written
from spikeloop.numerics.random import threefry2x32_arrays, uniform_arrays
from spikeloop.simulate.group_kernel import LIMIT
from spikeloop.simulate.scan_plan import Arrays, GroupPlan, Plan
from spikeloop.simulate.spike_gradient import SpikeGradient
from spikeloop.simulate.synapse_lists import SynapseList


class Result(NamedTuple):
    """What a run gives, tick by tick."""

    spikes: Any
    """(tick, neuron): booleans, or 1.0 and 0.0 where they have gradients."""
    record: Any
    """(tick, recorded) float32: values at the start of each tick."""
    overflowed: Any
    """(tick,) int32: the last neuron whose potential overflowed, or -1."""


class Carry(NamedTuple):
    """What one tick hands to the next."""

    columns: dict[tuple[int, str], Any]
    """(group, name) -> (neuron,) float32."""
    free: tuple[Any, ...]
    """For each group, (neuron,) int32: the tick from which on it is not refractory."""
    history: Any
    """(2 * longest delay, sender) float32: a ring of the spikes of the latest ticks, twice, so that
    the latest lie together wherever the ring begins."""


class Now(NamedTuple):
    """What comes from outside in a tick."""

    tick: Any
    events: Any
    currents: tuple[Any, ...]


def run(plan: Plan, arrays: Arrays) -> Result:
    """Run a network from its start."""
    columns, end = {}, 0
    for g, name in plan.columns:
        size = plan.groups[g].size
        columns[g, name] = arrays.start[end : end + size]
        end += size
    n_ticks, n_trains = arrays.events.shape
    free = tuple(jnp.zeros(group.size, jnp.int32) for group in plan.groups)
    history = jnp.zeros((2 * plan.longest_delay, plan.n_neurons + n_trains), jnp.float32)
    given = Now(jnp.arange(n_ticks, dtype=jnp.int32), arrays.events, arrays.currents)
    tick = partial(_tick, plan, arrays)
    if plan.gradient is None:
        tick = as_written(tick, arrays.zero)
    return lax.scan(tick, Carry(columns, free, history), given)[1]


def _tick(plan: Plan, arrays: Arrays, carry: Carry, now: Now) -> tuple[Carry, Result]:
    columns = dict(carry.columns)
    _inject(plan, columns, now)
    record = jnp.concatenate([columns[key] for key in plan.columns])[arrays.kept]
    _deliver(plan, arrays, columns, carry.history, now.tick)
    spikes, free, overflowed = [], [], jnp.int32(-1)
    for g, group in enumerate(plan.groups):
        own = {name: column for (owner, name), column in columns.items() if owner == g}
        awake = now.tick >= carry.free[g]
        state, fired, lost = _advance(plan, group, own | arrays.constants[g], awake, now.tick, arrays)
        columns |= {(g, name): column for name, column in state.items()}
        spikes.append(fired)
        free.append(jnp.where(fired > 0.5, now.tick + 1 + group.held, carry.free[g]))
        numbers = jnp.arange(group.first, group.first + group.size, dtype=jnp.int32)
        overflowed = jnp.maximum(overflowed, jnp.where(lost, numbers, -1).max())
    spikes = jnp.concatenate(spikes)
    latest = jnp.concatenate([spikes, now.events]).astype(jnp.float32)
    slot = now.tick % plan.longest_delay
    history = carry.history.at[slot].set(latest).at[slot + plan.longest_delay].set(latest)
    return Carry(columns, tuple(free), history), Result(spikes, record, overflowed)


def _inject(plan: Plan, columns: dict, now: Now) -> None:
    for (g, first, stop), current in zip(plan.currents, now.currents, strict=True):
        columns[g, "current"] = columns[g, "current"].at[first:stop].set(current)


def _deliver(plan: Plan, arrays: Arrays, columns: dict, history, tick) -> None:
    """Add the spikes whose delay has passed to the rows they arrive at."""
    if not plan.rows:
        return
    begin = (tick % plan.longest_delay + plan.longest_delay) * history.shape[1]
    spikes = history.reshape(-1)
    rows = jnp.concatenate([columns[key] for key in plan.rows])
    if len(arrays.own.sender):
        rows = rows + _arriving(arrays.own, jnp.zeros_like(rows), spikes, begin)
    if len(arrays.shared.sender):
        rows = _arriving(arrays.shared, rows, spikes, begin)
    end = 0
    for key in plan.rows:
        size = columns[key].size
        columns[key] = rows[end : end + size]
        end += size


def _arriving(synapses: SynapseList, total, spikes, begin):
    """Add what arrives to `total`, one entry of all lists after the other."""

    def add(k, total):
        sent = spikes.at[begin + synapses.sender[k]].get(mode="promise_in_bounds")
        if len(synapses.nth):
            sent = jnp.clip(sent - synapses.nth[k], 0, 1)
        return total + synapses.weight[k] * sent

    return lax.fori_loop(0, len(synapses.sender), add, total)


def _advance(plan: Plan, group: GroupPlan, columns: dict, awake, tick, arrays: Arrays):
    """Return the columns of a group at the end of a tick, who fired, and who overflowed."""
    shape = group.shape
    p = namedtuple("Parameters", shape.parameters)(
        *(columns[f"parameter {name}"] for name in shape.parameters)
    )
    before = tuple(columns[f"state {name}"] for name in shape.state)
    inputs, jump, after_columns = _receive(group, columns, tick, arrays)
    after = _filled(group.step(before, inputs, p, arrays.dt_ms), group.size)
    v = after[0] + jump if "jump" in shape.receptors else after[0]
    v = jnp.where(awake, v, before[0]) if shape.refractory else v
    after = (v, *after[1:])
    seen = before if shape.spike_lag else after
    lost = ~(abs(v) < LIMIT)
    able = awake & ~lost if shape.refractory else ~lost
    reset = _filled(group.reset(after, p), group.size)
    if plan.gradient is None:
        spikes = (group.spiked(seen, p) != 0) & able
        state = [jnp.where(spikes, new, old) for new, old in zip(reset, after, strict=True)]
    else:
        spikes = jnp.where(able, plan.gradient.spikes(group.spiked, seen, p), 0.0)
        state = plan.gradient.reset(spikes, reset, after)
    names = (f"state {name}" for name in shape.state)
    return after_columns | dict(zip(names, state, strict=True)), spikes, lost


def _receive(group: GroupPlan, columns: dict, tick, arrays: Arrays):
    """Return the inputs of a tick, the jumps, and the columns of receptors at its end."""
    currents, conductances, jumps, after = [], [], [], {}
    for k, kind in enumerate(group.shape.receptors):
        row = columns[f"receptor {k} row"]
        if kind == "jump":
            jumps.append(row)
            after[f"receptor {k} row"] = jnp.zeros_like(row)
            continue
        decay = columns[f"receptor {k} decay"]
        g = row
        after[f"receptor {k} row"] = row * decay
        if kind.startswith("alpha"):  # the exact step of x' = -x / tau, g' = (e x - g) / tau
            g = columns[f"receptor {k} response"]
            after[f"receptor {k} response"] = (g + columns[f"receptor {k} rise"] * row) * decay
        if kind.endswith("conductance"):
            conductances.append(g)
            currents.append(g * columns[f"receptor {k} reversal"])
        else:
            currents.append(g)
    current = _sum(currents) + columns["current"]
    conductance = jnp.broadcast_to(_sum(conductances), current.shape)
    return Inputs(current, conductance, _chance(group, tick, arrays)), _sum(jumps), after


def _sum(values: list):
    """Return the sum, the last two added first, as the event engine does it."""
    return reduce(lambda total, value: value + total, reversed(values)) if values else np.float32(0)


def _chance(group: GroupPlan, tick, arrays: Arrays):
    """Return a random number for each neuron, a function of the tick and its place in the group."""
    if not group.shape.random:
        return jnp.zeros(group.size, jnp.float32)
    numbers = jnp.arange(group.size, dtype=jnp.uint32)
    bits, _ = threefry2x32_arrays(*arrays.key, tick.astype(jnp.uint32), numbers)
    return uniform_arrays(bits)


def _filled(state: tuple, size: int) -> tuple:
    """Return the state as an array for each variable, where functions returned numbers."""
    return tuple(jnp.broadcast_to(jnp.asarray(value, jnp.float32), size) for value in state)
