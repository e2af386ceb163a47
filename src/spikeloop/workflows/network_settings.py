"""What the simulated networks of ``spikeloop simulate`` can be set to.

Only settings, so that the command line can tell them without loading what simulates.
"""

from dataclasses import dataclass
from typing import Literal

from spikeloop.data.checks import require, require_seed


@dataclass(frozen=True)
class RunSettings:
    """How long, in which steps, and from which random numbers."""

    duration_s: float = 1.0
    """How long, in the time of the network."""
    dt_ms: float = 0.5
    """Duration of a tick."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require_seed(self.seed)


@dataclass(frozen=True)
class DrivenSettings(RunSettings):
    """A run in which something is switched on and off."""

    start_ms: float = 200.0
    """When the input begins."""
    stop_ms: float = 700.0
    """When the input is over."""

    @property
    def driven_s(self) -> tuple[float, float]:
        """When the input is on, within the run."""
        return self.start_ms / 1000, min(self.stop_ms / 1000, self.duration_s)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            0 <= self.start_ms < min(self.stop_ms, 1000 * self.duration_s),
            f"start_ms={self.start_ms}, stop_ms={self.stop_ms}, duration_s={self.duration_s}: the "
            "input must start at 0 or later, before it stops and before the run is over.",
        )


@dataclass(frozen=True)
class StepConfig(DrivenSettings):
    """One Izhikevich neuron, and a step of current."""

    current: float = 7.0
    """Injected from start to stop."""
    a: float = 0.02
    """Rate of recovery of the neuron, per ms."""
    b: float = 0.2
    """How strongly recovery follows the potential."""
    c: float = -65.0
    """Potential after a spike, in mV."""
    d: float = 8.0
    """What a spike adds to the recovery variable."""


@dataclass(frozen=True)
class SynapsesConfig(DrivenSettings):
    """One Izhikevich neuron, and synapses from Poisson inputs."""

    n_inputs: int = 100
    """How many inputs, each with one synapse."""
    rate_hz: float = 2.0
    """Spikes per second of each input, from start to stop."""
    weight: float = 0.07
    """What a spike adds to the conductance."""
    tau_ms: float = 10.0
    """Time constant with which the conductance decays."""
    reversal_mV: float = 0.0
    """Reversal potential of the synapses."""


@dataclass(frozen=True)
class PopulationConfig(DrivenSettings):
    """Izhikevich neurons, 4 of 5 excitatory, that hear some of the same Poisson inputs."""

    n_units: int = 1000
    """How many neurons."""
    n_inputs: int = 100
    """How many inputs."""
    rate_hz: float = 2.0
    """Spikes per second of each input, from start to stop."""
    probability: float = 0.1
    """Of each pair to be connected."""
    n_recorded: int = 200
    """Of how many neurons of each population the state is recorded, for the means over time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_network(self.n_units, self.n_recorded)


@dataclass(frozen=True)
class NetworkConfig(PopulationConfig):
    """The same neurons, connected to each other too."""


@dataclass(frozen=True)
class CobaConfig(RunSettings):
    """The network of Vogels and Abbott, which keeps itself awake without input."""

    duration_s: float = 3.0
    """How long, in the time of the network."""
    dt_ms: float = 0.1
    """Duration of a tick."""
    n_units: int = 4000
    """How many neurons, 4 of 5 excitatory."""
    synapses_per_unit: float = 80.0
    """How many synapses a neuron receives on average."""
    integrator: Literal["euler", "exponential_euler"] = "exponential_euler"
    """Of potential and conductances."""
    settle_s: float = 0.2
    """The start that rates and correlations leave out."""
    n_recorded: int = 50
    """Of how many neurons of each population the state is recorded, for the means over time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_network(self.n_units, self.n_recorded)
        require(
            0 <= self.settle_s < self.duration_s,
            f"settle_s={self.settle_s}: it must be 0 or more, and below duration_s="
            f"{self.duration_s}.",
        )


NetworkSettings = StepConfig | SynapsesConfig | PopulationConfig | NetworkConfig | CobaConfig


def _require_network(n_units: int, n_recorded: int) -> None:
    require(n_units >= 10, f"n_units={n_units}: give 10 or more, so that both kinds are there.")
    require(n_recorded >= 1, f"n_recorded={n_recorded}: give 1 or more.")
