"""A network stepped in the plainest way: the truth that the engines are held against."""

import numpy as np

from spikeloop.neurons import Exponential, Inputs
from spikeloop.neurons.receptors import Alpha
from spikeloop.simulate.event_engine.wiring import cables
from spikeloop.simulate.networks.signals import Grid, on_grid


def reference_spikes(engine, n_ticks, *, seed):
    """Return (ticks, senders) of a prepared `EventEngine`'s network, in the order of its log.

    One NumPy array per variable and population, a list of spikes per tick, and a loop over
    synapses. Only what was drawn (weights, partners, sources, starts) comes from the engine.
    """
    dt_ms = np.float32(engine.method.dt_ms)
    cells = [
        _Cells(engine, g, member) for g, grp in enumerate(engine.groups) for member in grp.members
    ]
    drawn = _in_order(
        cables(engine.network, engine.groups, engine.memory, engine.method.dt_ms, seed=seed)
    )
    history = []
    ticks, senders = [], []
    events = engine.events
    for tick in range(n_ticks):
        for cable in drawn:
            _arrive(cable, cells, history, tick)
        fired = []
        for cell in cells:
            fired += [cell.first + i for i in cell.step(tick, dt_ms)]
        fired += events.sources[events.ticks == tick].tolist()
        history.append(fired)
        ticks += [tick] * len(fired)
        senders += fired
    return np.array(ticks), np.array(senders)


class _Cells:
    """One population."""

    def __init__(self, engine, g, member):
        group, population = engine.groups[g], member.population
        self.neuron, self.first, self.size = member.neuron, member.first, population.size
        offset = member.first - group.first
        own = slice(offset, offset + population.size)
        flat = engine.memory.flat

        def column(name):
            if (g, name) in engine.memory.places:
                return engine.memory.column(flat, g, name, group.size)[own].copy()
            values = engine.constants[g][name]
            return values[own] if np.ndim(values) else values

        names = list(self.neuron.parameters)
        self.parameters = _named({name: column(f"parameter {name}") for name in names})
        self.state = tuple(column(f"state {name}") for name in self.neuron.state)
        self.receptors = list(population.receptors.values())
        self.rows = [column(f"receptor {k} row") for k in range(len(self.receptors))]
        self.alphas = [
            column(f"receptor {k} response") if isinstance(receptor, Alpha) else None
            for k, receptor in enumerate(self.receptors)
        ]
        grid = Grid(engine.method.n_ticks, engine.method.dt_ms)
        self.current = on_grid("current", population.current, grid, population.size)
        self.places = [
            engine.memory.places[g, f"receptor {k} row"] + offset for k in range(len(self.rows))
        ]
        self.free = np.zeros(self.size, int)
        self.held = group.refractory_ticks

    def step(self, tick, dt_ms):
        current, conductance, jump = self._receive(dt_ms)
        injected = self.current[min(tick, len(self.current) - 1)]
        inputs = Inputs(current + injected, conductance, np.float32(0))
        after = list(self.neuron.step(self.state, inputs, self.parameters, dt_ms))
        awake = tick >= self.free
        after[0] = np.where(awake, after[0] + jump, self.state[0])
        tested = self.state if self.neuron.spike_lag else after
        fired = self.neuron.spiked(tested, self.parameters) & awake
        reset = self.neuron.reset(tuple(after), self.parameters)
        self.state = tuple(
            np.where(fired, r, a).astype(np.float32) for r, a in zip(reset, after, strict=True)
        )
        self.free[fired] = tick + 1 + self.held
        return np.flatnonzero(fired)

    def _receive(self, dt_ms):
        zero = np.zeros(self.size, np.float32)
        totals = None
        for k, receptor in enumerate(self.receptors):
            row, alpha = self.rows[k], self.alphas[k]
            if isinstance(receptor, Exponential):
                response = row
                self.rows[k] = row * np.float32(receptor.decay(float(dt_ms)))
            elif isinstance(receptor, Alpha):
                response = alpha
                decay = np.float32(np.exp(-float(dt_ms) / receptor.tau_ms))
                rise = np.float32(np.e * float(dt_ms) / receptor.tau_ms)
                self.alphas[k] = (alpha + rise * row) * decay
                self.rows[k] = row * decay
            else:
                part = (zero, zero, row)
                self.rows[k] = zero.copy()
            if isinstance(receptor, Exponential | Alpha):
                reversal = receptor.reversal
                part = (response, zero, zero)
                if reversal is not None:
                    part = (response * np.float32(reversal), response, zero)
            totals = [*(totals or []), part]
        while len(totals or []) > 1:  # the engine adds the last two first
            last, before = totals.pop(), totals.pop()
            totals.append(tuple(b + a for b, a in zip(before, last, strict=True)))
        return totals[0] if totals else (zero, zero, zero)


def _arrive(cable, cells, history, tick):
    target = next(c for c in cells if any(p == cable.place for p in c.places))
    row = target.rows[target.places.index(cable.place)]
    synapses = cable.synapses
    weights = np.broadcast_to(cable.weights, len(synapses.targets))
    delays = np.broadcast_to(cable.delay_ticks, len(synapses.targets))
    for delay in np.unique(delays).tolist():
        if delay > tick:
            continue
        for sender in history[tick - delay]:
            source = sender - cable.first_source
            if 0 <= source < len(synapses.indptr) - 1:
                for s in range(synapses.indptr[source], synapses.indptr[source + 1]):
                    if delays[s] == delay:
                        row[synapses.targets[s]] += weights[s]


def _in_order(cables):
    """Return cables in the order of delivery: individual delays first, then shared ones."""
    own = [cable for cable in cables if cable.delay_ticks.ndim]
    shared = [cable for cable in cables if not cable.delay_ticks.ndim]
    return own + sorted(shared, key=lambda cable: int(cable.delay_ticks))


def _named(values):
    return type("Parameters", (), values)()
