"""Published templates and the locust's tetrode: what is known of them is found in them."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.signal

from spikeloop.io import read_locust, read_recording, read_templates, save_recording

DATA = Path(__file__).parents[3] / "shared" / "data"
TEMPLATES = DATA / "templates"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


def test_emouse_templates_are_as_scipy_reads_them():
    path = TEMPLATES / "emouse_76units_32ch_25khz.mat"
    found = scipy.io.loadmat(path)
    templates = read_templates(path, scale_uV=200.0)
    assert templates.waveforms_uV.shape == (76, 82, 32)
    wanted_uV = 200 * found["waves"].transpose(2, 0, 1)
    np.testing.assert_allclose(templates.waveforms_uV, wanted_uV, rtol=1e-6)
    np.testing.assert_array_equal(templates.contacts_um, np.hstack([found["xc"], found["yc"]]))
    assert (templates.sample_rate_hz, templates.peak_sample) == (25000.0, 40)
    norms = np.linalg.norm(templates.waveforms_uV / 200, axis=(1, 2))
    assert norms.max() < 1.0  # cut out of waves of norm 1
    assert np.median(norms) > 0.98


def test_every_third_sample_of_the_fine_retina_templates_is_the_coarse_file():
    fine = read_templates(TEMPLATES / "retina_7units_7ch_60khz.mat")
    coarse = read_templates(
        TEMPLATES / "retina_7units_7ch_20khz.mda",
        sample_rate_hz=20000.0,
        contacts_um=fine.contacts_um,
    )
    assert (fine.sample_rate_hz, fine.waveforms_uV.shape) == (60000.0, (7, 147, 7))
    np.testing.assert_allclose(fine.waveforms_uV[:, ::3], coarse.waveforms_uV, atol=1e-4)
    distance_um = np.linalg.norm(fine.contacts_um[0] - fine.contacts_um[1:], axis=1)
    np.testing.assert_allclose(distance_um, 60.0)


def test_neocortex_templates_are_as_scipy_reads_them():
    path = TEMPLATES / "neocortex_137units.mat"
    means = scipy.io.loadmat(path)["s"][0, 0]["mean"].ravel()
    n_units = {}
    for n_channels in (14, 16):
        contacts_um = np.column_stack([np.zeros(n_channels), 50.0 * np.arange(n_channels)])
        templates = read_templates(path, sample_rate_hz=20000.0, contacts_um=contacts_um)
        wanted_uV = np.stack([means[unit].T for unit in templates.unit_ids])
        np.testing.assert_array_equal(templates.waveforms_uV, wanted_uV)
        n_units[n_channels] = templates.n_units
        assert templates.peak_sample == 15
    assert n_units == {14: 35, 16: 102}


def test_the_locust_is_20_s_of_unit_variance_with_some_1800_events():
    recording = read_locust(DATA / "locust_tetrode")
    traces = recording.read(0, recording.n_samples)
    assert (traces.shape, recording.duration_s) == ((300000, 4), 20.0)
    np.testing.assert_allclose(traces.std(axis=0), 1.0, atol=0.01)
    # Peaks of the sum over contacts, smoothed over 5 samples and in units of its MAD, at least 15
    # samples apart: the recipe of those who published the data, on the channels as they are.
    smooth = np.apply_along_axis(np.convolve, 0, -traces, np.full(5, 0.2), "same")
    smooth -= np.median(smooth, axis=0)
    smooth /= 1.4826 * np.median(np.abs(smooth), axis=0)
    smooth[smooth < 4] = 0
    peaks, _ = scipy.signal.find_peaks(smooth.sum(axis=1), distance=15)
    assert len(peaks) == pytest.approx(1795, rel=0.05)


def test_the_locust_is_saved_to_within_half_a_step(tmp_path):
    recording = read_locust(DATA / "locust_tetrode", scale_uV=30.0)
    save_recording(recording, tmp_path / "locust")
    again = read_recording(tmp_path / "locust", check_sha256=True)
    error_uV = np.abs(again.read(0, 300000) - recording.read(0, 300000))
    assert error_uV.max() <= 0.195 / 2 * 1.001
    assert error_uV.mean() == pytest.approx(0.195 / 4, rel=0.05)
