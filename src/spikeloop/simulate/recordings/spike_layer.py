"""The waveforms of units at the times of their spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import SpikeTrains, Templates
from spikeloop.data.checks import require
from spikeloop.numerics.fractional_shift import HALF_WIDTH, shift_taps
from spikeloop.simulate.recordings.current_sources import CurrentSources
from spikeloop.simulate.recordings.drift import Drift
from spikeloop.simulate.recordings.layers import BLOCK
from spikeloop.simulate.recordings.template_bank import (
    DRIFT_STEP_UM,
    TemplateBank,
    between_contacts,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

_ROUNDING = 1e-6  # of a sample


@dataclass(frozen=True, eq=False)
class Waveforms:
    """How spikes of some units are written into a recording."""

    bank: TemplateBank
    """The waveforms at each displacement."""
    peak_sample: int
    """Which of their samples is the time of the spike."""
    depths_um: np.ndarray
    """(unit,) where along the probe each unit rests."""
    drift: Drift | None
    """How the tissue moves; None for not at all."""
    sample_rate_hz: float
    """Samples per second."""

    @classmethod
    def of(
        cls,
        templates: Templates | CurrentSources,
        drift: Drift | None,
        step_um: float = DRIFT_STEP_UM,
    ) -> "Waveforms":
        """Make the waveforms at all displacements that `drift` has."""
        span_um = (0.0, 0.0)
        if drift is not None:
            span_um = (float(drift.displacement_um.min()), float(drift.displacement_um.max()))
        if isinstance(templates, CurrentSources):
            waveforms_at, depths_um = templates.waveforms_uV, templates.positions_um[:, 1]
        else:
            waveforms_at, depths_um = between_contacts(templates, span_um), _centres_um(templates)
        bank = TemplateBank.of(waveforms_at, span_um, step_um)
        return cls(bank, templates.peak_sample, depths_um, drift, templates.sample_rate_hz)

    @property
    def margin(self) -> int:
        """How many samples before or after its spike a waveform may reach."""
        return self.bank.n_times + 2 * HALF_WIDTH

    def displacement_um(
        self, times_s: Float[np.ndarray, " spike"], unit: np.ndarray
    ) -> Float[np.ndarray, " spike"]:
        """Return how far each spike's unit has moved along the probe."""
        if self.drift is None:
            return np.zeros(len(times_s))
        return self.drift.at(times_s, self.depths_um[unit])

    def write(
        self,
        traces_uV: Float32[np.ndarray, "time channel"],
        block: int,
        position: Float[np.ndarray, " spike"],
        unit: np.ndarray,
        amplitude: Float32[np.ndarray, " spike"],
    ) -> None:
        """Add spikes at `position`, in samples from the recording's start and parts of one."""
        from spikeloop.simulate.recordings.recording_kernels import add_waveforms

        bank = self.bank
        sample = np.floor(position)
        row = sample.astype(np.int64) - self.peak_sample - (HALF_WIDTH - 1) - block * BLOCK
        add_waveforms(
            traces_uV,
            (bank.waveforms, bank.offset, bank.first_channel, bank.n_channels, bank.n_times),
            unit,
            row,
            shift_taps(position - sample).astype(np.float32),
            amplitude,
            bank.place(self.displacement_um(position / self.sample_rate_hz, unit)),
        )


@dataclass(frozen=True, eq=False)
class SpikeLayer:
    """Spikes whose times are known beforehand."""

    waveforms: Waveforms
    position: np.ndarray
    """(spike,) float64, ascending, in samples from the recording's start and parts of one."""
    unit: np.ndarray
    """(spike,) row in the bank."""
    amplitude: np.ndarray
    """(spike,) float32: factor on the waveform."""

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add what the spikes in and around one block have in it, in place."""
        start, margin = block * BLOCK, self.waveforms.margin
        edges = [start - margin, start + BLOCK + margin]
        near = slice(*np.searchsorted(self.position, edges))
        spikes = self.position[near], self.unit[near], self.amplitude[near]
        self.waveforms.write(traces_uV, block, *spikes)


def spike_layer(
    spikes: SpikeTrains,
    templates: Templates | CurrentSources,
    amplitudes: Float32[np.ndarray, " spike"],
    *,
    drift: Drift | None,
) -> SpikeLayer:
    """Return the layer of `spikes`, whose units are the rows of `templates`.

    Raises
    ------
    InvalidInputError
        Spikes lie before 0 s, or the templates are too long or cannot be moved as far as that.
    """
    early = spikes.times_s[spikes.times_s < 0]
    require(
        early.size == 0,
        f"{early.size} spikes lie before 0 s, where the recording starts, the first at "
        f"{early.min(initial=0.0)} s. Shift the times.",
    )
    waveforms = Waveforms.of(templates, drift)
    require(
        waveforms.margin < BLOCK // 2,
        f"the templates have {waveforms.bank.n_times} samples: they must have fewer than "
        f"{BLOCK // 2 - 2 * HALF_WIDTH}. Cut them.",
    )
    position = spikes.times_s * templates.sample_rate_hz
    nearest = np.rint(position)
    # A time that is a whole sample but for rounding needs no interpolation.
    position = np.where(np.abs(position - nearest) < _ROUNDING, nearest, position)
    return SpikeLayer(waveforms, position, spikes.unit_index.astype(np.int64), amplitudes)


def on_samples(spikes: SpikeTrains, sample_rate_hz: float) -> SpikeTrains:
    """Return the spikes, each moved to the nearest sample that lies within the epochs.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({0: [0.0112, 0.0197]}, Epochs([0.0], [0.02]))
    >>> on_samples(spikes, 1000.0).times_s.tolist()
    [0.011, 0.019]
    """
    sample = np.rint(spikes.times_s * sample_rate_hz)
    moved_s = sample / sample_rate_hz
    outside = ~spikes.epochs.contains(moved_s)
    inwards = np.sign(spikes.times_s - moved_s)[outside]
    moved_s[outside] = (sample[outside] + inwards) / sample_rate_hz
    unseen = ~spikes.epochs.contains(moved_s)  # in an epoch between two samples
    moved_s[unseen] = spikes.times_s[unseen]
    return replace(spikes, times_s=moved_s)


def ordered(
    templates: Templates | CurrentSources, spikes: SpikeTrains
) -> Templates | CurrentSources:
    """Return the templates of the units of `spikes`, in their order.

    Raises
    ------
    InvalidInputError
        A unit has no template.
    """
    row_of = {unit: row for row, unit in enumerate(templates.unit_ids.tolist())}
    units = spikes.unit_ids.tolist()
    missing = [unit for unit in units if unit not in row_of]
    require(
        not missing and units != [],
        f"{len(missing)} of {len(units)} units have no template, such as {missing[:5]}: give "
        "spikes and templates the same unit_ids, at least one.",
    )
    row = np.array([row_of[unit] for unit in units])
    changed = {"unit_ids": templates.unit_ids[row]}
    if isinstance(templates, CurrentSources):
        changed |= {"currents_nA": templates.currents_nA[row]}
        changed |= {"sources_um": templates.sources_um[row]}
    else:
        changed |= {"waveforms_uV": templates.waveforms_uV[row]}
    return replace(templates, **changed)


def _centres_um(templates: Templates) -> Float[np.ndarray, " unit"]:
    """Return the mean y of the contacts, weighted by the square of the peak-to-peak voltage."""
    weight = np.square(np.ptp(templates.waveforms_uV, axis=1), dtype=float)
    weight[~weight.any(axis=1)] = 1.0  # a silent unit lies anywhere
    return weight @ templates.contacts_um[:, 1] / weight.sum(axis=1)
