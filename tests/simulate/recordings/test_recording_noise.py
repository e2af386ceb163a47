"""Noise has the spectrum and the covariance that were asked for."""

import numpy as np
from scipy import signal, stats

from spikeloop.simulate.recordings.layers import BLOCK
from spikeloop.simulate.recordings.probes import probe_contacts
from spikeloop.simulate.recordings.recording_noise import Noise, noise_layer, noise_power

RATE_HZ = 30000.0


def noise(method, contacts_um, n_blocks=40, seed=1):
    layer = noise_layer(method, contacts_um, RATE_HZ, seed=seed)
    traces = np.zeros((n_blocks * BLOCK, len(contacts_um)), dtype=np.float32)
    for block in range(n_blocks):
        layer.add(traces[block * BLOCK : (block + 1) * BLOCK], block)
    return traces


def test_the_covariance_falls_with_distance_as_asked():
    contacts_um = probe_contacts("neuropixels")[:24]
    method = Noise(3.0, 6.0, 80.0)
    got = np.cov(noise(method, contacts_um).T)
    distance = np.linalg.norm(contacts_um[:, None] - contacts_um, axis=2)
    wanted = 36 * np.exp(-distance / 80) + 9 * np.eye(24)
    np.testing.assert_allclose(got, wanted, atol=1.5)
    np.testing.assert_allclose(np.diag(got), 45, rtol=0.03)


def test_the_spectrum_is_the_one_asked_for():
    method = Noise(2.0, 8.0, 60.0, ((200.0, 1.0), (2000.0, 0.5), (8000.0, 0.02)))
    traces = noise(method, np.array([[0.0, 0.0], [0.0, 30.0], [0.0, 60.0]]), 80)
    hz, power = signal.welch(traces, RATE_HZ, nperseg=256, axis=0)
    inner = (hz > 400) & (hz < 14000)
    wanted = noise_power(method, hz[inner], RATE_HZ)
    np.testing.assert_allclose(power[inner].mean(axis=1), wanted, rtol=0.1)


def test_its_integral_is_the_variance():
    hz = np.linspace(0, RATE_HZ / 2, 20001)
    power = noise_power(Noise(3.0, 4.0), hz, RATE_HZ)
    np.testing.assert_allclose(np.trapezoid(power, hz), 25, rtol=1e-3)


def test_white_noise_is_white_and_normal_and_each_contact_has_its_own():
    traces = noise(Noise(5.0, 0.0), np.array([[0.0, 0.0], [0.0, 1.0]]), 20)
    np.testing.assert_allclose(traces.std(axis=0), 5, rtol=0.02)
    assert abs(np.corrcoef(traces.T)[0, 1]) < 0.015
    assert stats.kstest(traces[:, 0] / 5, "norm").pvalue > 0.01
    lagged = [np.corrcoef(traces[k:, 0], traces[:-k, 0])[0, 1] for k in (1, 2, 10)]
    assert np.abs(lagged).max() < 0.015


def test_nothing_changes_at_a_border_of_blocks():
    traces = noise(Noise(0.0, 6.0), np.array([[0.0, 0.0]]), 400)[:, 0].reshape(400, BLOCK)
    inner = np.mean(traces[:, 1000] * traces[:, 1001])
    across = np.mean(traces[:-1, -1] * traces[1:, 0])
    assert abs(across - inner) < 5 * 36 / np.sqrt(400)
    assert inner > 20
