"""Triggered averages and the filters of the triggered covariance."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    ORANGE,
    PALE,
    PALETTE,
    VERMILLION,
    WIDE_IN,
    axes_or_new,
    count_noun,
    integer_ticks,
    legend_above,
    new_figure,
    say_empty,
    styled,
)
from spikeloop.viz.tables import format_value

_TIME_LABEL = "time relative to spike (ms)"


@dataclass(frozen=True, eq=False)
class AverageBands:
    """What stands around a triggered average; None for what was not computed."""

    standard_error: np.ndarray | None = None
    """(lag,) the uncertainty of the average, in the unit of the stimulus."""
    null_band: np.ndarray | None = None
    """(2, lag) lower and upper end of the averages expected without any relation."""
    ensemble_sd: np.ndarray | None = None
    """(lag,) standard deviation of the single windows that were averaged."""
    stimulus_mean: float | None = None
    """The mean of the whole stimulus, where an average without any relation would lie."""


@styled
def plot_triggered_average(
    lags_s: np.ndarray,
    average: np.ndarray,
    *,
    bands: AverageBands | None = None,
    title: str = "",
    stimulus_label: str = "stimulus",
    ax: Axes | None = None,
) -> Axes:
    """Draw one triggered average with its standard error and its null band.

    The spread of single windows is often many times larger than the average itself: it has its own
    axes, in `plot_window_spread`.

    Parameters
    ----------
    lags_s
        (lag,) time relative to the spike in seconds, negative before it.
    average
        (lag,) in the unit of the stimulus.
    bands
        What stands around it; `ensemble_sd` is not drawn here.
    title
        Which unit this is.
    stimulus_label
        Name of the stimulus with its unit, as ``"velocity (deg/s)"``.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        The arrays do not have one value per lag.

    Examples
    --------
    >>> ax = plot_triggered_average(np.array([-0.002, 0.0]), np.array([1.0, 2.0]))
    >>> ax.get_xlabel()
    'time relative to spike (ms)'
    """
    lags_ms, average = _curve(lags_s, "average", average)
    bands = _checked(bands or AverageBands(), len(lags_ms))
    ax = axes_or_new(ax, NARROW_IN, 3.2)
    if bands.null_band is not None:
        label = "95 % null (no relation)"
        ax.fill_between(lags_ms, *bands.null_band, color=PALE, lw=0, label=label)
    if bands.standard_error is not None:
        low, high = average - bands.standard_error, average + bands.standard_error
        label = f"± standard error (≤ {format_value(np.max(bands.standard_error))})"
        ax.fill_between(lags_ms, low, high, color=BLUE, alpha=0.35, lw=0, label=label)
    ax.plot(lags_ms, average, color=BLUE, label="average")
    _finish(ax, lags_ms, bands.stimulus_mean, f"average {stimulus_label}")
    legend_above(ax, 2, title)
    return ax


@styled
def plot_window_spread(
    lags_s: np.ndarray,
    average: np.ndarray,
    ensemble_sd: np.ndarray,
    *,
    stimulus_mean: float | None = None,
    stimulus_label: str = "stimulus",
    ax: Axes | None = None,
) -> Axes:
    """Draw a triggered average inside the spread (one SD) of the single windows behind it.

    The band shows how much the stimulus differs from spike to spike. It is not an uncertainty: it
    does not shrink with more spikes. Parameters are those of `plot_triggered_average`.
    """
    lags_ms, average = _curve(lags_s, "average", average)
    ensemble_sd = _per_lag("ensemble_sd", ensemble_sd, len(lags_ms))
    ax = axes_or_new(ax, NARROW_IN, 3.2)
    low, high = average - ensemble_sd, average + ensemble_sd
    label = "± SD of single windows"
    ax.fill_between(lags_ms, low, high, color=ORANGE, alpha=0.3, lw=0, label=label)
    ax.plot(lags_ms, average, color=BLUE, label="average")
    _finish(ax, lags_ms, stimulus_mean, stimulus_label)
    legend_above(ax, 2)
    return ax


@styled
def plot_triggered_average_panels(
    lags_s: np.ndarray,
    average: np.ndarray,
    bands: AverageBands,
    *,
    stimulus_label: str = "stimulus",
) -> Figure:
    """Draw a triggered average twice: against its null, and inside the spread of its windows.

    Parameters are those of `plot_triggered_average`; without `ensemble_sd` there is one panel.
    """
    wide = bands.ensemble_sd is not None
    figure = new_figure(WIDE_IN if wide else NARROW_IN, 3.3)
    panels = figure.subplots(1, 2 if wide else 1, squeeze=False)[0]
    plot_triggered_average(
        lags_s, average, bands=bands, stimulus_label=stimulus_label, ax=panels[0]
    )
    if wide:
        plot_window_spread(
            lags_s,
            average,
            bands.ensemble_sd,
            stimulus_mean=bands.stimulus_mean,
            stimulus_label=stimulus_label,
            ax=panels[1],
        )
    return figure


@styled
def plot_triggered_averages(
    lags_s: np.ndarray,
    averages: np.ndarray,
    unit_labels: object,
    *,
    null_bands: np.ndarray | None = None,
    stimulus_label: str = "stimulus",
    most: int = 24,
) -> Figure:
    """Draw the averages of many units as small panels, the strongest first.

    Units are ranked by how far the average leaves its null band, measured in half-widths of the
    band; without bands, by the range of the average.

    Parameters
    ----------
    lags_s
        (lag,) time relative to the spike in seconds.
    averages
        (unit, lag); a row of NaN is a unit without spikes, and comes last.
    unit_labels
        (unit,) what to call each.
    null_bands
        (unit, 2, lag) lower and upper end of each unit's null band.
    stimulus_label
        Name of the stimulus with its unit.
    most
        How many units to draw at most.
    """
    lags_ms = 1e3 * as_vector("lags_s", lags_s, float)
    averages = as_array("averages", averages, ("unit", "lag"), float)
    labels = as_vector("unit_labels", unit_labels)
    _require_shape("averages", averages, (len(labels), len(lags_ms)))
    if null_bands is not None:
        null_bands = np.asarray(null_bands, dtype=float)
        _require_shape("null_bands", null_bands, (len(labels), 2, len(lags_ms)))
    order = _by_strength(averages, null_bands)[:most]
    n_columns = min(4, max(1, len(order)))
    n_rows = max(1, -(-len(order) // n_columns))
    figure = new_figure(max(NARROW_IN, 2.0 * n_columns), 1.35 * n_rows + 0.7)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    for ax in panels.flat[len(order) :]:
        ax.set_axis_off()
    for ax in panels.flat[max(0, len(order) - n_columns) : len(order)]:
        ax.tick_params(labelbottom=True)  # the lowest of its column, though perhaps not of the grid
    for ax, unit in zip(panels.flat, order, strict=False):
        if null_bands is not None:
            ax.fill_between(lags_ms, *null_bands[unit], color=PALE, lw=0)
        ax.plot(lags_ms, averages[unit], color=BLUE, lw=1.1)
        ax.set_title(str(labels[unit]), fontsize=8, pad=2)
        ax.locator_params(nbins=4)
        _span(ax, lags_ms)
        if np.isnan(averages[unit]).all():
            say_empty(ax, "no spikes")
    if not len(order):
        say_empty(panels[0, 0], "no unit")
    figure.supxlabel(_TIME_LABEL, fontsize=9)
    figure.supylabel(f"average {stimulus_label}", fontsize=9)
    return figure


@styled
def plot_covariance_filters(
    lags_s: np.ndarray,
    eigenvalues: np.ndarray,
    filters: np.ndarray,
    *,
    filter_eigenvalues: np.ndarray,
    null_range: np.ndarray | None = None,
    eigenvalue_label: str = "eigenvalue (stimulus unit²)",
) -> Figure:
    """Draw the spectrum of a spike-triggered covariance, and the filters that leave its null.

    Parameters
    ----------
    lags_s
        (lag,) time relative to the spike in seconds.
    eigenvalues
        (eigenvalue,) in the order in which to draw them; NaN for a unit without spikes.
    filters
        (filter, lag) some of the eigenvectors, of unit length.
    filter_eigenvalues
        (filter,) the eigenvalue of each.
    null_range
        (2,) where all eigenvalues fall without any relation; None: all filters are drawn.
    eigenvalue_label
        What the eigenvalues measure, with its unit.
    """
    lags_ms = 1e3 * as_vector("lags_s", lags_s, float)
    eigenvalues = as_vector("eigenvalues", eigenvalues, float)
    own = as_vector("filter_eigenvalues", filter_eigenvalues, float)
    filters = as_array("filters", filters, ("filter", "lag"), float)
    _require_shape("filters", filters, (len(own), len(lags_ms)))
    null = np.array([-np.inf, np.inf]) if null_range is None else np.asarray(null_range, float)
    require(null.shape == (2,), f"null_range has shape {null.shape}: it must be (2,).")
    figure = new_figure(WIDE_IN, 3.3)
    spectrum, curves = figure.subplots(1, 2)
    _draw_spectrum(spectrum, eigenvalues, None if null_range is None else null)
    spectrum.set(xlabel="rank of the eigenvalue", ylabel=eigenvalue_label)
    shown = np.isfinite(own) if null_range is None else (own < null[0]) | (own > null[1])
    for colour, i in zip(PALETTE, np.flatnonzero(shown), strict=False):
        curves.plot(lags_ms, filters[i], color=colour, label=f"eigenvalue {format_value(own[i])}")
    _finish(curves, lags_ms, 0.0, "filter weight (unit length)", mean_label=None)
    if shown.any():
        legend_above(curves, 2)
    else:
        say_empty(curves, "no eigenvalue leaves the null range")
    return figure


def _draw_spectrum(ax: Axes, eigenvalues: np.ndarray, null: np.ndarray | None) -> None:
    rank = np.arange(1, len(eigenvalues) + 1)
    outside = np.zeros(len(rank), dtype=bool)
    if null is not None:
        outside = (eigenvalues < null[0]) | (eigenvalues > null[1])
        ax.fill_between(rank, *null, color=PALE, lw=0, label="null range (no relation)")
    ax.plot(rank[~outside], eigenvalues[~outside], "o", ms=3, color=GREY, label="inside")
    label = f"outside: {count_noun(int(outside.sum()), 'eigenvalue')}"
    ax.plot(rank[outside], eigenvalues[outside], "o", ms=5, color=VERMILLION, label=label)
    integer_ticks(ax.xaxis)
    if not np.isfinite(eigenvalues).any():
        say_empty(ax, "no spikes")
    legend_above(ax, 2)


def _by_strength(averages: np.ndarray, null_bands: np.ndarray | None) -> np.ndarray:
    if null_bands is None:
        strength = averages.max(axis=1) - averages.min(axis=1)
    else:
        low, high = null_bands[:, 0], null_bands[:, 1]
        half_width = np.where(high > low, (high - low) / 2, np.nan)
        strength = np.max(np.abs(averages - (high + low) / 2) / half_width, axis=1)
    return np.argsort(-np.nan_to_num(strength, nan=-np.inf), kind="stable")


def _require_shape(name: str, array: np.ndarray, wanted: tuple[int, ...]) -> None:
    require(array.shape == wanted, f"{name} has shape {array.shape}: it must be {wanted}.")


def _curve(lags_s: np.ndarray, name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lags_s = as_vector("lags_s", lags_s, float)
    return 1e3 * lags_s, _per_lag(name, values, len(lags_s))


def _per_lag(name: str, values: np.ndarray, n_lags: int) -> np.ndarray:
    values = as_vector(name, values, float)
    require(len(values) == n_lags, f"{name} has {len(values)} values: there are {n_lags} lags.")
    return values


def _checked(bands: AverageBands, n_lags: int) -> AverageBands:
    if bands.standard_error is not None:
        _per_lag("standard_error", bands.standard_error, n_lags)
    if bands.null_band is not None:
        _require_shape("null_band", np.asarray(bands.null_band), (2, n_lags))
    return bands


def _finish(
    ax: Axes,
    lags_ms: np.ndarray,
    level: float | None,
    label: str,
    mean_label: str | None = "stimulus mean",
) -> None:
    if level is not None:
        ax.axhline(level, color=INK, lw=0.8, ls=":", label=mean_label)
    _span(ax, lags_ms)
    ax.set(xlabel=_TIME_LABEL, ylabel=label)


def _span(ax: Axes, lags_ms: np.ndarray) -> None:
    if len(lags_ms) > 1:
        ax.set_xlim(lags_ms.min(), lags_ms.max())
