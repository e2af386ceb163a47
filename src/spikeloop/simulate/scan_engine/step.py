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
from spikeloop.neurons.rounding import as_written, zeros_like
from spikeloop.numerics.random import threefry2x32_arrays, uniform_arrays
from spikeloop.simulate.event_engine.group_kernel import LIMIT
from spikeloop.simulate.scan_engine.plan import Arrays, GroupPlan, Plan
from spikeloop.simulate.scan_engine.synapses import SynapseList


class Result(NamedTuple):
    """What a run gives."""

    spikes: Any
    """(tick, neuron): booleans, or 1.0 and 0.0 where they have gradients."""
    record: Any
    """(tick, recorded) float32: values at the start of each tick."""
    overflowed: Any
    """(neuron,) int32: the first tick in which the potential overflowed, or -1."""


class Carry(NamedTuple):
    """What one tick hands to the next."""

    rows: Any
    """(place,) float32: the columns that spikes arrive at, one after the other."""
    columns: dict[tuple[int, str], Any]
    """(group, name) -> (neuron,) float32: the other columns that change."""
    free: Any
    """(neuron,) int32: the tick from which on it is not refractory."""
    overflowed: Any
    """As in `Result`."""
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
    n_ticks, n_trains = arrays.events.shape
    columns = _split(plan, arrays.start, plan.columns)
    start = Carry(
        arrays.start[: plan.n_places],
        {key: columns[key] for key in plan.columns if key not in plan.rows},
        jnp.zeros(plan.n_neurons, jnp.int32),
        jnp.full(plan.n_neurons, -1, jnp.int32),
        jnp.zeros((2 * plan.longest_delay, plan.n_neurons + n_trains), jnp.float32),
    )
    given = Now(jnp.arange(n_ticks, dtype=jnp.int32), arrays.events, arrays.currents)
    tick = partial(_tick, plan, arrays)
    if plan.gradient is None:
        tick = as_written(tick, arrays.zero)
    end, (spikes, record) = lax.scan(tick, start, given)
    return Result(spikes, record, end.overflowed)


def _tick(plan: Plan, arrays: Arrays, carry: Carry, now: Now) -> tuple[Carry, tuple]:
    columns = _inject(plan, carry.columns, now)
    others = [columns[key] for key in plan.columns if key not in plan.rows]
    record = jnp.concatenate([carry.rows, *others])[arrays.kept]
    columns |= _split(plan, _deliver(plan, arrays, carry, now.tick), plan.rows)
    spikes, lost = [], []
    for g, group in enumerate(plan.groups):
        own = {name: columns[owner, name] for owner, name in plan.columns if owner == g}
        awake = now.tick >= carry.free[group.first : group.first + group.size]
        own, fired, beyond = _advance(plan, group, own | arrays.constants[g], awake, now, arrays)
        columns |= {(g, name): column for name, column in own.items()}
        spikes.append(fired)
        lost.append(beyond)
    spikes, lost = jnp.concatenate(spikes), jnp.concatenate(lost)
    held = np.repeat([group.held for group in plan.groups], [group.size for group in plan.groups])
    after = Carry(
        jnp.concatenate([columns[key] for key in plan.rows] or [carry.rows]),
        {key: columns[key] for key in carry.columns},
        jnp.where(spikes > 0.5, now.tick + 1 + held.astype(np.int32), carry.free),
        jnp.where(lost & (carry.overflowed < 0), now.tick, carry.overflowed),
        _remember(plan, carry.history, jnp.concatenate([spikes, now.events]), now.tick),
    )
    return after, (spikes, record)


def _split(plan: Plan, values, keys: tuple) -> dict:
    """Return the columns that lie one after the other in `values`."""
    ends = np.cumsum([plan.groups[g].size for g, _ in keys], dtype=int)
    return dict(zip(keys, jnp.split(values, ends[:-1]), strict=True)) if keys else {}


def _inject(plan: Plan, columns: dict, now: Now) -> dict:
    columns = dict(columns)
    for (g, first, stop), current in zip(plan.currents, now.currents, strict=True):
        columns[g, "current"] = columns[g, "current"].at[first:stop].set(current)
    return columns


def _remember(plan: Plan, history, sent, tick):
    slot, sent = tick % plan.longest_delay, sent.astype(jnp.float32)
    return history.at[slot].set(sent).at[slot + plan.longest_delay].set(sent)


