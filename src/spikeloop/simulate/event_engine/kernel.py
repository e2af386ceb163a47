"""The loop over time of the event engine, compiled."""

from typing import NamedTuple

import numpy as np
from numba import njit

from spikeloop.simulate.event_engine.barrier import wait_for_all
from spikeloop.simulate.event_engine.columns import add_to, element, in_place, inlined
from spikeloop.simulate.event_engine.plasticity_loops import (
    Dynamics,
    deliver_with_factors,
    learn,
    learn_nothing,
)

RUNNING, FULL, OVERFLOWED = 0, 1, 2
"""Whether the loop goes on, or has stopped as the log is full or a potential has overflowed."""


class Group(NamedTuple):
    """Like neurons, stepped together."""

    columns: tuple
    """What `GroupShape.columns` names: arrays with a value for each neuron, or scalars."""
    marks: np.ndarray
    """The column ``mask`` as uint64, to look at eight neurons at once."""
    bounds: np.ndarray
    """(part + 1,) where the parts of the group begin and end."""
    first: int
    """Number of its first neuron in the network."""
    held: int
    """Refractory ticks."""


class Wiring(NamedTuple):
    """Synapses, ordered by path, part of the targets, and source.

    All synapses of a path have one delay; those of the last paths, of delay 0, have delays of their
    own and are delivered to the `ring` when the spike happens.
    """

    delays: np.ndarray
    """(path,) int64 ticks."""
    starts: np.ndarray
    """(path, part, source + 1) int64: where the synapses of a source begin."""
    targets: np.ndarray
    """(synapse,) uint32: the place in `State.flat` of the row that it adds to."""
    weights: np.ndarray
    """(synapse,) float32."""
    own_delays: np.ndarray
    """(synapse,) uint16 ticks, of the synapses of the last paths; counted from `own_from`."""
    own_from: int
    """The first synapse with a delay of its own."""


class State(NamedTuple):
    """What changes from tick to tick, besides the log."""

    flat: np.ndarray
    """float32: the rows that spikes arrive at, then all other columns that change."""
    ring: np.ndarray
    """(slot, place) float32: what will arrive in the ticks to come."""
    kept: np.ndarray
    """(recorded,) int64: places of `flat` to record."""
    record: np.ndarray
    """(tick, recorded) float32: their values at the start of each tick."""
    dynamics: Dynamics
    """Synapses that change."""


class Outside(NamedTuple):
    """What comes from outside during a run."""

    begins: np.ndarray
    """(tick + 1,) int64: where the spikes of each tick begin."""
    sources: np.ndarray
    """(event,) int32: who fires; numbered after the neurons."""
    places: np.ndarray
    """(current, 3) int64: place in `flat`, number of neurons, number of different values."""
    values: np.ndarray
    """float32: for each current, (tick, value) in one row."""


class Log(NamedTuple):
    """The spikes of the latest ticks."""

    neurons: np.ndarray
    """(spike,) int32, in the order of ticks."""
    begins: np.ndarray
    """(history + tick + 1,) int64: where the spikes of each tick begin."""
    found: np.ndarray
    """(neuron,) int32: scratch, with a region for each part of each group."""
    places: np.ndarray
    """(group, part) int64: where those regions begin."""
    counts: np.ndarray
    """(group, part) int64: scratch."""
    overflow: np.ndarray
    """(2,) int64: tick and neuron of an overflow; -1 while there is none."""
    trouble: np.ndarray
    """(1,) int64: `RUNNING`, or why the loop has stopped."""
    barrier: np.ndarray
    """(2,) int64: where threads wait for each other."""


class Clock(NamedTuple):
    """Which ticks to do."""

    first: int
    ticks: int
    history: int
    """Ticks before the first whose spikes the log still holds."""
    dt_ms: np.float32
    key: tuple
    """Two uint32: where the random numbers of the neurons start."""


def event_kernel(kernels: list, *, plastic: bool, short_term: bool, own_delays: bool, alone: bool):
    """Return ``run(part, groups, wiring, state, outside, log, clock) -> ticks done``.

    Each part of the network has a thread that calls it with the same arrays. It stops before its
    time where the log is full or a neuron has overflowed. What no synapse of the network needs is
    left out, since it would take long to compile, and so is waiting where one thread is `alone`.
    """
    advance_all = _chain_advance([advance for advance, _ in kernels])
    collect_all = _chain_collect([collect for _, collect in kernels])
    deliver = deliver_with_factors if short_term else _deliver
    learn_from = learn if plastic else learn_nothing
    wait = _wait_for_nobody if alone else wait_for_all
    drain, post = (_drain, _post) if own_delays else (_drain_nothing, _post_nothing)

    @njit(error_model="numpy", nogil=True, no_cfunc_wrapper=True, _nrt=False)
    def run(part, groups, wiring, state, outside, log, clock):
        n_parts = wiring.starts.shape[1]
        for n in range(clock.ticks):
            tick = clock.first + n
            now = clock.history + n
            if part == 0 and _may_begin(outside, log, clock, n):
                _inject(outside, state.flat, n, clock.ticks)
                _record(state, n)
                drain(state, tick)
            wait(log.barrier, n_parts)
            if log.trouble[0] != RUNNING:
                return n
            deliver(wiring, state, part, log, now, tick)
            advance_all(groups, part, tick, clock)
            collect_all(groups, part, tick, log, 0)
            wait(log.barrier, n_parts)
            if part == 0:
                _list(log, outside, n, now)
                learn_from(wiring, state, log, now, tick)
            if own_delays:
                wait(log.barrier, n_parts)
                post(wiring, state.ring, part, log, now, tick)
                wait(log.barrier, n_parts)
        return clock.ticks

    return run


