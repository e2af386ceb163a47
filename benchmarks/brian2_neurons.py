"""Single neurons, by spikeloop and by Brian2's numpy target in float64, from the same equations.

How the two count time, which each case checks:

* a spike of Brian2 has the time at which its tick starts, as in spikeloop;
* Brian2 delivers a spike without delay at the end of its tick, so that it acts in the next one: a
  delay d of spikeloop is a delay d - dt of Brian2, and one tick is none;
* Brian2 counts the refractory time from the start of the tick of the spike, spikeloop from its end,
  when the potential is reset: a time r of spikeloop is r + dt of Brian2.

The last ticks before a spike are left out where the neuron is one whose potential explodes: so does
its rounding to 24 bits. That nothing else differs there, `run_in_double` shows: the same functions,
in float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.neurons import (
    LIF,
    AdEx,
    Alpha,
    Exponential,
    Inputs,
    Izhikevich,
    NeuronModel,
    Receptor,
)
from spikeloop.simulate import (
    Given,
    Grid,
    Network,
    Population,
    Projection,
    Record,
    Simulation,
    Source,
    Step,
    simulate_network,
)
from spikeloop.simulate.networks.connectivity import OneToOne

N_CELLS, DURATION_S, INPUTS_HZ = 8, 0.3, 200.0
STEP_MS = (50.0, 270.0)

LEAKY = "dv/dt = (v_rest - v + resistance * ({drive})) / (tau_ms * ms) : 1 (unless refractory)"
QUADRATIC = """
dv/dt = (0.04 * v**2 + 5 * v + 140 - u + {drive}) / ms : 1
du/dt = a * (b * v - u) / ms : 1
"""
ADAPTIVE = """
dv/dt = (leak_nS * (v_rest - v + slope_mV * exp((v - v_threshold) / slope_mV)) - w + {drive})
        / capacitance_pF / ms : 1 (unless refractory)
dw/dt = (a * (v - v_rest) - w) / (tau_adaptation_ms * ms) : 1
"""


@dataclass(frozen=True)
class Case:
    """A neuron, what drives it, and Brian2's words for the same."""

    neuron: NeuronModel
    equations: str
    """With the parameters of the neuron by their names, and ``{drive}`` for its input."""
    threshold: str
    reset: str
    method: str
    """Of Brian2's integration."""
    currents: tuple[float, float]
    """The steps of current of the first and of the last cell."""
    receptors: Mapping[str, tuple[Receptor, float]] = field(default_factory=dict)
    """Receptors, and the weight of their inputs."""
    dt_ms: float = 0.1
    delay_ms: float = 1.5
    """Of the inputs."""
    upswing_ticks: int = 0
    """How many ticks of the potential are left out before a spike."""

    def amplitudes(self) -> np.ndarray:
        """Return the step of current of each cell."""
        return np.linspace(*self.currents, N_CELLS)


@dataclass(frozen=True)
class Traces:
    """What the neurons of a case did."""

    values: dict[str, np.ndarray]
    """State variable -> (tick, cell) at the start of each tick."""
    ticks: list[np.ndarray]
    """For each cell, the ticks of its spikes."""

    def farthest(self, other: "Traces", upswing_ticks: int = 0) -> float:
        """Return the largest difference of a variable, as a share of its range."""
        compared = np.ones_like(self.values["v"], dtype=bool)
        for cell, ticks in enumerate(self.ticks):
            for before in range(upswing_ticks):
                compared[np.maximum(ticks - before, 0), cell] = False
        return max(
            float(np.abs(self.values[name] - values)[compared].max() / np.ptp(values))
            for name, values in other.values.items()
        )

    def same_spikes(self, other: "Traces") -> bool:
        """Return whether all cells fire in the same ticks."""
        return all(map(np.array_equal, self.ticks, other.ticks))


def _leaky(integrator: str, currents=(14.0, 40.0), **changed) -> Case:
    cell = LIF(integrator=integrator, refractory_ms=2.0, resistance=changed.pop("resistance", 1.0))
    return Case(cell, LEAKY, "v >= v_threshold", "v = v_reset", integrator, currents, **changed)


