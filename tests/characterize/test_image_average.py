import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from spikeloop.characterize.image_average import (
    ImageTriggeredAverage,
    frames,
    image_triggered_average,
)
from spikeloop.characterize.triggered_average import SpikeTriggeredAverage, triggered_average
from spikeloop.data import Epochs, Images, Responses, SpikeTrains, Trials
from spikeloop.errors import InvalidInputError

SHAPE = (4, 5)


def averaged(weights, pixels, *, ids=None, **settings):
    """Return the image average for one trial per image: weights (image, unit)."""
    weights = np.asarray(weights, float)
    ids = np.arange(len(pixels)) if ids is None else ids
    responses = Responses(weights, (0.0, 0.1), Trials(ids), np.arange(weights.shape[1]))
    method = ImageTriggeredAverage(**({"n_permutations": 0, "whitening_ridge": None} | settings))
    return image_triggered_average(responses, Images(pixels, ids), method, seed=2)


def smooth_images(rng, n_images):
    """Return images with strong correlations between neighbouring pixels."""
    noise = rng.standard_normal((n_images, *SHAPE))
    return np.cumsum(np.cumsum(noise, axis=1), axis=2)


def test_difference_and_sd_equal_repeating_each_image_by_its_count():
    rng = np.random.default_rng(0)
    pixels = rng.random((30, *SHAPE)).astype(np.float32) + 5
    counts = rng.integers(0, 5, (30, 3))
    result = averaged(counts, pixels)
    for unit in range(3):
        repeated = np.repeat(pixels.astype(float), counts[:, unit], axis=0)
        expected = repeated.mean(axis=0) - pixels.mean(axis=0)
        np.testing.assert_allclose(result.difference[unit], expected, atol=1e-5)
        np.testing.assert_allclose(result.ensemble_sd[unit], repeated.std(axis=0), atol=1e-5)
    np.testing.assert_allclose(result.mean_image, pixels.mean(axis=0), rtol=1e-6)


def test_images_and_responses_are_paired_by_id_and_blanks_left_out():
    rng = np.random.default_rng(1)
    pixels, weights = rng.random((6, *SHAPE)), rng.random((6, 2))
    ids = np.array([3, 0, 8, 5, 1, 9])
    expected = averaged(weights, pixels, ids=ids)
    order = rng.permutation(6)
    trials = Trials(np.r_[ids[order], ids[order], -1])
    responses = Responses(
        np.r_[weights[order] - 0.1, weights[order] + 0.1, [[70, 80]]], (0, 1), trials, ["a", "b"]
    )
    shuffled = rng.permutation(6)
    images = Images(pixels[shuffled], ids[shuffled])
    method = ImageTriggeredAverage(n_permutations=0)
    got = image_triggered_average(responses, images, method, seed=0)
    np.testing.assert_allclose(got.difference, expected.difference, atol=1e-6)


@pytest.mark.parametrize("n_images", [12, 400])
def test_whitening_equals_solving_with_the_covariance_of_pixels(n_images):
    rng = np.random.default_rng(2)
    pixels, weights = smooth_images(rng, n_images), rng.random((n_images, 2))
    result = averaged(weights, pixels, whitening_ridge=0.2)
    rows = (pixels - pixels.mean(axis=0)).reshape(n_images, -1)
    covariance = rows.T @ rows / n_images
    covariance += 0.2 * np.diag(covariance).mean() * np.eye(20)
    expected = np.linalg.solve(covariance, result.difference.reshape(2, -1).T).T
    np.testing.assert_allclose(result.whitened.reshape(2, -1), expected, atol=2e-4)


def test_a_linear_unit_gives_its_filter_back_from_correlated_images_when_whitened():
    rng = np.random.default_rng(3)
    pixels = smooth_images(rng, 4000)
    kernel = np.zeros(SHAPE)
    kernel[1, 1:4] = [1.0, -2.0, 1.0]
    drive = np.tensordot(pixels, kernel, axes=2)
    rate = 20 + 3 * drive
    result = averaged(
        rng.poisson(np.maximum(rate, 0))[:, None], pixels, whitening_ridge=1e-4, n_permutations=50
    )
    assert np.corrcoef(result.difference.ravel(), kernel.ravel())[0, 1] < 0.6
    assert np.corrcoef(result.whitened.ravel(), kernel.ravel())[0, 1] > 0.98
    # The regression of the response on the pixels, relative to the mean response.
    np.testing.assert_allclose(result.whitened[0, 1, 2], -2 * 3 / 20, rtol=0.1)
    assert np.abs(result.whitened).max() > 3 * result.whitened_null_band[0]
    assert result.p_value[0] == pytest.approx(1 / 51)


def test_unrelated_responses_exceed_the_null_band_as_often_as_promised():
    rng = np.random.default_rng(4)
    result = averaged(rng.gamma(1.0, size=(60, 400)), smooth_images(rng, 60), n_permutations=199)
    exceeds = np.abs(result.difference).max(axis=(1, 2)) > result.null_band
    assert np.array_equal(exceeds, result.p_value <= 0.05)
    assert 7 <= exceeds.sum() <= 33  # 400 units: 5 % give 20, with a standard deviation of 4.4


