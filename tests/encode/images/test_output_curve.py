"""The curve from what a filter says to a count."""

import numpy as np
import pytest
from scipy.optimize import minimize

from spikeloop.encode.images.output_curve import curved, fit_curves, plain

CURVES = {
    "threshold": lambda drive: 2.0 + 3.0 * np.maximum(drive - 1.0, 0.0),
    "line": lambda drive: 4.0 + 0.5 * drive,
    "bend": lambda drive: 1.0 + 2.0 * np.logaddexp(0.0, 2.0 * (drive + 0.5)) / 2.0,
}


@pytest.fixture(scope="module")
def drive():
    return 5.0 + 2.0 * np.random.default_rng(0).normal(size=(600, 1))


def fitted(drive, means, n_trials=None):
    n_trials = np.ones(len(drive)) if n_trials is None else n_trials
    curve = fit_curves(drive, means, n_trials)
    return curve, np.asarray(curved(plain(curve), drive.astype(np.float32)))


@pytest.mark.parametrize("name", CURVES)
def test_a_planted_curve_is_found(drive, name):
    wanted = CURVES[name]((drive - 5) / 2)
    _, found = fitted(drive, wanted)
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.1 * wanted.std()


def test_a_planted_threshold_is_found_in_noise(drive):
    rng = np.random.default_rng(1)
    means = CURVES["threshold"]((drive - 5) / 2) + rng.normal(size=(600, 1))
    curve, _ = fitted(drive, means)
    at = drive.mean() + drive.std() * curve["curve.threshold"][0]
    assert at == pytest.approx(5 + 2 * 1.0, abs=0.6)
    assert curve["curve.base"][0] == pytest.approx(2, abs=0.25)
    slope = curve["curve.gain"][0] / curve["curve.spread"][0]
    assert slope == pytest.approx(3 / 2, rel=0.15)


def test_no_curve_of_the_kind_is_much_better(drive):
    rng = np.random.default_rng(2)
    means = CURVES["bend"]((drive - 5) / 2) + rng.normal(size=(600, 1))
    n_trials = rng.integers(1, 9, 600).astype(float)
    _, found = fitted(drive, means, n_trials)

    def error(counts):
        return np.average((counts - means[:, 0]) ** 2, weights=n_trials)

    def of(parameters):
        base, gain, threshold, log_sharpness = parameters
        sharpness = np.exp(log_sharpness)
        bent = np.logaddexp(0.0, sharpness * ((drive[:, 0] - 5) / 2 - threshold)) / sharpness
        return error(base + gain * bent)

    best = minimize(of, [1.0, 2.0, -0.5, 0.7], method="Nelder-Mead", options={"maxiter": 4000})
    assert best.fun <= error(found[:, 0]) < 1.01 * best.fun


def test_a_curve_never_falls(drive):
    curve, found = fitted(drive, -drive)
    assert curve["curve.gain"][0] == 0
    np.testing.assert_allclose(found, -drive.mean(), rtol=1e-5)


def test_a_filter_that_always_says_the_same_leaves_the_weighted_mean():
    means, n_trials = np.array([[1.0], [2.0], [9.0]]), np.array([1.0, 1.0, 2.0])
    _, found = fitted(np.full((3, 1), 4.0), means, n_trials)
    np.testing.assert_allclose(found, 21 / 4, rtol=1e-6)


def test_each_unit_has_its_own_curve(drive):
    means = np.hstack([make((drive - 5) / 2) for make in CURVES.values()])
    _, together = fitted(np.repeat(drive, 3, axis=1), means)
    for i in range(3):
        _, alone = fitted(drive, means[:, [i]])
        np.testing.assert_allclose(together[:, [i]], alone, rtol=1e-5)


def test_a_slope_is_that_of_several_images():
    """One great count beyond all others would make a slope that no other image stands for."""
    drive = np.linspace(-1.0, 1.0, 60)[:, None]
    means = np.ones((60, 1))
    means[-1] = 40.0
    _, found = fitted(drive, means)
    curve = fit_curves(drive, means, np.ones(60))
    beyond = curved(plain(curve), np.array([[3.0]], dtype=np.float32))
    assert found[-1, 0] < 20
    assert float(beyond[0, 0]) < 60
