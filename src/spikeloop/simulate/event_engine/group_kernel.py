"""One tick of a group of like neurons, compiled: the innermost loop of the event engine."""

from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikeloop.neurons.compiled import CompiledNeuron
from spikeloop.neurons.model import Inputs
from spikeloop.numerics.random import threefry2x32, uniform
from spikeloop.simulate.event_engine.columns import element, in_place, inlined, reader, writer

LANES = 64
"""Columns are padded to a multiple of this; a part of a group begins at such a multiple."""
LIMIT = np.float32(1e15)
"""A potential beyond it has overflowed."""
ZERO = np.float32(0)
WORDS = LANES // 8
"""The mask is searched in blocks of so many 64-bit words."""

RECEPTOR_COLUMNS = {
    "exponential conductance": ("row", "decay", "reversal"),
    "exponential current": ("row", "decay"),
    "alpha conductance": ("row", "decay", "rise", "response", "reversal"),
    "alpha current": ("row", "decay", "rise", "response"),
    "jump": ("row",),
}
"""The columns of each kind of receptor. Arriving spikes are added to the row."""


@dataclass(frozen=True)
class GroupShape:
    """What the code of a group depends on, besides its neuron."""

    receptors: tuple[str, ...]
    """The kind of each receptor."""
    state: tuple[str, ...]
    parameters: tuple[str, ...]
    refractory: bool
    spike_lag: int
    random: bool

    def columns(self) -> list[str]:
        """Return the names of the columns, in the order in which the kernels find them."""
        return list(self._columns())

    def _columns(self) -> Iterator[str]:
        for k, kind in enumerate(self.receptors):
            yield from (f"receptor {k} {column}" for column in RECEPTOR_COLUMNS[kind])
        yield from (f"state {name}" for name in self.state)
        yield from (f"parameter {name}" for name in self.parameters)
        yield from ("current", "free", "mask")


def group_kernels(neuron: CompiledNeuron, shape: GroupShape):
    """Return the functions ``advance`` and ``collect`` of a group.

    ``advance(group, span, tick, dt_ms, key)`` steps a span of the neurons and leaves in the mask
    who fired. ``collect(group, span, tick, found, trouble) -> n_spikes`` resets those, and
    lists them in `found` from the place of the part's first neuron on.
    """
    return _advance(neuron, shape), _collect(neuron, shape)


def _advance(neuron: CompiledNeuron, shape: GroupShape):
    place = shape.columns().index
    n_state = len(shape.state)
    read_state, write_state = _access(place(f"state {shape.state[0]}"), n_state)
    read_parameters = reader(place("mask") - 2 - len(shape.parameters), len(shape.parameters))
    read_current, read_free = reader(place("current"), 1), reader(place("free"), 1)
    write_mask = writer(place("mask"), 1)
    Parameters = namedtuple("Parameters", shape.parameters)
    step, spiked, receive = neuron.step, neuron.spiked, _receive(shape, 0)
    refractory, lag, random = shape.refractory, shape.spike_lag, shape.random
    jumps = "jump" in shape.receptors

    @inlined
    def advance(group, span, tick, dt_ms, key):
        columns, first = group.columns, group.first
        now = np.int32(tick)
        for i in range(span[0], span[1]):
            p = Parameters(*read_parameters(columns, i))
            before = read_state(columns, i)
            current, conductance, jump = receive(columns, i)
            current += read_current(columns, i)[0]
            chance = ZERO
            if random:
                bits, _ = threefry2x32(key[0], key[1], np.uint32(tick), np.uint32(first + i))
                chance = uniform(bits)
            after = step(before, Inputs(current, conductance, chance), p, dt_ms)
            v = after[0]
            if jumps:
                v += jump
            awake = True
            if refractory:
                awake = now >= read_free(columns, i)[0]
                v = v if awake else before[0]
            after = (v,) + after[1:]  # noqa: RUF005 (numba knows no star in a tuple)
            fired = spiked(before if lag else after, p) & awake
            lost = not (abs(v) < LIMIT)
            write_state(columns, i, after)
            write_mask(columns, i, (np.uint8(fired | lost),))

    return advance


