"""What ``spikeloop simulate recording`` can be set to: only settings, quick to load."""

from dataclasses import dataclass, field
from typing import Literal

from spikeloop.data.checks import require
from spikeloop.simulate import RecordingConfig, VirtualCortex
from spikeloop.workflows.network_settings import NetworkConfig


@dataclass(frozen=True)
class RecordingJob(RecordingConfig):
    """A recording to make, and whose spikes it holds."""

    source: Literal["chance", "cortex", "network"] = "chance"
    """Whose spikes are recorded. chance: units that fire on their own; cortex: a virtual visual
    cortex that watches images; network: units of a recurrent network. The cortex says how many
    units there are; it and the network say how long the recording lasts."""
    cortex: VirtualCortex = field(
        default_factory=lambda: VirtualCortex(
            n_simple=12, n_complex=6, n_images=60, n_repeats=4, pause_s=2.0
        )
    )
    """The cortex, and what it is shown."""
    cortex_spiking: Literal["poisson", "lif"] = "poisson"
    """How the units of the cortex fire: at random at their rates, or as leaky integrate-and-fire
    neurons whose current gives them these rates."""
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(duration_s=1.0))
    """The network, of which ``units.n_units`` units are recorded. Its own seed decides it."""
    gain_uV: float = 0.195
    """One step of the int16 numbers of the file."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, f"seed={self.seed}: it must lie in 0..2^63 - 1.")
        require(self.gain_uV > 0, f"gain_uV={self.gain_uV}: it must be above 0.")
