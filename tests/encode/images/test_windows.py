"""Windows on the places of an image."""

import numpy as np
import pytest

from spikeloop.encode.images.windows import NEGLIGIBLE, Windows
from spikeloop.errors import InvalidInputError


def test_the_first_window_is_the_whole_image():
    assert (Windows().weights(6, 5)[0] == 1).all()
    assert Windows(n_centres=0).weights(6, 5).shape == (1, 6, 5)


def test_windows_stand_row_by_row_from_the_top_left():
    every = Windows(n_centres=3).weights(6, 9)
    assert every.shape == (10, 6, 9)
    y, x = np.indices((6, 9))
    middles = [((w * y).sum() / w.sum() + 0.5, (w * x).sum() / w.sum() + 0.5) for w in every[1:]]
    rows, columns = np.reshape(middles, (3, 3, 2)).transpose(2, 0, 1)
    np.testing.assert_allclose(rows, np.tile([[1], [3], [5]], (1, 3)), atol=0.4)
    np.testing.assert_allclose(columns, np.tile([1.5, 4.5, 7.5], (3, 1)), atol=0.4)


def test_a_window_is_a_gaussian_of_the_share_of_each_side_cut_where_negligible():
    window = Windows(size=0.2, n_centres=1).weights(11, 21)[1]
    y, x = (np.arange(n) + 0.5 for n in (11, 21))
    wanted = np.exp(-((y[:, None] / 11 - 0.5) ** 2 + (x / 21 - 0.5) ** 2) / (2 * 0.2**2))
    np.testing.assert_allclose(window, np.where(wanted < NEGLIGIBLE, 0, wanted), atol=1e-12)
    assert window[5, 10] == 1
    assert window[0, 0] == 0


def test_each_window_has_a_place_of_full_weight():
    for size in (0.01, 0.15, 3.0):
        every = Windows(size=size, n_centres=4).weights(5, 3)
        np.testing.assert_allclose(every.max(axis=(1, 2)), 1.0)


def test_settings_that_make_no_window_are_refused():
    with pytest.raises(InvalidInputError, match=r"size=0\.0: it must be above 0"):
        Windows(size=0.0)
    with pytest.raises(InvalidInputError, match="n_centres=-1: it must be 0 or more"):
        Windows(n_centres=-1)
