import numpy as np
import pytest

from spikeloop.evaluate.recovery import preferred_orientation, receptive_field_centre
from spikeloop.simulate.cortex.receptive_fields import Gabors, draw_gabors


def gabor(x=0.0, y=0.0, orientation=0.0, frequency=0.1, phase=0.0, sigma=4.0, aspect=1.0):
    return Gabors(*([value] for value in (x, y, orientation, frequency, phase, sigma, aspect)))


def grating(n_pixels, extent_deg, orientation_deg, frequency_cpd, phase_deg):
    """Stripes at an angle counterclockwise from horizontal, row 0 at the top."""
    position = ((np.arange(n_pixels) + 0.5) / n_pixels - 0.5) * extent_deg
    theta = np.deg2rad(orientation_deg)
    across = -position[:, None] * np.cos(theta) - position[None, :] * np.sin(theta)
    return np.cos(2 * np.pi * frequency_cpd * across + np.deg2rad(phase_deg))


@pytest.mark.parametrize("orientation", [0.0, 37.0, 90.0, 150.0])
@pytest.mark.parametrize("phase", [0.0, 90.0, 200.0])
def test_its_own_grating_at_full_contrast_gives_one(orientation, phase):
    drawn = gabor(orientation=orientation, phase=phase).filters(48, 48.0)[0]
    best = grating(48, 48.0, orientation, 0.1, phase)
    assert np.sum(drawn * best) == pytest.approx(1.0, abs=0.01)


def test_uniform_light_drives_nothing():
    drawn = draw_gabors(30, 40.0, (0.04, 0.12), np.random.default_rng(0)).filters(20, 40.0)
    np.testing.assert_allclose(drawn.sum(axis=(1, 2)), 0.0, atol=1e-12)


def test_a_shift_of_a_quarter_cycle_is_orthogonal():
    own = gabor(phase=30.0, orientation=20.0)
    even, odd = own.filters(48, 48.0)[0], own.filters(48, 48.0, phase_shift_deg=-90.0)[0]
    cosine = np.sum(even * odd) / np.linalg.norm(even) / np.linalg.norm(odd)
    assert abs(cosine) < 0.02


def test_it_lies_where_its_centre_says_and_along_its_orientation():
    drawn = gabor(x=6.0, y=-4.0, orientation=60.0, phase=90.0, aspect=1.5).filters(40, 40.0)
    np.testing.assert_allclose(receptive_field_centre(drawn, (40.0, 40.0)), [[-4, 6]], atol=0.3)
    assert preferred_orientation(drawn)[0] == pytest.approx(60.0, abs=0.5)


def test_the_envelope_has_the_size_and_aspect_asked_for():
    # Both phases squared and added leave the squared envelope, whose SD is sigma / sqrt(2).
    own = gabor(sigma=3.0, aspect=2.0, frequency=0.15)
    power = own.filters(80, 40.0)[0] ** 2 + own.filters(80, 40.0, phase_shift_deg=-90)[0] ** 2
    position = ((np.arange(80) + 0.5) / 80 - 0.5) * 40.0
    across = np.sqrt(power.sum(axis=1) @ position**2 / power.sum())
    along = np.sqrt(power.sum(axis=0) @ position**2 / power.sum())
    assert across == pytest.approx(3.0 / np.sqrt(2), rel=0.02)
    assert along == pytest.approx(6.0 / np.sqrt(2), rel=0.02)


def test_the_population_covers_what_it_says():
    gabors = draw_gabors(2000, 36.0, (0.05, 0.1), np.random.default_rng(0))
    assert len(gabors) == 2000
    quarters = np.histogram(gabors.orientation_deg, bins=[0, 45, 90, 135, 180])[0]
    assert quarters.min() > 430
    assert gabors.spatial_frequency_cpd.min() >= 0.05
    assert gabors.spatial_frequency_cpd.max() <= 0.1
    assert np.median(gabors.spatial_frequency_cpd) == pytest.approx(np.sqrt(0.005), rel=0.03)
    assert np.abs([gabors.x_deg, gabors.y_deg]).max() <= 6.0
