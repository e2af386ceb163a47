"""One run of a network: the arrays that change, and what has come out so far."""

from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.errors import InvalidInputError
from spikeloop.simulate.event_engine.kernel import Clock, Group, Log, State, Wiring
from spikeloop.simulate.event_engine.memory import aligned
from spikeloop.simulate.event_engine.plasticity_kernels import (
    TargetSpan,
    plastic_synapses,
    resources,
)
from spikeloop.simulate.event_engine.plasticity_loops import Dynamics
from spikeloop.simulate.event_engine.wiring import paths_of
from spikeloop.simulate.networks.groups import padded
from spikeloop.simulate.networks.outside import outside

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from spikeloop.simulate.event_engine.engine import EventEngine

LOG_SPIKES = 2**18
"""The log has room for so many spikes, and for three of each sender."""


class EventRun:
    """A run that is going on, from the start of an `EventEngine`."""

    def __init__(self, engine: "EventEngine") -> None:
        self.engine = engine
        self.done = 0
        self._flat = aligned(engine.memory.flat)
        longest = int(engine.wiring.own_delays.max(initial=0))
        self._ring = np.zeros((longest + 1 if longest else 0, engine.memory.n_arrivals), np.float32)
        self._wiring, self._dynamics = _changing(engine)
        self._groups = tuple(self._group(g) for g in range(len(engine.groups)))
        self._history = max(int(engine.wiring.delays.max(initial=1)), 1)
        self._tail = (np.empty(0, np.int32), np.zeros(self._history + 1, np.int64))
        self._neurons = np.empty(LOG_SPIKES + 3 * engine.n_senders, np.int32)
        self._overflow = np.full(2, -1, np.int64)
        self._spikes = [(np.empty(0, np.int64), np.empty(0, np.int32))]
        self._records = [np.empty((0, engine.recorder.places.size), np.float32)]

    @property
    def trouble(self) -> tuple[int, int] | None:
        """Tick and neuron of an overflow, or None."""
        return None if self._overflow[0] < 0 else (int(self._overflow[0]), int(self._overflow[1]))

    def advance(self, n_ticks: int) -> None:
        """Advance by up to `n_ticks` ticks: fewer where the log of spikes fills, or overflows."""
        engine = self.engine
        places = engine.recorder.places
        record = np.empty((n_ticks if places.size else 0, places.size), np.float32)
        log = self._log(n_ticks)
        clock = Clock(
            self.done, n_ticks, self._history, np.float32(engine.method.dt_ms), engine.key
        )
        state = State(self._flat, self._ring, places, record, self._dynamics)
        given = outside(engine.events, engine.currents, self.done, n_ticks)
        work = (self._groups, self._wiring, state, given, log, clock)
        done = _on_threads(engine.kernel, engine.n_threads, work)
        self._keep(log, done)
        self._records.append(record[:done])
        self.done += done

    def spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the ticks and the senders of all spikes so far, ordered by tick."""
        ticks, senders = zip(*self._spikes, strict=True)
        return np.concatenate(ticks), np.concatenate(senders)

    def records(self) -> np.ndarray:
        """Return what was recorded so far, (tick, value)."""
        return np.concatenate(self._records)

    def weights(self) -> dict[int, "csr_array"]:
        """Return the present weights of each projection with plasticity, by its number."""
        from scipy.sparse import csr_array

        paths, _ = paths_of(self.engine.cables)
        found = {}
        for number, cable in enumerate(self.engine.cables):
            if cable.projection.plasticity is None:
                continue
            path = next(k for k, cables in enumerate(paths) if cables[0] is cable)
            rows = slice(cable.first_source, cable.first_source + len(cable.synapses.indptr))
            starts = self._wiring.starts[path, 0, rows]
            own = slice(starts[0], starts[-1])
            targets = self._wiring.targets[own].astype(np.int64) - cable.place
            shape = (len(starts) - 1, cable.n_targets)
            found[number] = csr_array(
                (self._wiring.weights[own].copy(), targets, starts - starts[0]), shape
            )
        return found

    def status(self) -> str:
        """Return ``"done"``, or what happened, where, and what to do."""
        if self.trouble is None:
            return "done"
        tick, neuron = self.trouble
        for group in self.engine.groups:
            for member in group.members:
                index = neuron - member.first
                if 0 <= index < member.population.size:
                    return (
                        f"stopped at {tick * self.engine.method.dt_ms:g} ms: the potential of "
                        f"neuron {index} of {member.population.name} overflowed. Choose a smaller "
                        f"dt_ms than {self.engine.method.dt_ms}, or weaker input."
                    )
        raise AssertionError(neuron)

    def _group(self, g: int) -> Group:
        engine, group = self.engine, self.engine.groups[g]
        size = padded(group.size)
        columns = dict(engine.constants[g])
        columns["free"] = (
            aligned(np.zeros(size, np.int32)) if group.shape.refractory else np.int32(0)
        )
        columns["mask"] = aligned(np.zeros(size, np.uint8))
        for name in group.shape.columns():
            if (g, name) in engine.memory.places:
                columns[name] = engine.memory.column(self._flat, g, name, group.size)
        if g not in engine.currents.groups and not columns["current"].any():
            columns["current"] = np.float32(0)
        ordered = tuple(columns[name] for name in group.shape.columns())
        return Group(
            ordered,
            columns["mask"].view(np.uint64),
            engine.bounds[g],
            group.first,
            group.refractory_ticks,
        )

    def _log(self, n_ticks: int) -> Log:
        """Return a log that begins with the spikes of the ticks before."""
        groups, bounds = self.engine.groups, self.engine.bounds
        neurons, begins = self._tail
        self._neurons[: len(neurons)] = neurons
        return Log(
            self._neurons,
            np.concatenate([begins, np.zeros(n_ticks, np.int64)]),
            np.empty(self.engine.network.n_neurons, np.int32),
            np.array([g.first + b[:-1] for g, b in zip(groups, bounds, strict=True)], np.int64),
            np.zeros((len(groups), len(bounds[0]) - 1), np.int64),
            self._overflow,
            np.zeros(1, np.int64),
            np.zeros(2, np.int64),
        )

    def _keep(self, log: Log, done: int) -> None:
        """Keep the spikes of `done` ticks, and those that later ticks will deliver."""
        begin, end = log.begins[self._history], log.begins[self._history + done]
        counts = np.diff(log.begins[self._history : self._history + done + 1])
        ticks = np.repeat(np.arange(self.done, self.done + done), counts)
        self._spikes.append((ticks, log.neurons[begin:end].copy()))
        begins = log.begins[done : done + self._history + 1]
        self._tail = (log.neurons[begins[0] : end].copy(), begins - begins[0])


def _changing(engine: "EventEngine") -> tuple[Wiring, Dynamics]:
    """Return the wiring with weights of its own if they change, and the state of synapses."""
    paths, _ = paths_of(engine.cables)
    dt_ms, wiring = engine.method.dt_ms, engine.wiring
    if any(cable.projection.plasticity for cable in engine.cables):
        wiring = wiring._replace(weights=wiring.weights.copy())
    plastic, plastic_paths, state = [], [], []
    resource_of = np.full(len(paths), -1, np.int64)
    for path, (cable, *_) in enumerate(paths):
        rule, short_term = cable.projection.plasticity, cable.projection.short_term
        if rule is not None:
            first_unit = engine.groups[cable.group].first + cable.first_target
            span = TargetSpan(cable.n_targets, cable.place, first_unit)
            rows = (wiring.starts[path, 0], wiring.targets, wiring.weights)
            try:
                plastic.append(plastic_synapses(rule, *rows, span, dt_ms=dt_ms))
            except InvalidInputError as error:
                where = f"projection {cable.projection.source} -> {cable.projection.target}"
                raise InvalidInputError(f"{where}: {error}") from None
            plastic_paths.append(path)
        if short_term is not None:
            resource_of[path] = len(state)
            state.append(resources(short_term, engine.n_senders, dt_ms=dt_ms))
    paths_with = np.array(plastic_paths, np.int64)
    return wiring, Dynamics(tuple(plastic), paths_with, tuple(state), resource_of)


def _on_threads(kernel, n_threads: int, work: tuple) -> int:
    """Call `kernel` once for each part, on a thread each; return the ticks done."""
    threads = [Thread(target=kernel, args=(part, *work)) for part in range(1, n_threads)]
    for thread in threads:
        thread.start()
    done = kernel(0, *work)
    for thread in threads:
        thread.join()
    return done
