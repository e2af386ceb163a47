"""Figures of trained networks: what stands where, what is written, and what is refused."""

from functools import partial

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from spikeloop import viz
from spikeloop.errors import InvalidInputError

LABEL = "IPD (deg)"
IPDS_DEG = np.arange(-82.5, 90, 15)
EARS = [("left ear", 4), ("right ear", 4)]
BLUE, ORANGE, INK, RED = "#0072b2", "#e69f00", "#222222", "#cc3311"
GREEN, PURPLE, GREY = "#009e73", "#cc79a7", "#767676"


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


def values_of(n):
    """Return the middles of classes that share -90 to 90."""
    edges = np.linspace(-90, 90, n + 1)
    return (edges[:-1] + edges[1:]) / 2


def trial(n_units=3, **changed):
    spikes = np.zeros((5, 8))
    spikes[0, 0] = spikes[2, 3] = spikes[4, 6] = 1
    hidden = np.zeros((5, n_units))
    hidden[1, :2] = hidden[3, -1:] = 1
    potentials = np.array([[0, 1, 2], [0, 3, 6], [0, 2, 4], [9, 1, 2], [1, 3, 1]], float)
    whole = {
        "spikes": spikes, "hidden": {"hidden": hidden}, "potentials": potentials,
        "class_values": [-60.0, 0.0, 60.0], "true": 1, "answered": 2, "dt_ms": 2.0,
        "groups": EARS, "signs": {"hidden": np.where(np.arange(n_units) == 1, -1, 1)},
    }  # fmt: skip
    return viz.TrialActivity(**whole | changed)


# Each entry draws n classes or units, or none at all where there may be none.
FIGURES = {
    "confusion": lambda n: viz.plot_confusion(np.eye(n + 1), values_of(n + 1), label=LABEL),
    "answers": lambda n: viz.plot_answers(normal(n), normal(n), IPDS_DEG, label=LABEL),
    "accuracies": lambda n: viz.plot_accuracies({f"m{i}": [0.5] for i in range(n + 1)}, ideal=0.9),
    "maps": lambda n: viz.plot_weight_maps(normal(8, n), normal(8, n), EARS),
    "lags": lambda n: viz.plot_weights_by_lag(normal(8, n), np.linspace(0, 90, 4)),
    "singular values": lambda n: viz.plot_singular_values(
        {f"w{i}": (np.ones(n), np.ones(n)) for i in range(n)}
    ),
    "trial": lambda n: viz.plot_trial(trial(n_units=n), label=LABEL),
    "tuning": lambda n: viz.plot_tuning(normal(12, n) ** 2, IPDS_DEG, label=LABEL),
    "curves": lambda n: viz.plot_tuning_curves(normal(12, n) ** 2, IPDS_DEG, range(n), label=LABEL),
}


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("name", FIGURES)
def test_any_number_is_drawn(name, n):
    drawn = FIGURES[name](n)
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    figure.draw_without_rendering()