@given(st.floats(-1e5, 1e5, width=32), st.sampled_from([None, 0.1]))
def test_images_all_alike_differ_from_their_mean_by_exactly_nothing(grey, ridge):
    weights = np.random.default_rng(5).random((8, 2))
    pixels = np.full((8, *SHAPE), grey, np.float32)
    result = averaged(weights, pixels, n_permutations=19, whitening_ridge=ridge)
    assert np.all(result.mean_image == np.float32(grey))
    assert np.all(result.difference == 0)
    assert np.all(result.ensemble_sd == 0)
    assert np.all(result.null_band == 0)
    assert np.all(result.p_value == 1)
    assert ridge is None or np.all(result.whitened == 0)


def test_a_silent_unit_is_nan_and_leaves_the_others_alone():
    rng = np.random.default_rng(6)
    weights = rng.random((10, 2)) * [1, 0]
    result = averaged(weights, rng.random((10, *SHAPE)), n_permutations=19, whitening_ridge=0.1)
    for name in ("difference", "ensemble_sd", "null_band", "p_value", "whitened"):
        assert np.isfinite(getattr(result, name)[0]).all()
        assert np.isnan(getattr(result, name)[1]).all()


def test_an_image_average_tells_its_size_in_one_line():
    pixels = np.random.default_rng(7).random((4, *SHAPE))
    plain, whitened = (averaged(np.ones((4, 1)), pixels, whitening_ridge=r) for r in (None, 0.25))
    assert repr(plain) == "ImageAverage(1 units, 4 x 5 pixels, not whitened)"
    assert repr(whitened) == "ImageAverage(1 units, 4 x 5 pixels, whitened with ridge 0.25)"


def test_what_was_not_asked_for_is_none():
    result = averaged(np.ones((4, 1)), np.random.default_rng(7).random((4, *SHAPE)))
    absent = (result.null_band, result.p_value, result.whitened, result.whitened_null_band)
    assert absent == (None,) * 4


def test_negative_responses_and_single_images_are_refused():
    pixels = np.zeros((3, *SHAPE))
    message = r"2 mean responses are negative, the first -1 of unit 0 to image 1: .*smallest"
    with pytest.raises(InvalidInputError, match=message):
        averaged([[1.0], [-1.0], [-2.0]], pixels)
    with pytest.raises(InvalidInputError, match=r"Responses to 1 images: .* two or more"):
        averaged([[1.0]], pixels[:1])
    with pytest.raises(InvalidInputError, match=r"n_permutations=5: .* takes 19 or more"):
        ImageTriggeredAverage(n_permutations=5)


def test_frames_give_lags_over_images():
    rng = np.random.default_rng(8)
    images = Images(rng.random((5, *SHAPE)), np.arange(5))
    trials = Trials(rng.integers(-1, 5, 3000), onset_s=10 + 0.1 * np.arange(3000))
    stimulus = frames(images, trials)
    assert stimulus.sample_rate_hz == pytest.approx(10)
    assert stimulus.start_s == 10.0
    assert np.all(stimulus.values[trials.stimulus_id == -1] == images.pixels.mean())
    # A spike in the frame after each showing of image 3: the average one frame back is image 3.
    times_s = trials.onset_s[:-1][trials.stimulus_id[:-1] == 3] + 0.15
    spikes = SpikeTrains.from_units({"a": times_s}, Epochs([0.0], [400.0]))
    method = SpikeTriggeredAverage((-0.1, 0.0), n_shifts=0)
    result = triggered_average(spikes, stimulus, method, seed=0)
    got = result.average.reshape(1, 2, *SHAPE)[0, 0]
    np.testing.assert_allclose(got, images.pixels[3], atol=1e-5)


@pytest.mark.parametrize(
    ("onset_s", "message"),
    [
        (None, "4 trials with onset_s missing"),
        ([0.0, 0.25, 0.5, 1.0], r"trial 3 starts 0\.5 s after trial 2, and the median step is 0"),
        ([0.0] * 4, r"trial 1 starts 0 s after trial 0"),
    ],
)
def test_onsets_that_are_no_clock_are_refused(onset_s, message):
    images = Images(np.zeros((1, *SHAPE)), [0])
    with pytest.raises(InvalidInputError, match=message):
        frames(images, Trials([0] * 4, onset_s=onset_s))


def test_onsets_that_drift_are_refused():
    images = Images(np.zeros((1, *SHAPE)), [0])
    onset_s = np.cumsum(np.r_[np.full(50, 0.1), np.full(50, 0.108)])
    with pytest.raises(InvalidInputError, match=r"Onsets drift: trial \d+ starts -0\.05"):
        frames(images, Trials(np.zeros(100, int), onset_s=onset_s))


def test_a_single_frame_is_refused():
    with pytest.raises(InvalidInputError, match="1 trials with onset_s given: frames need two"):
        frames(Images(np.zeros((1, *SHAPE)), [0]), Trials([0], onset_s=[0.0]))


def test_the_ridge_that_is_chosen_finds_the_filter_in_coloured_images():
    rng = np.random.default_rng(3)
    images = gaussian_filter(rng.standard_normal((3000, *SHAPE)), sigma=(0, 0.7, 0.7))
    images /= images.std()
    target = rng.standard_normal(SHAPE)
    counts = rng.poisson(np.exp(0.3 * np.tensordot(images, target, 2)))[:, None]
    chosen = averaged(counts, images, whitening_ridge="leave_one_out")
    plain = averaged(counts, images)

    def likeness(field):
        return np.corrcoef(field.ravel(), target.ravel())[0, 1]

    assert likeness(chosen.whitened[0]) > 0.7
    assert likeness(chosen.whitened[0]) > likeness(plain.difference[0]) + 0.1
    assert chosen.ridge > 0
    assert plain.ridge is None
