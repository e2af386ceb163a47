"""The bank of quadrature filters, against complex cells and the regression that it stands for."""

from functools import partial

import jax
import numpy as np
import pytest

from spikeloop.encode import GaborBank, Ridge
from spikeloop.encode.fitted import in_batches
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images import gabor_bank
from spikeloop.encode.images.bank_features import BankFeatures, bank_features
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.gabor_bank import Scaling, fit_in_windows
from spikeloop.encode.images.windows import Windows
from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import pearson
from spikeloop.numerics.ridge import ridge_regression
from spikeloop.simulate import VirtualCortex, simulate_cortex

FEATURES = BankFeatures(FilterBank(n_scales=3, n_orientations=4), n_places=4)
MODEL = GaborBank(FEATURES, Windows(size=0.2, n_centres=2))
N_IMAGES = 640
TRAINING, VALIDATION, TEST = slice(0, 448), slice(448, 512), slice(512, None)


@pytest.fixture(scope="module")
def complex_cells():
    """Return images with the counts, and the true rates, of complex cells."""
    settings = VirtualCortex(
        n_simple=0, n_complex=6, n_unresponsive=0, n_images=N_IMAGES, n_repeats=1, n_pixels=14
    )
    cortex = simulate_cortex(settings, seed=2)
    rates = cortex.truth.rates_hz
    counts = np.random.default_rng(0).poisson(4 * rates).astype(float)
    data = ImageData(cortex.experiment.images.pixels, counts, np.ones(N_IMAGES, dtype=int))
    return data, rates


def fitted(model, data):
    return model.fit_images(data.select(TRAINING), data.select(VALIDATION), seed=0)


@pytest.fixture(scope="module")
def estimate(complex_cells):
    return fitted(MODEL, complex_cells[0])


@pytest.fixture(scope="module")
def predict(estimate):
    return jax.jit(partial(MODEL.expected_counts, estimate.parameters))


def test_complex_cells_are_predicted_where_a_linear_model_fails(complex_cells, predict):
    data, rates = complex_cells
    by_bank = in_batches(predict, data.pixels[TEST])
    line = fitted(Ridge(), data)
    by_line = np.asarray(Ridge().expected_counts(line.parameters, data.pixels[TEST]))
    found, linear = pearson(rates[TEST], by_bank), pearson(rates[TEST], by_line)
    assert found.mean() > 0.7
    assert (found > 0.55).all()
    assert (found > np.nan_to_num(linear) + 0.2).all()


def test_weights_of_raw_features_say_what_those_of_scaled_ones_say(
    complex_cells, estimate, predict
):
    data = complex_cells[0].select(slice(0, 512))
    level = estimate.parameters["mean_amplitude"]
    compute = jax.jit(lambda pixels: bank_features(FEATURES, pixels, level))
    features = in_batches(compute, data.pixels, 128)
    scaling = Scaling.of(features, FEATURES.shading)
    scaled = scaling.scaled(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-3)
    spread = scaled.std(axis=0)
    np.testing.assert_allclose(spread[:-1], 1, rtol=1e-3)
    np.testing.assert_allclose(spread[-1], 0.5 * np.sqrt(len(spread) - 1), rtol=1e-3)
    whole = fit_in_windows(scaled, data, MODEL.windows, seed=0)
    expected = np.einsum("icyx,ucyx->iu", scaled, whole.weights) + whole.intercept
    np.testing.assert_allclose(
        in_batches(predict, data.pixels, 128), expected, rtol=0.01, atol=0.02
    )


def test_a_prediction_does_not_depend_on_its_batch(complex_cells, predict):
    pixels = complex_cells[0].pixels[:128]
    whole = in_batches(predict, pixels, 128)
    np.testing.assert_allclose(in_batches(predict, pixels, 15), whole, rtol=1e-3, atol=1e-3)


def test_poisson_regression_gets_the_prior_of_the_window(complex_cells, predict, monkeypatch):
    """The prior variance of a weight is that of the whole, times the window at its place."""
    data, _ = complex_cells
    given = []

    def pretended(rows, means, n_trials, precision, n_validation):
        given.append((rows, precision, n_validation))
        weights = np.where(np.isfinite(precision), 0.1, 0.0)
        return {"weights": weights, "intercept": np.ones(6), "level": np.full(6, 2.0)}

    monkeypatch.setattr(gabor_bank, "poisson_regression", pretended)
    model = GaborBank(FEATURES, MODEL.windows, readout="poisson")
    found = fitted(model, data)
    (rows, precision, n_validation), *_ = given
    assert n_validation == 64
    every = MODEL.windows.weights(4, 4)
    for unit, window in enumerate(found.history["window"]):
        share = precision[:, unit].min() / precision[:, unit]
        share = share.reshape(-1, 4, 4)
        np.testing.assert_allclose(share, np.broadcast_to(every[window], share.shape), rtol=1e-5)
    drive = rows @ np.where(np.isfinite(precision), 0.1, 0.0) + 1.0
    counts = np.asarray(jax.jit(model.expected_counts)(found.parameters, data.pixels[:128]))
    np.testing.assert_allclose(counts, 2 * np.logaddexp(0, drive[:128] / 2), rtol=0.01, atol=0.01)


