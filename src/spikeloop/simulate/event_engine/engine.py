"""The event engine: a network made ready in arrays, and runs of it."""

import sys
import time

import numpy as np
from numba.core.errors import NumbaError, UnsupportedBytecodeError
from tqdm import tqdm

from spikeloop.neurons.compiled import compile_neuron
from spikeloop.numerics.parallel import available_cpus
from spikeloop.numerics.random import stream_key
from spikeloop.simulate.event_engine.group_kernel import LANES, group_kernels
from spikeloop.simulate.event_engine.kernel import event_kernel
from spikeloop.simulate.event_engine.kernel_cache import kept_on_disk
from spikeloop.simulate.event_engine.memory import lay_out
from spikeloop.simulate.event_engine.run import EventRun
from spikeloop.simulate.event_engine.wiring import cables, numbering, wire
from spikeloop.simulate.networks.activity import Activity, spike_trains
from spikeloop.simulate.networks.groups import constants, group_populations
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.outside import gather_currents, gather_events
from spikeloop.simulate.networks.recorder import Recorder
from spikeloop.simulate.networks.signals import Grid
from spikeloop.simulate.networks.simulation import Simulation

LARGE = 30_000
"""Neurons from which on a network is shared out to threads."""
CHUNK_S = 0.1
"""For how long the compiled loop runs before Python looks for an interrupt, about."""


FIRST_CHUNK = 2_000_000
"""How many steps of a neuron the first stretch has, before the pace is known."""


class EventEngine:
    """A network made ready to run; every `run` starts from the same state."""

    def __init__(self, network: Network, method: Simulation, *, seed: int) -> None:
        started = time.perf_counter()
        grid = Grid(method.n_ticks, method.dt_ms)
        self.network, self.method = network, method
        self.groups = group_populations(network.populations, method.dt_ms)
        self.memory = lay_out(self.groups, seed=seed)
        self.n_threads = _n_threads(network, method)
        self.bounds = [_bounds(group.size, self.n_threads) for group in self.groups]
        self.events = gather_events(network, grid, seed=seed)
        self.currents = gather_currents(network, self.groups, self.memory, grid)
        self.recorder = Recorder(network, self.groups, self.memory, method)
        self.constants = [constants(group, method.dt_ms, seed=seed) for group in self.groups]
        self.key = tuple(np.uint32(word) for word in stream_key(seed, 0))
        drawn = cables(network, self.groups, self.memory, method.dt_ms, seed=seed)
        self.n_senders = network.n_neurons + sum(source.size for source in network.sources)
        self.wiring = wire(drawn, self.n_senders, self.bounds)
        self.cables = [cable.without_synapses() for cable in drawn]
        self.kernel = _kernel(self)
        built = time.perf_counter()
        self._compile()
        self.timings_s = {"build": built - started, "compile": time.perf_counter() - built}

    def _compile(self) -> None:
        """Compile the loop, or load it; say in plain words what numba cannot compile."""
        try:
            EventRun(self).advance(0)
        except (NumbaError, UnsupportedBytecodeError, TypeError, ValueError):
            for group in self.groups:
                compile_neuron(group.neuron).check()
            raise

    def run(self) -> Activity:
        """Run the network from its start."""
        started = time.perf_counter()
        n_ticks, size = self.method.n_ticks, FIRST_CHUNK // self.network.n_neurons + 1
        run = EventRun(self)
        hidden = not (self.method.progress and sys.stderr.isatty())
        with tqdm(total=n_ticks, unit="tick", disable=hidden, leave=False) as bar:
            while run.done < n_ticks and run.trouble is None:
                began, before = time.perf_counter(), run.done
                run.advance(min(size, n_ticks - run.done))
                bar.update(run.done - before)
                pace_s = (time.perf_counter() - began) / max(run.done - before, 1)
                size = int(np.clip(CHUNK_S / pace_s, size // 2, 4 * size)) + 1
        timings_s = self.timings_s | {"run": time.perf_counter() - started}
        return self._activity(run, timings_s)

    def _activity(self, run: EventRun, timings_s: dict[str, float]) -> Activity:
        firsts = numbering(self.network, self.groups)
        grid = Grid(self.method.n_ticks, self.method.dt_ms)
        ticks, senders = run.spikes()
        return Activity(
            spikes=spike_trains(self.network.populations, firsts, ticks, senders, grid, run.done),
            inputs=spike_trains(self.network.sources, firsts, ticks, senders, grid, run.done),
            traces=self.recorder.traces(run.records()),
            recorded=self.recorder.neurons,
            dt_ms=self.method.dt_ms,
            weights=run.weights(),
            status=run.status(),
            timings_s=timings_s,
        )


def _kernel(engine: EventEngine):
    """Return the compiled loop for groups of these kinds, from memory or disk if it is there."""
    groups, projections = engine.groups, engine.network.projections
    neurons = [compile_neuron(group.neuron) for group in groups]
    kinds = {
        "plastic": any(projection.plasticity for projection in projections),
        "short_term": any(projection.short_term for projection in projections),
        "own_delays": len(engine.wiring.own_delays) > 0,
        "alone": engine.n_threads == 1,
    }
    made_from = (
        tuple((n.fingerprint, group.shape) for n, group in zip(neurons, groups, strict=True)),
        tuple(kinds.items()),
    )
    if made_from not in _KERNELS:
        kernels = [
            group_kernels(neuron, group.shape)
            for neuron, group in zip(neurons, groups, strict=True)
        ]
        _KERNELS[made_from] = kept_on_disk(event_kernel(kernels, **kinds), made_from)
    return _KERNELS[made_from]


_KERNELS: dict[tuple, object] = {}


def _n_threads(network: Network, method: Simulation) -> int:
    if any(projection.plasticity or projection.short_term for projection in network.projections):
        return 1
    some = method.threads or (available_cpus() if network.n_neurons >= LARGE else 1)
    return min(some, -(-network.n_neurons // LANES))  # more would have nothing to do


def _bounds(size: int, n_parts: int) -> np.ndarray:
    """Return where equal parts of a group begin, at multiples of the vector lanes, and its end."""
    step = -(-size // (n_parts * LANES)) * LANES
    return np.minimum(np.arange(n_parts + 1) * step, size)
