import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import natural_patches


def test_each_patch_has_the_mean_and_contrast_asked_for():
    patches = natural_patches(300, 20, rms_contrast=0.1, seed=3).pixels
    unclipped = (patches.min(axis=(1, 2)) > 0) & (patches.max(axis=(1, 2)) < 1)
    assert unclipped.mean() > 0.9
    np.testing.assert_allclose(patches[unclipped].mean(axis=(1, 2)), 0.5, atol=1e-6)
    np.testing.assert_allclose(patches[unclipped].std(axis=(1, 2)), 0.1, rtol=1e-5)
    assert patches.min() >= 0
    assert patches.max() <= 1


def test_patches_have_the_spectrum_of_natural_images():
    patches = natural_patches(600, 32, rms_contrast=0.15, seed=3).pixels
    power = np.abs(np.fft.rfft(patches - 0.5, axis=2)) ** 2
    mean_power = power.mean(axis=(0, 1))[2:12]
    slope = np.polyfit(np.log(np.arange(2, 12)), np.log(mean_power), 1)[0]
    assert -3.0 < slope < -1.0  # 1/f^2 and its neighbourhood (Field 1987)


def test_no_two_patches_are_the_same():
    patches = natural_patches(900, 20, rms_contrast=0.1, seed=3).pixels.reshape(900, -1)
    similarity = np.corrcoef(patches) - np.eye(900)
    assert similarity.max() < 0.999
    assert np.mean(similarity.max(axis=0) > 0.95) < 0.1


def test_a_box_tells_where_in_the_photograph_a_patch_was_cut():
    from PIL import Image
    from sklearn.datasets import load_sample_image

    drawn = natural_patches(40, 20, rms_contrast=0.1, seed=3)
    names = ("china.jpg", "flower.jpg")
    for patch, which, box in zip(drawn.pixels, drawn.photograph, drawn.box, strict=True):
        grey = Image.fromarray(
            (load_sample_image(names[which]) @ (0.299, 0.587, 0.114)).astype("f4")
        )
        top, left, bottom, right = box * np.tile(grey.size[::-1], 2)
        again = np.asarray(grey.resize((20, 20), Image.Resampling.BOX, (left, top, right, bottom)))
        assert np.corrcoef(again.ravel(), patch.ravel())[0, 1] > 0.97


def test_more_patches_than_the_photographs_hold_are_refused():
    with pytest.raises(InvalidInputError, match=r"n_patches=9999 of 64 x 64 pixels: .* hold \d+"):
        natural_patches(9999, 64, rms_contrast=0.1, seed=3)


def test_patches_larger_than_the_photographs_are_refused():
    with pytest.raises(InvalidInputError, match=r"hold 0\. Ask for fewer patches, or for smaller"):
        natural_patches(1, 600, rms_contrast=0.1, seed=3)