def tick_words(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def legend_words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_right_answers_rise_and_wrong_ones_stand_over_their_true_class():
    confusion = np.eye(12)
    confusion[3] = np.eye(12)[5]
    ax = viz.plot_confusion(confusion, IPDS_DEG, label=LABEL)
    image = ax.images[0]
    column = int(np.floor(image.get_extent()[0])) + 3
    np.testing.assert_array_equal(image.get_array()[:, column], np.eye(12)[5])
    assert image.origin == "lower"
    assert image.get_clim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true IPD (deg)", "answered IPD (deg)")
    assert ax.figure.axes[1].get_ylabel() == "share of answers"


def test_a_class_that_never_came_is_grey_and_counted():
    confusion = np.eye(12)
    confusion[3] = np.nan
    ax = viz.plot_confusion(confusion, IPDS_DEG, label=LABEL)
    assert ax.get_title("left") == "grey: 1 of 12 classes never came"
    np.testing.assert_array_equal(np.flatnonzero(ax.images[0].get_array().mask.all(axis=0)), [3])


@pytest.mark.parametrize(
    ("class_values", "words", "places"),
    [
        (IPDS_DEG, ["−90", "−60", "−30", "0", "30", "60", "90"], range(0, 13, 2)),
        (np.arange(10.0), list("0123456789"), np.arange(10) + 0.5),
        (np.arange(40.0), ["0", "10", "20", "30"], [0.5, 10.5, 20.5, 30.5]),
        ([1.0, 2.0], ["1", "2"], [0.5, 1.5]),
        ([0.0], ["0"], [0.5]),
    ],
)
def test_ticks_are_few_and_round(class_values, words, places):
    ax = viz.plot_confusion(np.eye(len(class_values)), class_values, label=LABEL)
    for axis in (ax.xaxis, ax.yaxis):
        assert tick_words(axis) == words
        np.testing.assert_array_equal(axis.get_majorticklocs(), places)


def test_answers_are_counted_in_a_bin_for_each_class():
    truth, estimates = [-90.0, -76.0, -74.0, 89.0, 200.0], IPDS_DEG[[0, 0, 0, 11, 11]]
    ax = viz.plot_answers(truth, estimates, IPDS_DEG, label=LABEL)
    true, answered = (patch.get_data() for patch in ax.patches)
    np.testing.assert_allclose(true.edges, np.arange(-90, 91, 15))
    np.testing.assert_array_equal(true.values, [2, 1, *[0] * 9, 1])
    np.testing.assert_array_equal(answered.values, [3, *[0] * 10, 2])
    assert legend_words(ax) == ["true, 1 outside", "answered"]


def test_bins_reach_half_way_between_classes_that_are_not_even():
    ax = viz.plot_answers([0.0], [0.0], [0.0, 2.0, 10.0], label="x")
    np.testing.assert_allclose(ax.patches[0].get_data().edges, [-1, 1, 6, 14])


def test_an_accuracy_has_its_dots_its_mean_and_its_interval():
    ax = viz.plot_accuracies(
        {"intact": [0.8, 0.9], "no inhibition": [0.1, 0.1]},
        ends={"intact": (0.7, 0.95)},
        ideal=0.94,
        chance=1 / 12,
    )
    lines = {(to_hex(line.get_color()), len(line.get_xdata())): line for line in ax.lines[:5]}
    np.testing.assert_allclose(lines[GREY, 2].get_xdata(), [80, 90])
    np.testing.assert_allclose(lines[BLUE, 2].get_xdata(), [70, 95])
    np.testing.assert_allclose(lines[BLUE, 1].get_xdata(), [85])
    words = [text.get_text() for text in ax.texts]
    assert words == ["85.0", "10.0", "chance 8.3", "ideal observer 94.0"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in ax.lines[-2:]], [100 / 12, 94])
    assert tick_words(ax.yaxis) == ["intact", "no inhibition"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert ax.get_xlim()[0] == 0.0


def test_accuracies_that_are_all_high_are_not_squeezed():
    low, high = viz.plot_accuracies({"a": [0.85, 0.87], "b": [0.88]}, ideal=0.94).get_xlim()
    assert 80 < low < 85
    assert 94 < high < 96


def test_the_words_of_the_ideal_and_of_chance_do_not_meet():
    ax = viz.plot_accuracies({"a": [0.1, 0.9]}, ideal=0.94, chance=1 / 12)
    ax.figure.draw_without_rendering()
    chance, ideal = (text.get_window_extent() for text in ax.texts[-2:])
    assert chance.x1 < ideal.x0


def test_weights_are_on_one_scale_around_zero_in_the_order_given():
    before, after = 0.1 * normal(8, 3), normal(8, 3)
    figure = viz.plot_weight_maps(before, after, EARS, order=[2, 0, 1])
    images = [ax.images[0] for ax in figure.axes[:2]]
    np.testing.assert_array_equal(images[0].get_array(), before[:, [2, 0, 1]])
    np.testing.assert_array_equal(images[1].get_array(), after[:, [2, 0, 1]])
    (low, high), second = (image.get_clim() for image in images)
    assert (low, high) == second == (-high, high)
    # red inhibits as in rasters, blue excites, nothing is white
    below, zero, above = images[1].cmap([0.05, 0.5, 0.95])[:, :3]
    assert below[0] > below[2]
    assert above[2] > above[0]
    assert zero.min() > 0.95
    assert figure.axes[2].get_ylabel() == "weight (red inhibits, blue excites)"


def test_groups_are_parted_and_named_in_their_middles():
    figure = viz.plot_weight_maps(normal(8, 3), normal(8, 3), [("left", 2), ("right", 6)])
    first, second, _ = figure.axes
    assert [line.get_ydata()[0] for ax in (first, second) for line in ax.lines] == [2, 2]
    assert tick_words(first.yaxis) == ["left", "right"]
    np.testing.assert_array_equal(first.get_yticks(), [1, 5])


def test_a_few_large_weights_do_not_hide_the_others():
    weights = np.ones((100, 30))
    weights[0, 0] = 50.0
    figure = viz.plot_weight_maps(weights, weights, [("all", 100)])
    assert figure.axes[0].images[0].get_clim() == (-1, 1)
    extends = [
        viz.plot_weight_maps(w, w, [("all", 100)]).axes[1].images[0].colorbar.extend
        for w in (weights, np.sign(weights))
    ]
    assert extends == ["both", "neither"]


def test_weights_of_both_ears_stand_over_their_lags():
    weights = np.arange(8.0)[:, None] * [1, -1]
    figure = viz.plot_weights_by_lag(weights, [90.0, 60.0, 30.0, 0.0], units=[1])
    ax = figure.axes[0]
    assert ax.get_title("left") == "unit 1"
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [to_hex(line.get_color()) for line in dots] == [BLUE, ORANGE]
    assert [line.get_xdata().tolist() for line in dots] == [[0, 30, 60, 90]] * 2
    assert [line.get_ydata().tolist() for line in dots] == [[-3, -2, -1, 0], [-7, -6, -5, -4]]


def test_the_mean_of_alternating_signs_is_smooth_and_keeps_constants():
    left = np.where(np.arange(100) % 2, 1.0, -0.5)  # 0.25 on average
    weights = np.concatenate([left, np.full(100, 0.3)])[:, None]
    ax = viz.plot_weights_by_lag(weights, np.linspace(0, 90, 100)).axes[0]
    means = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(means["left ear"][10:-10], 0.25, atol=0.01)
    np.testing.assert_allclose(means["right ear"], 0.3)


def test_panels_without_a_unit_are_gone_and_the_lowest_write_the_lags():
    figure = viz.plot_weights_by_lag(normal(8, 20), np.linspace(0, 90, 4), units=range(5))
    shown = [ax for ax in figure.axes if ax.get_visible()]
    written = [ax.xaxis.get_tick_params()["labelbottom"] for ax in shown]
    assert written == [False, False, True, True, True]
    whole = viz.plot_weights_by_lag(normal(8, 20), np.linspace(0, 90, 4))
    assert sum(ax.get_visible() for ax in whole.axes) == 12


def test_singular_values_stand_at_their_modes():
    figure = viz.plot_singular_values({"hidden": ([2.0, 1.0], [3.0, 0.5])})
    before, after = figure.axes[0].lines
    assert (before.get_xdata().tolist(), before.get_ydata().tolist()) == ([1, 2], [2.0, 1.0])
    assert after.get_ydata().tolist() == [3.0, 0.5]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "before training", "after training",
    ]  # fmt: skip


