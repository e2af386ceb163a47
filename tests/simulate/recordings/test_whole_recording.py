"""A recording from nothing."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import (
    PROBES,
    DriftModel,
    RecordingConfig,
    TemplateGenerator,
    probe_contacts,
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
    ],
)
def test_what_cannot_be_simulated_is_refused(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
