"""Figures of models: what they show, what they leave out, and what they refuse."""

import numpy as np
import pytest

from spikeloop import viz
from spikeloop.errors import InvalidInputError

LAGS_S = np.arange(-9, 1) * 0.002


def normal(*shape):
    return np.random.default_rng(0).normal(size=shape)


def predicted(n_images=6, n_units=3):
    return viz.PredictedImages(
        normal(n_images, 6, 8), normal(n_images, n_units), normal(n_images, n_units)
    )


FIGURES = {
    "scores": lambda n: viz.plot_model_scores(["m"] * n, normal(n, 3), label="r").figure,
    "scatter": lambda n: (
        viz.plot_model_scatter(normal(n), normal(n), names=("a", "b"), label="r").figure
    ),
    "training": lambda n: viz.plot_training({"training_loss": normal(n), "score": normal(n, 2)}),
    "images": lambda n: viz.plot_predicted_images(predicted(), range(n), ["u"] * n),
    "bank": lambda n: viz.plot_bank_weights(
        normal(n, 4, 8), normal(n, 5, 5) ** 2, ["u"] * n, wavelengths_px=[3.0, 5, 8, 13]
    ),
    "lags": lambda n: (
        viz.plot_lag_curves(
            {f"m{i}": (LAGS_S, normal(10)) for i in range(n)}, label="filter"
        ).figure
    ),
    "lag panels": lambda n: viz.plot_lag_panels(
        {f"m{i}": (LAGS_S, normal(10)) for i in range(n)}, label="filter"
    ),
    "surface": lambda n: viz.plot_rate_surface(np.arange(n + 2.0), normal(n + 2, n + 2)).figure,
    "rates": lambda n: (
        viz.plot_predicted_rates(
            np.arange(5.0), {f"m{i}": np.ones(5) for i in range(n)}, np.arange(n)
        ).figure
    ),
}


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("name", FIGURES)
def test_any_number_is_drawn(name, n):
    FIGURES[name](n).draw_without_rendering()


