"""Predicted rates are drawn with the spikes under them."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.viz.temporal import plot_predicted_rates, plot_rate_rows

TIMES_S = np.arange(50) * 0.002


def test_each_model_and_the_spikes_inside_are_drawn():
    rates_hz = {"LN": np.full(50, 20.0), "network": np.linspace(0, 40, 50)}
    ax = plot_predicted_rates(TIMES_S, rates_hz, np.array([0.01, 0.05, 3.0]), title="unit h1")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["LN", "network", "spikes"]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), rates_hz["network"])
    np.testing.assert_array_equal(ax.lines[2].get_xdata(), [0.01, 0.05])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "rate (Hz)")


def test_rows_hold_the_highest_rate_of_all_models():
    rates_hz = {"LN": np.full(50, 20.0), "network": np.linspace(0, 400, 50)}
    figure = plot_rate_rows(TIMES_S, rates_hz, np.array([0.01]))
    assert [ax.get_ylim()[0] for ax in figure.axes] == [0, 0]
    assert [ax.get_ylim()[1] > 400 for ax in figure.axes] == [True, True]
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]  # a rate, and the spikes


def test_a_model_without_a_rate_for_each_bin_is_refused():
    with pytest.raises(InvalidInputError, match=r"rates_hz\['LN'\] has 3 values for 50 bins"):
        plot_predicted_rates(TIMES_S, {"LN": np.zeros(3)}, np.array([]))
    with pytest.raises(InvalidInputError, match="times_s is empty: there is nothing to draw"):
        plot_predicted_rates(np.array([]), {}, np.array([]))