def marks(ax):
    return {
        to_hex(line.get_color()): list(zip(*line.get_data(), strict=True))
        for line in ax.lines
        if line.get_linestyle() == "None"
    }


def test_spikes_of_a_trial_stand_at_their_times_in_the_colours_of_their_groups():
    figure = viz.plot_trial(trial(), label=LABEL)
    inputs, hidden, potentials = figure.axes
    assert marks(inputs) == {BLUE: [(0, 0), (4, 3)], ORANGE: [(8, 6)]}
    assert marks(hidden) == {INK: [(2, 0), (6, 2)], RED: [(2, 1)]}
    assert legend_words(inputs) == ["left ear", "right ear"]
    assert legend_words(hidden) == ["excitatory", "inhibitory"]
    assert {ax.get_xlim() for ax in figure.axes} == {(0.0, 10.0)}
    assert potentials.get_xlabel() == "time (ms)"


@pytest.mark.parametrize(("sign", "kind"), [(1, "excitatory"), (-1, "inhibitory")])
def test_the_colour_of_a_kind_is_told_even_where_there_is_no_other(sign, kind):
    hidden = viz.plot_trial(trial(signs={"hidden": [sign] * 3}), label=LABEL).axes[1]
    assert legend_words(hidden) == [kind]
    assert list(marks(hidden)) == [{1: INK, -1: RED}[sign]]


