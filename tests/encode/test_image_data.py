"""Images beside mean counts: paired by ids, and refused where nothing can be learned."""

import numpy as np
import pytest

from spikeloop.data import BLANK, Images, Responses, Trials
from spikeloop.encode.image_data import ImageData, image_data, require_fittable
from spikeloop.errors import InvalidInputError, SpikeloopWarning

IDS = np.array([30, 10, 20])
PIXELS = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3))


def responses(stimulus_id=(10, 20, 10, BLANK, 30, 10), counts=(1.0, 5.0, 2.0, 99.0, 7.0, 6.0)):
    columns = np.column_stack([counts, np.multiply(counts, 10)])
    return Responses(columns, (0.0, 0.1), Trials(stimulus_id=list(stimulus_id)), [3, 4])


def test_images_and_counts_are_paired_by_ids_in_the_order_asked_for():
    data = image_data(responses(), Images(PIXELS, IDS), np.array([20, 30, 10]))
    assert data.pixels[:, 0, 0].tolist() == [2.0, 0.0, 1.0]
    assert data.means.tolist() == [[5.0, 50.0], [7.0, 70.0], [3.0, 30.0]]
    assert data.n_trials.tolist() == [1, 1, 3]


def test_blanks_and_stimuli_not_asked_for_are_left_out():
    data = image_data(responses(), Images(PIXELS[1:], IDS[1:]), np.array([10]))
    assert len(data) == 1
    assert data.means.tolist() == [[3.0, 30.0]]


def test_parts_are_taken_and_joined():
    data = image_data(responses(), Images(PIXELS, IDS), np.array([10, 20, 30]))
    again = data.select(np.array([2])).joined(data.select(np.array([0, 1])))
    assert again.means[:, 0].tolist() == [7.0, 3.0, 5.0]
    assert again.pixels[:, 0, 0].tolist() == [0.0, 1.0, 2.0]
    assert again.n_trials.tolist() == [1, 3, 1]


def test_what_was_not_shown_or_has_no_image_is_refused():
    with pytest.raises(InvalidInputError, match=r"1 stimuli of the split were never shown.*\[40\]"):
        image_data(responses(), Images(PIXELS, IDS), np.array([10, 40]))
    with pytest.raises(InvalidInputError, match=r"never shown.*\[-1\]"):
        image_data(responses(), Images(PIXELS, IDS), np.array([BLANK]))
    with pytest.raises(InvalidInputError, match=r"1 of the ids asked for have no image.*\[30\]"):
        image_data(responses(), Images(PIXELS[1:], IDS[1:]), np.array([10, 30]))


def some(n_images=25):
    rng = np.random.default_rng(0)
    return ImageData(
        rng.normal(size=(n_images, 3, 4)), rng.poisson(2, (n_images, 2)), np.ones(n_images, int)
    )


def test_few_images_and_equal_ones_are_refused():
    require_fittable(some(20), np.array([0, 1]))
    with pytest.raises(InvalidInputError, match="19 images to learn from: at least 20 are needed"):
        require_fittable(some(19), np.array([0, 1]))
    data = some()
    equal = ImageData(np.repeat(data.pixels[:1], 25, axis=0), data.means, data.n_trials)
    with pytest.raises(InvalidInputError, match="all 25 images look the same"):
        require_fittable(equal, np.array([0, 1]))


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_unit_that_answers_all_alike_is_named(constant):
    data = some()
    means = np.column_stack([data.means[:, 0], np.full(25, constant)])
    with pytest.warns(SpikeloopWarning, match="1 of 2 units answer all.*such as unit b"):
        require_fittable(ImageData(data.pixels, means, data.n_trials), np.array(["a", "b"]))
