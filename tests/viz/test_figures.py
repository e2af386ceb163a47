"""Every figure draws typical, single, undefined and empty input without a warning."""

import re
import sys
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from spikeloop import viz
from spikeloop.data import Epochs, SpikeTrains

LAGS_S = np.arange(-9, 1) * 0.002


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


def with_nan(values):
    values = np.array(values, dtype=float)
    values[-1:] = np.nan
    return values


def bands(n_lags=10):
    ones = np.ones(n_lags)
    return viz.AverageBands(0.1 * ones, np.stack([-0.3 * ones, 0.3 * ones]), 5 * ones, 0.0)


def scores(n, undefined=False):
    entropy, variance, oracle = normal(3, n) ** 2
    oracle = with_nan(oracle) if undefined else oracle
    return viz.UnitScores(entropy, variance, oracle, oracle > 0.5, oracle > 0.2)


def trains(n):
    units = {i: np.sort(np.random.default_rng(i).uniform(0, 10, 5 * i)) for i in range(n)}
    return SpikeTrains.from_units(units, Epochs([0.0], [10.0]))


def loop(n):
    maps = normal(n, 6, 8)
    ceiling = np.linspace(0, 1, n)
    return viz.LoopOverview(maps, maps, maps, normal(40, n), np.arange(n), 0.1, ceiling, ceiling)


def names(n):
    return np.asarray([f"u{i}" for i in range(n)], dtype=str)


def kinds(n):
    return ["simple" if i % 2 else "complex" for i in range(n)]


# Each entry draws n units, of which the last is undefined if `nan`.
DRAWINGS = {
    "average": lambda n, mend: viz.plot_triggered_average(
        LAGS_S[:n], mend(normal(n)), bands=bands(len(LAGS_S[:n])), title="u"
    ),
    "spread": lambda n, mend: viz.plot_window_spread(LAGS_S[:n], mend(normal(n)), np.ones(n)),
    "average panels": lambda n, mend: viz.plot_triggered_average_panels(
        LAGS_S[:n], mend(normal(n)), bands(n), stimulus_label="velocity (deg/s)"
    ),
    "averages": lambda n, mend: viz.plot_triggered_averages(
        LAGS_S,
        mend(normal(n, 10)),
        names(n),
        null_bands=np.tile([[-1.0] * 10, [1.0] * 10], (n, 1, 1)),
    ),
    "averages without null": lambda n, mend: viz.plot_triggered_averages(
        LAGS_S, mend(normal(n, 10)), names(n)
    ),
    "covariance": lambda n, mend: viz.plot_covariance_filters(
        LAGS_S,
        mend(normal(n)),
        normal(n, 10),
        filter_eigenvalues=mend(normal(n)),
        null_range=np.array([-1.0, 1.0]),
    ),
    "covariance without null": lambda n, mend: viz.plot_covariance_filters(
        LAGS_S, mend(normal(n)), normal(n, 10), filter_eigenvalues=mend(normal(n))
    ),
    "fields": lambda n, mend: viz.plot_receptive_fields(
        mend(normal(n, 6, 8)), names(n), scores=mend(normal(n)), extent_deg=(6.0, 8.0)
    ),
    "fields and truth": lambda n, mend: viz.plot_receptive_fields(
        mend(normal(n, 6, 8)), names(n), truth=normal(n, 6, 8), significant=np.arange(n) > 1
    ),
    "fields outlined": lambda n, mend: viz.plot_receptive_fields(
        mend(normal(n, 6, 8)), names(n), significant=normal(n, 6, 8) > 1
    ),
    "images": lambda n, mend: viz.plot_example_images(
        normal(n, 6, 8), labels=names(n), extent_deg=(6.0, 8.0)
    ),
    "raster": lambda n, mend: viz.plot_raster(
        mend(normal(n, 50)).T,
        bin_s=0.1,
        order=np.arange(n)[::-1],
        blocks=[viz.Block("gabors", 0.0, 2.0), viz.Block("scenes", 3.0, 5.0)],
    ),
    "raster blocks": lambda n, mend: viz.plot_raster_blocks(
        mend(normal(n, 50)).T, [viz.Block("a", 0.0, 2.0), viz.Block("b", 3.0, 5.0)], bin_s=0.1
    ),
    "spikes": lambda n, mend: viz.plot_spike_raster(trains(n), start_s=0.0, stop_s=10.0),
    "matrix": lambda n, mend: viz.plot_correlation_matrix(mend(normal(n, n)), title="signal"),
    "matrices": lambda n, mend: viz.plot_signal_and_noise(mend(normal(n, n)), normal(n, n)),
    "score": lambda n, mend: viz.plot_score_histogram(
        mend(normal(n)), label="oracle", reference=0.0, reference_label="chance"
    ),
    "reliability": lambda n, mend: viz.plot_reliability_histograms(
        {"a": mend(normal(n)), "b": normal(n), "c": normal(n), "d": normal(n)}, references={"a": 0}
    ),
    "rates": lambda n, mend: viz.plot_rates(mend(np.arange(n))),
    "truth": lambda n, mend: viz.plot_truth_comparison(
        normal(n), mend(normal(n)), label="ceiling", groups=kinds(n)
    ),
    "filters": lambda n, mend: viz.plot_filter_correlations(mend(np.linspace(-1, 1, n)), kinds(n)),
    "entropy": lambda n, mend: viz.plot_entropy_variance(scores(n, mend is with_nan)),
    "oracle": lambda n, mend: viz.plot_oracle_variance(scores(n, mend is with_nan)),
    "selection": lambda n, mend: viz.plot_selection_scatter(
        scores(n, mend is with_nan), oracle_threshold=0.2, variance_threshold=0.5
    ),
    "loop": lambda n, mend: viz.plot_loop_overview(loop(n)),
}
COUNTS_LAGS = {"average", "spread", "average panels"}  # of which there is at least one


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_figure_finds_room_for_its_labels(name):
    drawn = DRAWINGS[name](3, np.asarray)
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.draw_without_rendering()
    if not isinstance(drawn, Figure):
        assert drawn.get_xlabel()
        assert drawn.get_ylabel()


