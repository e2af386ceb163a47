"""Many units too far away to be told apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.current_sources import CurrentSources
from spikeloop.simulate.recordings.drift import Drift
from spikeloop.simulate.recordings.layers import BACKGROUND, BACKGROUND_UNITS, BLOCK
from spikeloop.simulate.recordings.spike_layer import Waveforms
from spikeloop.simulate.recordings.unit_templates import TemplateGenerator, generate_templates

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

LARGEST = 4.0
"""No far unit has a higher peak than so many standard deviations of noise and background."""
_CUT_TO = 3.9
_ROUNDS = 100
_MARGIN_UM = 100.0
_STEP_UM = 16.0  # of drift: so far away, voltages change little on the way


@dataclass(frozen=True)
class Background:
    """Many units too far away to be told apart, each a Poisson process.

    They lie up to 100 um beyond the outermost contacts, so a longer probe has more of them. At rest
    no peak exceeds 4 standard deviations of noise and background together, at the contact where it
    is highest: larger units are made smaller, and all others larger for it.
    """

    sd_uV: float = 2.5
    """Standard deviation of what they add up to, over all contacts; 0 for none."""
    units_per_mm3: float = 20000.0
    """How densely they lie: the more, the smaller each is. Time and memory grow with it."""
    rate_hz: float = 8.0
    """Rate of each."""
    depth_um: tuple[float, float] = (70.0, 140.0)
    """Least and greatest distance from the plane of the contacts."""

    def __post_init__(self) -> None:
        require(
            bool(np.isfinite(self.sd_uV)) and self.sd_uV >= 0,
            f"sd_uV={self.sd_uV}: a standard deviation is 0 or more. Give 0 for no background.",
        )
        for name in ("units_per_mm3", "rate_hz"):
            value = getattr(self, name)
            require(
                bool(np.isfinite(value)) and value > 0,
                f"{name}={value}: it must be above 0. For no background, give sd_uV=0.",
            )
        near_um, far_um = self.depth_um
        require(
            0 < near_um < far_um < np.inf,
            f"depth_um=({near_um}, {far_um}): give the least and the greatest, above 0, ascending.",
        )


@dataclass(frozen=True, eq=False)
class BackgroundLayer:
    """Spikes that are drawn block by block, as a Poisson process has no memory."""

    waveforms: Waveforms
    """Of the far units."""
    gain: np.ndarray
    """(unit,) float32: factor on the waveforms of each."""
    spikes_per_block: float
    """Mean number of spikes of all units together."""
    sd_uV: np.ndarray
    """(channel,) standard deviation of their sum, at rest."""
    seed: int
    """The seed of the spikes."""

    @classmethod
    def of(
        cls,
        method: Background,
        contacts_um: np.ndarray,
        sample_rate_hz: float,
        *,
        noise_uV: float,
        drift: Drift | None,
        seed: int,
    ) -> "BackgroundLayer":
        """Place the far units, and scale them so that their sum has its standard deviation.

        Raises
        ------
        InvalidInputError
            They do not reach the contacts, or are so few that they would stand out.
        """
        units = _far_units(method, contacts_um, sample_rate_hz, seed=seed)
        gain, _ = _gains(units, method, noise_uV)
        # Channels that are faint for units of this size are left out; then the sum is made right.
        units = replace(units, currents_nA=units.currents_nA * gain[:, None, None])
        gain, sd_uV = _gains(units, method, noise_uV)
        per_block = method.rate_hz * units.n_units * BLOCK / sample_rate_hz
        waveforms = Waveforms.of(units, drift, _STEP_UM)
        return cls(waveforms, gain.astype(np.float32), per_block, sd_uV, seed)

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the spikes of one block and its neighbours, as far as they reach it, in place."""
        for drawn in (block - 1, block, block + 1):
            rng = block_rng(self.seed, BACKGROUND, drawn)
            n_spikes = rng.poisson(self.spikes_per_block)
            sample = drawn * BLOCK + rng.integers(BLOCK, size=n_spikes)
            unit = rng.integers(len(self.gain), size=n_spikes)
            self.waveforms.write(traces_uV, block, sample.astype(float), unit, self.gain[unit])


def _far_units(
    method: Background, contacts_um: np.ndarray, sample_rate_hz: float, *, seed: int
) -> CurrentSources:
    sides_um = [*(np.ptp(contacts_um, axis=0) + 2 * _MARGIN_UM), np.ptp(method.depth_um)]
    n_units = max(1, round(method.units_per_mm3 * np.prod(sides_um) * 1e-9))
    generator = TemplateGenerator(
        n_units=n_units,
        sample_rate_hz=sample_rate_hz,
        depth_um=method.depth_um,
        margin_um=_MARGIN_UM,
        min_spacing_um=0.0,
    )
    own_seed = int(block_rng(seed, BACKGROUND_UNITS, 0).integers(2**63))
    return generate_templates(contacts_um, generator, seed=own_seed)


def _gains(
    units: CurrentSources, method: Background, noise_uV: float
) -> tuple[Float[np.ndarray, " unit"], Float[np.ndarray, " channel"]]:
    r"""Return the factor on each unit, and the standard deviation of their sum at each contact.

    Poisson spikes of the rate r with the waveform w have the variance
    :math:`r \int w(t)^2 dt` (Campbell's theorem), and those of independent units add up.
    """
    waveforms_uV = units.waveforms_uV()
    of_units = np.stack([np.square(uV, dtype=float).sum(axis=0) for uV in waveforms_uV])
    of_units *= method.rate_hz / units.sample_rate_hz
    require(
        bool(of_units.any()),
        f"depth_um={method.depth_um}: no far unit reaches a contact. Lower it, or give sd_uV=0.",
    )
    peaks_uV = np.stack([np.abs(uV).max(axis=0) for uV in waveforms_uV])
    channel, peak_uV = peaks_uV.argmax(axis=1), np.maximum(peaks_uV.max(axis=1), 1e-9)
    gain = np.ones(units.n_units)
    for _ in range(_ROUNDS):
        gain *= method.sd_uV / np.sqrt((gain**2 @ of_units).mean())
        variance = gain**2 @ of_units
        total_uV = np.sqrt(noise_uV**2 + variance)[channel]
        if np.all(gain * peak_uV <= LARGEST * total_uV):
            return gain, np.sqrt(variance)
        gain = np.minimum(gain, _CUT_TO * total_uV / peak_uV)
    raise InvalidInputError(
        f"sd_uV={method.sd_uV}, units_per_mm3={method.units_per_mm3}: {units.n_units} units are so "
        f"few that some would stand out, with peaks above {LARGEST:g} times the noise. Raise "
        "units_per_mm3 or rate_hz, or lower sd_uV."
    )
