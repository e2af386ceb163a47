"""Figures name what they show: ticks, rows, numbers, and what was left out."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from spikeloop import viz
from spikeloop.data import Epochs, SpikeTrains

LAGS_S = np.arange(-9, 1) * 0.002


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


def names(n):
    return [f"u{i}" for i in range(n)]


def trains(n):
    return SpikeTrains.from_units({i: [1.0 + i] for i in range(n)}, Epochs([0.0], [10.0]))


def loop():
    maps, ceiling = normal(3, 6, 8), np.linspace(0, 1, 3)
    return viz.LoopOverview(maps, maps, maps, normal(40, 3), np.arange(3), 0.1, ceiling, ceiling)


def shown_ticks(axis):
    axis.get_figure().draw_without_rendering()
    low, high = sorted(axis.get_view_interval())
    return [tick for tick in axis.get_majorticklocs() if low <= tick <= high]


@pytest.mark.parametrize("value", [0.001, 1.0, -2.0, 0.0])
def test_equal_scores_are_one_narrow_bar_at_their_value(value):
    ax = viz.plot_score_histogram([value] * 4, label="p")
    (bar,) = ax.patches
    left, right = ax.get_xlim()
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(value)
    assert bar.get_width() == pytest.approx((right - left) / 20)
    assert left >= 0 or value <= 0  # no negative p-values


def test_limits_fix_the_bins_of_a_score():
    figure = viz.plot_reliability_histograms(
        {"p": np.full(3, 0.000999), "oracle": np.arange(3.0)}, limits={"p": (0.0, 1.0)}
    )
    p, oracle = figure.axes[:2]
    assert p.get_xlim() == (0.0, 1.0)
    assert [bar.get_height() for bar in p.patches] == [3] + [0] * 19
    assert len(oracle.patches) == 5
    assert p.get_title("left") == "median 0.001, 3 units"


def test_counts_and_units_have_whole_ticks():
    ax = viz.plot_score_histogram([0.5], label="oracle")
    assert shown_ticks(ax.yaxis) == [0, 1]
    assert shown_ticks(viz.plot_raster(normal(20, 1), bin_s=0.1).yaxis) == [1]
    assert shown_ticks(viz.plot_spike_raster(trains(1), start_s=0.0, stop_s=9.0).yaxis) == [1]


def test_rows_of_a_raster_carry_the_names_of_their_units():
    def row_names(ax):
        return [text.get_text() for text in ax.get_yticklabels()]

    order, labels = [2, 0, 1], ["a", "b", "c"]
    ax = viz.plot_raster(normal(20, 3), bin_s=0.1, order=order, unit_labels=labels)
    assert ax.get_ylabel() == "unit (sorted)"
    assert row_names(ax) == ["c", "a", "b"]
    spikes = viz.plot_spike_raster(trains(3), start_s=0.0, stop_s=9.0, unit_labels=labels)
    assert (spikes.get_ylabel(), row_names(spikes)) == ("unit", labels)
    blocks = [viz.Block("x", 0.0, 1.0), viz.Block("y", 1.0, 2.0)]
    figure = viz.plot_raster_blocks(normal(20, 3), blocks, bin_s=0.1, unit_labels=labels)
    assert [row_names(ax) for ax in figure.axes[:2]] == [labels, labels]
    many = viz.plot_raster(normal(20, 31), bin_s=0.1, order=np.arange(31), unit_labels=names(31))
    assert "u0" not in row_names(many)


@pytest.mark.parametrize("rates_hz", [[2.9, 3.4], [3.0, 3.0], [0.4, 40.0, 12000.0]])
def test_logarithmic_axes_show_plain_numbers(rates_hz):
    ax = viz.plot_rates(rates_hz)
    ax.figure.draw_without_rendering()
    texts = [t.get_text() for t in ax.get_xticklabels() + ax.get_xticklabels(minor=True)]
    assert any(texts)
    assert all(set(text) <= set("0123456789.,") for text in texts)


def test_eigenvalues_are_written_plainly():
    own = np.array([565.2, -476.0, -1860.4])
    figure = viz.plot_covariance_filters(LAGS_S, own, np.eye(3, 10), filter_eigenvalues=own)
    legend = figure.axes[1].get_legend().get_texts()
    assert [text.get_text() for text in legend[:3]] == [
        "eigenvalue 565", "eigenvalue −476", "eigenvalue −1,860",
    ]  # fmt: skip


def test_the_colour_bar_of_the_choice_stands_right_of_both_panels():
    figure = viz.plot_selection_scatter(
        viz.UnitScores(*normal(3, 9) ** 2, np.arange(9) > 7, np.arange(9) > 3)
    )
    figure.draw_without_rendering()
    left, right, bar = (ax.get_position() for ax in figure.axes)
    assert left.x1 < right.x0 < right.x1 < bar.x0
    assert left.width == pytest.approx(right.width)
    assert figure.axes[1].get_ylabel() == "variance of mean responses (spikes²)"


def test_a_grid_of_maps_explains_itself():
    figure = viz.plot_receptive_fields(
        np.ones((5, 3, 3)),
        names(5),
        scores={"strength": np.arange(5.0)},
        significant=np.arange(5) > 1,
        most=4,
    )
    assert figure.get_suptitle() == (
        "4 of 5 units; number: strength, highest first; *: significant unit"
    )
    assert viz.plot_receptive_fields(np.ones((5, 3, 3)), names(5)).get_suptitle() == ""


def test_the_overview_tells_how_near_each_field_is_to_the_truth():
    def words(loop):
        return {ax.get_xlabel() for ax in viz.plot_loop_overview(loop).findobj(Axes)}

    given = loop()
    flipped = replace(given, estimated_fields=-given.true_fields)
    assert "r = 1.00" in words(given)
    assert "r = −1.00" in words(flipped)
    told = replace(given, field_scores=np.array([0.25, np.nan, 0.5]), fields_head="poor to good")
    assert {"r = 0.25", "–", "r = 0.50"} <= words(told)
    heads = [panel.get_suptitle() for panel in viz.plot_loop_overview(told).findobj(SubFigure)]
    assert "poor to good" in heads


def test_filter_matches_can_be_named():
    ax = viz.plot_filter_correlations([0.5, -0.5], ["a", "b"], label="overlap")
    assert ax.get_xlabel() == "overlap"


def test_unobserved_bins_are_no_zeros():
    activity = normal(20, 3)
    activity[5:8] = np.nan
    activity[:, 2] = np.nan  # a silent unit, which says nothing about the bins
    ax = viz.plot_raster(activity, bin_s=0.1)
    assert ax.get_xlabel() == "time (s); pale blue: not observed"
    alpha = ax.images[1].get_array()[0, :, 3]
    np.testing.assert_array_equal(np.flatnonzero(alpha), [5, 6, 7])
    silent = viz.plot_raster(np.full((20, 1), np.nan), bin_s=0.1)
    assert len(silent.images) == 1
