"""Fitting: what it may depend on, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop.data import Images, Responses, Trials
from spikeloop.encode import (
    ConvolutionalNetwork,
    GaborBank,
    LinearNonlinear,
    LinearNonlinearPoisson,
    MeanResponse,
    PoissonGLM,
    Ridge,
    ScatteringKernel,
    SmoothRidge,
    StimulusSplit,
    fit,
    split_stimuli,
)
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.second_order import SecondOrder
from spikeloop.encode.images.windows import Windows
from spikeloop.errors import InvalidInputError, SpikeloopWarning

FEATURES = BankFeatures(FilterBank(n_scales=1, n_orientations=4), n_places=3)
WINDOWS = Windows(size=0.3, n_centres=1)
MODELS = {
    "mean": MeanResponse(),
    "ridge": Ridge(),
    "smooth": SmoothRidge(lengths_px=(1.0, 2.0), windows=WINDOWS),
    "ln": LinearNonlinear(),
    "lnp": LinearNonlinearPoisson(),
    "bank": GaborBank(FEATURES, WINDOWS),
    "kernel": ScatteringKernel(FEATURES, SecondOrder(1), windows=WINDOWS),
}
N_IMAGES = 120
IDS = np.random.default_rng(7).permutation(1000)[:N_IMAGES]
PIXELS = np.random.default_rng(0).normal(size=(N_IMAGES, 6, 7)).astype(np.float32)


def experiment(silent=False, shift=0.0):
    """Return responses of three units in two trials of each image, and the images."""
    rng = np.random.default_rng(1)
    drive = np.stack([PIXELS[:, 2, 3], PIXELS[:, 4, 5], np.abs(PIXELS[:, :4]).mean((1, 2))], axis=1)
    shown = rng.permutation(np.tile(np.arange(N_IMAGES), 2))
    counts = rng.poisson(np.exp(1 + 0.5 * drive))[shown].astype(float) + shift
    if silent:
        counts[:, 1] = 0.0
    return Responses(counts, (0.0, 0.1), Trials(IDS[shown]), [10, 11, 12]), Images(PIXELS, IDS)


SPLIT = split_stimuli(np.sort(IDS), seed=0)


@pytest.fixture(scope="module")
def fitted():
    return {name: fit(model, *experiment(), split=SPLIT, seed=0) for name, model in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_responses_and_images_of_the_test_have_no_influence(fitted, name):
    """Other answers to the test stimuli, and other test images, leave all bits as they were."""
    responses, images = experiment()
    counts, pixels = responses.counts.copy(), images.pixels.copy()
    counts[np.isin(responses.trials.stimulus_id, SPLIT.test_ids)] = 1e6
    pixels[np.isin(images.image_ids, SPLIT.test_ids)] = -99.0
    other = fit(
        MODELS[name],
        replace(responses, counts=counts),
        Images(pixels, images.image_ids),
        split=SPLIT,
        seed=0,
    )
    assert other.parameters.keys() == fitted[name].parameters.keys()
    for key, value in fitted[name].parameters.items():
        np.testing.assert_array_equal(other.parameters[key], value)
    np.testing.assert_array_equal(other.mean_image, fitted[name].mean_image)


@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_trials_images_and_units_does_not_matter(fitted, name):
    rng = np.random.default_rng(2)
    responses, _ = experiment()
    trials, rows = rng.permutation(2 * N_IMAGES), rng.permutation(N_IMAGES)
    units = np.array([2, 0, 1])
    shuffled = Responses(
        responses.counts[trials][:, units],
        responses.window_s,
        responses.trials.select(trials),
        responses.unit_ids[units],
    )
    other = fit(MODELS[name], shuffled, Images(PIXELS[rows], IDS[rows]), split=SPLIT, seed=0)
    assert other.unit_ids.tolist() == [12, 10, 11]
    np.testing.assert_allclose(
        other.predict(PIXELS), fitted[name].predict(PIXELS)[:, units], rtol=2e-3, atol=2e-3
    )


@pytest.mark.parametrize("name", [name for name in MODELS if name != "mean"])
def test_a_model_predicts_what_it_learned_from_better_than_the_mean(fitted, name):
    responses, images = experiment()
    row = np.searchsorted(responses.stimulus_ids, SPLIT.fitting_ids)
    means = responses.mean()[row][:, :2]
    counts = fitted[name].predict(images.of_ids(SPLIT.fitting_ids))[:, :2]
    error = ((means - counts) ** 2).mean(axis=0)
    assert (error < means.var(axis=0)).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_silent_unit_is_said_and_predicted_to_be_silent(name):
    with pytest.warns(SpikeloopWarning, match="1 of 3 units answer all.*such as unit 11"):
        silent = fit(MODELS[name], *experiment(silent=True), split=SPLIT, seed=0)
    counts = silent.predict(PIXELS)
    np.testing.assert_allclose(counts[:, 1], 0, atol=1e-4)
    assert np.isfinite(counts).all()


@pytest.mark.parametrize("name", ["mean", "ridge", "smooth", "ln", "bank", "kernel"])
def test_responses_below_zero_shift_predictions(fitted, name):
    """Differences from a baseline may be negative; only Poisson models refuse them."""
    shifted = fit(MODELS[name], *experiment(shift=-20.0), split=SPLIT, seed=0)
    np.testing.assert_allclose(
        shifted.predict(PIXELS) + 20, fitted[name].predict(PIXELS), rtol=1e-2, atol=2e-3
    )


def test_poisson_models_refuse_responses_below_zero():
    with pytest.raises(InvalidInputError, match="no Poisson count is negative"):
        fit(MODELS["lnp"], *experiment(shift=-20.0), split=SPLIT, seed=0)


def test_without_a_split_all_is_learned_from():
    fitted = fit(Ridge(), *experiment(), seed=0)
    assert len(fitted.split.test_ids) == 0
    assert len(fitted.split.validation_ids) == 10
    np.testing.assert_array_equal(fitted.split.fitting_ids, np.sort(IDS))


def test_stimuli_without_image_or_trial_are_refused():
    responses, images = experiment()
    missing = int(SPLIT.training_ids[3])
    fewer = Images(PIXELS[missing != IDS], IDS[missing != IDS])
    with pytest.raises(InvalidInputError, match=rf"1 of the ids asked for.*\[{missing}\]"):
        fit(Ridge(), responses, fewer, split=SPLIT, seed=0)
    unknown = StimulusSplit(np.append(SPLIT.training_ids, 5000), [], [])
    with pytest.raises(InvalidInputError, match=r"never shown, such as \[5000\]"):
        fit(Ridge(), responses, images, split=unknown, seed=0)


def test_too_little_to_learn_from_is_refused():
    responses, images = experiment()
    few = StimulusSplit(np.sort(IDS)[:15], np.sort(IDS)[15:19], np.sort(IDS)[19:])
    with pytest.raises(InvalidInputError, match="19 images to learn from: at least 20"):
        fit(Ridge(), responses, images, split=few, seed=0)
    with pytest.raises(InvalidInputError, match="there is no unit: there is nothing"):
        fit(Ridge(), responses.select(units=np.zeros(3, bool)), images, split=SPLIT, seed=0)
    with pytest.raises(InvalidInputError, match=r"all \d+ images look the same"):
        fit(Ridge(), responses, Images(np.ones_like(PIXELS), IDS), split=SPLIT, seed=0)


def test_what_is_no_model_no_responses_or_no_stimuli_is_refused():
    responses, images = experiment()
    for given, message in (
        ((Ridge, responses, images), r"model is the class Ridge: give its settings"),
        ((Ridge(), None, images), "responses is a NoneType: Images want Responses"),
        ((Ridge(), responses, PIXELS), "stimuli is a ndarray: give Images or a TimeSeries"),
        ((PoissonGLM(), responses, images), "a PoissonGLM models no images. Try GaborBank"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            fit(*given, seed=0)
    with pytest.raises(InvalidInputError, match="split is a str: for images"):
        fit(Ridge(), responses, images, split="a", seed=0)
    with pytest.raises(InvalidInputError, match="checkpoint is a str: give a Checkpoint"):
        fit(ConvolutionalNetwork(), responses, images, checkpoint="x", seed=0)
    for seed in (-1, None, 0.5):
        with pytest.raises(InvalidInputError, match=f"seed={seed}: it must be a whole number"):
            fit(Ridge(), responses, images, split=SPLIT, seed=seed)


def test_pixels_that_are_not_finite_are_not_predicted(fitted):
    for wrong in (np.nan, np.inf):
        pixels = np.zeros((2, 6, 7))
        pixels[1, 2, 3] = wrong
        with pytest.raises(InvalidInputError, match=r"pixels holds 1 values.*\(1, 2, 3\)"):
            fitted["ridge"].predict(pixels)
    with pytest.raises(InvalidInputError, match="pixels cannot be read as an array"):
        fitted["ridge"].predict("abc")


def test_what_is_not_finite_never_reaches_a_model():
    responses, images = experiment()
    counts, pixels = responses.counts.copy(), images.pixels.copy()
    counts[0, 0], pixels[3, 2, 1] = np.nan, np.inf
    with pytest.raises(InvalidInputError, match="counts holds 1 values that are not finite"):
        replace(responses, counts=counts)
    with pytest.raises(InvalidInputError, match=r"pixels holds 1 values.*\(3, 2, 1\)"):
        Images(pixels, IDS)
