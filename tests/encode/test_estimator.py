"""Models of images in the hands of scikit-learn."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from spikeloop.encode import MeanResponse, Ridge, SmoothRidge
from spikeloop.encode.estimator import ImageRegressor
from spikeloop.errors import InvalidInputError

IMAGES = np.random.default_rng(0).normal(size=(150, 6, 6))
COUNTS = 3 + IMAGES[:, 2, 1:3] + 0.3 * np.random.default_rng(1).normal(size=(150, 2))


def test_it_is_cloned_with_its_settings():
    regressor = ImageRegressor(SmoothRidge(lengths_px=(1.0,)), seed=3).fit(IMAGES, COUNTS)
    again = clone(regressor)
    assert again.get_params() == {"model": SmoothRidge(lengths_px=(1.0,)), "seed": 3}
    with pytest.raises(NotFittedError):
        again.predict(IMAGES)
    assert again.set_params(model=Ridge()).model == Ridge()


def test_cross_validation_scores_what_was_not_fitted_to():
    scores = cross_val_score(ImageRegressor(Ridge(), seed=0), IMAGES, COUNTS, cv=3)
    assert (scores > 0.8).all()
    none = cross_val_score(ImageRegressor(MeanResponse(), seed=0), IMAGES, COUNTS, cv=3)
    assert (none <= 0).all()


def test_a_search_finds_the_better_model():
    search = GridSearchCV(
        ImageRegressor(Ridge(), seed=0), {"model": [MeanResponse(), Ridge()]}, cv=3
    )
    assert search.fit(IMAGES, COUNTS).best_params_ == {"model": Ridge()}


def test_rows_of_pixels_are_square_images_and_one_unit_is_a_vector():
    whole = ImageRegressor(Ridge(), seed=0).fit(IMAGES, COUNTS)
    rows = IMAGES.reshape(150, 36)
    flat = ImageRegressor(Ridge(), seed=0).fit(rows, COUNTS)
    np.testing.assert_array_equal(flat.predict(rows), whole.predict(IMAGES))
    one = ImageRegressor(Ridge(), seed=0).fit(IMAGES, COUNTS[:, 0])
    assert one.predict(rows[:4]).shape == (4,)
    np.testing.assert_allclose(one.predict(IMAGES), whole.predict(IMAGES)[:, 0], rtol=1e-5)


def test_pixels_that_make_no_square_and_counts_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInputError, match="35 pixels in each row, which make no square"):
        ImageRegressor(Ridge(), seed=0).fit(IMAGES.reshape(150, 36)[:, :35], COUNTS)
    with pytest.raises(InvalidInputError, match=r"y has shape \(149, 2\): 150 images want"):
        ImageRegressor(Ridge(), seed=0).fit(IMAGES, COUNTS[1:])
