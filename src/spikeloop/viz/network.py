"""What a network did, one panel above the other over the same time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.data.checks import as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    NARROW_IN,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    WIDE_IN,
    axes_or_new,
    integer_ticks,
    legend_above,
    new_figure,
    plain_log_ticks,
    say_empty,
    styled,
)
from spikeloop.viz.tables import format_value

RED = "#CC3311"  # lighter than black to any eye, and red to most
POPULATION_COLOURS = (INK, RED, BLUE, GREEN, ORANGE, PURPLE, SKY)
"""In the order of the populations: excitatory black, inhibitory red, and five more."""

_TIME_LABEL = "time (ms)"
_MOST_TICKS_ROWS = 150  # beyond that, a spike is drawn as a dot
_MOST_VECTOR_SPIKES = 3000  # beyond that, spikes are drawn as pixels inside the vector figure
_MOST_BINS = 24


@dataclass(frozen=True, eq=False)
class RasterPanel:
    """The spikes of units."""

    spikes: SpikeTrains
    """Its unit table may say which ``population`` each unit is of."""
    label: str = "unit"
    most_units: int = 1000
    """Of more units, so many are drawn, taken at equal steps."""


@dataclass(frozen=True, eq=False)
class VoltagePanel:
    """The potential of one unit, with its spikes."""

    voltage: TimeSeries
    """(tick, 1) in mV."""
    spikes_s: np.ndarray
    """(spike,) when it fires."""
    peak_mV: float = 35.0
    """How high spikes are drawn."""
    label: str = "potential (mV)"


@dataclass(frozen=True, eq=False)
class CurvePanel:
    """One or several quantities in the same unit."""

    curves: Mapping[str, TimeSeries]
    """Name -> (time, 1) values, each drawn for as long as it holds; the name of a single one is not
    written."""
    label: str
    """What they are, with the unit."""


Panel = RasterPanel | VoltagePanel | CurvePanel


@styled
def plot_panels(
    panels: Sequence[Panel],
    *,
    shaded_s: tuple[float, float] | None = None,
    shaded_label: str = "input",
) -> Figure:
    """Draw spikes, potentials and other quantities one above the other, over the same time.

    Parameters
    ----------
    panels
        From the top.
    shaded_s
        A stretch of time to shade in all panels, as that of the input.
    shaded_label
        What happens then, written above the first panel.

    Raises
    ------
    InvalidInputError
        There is no panel, or the stretch does not stop after its start.

    Examples
    --------
    >>> rate_hz = TimeSeries(np.array([[0.0], [20.0]]), sample_rate_hz=200.0)
    >>> figure = plot_panels([CurvePanel({"all": rate_hz}, "rate (Hz)")])
    >>> figure.axes[0].get_xlabel()
    'time (ms)'
    """
    require(len(panels) > 0, "panels is empty: give at least one.")
    tall = [isinstance(panel, RasterPanel) and panel.spikes.n_units > 1 for panel in panels]
    heights = [1.9 if is_tall else 1.0 for is_tall in tall]
    figure = new_figure(WIDE_IN, 1.35 * sum(heights) + 0.5)
    axes = figure.subplots(
        len(panels), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for ax, panel in zip(axes, panels, strict=True):
        _DRAWN_BY[type(panel)](panel, ax)
        ax.set_xlabel("")
        if shaded_s is not None:
            _shade(ax, shaded_s)
    axes[-1].set_xlabel(_TIME_LABEL)
    axes[0].set_xlim(0.0, 1e3 * max(_stop_s(panel) for panel in panels))
    if shaded_s is not None:
        place = axes[0].get_xaxis_transform()
        middle = 5e2 * sum(shaded_s)
        axes[0].text(
            middle, 1.02, shaded_label, transform=place, ha="center", color=GREY, fontsize=8
        )
    figure.align_ylabels(axes)
    return figure


@styled
def plot_network_raster(
    spikes: SpikeTrains,
    *,
    most_units: int = 1000,
    label: str = "unit",
    shaded_s: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spikes of a network: the first population black, the second red.

    Parameters
    ----------
    spikes
        Units in rows from the top; ``unit_table["population"]`` names the population of each.
    most_units
        Of more units so many are drawn, taken at equal steps, and the axis says so.
    label
        What a row is.
    shaded_s
        A stretch of time to shade, as that of the input.
    ax
        Where to draw; a new figure if None.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({0: [0.1], 1: [0.2, 0.3]}, Epochs([0.0], [1.0]))
    >>> plot_network_raster(spikes).get_xlabel()
    'time (ms)'
    """
    ax = axes_or_new(ax, WIDE_IN, 3.6)
    _draw_raster(RasterPanel(spikes, label, most_units), ax)
    if shaded_s is not None:
        _shade(ax, shaded_s)
    ax.set_xlim(0.0, 1e3 * float(spikes.epochs.stop_s[-1]))
    return ax


