"""Poisson regression, against the same cost minimized by SciPy in double precision."""

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

from spikeloop.encode.images import poisson_readout
from spikeloop.encode.images.poisson_readout import expected, poisson_regression
from spikeloop.errors import InvalidInputError

N_FEATURES = 12
SCALE = np.array([0.05, 0.5, 3.0, 40.0])
"""Mean counts of four units, from silent to loud."""


def problem(n_images=160):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n_images, N_FEATURES)) * np.geomspace(3, 0.03, N_FEATURES)
    features -= features.mean(axis=0)
    rates = np.logaddexp(0.0, features @ rng.normal(size=(N_FEATURES, 4))) * SCALE
    n_trials = rng.integers(1, 6, n_images).astype(float)
    means = rng.poisson(rates * n_trials[:, None]) / n_trials[:, None]
    return features, means, n_trials


def cost(features, means, n_trials, level, penalty, parameters):
    """Return the cost of one unit, and its gradient."""
    weights, intercept = parameters[:-1], parameters[-1]
    drive = (features @ weights + intercept) / level
    rate = level * np.logaddexp(0.0, drive)
    value = n_trials @ (rate - means * np.log(rate)) + 0.5 * penalty @ weights**2
    slope = n_trials * (1 - means / rate) / (1 + np.exp(-drive))
    return value, np.append(slope @ features + penalty * weights, slope.sum())


def test_the_optimum_is_that_of_another_method_for_quiet_and_loud_units():
    features, means, n_trials = problem()
    level = np.average(means, axis=0, weights=n_trials)
    penalty = np.linspace(0.5, 2.0, N_FEATURES)[:, None] / level
    penalty[2] = np.inf
    found = poisson_regression(features, means, n_trials, penalty, 0)
    np.testing.assert_allclose(found["level"], level)
    np.testing.assert_array_equal(found["penalty"], penalty)
    assert not found["weights"][2].any()
    free = np.arange(N_FEATURES) != 2
    for unit in range(4):
        of_unit = (features[:, free], means[:, unit], n_trials, level[unit], penalty[free, unit])
        best = minimize(
            lambda parameters, known: cost(*known, parameters),
            np.append(np.zeros(N_FEATURES - 1), level[unit]),
            (of_unit,),
            jac=True,
            method="L-BFGS-B",
            options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 5000},
        )
        here = np.append(found["weights"][free, unit], found["intercept"][unit])
        value, gradient = cost(*of_unit, here)
        assert value - best.fun < 1e-4 * n_trials.sum() * level[unit]
        _, at_start = cost(*of_unit, np.append(np.zeros(N_FEATURES - 1), level[unit]))
        assert np.abs(gradient).max() < 2e-3 * np.abs(at_start).max()
        counts = [expected(features[:, free] @ x[:-1] + x[-1], level[unit]) for x in (here, best.x)]
        np.testing.assert_allclose(counts[0], counts[1], atol=0.01 * level[unit], rtol=0.01)


def test_a_unit_far_below_its_threshold_finds_back():
    """With many units a step may carry one to where its softplus is zero in single precision."""
    features, means, n_trials = problem()
    known = (features, means, n_trials, means.mean(axis=0), np.ones((N_FEATURES, 4)))
    lost = {"weights": np.zeros((N_FEATURES, 4)), "intercept": np.full(4, -500.0)}
    slope = jax.jit(jax.grad(lambda at: poisson_readout._cost(*known, at)))(lost)["intercept"]
    assert np.isfinite(slope).all()
    assert (slope < -1e-3).all(), "costs fall with the intercept"


def test_a_great_penalty_leaves_the_mean_count():
    features, means, n_trials = problem()
    found = poisson_regression(features, means, n_trials, np.full((N_FEATURES, 4), 1e10), 0)
    counts = expected(features @ found["weights"] + found["intercept"], found["level"])
    mean = np.broadcast_to(np.average(means, axis=0, weights=n_trials), counts.shape)
    np.testing.assert_allclose(counts, mean, atol=1e-3, rtol=2e-3)


def test_the_validation_images_choose_the_penalty(monkeypatch):
    features, means, n_trials = problem()
    penalty = np.tile(0.3 / SCALE, (N_FEATURES, 1))
    chosen = poisson_regression(features, means, n_trials, penalty, 50)
    scores = []
    for strength in poisson_readout.STRENGTHS:
        level = np.average(means, axis=0, weights=n_trials)
        kept = poisson_readout._minimum(
            features[:-50], means[:-50], n_trials[:-50], level, strength * penalty
        )
        rate = np.asarray(expected(features[-50:] @ kept["weights"] + kept["intercept"], level))
        held = means[-50:]
        log_ratio = np.log(np.where(held > 0, held, 1.0) / rate)
        scores.append(-2 * np.sum(held * log_ratio - (held - rate), axis=0))
    best = np.array(poisson_readout.STRENGTHS)[np.argmax(scores, axis=0)]
    np.testing.assert_allclose(chosen["penalty"], best * penalty)
    again = poisson_regression(features, means, n_trials, best * penalty, 0)
    np.testing.assert_allclose(chosen["weights"], again["weights"], atol=1e-6)


def test_a_unit_that_never_fires_is_expected_not_to():
    features, means, n_trials = problem()
    means[:, 1] = 0.0
    found = poisson_regression(features, means, n_trials, np.ones((N_FEATURES, 4)), 50)
    counts = expected(features @ found["weights"] + found["intercept"], found["level"])
    assert np.asarray(counts)[:, 1].max() < 1e-3
    assert np.isfinite(counts).all()


def test_negative_counts_are_refused():
    features, means, n_trials = problem()
    means[3, 2] = -0.5
    with pytest.raises(
        InvalidInputError, match=r"reach down to -0.5: no Poisson count is negative"
    ):
        poisson_regression(features, means, n_trials, np.ones((N_FEATURES, 4)), 0)