def test_the_true_and_the_answered_class_are_told_apart():
    ax = viz.plot_trial(trial(), label=LABEL).axes[-1]
    traces = {to_hex(line.get_color()): line.get_ydata() for line in ax.lines[::2]}
    np.testing.assert_array_equal(traces[GREEN], [1, 3, 2, 1, 3])
    np.testing.assert_array_equal(traces[PURPLE], [2, 6, 4, 2, 1])
    means = {to_hex(line.get_color()): line.get_ydata() for line in ax.lines[1::2]}
    assert (means[GREEN], means[PURPLE], means[GREY]) == (2, 3, 2)
    assert legend_words(ax) == ["true: 0", "answered: 60"]
    right = viz.plot_trial(trial(answered=1), label=LABEL).axes[-1]
    assert legend_words(right) == ["true and answered: 0"]
    assert right.get_legend().get_title().get_text() == LABEL


def test_layers_without_signs_and_inputs_without_groups_are_drawn_in_one_colour():
    plain = trial(groups=(), signs=None, hidden={"first": np.ones((5, 2)), "second": np.eye(5)})
    inputs, first, second, _ = viz.plot_trial(plain, label=LABEL).axes
    assert [list(marks(ax)) for ax in (inputs, first, second)] == [[BLUE], [INK], [INK]]
    assert [ax.get_legend() for ax in (inputs, first, second)] == [None] * 3
    assert [first.get_ylabel(), second.get_ylabel()] == ["first", "second"]
    silent = trial(hidden={"hidden": np.zeros((5, 3))})
    assert viz.plot_trial(silent, label=LABEL).axes[1].texts[0].get_text() == "no spike"


def test_units_are_sorted_by_what_they_fire_most_for_and_quiet_ones_are_last():
    rates_hz = np.zeros((3, 5))
    rates_hz[2, 0] = 30.0
    rates_hz[0, 1] = 0.5  # below 1 Hz
    rates_hz[1, 2], rates_hz[1, 3] = 10.0, 20.0
    rates_hz[0, 4] = 5.0
    ax = viz.plot_tuning(rates_hz, [-60.0, 0.0, 60.0], label=LABEL)
    np.testing.assert_array_equal(ax.images[0].get_array(), rates_hz[:, [4, 3, 2, 0, 1]].T)
    assert ax.figure.axes[1].get_ylabel() == "rate (Hz)"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (LABEL, "unit (sorted)")


def test_rates_that_are_all_0_are_the_darkest_of_the_scale():
    ax = viz.plot_tuning(np.zeros((3, 2)), [-60.0, 0.0, 60.0], label=LABEL)
    assert ax.images[0].get_clim() == (0, 1)


def test_a_class_without_a_rate_does_not_decide_the_order():
    rates_hz = np.array([[np.nan, np.nan], [9.0, 1.0], [1.0, 9.0]])
    ax = viz.plot_tuning(rates_hz[:, ::-1], [-60.0, 0.0, 60.0], label=LABEL)
    np.testing.assert_array_equal(ax.images[0].get_array().filled(-1)[:, 1:], [[9, 1], [1, 9]])


