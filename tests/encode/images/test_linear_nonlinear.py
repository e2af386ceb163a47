"""A filter and a curve, against units that have just these."""

import numpy as np
import pytest

from spikeloop.encode import LinearNonlinear, Ridge
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.output_curve import curved
from spikeloop.numerics.ridge import ridge_regression


@pytest.fixture(scope="module")
def planted():
    """Return images of noise, and counts of units with a filter and a threshold."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(1500, 5, 7)).astype(np.float32)
    drive = pixels.reshape(1500, -1) @ rng.normal(size=(35, 3))
    drive /= drive.std(axis=0)
    true = 1.0 + 4.0 * np.maximum(drive - [-0.5, 0.0, 0.5], 0.0)
    data = ImageData(pixels, rng.poisson(true).astype(float), np.ones(1500, dtype=int))
    return data.select(slice(0, 1000)), data.select(slice(1000, 1100)), pixels[1100:], true[1100:]


def predicted(model, planted):
    training, validation, pixels, _ = planted
    estimate = model.fit_images(training, validation, seed=0)
    return np.asarray(model.expected_counts(estimate.parameters, pixels)), estimate


def test_the_curve_improves_on_the_line(planted):
    true = planted[3]
    bent, line = (predicted(model, planted)[0] for model in (LinearNonlinear(), Ridge()))
    error = [((found - true) ** 2).mean(axis=0) / true.var(axis=0) for found in (bent, line)]
    assert (error[0] < 0.4 * error[1]).all()
    assert (error[0] < 0.1).all()


def test_the_filter_is_that_of_ridge(planted):
    _, bent = predicted(LinearNonlinear(), planted)
    _, line = predicted(Ridge(), planted)
    for name in ("filters", "intercept"):
        np.testing.assert_array_equal(bent.parameters[name], line.parameters[name])


def test_the_curve_is_fitted_to_what_the_filter_says_of_images_left_out():
    """With about as many images as pixels, the filter knows those it was fitted to too well."""
    rng = np.random.default_rng(4)
    pixels = rng.normal(size=(50, 5, 7)).astype(np.float32)
    means = pixels[:, 1:2, 1] + rng.normal(size=(50, 1))
    data = ImageData(pixels, means, np.ones(50, dtype=int))
    curve = LinearNonlinear().fit_images(data, data.select(slice(0, 0)), seed=0).parameters
    ridge = ridge_regression(pixels.reshape(50, -1).astype(float), means, np.ones(50))
    known = pixels.reshape(50, -1) @ ridge.weights
    assert curve["curve.spread"][0] == pytest.approx(ridge.left_out.std(), rel=1e-4)
    assert abs(known.std() / ridge.left_out.std() - 1) > 0.05


def test_the_planted_threshold_is_in_the_curve(planted):
    _, estimate = predicted(LinearNonlinear(), planted)
    curve = estimate.parameters
    standard = np.array([-0.5, 0.0, 0.5])
    drive = curve["curve.mean"] + curve["curve.spread"] * np.stack([standard - 1.5, standard + 1.5])
    low, high = np.asarray(curved(curve, drive))
    np.testing.assert_allclose(low, 1.0, atol=0.5)
    np.testing.assert_allclose(high, 1.0 + 4.0 * 1.5, rtol=0.2)
