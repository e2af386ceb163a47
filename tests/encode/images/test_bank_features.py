"""Divided amplitudes and luminance, against the normalization model written out."""

from functools import partial

import jax
import numpy as np
import pytest

from spikeloop.encode.images.bank_features import (
    ROUNDING,
    BankFeatures,
    bank_features,
    divided,
    luminance,
    mean_amplitude,
    pooled_amplitudes,
)
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.errors import InvalidInputError

SETTINGS = BankFeatures(FilterBank(n_scales=2, n_orientations=4), n_places=3, exponents=(0.5, 1.5))
PIXELS = np.random.default_rng(0).normal(size=(6, 12, 14)).astype(np.float32)


@pytest.fixture(scope="module")
def amplitudes():
    return np.asarray(jax.jit(partial(pooled_amplitudes, SETTINGS))(PIXELS))


@pytest.fixture(scope="module")
def features_of():
    return jax.jit(partial(bank_features, SETTINGS))


def test_features_are_those_of_the_equation(amplitudes, features_of):
    features = np.asarray(features_of(PIXELS, 0.2))
    around = amplitudes.mean(axis=1, keepdims=True)
    ratio = np.hypot(amplitudes / (0.2 * SETTINGS.semisaturation + around), ROUNDING)
    n_filters = 8
    assert features.shape == (6, 2 * n_filters + 1, 3, 3)
    assert SETTINGS.n_channels(12, 14) == 2 * n_filters
    np.testing.assert_allclose(features[:, :n_filters], ratio**0.5, rtol=1e-4)
    np.testing.assert_allclose(features[:, n_filters:-1], ratio**1.5, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(features[:, -1:], luminance(SETTINGS, PIXELS), atol=1e-6)


def test_division_has_half_its_effect_at_the_semisaturation():
    level = np.float32(0.3)
    alike = np.full((1, 8, 1, 1), SETTINGS.semisaturation * level, dtype=np.float32)
    said = divided(BankFeatures(exponents=(1.0,)), alike, level)
    np.testing.assert_allclose(said, np.hypot(0.5, ROUNDING), rtol=1e-5)


def test_contrast_and_its_units_saturate(features_of, amplitudes):
    level = amplitudes.mean()
    weak, strong, stronger = (
        np.asarray(features_of(gain * PIXELS, level))[:, :-1].mean() for gain in (0.01, 10, 100)
    )
    assert weak < 0.2 * strong
    assert stronger < 1.1 * strong
    same = features_of(255 * PIXELS, 255 * level)[:, :-1]
    np.testing.assert_allclose(same, features_of(PIXELS, level)[:, :-1], rtol=1e-3)


def test_the_mean_amplitude_is_that_of_all_images(amplitudes):
    assert float(mean_amplitude(SETTINGS, PIXELS)) == pytest.approx(amplitudes.mean(), rel=1e-5)


def test_a_constant_image_has_no_energy_and_finite_gradients(features_of):
    grey = np.full((6, 12, 14), 0.5, dtype=np.float32)
    features = np.asarray(features_of(grey, 0.2))
    np.testing.assert_allclose(features[:, :8], ROUNDING**0.5, rtol=1e-4)
    np.testing.assert_allclose(features[:, -1], 0.5, rtol=1e-5)
    gradient = jax.jit(jax.grad(lambda pixels: features_of(pixels, 0.2).sum()))
    assert np.isfinite(gradient(grey)).all()


def test_luminance_is_brightest_where_the_light_is():
    pixels = np.zeros((1, 12, 14), dtype=np.float32)
    pixels[0, :3, -3:] = 1
    at = np.asarray(luminance(SETTINGS, pixels))[0, 0]
    assert np.unravel_index(at.argmax(), at.shape) == (0, 2)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_places": 0}, "n_places=0: it must be 1 or more"),
        ({"semisaturation": 0.0}, "semisaturation=0.0: it must be above 0"),
        ({"exponents": ()}, "give one or more powers above 0"),
        ({"exponents": (1.0, -0.5)}, "give one or more powers above 0"),
        ({"shading": -1.0}, "shading=-1.0: it must be 0 or more"),
    ],
)
def test_settings_without_meaning_are_refused(setting, message):
    with pytest.raises(InvalidInputError, match=message):
        BankFeatures(**setting)
