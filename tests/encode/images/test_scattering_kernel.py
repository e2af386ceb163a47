"""Regression on likeness, against kernel regression written out for each window."""

from functools import partial

import jax
import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from spikeloop.encode import ScatteringKernel
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.scattering_kernel import squared_distance
from spikeloop.encode.images.second_order import SecondOrder
from spikeloop.encode.images.windows import Windows
from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import pearson

MODEL = ScatteringKernel(
    BankFeatures(FilterBank(n_scales=2, n_orientations=4), n_places=3),
    SecondOrder(1, FilterBank(n_scales=1, n_orientations=4, finest_wavelength_px=6.0)),
    windows=Windows(size=0.2, n_centres=2),
    most_images=120,
)
N_IMAGES = 160


@pytest.fixture(scope="module")
def data():
    """Return noise images, and units that answer a product of two contrasts."""
    rng = np.random.default_rng(0)
    contrast = rng.uniform(0.2, 2.0, size=(N_IMAGES, 2))
    pixels = rng.normal(size=(N_IMAGES, 12, 14)).astype(np.float32)
    pixels[:, :6] *= contrast[:, :1, None]
    pixels[:, 6:] *= contrast[:, 1:, None]
    product = contrast.prod(axis=1)
    means = np.column_stack([product, contrast[:, 0], rng.normal(size=N_IMAGES)])
    return ImageData(pixels, means, rng.integers(1, 4, N_IMAGES))


@pytest.fixture(scope="module")
def estimate(data):
    return MODEL.fit_images(data.select(slice(0, 100)), data.select(slice(100, 120)), seed=0)


@pytest.fixture(scope="module")
def expected_counts():
    return jax.jit(MODEL.expected_counts)


@pytest.fixture(scope="module")
def predict(estimate, expected_counts):
    return partial(expected_counts, estimate.parameters)


def naive(train, test, data, unit, sharpness):
    """Return predictions, and leave-one-out error, of the best ridge regression on likeness.

    Weights, and a free constant, minimize the weighted squared error plus the squared norm.
    """
    median = np.median(pdist(train, "sqeuclidean"))
    kernel, likeness = (
        np.exp(-sharpness * cdist(x, train, "sqeuclidean") / median) for x in (train, test)
    )
    n, share = len(train), data.n_trials[: len(train)] / data.n_trials[: len(train)].mean()
    targets = data.means[:n, unit]
    project = np.eye(n) - np.outer(np.ones(n), share / n)
    root = np.sqrt(share)
    centred = root[:, None] * (project @ kernel @ project.T) * root
    best = (np.inf, None)
    for penalty in 10.0 ** np.arange(-5, 3.01, 0.5) * np.trace(centred) / (n - 1):
        # Bordered system: the derivative by the weights, and by the constant.
        system = np.zeros((n + 1, n + 1))
        system[:n, :n] = kernel + penalty * np.diag(1 / share)
        system[:n, n] = system[n, :n] = 1
        inverse = np.linalg.inv(system)
        solved = inverse @ np.append(targets, 0.0)
        left_out = targets - solved[:n] / np.diag(inverse)[:n]
        error = np.mean(share * (targets - left_out) ** 2)
        if error < best[0]:
            best = (error, likeness @ solved[:n] + solved[n])
    return best


def test_predictions_are_those_of_kernel_regression_in_the_best_window(data, estimate, predict):
    raw = np.asarray(estimate.parameters["examples"], dtype=float)
    every = MODEL.windows.weights(3, 3)
    counts = np.asarray(predict(data.pixels))[:120]
    for unit in range(3):
        tried = []
        for window in every:
            rows = (raw * np.sqrt(window)).reshape(120, -1)
            tried.append(naive(rows, rows, data, unit, MODEL.sharpness))
        best = np.argmin([error for error, _ in tried])
        assert estimate.history["window"][unit] == best
        np.testing.assert_allclose(counts[:, unit], tried[best][1], atol=0.01)


def test_examples_are_scaled_features_of_the_images(estimate):
    examples = np.asarray(estimate.parameters["examples"])
    np.testing.assert_allclose(examples.mean(axis=0), 0, atol=1e-4)
    variance = examples.var(axis=0)
    n_first = 8 * len(MODEL.features.exponents)
    np.testing.assert_allclose(variance[:n_first].sum(axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(variance[n_first:-1].sum(axis=0), MODEL.second_weight, rtol=1e-3)
    np.testing.assert_allclose(variance[-1], MODEL.features.shading**2, rtol=1e-3)


def test_products_of_contrasts_are_predicted_for_new_images(data, predict):
    counts = np.asarray(predict(data.pixels))[120:]
    assert (pearson(data.means[120:, :2], counts[:, :2]) > 0.8).all()


def test_few_images_are_compared_with_where_there_are_many(data, expected_counts):
    training, validation = data.select(slice(0, 100)), data.select(slice(100, 140))
    found, other = (MODEL.fit_images(training, validation, seed=seed) for seed in (0, 1))
    assert found.parameters["examples"].shape[0] == 120
    assert found.parameters["weights"].shape == (120, 3)
    assert not np.allclose(found.parameters["examples"], other.parameters["examples"])
    counts = np.asarray(expected_counts(found.parameters, data.pixels))[140:]
    assert pearson(data.means[140:, :1], counts[:, :1])[0] > 0.8


def test_distances_are_those_of_weighted_differences():
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=(n, 2, 3, 4)).astype(np.float32) for n in (5, 6))
    window = rng.uniform(size=(3, 4))
    window[1] = 0.0
    difference = (a[:, None] - b) * np.sqrt(window)
    expected = (difference**2).sum(axis=(2, 3, 4))
    found = squared_distance(a, b, window)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.asarray(squared_distance(a, a, window)).min() >= 0


def test_a_window_in_which_nothing_varies_is_not_chosen():
    """Nothing is at a distance there: the median is 0, by which likeness would be divided."""
    rng = np.random.default_rng(2)
    examples = rng.normal(size=(40, 3, 4, 4)).astype(np.float32)
    examples[:, :, :, 2:] = 0.0
    model = ScatteringKernel(windows=Windows(size=0.05, n_centres=4))
    data = ImageData(np.zeros((40, 4, 4)), examples[:, :2, 0, 0], np.ones(40, dtype=int))
    found = model._in_best_windows(examples, data)
    assert all(np.isfinite(array).all() for array in found.values())
    assert found["in_window"].argmax(axis=0).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"second_weight": -1.0}, "second_weight=-1.0: give 0 or more"),
        ({"sharpness": 0.0}, "sharpness=0.0: it must be above 0"),
        ({"most_images": 19}, "most_images=19: it must be 20 or more"),
    ],
)
def test_settings_without_meaning_are_refused(setting, message):
    with pytest.raises(InvalidInputError, match=message):
        ScatteringKernel(**setting)
