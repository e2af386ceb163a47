"""What a simulated recording holds, told in a report."""

import numpy as np

from spikeloop.data import GroundTruth, Recording
from spikeloop.simulate import Noise, noise_power
from spikeloop.viz import KeyNumber, Report, ReportFigure, Section
from spikeloop.viz.network import plot_distributions
from spikeloop.viz.recording import plot_drift_raster, plot_probe_templates, plot_traces
from spikeloop.viz.spectrum import plot_spectrum
from spikeloop.workflows.job import Job, unit_table
from spikeloop.workflows.recording_settings import RecordingJob

_STRETCH_S, _BEFORE_S = 0.02, 0.002
_N_MARKED = 7
_SPECTRUM_S = 5.0
_MOST_DRAWN = 20_000  # spikes in the drift raster


_SOURCES = {
    "chance": "The units fire at random, each on its own.",
    "cortex": "The spikes are those of a virtual visual cortex that watches images. It says how "
    "many units there are, and how long the recording lasts.",
    "network": "The spikes are those of some units of a recurrent network.",
}


def recording_report(
    recording: Recording, truth: GroundTruth, config: RecordingJob, job: Job
) -> Report:
    """Return the report of a recording and its truth."""
    spikes, snr = truth.spikes, truth.spikes.unit_table["snr"]
    return Report(
        "A recording with ground truth",
        [
            Section(
                "The recording",
                _SOURCES[config.source],
                [_traces(recording, truth), _spectrum(recording, config.model.noise)],
            ),
            _units(truth),
        ],
        subtitle=f"{recording.duration_s:g} s of {recording.n_channels} channels at "
        f"{recording.sample_rate_hz / 1000:g} kHz, simulated by spikeloop",
        key_numbers=[
            KeyNumber("channels", recording.n_channels),
            KeyNumber("units", spikes.n_units),
            KeyNumber("spikes", len(spikes.times_s), f"in {recording.duration_s:g} s"),
            KeyNumber("signal to noise", float(np.median(snr)), "median over units"),
            KeyNumber("units above 5", int(np.sum(snr > 5)), "times the noise at their peak"),
        ],
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _traces(recording: Recording, truth: GroundTruth) -> ReportFigure:
    start_s = _busiest_s(truth, recording.duration_s)
    stop_s = min(start_s + _STRETCH_S, recording.duration_s)
    largest = np.argsort(-truth.templates.amplitude_uV)[:_N_MARKED]
    keep = np.isin(np.arange(truth.spikes.n_units), largest)
    ax = plot_traces(
        recording,
        start_s,
        stop_s,
        spikes=truth.spikes.select(keep),
        spike_channels=truth.templates.peak_channel[keep],
    )
    words = (
        "Twenty milliseconds with many spikes of the seven largest units. Each of these "
        "is marked on the channel where its unit is largest."
    )
    return ReportFigure("Traces", ax.figure, words)


def _busiest_s(truth: GroundTruth, duration_s: float) -> float:
    """Return the start of a stretch in which many spikes of large units fall."""
    largest = np.argsort(-truth.templates.amplitude_uV)[:_N_MARKED]
    times_s = truth.spikes.times_s[np.isin(truth.spikes.unit_index, largest)]
    n_bins = max(1, int(duration_s / _STRETCH_S))
    counts, edges_s = np.histogram(times_s, n_bins, (0.0, n_bins * _STRETCH_S))
    return max(0.0, float(edges_s[np.argmax(counts)]) - _BEFORE_S)


def _spectrum(recording: Recording, noise: Noise) -> ReportFigure:
    from scipy.signal import welch

    n_samples = min(recording.n_samples, round(_SPECTRUM_S * recording.sample_rate_hz))
    rate_hz = recording.sample_rate_hz
    frequencies_hz, power = welch(
        recording.read(0, n_samples), rate_hz, nperseg=min(4096, n_samples), axis=0
    )
    inner = slice(1, -1)  # the outermost two have half the power
    spectra = {
        "recording, median over channels": np.median(power, axis=1),
        "noise as set, without units": noise_power(noise, frequencies_hz, rate_hz),
    }
    ax = plot_spectrum(frequencies_hz[inner], {k: v[inner] for k, v in spectra.items()})
    words = (
        "Spikes and the far units add to the noise, mostly between 300 and 3,000 Hz; artefacts and "
        "hum, where there are any, below."
    )
    return ReportFigure("Spectrum", ax.figure, words)


def _units(truth: GroundTruth) -> Section:
    spikes, templates = truth.spikes, truth.templates
    drawn = templates.unit_ids[_spread_out(spikes.unit_table["depth_um"], templates.amplitude_uV)]
    rates_hz, factors = spikes.rates_hz(), truth.spike_table["amplitude"]
    scores = {"log rate (Hz)": {"units": rates_hz}, "amplitude / template": {"spikes": factors}}
    figures = [
        ReportFigure(
            "Templates on the probe",
            plot_probe_templates(templates, drawn.tolist()).figure,
            "The largest unit in each quarter of the probe. Squares are contacts.",
        ),
        ReportFigure(
            "Spikes along the probe",
            _drift(truth).figure,
            "Where along the probe the unit of each spike was at that moment: a unit is a line, "
            "and drift bends it.",
        ),
        ReportFigure(
            "Rates and amplitudes",
            plot_distributions(scores),
            "Firing rates of the units; and the factor on the template of each spike, which varies "
            "at random and falls within bursts.",
        ),
    ]
    columns = {
        "unit_ids": spikes.unit_ids,
        "spikes": spikes.counts(),
        "rate (Hz)": rates_hz,
        "peak to peak (µV)": templates.amplitude_uV,
        "signal to noise": spikes.unit_table["snr"],
        "depth (µm)": spikes.unit_table["depth_um"],
        "peak channel": spikes.unit_table["peak_channel"],
    }
    caption = (
        "Signal to noise: the largest voltage of the template over the standard deviation that "
        "noise, far units and hum have on its channel."
    )
    return Section("The units", "", figures, [unit_table("Units", columns, caption)])


def _spread_out(depth_um: np.ndarray, size_uV: np.ndarray) -> list[int]:
    """Return the row of the largest unit in each quarter of the depths where there are units."""
    edges_um = np.linspace(depth_um.min(), depth_um.max(), 5)
    quarter = np.clip(np.searchsorted(edges_um, depth_um, side="right") - 1, 0, 3)
    rows = [np.flatnonzero(quarter == i) for i in range(4)]
    return [int(found[np.argmax(size_uV[found])]) for found in rows if found.size]


def _drift(truth: GroundTruth):
    spikes = truth.spikes
    step = max(1, -(-len(spikes.times_s) // _MOST_DRAWN))
    some = slice(None, None, step)
    unit = spikes.unit_index[some]
    depth_um = spikes.unit_table["depth_um"][unit] + truth.spike_table["displacement_um"][some]
    size_uV = truth.templates.amplitude_uV[unit] * truth.spike_table["amplitude"][some]
    return plot_drift_raster(spikes.times_s[some], depth_um, size_uV)
