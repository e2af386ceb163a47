"""What a simulated recording holds, measured on the recording itself."""

import numpy as np
import pytest
from scipy import signal

from spikeloop.simulate import (
    AmplitudeModel,
    Background,
    Drift,
    Firing,
    Interference,
    Noise,
    RecordingModel,
    TemplateGenerator,
    generate_templates,
    noise_levels_uV,
    noise_power,
    probe_contacts,
    record,
    renewal_spikes,
    scaled_to_snr,
)

pytestmark = pytest.mark.slow

DURATION_S = 40.0
CONTACTS_UM = probe_contacts("neuropixels")[:64]
UNITS = generate_templates(CONTACTS_UM, TemplateGenerator(n_units=20), seed=1)
SPIKES = renewal_spikes(20, DURATION_S, Firing(rate_hz=20.0, burst_chance=0.0), seed=1)
NOISE = Noise(4.0, 6.0)
METHOD = RecordingModel(
    amplitudes=AmplitudeModel(0.1, 0.0),
    noise=NOISE,
    background=Background(3.0),
    interference=Interference(),
    subsample=False,
)


def triggered_averages(done, units, span_s=(0.0, DURATION_S)):
    """Return the mean recording around the spikes of each unit, and its standard error."""
    recording, templates, spikes = done.recording, done.truth.templates, done.truth.spikes
    n_times, peak = templates.waveforms_uV.shape[1], templates.peak_sample
    waves = {unit: [] for unit in units}
    for time_s, unit in zip(spikes.times_s, spikes.unit_index, strict=True):  # blocks in order
        first = round(time_s * recording.sample_rate_hz) - peak
        inside = span_s[0] <= time_s < span_s[1] and 0 <= first <= recording.n_samples - n_times
        if unit in waves and inside:
            waves[unit].append(recording.read(first, first + n_times))
    return {
        unit: (np.mean(some, axis=0), np.std(some, axis=0) / np.sqrt(len(some)))
        for unit, some in waves.items()
    }


def test_the_average_at_the_true_times_is_the_template():
    done = record(SPIKES, UNITS, METHOD, seed=3)
    for unit, (average_uV, error_uV) in triggered_averages(done, range(0, 20, 4)).items():
        z = (average_uV - UNITS.templates().waveforms_uV[unit]) / error_uV
        assert 0.7 < z.std() < 1.4
        assert np.abs(z).max() < 7


def test_after_a_drift_the_average_is_the_template_of_the_shifted_unit():
    drift = Drift([0.0, 20.0, 20.001, 40.0], [0.0], [[0.0], [0.0], [20.0], [20.0]])
    done = record(SPIKES, UNITS, METHOD, drift=drift, seed=3)
    unit = int(np.argmax(SPIKES.counts()))
    for displacement_um, span_s in ((0.0, (0.0, 19.9)), (20.0, (20.1, 40.0))):
        average_uV, error_uV = triggered_averages(done, [unit], span_s)[unit]
        own = np.linalg.norm(average_uV - UNITS.waveforms_uV(displacement_um)[unit])
        other = np.linalg.norm(average_uV - UNITS.waveforms_uV(20.0 - displacement_um)[unit])
        assert own < 1.5 * np.linalg.norm(error_uV)
        assert other > 1.5 * own


def test_noise_and_spectrum_are_those_asked_for():
    silent = renewal_spikes(20, 15.0, Firing(rate_hz=1e-6, rate_spread=0.0), seed=1)
    method = RecordingModel(METHOD.amplitudes, NOISE, Background(0.0), Interference())
    traces = record(silent, UNITS, method, seed=4).recording.read(0, 450_000)
    np.testing.assert_allclose(traces.std(axis=0), np.sqrt(52), rtol=0.02)
    hz, power = signal.welch(traces, 30000.0, nperseg=512, axis=0)
    inner = (hz > 300) & (hz < 14500)
    wanted = noise_power(NOISE, hz[inner], 30000.0)
    np.testing.assert_allclose(power[inner].mean(axis=1), wanted, rtol=0.08)


def test_the_ratio_of_peak_to_noise_is_the_one_asked_for():
    silent = renewal_spikes(20, 20.0, Firing(rate_hz=1e-6, rate_spread=0.0), seed=1)
    noise_uV = noise_levels_uV(record(silent, UNITS, METHOD, seed=4).recording)
    loud = scaled_to_snr(UNITS.templates(), noise_uV, 10.0)
    done = record(SPIKES, loud, METHOD, seed=4)
    unit = int(np.argmax(SPIKES.counts()))
    average_uV, error_uV = triggered_averages(done, [unit])[unit]
    ratio = (np.abs(average_uV).max(axis=0) / noise_uV).max()
    np.testing.assert_allclose(ratio, 10, atol=5 * (error_uV / noise_uV).max())