@styled
def plot_voltage(
    voltage: TimeSeries,
    spikes_s: np.ndarray,
    *,
    peak_mV: float = 35.0,
    shaded_s: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the potential of one unit, and each of its spikes up to the peak.

    A simulated spike has no shape: the potential passes the threshold and is reset in one tick,
    and the trace, taken at the start of each tick, never shows the top.

    Parameters
    ----------
    voltage
        (tick, 1) in mV.
    spikes_s
        (spike,) when the unit fires.
    peak_mV
        How high spikes are drawn.
    shaded_s
        A stretch of time to shade, as that of the input.
    ax
        Where to draw; a new figure if None.

    Examples
    --------
    >>> voltage = TimeSeries(np.array([[-60.0], [-50.0], [-65.0]]), sample_rate_hz=1000.0)
    >>> ax = plot_voltage(voltage, np.array([0.001]), peak_mV=30.0)
    >>> ax.lines[0].get_ydata().tolist()
    [-60.0, -50.0, 30.0, -65.0]
    """
    ax = axes_or_new(ax, WIDE_IN, 2.4)
    _draw_voltage(VoltagePanel(voltage, spikes_s, peak_mV), ax)
    if shaded_s is not None:
        _shade(ax, shaded_s)
    ax.set_xlim(0.0, 1e3 * voltage.stop_s)
    return ax


@styled
def plot_distributions(scores: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw how some scores are distributed, with a line for each population.

    A score whose label begins with ``log`` and a space is drawn over a logarithmic axis, without
    that word. Values that are not finite are left out.

    Parameters
    ----------
    scores
        Label, with its unit -> population -> (value,).

    Examples
    --------
    >>> rates_hz = {"excitatory": np.array([1.0, 2.0, 2.0]), "inhibitory": np.array([3.0])}
    >>> plot_distributions({"rate (Hz)": rates_hz}).axes[0].get_xlabel()
    'rate (Hz)'
    """
    require(len(scores) > 0, "scores is empty: give at least one.")
    figure = new_figure(NARROW_IN if len(scores) == 1 else WIDE_IN, 2.7)
    panels = figure.subplots(1, len(scores), squeeze=False)[0]
    for ax, (label, groups) in zip(panels, scores.items(), strict=True):
        _draw_distribution(ax, label, groups)
    panels[0].set_ylabel("share")
    return figure


def _draw_raster(panel: RasterPanel, ax: Axes) -> None:
    spikes = panel.spikes
    shown = _some(spikes.n_units, panel.most_units)
    row_of_unit = np.full(spikes.n_units, -1)
    row_of_unit[shown] = np.arange(1, len(shown) + 1)
    row = row_of_unit[spikes.unit_index]
    n_drawn = int(np.sum(row > 0))
    names = np.asarray(spikes.unit_table.get("population", np.full(spikes.n_units, "")))
    kinds = list(dict.fromkeys(names.tolist()))
    few = len(shown) <= _MOST_TICKS_ROWS
    mark = {"marker": "|", "ms": 3.5, "mew": 0.8} if few else {"marker": ".", "ms": 1.6, "mew": 0}
    for kind, colour in zip(kinds, _colours(len(kinds)), strict=True):
        mine = (row > 0) & (names[spikes.unit_index] == kind)
        ax.plot(
            1e3 * spikes.times_s[mine],
            row[mine],
            ls="none",
            color=colour,
            label=kind,
            rasterized=n_drawn > _MOST_VECTOR_SPIKES,
            **mark,
        )
    ax.set(xlabel=_TIME_LABEL, ylabel=panel.label, ylim=(max(len(shown), 1) + 0.5, 0.5))
    integer_ticks(ax.yaxis)
    if len(shown) < spikes.n_units:
        ax.set_ylabel(f"{panel.label} ({len(shown):,} of {spikes.n_units:,})")
    if len(kinds) > 1:
        legend_above(ax, len(kinds))
        for handle in ax.get_legend().legend_handles:
            handle.set(marker="s", markersize=5)
    if not n_drawn:
        say_empty(ax, "no spike")


def _draw_voltage(panel: VoltagePanel, ax: Axes) -> None:
    times_ms, values = _curve(panel.voltage, panel.label)
    spikes_s = as_vector("spikes_s", panel.spikes_s, float)
    # The value at a spike's own tick is from before it: the peak goes after that.
    after = np.searchsorted(times_ms, 1e3 * spikes_s - 1e-6, side="left") + 1
    after = np.minimum(after, len(times_ms))
    times_ms = np.insert(times_ms, after, 1e3 * spikes_s)
    values = np.insert(values, after, np.maximum(panel.peak_mV, values[after - 1]))
    ax.plot(times_ms, values, color=INK, lw=0.9)
    ax.set(xlabel=_TIME_LABEL, ylabel=panel.label)


def _draw_curves(panel: CurvePanel, ax: Axes) -> None:
    require(len(panel.curves) > 0, f"{panel.label}: curves is empty: give at least one.")
    for (name, series), colour in zip(
        panel.curves.items(), _colours(len(panel.curves)), strict=True
    ):
        times_ms, values = _curve(series, name)
        ax.plot(times_ms, values, color=colour, lw=1.1, label=name, drawstyle="steps-post")
    ax.set(xlabel=_TIME_LABEL, ylabel=panel.label)
    if len(panel.curves) > 1:
        legend_above(ax, len(panel.curves))


_DRAWN_BY: dict[type, Callable] = {
    RasterPanel: _draw_raster,
    VoltagePanel: _draw_voltage,
    CurvePanel: _draw_curves,
}


def _draw_distribution(ax: Axes, label: str, groups: Mapping[str, np.ndarray]) -> None:
    is_log, label = label.startswith("log "), label.removeprefix("log ")
    finite = {name: values[np.isfinite(values)] for name, values in groups.items()}
    known = np.concatenate([np.empty(0), *finite.values()])
    ax.set_xlabel(label)
    if is_log:
        known = known[known > 0]
    if not known.size:
        say_empty(ax, "undefined")
        return
    if is_log:
        edges = np.geomspace(known.min(), known.max() * 1.01, _n_bins(known) + 1)
        ax.set_xscale("log")
        plain_log_ticks(ax.xaxis)
    else:
        edges = _edges(known)
    for (name, values), colour in zip(finite.items(), _colours(len(finite)), strict=True):
        if values.size:
            counts, _ = np.histogram(values, edges)
            middle = f", median {format_value(float(np.median(values)))}"
            ax.stairs(counts / values.size, edges, color=colour, lw=1.2, label=f"{name}{middle}")
    ax.set_ylim(bottom=0.0)
    legend_above(ax, 1)


def _n_bins(known: np.ndarray) -> int:
    return int(np.clip(2 * np.sqrt(known.size), 5, _MOST_BINS))


def _edges(known: np.ndarray) -> np.ndarray:
    """Return equal bins that hold equally many steps of values that come in steps, as counts."""
    values = np.unique(known)
    if len(values) == 1:
        return values + np.array([-0.5, 0.5])
    span, step = values[-1] - values[0], np.diff(values).min()
    steps = (values - values[0]) / step
    if np.allclose(steps, np.round(steps), atol=1e-3):
        width = step * np.ceil(span / (_n_bins(known) * step))
        return np.arange(values[0] - step / 2, values[-1] + width, width)
    return np.linspace(values[0], values[-1], _n_bins(known) + 1)


def _curve(series: TimeSeries, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the times in ms and the values of a series of one feature."""
    n_features = series.values.shape[1]
    require(
        n_features == 1,
        f"{name} has {n_features} columns: give one, as TimeSeries(series.values[:, :1], ...).",
    )
    times_ms = 1e3 * (series.start_s + np.arange(series.n_samples) / series.sample_rate_hz)
    return times_ms, series.values[:, 0]


def _stop_s(panel: Panel) -> float:
    if isinstance(panel, RasterPanel):
        return float(panel.spikes.epochs.stop_s[-1])
    series = [panel.voltage] if isinstance(panel, VoltagePanel) else panel.curves.values()
    return max(one.stop_s for one in series)


def _shade(ax: Axes, shaded_s: tuple[float, float]) -> None:
    start_s, stop_s = shaded_s
    require(stop_s > start_s, f"shaded_s=({start_s}, {stop_s}): stop must be after start.")
    ax.axvspan(1e3 * start_s, 1e3 * stop_s, color=PALE, alpha=0.6, lw=0, zorder=0)


def _some(n_units: int, most: int) -> np.ndarray:
    if n_units <= most:
        return np.arange(n_units)
    return np.unique(np.linspace(0, n_units - 1, most).round().astype(np.int64))


def _colours(n: int) -> list[str]:
    return [POPULATION_COLOURS[i % len(POPULATION_COLOURS)] for i in range(n)]
