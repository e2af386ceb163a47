"""What a simulated network did, told in a report."""

from collections.abc import Callable, Mapping

import numpy as np

from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.simulate import Activity
from spikeloop.viz import KeyNumber, Report, ReportFigure, ReportTable, Section
from spikeloop.viz.network import (
    CurvePanel,
    Panel,
    RasterPanel,
    VoltagePanel,
    plot_distributions,
    plot_panels,
)
from spikeloop.viz.style import count_noun
from spikeloop.workflows.job import Job
from spikeloop.workflows.network_plans import RECEPTORS, Plan
from spikeloop.workflows.network_settings import (
    CobaConfig,
    NetworkConfig,
    NetworkSettings,
    PopulationConfig,
    StepConfig,
    SynapsesConfig,
)
from spikeloop.workflows.spike_statistics import (
    after,
    interval_variation,
    intervals_s,
    pair_correlations,
    population_rate_hz,
)

_BIN_S = 0.005


def network_report(plan: Plan, config: NetworkSettings, activity: Activity, job: Job) -> Report:
    """Return the report of one run."""
    sections = [*_CHAPTERS[type(config)](plan, config, activity), _description(plan)]
    return Report(
        plan.title,
        sections,
        subtitle="simulated by spikeloop",
        key_numbers=[*_rates(plan, activity), *_speed(plan, activity)],
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _step(plan: Plan, config: StepConfig, activity: Activity) -> list[Section]:
    panels = [
        _voltage(activity),
        CurvePanel({"u": activity.trace("cell", "u")}, "recovery u"),
        CurvePanel({"I": activity.trace("cell", "current")}, "current I"),
    ]
    words = (
        "The potential v and the recovery variable u of Izhikevich's neuron while a current is "
        "injected. Each spike is drawn to its peak; it resets v and raises u, which delays the "
        "next."
    )
    return [Section("What it did", "", [_over_time(plan, panels, words, "step of current")])]


def _synapses(plan: Plan, config: SynapsesConfig, activity: Activity) -> list[Section]:
    conductance = activity.trace("cell", "ampa")
    current = _current(activity, "cell", "ampa", config.reversal_mV)
    panels = [
        RasterPanel(activity.inputs, "input"),
        CurvePanel({"g": conductance}, "conductance g"),
        CurvePanel({"I": current}, "current I"),
        _voltage(activity),
    ]
    words = (
        "Each spike of an input raises the conductance of the neuron, which decays. The current is "
        f"the conductance times the distance of the potential from {config.reversal_mV:g} mV, so "
        "it falls to nearly nothing as a spike passes."
    )
    return [Section("What it did", "", [_over_time(plan, panels, words)])]


def _population(plan: Plan, config: PopulationConfig, activity: Activity) -> list[Section]:
    receptors = RECEPTORS[:1]
    return [_activity(plan, activity, receptors)]


def _network(plan: Plan, config: NetworkConfig, activity: Activity) -> list[Section]:
    spikes = activity.spikes
    values_s, unit = intervals_s(spikes)
    scores = {
        "rate (Hz)": _by_population(spikes, spikes.rates_hz()),
        "log interval (ms)": _by_population(spikes, 1e3 * values_s, unit),
        "CV of intervals": _by_population(spikes, interval_variation(spikes)),
    }
    words = (
        "Firing rates over the whole run; the intervals between the spikes of a unit, over a "
        "logarithmic axis; and how much they vary (units with 5 spikes or more): 0 for a clock, 1 "
        "for a Poisson process."
    )
    figure = ReportFigure("Regularity", plot_distributions(scores), words)
    return [_activity(plan, activity, RECEPTORS), Section("How it fired", "", [figure])]


def _coba(plan: Plan, config: CobaConfig, activity: Activity) -> list[Section]:
    spikes = after(activity.spikes, config.settle_s)
    values_s, unit = intervals_s(spikes)
    together = pair_correlations(spikes, seed=config.seed)
    first = {
        "rate (Hz)": _by_population(spikes, spikes.rates_hz()),
        "log interval (ms)": _by_population(spikes, 1e3 * values_s, unit),
    }
    second = {
        "CV of intervals": _by_population(spikes, interval_variation(spikes)),
        "correlation of pairs": {"all": together},
    }
    words = (
        f"All but the first {config.settle_s:g} s. Firing rates; and the intervals between the "
        "spikes of a unit, over a logarithmic axis."
    )
    more = (
        "How much the intervals of a unit vary (5 spikes or more): 0 for a clock, 1 for a Poisson "
        "process. How alike the counts of two units are, in bins of 5 ms, for the pairs of 200 "
        "units drawn at random."
    )
    figures = [
        ReportFigure("How often", plot_distributions(first), words),
        ReportFigure("How regularly, and how much together", plot_distributions(second), more),
    ]
    return [_activity(plan, activity, RECEPTORS), Section("How it fired", "", figures)]


_CHAPTERS: dict[type, Callable] = {
    StepConfig: _step,
    SynapsesConfig: _synapses,
    PopulationConfig: _population,
    NetworkConfig: _network,
    CobaConfig: _coba,
}


def _activity(plan: Plan, activity: Activity, receptors: tuple[str, ...]) -> Section:
    """Return spikes, rates and the means of what was recorded, over time."""
    names = [part.name for part in plan.network.populations]
    panels: list[Panel] = [RasterPanel(activity.spikes)]
    panels.append(CurvePanel({name: _rate(activity, name) for name in names}, "rate (Hz)"))
    if plan.network.sources:
        panels.append(CurvePanel({"inputs": _rate(activity, "inputs")}, "input (Hz)"))
    figures = [_over_time(plan, panels, _RASTER_WORDS)]
    panels = _means(plan, activity, receptors)
    n_recorded = ", ".join(
        f"{activity.trace(name, 'v').values.shape[1]} of {plan.network.population(name).size} "
        f"{name}"
        for name in names
    )
    words = (
        "Mean conductance g and mean current I = g (E − v) of the synapses that end in each "
        f"population, over the recorded units: {n_recorded}."
    )
    figures.append(_over_time(plan, panels, words, name="Mean conductance and current"))
    return Section("What it did", "", figures)


_RASTER_WORDS = (
    "Above, each dot is a spike, with excitatory units black and inhibitory ones red. Below, "
    "spikes per second and unit, in bins of 5 ms."
)


def _means(plan: Plan, activity: Activity, receptors: tuple[str, ...]) -> list[Panel]:
    """Return the mean conductances and currents: a panel of each for each population."""
    names = [part.name for part in plan.network.populations]
    g = {(n, r): _mean(activity.trace(n, r)) for n in names for r in receptors}
    i = {(n, r): _mean(_synaptic(plan, activity, n, r)) for n in names for r in receptors}
    g_label, i_label = ("g" + plan.units[0], "I" + plan.units[1])
    if len(receptors) == 1:
        return [
            CurvePanel({name: curves[name, receptors[0]] for name in names}, label)
            for curves, label in ((g, g_label), (i, i_label))
        ]
    panels: list[Panel] = []
    for name in names:
        currents = {r: i[name, r] for r in receptors}
        total = sum(series.values for series in currents.values())
        currents["sum"] = TimeSeries(total, activity.trace(name, "v").sample_rate_hz)
        panels.append(CurvePanel({r: g[name, r] for r in receptors}, f"{name}\n{g_label}"))
        panels.append(CurvePanel(currents, f"{name}\n{i_label}"))
    return panels


def _over_time(
    plan: Plan,
    panels: list[Panel],
    words: str,
    shaded: str = "input",
    name: str = "Activity over time",
) -> ReportFigure:
    figure = plot_panels(panels, shaded_s=plan.driven_s, shaded_label=shaded)
    return ReportFigure(name, figure, words)


def _voltage(activity: Activity) -> VoltagePanel:
    return VoltagePanel(activity.trace("cell", "v"), activity.of("cell").times_s)


def _rate(activity: Activity, name: str) -> TimeSeries:
    return TimeSeries(population_rate_hz(activity.of(name), _BIN_S)[:, None], 1 / _BIN_S)


def _mean(series: TimeSeries) -> TimeSeries:
    return TimeSeries(series.values.mean(axis=1, keepdims=True), series.sample_rate_hz)


def _synaptic(plan: Plan, activity: Activity, population: str, receptor: str) -> TimeSeries:
    reversal = plan.network.population(population).receptors[receptor].reversal
    return _current(activity, population, receptor, reversal)


def _current(activity: Activity, population: str, receptor: str, reversal: float) -> TimeSeries:
    g, v = activity.trace(population, receptor), activity.trace(population, "v")
    return TimeSeries(g.values * (reversal - v.values), g.sample_rate_hz)


def _by_population(
    spikes: SpikeTrains, values: np.ndarray, unit: np.ndarray | None = None
) -> Mapping[str, np.ndarray]:
    """Return (value,) for each population; `unit` says of which unit each value is."""
    names = spikes.unit_table["population"]
    owner = names if unit is None else names[unit]
    return {name: values[owner == name] for name in dict.fromkeys(names.tolist())}


def _rates(plan: Plan, activity: Activity) -> list[KeyNumber]:
    """Return how often each population fired, while its input was on if it has one."""
    start_s, stop_s = plan.driven_s or (plan.settle_s, plan.method.duration_s)
    when = "over the whole run" if not plan.settle_s else f"after the first {plan.settle_s:g} s"
    when = "while the input is on" if plan.driven_s else when
    numbers = []
    for part in plan.network.populations:
        times_s = activity.of(part.name).times_s
        inside = np.sum((times_s >= start_s) & (times_s < stop_s))
        rate_hz = float(inside / (part.size * (stop_s - start_s)))
        numbers.append(KeyNumber(f"rate, {part.name}", rate_hz, f"spikes per second, {when}"))
    return numbers


def _speed(plan: Plan, activity: Activity) -> list[KeyNumber]:
    run_s, build_s = activity.timings_s["run"], activity.timings_s["build"]
    n_units = count_noun(plan.network.n_neurons, "unit")
    done = activity.status == "done"
    factor = run_s / plan.method.duration_s if done else float("nan")
    return [
        KeyNumber("spikes", len(activity.spikes.times_s), f"of {n_units}"),
        KeyNumber("real-time factor", factor, f"{1e3 * run_s:.3g} ms of work, recording included"),
        KeyNumber("time to build (s)", build_s, "compiling not counted"),
    ]


def _description(plan: Plan) -> Section:
    network = plan.network
    parts = [
        (part.name, part.size, type(part.neuron).__name__, ", ".join(part.receptors) or "–")
        for part in network.populations
    ]
    parts += [(part.name, part.size, type(part.spikes).__name__, "–") for part in network.sources]
    tables = [ReportTable("Populations", ["name", "size", "kind", "receptors"], parts)]
    if network.projections:
        rows = [
            (p.source, p.target, p.receptor, str(p.connect), str(p.weight))
            for p in network.projections
        ]
        columns = ["from", "to", "receptor", "connections", "weight"]
        tables.append(ReportTable("Projections", columns, rows, "Delays are one tick."))
    text = f"{plan.method.n_ticks:,} ticks of {plan.method.dt_ms:g} ms."
    return Section("What was simulated", text, [], tables)
