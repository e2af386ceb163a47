"""The scan engine: a network as one loop over ticks, compiled by JAX."""

import time
from collections.abc import Sequence
from functools import lru_cache, partial

import jax
import numpy as np

from spikeloop.data.checks import require
from spikeloop.simulate.activity import Activity, spike_trains
from spikeloop.simulate.network import Network
from spikeloop.simulate.scan_plan import Prepared, prepare, require_room
from spikeloop.simulate.scan_step import Result, run
from spikeloop.simulate.signals import Grid
from spikeloop.simulate.simulation import Simulation
from spikeloop.simulate.wiring import numbering


class ScanEngine:
    """A network made ready to run in JAX; every `run` starts from the same state.

    Compiled once for all networks of the same populations, sizes and durations. It runs where JAX
    runs, on a GPU if JAX sees one. On a CPU its spikes are those of the event engine.
    """

    def __init__(self, network: Network, method: Simulation, *, seed: int) -> None:
        started = time.perf_counter()
        self.network, self.method = network, method
        self.prepared = prepare(network, method, seed=seed)
        plan, arrays = self.prepared.plan, self.prepared.arrays
        require_room(plan, arrays)
        built = time.perf_counter()
        self._compiled = _compiled(plan, *_kind(arrays), many=False)
        self.timings_s = {"build": built - started, "compile": time.perf_counter() - built}

    def run(self) -> Activity:
        """Run the network from its start."""
        started = time.perf_counter()
        result = jax.tree.map(np.asarray, self._compiled(self.prepared.arrays))
        return self.activity(result, self.timings_s | {"run": time.perf_counter() - started})

    def activity(self, result: Result, timings_s: dict[str, float]) -> Activity:
        prepared, method = self.prepared, self.method
        lost = np.flatnonzero(result.overflowed >= 0)
        n_ticks = lost[0] + 1 if len(lost) else method.n_ticks
        ticks, senders = np.nonzero(result.spikes[:n_ticks])
        inputs = slice(0, np.searchsorted(prepared.events.ticks, n_ticks))
        firsts = numbering(self.network, prepared.groups)
        grid = Grid(method.n_ticks, method.dt_ms)
        return Activity(
            spikes=spike_trains(self.network.populations, firsts, ticks, senders, grid),
            inputs=spike_trains(self.network.sources, firsts, prepared.events.ticks[inputs], prepared.events.sources[inputs], grid),
            traces=prepared.recorder.traces(result.record[:n_ticks]),
            recorded=prepared.recorder.neurons,
            dt_ms=method.dt_ms,
            timings_s=timings_s,
        )


def _kind(arrays):
    leaves, tree = jax.tree.flatten(arrays)
    return tuple((leaf.shape, leaf.dtype) for leaf in leaves), tree


@lru_cache(maxsize=64)
def _compiled(plan, shapes, tree, *, many: bool):
    arrays = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(*shape) for shape in shapes])
    function = partial(run, plan)
    return jax.jit(function).lower(arrays).compile()
