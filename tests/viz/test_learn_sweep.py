"""The figure of a sweep: what stands where, where its axis is broken, and what is refused."""

from functools import partial

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb

from spikeloop import viz
from spikeloop.errors import InvalidInputError

BLUE, VERMILLION = "#0072b2", "#d55e00"
draw = viz.plot_accuracy_by_inhibition


def legend_words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_any_number_is_drawn(n):
    ax = draw(np.linspace(0, 1, n + 1), {"tau 2 ms": np.full((n + 1, n), 0.5)}, chance=0.1)
    ax.figure.draw_without_rendering()


def test_a_line_joins_the_means_and_leaves_out_missing_networks():
    accuracies = {"tau 2 ms": [[0.2, 0.4], [0.6, np.nan], [np.nan, np.nan]]}
    ends = {"tau 2 ms": [[0.1, 0.5], [0.5, 0.7], [np.nan, np.nan]]}
    ax = draw([0.0, 0.5, 1.0], accuracies, ends=ends, chance=0.1)
    (line,) = [line for line in ax.lines if line.get_label() == "tau 2 ms"]
    np.testing.assert_allclose(line.get_xdata(), [0, 50, 100])
    np.testing.assert_allclose(line.get_ydata(), [30, 60, np.nan])
    (band,) = ax.collections
    assert {(0.0, 10.0), (0.0, 50.0), (50.0, 50.0), (50.0, 70.0)} <= {
        tuple(corner) for corner in band.get_paths()[0].vertices.round(9).tolist()
    }
    assert [text.get_text() for text in ax.texts] == ["chance\n10.0"]


def test_dots_of_several_lines_stand_side_by_side():
    accuracies = {"a": [[0.5], [0.5]], "b": [[0.5], [0.5]]}
    ax = draw([0.0, 1.0], accuracies)
    first, second = (line.get_xdata()[0] for line in ax.lines[::2])
    assert 0 < second - first < 3


# A sweep as it is: all that is far above chance lies close together, but for one share.
SWEEP = {
    "tau 2 ms": [[0.74, 0.74], [0.89, 0.88], [0.085, 0.085], [0.90, 0.92]],
    "tau 5 ms": [[0.73, 0.74], [0.88, 0.88], [0.085, 0.085], [0.91, 0.91]],
}
SHARES = [0.0, 0.5, 1.0, np.nan]


def heights(ax, percents):
    """Return where percents stand, in pixels."""
    places = np.column_stack([np.zeros(len(percents)), percents])
    return ax.transData.transform(places)[:, 1]


def test_the_axis_leaves_out_a_gap_and_has_one_scale_on_both_sides_of_it():
    ax = draw(SHARES, SWEEP, ideal=0.94, chance=1 / 12)
    ax.figure.draw_without_rendering()
    chance, dead, low, high, ideal = heights(ax, [100 / 12, 8.5, 73, 89, 94])
    per_point = (ideal - high) / 5
    assert per_point == pytest.approx((high - low) / 16)
    assert per_point == pytest.approx((dead - chance) / (8.5 - 100 / 12))
    assert low - dead < 0.25 * (ideal - chance)
    ticks = ax.get_yticks()
    assert ((ticks < 12) | (ticks > 70)).all()
    assert (np.diff(ticks[ticks > 70]) <= 5).all()
    assert (ticks < 12).any()
    drawn = ax.get_ylim()
    assert 0 <= drawn[0] < 100 / 12 < 94 < drawn[1]


@pytest.mark.parametrize("rows", [[[0.2], [0.5], [0.85]], [[0.85], [0.86], [0.87]]])
def test_an_axis_that_is_well_filled_is_whole(rows):
    assert draw([0.0, 0.5, 1.0], {"a": rows}).get_yscale() == "linear"


def test_networks_without_a_constraint_are_a_level_line_in_the_colour_of_their_partner():
    ends = {"tau 2 ms": [[0.7, 0.8], [0.8, 0.9], [0.08, 0.09], [0.89, 0.93]]}
    ax = draw(SHARES, SWEEP, ends=ends)
    level = {to_hex(line.get_color()): line for line in ax.lines if len(line.get_xdata()) == 2}
    joined = {line.get_label(): line for line in ax.lines}
    for name, percent in (("tau 2 ms", 91), ("tau 5 ms", 91)):
        colour = to_hex(joined[name].get_color())
        np.testing.assert_allclose(level[colour].get_ydata(), percent)
        assert len(joined[name].get_xdata()) == 3  # they have no share
    (band,) = [p for p in ax.patches if to_hex(p.get_facecolor()) == BLUE]
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((89, 93))
    assert legend_words(ax) == ["tau 2 ms", "tau 5 ms", "no constraint"]


def test_level_lines_of_the_same_height_are_both_seen():
    ax = draw(SHARES, SWEEP)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    row = pixels[len(pixels) - 1 - round(heights(ax, [91.0])[0])]
    for colour in (BLUE, VERMILLION):
        wanted = 255 * np.array(to_rgb(colour))
        is_seen = np.abs(row[:, :3] - wanted).max(axis=1) < 30
        assert 0.3 < is_seen.sum() / (ax.bbox.width) < 0.6


def test_a_band_never_leaves_0_to_100():
    ends = {"a": [[-0.3, 0.6], [0.9, 1.2]]}
    ax = draw([0.0, 1.0], {"a": [[0.2], [0.97]]}, ends=ends)
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices[:, 1]
    assert (corners.min(), corners.max()) == (0, 100)


@pytest.mark.parametrize("n_letters", [1, 15, 25, 40])
def test_names_of_lines_stay_inside_the_figure(n_letters):
    accuracies = {f"{i}" + "n" * (n_letters - 1): [[0.5], [0.6]] for i in range(4)}
    ax = draw([0.0, 1.0], accuracies, ideal=0.9)
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.x1 < ax.figure.bbox.x1
    assert not any(legend.overlaps(text.get_window_extent()) for text in ax.texts)


sweep = partial(draw, [0.0, 1.0])
REFUSED = [
    (lambda: draw([], {"a": []}), "inhibitory is empty"),
    (lambda: draw([np.nan], {"a": [[1]]}), "inhibitory is empty"),
    (
        lambda: draw([np.nan, 0.5], {"a": [[1], [1]]}),
        "inhibitory holds 1 values that are not finite",
    ),
    (lambda: sweep({}), "accuracies is empty"),
    (lambda: sweep({"a": [[0.5]]}), "has 1 rows: there are 2 shares of inhibitory units"),
    (lambda: sweep({"a": [[0.5], [0.5]]}, ends={"a": [0, 1]}), r"must be \(2, 2\)"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSED)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(InvalidInputError, match=message):
        wrong()
