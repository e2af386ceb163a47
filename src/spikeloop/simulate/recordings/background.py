"""Many units too far away to be told apart."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from spikeloop.data.checks import require
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.drift import Drift
from spikeloop.simulate.recordings.layers import BACKGROUND, BACKGROUND_UNITS, BLOCK
from spikeloop.simulate.recordings.spike_layer import Waveforms
from spikeloop.simulate.recordings.unit_templates import TemplateGenerator, generate_templates


@dataclass(frozen=True)
class Background:
    """Many units too far away to be told apart, each a Poisson process."""

    sd_uV: float = 2.5
    """Standard deviation of what they add up to, over all contacts; 0 for none."""
    n_units: int = 400
    """How many there are: the more, the smaller each is. On a long probe, too few would be large
    enough to be sorted."""
    rate_hz: float = 8.0
    """Rate of each."""
    depth_um: tuple[float, float] = (70.0, 140.0)
    """Least and greatest distance from the plane of the contacts."""

    def __post_init__(self) -> None:
        require(
            bool(np.isfinite(self.sd_uV)) and self.sd_uV >= 0,
            f"sd_uV={self.sd_uV}: a standard deviation is 0 or more. Give 0 for no background.",
        )
        require(
            self.n_units >= 1 and self.rate_hz > 0,
            f"n_units={self.n_units} and rate_hz={self.rate_hz}: both must be above 0. For no "
            "background, give sd_uV=0.",
        )


@dataclass(frozen=True, eq=False)
class BackgroundLayer:
    """Spikes that are drawn block by block, as a Poisson process has no memory."""

    waveforms: Waveforms
    """Of the far units."""
    n_units: int
    """How many there are."""
    spikes_per_block: float
    """Mean number of spikes of all units together."""
    scale: float
    """Factor on the waveforms."""
    seed: int
    """The seed of the spikes."""

    @classmethod
    def of(
        cls,
        method: Background,
        contacts_um: np.ndarray,
        sample_rate_hz: float,
        *,
        drift: Drift | None,
        seed: int,
    ) -> "BackgroundLayer":
        r"""Place the far units, and scale them so that their sum has its standard deviation.

        Poisson spikes of the rate r with the waveform w have the variance
        :math:`r \int w(t)^2 dt` (Campbell's theorem), and those of independent units add up.
        """
        generator = TemplateGenerator(
            n_units=method.n_units,
            sample_rate_hz=sample_rate_hz,
            depth_um=method.depth_um,
            margin_um=100.0,
            min_spacing_um=0.0,
        )
        own_seed = int(block_rng(seed, BACKGROUND_UNITS, 0).integers(2**63))
        units = generate_templates(contacts_um, generator, seed=own_seed)
        power = np.square(units.waveforms_uV(), dtype=np.float64).sum(axis=(0, 1)).mean()
        scale = method.sd_uV / np.sqrt(method.rate_hz / sample_rate_hz * power)
        per_block = method.rate_hz * method.n_units * BLOCK / sample_rate_hz
        return cls(Waveforms.of(units, drift), method.n_units, per_block, float(scale), seed)

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the spikes of one block and its neighbours, as far as they reach it, in place."""
        for drawn in (block - 1, block, block + 1):
            rng = block_rng(self.seed, BACKGROUND, drawn)
            n_spikes = rng.poisson(self.spikes_per_block)
            position = (drawn + rng.random(n_spikes)) * BLOCK
            unit = rng.integers(self.n_units, size=n_spikes)
            amplitude = np.full(n_spikes, self.scale, dtype=np.float32)
            self.waveforms.write(traces_uV, block, position, unit, amplitude)
