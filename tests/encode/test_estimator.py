"""Models of images in the hands of scikit-learn."""

from dataclasses import replace

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
    assert again.get_params(deep=False) == {"model": SmoothRidge(lengths_px=(1.0,)), "seed": 3}
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


def test_settings_of_the_model_are_parameters():
    regressor = ImageRegressor(SmoothRidge(), seed=0)
    named = regressor.get_params()
    assert named["model__lengths_px"] == SmoothRidge().lengths_px
    assert named["model__windows__n_centres"] == SmoothRidge().windows.n_centres
    regressor.set_params(model__lengths_px=(2.0,), model__windows__n_centres=2, seed=5)
    windows = replace(SmoothRidge().windows, n_centres=2)
    assert regressor.model == SmoothRidge(lengths_px=(2.0,), windows=windows)
    assert regressor.seed == 5
    regressor.set_params(model__lengths_px=(3.0,), model=SmoothRidge(lengths_px=(4.0, 5.0)))
    assert regressor.model.lengths_px == (3.0,)
    assert regressor.set_params(model=Ridge()).model == Ridge()


def test_a_search_over_a_setting_within_a_setting():
    grid = {"model__windows__n_centres": [1, 3]}
    model = SmoothRidge(lengths_px=(0.7,))
    search = GridSearchCV(ImageRegressor(model, seed=0), grid, cv=2).fit(IMAGES, COUNTS)
    assert (search.cv_results_["mean_test_score"] > 0.8).all()
    best = search.best_params_["model__windows__n_centres"]
    assert search.best_estimator_.model.windows.n_centres == best
    assert search.best_estimator_.fitted_.model == search.best_estimator_.model


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"modle": 1}, "there is no parameter modle"),
        ({"model__x": 1}, "a SmoothRidge has no setting x. It has: lengths_px, windows"),
        ({"model__lengths_px__x": 1}, "a tuple has no setting x. It has: none"),
        ({"model__lengths_px": ()}, r"lengths_px=\(\): give one or more"),
    ],
)
def test_parameters_that_are_not_there_are_refused(parameters, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageRegressor(SmoothRidge(), seed=0).set_params(**parameters)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (None, r"X has shape \(\): give \(image, y, x\)"),
        (3.0, r"X has shape \(\)"),
        ("abc", "X holds <U3: give real numbers"),
        ([[1.0], [1.0, 2.0]], "X cannot be read as an array of numbers. Give rows"),
        ([[object()]], "X cannot be read as an array of numbers"),
        ([], r"X has shape \(0,\)"),
        (np.ones((150, 0)), r"X has shape \(150, 0\)"),
        (IMAGES + 1j, "X holds complex128"),
        (IMAGES * 1e300, "not finite"),
    ],
    ids=["none", "scalar", "word", "ragged", "objects", "empty", "no pixels", "complex", "huge"],
)
def test_images_that_are_none_are_refused(images, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageRegressor(Ridge(), seed=0).fit(images, COUNTS)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (["a"] * 150, "y holds <U1: give real numbers"),
        (None, r"y has shape \(\): 150 images want"),
        (np.ones((150, 0)), r"y has shape \(150, 0\)"),
        ([[1.0]] * 149 + [[1.0, 2.0]], "y cannot be read as an array of numbers"),
    ],
    ids=["words", "none", "no units", "ragged"],
)
def test_counts_that_are_none_are_refused(counts, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageRegressor(Ridge(), seed=0).fit(IMAGES, counts)


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
