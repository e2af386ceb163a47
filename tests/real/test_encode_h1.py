"""Models of the fly's H1 neuron, on five minutes of the recording."""

from pathlib import Path

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.evaluate import bits_per_spike

DATA = Path(__file__).parents[3] / "shared" / "data" / "h1_fly" / "c1p8.mat"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)
N_BINS = 150_000


@pytest.fixture(scope="module")
def recording():
    from scipy.io import loadmat

    arrays = loadmat(DATA)
    fired = np.flatnonzero(arrays["rho"][:N_BINS])
    spikes = SpikeTrains.from_units({"h1": (fired + 0.5) / 500}, Epochs([0.0], [N_BINS / 500]))
    return spikes, TimeSeries(arrays["stim"][:N_BINS], sample_rate_hz=500.0)


def test_a_history_tells_more_of_the_next_bin_than_the_stimulus_alone(recording):
    spikes, stimulus = recording
    counts = np.histogram(spikes.times_s, np.arange(N_BINS + 1) / 500)[0][:, None]
    first = round(0.8 * N_BINS)
    null = counts[:first].mean(axis=0)
    bits = []
    for model in (TemporalLinearNonlinear(), PoissonGLM(penalties=(1e-4,))):
        fitted = fit_series(model, spikes, stimulus, seed=0)
        expected = fitted.rates(stimulus, spikes).values / 500
        bits.append(bits_per_spike(counts[first:], expected[first:], null=null)[0])
    assert bits[0] > 1.0
    assert bits[1] > bits[0] + 0.05


def test_the_filter_peaks_where_the_triggered_average_does(recording):
    fitted = fit_series(TemporalLinearNonlinear(), *recording, seed=0)
    field = fitted.receptive_fields()[0, :, 0]
    lags_s = (np.arange(len(field)) - len(field) + 1) / 500
    assert -0.040 < lags_s[field.argmax()] < -0.020


def test_the_model_is_refractory_as_the_neuron_is(recording):
    spikes, stimulus = recording
    fitted = fit_series(PoissonGLM(penalties=(1e-4,)), spikes, stimulus, seed=0)
    made = fitted.simulate(stimulus, seed=0)
    shortest = [np.mean(np.diff(train.times_s) < 0.003) for train in (spikes, made)]
    assert shortest[1] == pytest.approx(shortest[0], abs=0.02)
    assert made.rates_hz() == pytest.approx(spikes.rates_hz(), rel=0.25)
