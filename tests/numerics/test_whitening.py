import numpy as np
import pytest

from spikeloop.numerics.whitening import (
    leave_one_out_ridge,
    ridge_power,
    ridge_whitened_rows,
    window_covariance,
)


@pytest.mark.parametrize(("n_lags", "n_features"), [(1, 3), (2, 1), (7, 2), (40, 3), (200, 1)])
def test_window_covariance_equals_that_of_all_windows_laid_out(n_lags, n_features):
    rng = np.random.default_rng(0)
    signal = np.cumsum(rng.standard_normal((300, n_features)), axis=0) + 100
    windows = [signal[t : t + n_lags].ravel() for t in range(300 - n_lags + 1)]
    expected = np.atleast_2d(np.cov(np.transpose(windows), bias=True))
    got = window_covariance(signal, n_lags)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-8)


def test_ridge_powers_undo_the_regularized_covariance():
    rng = np.random.default_rng(1)
    covariance = np.cov(rng.standard_normal((5, 50)))
    regularized = covariance + 0.1 * np.trace(covariance) / 5 * np.eye(5)
    np.testing.assert_allclose(ridge_power(covariance, 0.1, -1) @ regularized, np.eye(5), atol=1e-9)
    half = ridge_power(covariance, 0.1, -0.5)
    np.testing.assert_allclose(half @ regularized @ half, np.eye(5), atol=1e-9)


def test_nothing_to_whiten_gives_zero():
    assert np.array_equal(ridge_power(np.zeros((2, 2)), 0.1, -1), np.zeros((2, 2)))
    assert np.array_equal(ridge_whitened_rows(np.zeros((2, 3)), 0.1), np.zeros((2, 3)))


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (7, 7)])
def test_whitened_rows_agree_whether_rows_or_columns_are_fewer(shape):
    rows = np.random.default_rng(2).standard_normal(shape)
    covariance = rows.T @ rows / len(rows)
    expected = rows @ ridge_power(covariance, 0.3, -1)
    np.testing.assert_allclose(ridge_whitened_rows(rows, 0.3), expected, atol=1e-10)


@pytest.mark.parametrize("shape", [(30, 4), (30, 40)], ids=["tall", "wide"])
def test_the_leave_one_out_ridge_is_that_of_leaving_out_one_row_after_another(shape):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal(shape) / np.arange(1, shape[1] + 1)
    rows -= rows.mean(axis=0)
    targets = rows @ rng.standard_normal((shape[1], 3)) + rng.standard_normal((shape[0], 3))
    ridges = np.geomspace(0.001, 1000, 13)
    scaled = targets / targets.std(axis=0)
    errors = np.empty((len(ridges), len(rows)))
    for ridge, error in zip(ridges, errors, strict=True):
        penalty = np.diag([0.0] + [ridge * np.sum(rows**2) / shape[1]] * shape[1])
        for i in range(len(rows)):
            others = np.delete(np.column_stack([np.ones(len(rows)), rows]), i, axis=0)
            answers = np.delete(scaled, i, axis=0)
            weight = np.linalg.solve(others.T @ others + penalty, others.T @ answers)
            error[i] = np.mean((scaled[i] - np.append(1.0, rows[i]) @ weight) ** 2)
    mean = errors.mean(axis=1)
    best = mean.argmin()
    assert 0 < best < len(ridges) - 1
    good = mean <= mean[best] + errors[best].std() / np.sqrt(len(rows))
    assert leave_one_out_ridge(rows, targets, ridges) == ridges[good].max()


def test_the_leave_one_out_ridge_of_rows_that_say_nothing_is_the_largest():
    ridges = np.array([0.1, 1.0])
    assert leave_one_out_ridge(np.zeros((5, 3)), np.arange(10.0).reshape(5, 2), ridges) == 1.0
    assert leave_one_out_ridge(np.eye(5) - 0.2, np.ones((5, 2)), ridges) == 1.0
