"""A recording from nothing."""

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import InvalidInputError
from spikeloop.io import read_ground_truth, read_recording, save_recording
from spikeloop.simulate import (
    PROBES,
    DriftModel,
    RecordingConfig,
    TemplateGenerator,
    probe_contacts,
    record_spikes,
    simulate_recording,
)

CONFIG = RecordingConfig("linear_32", 3.0, TemplateGenerator(n_units=10))


def test_one_call_gives_a_recording_and_its_truth():
    done = simulate_recording(CONFIG, seed=1)
    truth = done.truth
    assert truth.spikes.n_units == truth.templates.n_units == 10
    assert len(truth.amplitudes) == len(truth.displacement_um) == len(truth.spikes.times_s)
    assert done.recording.n_samples == 90000
    traces = done.recording.read(0, 30000)
    assert 5 < np.median(traces.std(axis=0)) < 20


def test_the_seed_decides():
    one, again, other = (simulate_recording(CONFIG, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.recording.read(0, 5000), again.recording.read(0, 5000))
    assert not np.array_equal(one.truth.templates.waveforms_uV, other.truth.templates.waveforms_uV)


def test_a_probe_of_ones_own_and_a_drift():
    contacts_um = np.array([[0.0, 0.0], [20.0, 15.0], [0.0, 30.0]])
    config = RecordingConfig(
        "tetrode", 2.0, TemplateGenerator(n_units=2), drift=DriftModel(slope_um_per_min=60.0)
    )
    done = simulate_recording(config, contacts_um=contacts_um, seed=1)
    assert done.recording.n_channels == 3
    np.testing.assert_allclose(
        done.truth.displacement_um, done.truth.spikes.times_s, rtol=1e-9, atol=1e-9
    )


def spikes_of(n_units):
    times_s = {f"unit {u}": [0.1 + 0.0001 * u, 0.5] for u in range(n_units)}
    return SpikeTrains.from_units(times_s, Epochs([0.0], [1.0]), {"area": ["VISp"] * n_units})


def test_given_spikes_are_recorded_saved_and_read_with_their_truth(tmp_path):
    spikes = spikes_of(3)
    made = record_spikes(spikes, RecordingConfig("tetrode", duration_s=99.0), seed=1)
    assert made.recording.duration_s == 1.0
    save_recording(made.recording, tmp_path / "saved", truth=made.truth.ground_truth())
    again = read_ground_truth(tmp_path / "saved")
    np.testing.assert_array_equal(again.spikes.times_s, spikes.times_s)
    np.testing.assert_array_equal(again.spikes.unit_ids, spikes.unit_ids)
    np.testing.assert_array_equal(again.templates.unit_ids, spikes.unit_ids)
    assert list(again.spikes.unit_table) == ["area", "depth_um", "peak_channel", "snr"]
    np.testing.assert_array_equal(again.spike_table["amplitude"], made.truth.amplitudes)
    np.testing.assert_array_equal(again.spike_table["displacement_um"], np.zeros(6))
    assert read_recording(tmp_path / "saved").n_samples == 30000


@pytest.mark.parametrize(
    ("save", "message"),
    [
        (
            lambda made, folder: save_recording(made, folder),
            r"recording is a SimulatedRecording: .* save_recording\(made.recording, folder, ",
        ),
        (
            lambda made, folder: save_recording(made.recording, folder, truth=made.truth),
            r"truth is a RecordingTruth: .* truth=made.truth.ground_truth\(\)",
        ),
    ],
)
def test_what_cannot_be_saved_is_told_how(save, message, tmp_path):
    made = record_spikes(spikes_of(2), RecordingConfig("tetrode"), seed=1)
    with pytest.raises(InvalidInputError, match=message):
        save(made, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", PROBES)
def test_probes_have_contacts_at_different_places_from_the_tip_upwards(name):
    contacts_um = probe_contacts(name)
    assert len(np.unique(contacts_um, axis=0)) == len(contacts_um)
    assert contacts_um.min() == 0
    assert np.all(np.diff(contacts_um[:, 1]) >= 0)


def test_the_long_probe_is_staggered():
    contacts_um = probe_contacts("neuropixels")
    assert contacts_um.shape == (384, 2)
    assert sorted(set(contacts_um[:, 0])) == [0, 16, 32, 48]
    assert np.ptp(contacts_um[:, 1]) == 3820
    apart = np.linalg.norm(contacts_um[:, None] - contacts_um, axis=2) + np.eye(384) * 1e9
    np.testing.assert_allclose(apart.min(), np.hypot(16, 20))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: probe_contacts("octrode"), "probe 'octrode' is not known: choose one of tetrode"),
        (
            lambda: simulate_recording(RecordingConfig(duration_s=0.0), seed=1),
            "duration_s=0.0: it must be above 0",
        ),
        (
            lambda: record_spikes(spikes_of(800), RecordingConfig("tetrode"), seed=1),
            "800 units .* do not fit .* Take fewer units, lower min_spacing_um",
        ),
        (
            lambda: record_spikes(np.ones(3), RecordingConfig("tetrode"), seed=1),
            "spikes is a ndarray: give SpikeTrains",
        ),
        (
            lambda: record_spikes(spikes_of(0), RecordingConfig("tetrode"), seed=1),
            "spikes have no units",
        ),
    ],
)
def test_what_cannot_be_simulated_is_refused(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
