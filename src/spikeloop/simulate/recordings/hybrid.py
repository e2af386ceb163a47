"""Known units in a real recording."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Recording, SpikeTrains, Templates
from spikeloop.data.checks import require
from spikeloop.simulate.recordings.layers import BLOCK, LayeredSource, RecordedLayer
from spikeloop.simulate.recordings.recording import SimulatedRecording, truth_of
from spikeloop.simulate.recordings.spike_amplitudes import AmplitudeModel, spike_amplitudes
from spikeloop.simulate.recordings.spike_layer import on_samples, ordered, spike_layer

if TYPE_CHECKING:
    from jaxtyping import Float

_MAD_TO_SD = 1.4826  # of a normal distribution


def noise_levels_uV(recording: Recording, *, n_pieces: int = 20) -> Float[np.ndarray, " channel"]:
    r"""Return an estimate of the standard deviation of the noise of each channel.

    It is 1.4826 times the median distance from the median, over pieces of 4096 samples spread
    evenly over the recording. Large spikes count no more than small ones, but spikes do count: with
    30 units of 20 spikes per second on 32 contacts it comes out a tenth too high, and on the
    busiest of them by more than a quarter. Of a recording that was simulated, `RecordingTruth`
    knows the noise.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(0, 5, (20000, 1))
    >>> noise_levels_uV(Recording.from_array(noise, 10000.0, [[0.0, 0.0]])).round(1).tolist()
    [5.0]
    """
    require(n_pieces >= 1, f"n_pieces={n_pieces}: read at least one.")
    last = max(recording.n_samples - BLOCK, 0)
    starts = np.unique(np.linspace(0, last, n_pieces).astype(np.int64))
    pieces = [recording.read(start, min(start + BLOCK, recording.n_samples)) for start in starts]
    traces_uV = np.concatenate(pieces)
    return _MAD_TO_SD * np.median(np.abs(traces_uV - np.median(traces_uV, axis=0)), axis=0)


def scaled_to_snr(
    templates: Templates, noise_uV: Float[np.ndarray, " channel"], snr: float
) -> Templates:
    """Scale each template so that its peak is `snr` times the noise of its best channel.

    Raises
    ------
    InvalidInputError
        The ratio is not above 0, a unit is silent, or the noise has not one level above 0 for each
        channel.

    Examples
    --------
    >>> wave = np.array([0.0, -3.0, 1.0])[None, :, None]
    >>> templates = Templates(wave, 10000.0, 1, [[0.0, 0.0]], ["a"])
    >>> scaled_to_snr(templates, np.array([5.0]), 8.0).waveforms_uV[0, :, 0].round(3).tolist()
    [0.0, -40.0, 13.333000183105469]
    """
    require(bool(np.isfinite(snr)) and snr > 0, f"snr={snr}: it must be above 0.")
    noise_uV = np.asarray(noise_uV, dtype=float)
    require(
        noise_uV.shape == (templates.n_channels,) and bool(np.all(noise_uV > 0)),
        f"noise_uV has shape {noise_uV.shape}: give a level above 0 for each of "
        f"{templates.n_channels} channels.",
    )
    ratio = (np.abs(templates.waveforms_uV).max(axis=1) / noise_uV).max(axis=1)
    silent = templates.unit_ids[ratio == 0]
    require(silent.size == 0, f"{silent.size} templates are 0 everywhere: {silent[:5].tolist()}.")
    scaled_uV = templates.waveforms_uV * (snr / ratio)[:, None, None]
    return replace(templates, waveforms_uV=scaled_uV)


@dataclass(frozen=True)
class Injection:
    """How known units are put into a recording."""

    snr: float | None = None
    """Peak of each template over the noise of its channel; None to leave the templates as they
    are."""
    amplitudes: AmplitudeModel = field(default_factory=AmplitudeModel)
    """How amplitudes vary from spike to spike."""
    subsample: bool = True
    """Whether a spike may fall between two samples; if not, it is moved to the nearest one."""


def inject(
    recording: Recording, spikes: SpikeTrains, templates: Templates, method: Injection, *, seed: int
) -> SimulatedRecording:
    """Add the spikes of known units to a recording, which stays as it is and is read lazily.

    At once, only 20 pieces are read of it, from which the noise is estimated that the truth tells.

    Parameters
    ----------
    recording
        What the spikes are added to.
    spikes
        When the added units spike; each of ``unit_ids`` must have a template.
    templates
        One channel for each of the recording's, in the same order, at the same sample rate;
        `Templates.resampled` changes a rate.
    seed
        The seed of the amplitudes.

    Raises
    ------
    InvalidInputError
        Templates and recording differ in channels or sample rate, a unit has no template, or a
        spike lies outside the recording.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> silent = Recording.from_array(np.zeros((100, 1)), 10000.0, [[0.0, 0.0]])
    >>> wave = np.array([0.0, -50.0, 20.0])[None, :, None]
    >>> templates = Templates(wave, 10000.0, 1, [[0.0, 0.0]], ["a"])
    >>> spikes = SpikeTrains.from_units({"a": [0.004]}, Epochs([0.0], [0.01]))
    >>> method = Injection(amplitudes=AmplitudeModel(0.0, 0.0))
    >>> inject(silent, spikes, templates, method, seed=1).recording.read(40, 41).tolist()
    [[-50.0]]
    """
    _check(recording, spikes, templates)
    noise_uV = noise_levels_uV(recording)
    if method.snr is not None:
        templates = scaled_to_snr(templates, noise_uV, method.snr)
    templates = ordered(templates, spikes)
    spikes = spikes if method.subsample else on_samples(spikes, recording.sample_rate_hz)
    amplitudes = spike_amplitudes(spikes, method.amplitudes, seed=seed)
    known = spike_layer(spikes, templates, amplitudes, drift=None)
    source = LayeredSource([RecordedLayer(recording), known], recording.n_channels)
    truth = truth_of(known, spikes, templates, noise_uV, np.empty(0))
    return SimulatedRecording(replace(recording, fetch=source), truth)


def _check(recording: Recording, spikes: SpikeTrains, templates: Templates) -> None:
    require(
        templates.n_channels == recording.n_channels,
        f"the templates have {templates.n_channels} channels and the recording "
        f"{recording.n_channels}: give one channel of each template for each of the recording's.",
    )
    require(
        templates.sample_rate_hz == recording.sample_rate_hz,
        f"the templates are sampled at {templates.sample_rate_hz} Hz and the recording at "
        f"{recording.sample_rate_hz} Hz: resample the templates, with templates.resampled("
        f"{recording.sample_rate_hz}).",
    )
    late = spikes.times_s[spikes.times_s >= recording.duration_s]
    require(
        late.size == 0,
        f"{late.size} spikes lie after the recording's end at {recording.duration_s} s, the first "
        f"at {late.min(initial=np.inf)} s. Drop them.",
    )