def test_curves_are_of_the_units_asked_for():
    rates_hz = np.arange(24.0).reshape(12, 2)
    ax = viz.plot_tuning_curves(rates_hz, IPDS_DEG, [1], label=LABEL)
    np.testing.assert_array_equal(ax.lines[0].get_data(), [IPDS_DEG, rates_hz[:, 1]])
    assert legend_words(ax) == ["unit 1"]
    np.testing.assert_array_equal(ax.get_xticks(), np.arange(-90, 91, 30))


confuse = partial(viz.plot_confusion, label=LABEL)
lag = viz.plot_weights_by_lag
maps = viz.plot_weight_maps
REFUSED = [
    (lambda: confuse(np.eye(3), [1.0, 2.0]), r"shape \(3, 3\): 2 class values want \(2, 2\)"),
    (lambda: confuse(np.eye(2), [2.0, 1.0]), "class_values must ascend"),
    (lambda: confuse(np.eye(2), [2.0, np.nan]), "class_values holds 1 values that are not finite"),
    (lambda: confuse(np.empty((0, 0)), []), "class_values is empty"),
    (lambda: viz.plot_answers([1.0], [], [0.0], label="x"), "1 true values and 0 estimates"),
    (lambda: viz.plot_accuracies({}), "accuracies is empty"),
    (lambda: viz.plot_accuracies({"a": []}), r"accuracies\['a'\] is empty"),
    (lambda: viz.plot_accuracies({"a": [np.nan]}), r"accuracies\['a'\] holds 1 values that"),
    (lambda: viz.plot_accuracies({"a": [87.0]}), r"holds \[87.\]: give shares, in 0..1"),
    (lambda: viz.plot_accuracies({"a": [0.5]}, chance=8.3), r"chance holds \[8.3\]: give shares"),
    (lambda: viz.plot_accuracies({"a": [0.5]}, ends={"b": (0, 1)}), "ends names 'b'"),
    (lambda: viz.plot_accuracies({"a": [0.5]}, ends={"a": (0,)}), r"must be \(2,\)"),
    (lambda: maps(np.ones((8, 2)), np.ones((8, 3)), EARS), "give the same weights"),
    (lambda: maps(np.ones((7, 2)), np.ones((7, 2)), EARS), "add up to the 7 rows of the weights"),
    (lambda: maps(np.ones((8, 2)), np.ones((8, 2)), []), "add up to the 8 rows of the weights"),
    (lambda: maps(np.ones((8, 2)), np.ones((8, 2)), EARS, order=[1, 1]), "each of the 2 units"),
    (lambda: lag(np.ones((8, 2)), np.ones(3)), "8 rows: 3 lags want 6"),
    (lambda: lag(np.ones((8, 2)), np.ones(4), units=[2]), r"units=\[2\]: give at most 12 of 0..1"),
    (lambda: viz.plot_singular_values({"w": ([1.0], [1.0, 2.0])}), "w has 1 singular values"),
    (lambda: trial(potentials=np.ones((4, 3))), "different numbers of ticks"),
    (lambda: trial(potentials=np.ones((5, 2))), "2 columns: there are 3 class values"),
    (lambda: trial(true=3), r"true=3: it must be in 0..2"),
    (lambda: trial(answered=-1), r"answered=-1: it must be in 0..2"),
    (lambda: trial(dt_ms=0.0), "dt_ms=0.0: it must be above 0"),
    (lambda: trial(groups=[("ear", 7)]), "add up to the 8 inputs"),
    (lambda: trial(signs={"hidden": [1, 1]}), "give one for each unit of a layer"),
    (lambda: trial(signs={"other": [1, 1, 1]}), r"a layer in \['hidden'\]"),
    (lambda: viz.plot_tuning(np.ones((2, 3)), [0.0], label="x"), "2 rows: there are 1 class"),
    (
        lambda: viz.plot_tuning_curves(np.ones((1, 9)), [0.0], range(8), label="x"),
        "give at most 7 of 0..8",
    ),
]


@pytest.mark.parametrize(("draw", "message"), REFUSED)
def test_what_does_not_fit_is_refused(draw, message):
    with pytest.raises(InvalidInputError, match=message):
        draw()
