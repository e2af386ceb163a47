"""From spikes and templates to a recording whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import GroundTruth, Recording, SpikeTrains, Templates
from spikeloop.data.checks import require
from spikeloop.numerics.random import stream_key
from spikeloop.simulate.recordings.background import Background, BackgroundLayer
from spikeloop.simulate.recordings.current_sources import CurrentSources
from spikeloop.simulate.recordings.drift import Drift
from spikeloop.simulate.recordings.interference import ArtefactLayer, HumLayer, Interference
from spikeloop.simulate.recordings.layers import LayeredSource
from spikeloop.simulate.recordings.recording_noise import Noise, noise_layer
from spikeloop.simulate.recordings.spike_amplitudes import AmplitudeModel, spike_amplitudes
from spikeloop.simulate.recordings.spike_layer import SpikeLayer, on_samples, ordered, spike_layer

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class RecordingModel:
    """What a recording has besides the templates of its units at their times."""

    amplitudes: AmplitudeModel = field(default_factory=AmplitudeModel)
    """How amplitudes vary from spike to spike."""
    noise: Noise = field(default_factory=Noise)
    """Gaussian noise of contacts and tissue."""
    background: Background = field(default_factory=Background)
    """Many far units."""
    interference: Interference = field(default_factory=Interference)
    """Artefacts and hum, alike on all channels."""
    subsample: bool = True
    """Whether a spike may fall between two samples; if not, it is moved to the nearest one."""

    @classmethod
    def clean(cls) -> "RecordingModel":
        """Return the model that adds nothing: every spike is its unit's template.

        >>> RecordingModel.clean().noise.white_uV
        0.0
        """
        return cls(AmplitudeModel(0.0, 0.0), Noise(0.0, 0.0), Background(0.0), Interference())


@dataclass(frozen=True, eq=False)
class RecordingTruth:
    """What lies behind a simulated recording."""

    spikes: SpikeTrains
    """Every spike of every known unit, at the times at which the recording has them: those of the
    templates' peak sample."""
    templates: Templates
    """The units at rest, in the order of ``spikes.unit_ids``."""
    amplitudes: np.ndarray
    """(spike,) float32: the factor on the template of each spike."""
    displacement_um: np.ndarray
    """(spike,) how far the unit had moved along the probe at each spike."""
    depths_um: np.ndarray
    """(unit,) where along the probe each unit rests: y."""
    noise_uV: np.ndarray
    """(channel,) standard deviation of what is no spike of a known unit: noise, background at rest,
    and hum, without artefacts. In a recording that was given it is estimated."""
    artefact_times_s: np.ndarray
    """(artefact,) when each artefact begins, in seconds."""
    drift: Drift | None = None
    """How the tissue moved, or None where it did not."""

    def __repr__(self) -> str:
        moved = "no drift" if self.drift is None else "drift"
        n_artefacts = len(self.artefact_times_s)
        return (
            f"RecordingTruth({self.spikes.n_units} units, {len(self.spikes.times_s)} spikes, "
            f"{self.templates.n_channels} channels, {moved}, {n_artefacts} artefacts)"
        )

    @property
    def snr(self) -> Float[np.ndarray, " unit"]:
        """(unit,) largest voltage of each template over the noise of its peak channel.

        Where there is no noise it is NaN.
        """
        channel = self.templates.peak_channel
        peak_uV = np.abs(self.templates.waveforms_uV).max(axis=1)[np.arange(len(channel)), channel]
        return peak_uV / np.where(self.noise_uV > 0, self.noise_uV, np.nan)[channel]

    def ground_truth(self) -> GroundTruth:
        """Return the truth as `save_recording` and `write_truth_nwb` take it.

        Its ``unit_table`` has depth_um, peak_channel and snr besides the columns of the spikes; its
        ``spike_table`` has amplitude and displacement_um.
        """
        table = {
            **self.spikes.unit_table,
            "depth_um": self.depths_um,
            "peak_channel": self.templates.peak_channel,
            "snr": self.snr,
        }
        known = {"amplitude": self.amplitudes, "displacement_um": self.displacement_um}
        return GroundTruth(replace(self.spikes, unit_table=table), self.templates, known)


@dataclass(frozen=True, eq=False)
class SimulatedRecording:
    """A recording and its truth."""

    recording: Recording
    """Made piece by piece as it is read; any pieces give the same samples."""
    truth: RecordingTruth
    """What made it."""

    def __repr__(self) -> str:
        return f"SimulatedRecording({self.recording}, {self.truth})"


