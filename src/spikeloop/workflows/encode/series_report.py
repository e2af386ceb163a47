"""The chapters of a report on models of a continuous stimulus."""

from collections.abc import Mapping

import jax
import numpy as np

from spikeloop.encode.temporal.evaluation import N_SIMULATIONS
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.encode.temporal.series_scores import BLOCK_S, SMOOTH_S
from spikeloop.encode.temporal.subspace_search import surface
from spikeloop.evaluate import PairedBootstrap
from spikeloop.viz import (
    KeyNumber,
    ReportFigure,
    ReportTable,
    Section,
    plot_lag_curves,
    plot_lag_panels,
    plot_model_scores,
    plot_rate_rows,
    plot_rate_surface,
)
from spikeloop.workflows.encode.model_pairs import in_order, interval_words, told_apart
from spikeloop.workflows.encode.series import SeriesFindings
from spikeloop.workflows.encode.training_report import training_figure, warn_of_early_ends
from spikeloop.workflows.job import unit_table

SHOWN_S = 2.0
"""How much of the test is drawn."""


def series_numbers(found: SeriesFindings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    test, models = found.comparison.test, found.comparison.models
    best = found.comparison[found.best]
    test_s = len(test.bins) * test.bin_s
    bits, correlation = best.bits.mean, best.correlation.mean
    pairs = {names: pair.bits for names, pair in found.comparison.differences.items()}
    note = f"of {len(models)}, by bits per spike{told_apart(pairs, found.best)}"
    return [
        KeyNumber("units", found.spikes.n_units),
        KeyNumber("test", f"{test_s:,.4g} s", f"{int(test.counts.sum()):,} spikes"),
        KeyNumber("best model", found.best, note),
        KeyNumber("its bits per spike", bits.score, interval_words(bits)),
        KeyNumber(
            "its correlation",
            correlation.score,
            f"{interval_words(correlation)}, smoothed",
        ),
    ]


def series_sections(found: SeriesFindings) -> list[Section]:
    """Return the chapters."""
    warn_of_early_ends(found.fitted)
    return [
        _comparison_section(found),
        _learned_section(found),
        _rates_section(found),
        _split_section(found),
    ]


def _comparison_section(found: SeriesFindings) -> Section:
    names = [scores.name for scores in found.comparison.models]
    percent = f"{100 * found.confidence:g} %"
    figures = []
    for label, attribute, words in (
        (
            "bits per spike",
            "bits",
            "How much likelier each model makes the spikes than the mean rate does, given the "
            "spikes before each bin.",
        ),
        (
            "correlation with the smoothed spikes",
            "correlation",
            "Of the rate that the stimulus alone lets expect. For a model that hears its own "
            f"spikes it is the mean of {N_SIMULATIONS} simulations: an intensity that knows the "
            "spikes falls after each, and the better it is, the less it resembles them. Rate and "
            f"spikes are smoothed by a Gaussian of {1000 * SMOOTH_S:g} ms. The mean rate is the "
            "same at all times, and has none.",
        ),
    ):
        means = [getattr(scores, attribute).mean for scores in found.comparison.models]
        ends = np.array([(mean.score, mean.low, mean.high) for mean in means])
        ax = plot_model_scores(names, ends, label=f"{label}, mean of the units")
        caption = f"{words} Lines: {percent} intervals, from drawing blocks of the test again."
        figures.append(ReportFigure(label.capitalize(), ax.figure, caption))
    return Section(
        "Models side by side",
        "Each model learned from the same time, and was tested once on time that it had not seen. "
        "The best model was picked by this same test, so its own score is a little flattered.",
        figures,
        [_model_table(found), *_difference_tables(found), _unit_table(found)],
    )


def _model_table(found: SeriesFindings) -> ReportTable:
    rows = []
    for scores in found.comparison.models:
        bits, correlation = scores.bits.mean, scores.correlation.mean
        rows.append(
            (
                *(scores.name, bits.score, bits.low, bits.high),
                *(correlation.score, correlation.low, correlation.high),
            )
        )
    return ReportTable(
        "Models",
        ["model", "bits/spike", "low", "high", "correlation", "low", "high"],
        rows,
        "Means over units, with their intervals.",
    )


def _difference_tables(found: SeriesFindings) -> list[ReportTable]:
    pairs = in_order(found.comparison.differences, found.best)
    if not pairs:
        return []
    return [
        _difference_table(
            "bits per spike",
            {names: pair.bits for names, pair in pairs},
            "With intervals and two-sided p-values from drawing the same blocks for both models; "
            "those of the best model come first. From the mean each differs by its own score. No p "
            "is below 2 / (n_draws + 1), however sure a difference is; n_draws is among the "
            "settings at the end. Not corrected for the number of comparisons.",
        ),
        _difference_table(
            "correlation",
            {names: pair.correlation for names, pair in pairs},
            "As above, for the correlation with the smoothed spikes.",
        ),
    ]


def _difference_table(
    score: str, pairs: Mapping[tuple[str, str], PairedBootstrap], caption: str
) -> ReportTable:
    rows = []
    for (first, second), pair in pairs.items():
        mean = pair.difference.mean
        if np.isfinite(mean.score):
            rows.append((first, second, mean.score, mean.low, mean.high, pair.p_value))
    columns = ["model", "less", "difference", "low", "high", "p"]
    return ReportTable(f"Differences in {score}", columns, rows, caption)


def _unit_table(found: SeriesFindings) -> ReportTable:
    columns = {
        "unit_ids": found.spikes.unit_ids,
        "spikes": found.comparison.test.counts.sum(axis=0).astype(int),
    }
    columns |= {
        f"bits, {scores.name}": scores.bits.units.score for scores in found.comparison.models[1:]
    }
    columns |= {f"r, {s.name}": s.correlation.units.score for s in found.comparison.models[1:]}
    return unit_table(
        "Units",
        columns,
        "Spikes in the test, bits per spike, and correlations r with the smoothed spikes.",
    )


def _learned_section(found: SeriesFindings) -> Section:
    unit = int(found.order[0])
    label = found.spikes.unit_ids[unit]
    figures = [_gradient_figure(found, unit), _history_figure(found, unit)]
    for name, fitted in found.fitted.items():
        if isinstance(fitted.model, MaximallyInformative):
            figures += _subspace_figures(name, fitted, unit)
        figures.append(training_figure(name, fitted))
    return Section(
        "What the models learned",
        f"Drawn for unit {label}, which {found.best} predicts best.",
        [figure for figure in figures if figure is not None],
    )


def _lags_s(n_lags: int, bin_s: float) -> np.ndarray:
    """Return the time of each lag relative to the bin; the last is the bin itself."""
    return bin_s * np.arange(1 - n_lags, 1)


def _gradient_figure(found: SeriesFindings, unit: int) -> ReportFigure:
    bin_s = found.comparison.test.bin_s
    gradients = {name: fitted.receptive_fields()[unit] for name, fitted in found.fitted.items()}
    strength = sum(np.abs(field).max(axis=0) for field in gradients.values())
    feature = int(np.argmax(strength))
    curves = {
        name: (_lags_s(len(field), bin_s), field[:, feature]) for name, field in gradients.items()
    }
    several = f" Feature {feature}, the strongest." if len(strength) > 1 else ""
    return ReportFigure(
        "Filters",
        plot_lag_panels(curves, label="gradient (Hz per stimulus unit)"),
        "The gradient of the rate by the stimulus in the bins before, at the mean stimulus: the "
        "filter, where a model has one. Each model has its own scale. Earlier times, which hold "
        f"less than 1 % of each curve's power, are not drawn.{several}",
    )


def _history_figure(found: SeriesFindings, unit: int) -> ReportFigure | None:
    curves = {
        name: _gain_after_spike(fitted, unit)
        for name, fitted in found.fitted.items()
        if isinstance(fitted.model, PoissonGLM) and fitted.model.uses_spikes
    }
    if not curves:
        return None
    return ReportFigure(
        "Effect of a spike",
        plot_lag_curves(
            curves, label="gain of the rate", time_label="time after the spike (ms)", reference=1.0
        ).figure,
        "By what a spike of the unit multiplies its rate so much later, where the stimulus is at "
        "its mean and there was no other spike. Below 1 for a short time: refractoriness.",
    )


def _gain_after_spike(fitted: FittedSeriesModel, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the times after a spike of the unit, and by what it multiplies the rate then."""
    heard = np.asarray(fitted.parameters["history.filter"])[unit]
    own = heard[::-1, unit if heard.shape[1] > 1 else 0]  # the last is of the bin just before
    bias = float(fitted.parameters["bias"][unit])
    link = np.exp if fitted.model.link == "exp" else jax.nn.softplus
    gain = np.asarray(link(bias + own)) / float(link(bias))
    return fitted.bin_s * np.arange(1, len(own) + 1), gain


def _subspace_figures(name: str, fitted: FittedSeriesModel, unit: int) -> list[ReportFigure]:
    filters = np.asarray(fitted.parameters["stimulus.filter"])[unit]
    feature = int(np.argmax(np.abs(filters).max(axis=(0, 1))))
    lags_s = _lags_s(filters.shape[1], fitted.bin_s)
    curves = {f"filter {k + 1}": (lags_s, along[:, feature]) for k, along in enumerate(filters)}
    figures = [
        ReportFigure(
            f"Filters of {name}",
            plot_lag_curves(curves, label="weight (SD per stimulus unit)").figure,
            "Together they span what the unit listens to. They may be turned within it, and their "
            "signs have no meaning.",
        )
    ]
    if len(filters) == 2:
        places = np.linspace(-3, 3, 61)
        pairs = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        drive = surface(pairs, fitted.parameters["nonlinearity.values"][unit])
        rates_hz = np.asarray(jax.nn.softplus(drive)).reshape(61, 61) / fitted.bin_s
        figures.append(
            ReportFigure(
                f"Rate over the filters of {name}",
                plot_rate_surface(places, rates_hz).figure,
                "The rate for each pair of what the two filters say, in standard deviations. Far "
                "from the middle there were few bins to learn from.",
            )
        )
    return figures


def _rates_section(found: SeriesFindings) -> Section:
    unit, test = int(found.order[0]), found.comparison.test
    label = found.spikes.unit_ids[unit]
    shown = _telling_bins(found, unit)
    times_s = found.stimulus.start_s + test.bins[shown] * test.bin_s
    names = dict.fromkeys(("ln", found.best))
    rates_hz = {name: found.comparison.expected[name][shown, unit] / test.bin_s for name in names}
    return Section(
        "Predicted rate",
        "",
        [
            ReportFigure(
                f"{SHOWN_S:g} s of the test",
                plot_rate_rows(times_s, rates_hz, found.spikes.of_unit(label)),
                f"Rates of unit {label} by the simplest and by the best model, given the spikes "
                "before each bin; ticks are the spikes that came. In a model that hears "
                "spikes the rate jumps after each. It is the first stretch of the "
                "test with at least as many spikes as the average.",
            )
        ],
    )


def _telling_bins(found: SeriesFindings, unit: int) -> slice:
    """Return the first unbroken stretch of the test with as many spikes as the average."""
    test = found.comparison.test
    n = min(max(2, round(SHOWN_S / test.bin_s)), len(test.bins))
    starts = np.arange(0, len(test.bins) - n + 1, n)
    whole = test.bins[starts + n - 1] - test.bins[starts] == n - 1
    n_spikes = np.array([test.counts[start : start + n, unit].sum() for start in starts])
    telling = starts[whole & (n_spikes >= n_spikes.mean())]
    start = int(telling[0]) if telling.size else 0
    return slice(start, start + n)


def _split_section(found: SeriesFindings) -> Section:
    split, bin_s = found.split, found.comparison.test.bin_s
    lasts = [part.duration_s for part in (split.training, split.validation, split.test)]
    return Section(
        "What was learned from",
        f"Of {found.spikes.epochs.duration_s:,.6g} s observed, the first {lasts[0]:,.5g} s were "
        f"for training, the next {lasts[1]:,.5g} s for choosing settings and for stopping, and the "
        f"last {lasts[2]:,.5g} s for the test; the edges are in split.npz. Bins are those of the "
        f"stimulus, of {1000 * bin_s:.4g} ms. Intervals come from blocks of {BLOCK_S:g} s, or of a "
        "fifth of a test that is shorter than 50 s.",
    )
