"""Scores of models, against scores computed by hand; and what is no fair comparison."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop import evaluate
from spikeloop.data import Images, Responses, Trials
from spikeloop.encode import (
    Evaluation,
    MeanResponse,
    Ridge,
    StimulusSplit,
    evaluate_models,
    fit,
    split_stimuli,
)
from spikeloop.errors import InvalidInputError, SpikeloopWarning

IDS = np.random.default_rng(7).permutation(1000)[:90]
PIXELS = np.random.default_rng(0).normal(size=(90, 4, 5)).astype(np.float32)
SPLIT = split_stimuli(np.sort(IDS), seed=0)
FAST = Evaluation(n_draws=50)


def experiment(n_repeats=3, shift=0.0):
    rng = np.random.default_rng(1)
    shown = rng.permutation(np.repeat(np.arange(90), n_repeats))
    rates = np.exp(1 + 0.5 * PIXELS[:, 1, 1:3])
    counts = rng.poisson(rates[shown]).astype(float) + shift
    return Responses(counts, (0.0, 0.1), Trials(IDS[shown]), [10, 11]), Images(PIXELS, IDS)


def compared(responses, images):
    models = {"mean": MeanResponse(), "ridge": Ridge()}
    fitted = {
        name: fit(model, responses, images, split=SPLIT, seed=0) for name, model in models.items()
    }
    return fitted, evaluate_models(fitted, responses, images, FAST, seed=0)


@pytest.fixture(scope="module")
def comparison():
    return compared(*experiment())


def test_scores_are_those_computed_by_hand(comparison):
    fitted, found = comparison
    responses, images = experiment()
    scores = found["ridge"]
    predictions = fitted["ridge"].predict(images.of_ids(SPLIT.test_ids)).astype(float)
    trials = responses.trials.stimulus_id
    repeats = np.stack([responses.counts[trials == identity] for identity in SPLIT.test_ids])
    means = repeats.mean(axis=1)
    np.testing.assert_allclose(found.means, means)
    np.testing.assert_array_equal(found.n_trials, 3)
    np.testing.assert_array_equal(found.test_ids, SPLIT.test_ids)
    np.testing.assert_allclose(scores.predictions, predictions)
    by_hand = [np.corrcoef(means[:, unit], predictions[:, unit])[0, 1] for unit in range(2)]
    np.testing.assert_allclose(scores.correlation.units.score, by_hand)
    assert scores.correlation.mean.score == pytest.approx(np.mean(by_hand))
    single = [
        np.corrcoef(repeats[:, :, unit].ravel(), np.repeat(predictions[:, unit], 3))[0, 1]
        for unit in range(2)
    ]
    np.testing.assert_allclose(scores.single_trial_correlation, single)
    noise = repeats.var(axis=1, ddof=1).mean(axis=0)
    signal = means.var(axis=0, ddof=1) - noise / 3
    np.testing.assert_allclose(
        scores.cc_norm, by_hand * means.std(axis=0, ddof=1) / np.sqrt(signal)
    )
    np.testing.assert_allclose(found.fraction_explainable, signal / (signal + noise))


def test_likelihoods_are_those_of_poisson_counts_beyond_the_mean_of_what_was_learned(comparison):
    _, found = comparison
    responses, _ = experiment()
    learned = responses.counts[~np.isin(responses.trials.stimulus_id, SPLIT.test_ids)].mean(axis=0)
    rate = np.maximum(found["ridge"].predictions, 0.01 * learned)
    means = found.means

    def log_likelihood(expected):
        return np.sum(means * np.log(expected) - expected, axis=0)

    gain = log_likelihood(rate) - log_likelihood(np.broadcast_to(learned, means.shape))
    bits = gain / np.log(2) / means.sum(axis=0)
    np.testing.assert_allclose(found["ridge"].bits_per_spike, bits, rtol=1e-6)
    safe = np.where(means > 0, means, 1.0)
    saturated = np.sum(np.where(means > 0, means * np.log(safe), 0) - means, axis=0)
    explained = gain / (saturated - log_likelihood(np.broadcast_to(learned, means.shape)))
    np.testing.assert_allclose(found["ridge"].deviance_explained, explained, rtol=1e-6)
    np.testing.assert_allclose(found["mean"].bits_per_spike, 0, atol=1e-6)


def test_a_prediction_below_no_spikes_is_lifted_to_a_share_of_the_mean():
    responses, images = experiment()
    fitted = fit(Ridge(), responses, images, split=SPLIT, seed=0)
    far = dict(fitted.parameters)
    far["intercept"] = far["intercept"] - 100
    low = replace(fitted, parameters=far)
    found = evaluate_models({"low": low}, responses, images, FAST, seed=0)["low"]
    assert (found.predictions < 0).all()
    assert np.isfinite(found.bits_per_spike).all()
    assert (found.bits_per_spike < -1).all()
    np.testing.assert_allclose(
        found.correlation.units.score,
        evaluate.pearson(
            evaluate_models({"a": fitted}, responses, images, FAST, seed=0).means,
            fitted.predict(images.of_ids(SPLIT.test_ids)).astype(float),
        ),
        rtol=1e-4,
    )


def test_a_prediction_that_is_the_same_for_all_stimuli_counts_as_a_correlation_of_0(comparison):
    """So that all models are averaged over the same units."""
    _, found = comparison
    for scores in (found["mean"].correlation.units.score, found["mean"].single_trial_correlation):
        np.testing.assert_array_equal(scores, 0)
    np.testing.assert_array_equal(found["mean"].cc_norm, 0)
    assert found["mean"].correlation.mean.low == found["mean"].correlation.mean.high == 0
    assert found.differences["ridge", "mean"].difference.mean.score == pytest.approx(
        found["ridge"].correlation.mean.score
    )
    assert (found["ridge"].correlation.units.score > 0.6).all()


def test_each_two_models_are_compared_on_the_same_draws(comparison):
    _, found = comparison
    assert list(found.differences) == [("ridge", "mean")]
    responses, images = experiment()
    model = fit(Ridge(), responses, images, split=SPLIT, seed=0)
    worse = replace(
        model,
        parameters=dict(model.parameters)
        | {"filters": np.asarray(model.parameters["filters"])[:, ::-1]},
    )
    both = evaluate_models({"worse": worse, "good": model}, responses, images, FAST, seed=0)
    difference = both.differences["good", "worse"].difference.mean
    expected = both["good"].correlation.mean.score - both["worse"].correlation.mean.score
    assert difference.score == pytest.approx(expected)
    assert difference.low > 0.2


def test_without_repeats_scores_that_need_them_are_nan():
    _, found = compared(*experiment(n_repeats=1))
    for score in (found["ridge"].cc_norm, found["ridge"].fraction_explained):
        assert np.isnan(score).all()
    assert np.isnan(found.fraction_explainable).all()
    np.testing.assert_allclose(
        found["ridge"].single_trial_correlation, found["ridge"].correlation.units.score
    )


def test_responses_that_are_no_counts_have_no_likelihood():
    _, found = compared(*experiment(shift=-2.0))
    assert np.isnan(found["ridge"].bits_per_spike).all()
    assert np.isnan(found["ridge"].deviance_explained).all()
    assert (found["ridge"].correlation.units.score > 0.6).all()


def test_a_unit_that_answers_all_alike_has_no_correlation():
    responses, images = experiment()
    flat = replace(responses, counts=responses.counts * [1, 0] + [0, 2])
    with pytest.warns(SpikeloopWarning, match="1 of 2 units answer all"):
        _, found = compared(flat, images)
    for scores in found.models:
        assert np.isnan([scores.correlation.units.score[1], scores.cc_norm[1]]).all()
        assert np.isnan(scores.single_trial_correlation[1])


def test_one_unit_that_counts_nothing_does_not_take_the_likelihoods_of_others():
    responses, images = experiment()
    _, found = compared(replace(responses, counts=responses.counts - [0, 40]), images)
    _, plain = compared(responses, images)
    for name in ("deviance_explained", "bits_per_spike"):
        score = getattr(found["ridge"], name)
        assert np.isnan(score[1])
        assert score[0] == pytest.approx(getattr(plain["ridge"], name)[0])


def test_test_images_that_were_learned_from_under_another_id_are_told():
    responses, images = experiment()
    pixels = images.pixels.copy()
    rows = [
        np.flatnonzero(images.image_ids == part[0])[0]
        for part in (SPLIT.test_ids, SPLIT.training_ids)
    ]
    pixels[rows[0]] = pixels[rows[1]]
    with pytest.warns(SpikeloopWarning, match="1 of 15 test images were learned from"):
        compared(responses, Images(pixels, images.image_ids))


def test_scores_are_columns_of_one_row_per_unit(comparison):
    _, found = comparison
    columns = found["ridge"].columns()
    assert {len(values) for values in columns.values()} == {2}
    assert (columns["correlation_low"] < columns["correlation"]).all()
    with pytest.raises(KeyError):
        found["another"]


def test_what_is_no_fair_comparison_is_refused(comparison):
    fitted, _ = comparison
    responses, images = experiment()
    other = fit(Ridge(), responses, images, split=split_stimuli(np.sort(IDS), seed=1), seed=0)
    with pytest.raises(InvalidInputError, match="the models learned from different stimuli"):
        evaluate_models(fitted | {"other": other}, responses, images, FAST, seed=0)
    whole = fit(Ridge(), responses, images, seed=0)
    with pytest.raises(InvalidInputError, match="0 stimuli are held out for the test"):
        evaluate_models({"whole": whole}, responses, images, FAST, seed=0)
    with pytest.raises(InvalidInputError, match="models by their names, one at least"):
        evaluate_models({}, responses, images, FAST, seed=0)
    renamed = replace(responses, unit_ids=np.array([11, 10]))
    with pytest.raises(InvalidInputError, match="mean was fitted to other units"):
        evaluate_models(fitted, renamed, images, FAST, seed=0)


def test_validation_stimuli_may_stand_elsewhere_as_long_as_the_same_were_seen(comparison):
    """A model without a use for validation may have trained on it: what was seen is the same."""
    fitted, _ = comparison
    responses, images = experiment()
    merged = StimulusSplit(SPLIT.fitting_ids, [], SPLIT.test_ids)
    other = fit(Ridge(), responses, images, split=merged, seed=0)
    found = evaluate_models({"a": fitted["ridge"], "b": other}, responses, images, FAST, seed=0)
    np.testing.assert_allclose(found["a"].predictions, found["b"].predictions, rtol=1e-5)
