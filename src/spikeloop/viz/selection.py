"""Which units were kept, and why."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spikeloop.data.checks import as_vector, require
from spikeloop.viz.style import (
    GREY,
    INK,
    VERMILLION,
    WIDE_IN,
    axes_or_new,
    count_noun,
    new_figure,
    plain_log_ticks,
    say_empty,
    styled,
)

_VARIANCE_LABEL = "variance of mean responses (spikes²)"


@dataclass(frozen=True, eq=False)
class UnitScores:
    """What the choice of units was made from, one row per unit."""

    entropy: np.ndarray
    """(unit,) entropy of the mean responses, in bits."""
    variance: np.ndarray
    """(unit,) variance of the mean responses over stimuli, in spikes²."""
    oracle: np.ndarray
    """(unit,) leave-one-out correlation; NaN where undefined."""
    anomaly: np.ndarray
    """(unit,) bool: stands apart from the other units."""
    keep: np.ndarray
    """(unit,) bool: chosen for modelling."""

    def __post_init__(self) -> None:
        for name in ("entropy", "variance", "oracle"):
            object.__setattr__(self, name, as_vector(name, getattr(self, name), float))
        for name in ("anomaly", "keep"):
            object.__setattr__(self, name, as_vector(name, getattr(self, name), bool))
        sizes = {name: len(values) for name, values in vars(self).items()}
        require(
            len(set(sizes.values())) == 1,
            f"UnitScores got columns of different lengths ({sizes}): give one row per unit.",
        )


@styled
def plot_entropy_variance(scores: UnitScores, *, ax: Axes | None = None) -> Axes:
    """Draw variance against entropy, coloured by oracle; anomalies ringed, kept units filled.

    Parameters
    ----------
    scores
        The columns of the choice.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 5.0, 4.2)
    points = _draw_entropy(ax, scores)
    if points is not None:
        _colour_bar(points, [ax])
    return ax


@styled
def plot_oracle_variance(
    scores: UnitScores,
    *,
    oracle_threshold: float | None = None,
    variance_threshold: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw variance against oracle, with the thresholds that the kept units passed as lines.

    Parameters
    ----------
    scores
        The columns of the choice.
    oracle_threshold, variance_threshold
        Where the rule cut; None for no line.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 4.6, 4.2)
    ax.set(xlabel="oracle correlation", ylabel=_VARIANCE_LABEL)
    _draw_units(ax, scores, scores.oracle, scores.variance)
    if oracle_threshold is not None:
        ax.axvline(oracle_threshold, color=GREY, lw=1.0, ls="--", zorder=1)
    if variance_threshold is not None:
        ax.axhline(variance_threshold, color=GREY, lw=1.0, ls="--", zorder=1)
    return ax


@styled
def plot_selection_scatter(
    scores: UnitScores,
    *,
    oracle_threshold: float | None = None,
    variance_threshold: float | None = None,
) -> Figure:
    """Draw both views of the choice side by side, with one legend and one colour bar.

    Examples
    --------
    >>> n = np.arange(3.0)
    >>> figure = plot_selection_scatter(UnitScores(n, n + 1, n / 3, n > 1, n > 0))
    >>> len(figure.axes)  # the two views and the colour bar
    3
    """
    figure = new_figure(WIDE_IN, 4.1)
    left, right = figure.subplots(1, 2)
    points = _draw_entropy(left, scores)
    plot_oracle_variance(
        scores, oracle_threshold=oracle_threshold, variance_threshold=variance_threshold, ax=right
    )
    if points is not None:
        _colour_bar(points, [left, right])
    n_kept, n_odd = int(scores.keep.sum()), int(scores.anomaly.sum())
    handles = [
        _marker(f"kept: {count_noun(n_kept, 'unit')}", mfc=INK, mec=INK),
        _marker(f"left out: {count_noun(len(scores.keep) - n_kept, 'unit')}", mfc="none", mec=INK),
        _marker(f"anomaly: {count_noun(n_odd, 'unit')}", mfc="none", mec=VERMILLION, ms=11),
    ]
    if oracle_threshold is not None or variance_threshold is not None:
        handles.append(Line2D([], [], color=GREY, lw=1.0, ls="--", label="threshold"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4, handletextpad=0.4)
    return figure


def _draw_entropy(ax: Axes, scores: UnitScores) -> ScalarMappable | None:
    ax.set(xlabel="entropy of mean responses (bits)", ylabel=_VARIANCE_LABEL)
    return _draw_units(ax, scores, scores.entropy, scores.variance)


def _colour_bar(points: ScalarMappable, panels: list[Axes]) -> None:
    bar = panels[0].figure.colorbar(points, ax=panels, pad=0.02, shrink=0.9)
    bar.set_label("oracle correlation")
    bar.outline.set_linewidth(0.5)


def _marker(label: str, *, mfc: str, mec: str, ms: float = 6) -> Line2D:
    return Line2D([], [], ls="", marker="o", label=label, mfc=mfc, mec=mec, ms=ms)


def _draw_units(
    ax: Axes, scores: UnitScores, x: np.ndarray, y: np.ndarray
) -> ScalarMappable | None:
    """Draw a point per unit; the colour is the oracle, grey where it is undefined."""
    drawn = np.isfinite(x) & np.isfinite(y)
    if not drawn.any():
        say_empty(ax, "undefined for every unit")
        return None
    positive = y[drawn & (y > 0)]
    if positive.size == drawn.sum() and positive.max() > 30 * positive.min():
        ax.set_yscale("log")
        plain_log_ticks(ax.yaxis)
    ringed = drawn & scores.anomaly
    ax.scatter(x[ringed], y[ringed], s=110, facecolors="none", edgecolors=VERMILLION, lw=1.2)
    colours = _oracle_colours(scores.oracle)
    rgba = colours.to_rgba(np.ma.masked_invalid(scores.oracle))
    kept, left_out = drawn & scores.keep, drawn & ~scores.keep
    ax.scatter(x[left_out], y[left_out], s=24, facecolors="none", edgecolors=rgba[left_out], lw=1.2)
    ax.scatter(x[kept], y[kept], s=30, color=rgba[kept], lw=0)
    return colours


def _oracle_colours(oracle: np.ndarray) -> ScalarMappable:
    finite = oracle[np.isfinite(oracle)]
    limits = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    palette = matplotlib.colormaps["cividis"].with_extremes(bad=GREY)
    return ScalarMappable(Normalize(*limits), palette)
