"""Scores of predictions against the published formulas."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    cc_max,
    cc_norm,
    fraction_explainable,
    fraction_explained,
    fraction_explained_above,
    pearson,
)


@pytest.fixture
def simulated():
    """Return true means (stimulus, unit) and noisy repeats of them."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 300))
    return truth, truth[:, None] + rng.normal(size=(40, 4, 300))


def test_cc_norm_is_the_correlation_with_the_means_over_its_ceiling(simulated):
    truth, repeats = simulated
    predictions = truth + np.random.default_rng(1).normal(size=truth.shape)
    wanted = pearson(repeats.mean(axis=1), predictions) / cc_max(repeats)
    np.testing.assert_allclose(cc_norm(repeats, predictions), wanted)


def test_cc_norm_passes_one_by_chance_and_is_not_clipped(simulated):
    truth, repeats = simulated
    score = cc_norm(repeats, truth)
    assert abs(score.mean() - 1) < 0.02
    assert score.max() > 1


def test_feve_is_the_published_formula_up_to_one_part_in_the_trials(simulated):
    truth, repeats = simulated
    predictions = 0.5 * truth
    noise = repeats.var(axis=1, ddof=1).mean(axis=0)
    error = ((repeats - predictions[:, None]) ** 2).mean(axis=(0, 1))
    total = repeats.reshape(-1, 300).var(axis=0)
    published = 1 - (error - noise) / (total - noise)
    np.testing.assert_allclose(fraction_explained(repeats, predictions), published, atol=0.02)


def test_the_truth_explains_all_its_average_nothing_and_worse_is_not_clipped(simulated):
    truth, repeats = simulated
    flat = np.tile(truth.mean(axis=0), (40, 1))
    assert abs(fraction_explained(repeats, truth).mean() - 1) < 0.02
    assert abs(fraction_explained(repeats, flat).mean()) < 0.02
    assert fraction_explained(repeats, truth + 3).max() < -3


def test_rows_shown_once_are_left_out_with_their_predictions(simulated):
    truth, repeats = (values[:, ..., :2] for values in simulated)
    ragged = np.concatenate([np.full((1, 4, 2), np.nan), repeats])
    ragged[0, 2] = 9.0
    predictions = np.concatenate([[[-50.0, 50.0]], truth])
    for score in (cc_norm, fraction_explained):
        np.testing.assert_allclose(score(ragged, predictions), score(repeats, truth), rtol=1e-9)


def test_scores_are_nan_where_they_have_no_meaning(simulated):
    truth, repeats = (values[:, ..., :2].copy() for values in simulated)
    repeats[:, :, 0] = 0.1
    assert np.isnan(cc_norm(repeats, truth)[0])
    assert np.isnan(fraction_explained(repeats, truth)[0])
    assert np.isnan(cc_norm(repeats, np.full_like(truth, 0.1))).all()
    assert np.isnan(cc_norm(repeats[:, :1], truth)).all()
    assert np.isnan(fraction_explained(repeats[:, :1], truth)).all()


def test_predictions_of_another_shape_are_refused(simulated):
    truth, repeats = simulated
    with pytest.raises(InvalidInputError, match=r"predictions has shape \(39, 300\)"):
        cc_norm(repeats, truth[1:])


def test_predictions_that_are_not_finite_are_refused(simulated):
    truth, repeats = simulated
    with pytest.raises(InvalidInputError, match="predictions holds 12000 values that are not"):
        fraction_explained(repeats, truth * np.nan)


def test_the_mean_above_a_threshold_says_whom_it_leaves_out(simulated):
    truth, repeats = simulated
    weak = np.concatenate(
        [repeats[..., :50], repeats[..., 50:] - 0.8 * truth[:, None, 50:]], axis=2
    )
    got = fraction_explained_above(weak, 0.9 * truth, threshold=0.15)
    kept = fraction_explainable(weak) > 0.15
    assert 50 < kept.sum() < 300
    assert got.n_excluded == 300 - kept.sum()
    scores = fraction_explained(weak[..., kept], 0.9 * truth[:, kept])
    assert got.mean == pytest.approx(scores.mean())
    assert got.median == pytest.approx(np.median(scores))
    np.testing.assert_array_equal(got.scores, fraction_explained(weak, 0.9 * truth))


@pytest.mark.parametrize("threshold", [np.nan, None, "0.15"])
def test_a_threshold_that_nothing_can_be_above_is_refused(simulated, threshold):
    truth, repeats = simulated
    with pytest.raises(InvalidInputError, match=r"threshold=.*: it must be a number, such as 0.15"):
        fraction_explained_above(repeats, truth, threshold=threshold)


def test_no_unit_above_the_threshold_has_no_mean(simulated):
    truth, repeats = simulated
    got = fraction_explained_above(repeats, truth, threshold=1.0)
    assert np.isnan([got.mean, got.median]).all()
    assert got.n_excluded == 300
