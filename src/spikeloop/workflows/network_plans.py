"""From settings to a network, and to what is recorded of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from spikeloop.neurons import Exponential, Izhikevich
from spikeloop.simulate import (
    AllToAll,
    Network,
    Poisson,
    Population,
    Projection,
    Record,
    Simulation,
    Source,
    Step,
)
from spikeloop.simulate.networks.benchmark_networks import coba, izhikevich_network
from spikeloop.workflows.network_settings import (
    CobaConfig,
    DrivenSettings,
    NetworkConfig,
    NetworkSettings,
    PopulationConfig,
    StepConfig,
    SynapsesConfig,
)

RECEPTORS = ("ampa", "gaba")
"""Excitatory and inhibitory, as the networks with many units call them."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A network to simulate, how, and what to call it."""

    title: str
    network: Network
    method: Simulation
    driven_s: tuple[float, float] | None = None
    """When its input is on; None where there is no input."""
    settle_s: float = 0.0
    """The start that rates leave out."""
    units: tuple[str, str] = ("", "")
    """Of conductance and current; empty where they have no dimension."""


def plan_of(config: NetworkSettings) -> Plan:
    """Return what the settings of a subcommand of ``spikeloop simulate`` ask for."""
    return _PLANS[type(config)](config)


def _step(config: StepConfig) -> Plan:
    step = Step(config.current, start_ms=config.start_ms, stop_ms=config.stop_ms)
    rest_mV = Izhikevich.v_start
    neuron = Izhikevich(config.a, config.b, config.c, config.d, u_start=config.b * rest_mV)
    network = Network([Population("cell", 1, neuron, current=step)])
    records = [Record("cell", name) for name in ("v", "u", "current")]
    return _plan("One neuron and a step of current", network, config, records)


def _synapses(config: SynapsesConfig) -> Plan:
    receptor = Exponential(config.tau_ms, config.reversal_mV, "euler")
    network = Network(
        [Population("cell", 1, Izhikevich(), {"ampa": receptor})],
        [Projection("inputs", "cell", "ampa", AllToAll(), config.weight)],
        [_inputs(config)],
    )
    records = [Record("cell", name) for name in ("v", "ampa")]
    return _plan("One neuron and its synapses", network, config, records)


def _population(config: PopulationConfig) -> Plan:
    network = _izhikevich(config, recurrent=False)
    return _plan("Neurons that share their inputs", network, config, _records(config, network))


def _network(config: NetworkConfig) -> Plan:
    network = _izhikevich(config, recurrent=True)
    return _plan("A recurrent network", network, config, _records(config, network))


def _coba(config: CobaConfig) -> Plan:
    network = coba(
        config.n_units,
        synapses_per_neuron=config.synapses_per_unit,
        integrator=config.integrator,
    )
    plan = _plan("A network that keeps itself awake", network, config, _records(config, network))
    return replace(plan, units=(" (nS)", " (pA)"), settle_s=config.settle_s)


_PLANS: dict[type, Callable] = {
    StepConfig: _step,
    SynapsesConfig: _synapses,
    PopulationConfig: _population,
    NetworkConfig: _network,
    CobaConfig: _coba,
}


def _plan(title: str, network: Network, config: NetworkSettings, records: list[Record]) -> Plan:
    method = Simulation(config.duration_s, config.dt_ms, records, progress=True)
    driven_s = config.driven_s if isinstance(config, DrivenSettings) else None
    return Plan(title, network, method, driven_s)


def _izhikevich(config: PopulationConfig, *, recurrent: bool) -> Network:
    network = izhikevich_network(
        config.n_units,
        n_inputs=config.n_inputs,
        probability=config.probability,
        recurrent=recurrent,
    )
    return replace(network, sources=[_inputs(config)])


def _inputs(config: SynapsesConfig | PopulationConfig) -> Source:
    rate_hz = Step(config.rate_hz, start_ms=config.start_ms, stop_ms=config.stop_ms)
    return Source("inputs", config.n_inputs, Poisson(rate_hz))


def _records(config: PopulationConfig | CobaConfig, network: Network) -> list[Record]:
    return [
        Record(part.name, name, range(min(config.n_recorded, part.size)))
        for part in network.populations
        for name in ("v", *RECEPTORS)
    ]