@pytest.mark.parametrize("name", DRAWINGS)
def test_an_undefined_unit_is_drawn(name):
    draw_plainly(DRAWINGS[name](2, with_nan))


@pytest.mark.parametrize("mend", [np.asarray, with_nan])
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_single_unit_is_drawn(name, mend):
    DRAWINGS[name](1, mend)


@pytest.mark.parametrize("name", sorted(set(DRAWINGS) - COUNTS_LAGS))
def test_no_unit_at_all_is_drawn(name):
    draw_plainly(DRAWINGS[name](0, np.asarray))


def draw_plainly(drawn):
    """Draw every mark without the costly search for room."""
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.set_layout_engine("none")
    figure.draw_without_rendering()


def test_every_public_drawing_is_tried():
    tried = {name for draw in DRAWINGS.values() for name in draw.__code__.co_names}
    for others in (
        "learn",
        "learn_delays",
        "learn_sweep",
        "models",
        "network",
        "recording",
        "temporal",
    ):
        text = Path(__file__).with_name(f"test_{others}.py").read_text()
        tried |= set(re.findall(r"plot_\w+", text))
    assert {name for name in viz.__all__ if name.startswith("plot_")} <= tried


def test_labels_carry_units():
    assert viz.plot_rates(np.array([1.0, 2.0])).get_xlabel() == "firing rate (Hz)"
    assert DRAWINGS["average"](10, np.asarray).get_xlabel() == "time relative to spike (ms)"
    assert DRAWINGS["raster"](10, np.asarray).get_xlabel() == "time (s)"
    entropy = DRAWINGS["entropy"](10, np.asarray)
    assert entropy.get_xlabel() == "entropy of mean responses (bits)"
    assert entropy.get_ylabel() == "variance of mean responses (spikes²)"


def test_a_given_axes_is_drawn_on():
    ax = Figure().add_subplot()
    assert viz.plot_rates(np.array([1.0, 2.0]), ax=ax) is ax


def test_drawing_leaves_no_trace_in_matplotlib():
    before = dict(matplotlib.rcParams)
    for name in ("average", "raster", "selection"):
        DRAWINGS[name](1, np.asarray)
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_the_average_is_drawn_where_it_is():
    average = np.arange(10.0)
    ax = viz.plot_triggered_average(LAGS_S, average, bands=bands())
    (line,) = [line for line in ax.lines if line.get_label() == "average"]
    np.testing.assert_allclose(line.get_xdata(), np.arange(-18, 1, 2))
    np.testing.assert_array_equal(line.get_ydata(), average)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [
        "95 % null (no relation)", "± standard error (≤ 0.1)", "average", "stimulus mean",
    ]  # fmt: skip


def test_the_spread_is_named_as_such():
    ax = viz.plot_window_spread(LAGS_S, np.zeros(10), np.ones(10))
    assert ax.get_legend().get_texts()[0].get_text() == "± SD of single windows"


def test_the_strongest_averages_come_first():
    averages = np.outer([1.0, 9.0, np.nan, 4.0], np.arange(10))
    null = np.tile([[-1.0] * 10, [1.0] * 10], (4, 1, 1))
    null[1] *= 100  # the second leaves its own band least of all
    figure = viz.plot_triggered_averages(LAGS_S, averages, list("abcd"), null_bands=null)
    assert [ax.get_title("left") for ax in figure.axes[:4]] == ["d", "a", "b", "c"]


