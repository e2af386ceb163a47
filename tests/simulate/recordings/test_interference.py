"""What channels share, and the far units behind them."""

import numpy as np
from scipy import signal

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.simulate import (
    Background,
    Interference,
    RecordingModel,
    TemplateGenerator,
    generate_templates,
    probe_contacts,
    record,
)

CLEAN = RecordingModel.clean()
CONTACTS_UM = probe_contacts("linear_32")[:16]


def silent(duration_s, **changes):
    """Record units that never spike."""
    units = generate_templates(CONTACTS_UM, TemplateGenerator(n_units=2), seed=1)
    spikes = SpikeTrains.from_units({0: [], 1: []}, Epochs([0.0], [duration_s]))
    method = RecordingModel(**({k: getattr(CLEAN, k) for k in vars(CLEAN)} | changes))
    done = record(spikes, units, method, seed=5)
    return done.recording.read(0, done.recording.n_samples), done.truth


def test_hum_is_one_line_of_its_amplitude_on_all_channels():
    traces, _ = silent(2.0, interference=Interference(hum_uV=7.0, hum_hz=60.0))
    assert np.all(traces == traces[:, :1])
    hz, power = signal.periodogram(traces[:, 0], 30000.0, scaling="spectrum")
    assert hz[power.argmax()] == 60
    np.testing.assert_allclose(np.sqrt(2 * power.max()), 7, rtol=1e-3)


def test_artefacts_stand_where_the_truth_says():
    model = Interference(artefact_rate_hz=4.0, artefact_uV=300.0, artefact_duration_s=0.006)
    traces, truth = silent(5.0, interference=model)
    assert np.all(traces == traces[:, :1])
    starts_s = truth.artefact_times_s
    assert 5 < len(starts_s) < 40
    alone = starts_s[np.diff(starts_s, append=np.inf) > 0.03]
    alone = alone[(alone < 4.97) & (np.diff(np.r_[-1, starts_s])[np.isin(starts_s, alone)] > 0.05)]
    for start_s in alone:
        shape = np.abs(traces[round(start_s * 30000) :][:600, 0])
        np.testing.assert_allclose(shape.max(), 300, rtol=0.01)
        assert abs(shape.argmax() - 30) <= 1  # a sixth of the duration
        np.testing.assert_allclose(shape[180], 300 * 6 * np.exp(-5), rtol=0.1)
    before = traces[: round(starts_s[0] * 30000), 0]
    assert not before.any()


def test_the_background_has_the_spread_asked_for_and_is_no_gaussian_noise():
    traces, _ = silent(8.0, background=Background(sd_uV=5.0, rate_hz=8.0))
    np.testing.assert_allclose(np.sqrt((traces**2).mean()), 5, rtol=0.1)
    near = np.corrcoef(traces[:, :8].T)
    assert near[0, 1] > near[0, 4] > -0.2
    assert near[0, 1] > 0.5
    kurtosis = ((traces / traces.std(axis=0)) ** 4).mean()
    assert kurtosis > 3.2
