"""The scan engine: a network as one loop over ticks, compiled by JAX."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial

import jax
import numpy as np

from spikeloop.data.checks import require
from spikeloop.neurons.compiled import compile_neuron
from spikeloop.simulate.event_engine.wiring import numbering
from spikeloop.simulate.networks.activity import Activity, spike_trains
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.signals import Grid
from spikeloop.simulate.networks.simulation import Simulation
from spikeloop.simulate.scan_engine.plan import Arrays, Plan, Prepared, prepare, require_room
from spikeloop.simulate.scan_engine.step import Result, run
from spikeloop.simulate.scan_engine.synapses import SynapseList, lengthened

_SHARED_BY_RUNS = ("dt_ms", "zero", "kept")


class ScanEngine:
    """A network made ready to run in JAX; every `run` starts from the same state.

    It is compiled once for all networks of the same neurons, sizes and duration. It runs where JAX
    does: on a GPU, if JAX sees one. On a CPU, its spikes are those of the event engine, of which it
    does all arithmetic in the same order.
    """

    def __init__(self, network: Network, method: Simulation, *, seed: int) -> None:
        started = time.perf_counter()
        self.network, self.method = network, method
        self.prepared = prepare(network, method, seed=seed)
        plan, arrays = self.prepared.plan, self.prepared.arrays
        require_room([self.prepared])
        built = time.perf_counter()
        for group in self.prepared.groups:  # JAX takes more, and says less of what it does not take
            compile_neuron(group.neuron).check()
        self._compiled = _compiled(plan, *_kinds(arrays), many=False)
        self.timings_s = {"build": built - started, "compile": time.perf_counter() - built}

    def run(self) -> Activity:
        """Run the network from its start."""
        started = time.perf_counter()
        result = jax.tree.map(np.asarray, self._compiled(self.prepared.arrays))
        timings_s = self.timings_s | {"run": time.perf_counter() - started}
        return _activity(self.network, self.method, self.prepared, result, timings_s)


def run_many(network: Network, method: Simulation, *, seeds: Sequence[int]) -> list[Activity]:
    """Run a network once for each seed, all at the same time; return what each did.

    Each run is the one that `simulate_network` gives for its seed: connections, parameters and
    input are drawn anew. Small networks run many times faster together than one by one.

    Parameters
    ----------
    network
        Populations, sources and projections.
    method
        Duration, tick, and what to record; `engine` is not looked at.
    seeds
        At least one.

    Raises
    ------
    InvalidInputError
        There is no seed, the runs do not fit into memory together, or what `simulate_network`
        raises.

    Examples
    --------
    >>> from spikeloop.neurons import PoissonNeuron
    >>> from spikeloop.simulate.networks.network import Population
    >>> cells = Population("cells", 10, PoissonNeuron(rate_hz=100.0))
    >>> runs = run_many(Network([cells]), Simulation(duration_s=0.1), seeds=[0, 1, 2])
    >>> [run.spikes.counts().size for run in runs]
    [10, 10, 10]
    """
    require(len(seeds) > 0, "seeds is empty: give one for each run.")
    started = time.perf_counter()
    prepared = [prepare(network, method, seed=seed) for seed in seeds]
    require_room(prepared)
    plan, arrays = _together(prepared)
    built = time.perf_counter()
    compiled = _compiled(plan, *_kinds(arrays), many=True)
    ready = time.perf_counter()
    results = jax.tree.map(np.asarray, compiled(arrays))
    timings_s = {
        "build": built - started,
        "compile": ready - built,
        "run": time.perf_counter() - ready,
    }
    return [
        _activity(network, method, one, Result(*(part[k] for part in results)), timings_s)
        for k, one in enumerate(prepared)
    ]


@lru_cache(maxsize=64)
def _compiled(plan: Plan, kinds: tuple, tree, *, many: bool):
    """Return the compiled run of a plan, for arrays of these shapes and types."""
    arrays = jax.tree.unflatten(tree, [jax.ShapeDtypeStruct(*kind) for kind in kinds])
    return jax.jit(partial(_run_all if many else run, plan)).lower(arrays).compile()


def _run_all(plan: Plan, arrays: Arrays) -> Result:
    """Run several networks, whose arrays are stacked: side by side, but on a CPU in turn.

    There one small network keeps a core busy, and several of them push each other out of its cache.
    """
    shared = {name: getattr(arrays, name) for name in _SHARED_BY_RUNS}
    own = {name: part for name, part in arrays._asdict().items() if name not in shared}

    def run_one(own):
        return run(plan, Arrays(**own, **shared))

    return jax.lax.map(run_one, own) if jax.default_backend() == "cpu" else jax.vmap(run_one)(own)


def _kinds(arrays: Arrays) -> tuple[tuple, object]:
    leaves, tree = jax.tree.flatten(arrays)
    return tuple((leaf.shape, leaf.dtype) for leaf in leaves), tree


def _together(prepared: Sequence[Prepared]) -> tuple[Plan, Arrays]:
    """Return one plan for networks drawn with several seeds, and their arrays, stacked."""
    plan = replace(prepared[0].plan, longest_delay=max(p.plan.longest_delay for p in prepared))
    parts = {name: [getattr(one.arrays, name) for one in prepared] for name in Arrays._fields}
    for name in ("own", "shared"):
        parts[name] = _equally_long(parts[name])
    stacked = {
        name: part[0] if name in _SHARED_BY_RUNS else jax.tree.map(_stack, *part)
        for name, part in parts.items()
    }
    return plan, Arrays(**stacked)


def _stack(*parts: np.ndarray) -> np.ndarray:
    return np.stack(parts)


def _equally_long(lists: Sequence[SynapseList]) -> list[SynapseList]:
    length = max(len(synapses.sender) for synapses in lists)
    count = any(len(synapses.nth) for synapses in lists)
    return [lengthened(synapses, length, count=count) for synapses in lists]


def _activity(
    network: Network,
    method: Simulation,
    prepared: Prepared,
    result: Result,
    timings_s: dict[str, float],
) -> Activity:
    """Return what came out, up to the tick in which a potential overflowed, if one did."""
    lost = result.overflowed[result.overflowed >= 0]
    n_ticks = int(lost.min()) + 1 if len(lost) else method.n_ticks
    ticks, senders = np.nonzero(result.spikes[:n_ticks])
    events = prepared.events
    sent = slice(0, np.searchsorted(events.ticks, n_ticks))
    firsts = numbering(network, prepared.groups)
    grid = Grid(method.n_ticks, method.dt_ms)
    return Activity(
        spikes=spike_trains(network.populations, firsts, ticks, senders, grid, n_ticks),
        inputs=spike_trains(
            network.sources, firsts, events.ticks[sent], events.sources[sent], grid, n_ticks
        ),
        traces=prepared.recorder.traces(result.record[:n_ticks]),
        recorded=prepared.recorder.neurons,
        dt_ms=method.dt_ms,
        status=_status(prepared, result, method.dt_ms) if len(lost) else "done",
        timings_s=timings_s,
    )


def _status(prepared: Prepared, result: Result, dt_ms: float) -> str:
    """Return where a potential overflowed, and what to do."""
    tick = result.overflowed[result.overflowed >= 0].min()
    neuron = np.flatnonzero(result.overflowed == tick)[-1]
    members = [member for group in prepared.groups for member in group.members]
    member = max((m for m in members if m.first <= neuron), key=lambda m: m.first)
    return (
        f"stopped at {tick * dt_ms:g} ms: the potential of neuron {neuron - member.first} of "
        f"{member.population.name} overflowed. Choose a smaller dt_ms than {dt_ms}, or weaker "
        "input."
    )
