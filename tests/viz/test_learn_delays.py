"""Figures of learned delays: how much weight stands where, and what is refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from spikeloop import viz
from spikeloop.errors import InvalidInputError

BLUE, RED = "#0072b2", "#cc3311"
BEFORE = np.array([[0.0, 1.0], [2.0, 3.0]])
AFTER = np.array([[3.0, 1.0], [0.0, 0.0]])
WEIGHTS = np.array([[3.0, 1.0], [-2.0, 0.0]])


def shares(ax):
    """Return, for before and after, middles of bins in ms -> percents of the weight in each."""
    found = []
    for patch in ax.patches:
        values, edges, _ = patch.get_data()
        middles = (edges[1:] + edges[:-1]) / 2
        percents = values * np.diff(edges)
        found.append({m: p for m, p in zip(middles.tolist(), percents.tolist(), strict=True) if p})
    return found


def legend_words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_synapse_counts_as_much_as_it_weighs_apart_by_its_sign():
    figure = viz.plot_delays(BEFORE, AFTER, WEIGHTS, longest_ms=4.0)
    excite, inhibit = figure.axes
    assert shares(excite) == [{0: 75, 1: 25}, {3: 75, 1: 25}]
    assert shares(inhibit) == [{2: 100}, {0: 100}]
    assert [to_hex(ax.patches[1].get_edgecolor()) for ax in figure.axes] == [BLUE, RED]
    titles = [ax.get_title("left") for ax in figure.axes]
    assert titles == [
        "2 synapses that excite, before and after training",
        "1 synapse that inhibits, before and after training",
    ]
    assert legend_words(excite) == ["before: mean 0.2 ms", "after: mean 2.5 ms"]
    assert inhibit.get_xlabel() == "delay (ms)"
    assert inhibit.get_xlim() == (-0.5, 4.5)


def test_where_all_excite_there_is_one_panel():
    figure = viz.plot_delays(BEFORE, AFTER, np.abs(WEIGHTS), longest_ms=3.0)
    (title,) = [ax.get_title("left") for ax in figure.axes]
    assert title.startswith("3 synapses that excite")


@pytest.mark.parametrize(("dt_ms", "n_ticks"), [(1.0, 12), (0.1, 250), (0.25, 77)])
def test_equal_weights_at_each_tick_are_an_even_height(dt_ms, n_ticks):
    delays_ms = dt_ms * np.arange(n_ticks + 1)[:, None]
    longest_ms = n_ticks * dt_ms
    ax = viz.plot_delays(delays_ms, delays_ms, np.ones_like(delays_ms), longest_ms=longest_ms)
    values, edges, _ = ax.axes[0].patches[0].get_data()
    np.testing.assert_allclose(values, 100 / (longest_ms + dt_ms))
    assert len(values) <= 40
    np.testing.assert_allclose(edges[[0, -1]], [-dt_ms / 2, longest_ms + dt_ms / 2])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3)])
def test_without_a_synapse_it_says_so(shape):
    nothing = np.zeros(shape)
    figure = viz.plot_delays(nothing, nothing, nothing, longest_ms=5.0)
    figure.draw_without_rendering()
    assert figure.axes[0].texts[0].get_text() == "no synapse"


def test_words_stay_inside_the_figure():
    delays_ms = np.full((30, 40), 100.0)
    figure = viz.plot_delays(delays_ms, delays_ms, np.ones((30, 40)), longest_ms=100.0)
    figure.draw_without_rendering()
    assert figure.axes[0].get_legend().get_window_extent().x1 < figure.bbox.x1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": np.ones((2, 3))}, "give the same synapses"),
        ({"after": AFTER + 0.5}, r"after holds a delay of \[3.5\] ms: it must be in 0..3"),
        ({"before": BEFORE - 1}, r"before holds a delay of \[-1.\] ms"),
        ({"weights": np.full((2, 2), np.nan)}, "weights holds 4 values that are not finite"),
        ({"longest_ms": 0.0}, "longest_ms=0.0: it must be above 0"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    given = {"before": BEFORE, "after": AFTER, "weights": WEIGHTS, "longest_ms": 3.0} | changed
    with pytest.raises(InvalidInputError, match=message):
        viz.plot_delays(**given)