def test_maps_are_centred_on_zero():
    maps = np.array([[[0.0, 4.0], [-1.0, 2.0]]])
    image = viz.plot_receptive_fields(maps, ["a"]).axes[0].images[0]
    assert image.get_clim() == (-1, 1)
    np.testing.assert_array_equal(image.get_array(), maps[0] / 4)


def test_maps_stand_beside_their_own_truth():
    maps = np.stack([np.full((2, 2), 1.0), np.full((2, 2), -1.0)])
    figure = viz.plot_receptive_fields(maps, ["a", "b"], truth=maps, scores=[0.1, 0.2])
    titles = [ax.get_title("left") for ax in figure.axes[:4]]
    assert titles == ["b, true", "estimate  0.20", "a, true", "estimate  0.10"]
    assert [ax.images[0].get_array()[0, 0] for ax in figure.axes[:4]] == [-1, -1, 1, 1]


def test_the_raster_follows_the_order():
    activity = np.array([[1.0, 2.0, 3.0]])
    image = viz.plot_raster(activity, bin_s=1.0, order=[2, 0, 1]).images[0]
    np.testing.assert_array_equal(image.get_array()[:, 0], [3.0, 1.0, 2.0])


def test_a_long_raster_is_averaged_and_says_so():
    activity = np.zeros((5000, 2))
    activity[0] = 3.0
    activity[1, 1] = np.nan
    ax = viz.plot_raster(activity, bin_s=0.1)
    image = ax.images[0].get_array()
    assert image.shape == (2, 1667)
    np.testing.assert_allclose(image[:, 0], [1.0, 1.5])  # a bin without a value counts for nothing
    assert ax.get_xlabel() == "time (s); 0.3 s per pixel"


def test_block_panels_share_one_grey_scale():
    activity = np.zeros((100, 3))
    activity[50:] = 7.0
    blocks = [viz.Block("a", 0.0, 5.0), viz.Block("b", 5.0, 10.0)]
    figure = viz.plot_raster_blocks(activity, blocks, bin_s=0.1)
    assert [ax.images[0].get_clim() for ax in figure.axes[:2]] == [(0.0, 7.0)] * 2


def test_spikes_stand_in_the_row_of_their_unit():
    spikes = SpikeTrains.from_units({"a": [1.0], "b": [2.0]}, Epochs([0.0], [3.0]))
    ax = viz.plot_spike_raster(spikes, start_s=0.0, stop_s=3.0, order=[1, 0])
    middles = {tuple(p.mean(axis=0)) for p in ax.collections[0].get_segments()}
    assert middles == {(1.0, 2.0), (2.0, 1.0)}
    assert ax.get_title("left") == "2 spikes of 2 units"


def test_many_spikes_become_pixels():
    spikes = SpikeTrains.from_units({0: np.linspace(0, 9, 5000)}, Epochs([0.0], [10.0]))
    ax = viz.plot_spike_raster(spikes, start_s=0.0, stop_s=10.0)
    target = BytesIO()
    ax.figure.savefig(target, format="svg", dpi=100)
    assert target.tell() < 200_000


def test_undefined_units_are_counted():
    ax = viz.plot_score_histogram([0.5, np.nan, np.nan, 0.7], label="oracle")
    assert ax.get_title("left") == "median 0.6, 2 units (2 undefined)"
    assert sum(bar.get_height() for bar in ax.patches) == 2
    ax = viz.plot_rates([0.0, 1.0, 10.0])
    assert ax.get_title("left") == "median 5.5 Hz, 2 units, 1 silent not drawn"
    ax = viz.plot_correlation_matrix(np.full((3, 3), np.nan), title="noise")
    assert ax.get_title("left") == "noise (3 pairs undefined)"


def test_scores_beyond_one_are_drawn_and_not_clipped():
    ax = viz.plot_score_histogram([-0.4, 0.2, 1.7], label="unbiased r²")
    assert sum(bar.get_height() for bar in ax.patches) == 3


def test_the_choice_is_told_by_fill_and_ring():
    n = np.arange(4.0)
    units = viz.UnitScores(n, n + 1, n / 4, [True, False, False, False], n > 2)
    ax = viz.plot_oracle_variance(units, oracle_threshold=0.6, variance_threshold=3.5)
    ringed, left_out, kept = ax.collections
    assert [len(c.get_offsets()) for c in (ringed, left_out, kept)] == [1, 3, 1]
    assert len(left_out.get_facecolors()) == 0
    assert ax.lines[0].get_xdata()[0] == 0.6
