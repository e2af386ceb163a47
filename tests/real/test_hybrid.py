"""Known spikes in a recording of the locust's antennal lobe."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.io import read_locust, read_templates
from spikeloop.simulate import (
    AmplitudeModel,
    Firing,
    Injection,
    inject,
    noise_levels_uV,
    renewal_spikes,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


@pytest.fixture(scope="module")
def locust():
    return read_locust(DATA / "locust_tetrode", scale_uV=50.0)


@pytest.fixture(scope="module")
def mouse(locust):
    """Three units of the mouse's cortex on four neighbouring contacts, as the tetrode sees them."""
    given = read_templates(DATA / "templates" / "emouse_76units_32ch_25khz.mat")
    units = np.array([5, 30, 60])
    loudest = np.argsort(-np.ptp(given.waveforms_uV[units], axis=1), axis=1)[:, :4]
    waves = [given.waveforms_uV[u][:, np.sort(c)] for u, c in zip(units, loudest, strict=True)]
    few = replace(
        given,
        waveforms_uV=np.stack(waves),
        contacts_um=locust.contacts_um,
        unit_ids=np.array(["m1", "m2", "m3"]),
    )
    return few.resampled(locust.sample_rate_hz)


def trains(locust):
    method = Firing(rate_hz=8.0, rate_spread=0.0, refractory_s=0.004, burst_chance=0.0)
    drawn = renewal_spikes(3, locust.duration_s, method, seed=1)
    times_s = {f"m{u + 1}": drawn.of_unit(u) for u in range(3)}
    return SpikeTrains.from_units(times_s, Epochs([0.0], [locust.duration_s]))


def test_what_was_added_is_all_that_changed(locust, mouse):
    done = inject(locust, trains(locust), mouse, Injection(snr=8.0), seed=1)
    start, stop = 100_000, 130_000
    added = done.recording.read(start, stop) - locust.read(start, stop)
    times = np.rint(done.truth.spikes.times_s * locust.sample_rate_hz) - start
    heard = np.zeros(stop - start, dtype=bool)
    reach = mouse.waveforms_uV.shape[1] + 16
    for time in times:
        heard[max(0, int(time) - reach) : max(0, int(time) + reach)] = True
    assert not added[~heard].any()
    assert np.abs(added).max() > 6 * noise_levels_uV(locust).min()


def test_injected_spikes_have_the_ratio_asked_for_and_are_found_by_their_templates(locust, mouse):
    method = Injection(snr=10.0, amplitudes=AmplitudeModel(0.05, 0.0), subsample=False)
    done = inject(locust, trains(locust), mouse, method, seed=1)
    truth, traces = done.truth, done.recording.read(0, locust.n_samples)
    noise_uV = noise_levels_uV(locust)
    ratio = (np.abs(truth.templates.waveforms_uV).max(axis=1) / noise_uV).max(axis=1)
    np.testing.assert_allclose(ratio, 10, rtol=1e-4)
    n_times = mouse.waveforms_uV.shape[1]
    for row, unit in enumerate(truth.spikes.unit_ids):
        first = np.rint(truth.spikes.of_unit(unit) * locust.sample_rate_hz).astype(int)
        first = first[(first > n_times) & (first < locust.n_samples - n_times)] - mouse.peak_sample
        wave = truth.templates.waveforms_uV[row]
        waves = traces[first[:, None] + np.arange(n_times)]
        projection = (waves * wave).sum(axis=(1, 2)) / (wave**2).sum()
        assert abs(np.median(projection) - 1) < 0.1
        average = waves.mean(axis=0)
        limit = 5 * traces.std() / np.sqrt(len(first))
        assert np.abs(average - wave).std() < limit