def test_a_score_stands_where_it_is_and_one_that_is_missing_is_named():
    scores = [[0.2, 0.1, 0.4], [np.nan] * 3]  # written with the decimals of the others
    ax = viz.plot_model_scores(["ridge", "mean"], scores, label="r", ceiling=0.8)
    (marks,) = ax.containers
    np.testing.assert_array_equal(marks[0].get_xdata(), [0.2, np.nan])
    np.testing.assert_allclose(marks[2][0].get_segments()[0], [[0.1, 0.0], [0.4, 0.0]])
    assert [text.get_text() for text in ax.texts] == ["0.200", "undefined"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top


def test_units_without_a_score_are_counted():
    ax = viz.plot_model_scatter([0.1, np.nan], [0.2, 0.3], names=("ridge", "net"), label="r")
    assert ax.get_title("left") == "net is better for 1 of 1 unit (1 undefined)"
    assert ax.get_xlim() == ax.get_ylim()


def test_images_stand_in_the_order_of_their_counts():
    pixels = np.arange(5.0)[:, None, None] * np.ones((5, 2, 2))
    counts = np.array([[1.0], [5.0], [3.0], [2.0], [4.0]])
    shown = viz.PredictedImages(pixels, counts, counts[::-1])
    figure = viz.plot_predicted_images(shown, [0], ["u"], n_images=2)
    drawn = [ax.images[0].get_array()[0, 0] for ax in figure.axes if ax.images]
    assert drawn == [3, 0, 1, 4]  # predicted highest, then measured highest
    titles = [ax.get_title("left") for ax in figure.axes if ax.images]
    assert titles == ["5.00", "4.00", "5.00", "4.00"]


def test_all_rows_of_predicted_images_name_both_axes():
    figure = viz.plot_predicted_images(predicted(), [0, 1], ["a", "b"])
    labels = [ax.get_xlabel() for ax in figure.axes if ax.lines]
    assert labels == ["measured (spikes)"] * 2


def test_the_panels_of_a_bank_stand_in_line_and_have_bars():
    figure = viz.plot_bank_weights(
        normal(5, 3, 8), normal(5, 4, 4) ** 2, ["u"] * 5, wavelengths_px=[3, 6, 12]
    )
    figure.draw_without_rendering()
    *panels, weights, places = figure.axes
    drawn = [ax for ax in panels if ax.images]
    assert len(drawn) == 10
    for kind in (0, 1):  # filters, places
        sizes = np.array([ax.get_position().size for ax in drawn[kind::2]])
        np.testing.assert_allclose(sizes, sizes[:1].repeat(5, axis=0), atol=1e-3)
    assert [ax.images[0].get_clim() for ax in drawn[:2]] == [(-1, 1), (0, 1)]
    assert "weight" in weights.get_xlabel()
    assert "place" in places.get_xlabel()
    # below the unit in the second row there is none, nor below the three beside it
    assert [bool(ax.get_xlabel()) for ax in drawn[::2]] == [False, True, True, True, True]


def test_training_stands_in_panels_one_above_the_other():
    curves = {"training_loss": [3.0, 2.0], "validation_correlation": [0.1, 0.2]}
    figure = viz.plot_training(curves, labels=("Poisson loss", "correlation"))
    figure.draw_without_rendering()
    upper, lower = figure.axes
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("Poisson loss", "correlation")
    assert upper.get_position().y0 > lower.get_position().y1


def test_lags_are_in_ms():
    ax = viz.plot_lag_curves({"glm": (LAGS_S, np.ones(10))}, label="gain", reference=1.0)
    np.testing.assert_allclose(ax.lines[1].get_xdata(), 1e3 * LAGS_S)
    assert ax.lines[0].get_ydata()[0] == 1.0
    ax = viz.plot_lag_curves({}, label="gain", time_label="time after the spike (ms)")
    assert ax.get_xlabel() == "time after the spike (ms)"


def test_lag_panels_show_where_the_longest_filter_is_each_on_its_scale():
    lags_s = np.arange(-249, 1) / 500
    short, long = np.exp(lags_s / 0.01), 0.01 * np.exp(lags_s / 0.05)
    figure = viz.plot_lag_panels({"a": (lags_s, short), "b": (lags_s, long)}, label="filter")
    upper, lower = figure.axes
    # half of 50 ms times ln 100 holds 99 % of the power: 115 ms
    np.testing.assert_allclose([upper.get_xlim(), lower.get_xlim()], [(-150, 0)] * 2, atol=1e-9)
    assert upper.get_ylim()[1] > 50 * lower.get_ylim()[1]
    figure = viz.plot_lag_panels({"a": (lags_s, 0 * lags_s)}, label="filter")
    assert figure.axes[0].get_xlim() == (-500.0, 0.0)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: viz.plot_model_scores(["a"], normal(2, 3), label="r"), r"1 names want \(1, 3\)"),
        (
            lambda: viz.plot_model_scatter([1.0], [1.0, 2.0], names=("a", "b"), label="r"),
            "1 and 2 scores",
        ),
        (lambda: viz.plot_training({"loss": np.ones((2, 2, 2))}), r"loss has shape \(2, 2, 2\)"),
        (lambda: viz.PredictedImages(normal(2, 3, 3), normal(2, 1), normal(1, 1)), "2 images"),
        (lambda: viz.plot_predicted_images(predicted(), [0, 1], ["u"]), "2 units, 1 labels"),
        (
            lambda: viz.plot_bank_weights(
                normal(1, 2, 3), normal(2, 3, 3), ["u"], wavelengths_px=[1, 2]
            ),
            "1, 2 rows: there are 1 units",
        ),
        (
            lambda: viz.plot_bank_weights(
                normal(1, 2, 3), normal(1, 3, 3), ["u"], wavelengths_px=[1]
            ),
            "2 scales: there are 1 wavelengths",
        ),
        (
            lambda: viz.plot_lag_curves({"a": (LAGS_S, np.ones(3))}, label="x"),
            "'a' has 10 lags, 3 values",
        ),
        (lambda: viz.plot_rate_surface(np.arange(2.0), np.ones((2, 3))), r"2 places want \(2, 2\)"),
        (
            lambda: viz.plot_predicted_rates(np.arange(2.0), {"a": np.ones(3)}, []),
            "3 values for 2 bins",
        ),
        (lambda: viz.plot_predicted_rates([], {}, []), "times_s is empty"),
    ],
)
def test_what_does_not_fit_is_refused(draw, message):
    with pytest.raises(InvalidInputError, match=message):
        draw()
