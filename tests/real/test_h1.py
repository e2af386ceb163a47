"""The H1 neuron of the blowfly: the numbers that the source experiment printed."""

import time
from pathlib import Path

import numpy as np
import pytest

from spikeloop.characterize.triggered_average import SpikeTriggeredAverage, triggered_average
from spikeloop.data import Epochs, SpikeTrains, TimeSeries

DATA = Path(__file__).parents[3] / "shared" / "data" / "h1_fly" / "c1p8.mat"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


@pytest.fixture(scope="module")
def recording():
    from scipy.io import loadmat

    arrays = loadmat(DATA)
    times_s = (np.flatnonzero(arrays["rho"]) + 0.5) / 500
    spikes = SpikeTrains.from_units({"h1": times_s}, Epochs([0.0], [1200.0]))
    return spikes, TimeSeries(arrays["stim"], sample_rate_hz=500.0)


@pytest.fixture(scope="module")
def result(recording):
    return triggered_average(*recording, SpikeTriggeredAverage(), seed=0)


def test_windows_and_first_values_are_those_printed(recording, result):
    # The source skipped spikes before sample 150; sample 149, whose window fits, holds no spike.
    assert len(recording[0].times_s) == 53_601
    assert result.n_spikes.tolist() == [53_583]
    assert result.average.shape == (1, 150, 1)
    printed = [-0.33083048, -0.29083503, -0.23076012, -0.24636984, -0.10962767]
    np.testing.assert_allclose(result.average[0, :5, 0], printed, atol=1e-6)
    np.testing.assert_allclose(result.lags_s[[0, -1]], [-0.298, 0.0])


def test_the_average_equals_a_loop_over_spikes(recording, result):
    spikes, stimulus = recording
    samples = np.floor(spikes.times_s * 500).astype(int)
    windows = np.array([stimulus.values[i - 149 : i + 1, 0] for i in samples if i >= 149])
    np.testing.assert_allclose(result.average[0, :, 0], windows.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(result.ensemble_sd[0, :, 0], windows.std(axis=0), rtol=1e-9)


def test_windows_that_end_before_the_spike_peak_28_ms_before_it(recording):
    method = SpikeTriggeredAverage(window_s=(-0.300, -0.002), n_shifts=0)
    shifted = triggered_average(*recording, method, seed=0)
    average = shifted.average[0, :, 0]
    assert average.max() == pytest.approx(29.47, abs=0.005)
    assert shifted.lags_s[average.argmax()] == pytest.approx(-0.028)


def test_the_average_stands_far_above_the_null_and_its_error(result):
    peak = np.abs(result.average).max()
    assert result.p_value[0] == pytest.approx(1 / 501)
    assert peak > 20 * result.null_band[0]
    assert peak > 100 * result.standard_error.max()
    # The spread of single windows hides it: the band that the source experiment drew.
    assert peak < result.ensemble_sd.max()


def test_it_takes_a_fifth_of_a_second_at_most(recording):
    def cpu_s():
        start = time.process_time()
        triggered_average(*recording, SpikeTriggeredAverage(), seed=0)
        return time.process_time() - start

    assert min(cpu_s() for _ in range(5)) <= 0.2
