"""Linear models, against simple cells whose filters are known."""

import numpy as np
import pytest

from spikeloop.encode import Ridge, SmoothRidge
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.windows import Windows
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.ridge import ridge_regression
from spikeloop.simulate import VirtualCortex, simulate_cortex

SMOOTH = SmoothRidge(lengths_px=(1.0, 2.0, 4.0), windows=Windows(size=0.2))


@pytest.fixture(scope="module")
def cortex():
    """Return eight simple cells, which answer one sign of what their filter says."""
    settings = VirtualCortex(
        n_simple=8, n_complex=0, n_unresponsive=0, n_images=700, n_repeats=1, n_pixels=16
    )
    return simulate_cortex(settings, seed=1)


@pytest.fixture(scope="module")
def simple_cells(cortex):
    """Return images, the rates of simple cells with Poisson noise, and the filters behind them."""
    pixels = cortex.experiment.images.pixels
    rates = cortex.truth.rates_hz
    counts = np.random.default_rng(0).poisson(4 * rates).astype(float)
    data = ImageData(pixels, counts, np.ones(len(pixels), dtype=int))
    return data.select(slice(0, 600)), data.select(slice(600, None)), cortex.truth.filters[:, 0]


def likeness(found, truth):
    pairs = zip(found.reshape(len(found), -1), truth.reshape(len(truth), -1), strict=True)
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in pairs])


def filters(model, training, validation):
    return np.asarray(model.fit_images(training, validation, seed=0).parameters["filters"])


def test_filters_of_simple_cells_are_found(simple_cells):
    training, validation, truth = simple_cells
    smooth = likeness(filters(SMOOTH, training, validation), truth)
    plain = likeness(filters(Ridge(), training, validation), truth)
    assert smooth.mean() > 0.85
    assert (smooth > 0.7).all()
    assert smooth.mean() > plain.mean() + 0.1
    assert plain.mean() > 0.4


def test_ridge_is_the_regression_on_all_pixels_of_both_parts(simple_cells):
    training, validation, _ = simple_cells
    estimate = Ridge().fit_images(training, validation, seed=0)
    rows = np.concatenate([training.pixels, validation.pixels]).reshape(700, -1).astype(float)
    targets = np.concatenate([training.means, validation.means])
    expected = ridge_regression(rows, targets, np.ones(700))
    found = np.asarray(estimate.parameters["filters"]).reshape(8, -1).T
    np.testing.assert_allclose(found, expected.weights, rtol=1e-4, atol=1e-5)
    counts = Ridge().expected_counts(estimate.parameters, validation.pixels)
    np.testing.assert_allclose(
        counts, rows[600:] @ expected.weights + expected.intercept, rtol=1e-3, atol=1e-3
    )
    np.testing.assert_array_equal(estimate.history["penalty"], expected.penalty)


def test_images_shown_much_more_often_decide():
    rng = np.random.default_rng(3)
    pixels = rng.normal(size=(60, 4, 6)).astype(np.float32)
    means = pixels[:, 1, 2:4] + rng.normal(size=(60, 2))
    data = ImageData(pixels, means, np.where(np.arange(60) < 30, 1, 10**7))
    some, none = data.select(slice(30, None)), data.select(slice(0, 0))
    np.testing.assert_allclose(
        filters(Ridge(), data, none), filters(Ridge(), some, none), atol=1e-3
    )


def test_a_local_filter_is_sought_in_its_window():
    rng = np.random.default_rng(4)
    pixels = rng.normal(size=(150, 12, 14)).astype(np.float32)
    means = pixels[:, 9:11, 11:13].sum(axis=(1, 2))[:, None] + rng.normal(size=(150, 1))
    data = ImageData(pixels, means, np.ones(150, dtype=int))
    estimate = SMOOTH.fit_images(data, data.select(slice(0, 0)), seed=0)
    assert estimate.history["window"].tolist() == [9], "the last of 1 + 3 x 3: bottom right"
    found = np.abs(np.asarray(estimate.parameters["filters"])[0])
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert row in (9, 10)
    assert column in (11, 12)
    assert found[:3].max() == 0
    assert found[:, :3].max() == 0


def test_lengths_that_cannot_be_are_refused():
    for lengths in ((), (1.0, 0.0)):
        with pytest.raises(InvalidInputError, match="give one or more lengths above 0"):
            SmoothRidge(lengths_px=lengths)
