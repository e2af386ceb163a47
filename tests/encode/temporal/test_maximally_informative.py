"""The subspace of simulated units is found, also where the average is flat."""

import jax
import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.temporal.filtering import RaisedCosines
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0
N_BINS = 12_000
BASIS = RaisedCosines(6, 0.1, 0.03)
LAGS = np.arange(10)
FILTERS = np.stack(
    [np.exp(-0.5 * ((LAGS - 7) / 1.2) ** 2), np.sin(LAGS / 1.6) * np.exp(-((LAGS - 5) ** 2) / 12)]
)
"""(filter, lag), oldest first."""


def principal_cosines(a, b):
    """Return the cosines of the angles between two subspaces (filter, lag)."""
    q, r = (np.linalg.qr(rows.T)[0] for rows in (a, b))
    return np.linalg.svd(q.T @ r, compute_uv=False)


@pytest.fixture(scope="module")
def recording():
    """A unit of a linear and a squared filter, one of two squared filters, and a silent one."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(N_BINS)
    along = np.stack([np.convolve(noise, f[::-1])[:N_BINS] for f in FILTERS], axis=1)
    along /= along.std(axis=0)
    drives = np.stack([1.2 * along[:, 0] + along[:, 1] ** 2, (along**2).sum(axis=1)], axis=1)
    expected = 0.8 / (1 + np.exp(3 - 1.5 * drives))
    counts = rng.poisson(expected)
    times_s = (np.arange(N_BINS) + 0.5) / RATE_HZ
    trains = {i: np.repeat(times_s, counts[:, i]) for i in range(2)} | {2: []}
    spikes = SpikeTrains.from_units(trains, Epochs([0.0], [N_BINS / RATE_HZ]))
    return spikes, TimeSeries(noise[:, None], RATE_HZ), expected, counts


@pytest.fixture(scope="module")
def fitted(recording):
    model = MaximallyInformative(2, BASIS, 6, RaisedCosines(3, 0.05, 0.02), n_starts=2)
    with pytest.warns(UserWarning, match="1 of 3 units have no spike"):
        return fit_series(model, *recording[:2], seed=0)


def test_both_planted_subspaces_are_found(fitted):
    for found in np.asarray(fitted.parameters["stimulus.filter"])[:2, :, :, 0]:
        assert principal_cosines(FILTERS, found).min() > 0.95


def test_rates_are_near_the_true_ones(fitted, recording):
    spikes, stimulus, expected, _ = recording
    rates_hz = fitted.rates(stimulus, spikes).values
    truth_hz = expected * RATE_HZ
    for unit in range(2):
        assert np.corrcoef(rates_hz[10:, unit], truth_hz[10:, unit])[0, 1] > 0.9
    np.testing.assert_allclose(rates_hz[:, 2], rates_hz[0, 2], rtol=1e-5)


def test_each_filter_gives_unit_variance(fitted, recording):
    stimulus = recording[1]
    for filter_ in np.asarray(fitted.parameters["stimulus.filter"])[0, :, :, 0]:
        along = np.convolve(stimulus.values[:, 0], filter_[::-1])[:N_BINS]
        assert along.std() == pytest.approx(1.0, rel=0.03)


def test_rates_are_the_same_a_bin_at_a_time(fitted, recording):
    spikes, stimulus, _, counts = recording
    model, parameters = fitted.model, dict(fitted.parameters)
    rates_hz = fitted.rates(stimulus, spikes).values
    shown = np.asarray(stimulus.values[:30], np.float32)
    state, before = model.begin(parameters), np.zeros(3, np.float32)
    step = jax.jit(model.step)
    for t, drive in enumerate(model.drive(parameters, shown)):
        state, expected = step(parameters, state, drive, before)
        np.testing.assert_allclose(expected * RATE_HZ, rates_hz[t], rtol=1e-4)
        before = np.append(counts[t], 0).astype(np.float32)


def test_settings_are_checked():
    with pytest.raises(InvalidInputError, match="n_filters=4: between 1 and 3"):
        MaximallyInformative(n_filters=4)
    with pytest.raises(InvalidInputError, match="n_centres=2: a function takes 3 or more"):
        MaximallyInformative(n_centres=2)
    with pytest.raises(InvalidInputError, match=r"roughness=0.0: it must be above 0"):
        MaximallyInformative(roughness=0.0)
    with pytest.raises(InvalidInputError, match="n_starts=0: it must be 1 or more"):
        MaximallyInformative(n_starts=0)


def test_more_filters_than_basis_functions_are_refused(recording):
    model = MaximallyInformative(3, RaisedCosines(2, 0.1, 0.03))
    spikes = recording[0].select(np.array([True, True, False]))
    with pytest.raises(InvalidInputError, match="n_filters=3: the stimulus basis has 2 functions"):
        fit_series(model, spikes, recording[1], seed=0)