@inlined
def _wait_for_nobody(barrier, n_threads):
    pass


@inlined
def _may_begin(outside, log, clock, n):
    """Return whether the log has room for a tick, and no potential has overflowed."""
    events = outside.begins[n + 1] - outside.begins[n]
    room = log.neurons.size - log.begins[clock.history + n]
    if log.overflow[0] >= 0:
        log.trouble[0] = OVERFLOWED
    elif room < log.found.size + events:
        log.trouble[0] = FULL
    return log.trouble[0] == RUNNING


def _chain_advance(kernels: list):
    """Return one function that calls each of `kernels` on its group."""
    advance = kernels[0]

    @in_place
    def last(groups, part, tick, clock):
        group = groups[0]
        span = (group.bounds[part], group.bounds[part + 1])
        advance(group, span, tick, clock.dt_ms, clock.key)

    if len(kernels) == 1:
        return last
    rest = _chain_advance(kernels[1:])

    @in_place
    def both(groups, part, tick, clock):
        last(groups, part, tick, clock)
        rest(groups[1:], part, tick, clock)

    return both


def _chain_collect(kernels: list):
    """Return one function that calls each of `kernels` on its group."""
    collect = kernels[0]

    @in_place
    def last(groups, part, tick, log, row):
        group = groups[0]
        span = (group.bounds[part], group.bounds[part + 1])
        log.counts[row, part] = collect(group, span, tick, log.found, log.overflow)

    if len(kernels) == 1:
        return last
    rest = _chain_collect(kernels[1:])

    @in_place
    def both(groups, part, tick, log, row):
        last(groups, part, tick, log, row)
        rest(groups[1:], part, tick, log, row + 1)

    return both


@inlined
def _record(state, n):
    for k in range(state.kept.size):
        state.record[n, k] = state.flat[state.kept[k]]


@inlined
def _inject(outside, flat, n, n_ticks):
    begin = 0
    for k in range(len(outside.places)):
        place, size, width = outside.places[k, 0], outside.places[k, 1], outside.places[k, 2]
        row = begin + n * width
        for i in range(size):
            flat[place + i] = outside.values[row + (i if width > 1 else 0)]
        begin += n_ticks * width


@inlined
def _drain(state, tick):
    """Let arrive what individual delays have kept until this tick."""
    slot = state.ring[tick % len(state.ring)]
    for place in range(slot.size):
        state.flat[place] += slot[place]
        slot[place] = 0


@inlined
def _drain_nothing(state, tick):
    pass


@inlined
def _deliver(wiring, state, part, log, now, tick):
    for path in range(wiring.delays.size):
        if wiring.delays[path] == 0:
            continue
        starts = wiring.starts[path, part]
        then = now - wiring.delays[path]
        for spike in range(log.begins[then], log.begins[then + 1]):
            source = log.neurons[spike]
            for synapse in range(starts[source], starts[source + 1]):
                weight = element(wiring.weights, synapse)
                add_to(state.flat, element(wiring.targets, synapse), weight)


@inlined
def _list(log, outside, n, now):
    """Append the spikes of this tick to the log: those of neurons, ascending, then of sources."""
    filled = log.begins[now]
    n_groups, n_parts = log.counts.shape
    for g in range(n_groups):
        for part in range(n_parts):
            begin = log.places[g, part]
            for k in range(begin, begin + log.counts[g, part]):
                log.neurons[filled] = log.found[k]
                filled += 1
    for event in range(outside.begins[n], outside.begins[n + 1]):
        log.neurons[filled] = outside.sources[event]
        filled += 1
    log.begins[now + 1] = filled


@inlined
def _post(wiring, ring, part, log, now, tick):
    """Put the spikes of this tick where their synapses' own delays say."""
    for path in range(wiring.delays.size):
        if wiring.delays[path] > 0:
            continue
        starts = wiring.starts[path, part]
        for spike in range(log.begins[now], log.begins[now + 1]):
            source = log.neurons[spike]
            for synapse in range(starts[source], starts[source + 1]):
                delay = wiring.own_delays[synapse - wiring.own_from]
                slot = (tick + delay) % len(ring)
                ring[slot, wiring.targets[synapse]] += wiring.weights[synapse]


@inlined
def _post_nothing(wiring, ring, part, log, now, tick):
    pass