def test_another_readout_is_refused():
    with pytest.raises(InvalidInputError, match="readout='lasso': it must be one of 'ridge'"):
        GaborBank(readout="lasso")


N_CHANNELS, N_PLACES = 3, 4


def local_units(n_images=120):
    """Return features of noise, and units of which each reads one corner."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(n_images, N_CHANNELS, N_PLACES, N_PLACES)).astype(np.float32)
    corners = features[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    means = 4 * corners + rng.normal(size=corners.shape)
    n_trials = rng.integers(1, 4, n_images)
    return features, ImageData(np.zeros((n_images, 2, 2)), means, n_trials)


def test_a_unit_that_looks_at_a_corner_gets_its_window():
    features, data = local_units()
    found = fit_in_windows(features, data, Windows(size=0.12, n_centres=2), seed=0)
    assert found.window.tolist() == [1, 2, 3, 4]
    strongest = np.abs(found.weights).max(axis=1).reshape(4, -1).argmax(axis=1)
    assert strongest.tolist() == [0, 3, 12, 15]
    assert not found.weights[0, :, -1].any()


def in_window(features, found, unit, windows):
    """Return the rows that a unit is regressed on: windows weight the prior variance."""
    weight = np.sqrt(windows.weights(N_PLACES, N_PLACES)[found.window[unit]])
    rows = (features * weight).reshape(len(features), -1).astype(float)
    return rows[:, np.tile(weight.ravel() > 0, N_CHANNELS)]


def counts_of(found, unit, features):
    return np.einsum("icyx,cyx->i", features, found.weights[unit]) + found.intercept[unit]


def test_each_unit_is_fitted_to_all_images_in_its_window():
    features, data = local_units()
    windows = Windows(size=0.12, n_centres=2)
    found = fit_in_windows(features, data, windows, seed=0)
    for unit in range(4):
        rows = in_window(features, found, unit, windows)
        whole = ridge_regression(rows, data.means[:, [unit]], data.n_trials.astype(float))
        expected = rows @ whole.weights[:, 0] + whole.intercept
        np.testing.assert_allclose(counts_of(found, unit, features), expected, atol=2e-3)
        assert found.penalty[unit] == whole.penalty[0]


def test_of_many_images_some_choose_window_and_penalty_and_all_the_weights(monkeypatch):
    """By augmented least squares: the penalty of some images as further rows of all."""
    monkeypatch.setattr(gabor_bank, "IMAGES_TO_CHOOSE_BY", 60)
    features, data = local_units()
    windows = Windows(size=0.12, n_centres=2)
    found = fit_in_windows(features, data, windows, seed=3)
    some = np.sort(np.random.default_rng(3).permutation(len(data))[:60])
    trials = data.n_trials.astype(float)
    for unit in range(4):
        rows = in_window(features, found, unit, windows)
        few = ridge_regression(rows[some], data.means[some][:, [unit]], trials[some])
        assert found.penalty[unit] == few.penalty[0]
        share = trials / trials.sum()
        root = np.sqrt(trials / trials.mean())[:, None]
        level = share @ data.means[:, [unit]]
        prior = np.sqrt(few.absolute_penalty[0]) * np.eye(rows.shape[1])
        augmented = np.vstack([(rows - share @ rows) * root, prior])
        wanted = np.vstack([(data.means[:, [unit]] - level) * root, np.zeros((len(prior), 1))])
        weights = np.linalg.lstsq(augmented, wanted)[0]
        expected = ((rows - share @ rows) @ weights + level)[:, 0]
        np.testing.assert_allclose(counts_of(found, unit, features), expected, atol=2e-3)
        assert found.window[unit] == unit + 1


def test_the_images_that_choose_windows_are_drawn_by_the_seed(monkeypatch):
    monkeypatch.setattr(gabor_bank, "IMAGES_TO_CHOOSE_BY", 60)
    once, again, other = (
        fit_in_windows(*local_units(), Windows(n_centres=0), seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(once.precision, again.precision)
    assert (once.precision != other.precision).all()


def test_features_that_never_vary_are_left_out():
    features, _ = local_units()
    features[:, 1, 2, 2] = 7.0
    scaling = Scaling.of(features, 0.5)
    assert scaling.factor[1, 2, 2] == 0
    assert np.isfinite(scaling.scaled(features)).all()