def _conductances(kind: type, integrator: str) -> Case:
    decay = {"integrator": "euler"} if integrator == "euler" else {}
    receptors = {
        "ampa": (kind(5.0, reversal=0.0, **decay), 4.0),
        "gaba": (kind(10.0, reversal=-80.0, **decay), 8.0),
    }
    return _leaky(integrator, (0.0, 300.0), resistance=0.1, receptors=receptors)


def _izhikevich(**receptors: tuple[Receptor, float]) -> Case:
    return Case(
        Izhikevich(),
        QUADRATIC,
        "v >= v_peak",
        "v = c; u += d",
        "euler",
        (0.0, 12.0),
        receptors,
        dt_ms=0.5,
        upswing_ticks=2,
    )


CASES = {
    "leaky, Euler": _leaky("euler"),
    "leaky, exponential Euler": _leaky("exponential_euler"),
    "leaky, exponential conductances, Euler": _conductances(Exponential, "euler"),
    "leaky, exponential conductances": _conductances(Exponential, "exponential_euler"),
    "leaky, alpha conductances": _conductances(Alpha, "exponential_euler"),
    "leaky, exponential currents": _leaky(
        "exponential_euler", (10.0, 20.0), receptors={"fast": (Exponential(3.0), 6.0)}
    ),
    "leaky, alpha currents": _leaky(
        "exponential_euler", (10.0, 20.0), receptors={"slow": (Alpha(6.0), 3.0)}, delay_ms=0.1
    ),
    "Izhikevich": _izhikevich(),
    "Izhikevich, exponential conductance": _izhikevich(
        ampa=(Exponential(10.0, reversal=0.0, integrator="euler"), 0.02)
    ),
    "adaptive exponential": Case(
        AdEx.adapting(),
        ADAPTIVE,
        "v >= v_peak",
        "v = v_reset; w += b",
        "euler",
        (150.0, 700.0),
        upswing_ticks=5,
    ),
}


def inputs(case: Case) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return, for each receptor, the ticks and the cells of its input spikes."""
    rng = np.random.default_rng(0)
    n_ticks = round(DURATION_S * 1000 / case.dt_ms)
    found = {}
    for name in case.receptors:
        fires = rng.random((n_ticks, N_CELLS)) < INPUTS_HZ * case.dt_ms / 1000
        found[name] = np.nonzero(fires)
    return found


def run_ours(case: Case, engine: str = "event") -> Traces:
    """Run a case by spikeloop."""
    receptors = {name: receptor for name, (receptor, _) in case.receptors.items()}
    current = Step(case.amplitudes(), *STEP_MS)
    cells = Population("cells", N_CELLS, case.neuron, receptors, current)
    sources, projections = [], []
    for name, (ticks, cell) in inputs(case).items():
        times_s = ticks * case.dt_ms / 1000
        trains = SpikeTrains(times_s, cell, np.arange(N_CELLS), Epochs([0.0], [DURATION_S]))
        sources.append(Source(f"to {name}", N_CELLS, Given(trains)))
        weight = case.receptors[name][1]
        projections.append(
            Projection(f"to {name}", "cells", name, OneToOne(), weight, case.delay_ms)
        )
    state = case.neuron.neuron().state
    record = [Record("cells", name) for name in state]
    method = Simulation(DURATION_S, case.dt_ms, record, engine=engine)
    activity = simulate_network(Network([cells], projections, sources), method, seed=0)
    ticks = np.rint(activity.spikes.times_s * 1000 / case.dt_ms).astype(int)
    return Traces(
        {name: activity.trace("cells", name).values for name in state},
        [ticks[activity.spikes.unit_index == cell] for cell in range(N_CELLS)],
    )


def run_in_double(case: Case) -> Traces:
    """Run the functions of a neuron that has no receptors as they are, in float64."""
    import jax
    import jax.numpy as jnp

    neuron = case.neuron.neuron()
    n_ticks = round(DURATION_S * 1000 / case.dt_ms)
    fired = np.zeros((n_ticks, N_CELLS), bool)
    values = np.zeros((len(neuron.state), *fired.shape))

    @jax.jit
    def advance(state, amplitude):
        p = SimpleNamespace(**neuron.parameters)
        after = neuron.step(state, Inputs(amplitude, 0.0, 0.5), p, case.dt_ms)
        spikes = neuron.spiked(after, p)
        back = neuron.reset(after, p)
        return tuple(jnp.where(spikes, x, y) for x, y in zip(back, after, strict=True)), spikes

    with jax.enable_x64(True):
        state = tuple(jnp.full(N_CELLS, value, float) for value in neuron.state.values())
        current = Step(case.amplitudes(), *STEP_MS)
        amplitudes = current.on_ticks(np.arange(n_ticks), Grid(n_ticks, case.dt_ms))
        for tick, amplitude in enumerate(amplitudes):
            values[:, tick] = state
            state, fired[tick] = advance(state, amplitude)
    traces = dict(zip(neuron.state, values, strict=True))
    return Traces(traces, [np.flatnonzero(cell) for cell in fired.T])


def run_theirs(case: Case) -> Traces:
    """Run a case by Brian2's numpy target."""
    import brian2
    from brian2 import ms

    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = case.dt_ms * ms
    receiver = _receiver(case)
    cells = _cells(case, receiver)
    synapses = []
    for name, (ticks, cell) in inputs(case).items():
        source = brian2.SpikeGeneratorGroup(N_CELLS, cell, ticks * case.dt_ms * ms)
        row = f"{name}_row" if isinstance(case.receptors[name][0], Alpha) else name
        synapse = brian2.Synapses(source, receiver, on_pre=f"{row} += {case.receptors[name][1]}")
        synapse.connect(j="i")
        synapse.delay = (case.delay_ms - case.dt_ms) * ms
        synapses += [source, synapse]
    spikes = brian2.SpikeMonitor(cells)
    state = list(case.neuron.neuron().state)
    traces = brian2.StateMonitor(cells, state, record=True)
    brian2.Network(cells, receiver, synapses, spikes, traces).run(DURATION_S * brian2.second)
    times_ms = spikes.spike_trains()
    return Traces(
        {name: np.asarray(getattr(traces, name)).T for name in state},
        [np.rint(times_ms[cell] / ms / case.dt_ms).astype(int) for cell in range(N_CELLS)],
    )


