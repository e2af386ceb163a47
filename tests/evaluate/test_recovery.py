import numpy as np
import pytest
from scipy.linalg import subspace_angles

from spikeloop.evaluate.recovery import (
    filter_correlation,
    orientation_error,
    preferred_orientation,
    receptive_field_centre,
    subspace_overlap,
)

RNG = np.random.default_rng(5)
N = 16


def stripes(orientation_deg, cycles=3.0, phase=0.4):
    """A grating in a round Gaussian window, drawn without the code under test."""
    y, x = np.mgrid[0:N, 0:N] - (N - 1) / 2
    theta = np.deg2rad(orientation_deg)
    across = -y * np.cos(theta) - x * np.sin(theta)
    return np.cos(2 * np.pi * cycles * across / N + phase) * np.exp(-(x**2 + y**2) / 30)


def test_filter_correlation_is_that_of_corrcoef():
    a, b = RNG.standard_normal((2, 5, 4, 6))
    wanted = [np.corrcoef(x.ravel(), y.ravel())[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(filter_correlation(a, b), wanted)
    np.testing.assert_allclose(filter_correlation(7 * a - 3, 0.1 * b + 2), wanted)


def test_filter_correlation_knows_the_sign():
    a = RNG.standard_normal((1, 4, 4))
    assert filter_correlation(a, -a)[0] == pytest.approx(-1.0)


def test_filter_correlation_of_truth_and_noise_is_the_closed_form():
    truth = np.stack([stripes(30.0)] * 400)
    noise_sd = truth[0].std()
    estimate = truth + noise_sd * RNG.standard_normal(truth.shape)
    assert filter_correlation(estimate, truth).mean() == pytest.approx(np.sqrt(0.5), abs=0.01)


@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_constant_filter_has_no_score(constant):
    flat, random = np.full((1, 5, 7), constant), RNG.standard_normal((1, 5, 7))
    assert np.isnan(filter_correlation(flat, random)[0])
    assert np.isnan(filter_correlation(random, flat)[0])
    assert np.isnan(subspace_overlap(flat[:, None], random[:, None])[0])
    assert np.isnan(receptive_field_centre(flat, (1.0, 1.0))).all()
    assert np.isnan(preferred_orientation(flat)[0])


def test_subspace_overlap_is_that_of_the_principal_angles():
    a, b = RNG.standard_normal((3, 2, 4, 5)), RNG.standard_normal((3, 3, 4, 5))
    rows = [f.reshape(*f.shape[:2], -1) - f.mean(axis=(2, 3))[..., None] for f in (a, b)]
    cosines = [np.cos(subspace_angles(x.T, y.T)) for x, y in zip(*rows, strict=True)]
    np.testing.assert_allclose(subspace_overlap(a, b), np.sqrt(np.mean(np.square(cosines), axis=1)))


def test_one_filter_against_one_is_the_absolute_correlation():
    a, b = RNG.standard_normal((2, 4, 5, 5))
    wanted = np.abs(filter_correlation(a, b))
    np.testing.assert_allclose(subspace_overlap(a[:, None], b[:, None]), wanted)


def test_any_mixture_of_a_pair_lies_in_it_and_an_orthogonal_filter_does_not():
    pair = np.stack([stripes(20.0), stripes(20.0, phase=0.4 + np.pi / 2)])[None]
    mixtures = np.einsum("mf,fyx->myx", RNG.standard_normal((6, 2)), pair[0])[:, None]
    np.testing.assert_allclose(subspace_overlap(mixtures, np.repeat(pair, 6, axis=0)), 1.0)
    assert subspace_overlap(stripes(110.0)[None, None], pair)[0] < 0.05


def test_a_pair_that_is_one_filter_twice_has_no_score():
    twice = np.stack([stripes(20.0)] * 2)[None]
    assert np.isnan(subspace_overlap(stripes(20.0)[None, None], twice)[0])


def test_the_centre_of_a_point_is_the_point():
    point = np.zeros((1, 100, 50))
    point[0, 10, 40] = 1.0
    centre = receptive_field_centre(point, (20.0, 10.0))[0]
    np.testing.assert_allclose(centre, [(0.5 - 10.5 / 100) * 20, (40.5 / 50 - 0.5) * 10], atol=0.01)


@pytest.mark.parametrize("orientation_deg", [0.0, 15.0, 45.0, 80.0, 90.0, 135.0, 179.0])
def test_the_orientation_of_stripes_is_found_in_noise(orientation_deg):
    filters = stripes(orientation_deg) + 0.1 * RNG.standard_normal((20, N, N))
    error = orientation_error(preferred_orientation(filters), np.full(20, orientation_deg))
    assert error.max() < 4.0


def test_orientation_error_goes_round():
    angles = np.linspace(0, 180, 37)
    np.testing.assert_allclose(orientation_error(angles, angles + 180), 0, atol=1e-9)
    np.testing.assert_allclose(orientation_error(angles, angles - 30), 30)
