"""Regression with a smooth prior, against the Gaussian that it says the targets come from."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from spikeloop.numerics import smooth_prior
from spikeloop.numerics.ridge import ridge_regression
from spikeloop.numerics.smooth_prior import smooth_regression

HEIGHT, WIDTH = 6, 5
LENGTH = 1.3
WHOLE = np.ones((1, HEIGHT, WIDTH))
LARGE = np.ones((12, 14))
BOTH = np.stack([WHOLE[0], np.linspace(0.1, 1.0, HEIGHT)[:, None] * np.linspace(1.0, 0.5, WIDTH)])


@pytest.fixture
def every_pattern(monkeypatch):
    """Keep the whole prior, and one ratio of noise to prior variance."""
    monkeypatch.setattr(smooth_prior, "NEGLIGIBLE", 0.0)
    monkeypatch.setattr(smooth_prior, "RATIOS", np.array([0.3]))


def covariance(length, window=WHOLE[0]):
    """Return the prior covariance of all pixels, written out."""
    place = np.indices(window.shape).reshape(2, -1).T
    squared = ((place[:, None] - place) ** 2).sum(axis=2)
    return np.exp(-squared / (2 * length**2)) * np.sqrt(np.outer(window, window))


def problem(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n_rows, HEIGHT, WIDTH)) + 2
    weights = rng.multivariate_normal(np.zeros(30), covariance(LENGTH), method="eigh")
    signal = images.reshape(n_rows, -1) @ weights
    targets = np.column_stack([signal + rng.normal(size=n_rows) + 4, rng.normal(size=n_rows)])
    return images, targets, rng.integers(1, 4, n_rows).astype(float)


def without_constant(images, weight):
    """Return scaled rows, and an orthonormal basis of all that the intercept cannot explain."""
    root = np.sqrt(weight / weight.mean())
    rows = images.reshape(len(images), -1) * root[:, None]
    basis = np.linalg.svd(root[None, :])[2][1:]
    return root, rows, basis


def ratio_used(images, weight, prior):
    """Return noise over prior variance: 0.3 of the mean of what the singular values square to."""
    root, rows, _ = without_constant(images, weight)
    share = root**2 / np.sum(root**2)
    centred = rows - root[:, None] * (share / root @ rows)
    gram = centred @ prior @ centred.T
    return 0.3 * np.trace(gram) / min(len(rows) - 1, HEIGHT * WIDTH)


@pytest.mark.parametrize("n_rows", [20, 50])
def test_evidence_is_that_of_the_whole_gaussian(every_pattern, n_rows):
    images, targets, weight = problem(n_rows)
    lengths = (0.6, LENGTH, 3.0)
    fitted = smooth_regression(images, targets, weight, lengths, BOTH)
    root, rows, basis = without_constant(images, weight)
    for i, j in np.ndindex(3, 2):
        prior = covariance(lengths[i], BOTH[j])
        ratio = ratio_used(images, weight, prior)
        shape = basis @ (rows @ prior @ rows.T / ratio + np.eye(n_rows)) @ basis.T
        for target in range(2):
            seen = basis @ (root * targets[:, target])
            variance = seen @ np.linalg.solve(shape, seen) / (n_rows - 1)
            whole = multivariate_normal.logpdf(seen, cov=variance * shape)
            # What is left out of the evidence does not depend on any setting.
            constant = -0.5 * (n_rows - 1) * (1 + np.log(2 * np.pi))
            assert fitted.log_evidence[i, j, target] + constant == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("n_rows", [20, 50])
def test_weights_are_the_mean_given_the_targets(every_pattern, n_rows):
    images, targets, weight = problem(n_rows)
    fitted = smooth_regression(images, targets, weight, (LENGTH,), BOTH[1:])
    root, rows, basis = without_constant(images, weight)
    prior = covariance(LENGTH, BOTH[1])
    ratio = ratio_used(images, weight, prior)
    seen = basis @ (root[:, None] * targets)
    shape = basis @ (rows @ prior @ rows.T + ratio * np.eye(n_rows)) @ basis.T
    expected = prior @ rows.T @ basis.T @ np.linalg.solve(shape, seen)
    np.testing.assert_allclose(fitted.weights.reshape(-1, 2), expected, atol=1e-7)
    level = np.average(targets, axis=0, weights=weight)
    centre = np.average(images.reshape(n_rows, -1), axis=0, weights=weight)
    np.testing.assert_allclose(fitted.intercept, level - centre @ expected, atol=1e-6)


def one_length(images, targets, weight):
    return smooth_regression(images, targets, weight, (LENGTH,), WHOLE)


def test_the_best_ratio_is_taken():
    images, targets, weight = problem(40)
    fitted = one_length(images, targets, weight)
    every = []
    for ratio in smooth_prior.RATIOS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(smooth_prior, "RATIOS", np.array([ratio]))
            every.append(one_length(images, targets, weight).log_evidence[0, 0])
    np.testing.assert_allclose(fitted.log_evidence[0, 0], np.max(every, axis=0))
    best = smooth_prior.RATIOS[np.argmax(every, axis=0)]
    assert best[0] < best[1], "noise wants a greater ratio than a signal"


def test_leaving_out_negligible_patterns_changes_little():
    images, targets, weight = problem(40)
    some = one_length(images, targets, weight)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smooth_prior, "NEGLIGIBLE", 0.0)
        every = one_length(images, targets, weight)
    np.testing.assert_allclose(some.weights, every.weights, atol=0.01 * np.abs(every.weights).max())


def planted(n_images, length, n_units, *, window=LARGE, seed):
    """Return noise images of 12 x 14, responses at a signal-to-noise of 1, and smooth filters."""
    rng = np.random.default_rng(seed)
    filters = rng.multivariate_normal(
        np.zeros(12 * 14), covariance(length, window), n_units, method="eigh"
    ).T
    images = rng.normal(size=(n_images, 12, 14))
    signal = images.reshape(n_images, -1) @ filters
    noise = rng.normal(size=signal.shape) * signal.std(axis=0)
    return images, signal + noise, filters


def likeness(found, truth):
    return np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(found.T, truth.T, strict=True)])


def test_few_images_tell_a_smooth_filter_better_than_ridge_regression():
    images, targets, filters = planted(80, 2.0, 6, seed=1)
    smooth = smooth_regression(images, targets, np.ones(80), (0.7, 1.4, 2.0, 2.8, 5.6), LARGE[None])
    ridge = ridge_regression(images.reshape(80, -1), targets, np.ones(80))
    by_smooth = likeness(smooth.weights.reshape(-1, 6), filters)
    by_ridge = likeness(ridge.weights, filters)
    assert (by_smooth > by_ridge + 0.1).all()
    assert by_smooth.mean() > 0.85


@pytest.mark.parametrize("length", [1.0, 3.0])
def test_the_length_that_was_planted_is_found(length):
    images, targets, _ = planted(250, length, 12, seed=2)
    lengths = length * np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    fitted = smooth_regression(images, targets, np.ones(250), lengths, LARGE[None])
    assert np.median(fitted.length) == length
    assert np.mean(fitted.length == length) >= 0.75
    assert (np.abs(np.log2(fitted.length / length)) <= 1).all()


def test_units_of_the_targets_and_the_order_of_lengths_do_not_matter():
    images, targets, weight = problem(40)
    fitted = smooth_regression(images, targets, weight, (0.6, LENGTH, 3.0), WHOLE)
    other = smooth_regression(images, 100 * targets - 5, weight, (3.0, 0.6, LENGTH), WHOLE)
    np.testing.assert_allclose(other.weights, 100 * fitted.weights, atol=1e-8)
    np.testing.assert_array_equal(other.length, fitted.length)


def test_the_window_that_was_planted_is_found_and_helps():
    y, x = np.indices((12, 14))
    windows = np.stack([LARGE, *(np.exp(-((y - 6) ** 2 + (x - at) ** 2) / 12) for at in (3, 10))])
    images, targets, filters = planted(100, 1.5, 8, window=windows[2], seed=3)
    fitted = smooth_regression(images, targets, np.ones(100), (0.75, 1.5, 3.0), windows)
    whole = smooth_regression(images, targets, np.ones(100), (0.75, 1.5, 3.0), LARGE[None])
    np.testing.assert_array_equal(fitted.window, 2)
    gain = [likeness(found.weights.reshape(-1, 8), filters) for found in (fitted, whole)]
    assert np.mean(gain[0]) > np.mean(gain[1]) + 0.05
    np.testing.assert_array_equal(whole.window, 0)


def test_targets_that_are_constant_have_no_filter():
    images, targets, weight = problem(40)
    targets[:, 1] = 7.0
    fitted = smooth_regression(images, targets, weight, (0.6, LENGTH), BOTH)
    np.testing.assert_array_equal(fitted.weights[:, :, 1], 0)
    assert fitted.intercept[1] == 7