def _deliver(plan: Plan, arrays: Arrays, carry: Carry, tick):
    """Return the rows with the spikes added whose delay has passed."""
    rows, history = carry.rows, carry.history
    begin = tick % plan.longest_delay + plan.longest_delay
    spikes, place = history.reshape(-1), begin * history.shape[1]
    if len(arrays.own.sender):
        rows += _add_lists(jnp.zeros_like(rows), spikes, place, arrays.own)
    for delay, matrix in zip(plan.delays, arrays.matrices, strict=True):
        add = _add_row_by_row if plan.gradient is None else _add_product
        rows = add(rows, history[begin - delay], matrix)
    if len(arrays.shared.sender):
        rows = _add_lists(rows, spikes, place, arrays.shared)
    return rows


def _add_product(total, sent, matrix):
    return total + sent @ matrix


def _add_row_by_row(total, sent, matrix):
    """Add the row of each sender as often as it has sent, in the order of senders."""
    senders = jnp.arange(len(sent))

    def some_are_left(state):
        return (state[0] > 0).any()

    def add_next(state):
        left, total = state
        sender = jnp.argmax(left > 0)
        return jnp.where(senders == sender, left - 1, left), total + matrix[sender]

    return lax.while_loop(some_are_left, add_next, (sent, total))[1]


def _add_lists(total, spikes, begin, synapses: SynapseList):
    """Add what arrives at each place, one entry of all lists after the other."""

    def add(k, total):
        sent = spikes.at[begin + synapses.sender[k]].get(mode="promise_in_bounds")
        if len(synapses.nth):
            sent = jnp.clip(sent - synapses.nth[k], 0, 1)
        return total + synapses.weight[k] * sent

    return lax.fori_loop(0, len(synapses.sender), add, total)


def _advance(plan: Plan, group: GroupPlan, columns: dict, awake, now: Now, arrays: Arrays):
    """Return the columns of a group at the end of a tick, who fired, and who overflowed."""
    shape = group.shape
    p = namedtuple("Parameters", shape.parameters)(
        *(columns[f"parameter {name}"] for name in shape.parameters)
    )
    before = tuple(columns[f"state {name}"] for name in shape.state)
    inputs, jump, own = _receive(group, columns, now, arrays)
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
    own |= {f"state {name}": value for name, value in zip(shape.state, state, strict=True)}
    return own | {"current": columns["current"]}, spikes, lost


def _receive(group: GroupPlan, columns: dict, now: Now, arrays: Arrays):
    """Return the inputs of a tick, the jumps, and the columns of receptors at its end."""
    currents, conductances, jumps, after = [], [], [], {}
    for k, kind in enumerate(group.shape.receptors):
        row = columns[f"receptor {k} row"]
        if kind == "jump":
            jumps.append(row)
            after[f"receptor {k} row"] = jnp.zeros_like(row)
            continue
        decay = columns[f"receptor {k} decay"]
        after[f"receptor {k} row"] = row * decay
        g = row
        if kind.startswith("alpha"):  # the exact step of x' = -x / tau, g' = (e x - g) / tau
            g = columns[f"receptor {k} response"]
            after[f"receptor {k} response"] = (g + columns[f"receptor {k} rise"] * row) * decay
        if kind.endswith("conductance"):
            conductances.append(g)
            currents.append(g * columns[f"receptor {k} reversal"])
        else:
            currents.append(g)
    current = _sum(currents) + columns["current"]
    # XLA simplifies in a circle, until it gives up and complains, over numbers known to be equal.
    none = zeros_like(current, arrays.zero)
    conductance = _sum(conductances) if conductances else none
    return Inputs(current, conductance, _chance(group, now, arrays)), _sum(jumps), after


def _sum(values: list):
    """Return the sum, the last two added first, as the event engine does it."""
    return reduce(lambda total, value: value + total, reversed(values)) if values else np.float32(0)


def _chance(group: GroupPlan, now: Now, arrays: Arrays):
    """Return a random number for each neuron, of the tick and its number in the network."""
    if not group.shape.random:
        return jnp.zeros(group.size, jnp.float32)
    numbers = group.first + jnp.arange(group.size, dtype=jnp.uint32)
    bits, _ = threefry2x32_arrays(*arrays.key, now.tick.astype(jnp.uint32), numbers)
    return uniform_arrays(bits)


def _filled(state: tuple, size: int) -> tuple:
    """Return the state as an array for each variable, where functions returned numbers."""
    return tuple(jnp.broadcast_to(jnp.asarray(value, jnp.float32), size) for value in state)
