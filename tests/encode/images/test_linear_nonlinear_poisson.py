"""A filter and a soft threshold with Poisson counts, against units that are just that."""

import numpy as np
import pytest

from spikeloop.encode import LinearNonlinearPoisson, Ridge
from spikeloop.encode.image_data import ImageData
from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import pearson


@pytest.fixture(scope="module")
def planted():
    rng = np.random.default_rng(0)
    pixels = (0.5 + 0.2 * rng.normal(size=(460, 5, 7))).astype(np.float32)
    filters = rng.normal(size=(3, 5, 7))
    drive = np.einsum("iyx,uyx->iu", pixels - 0.5, filters)
    true = np.logaddexp(0.0, 2 * drive - 1) * [0.5, 2.0, 10.0]
    data = ImageData(pixels, rng.poisson(true).astype(float), np.ones(460, dtype=int))
    return data.select(slice(0, 360)), data.select(slice(0, 0)), pixels[360:], true[360:]


@pytest.fixture(scope="module")
def estimate(planted):
    return LinearNonlinearPoisson().fit_images(*planted[:2], seed=0)


def predicted(model, estimate, pixels):
    return np.asarray(model.expected_counts(estimate.parameters, pixels))


def test_rates_of_planted_units_are_found_and_never_negative(planted, estimate):
    training, validation, pixels, true = planted
    found = predicted(LinearNonlinearPoisson(), estimate, pixels)
    assert found.min() >= 0
    line = Ridge().fit_images(training, validation, seed=0)
    by_line = pearson(true, predicted(Ridge(), line, pixels))
    assert (pearson(true, found) > by_line).all()
    assert (pearson(true, found) > [0.8, 0.9, 0.95]).all()
    np.testing.assert_allclose(found.mean(axis=0), true.mean(axis=0), rtol=0.2)


def test_negative_responses_are_refused(planted):
    training, validation, *_ = planted
    shifted = ImageData(training.pixels, training.means - 1, training.n_trials)
    with pytest.raises(InvalidInputError, match="reach down to -1: no Poisson count is negative"):
        LinearNonlinearPoisson().fit_images(shifted, validation, seed=0)
