"""Every figure says which of its arrays does not fit, and what it must be."""

import numpy as np
import pytest

from spikeloop import viz
from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import InvalidInputError

LAGS_S = np.arange(-9, 1) * 0.002
SPIKES = SpikeTrains.from_units({"a": [1.0], "b": []}, Epochs([0.0], [3.0]))

WRONG = [
    (
        lambda: viz.plot_score_histogram([1.2], label="p", limits=(0.0, 1.0)),
        "'p' runs from 1.2 to 1.2",
    ),
    (
        lambda: viz.plot_score_histogram([0.2], label="p", limits=(1.0, 0.0)),
        "the first must be below the second",
    ),
    (
        lambda: viz.plot_reliability_histograms({"p": [0.2]}, limits={"q": (0.0, 1.0)}),
        r"limits names \['q'\]",
    ),
    (
        lambda: viz.plot_raster(np.ones((4, 2)), bin_s=0.1, unit_labels=["a"]),
        "unit_labels has 1 rows: there are 2 units",
    ),
    (
        lambda: viz.plot_receptive_fields(
            np.ones((1, 2, 2)), ["a"], scores={"r": [0.1], "p": [0.2]}
        ),
        r"scores holds \['p', 'r'\]",
    ),
    (
        lambda: viz.plot_loop_overview(
            viz.LoopOverview(
                images=np.ones((1, 2, 2)),
                true_fields=np.ones((2, 2, 2)),
                estimated_fields=np.ones((2, 2, 2)),
                activity=np.ones((3, 2)),
                order=np.arange(2),
                bin_s=0.1,
                true_ceiling=np.ones(2),
                estimated_ceiling=np.ones(2),
                field_scores=np.ones(3),
            )
        ),
        "field_scores has 3 values: there are 2 fields",
    ),
    (lambda: viz.plot_triggered_average(LAGS_S, np.ones(9)), "average has 9 values: there are 10"),
    (
        lambda: viz.plot_triggered_average(
            LAGS_S, np.ones(10), bands=viz.AverageBands(standard_error=np.ones(3))
        ),
        "standard_error has 3 values",
    ),
    (
        lambda: viz.plot_triggered_average(
            LAGS_S, np.ones(10), bands=viz.AverageBands(null_band=np.ones((10, 2)))
        ),
        r"null_band has shape \(10, 2\): it must be \(2, 10\)",
    ),
    (lambda: viz.plot_window_spread(LAGS_S, np.ones(10), np.ones(2)), "ensemble_sd has 2 values"),
    (
        lambda: viz.plot_triggered_averages(LAGS_S, np.ones((2, 9)), ["a", "b"]),
        r"averages has shape \(2, 9\): it must be \(2, 10\)",
    ),
    (
        lambda: viz.plot_triggered_averages(
            LAGS_S, np.ones((1, 10)), ["a"], null_bands=np.ones((1, 3, 10))
        ),
        r"null_bands has shape \(1, 3, 10\)",
    ),
    (
        lambda: viz.plot_covariance_filters(
            LAGS_S, [1.0], np.ones((2, 10)), filter_eigenvalues=[1.0]
        ),
        r"filters has shape \(2, 10\): it must be \(1, 10\)",
    ),
    (
        lambda: viz.plot_covariance_filters(
            LAGS_S, [1.0], np.ones((1, 10)), filter_eigenvalues=[1.0], null_range=np.zeros(3)
        ),
        r"null_range has shape \(3,\)",
    ),
    (lambda: viz.plot_receptive_fields(np.ones((4, 5)), list("abcd")), r"maps has shape \(4, 5\)"),
    (lambda: viz.plot_receptive_fields(np.ones((2, 3, 3)), ["a"]), "unit_labels has 1 rows"),
    (
        lambda: viz.plot_receptive_fields(np.ones((1, 3, 3)), ["a"], truth=np.ones((2, 3, 3))),
        "truth has 2 rows: there are 1 maps",
    ),
    (
        lambda: viz.plot_receptive_fields(np.ones((1, 3, 3)), ["a"], scores=[1.0, 2.0]),
        "scores has 2 rows",
    ),
    (
        lambda: viz.plot_receptive_fields(np.ones((1, 3, 3)), ["a"], significant=[True, False]),
        r"significant has shape \(2,\)",
    ),
    (lambda: viz.plot_example_images(np.ones((2, 3, 3)), labels=["a"]), "1 labels for 2 images"),
    (lambda: viz.plot_raster(np.ones((5, 3)), bin_s=0.0), "bin_s=0.0: it must be above 0"),
    (
        lambda: viz.plot_raster(np.ones((5, 3)), bin_s=0.1, order=[0, 0, 1]),
        "order must hold each of the 3 units once",
    ),
    (lambda: viz.plot_raster_blocks(np.ones((5, 3)), [], bin_s=0.1), "blocks is empty"),
    (
        lambda: viz.plot_raster_blocks(np.ones((5, 3)), [viz.Block("a", 0.0, 1.0)], bin_s=0.1),
        "block 'a' runs from 0.0 to 1.0 s: it must lie inside the activity, 0.0 to 0.5 s",
    ),
    (
        lambda: viz.plot_spike_raster(SPIKES, start_s=2.0, stop_s=1.0),
        "stop must be after start",
    ),
    (lambda: viz.plot_correlation_matrix(np.ones((2, 3))), "must be square"),
    (
        lambda: viz.plot_correlation_matrix(np.ones((2, 2)), order=[1]),
        "order must hold each of the 2 units once",
    ),
    (lambda: viz.plot_score_histogram(np.ones((2, 2)), label="a"), "must have one axis"),
    (lambda: viz.plot_reliability_histograms({}), "scores is empty"),
    (
        lambda: viz.plot_reliability_histograms({"a": [1.0], "b": [1.0, 2.0]}),
        "scores are of different numbers of units",
    ),
    (
        lambda: viz.plot_reliability_histograms({"a": [1.0]}, references={"b": 0.0}),
        r"references names \['b'\]: scores holds \['a'\]",
    ),
    (lambda: viz.plot_rates([-1.0]), "rates_hz holds a negative rate"),
    (
        lambda: viz.plot_truth_comparison([1.0], [1.0, 2.0], label="a"),
        "1 true values and 2 estimates",
    ),
    (lambda: viz.plot_filter_correlations([1.0], ["a", "b"]), "groups has 2 rows"),
    (
        lambda: viz.UnitScores([1.0], [1.0], [1.0, 2.0], [True], [True]),
        "UnitScores got columns of different lengths",
    ),
    (
        lambda: viz.plot_loop_overview(
            viz.LoopOverview(
                np.ones((1, 3, 3)),
                np.ones((2, 3, 3)),
                np.ones((1, 3, 3)),
                np.ones((9, 1)),
                np.arange(1),
                0.1,
                [1.0],
                [1.0],
            )
        ),
        r"true_fields has shape \(2, 3, 3\) and estimated_fields \(1, 3, 3\)",
    ),
]


@pytest.mark.parametrize(("draw", "message"), WRONG)
def test_wrong_shapes_are_refused(draw, message):
    with pytest.raises(InvalidInputError, match=message):
        draw()
