"""Figures, and one self-contained report.

In: plain arrays and nouns. Out: matplotlib axes, or an HTML page that opens offline.
May import: `evaluate`, `data`, `numerics`, `errors`; the only room that knows matplotlib.
"""

from spikeloop.viz.embedding import embed_figure
from spikeloop.viz.lag_curves import plot_lag_curves, plot_lag_panels, plot_rate_surface
from spikeloop.viz.learn import (
    plot_accuracies,
    plot_answers,
    plot_confusion,
)
from spikeloop.viz.learn_activity import (
    TrialActivity,
    plot_trial,
    plot_tuning,
    plot_tuning_curves,
)
from spikeloop.viz.learn_delays import plot_delays
from spikeloop.viz.learn_sweep import plot_accuracy_by_inhibition
from spikeloop.viz.learn_weights import (
    plot_singular_values,
    plot_weight_maps,
    plot_weights_by_lag,
)
from spikeloop.viz.matrices import plot_correlation_matrix, plot_signal_and_noise
from spikeloop.viz.models import plot_model_scatter, plot_model_scores, plot_training
from spikeloop.viz.network import (
    CurvePanel,
    RasterPanel,
    VoltagePanel,
    plot_distributions,
    plot_network_raster,
    plot_panels,
    plot_voltage,
)
from spikeloop.viz.overview import LoopOverview, plot_loop_overview
from spikeloop.viz.predictions import PredictedImages, plot_bank_weights, plot_predicted_images
from spikeloop.viz.raster import Block, plot_raster, plot_raster_blocks, plot_spike_raster
from spikeloop.viz.receptive_fields import plot_example_images, plot_receptive_fields
from spikeloop.viz.recording import plot_drift_raster, plot_probe_templates, plot_traces
from spikeloop.viz.reliability import (
    plot_filter_correlations,
    plot_rates,
    plot_reliability_histograms,
    plot_score_histogram,
    plot_truth_comparison,
)
from spikeloop.viz.report import (
    KeyNumber,
    Report,
    ReportFigure,
    ReportTable,
    Section,
    render_report,
)
from spikeloop.viz.selection import (
    UnitScores,
    plot_entropy_variance,
    plot_oracle_variance,
    plot_selection_scatter,
)
from spikeloop.viz.spectrum import plot_spectrum
from spikeloop.viz.temporal import plot_predicted_rates, plot_rate_rows
from spikeloop.viz.triggered import (
    AverageBands,
    plot_covariance_filters,
    plot_triggered_average,
    plot_triggered_average_panels,
    plot_triggered_averages,
    plot_window_spread,
)

__all__ = [
    "AverageBands",
    "Block",
    "CurvePanel",
    "KeyNumber",
    "LoopOverview",
    "PredictedImages",
    "RasterPanel",
    "Report",
    "ReportFigure",
    "ReportTable",
    "Section",
    "TrialActivity",
    "UnitScores",
    "VoltagePanel",
    "embed_figure",
    "plot_accuracies",
    "plot_accuracy_by_inhibition",
    "plot_answers",
    "plot_bank_weights",
    "plot_confusion",
    "plot_correlation_matrix",
    "plot_covariance_filters",
    "plot_delays",
    "plot_distributions",
    "plot_drift_raster",
    "plot_entropy_variance",
    "plot_example_images",
    "plot_filter_correlations",
    "plot_lag_curves",
    "plot_lag_panels",
    "plot_loop_overview",
    "plot_model_scatter",
    "plot_model_scores",
    "plot_network_raster",
    "plot_oracle_variance",
    "plot_panels",
    "plot_predicted_images",
    "plot_predicted_rates",
    "plot_probe_templates",
    "plot_raster",
    "plot_raster_blocks",
    "plot_rate_rows",
    "plot_rate_surface",
    "plot_rates",
    "plot_receptive_fields",
    "plot_reliability_histograms",
    "plot_score_histogram",
    "plot_selection_scatter",
    "plot_signal_and_noise",
    "plot_singular_values",
    "plot_spectrum",
    "plot_spike_raster",
    "plot_traces",
    "plot_training",
    "plot_trial",
    "plot_triggered_average",
    "plot_triggered_average_panels",
    "plot_triggered_averages",
    "plot_truth_comparison",
    "plot_tuning",
    "plot_tuning_curves",
    "plot_voltage",
    "plot_weight_maps",
    "plot_weights_by_lag",
    "plot_window_spread",
    "render_report",
]
