"""What scores over single samples refuse."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate.samples import paired_samples


@pytest.mark.parametrize("shape", [(4,), (0, 3)])
def test_responses_need_samples_and_units(shape):
    with pytest.raises(InvalidInputError, match=r"responses has shape \(.*Write one unit as"):
        paired_samples(np.ones(shape), np.ones(shape))


@pytest.mark.parametrize("shape", [(4, 2), (4, 5, 1), (3, 5, 2), (2,)])
def test_predictions_need_the_axes_of_the_responses(shape):
    with pytest.raises(InvalidInputError, match=r"the responses want \(4, 5, 2\)"):
        paired_samples(np.ones((4, 5, 2)), np.ones(shape))


def test_only_missing_responses_may_lack_a_prediction():
    responses, predictions = np.ones((3, 2)), np.ones((3, 2))
    predictions[1, 0] = np.nan
    with pytest.raises(InvalidInputError, match="1 predictions of responses that are there"):
        paired_samples(responses, predictions)
    responses[1, 0] = np.nan
    _, got, present = paired_samples(responses, predictions)
    assert np.isfinite(got).all()
    assert present.sum() == 5


def test_infinite_responses_are_refused():
    with pytest.raises(InvalidInputError, match="responses holds infinite values"):
        paired_samples(np.full((3, 1), np.inf), np.ones((3, 1)))


def test_what_was_given_is_not_written_to():
    responses, predictions = np.array([[1.0], [np.nan]]), np.array([[2.0], [3.0]])
    paired_samples(responses, predictions)
    assert np.isnan(responses[1, 0])
    assert predictions[1, 0] == 3
