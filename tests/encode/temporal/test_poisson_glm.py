"""The Poisson GLM recovers what was planted, couplings too, and walks as it predicts."""

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.temporal.filtering import RaisedCosines
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0
N_BINS = 40_000
STIMULUS_BASIS = RaisedCosines(5, 0.1, 0.03)
HISTORY_BASIS = RaisedCosines(4, 0.06, 0.01)
SHOWN = np.array([[0.0, 0.6, 0.3, -0.3, 0.0], [0.5, 0.0, 0.2, 0.0, 0.0]])
"""(unit, basis)"""
OWN = np.array([-3.0, -1.0, 0.5, 0.0])
CROSS = np.array([0.0, 1.0, 0.0, 0.0])
"""(basis,) what unit 1 hears of unit 0."""


def simulate():
    """Draw the spikes of two coupled units bin by bin, in plain NumPy."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(N_BINS)
    basis, heard = STIMULUS_BASIS.matrix(0.01), HISTORY_BASIS.matrix(0.01)
    along = np.stack([np.convolve(noise, (basis @ w)[::-1])[:N_BINS] for w in SHOWN], axis=1)
    counts = np.zeros((N_BINS, 2))
    for t in range(6, N_BINS):
        past = counts[t - 6 : t]
        drive = along[t] - 2.2 + heard @ OWN @ past
        drive[1] += heard @ CROSS @ past[:, 0]
        counts[t] = rng.random(2) < np.logaddexp(0, drive)
    trains = {i: (np.flatnonzero(counts[:, i]) + 0.5) / RATE_HZ for i in range(2)}
    spikes = SpikeTrains.from_units(trains, Epochs([0.0], [N_BINS / RATE_HZ]))
    return spikes, TimeSeries(2 * noise[:, None] + 1, RATE_HZ), counts


@pytest.fixture(scope="module")
def recording():
    return simulate()


@pytest.fixture(scope="module")
def fitted(recording):
    model = PoissonGLM(STIMULUS_BASIS, HISTORY_BASIS, coupled=True)
    return fit_series(model, *recording[:2], seed=0)


def test_planted_stimulus_filters_are_recovered(fitted):
    found = np.asarray(fitted.parameters["stimulus.filter"])[:, :, 0]
    planted = SHOWN @ STIMULUS_BASIS.matrix(0.01).T / 2
    np.testing.assert_allclose(found, planted, atol=0.04)
    assert np.ptp(planted) > 0.25


def test_planted_history_and_coupling_are_recovered(fitted):
    found = np.asarray(fitted.parameters["history.filter"])
    basis = HISTORY_BASIS.matrix(0.01)
    planted = np.zeros((2, 6, 2))
    planted[0, :, 0] = planted[1, :, 1] = basis @ OWN
    planted[1, :, 0] = basis @ CROSS
    np.testing.assert_allclose(found[:, :-1], planted[:, :-1], atol=0.2)
    # The newest lag is a deep trough, where spikes are too rare to tell how deep.
    assert (found[[0, 1], -1, [0, 1]] < -1.5).all()


def test_rates_are_the_same_a_bin_at_a_time(fitted, recording):
    spikes, stimulus, counts = recording
    model, parameters = fitted.model, dict(fitted.parameters)
    shown = np.asarray(stimulus.values[:40], np.float32)
    drives, state, before = model.drive(parameters, shown), model.begin(parameters), np.zeros(2)
    walked = []
    for t in range(40):
        state, expected = model.step(parameters, state, drives[t], before)
        walked.append(expected)
        before = counts[t]
    rates_hz = fitted.rates(stimulus, spikes).values[:40]
    np.testing.assert_allclose(np.array(walked) * RATE_HZ, rates_hz, rtol=1e-4)


def test_a_spike_never_changes_the_rate_of_its_own_bin(fitted, recording):
    _, stimulus, counts = recording
    shown, counts = stimulus.values[:60].astype(np.float32), counts[:60].astype(np.float32)
    more = counts.copy()
    more[30] += 1
    before, after = (
        np.asarray(fitted.model.expected_counts(fitted.parameters, shown, c))
        for c in (counts, more)
    )
    np.testing.assert_array_equal(before[:31], after[:31])
    assert (before[31] != after[31]).all()


def test_simulated_units_fire_as_the_recorded_ones(fitted, recording):
    spikes, stimulus, _ = recording
    made = fitted.simulate(stimulus, seed=1)
    np.testing.assert_allclose(made.rates_hz(), spikes.rates_hz(), rtol=0.1)
    intervals = np.diff(made.of_unit(0))
    assert np.mean(intervals < 0.015) < 0.3 * np.mean((intervals > 0.025) & (intervals < 0.035))
    with_own = fitted.rates_without_spikes(stimulus, n_draws=20, seed=1).values
    np.testing.assert_allclose(with_own.mean(axis=0), spikes.rates_hz(), rtol=0.1)


def test_uncoupled_units_do_not_know_each_other(recording):
    spikes, stimulus, _ = recording
    model = PoissonGLM(STIMULUS_BASIS, HISTORY_BASIS, penalties=(1e-4,))
    both = fit_series(model, spikes, stimulus, seed=0)
    alone = fit_series(model, spikes.select(np.array([False, True])), stimulus, seed=0)
    for name in ("stimulus.filter", "history.filter", "bias"):
        np.testing.assert_allclose(
            both.parameters[name][1], alone.parameters[name][0], rtol=1e-5, atol=1e-6
        )


def test_a_quadratic_drive_sees_what_a_linear_one_cannot():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((20_000, 1))
    along = np.convolve(noise[:, 0], [0.3, 0.8, 0.5])[:20_000]
    expected = np.logaddexp(0, 0.5 * along**2 - 2.5)
    times_s = (np.repeat(np.arange(20_000), rng.poisson(expected)) + 0.5) / RATE_HZ
    spikes = SpikeTrains.from_units({0: times_s}, Epochs([0.0], [200.0]))
    stimulus = TimeSeries(noise, RATE_HZ)
    linear = PoissonGLM(RaisedCosines(4, 0.05), None, penalties=(1e-4,))
    quadratic = PoissonGLM(
        RaisedCosines(4, 0.05), None, quadratic_basis=RaisedCosines(4, 0.04), penalties=(1e-4,)
    )
    agreement = [
        np.corrcoef(fit_series(m, spikes, stimulus, seed=0).rates(stimulus).values[:, 0], expected)
        for m in (linear, quadratic)
    ]
    assert agreement[0][0, 1] < 0.3
    assert agreement[1][0, 1] > 0.95


def test_rates_with_history_want_the_spikes_of_the_same_units(fitted, recording):
    spikes, stimulus, _ = recording
    with pytest.raises(InvalidInputError, match="depend on past spikes of the 2 units"):
        fitted.rates(stimulus)
    with pytest.raises(InvalidInputError, match="give these, or call simulate"):
        fitted.rates(stimulus, spikes.select(np.array([True, False])))
    with pytest.raises(InvalidInputError, match="n_draws=0: it must be 1 or more"):
        fitted.rates_without_spikes(stimulus, n_draws=0, seed=0)


def test_settings_are_checked():
    with pytest.raises(InvalidInputError, match="link='tanh': it must be one of exp, softplus"):
        PoissonGLM(link="tanh")
    with pytest.raises(InvalidInputError, match=r"penalties=\(\): give one or more"):
        PoissonGLM(penalties=())
    with pytest.raises(InvalidInputError, match="coupled=True without a history_basis"):
        PoissonGLM(history_basis=None, coupled=True)


def test_too_many_products_are_refused(recording):
    model = PoissonGLM(quadratic_basis=RaisedCosines(40, 1.0, 1.0))
    with pytest.raises(InvalidInputError, match="40 filtered stimuli have 820 products"):
        fit_series(model, *recording[:2], seed=0)