def record(
    spikes: SpikeTrains,
    templates: Templates | CurrentSources,
    method: RecordingModel,
    *,
    drift: Drift | None = None,
    seed: int,
) -> SimulatedRecording:
    r"""Put the templates of units where they spike, add noise, and return a lazy recording.

    The trace of channel c is

    .. math:: x_c(t) = \sum_i a_i\, w_{u_i, c}(t - t_i;\, d_i) + b_c(t) + n_c(t) + h(t):

    each spike i at :math:`t_i` of the unit :math:`u_i`, moved by :math:`d_i` and scaled by
    :math:`a_i`; overlapping spikes add up. Then come the background of far units, noise, and what
    all channels share. The recording starts at 0 s and lasts to the end of the last epoch. It is
    made as it is read, in blocks with random numbers of their own: the same sample comes out the
    same, bit for bit, in whatever pieces and in whichever process it is read.

    Parameters
    ----------
    spikes
        When the units spike; each of ``unit_ids`` must have a template.
    templates
        Mean waveforms; or units whose currents are known, from `generate_templates`, which can
        be moved exactly. `Templates` are moved by interpolation between contacts.
    method
        What else the recording has.
    drift
        How the tissue moves along the probe; None for not at all.
    seed
        The seed of amplitudes, background, noise and artefacts, each of which is independent of
        the others.

    Raises
    ------
    InvalidInputError
        A unit has no template, spikes lie before 0 s, the templates are longer than a block, or
        they are moved farther than they are known.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> wave = np.array([0.0, -50.0, 20.0, 0.0])[None, :, None]
    >>> templates = Templates(wave, 10000.0, 1, [[0.0, 0.0]], ["a"])
    >>> spikes = SpikeTrains.from_units({"a": [0.001]}, Epochs([0.0], [0.01]))
    >>> done = record(spikes, templates, RecordingModel.clean(), seed=1)
    >>> done.recording.read(9, 12)[:, 0].tolist()
    [0.0, -50.0, 20.0]
    """
    stream_key(seed)  # refuses what is no seed
    units = ordered(templates, spikes)
    at_rest = units.templates() if isinstance(units, CurrentSources) else units
    rate_hz, contacts_um = at_rest.sample_rate_hz, at_rest.contacts_um
    n_samples = round(float(spikes.epochs.stop_s[-1]) * rate_hz)
    require(n_samples > 0, f"the epochs stop at {spikes.epochs.stop_s[-1]} s: too short to record.")
    drift = drift if drift is not None and drift.displacement_um.any() else None

    spikes = spikes if method.subsample else on_samples(spikes, rate_hz)
    amplitudes = spike_amplitudes(spikes, method.amplitudes, seed=seed)
    known = spike_layer(spikes, units, amplitudes, drift=drift)
    artefacts = ArtefactLayer.of(method.interference, n_samples / rate_hz, rate_hz, seed=seed)
    layers, variance = [known, artefacts], np.zeros(len(contacts_um))
    noise_uV = float(np.hypot(method.noise.white_uV, method.noise.field_uV))
    if method.background.sd_uV > 0:
        far = BackgroundLayer.of(
            method.background, contacts_um, rate_hz, noise_uV=noise_uV, drift=drift, seed=seed
        )
        layers.append(far)
        variance += far.sd_uV**2
    if noise_uV > 0:
        layers.append(noise_layer(method.noise, contacts_um, rate_hz, seed=seed))
        variance += noise_uV**2
    if method.interference.hum_uV > 0:
        layers.append(HumLayer.of(method.interference, rate_hz, seed=seed))
        variance += method.interference.hum_uV**2 / 2
    source = LayeredSource(layers, len(contacts_um))
    return SimulatedRecording(
        Recording(source, n_samples, rate_hz, contacts_um),
        truth_of(known, spikes, at_rest, np.sqrt(variance), artefacts.times_s),
    )


def truth_of(
    known: SpikeLayer,
    spikes: SpikeTrains,
    at_rest: Templates,
    noise_uV: np.ndarray,
    artefact_times_s: np.ndarray,
) -> RecordingTruth:
    """Return the truth behind the layer of known spikes, the noise, and the artefacts."""
    waveforms = known.waveforms
    return RecordingTruth(
        spikes,
        at_rest,
        known.amplitude,
        waveforms.displacement_um(spikes.times_s, spikes.unit_index),
        waveforms.depths_um,
        noise_uV,
        artefact_times_s,
        waveforms.drift,
    )
