"""What ``spikeloop simulate recording`` can be set to: only settings, quick to load."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from spikeloop.data.checks import require, require_seed
from spikeloop.simulate import RecordingConfig, VirtualCortex
from spikeloop.workflows.network_settings import NetworkConfig

_NETWORK_S = 1.0  # what a network lasts if nothing is said


@dataclass(frozen=True)
class RecordingJob(RecordingConfig):
    """A recording to make, and whose spikes it holds."""

    duration_s: float | None = None
    """How long the recording lasts; None: 60 s, or as long as the cortex or the network does."""
    source: Literal["chance", "cortex", "network"] = "chance"
    """Whose spikes are recorded. chance: units that fire on their own; cortex: a virtual visual
    cortex that watches images; network: units of a recurrent network. The cortex says how many
    units there are, and how long the recording lasts."""
    cortex: VirtualCortex = field(
        default_factory=lambda: VirtualCortex(
            n_simple=12, n_complex=6, n_images=60, n_repeats=4, pause_s=2.0
        )
    )
    """The cortex, and what it is shown."""
    cortex_spiking: Literal["poisson", "lif"] = "poisson"
    """How the units of the cortex fire: at random at their rates, or as leaky integrate-and-fire
    neurons whose current gives them these rates."""
    network: NetworkConfig = field(
        default_factory=lambda: NetworkConfig(duration_s=_NETWORK_S, stop_ms=3_600_000.0)
    )
    """The network, of which ``units.n_units`` units are recorded. Its own seed decides it."""
    gain_uV: float = 0.195
    """One step of the int16 numbers of the file."""
    seed: int = 0
    """Start of all random numbers."""

    def __post_init__(self) -> None:
        require_seed(self.seed)
        require(self.gain_uV > 0, f"gain_uV={self.gain_uV}: it must be above 0.")

    def settled(self) -> "RecordingJob":
        """Return the same job with the duration and number of units that the recording will have.

        Raises
        ------
        InvalidInputError
            The cortex lasts another time than ``duration_s``, or the network is given another.
        """
        if self.source == "chance":
            return replace(self, duration_s=60.0 if self.duration_s is None else self.duration_s)
        if self.source == "network":
            return self._as_long_as_the_network()
        cortex = self.cortex
        n_units = cortex.n_simple + cortex.n_complex + cortex.n_unresponsive
        block_s = (cortex.n_images + cortex.n_blanks) * cortex.duration_s + cortex.pause_s
        lasts_s = cortex.n_repeats * block_s + cortex.pause_s
        require(
            self.duration_s is None or math.isclose(self.duration_s, lasts_s),
            f"duration_s={self.duration_s}: the cortex shows its images for {lasts_s:g} s. Leave "
            "duration_s out, or change cortex.n_images, cortex.n_repeats or cortex.pause_s.",
        )
        return replace(self, duration_s=lasts_s, units=replace(self.units, n_units=n_units))

    def _as_long_as_the_network(self) -> "RecordingJob":
        own_s = self.network.duration_s
        duration_s = own_s if self.duration_s is None else self.duration_s
        require(
            own_s in (duration_s, _NETWORK_S),
            f"duration_s={duration_s} and network.duration_s={own_s}: they are the same thing. "
            "Give one of them, or both alike.",
        )
        network = replace(self.network, duration_s=duration_s)
        return replace(self, duration_s=duration_s, network=network)
