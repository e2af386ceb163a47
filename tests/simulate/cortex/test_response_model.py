from dataclasses import replace

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate.cortex.receptive_fields import Gabors
from spikeloop.simulate.cortex.response_model import (
    VirtualResponseModel,
    normalization_pool,
    quadrature_pairs,
)

N_PIXELS, EXTENT_DEG = 32, 48.0


def same_filters(is_complex, phases_deg=(0.0,)):
    """Units at the centre that differ in phase alone."""
    n_units = len(phases_deg)
    shared = (0.0, 0.0, 40.0, 0.08)
    gabors = Gabors(
        *(np.full(n_units, value) for value in shared),
        phase_deg=np.asarray(phases_deg),
        sigma_deg=np.full(n_units, 5.0),
        aspect=np.full(n_units, 1.3),
    )
    return VirtualResponseModel(
        unit_ids=np.arange(n_units),
        is_complex=np.full(n_units, is_complex),
        filters=quadrature_pairs(gabors, N_PIXELS, EXTENT_DEG),
        pool=normalization_pool(gabors, (0.05, 0.12), N_PIXELS, EXTENT_DEG),
        gain_hz=np.full(n_units, 10.0),
        baseline_hz=np.full(n_units, 2.0),
        semisaturation_contrast=0.2,
    )


def of_contrast(patterns, rms):
    patterns = patterns - patterns.mean(axis=(-2, -1), keepdims=True)
    return 0.5 + rms * patterns / patterns.std(axis=(-2, -1), keepdims=True)


def test_a_blank_screen_gives_the_baseline():
    model = same_filters(is_complex=True)
    assert model.rates(np.full((1, N_PIXELS, N_PIXELS), 0.5)).tolist() == [[2.0]]


def test_the_equation_by_hand():
    model = same_filters(is_complex=False, phases_deg=(0.0, 180.0))
    image = np.random.default_rng(0).random((N_PIXELS, N_PIXELS))
    contrast = 2 * image - 1
    pool = np.mean([sum(np.sum(f * contrast) ** 2 for f in pair) for pair in model.pool[0]])
    own = np.sum(model.filters[0, 0] * contrast)
    wanted = [2.0 + 10.0 * max(sign * own, 0) ** 2 / (0.2**2 + pool) for sign in (1, -1)]
    np.testing.assert_allclose(model.rates(image[None])[0], wanted)


@pytest.mark.parametrize("is_complex", [False, True])
def test_no_random_image_of_the_same_contrast_beats_its_own_gabor(is_complex):
    model = same_filters(is_complex, phases_deg=(70.0,))
    noise = np.random.default_rng(1).standard_normal((2000, N_PIXELS, N_PIXELS))
    own = of_contrast(model.receptive_fields(), 0.1)
    assert model.rates(own)[0, 0] > 3 * model.rates(of_contrast(noise, 0.1)).max()


def test_a_complex_cell_does_not_care_about_phase_and_a_simple_cell_does():
    phases_deg = np.arange(0.0, 360.0, 30.0)
    gabors = of_contrast(same_filters(True, phases_deg).receptive_fields(), 0.1)
    evoked = same_filters(is_complex=True).rates(gabors)[:, 0] - 2.0
    assert np.ptp(evoked) / evoked.mean() < 0.05
    evoked = same_filters(is_complex=False).rates(gabors)[:, 0] - 2.0
    assert evoked.min() == 0.0
    assert evoked.argmax() == 0


def test_the_response_saturates_with_contrast_as_the_closed_form_says():
    model = same_filters(is_complex=False)
    pattern = of_contrast(model.receptive_fields(), 0.1) - 0.5
    contrasts = np.array([1.0, 2.0, 4.0, 64.0])
    evoked = model.rates(0.5 + contrasts[:, None, None] * pattern)[:, 0] - 2.0
    # At contrast k: gain k^2 D / (c50^2 + k^2 P), so 1 / evoked is linear in 1 / k^2.
    slope, offset = np.polyfit(contrasts[:2] ** -2.0, 1 / evoked[:2], 1)
    np.testing.assert_allclose(1 / evoked, offset + slope / contrasts**2, rtol=1e-9)
    assert evoked[1] / evoked[0] > 1.2
    assert evoked[3] / evoked[2] < 1.2


def test_a_mask_at_another_orientation_lowers_the_response():
    model = same_filters(is_complex=True)
    own = of_contrast(model.receptive_fields(), 0.2) - 0.5
    across = own.transpose(0, 2, 1)[:, ::-1]
    alone, masked = model.rates(np.concatenate([own, own + across]) + 0.5)[:, 0]
    assert model.rates(across + 0.5)[0, 0] < 0.1 * alone
    assert masked < 0.9 * alone


def test_half_the_gain_is_half_the_evoked_rate():
    model = same_filters(is_complex=True)
    images = np.random.default_rng(2).random((5, N_PIXELS, N_PIXELS))
    halved = replace(model, gain_hz=model.gain_hz / 2).rates(images)
    np.testing.assert_allclose(2 * (halved - 2.0), model.rates(images) - 2.0)


def test_images_of_another_size_are_refused():
    with pytest.raises(InvalidInputError, match=r"shape \(2, 5, 5\): .* \(image, 32, 32\)"):
        same_filters(is_complex=True).rates(np.zeros((2, 5, 5)))
