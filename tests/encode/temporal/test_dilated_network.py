"""The dilated network: what it may see, and what it learns that linear models cannot."""

import jax
import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.temporal import fitted_series
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.filtering import RaisedCosines
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.network_training import SeriesTraining
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0
N_BINS = 16_000
SMALL = DilatedNetwork(
    n_layers=3, n_channels=8, training=SeriesTraining(n_epochs=15, chunk_bins=128, n_chunks=8)
)


@pytest.fixture(scope="module")
def recording():
    """A unit driven by the energy of two filters, which may not fire twice within 20 ms."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(N_BINS)
    along = [np.convolve(noise, f)[:N_BINS] for f in ([0.2, 0.8, 0.5], [0.0, 0.5, -0.6, -0.5])]
    expected = np.minimum(0.12 * (along[0] ** 2 + along[1] ** 2), 0.9)
    fired = np.zeros(N_BINS, dtype=bool)
    for t in range(1, N_BINS):
        fired[t] = not fired[t - 1] and rng.random() < expected[t]
    spikes = SpikeTrains.from_units(
        {"a": (np.flatnonzero(fired) + 0.5) / RATE_HZ}, Epochs([0.0], [N_BINS / RATE_HZ])
    )
    return spikes, TimeSeries(noise[:, None], RATE_HZ), fired


@pytest.fixture(scope="module")
def fitted(recording):
    return fit_series(SMALL, *recording[:2], seed=0)


def test_it_learns_what_a_glm_cannot(fitted, recording):
    spikes, stimulus, fired = recording
    basis = RaisedCosines(5, 0.06, 0.02)
    glm = fit_series(PoissonGLM(basis, basis, penalties=(1e-4,)), spikes, stimulus, seed=0)
    test = slice(int(0.8 * N_BINS), None)
    null = fired[: test.start].mean()
    bits = []
    for model in (glm, fitted):
        expected = model.rates(stimulus, spikes).values[test, 0] / RATE_HZ
        gain = fired[test] * np.log2(expected / null) - (expected - null) / np.log(2)
        bits.append(gain.sum() / fired[test].sum())
    assert bits[1] > bits[0] + 0.2


def test_it_sees_2_to_the_layers_bins_and_no_later_one(fitted):
    assert SMALL.receptive_field_bins == 8
    rng = np.random.default_rng(0)
    shown = rng.standard_normal((60, 1)).astype(np.float32)
    counts = rng.poisson(0.3, (60, 1)).astype(np.float32)
    predict = jax.jit(SMALL.expected_counts)
    base = np.asarray(predict(fitted.parameters, shown, counts))[:, 0]
    lit, fired = shown.copy(), counts.copy()
    lit[30] += 1
    fired[30] += 1
    by_stimulus = np.asarray(predict(fitted.parameters, lit, counts))[:, 0]
    by_spike = np.asarray(predict(fitted.parameters, shown, fired))[:, 0]
    np.testing.assert_array_equal(np.flatnonzero(by_stimulus != base), np.arange(30, 38))
    np.testing.assert_array_equal(np.flatnonzero(by_spike != base), np.arange(31, 39))


def test_rates_are_the_same_a_bin_at_a_time(fitted, recording):
    spikes, stimulus, fired = recording
    parameters = dict(fitted.parameters)
    state, before = SMALL.begin(parameters), np.zeros(1, np.float32)
    step = jax.jit(SMALL.step)
    rates_hz = fitted.rates(stimulus, spikes).values[:30, 0]
    for t, drive in enumerate(SMALL.drive(parameters, stimulus.values[:30].astype(np.float32))):
        state, expected = step(parameters, state, drive, before)
        assert float(expected[0]) * RATE_HZ == pytest.approx(rates_hz[t], rel=1e-4)
        before = fired[t : t + 1].astype(np.float32)


def test_rates_in_blocks_are_those_of_all_bins_at_once(fitted, recording, monkeypatch):
    spikes, stimulus, _ = recording
    whole = fitted.rates(stimulus, spikes).values
    monkeypatch.setattr(fitted_series, "BINS_AT_ONCE", 1000)
    rates_hz = fitted.rates(stimulus, spikes).values
    np.testing.assert_allclose(rates_hz, whole, rtol=1e-4)


def test_simulated_spikes_keep_the_refractory_time(fitted, recording):
    spikes, stimulus, _ = recording
    made = fitted.simulate(stimulus, seed=0)
    assert made.rates_hz()[0] == pytest.approx(spikes.rates_hz()[0], rel=0.1)
    assert np.mean(np.diff(made.times_s) < 0.015) < 0.02


def test_the_same_seed_gives_the_same_weights(fitted, recording):
    again = fit_series(SMALL, *recording[:2], seed=0)
    for name, value in fitted.parameters.items():
        np.testing.assert_array_equal(value, again.parameters[name])
    curve = fitted.history["validation_loss"]
    assert curve.argmin() == fitted.history["best_epoch"]
    assert curve.min() < curve[0] - 0.01


def test_another_seed_gives_others_and_rates_need_no_spikes_if_none_are_heard(recording):
    spikes, stimulus, _ = recording
    deaf = DilatedNetwork(
        1, 2, hears_spikes=False, training=SeriesTraining(n_epochs=1, chunk_bins=256)
    )
    one, other = (fit_series(deaf, spikes, stimulus, seed=seed) for seed in (3, 4))
    assert np.abs(one.rates(stimulus).values - other.rates(stimulus).values).max() > 0.01


def test_a_rate_of_learning_that_diverges_is_told(recording):
    model = DilatedNetwork(
        1, 2, training=SeriesTraining(n_epochs=1, learning_rate=1e30, chunk_bins=256)
    )
    with pytest.raises(InvalidInputError, match=r"the loss is not finite at learning_rate=1e\+30"):
        fit_series(model, *recording[:2], seed=0)


def test_settings_are_checked():
    with pytest.raises(InvalidInputError, match="n_layers=17: between 1 and 16"):
        DilatedNetwork(n_layers=17)
    with pytest.raises(InvalidInputError, match="n_channels=0: it must be 1 or more"):
        DilatedNetwork(n_channels=0)
    with pytest.raises(InvalidInputError, match="all must be 1 or more"):
        SeriesTraining(n_epochs=0)
    with pytest.raises(InvalidInputError, match=r"learning_rate=0.0: above 0"):
        SeriesTraining(learning_rate=0.0)
    with pytest.raises(InvalidInputError, match=r"weight_decay=0.001, averaging=1.0"):
        SeriesTraining(averaging=1.0)
