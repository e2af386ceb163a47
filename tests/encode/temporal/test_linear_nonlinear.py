"""The linear-nonlinear model recovers what was planted."""

import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0
FILTERS = np.stack([np.exp(-0.5 * ((np.arange(8) - c) / 1.2) ** 2) for c in (2, 5)])
"""(unit, lag), oldest first."""


@pytest.fixture(scope="module")
def fitted():
    """A stimulus with correlations, and two units whose rates saturate."""
    rng = np.random.default_rng(0)
    values = np.convolve(rng.standard_normal(40_000), [0.6, 0.8, 0.4], mode="same")[:, None]
    along = np.stack([np.convolve(values[:, 0], f[::-1])[:40_000] for f in FILTERS], axis=1)
    expected = 0.5 / (1 + np.exp(-2 * along / along.std() + 2))
    fired = rng.random(expected.shape) < expected
    trains = {i: (np.flatnonzero(fired[:, i]) + 0.5) / RATE_HZ for i in range(2)}
    spikes = SpikeTrains.from_units(trains, Epochs([0.0], [400.0]))
    stimulus = TimeSeries(3 * values + 7, RATE_HZ)
    model = TemporalLinearNonlinear(window_s=0.12)
    return fit_series(model, spikes, stimulus, seed=0), stimulus, expected, spikes


def test_planted_filters_are_recovered_through_the_correlations(fitted):
    found = np.asarray(fitted[0].parameters["stimulus.filter"])[:, -8:, 0]
    for planted, filter_ in zip(FILTERS, found, strict=True):
        assert np.corrcoef(planted, filter_)[0, 1] > 0.95


def test_the_gradient_is_the_filter_scaled(fitted):
    fields = fitted[0].receptive_fields()[:, :, 0]
    filters = np.asarray(fitted[0].parameters["stimulus.filter"])[:, :, 0]
    for field, filter_ in zip(fields, filters, strict=True):
        assert np.corrcoef(field, filter_)[0, 1] == pytest.approx(1.0, abs=1e-5)
        assert field @ filter_ > 0


def test_rates_are_near_the_true_ones(fitted):
    model, stimulus, expected, _ = fitted
    rates_hz = model.rates(stimulus).values
    for truth, rate_hz in zip(expected.T * RATE_HZ, rates_hz.T, strict=True):
        assert np.corrcoef(truth[12:], rate_hz[12:])[0, 1] > 0.98
        assert rate_hz.mean() == pytest.approx(truth.mean(), rel=0.03)


def test_the_fit_is_that_of_each_unit_alone(fitted):
    model, stimulus, _, spikes = fitted
    alone = fit_series(model.model, spikes.select(np.array([False, True])), stimulus, seed=0)
    both, one = model.rates(stimulus).values, alone.rates(stimulus).values
    np.testing.assert_allclose(both[:, 1], one[:, 0], rtol=1e-3)


def test_simulated_spikes_follow_the_rates(fitted):
    model, stimulus, _, _ = fitted
    spikes = model.simulate(stimulus, seed=3)
    again = model.simulate(stimulus, seed=3)
    np.testing.assert_array_equal(spikes.times_s, again.times_s)
    expected = model.rates(stimulus).values.sum(axis=0) / RATE_HZ
    np.testing.assert_allclose(spikes.counts(), expected, atol=4 * np.sqrt(expected.max()))
    assert len(np.unique(np.floor(spikes.of_unit(0) * RATE_HZ))) == len(spikes.of_unit(0))


def test_the_rate_of_a_bin_knows_nothing_of_later_ones(fitted):
    model, stimulus, _, _ = fitted
    counts = jnp.zeros((100, 2))
    shown = np.asarray(stimulus.values[:100], np.float32)
    changed = shown.copy()
    changed[60:] += 5
    before, after = (
        model.model.expected_counts(model.parameters, s, counts) for s in (shown, changed)
    )
    np.testing.assert_array_equal(before[:60], after[:60])
    assert np.abs(before - after)[60:72].max() > 0


def test_another_clock_or_another_number_of_features_is_refused(fitted):
    wrong = TimeSeries(np.zeros((10, 2)), 50.0)
    with pytest.raises(
        InvalidInputError, match="2 features at 50 Hz: this model wants 1 at 100 Hz"
    ):
        fitted[0].rates(wrong)


def test_settings_are_checked():
    with pytest.raises(InvalidInputError, match=r"window_s=0.0: it must be above 0"):
        TemporalLinearNonlinear(window_s=0.0)
    with pytest.raises(InvalidInputError, match="n_knots=2: a function takes 3 or more"):
        TemporalLinearNonlinear(n_knots=2)
    with pytest.raises(InvalidInputError, match="roughness=0: it must be above 0"):
        TemporalLinearNonlinear(roughness=0)


def test_a_covariance_too_large_is_refused():
    stimulus = TimeSeries(np.random.default_rng(0).standard_normal((300, 30)), RATE_HZ)
    spikes = SpikeTrains.from_units({0: [1.0]}, Epochs([0.0], [3.0]))
    with pytest.raises(InvalidInputError, match="70 lags x 30 features make a covariance of 2100"):
        fit_series(TemporalLinearNonlinear(window_s=0.7), spikes, stimulus, seed=0)