def _collect(neuron: CompiledNeuron, shape: GroupShape):
    take = _take(shape, _fire(neuron, shape))

    @inlined
    def collect(group, span, tick, found, trouble):
        n_spikes = 0
        if span[0] == span[1]:  # its block would be that of the part before
            return n_spikes
        for block in range(span[0] // LANES, (span[1] + LANES - 1) // LANES):
            found_one = np.uint64(0)
            for word in range(block * WORDS, (block + 1) * WORDS):
                found_one |= element(group.marks, word)
            if found_one == 0:
                continue
            for word in range(block * WORDS, (block + 1) * WORDS):
                if element(group.marks, word) != 0:
                    place = group.first + span[0] + n_spikes
                    n_spikes += take(group, 8 * word, tick, found, place, trouble)
        return n_spikes

    return collect


def _take(shape: GroupShape, fire):
    """Return the function that takes those of eight neurons that fired or overflowed."""
    mask_at, v_at = map(shape.columns().index, ("mask", f"state {shape.state[0]}"))

    @in_place
    def take(group, begin, tick, found, place, trouble):
        mask = group.columns[mask_at]
        n_spikes = 0
        for i in range(begin, begin + 8):
            if element(mask, i) == 0:
                continue
            if not (abs(element(group.columns[v_at], i)) < LIMIT):
                trouble[0], trouble[1] = tick, group.first + i
            else:
                fire(group, i, tick)
                found[place + n_spikes] = group.first + i
                n_spikes += 1
        return n_spikes

    return take


def _fire(neuron: CompiledNeuron, shape: GroupShape):
    """Return the function that resets a neuron that fired."""
    place = shape.columns().index
    read_state, write_state = _access(place(f"state {shape.state[0]}"), len(shape.state))
    read_parameters = reader(place("mask") - 2 - len(shape.parameters), len(shape.parameters))
    free_at, reset, refractory = place("free"), neuron.reset, shape.refractory
    Parameters = namedtuple("Parameters", shape.parameters)

    @inlined
    def fire(group, i, tick):
        p = Parameters(*read_parameters(group.columns, i))
        write_state(group.columns, i, reset(read_state(group.columns, i), p))
        if refractory:
            group.columns[free_at][i] = np.int32(tick + 1 + group.held)

    return fire


def _receive(shape: GroupShape, k: int):
    """Return the function that sums the receptors from the one numbered `k` on."""
    if k >= len(shape.receptors):
        return _nothing
    columns = RECEPTOR_COLUMNS[shape.receptors[k]]
    first = shape.columns().index(f"receptor {k} row")
    one = _RECEIVERS[shape.receptors[k]](first, len(columns))
    if k == len(shape.receptors) - 1:
        return one
    rest = _receive(shape, k + 1)

    @inlined
    def receive(columns, i):
        current, conductance, jump = one(columns, i)
        more_current, more_conductance, more_jump = rest(columns, i)
        return current + more_current, conductance + more_conductance, jump + more_jump

    return receive


@inlined
def _nothing(columns, i):
    return ZERO, ZERO, ZERO


def _exponential_conductance(first: int, count: int):
    read, write = reader(first, count), writer(first, 1)

    @inlined
    def receive(columns, i):
        g, decay, reversal = read(columns, i)
        write(columns, i, (g * decay,))
        return g * reversal, g, ZERO

    return receive


def _exponential_current(first: int, count: int):
    read, write = reader(first, count), writer(first, 1)

    @inlined
    def receive(columns, i):
        g, decay = read(columns, i)
        write(columns, i, (g * decay,))
        return g, ZERO, ZERO

    return receive


def _alpha_conductance(first: int, count: int):
    read, relax = reader(first, count), _relax(first)

    @inlined
    def receive(columns, i):
        x, decay, rise, g, reversal = read(columns, i)
        relax(columns, i, x, g, decay, rise)
        return g * reversal, g, ZERO

    return receive


def _alpha_current(first: int, count: int):
    read, relax = reader(first, count), _relax(first)

    @inlined
    def receive(columns, i):
        x, decay, rise, g = read(columns, i)
        relax(columns, i, x, g, decay, rise)
        return g, ZERO, ZERO

    return receive


def _relax(first: int):
    """Return the exact step of ``x' = -x / tau``, ``g' = (e x - g) / tau``."""
    write_x, write_g = writer(first, 1), writer(first + 3, 1)

    @inlined
    def relax(columns, i, x, g, decay, rise):
        write_x(columns, i, (x * decay,))
        write_g(columns, i, ((g + rise * x) * decay,))

    return relax


def _jump(first: int, count: int):
    read, write = _access(first, count)

    @inlined
    def receive(columns, i):
        (jump,) = read(columns, i)
        write(columns, i, (ZERO,))
        return ZERO, ZERO, jump

    return receive


_RECEIVERS = {
    "exponential conductance": _exponential_conductance,
    "exponential current": _exponential_current,
    "alpha conductance": _alpha_conductance,
    "alpha current": _alpha_current,
    "jump": _jump,
}


def _access(first: int, count: int):
    return reader(first, count), writer(first, count)
