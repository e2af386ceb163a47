"""Responses: the window in which spikes were counted."""

import numpy as np
import pytest

from spikeloop.data import Responses, Trials
from spikeloop.errors import InvalidInputError


@pytest.mark.parametrize("window_s", [(0.0, np.inf), (-np.inf, 0.1), (np.nan, 0.1), (0.1,)])
def test_a_window_is_two_finite_numbers(window_s):
    with pytest.raises(InvalidInputError, match="start and stop must be finite numbers"):
        Responses([[1.0]], window_s, Trials([0]), ["a"])


def test_a_window_of_words_is_refused():
    with pytest.raises(InvalidInputError, match="window_s cannot be read as an array of numbers"):
        Responses([[1.0]], ("a", "b"), Trials([0]), ["a"])