def _receiver(case: Case):
    """Return the group that spikes reach: it decays after the cells have seen it."""
    import brian2

    lines = ["nothing : 1"]
    for name, (receptor, _) in case.receptors.items():
        tau = f"({receptor.tau_ms} * ms)"
        if isinstance(receptor, Alpha):
            lines.append(f"d{name}/dt = (exp(1) * {name}_row - {name}) / {tau} : 1")
            lines.append(f"d{name}_row/dt = -{name}_row / {tau} : 1")
        else:
            lines.append(f"d{name}/dt = -{name} / {tau} : 1")
    method = "euler" if case.method == "euler" else "exact"
    return brian2.NeuronGroup(N_CELLS, "\n".join(lines), method=method, order=1)


def _cells(case: Case, receiver):
    import brian2

    neuron = case.neuron.neuron()
    start_ms, stop_ms = (time_ms - case.dt_ms / 2 for time_ms in STEP_MS)
    drive = f"amplitude * int(t > {start_ms} * ms) * int(t < {stop_ms} * ms)"
    equations = case.equations + "\namplitude : 1 (constant)\n"
    for name, (receptor, _) in case.receptors.items():
        drive += f" + {name}"
        drive += f" * ({receptor.reversal} - v)" if receptor.is_conductance else ""
        equations += f"{name} : 1 (linked)\n"
    refractory_ms = neuron.refractory_ms + case.dt_ms if neuron.refractory_ms else 0.0
    cells = brian2.NeuronGroup(
        N_CELLS,
        equations.format(drive=drive),
        threshold=case.threshold,
        reset=case.reset,
        refractory=refractory_ms * brian2.ms,
        method=case.method,
        namespace=dict(neuron.parameters),
    )
    cells.amplitude = case.amplitudes()
    for name, value in neuron.state.items():
        setattr(cells, name, value)
    for name in case.receptors:
        setattr(cells, name, brian2.linked_var(receiver, name))
    return cells
