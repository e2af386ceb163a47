"""The unbiased r2 against its printed formula; its coverage is shown in tests/truth."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import pearson, r2_er, r2_er_interval, stabilize_variance


@pytest.fixture
def simulated():
    """Return true means (stimulus, unit) and noisy repeats of them."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 100))
    return truth, truth[:, None] + rng.normal(size=(60, 4, 100))


def test_r2_is_the_published_formula_where_each_stimulus_has_the_same_variance():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(20, 5, 3))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, ddof=1, keepdims=True)
    means, x = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    x -= x.mean(axis=0)
    y = means - means.mean(axis=0)
    variance, (m, n) = 1.0, (20, 5)
    x2, y2 = np.sum(x**2, axis=0), np.sum(y**2, axis=0)
    numerator = np.sum(x * y, axis=0) ** 2 - variance / n * x2
    wanted = numerator / (x2 * y2 - (m - 1) * variance / n * x2)
    np.testing.assert_allclose(r2_er(means[:, None] + noise, x), wanted)


def test_noise_lowers_the_plain_r2_and_not_this_one(simulated):
    truth, repeats = simulated
    plain = pearson(repeats.mean(axis=1), truth) ** 2
    assert plain.mean() < 0.85
    assert abs(r2_er(repeats, truth).mean() - 1) < 0.01


def test_r2_does_not_mind_scale_and_offset(simulated):
    truth, repeats = simulated
    np.testing.assert_allclose(r2_er(repeats, 5 - 3 * truth), r2_er(repeats, truth))


def test_r2_passes_its_bounds_and_the_interval_does_not(simulated):
    truth, repeats = (values[:20, ..., :40] for values in simulated)
    unrelated = np.random.default_rng(2).normal(size=truth.shape)
    assert r2_er(repeats, truth).max() > 1
    assert r2_er(repeats, unrelated).min() < 0
    for predictions in (truth, unrelated):
        low, high = r2_er_interval(repeats, predictions, n_draws=500, seed=0)
        assert ((low >= 0) & (low <= high) & (high <= 1)).all()


def test_more_confidence_makes_a_wider_interval_and_a_seed_the_same(simulated):
    truth, repeats = (values[..., :5] for values in simulated)
    predictions = truth + np.random.default_rng(3).normal(size=truth.shape)
    wide = r2_er_interval(repeats, predictions, confidence=0.99, seed=0)
    narrow = r2_er_interval(repeats, predictions, confidence=0.5, seed=0)
    assert (wide[0] < narrow[0]).all()
    assert (narrow[1] < wide[1]).all()
    np.testing.assert_array_equal(
        narrow, r2_er_interval(repeats, predictions, confidence=0.5, seed=0)
    )


def test_both_are_nan_where_they_have_no_meaning(simulated):
    truth, repeats = (values[..., :2].copy() for values in simulated)
    repeats[:, :, 0] = 0.0
    for predictions in (truth, np.ones_like(truth)):
        assert np.isnan(r2_er(repeats, predictions)[0])
        assert np.isnan(r2_er_interval(repeats, predictions, seed=0)[0][0])
    assert np.isnan(r2_er(repeats, np.ones_like(truth))).all()
    assert np.isnan(r2_er(repeats[:, :1], truth)).all()
    assert np.isnan(r2_er_interval(repeats[:3], truth[:3], seed=0)).all()


def test_stabilized_poisson_counts_have_one_variance():
    rng = np.random.default_rng(4)
    rates = np.array([4.0, 10.0, 40.0])
    counts = rng.poisson(rates, (20000, 3)).astype(float)
    np.testing.assert_allclose(stabilize_variance(counts, "anscombe").var(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(
        stabilize_variance(counts[:, 1:], "sqrt").var(axis=0), 0.25, atol=0.02
    )
    assert np.isnan(stabilize_variance(np.array([np.nan]), "sqrt")[0])
    assert stabilize_variance(counts, "none") is counts


def test_the_transform_is_done_to_responses_and_predictions():
    rng = np.random.default_rng(5)
    rates = rng.gamma(2.0, 3.0, (30, 4))
    repeats = rng.poisson(rates[:, None], (30, 6, 4)).astype(float)
    wanted = r2_er(np.sqrt(repeats), np.sqrt(rates))
    np.testing.assert_array_equal(r2_er(repeats, rates, transform="sqrt"), wanted)


def test_negative_counts_have_no_root():
    with pytest.raises(InvalidInputError, match="transform='sqrt' wants counts of 0 or more"):
        stabilize_variance(np.array([-1.0]), "sqrt")


def test_an_unknown_transform_is_refused():
    with pytest.raises(InvalidInputError, match="transform='log': it must be 'none', 'sqrt'"):
        stabilize_variance(np.array([1.0]), "log")


def test_a_confidence_outside_0_to_1_is_refused(simulated):
    truth, repeats = simulated
    with pytest.raises(InvalidInputError, match=r"confidence=1: it must lie between 0 and 1"):
        r2_er_interval(repeats, truth, confidence=1, seed=0)
