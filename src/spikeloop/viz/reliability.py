"""How reliable units are, how much they fire, and how near estimates come to the truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    VERMILLION,
    WIDE_IN,
    axes_or_new,
    colours_of,
    count_noun,
    integer_ticks,
    legend_above,
    new_figure,
    plain_log_ticks,
    say_empty,
    styled,
)
from spikeloop.viz.tables import format_value

_MOST_BINS = 30
_BINS_OF_LIMITS = 20


@styled
def plot_score_histogram(
    scores: np.ndarray,
    *,
    label: str,
    reference: float | None = None,
    reference_label: str = "",
    limits: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how a score is distributed over units, with its median; NaN is counted, not drawn.

    Parameters
    ----------
    scores
        (unit,) any score; nothing is clipped.
    label
        Name of the score, with its unit if it has one.
    reference, reference_label
        A value to mark, as chance or a threshold, and what it is.
    limits
        The smallest and the largest value that the score can have, as (0, 1) for a p-value: there
        are 20 bins between them. If None, the bins span the values.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        `limits` are not in order, or a score lies beyond them.

    Examples
    --------
    >>> plot_score_histogram([0.2, 0.4, np.nan], label="oracle").get_title("left")
    'median 0.3, 2 units (1 undefined)'
    """
    scores = as_vector("scores", scores, float)
    ax = axes_or_new(ax, NARROW_IN, 3.0)
    finite = scores[np.isfinite(scores)]
    if limits is not None:
        _require_inside(label, finite, limits)
        ax.set_xlim(limits)
    ax.set(xlabel=label, ylabel="units")
    integer_ticks(ax.yaxis)
    ax.set_title(_summary(finite, len(scores) - len(finite)), fontsize=8.5)
    if not finite.size:
        say_empty(ax, "undefined for every unit")
        return ax
    span = limits or _span(finite)
    edges = _edges(finite, span) if limits is None else np.linspace(*limits, _BINS_OF_LIMITS + 1)
    ax.hist(finite, bins=edges, color=BLUE, alpha=0.75, edgecolor="white", lw=0.5)
    if len(edges) == 2:
        ax.set_xlim(span)
    ax.axvline(np.median(finite), color=INK, lw=1.4)
    if reference is not None:
        ax.axvline(reference, color=VERMILLION, lw=1.2, ls="--", label=reference_label or None)
        if reference_label:
            ax.legend(loc="best", handlelength=1.6)
    return ax


@styled
def plot_reliability_histograms(
    scores: Mapping[str, np.ndarray],
    *,
    references: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw the histograms of several scores of the same units, three in a row.

    Parameters
    ----------
    scores
        Label -> (unit,) values.
    references
        Label -> a value to mark by a dashed line.
    limits
        Label -> the smallest and the largest value that the score can have, as (0, 1) for a
        p-value: there are 20 bins between them.

    Raises
    ------
    InvalidInputError
        The scores differ in length, `references` or `limits` name a score that is not there, or a
        score lies beyond its limits.
    """
    require(len(scores) > 0, "scores is empty: give at least one score.")
    sizes = {label: np.size(values) for label, values in scores.items()}
    require(
        len(set(sizes.values())) == 1,
        f"scores are of different numbers of units ({sizes}): give one value per unit in each.",
    )
    for name, given in (("references", references), ("limits", limits)):
        unknown = set(given or {}) - set(scores)
        require(not unknown, f"{name} names {sorted(unknown)}: scores holds {sorted(scores)}.")
    n_columns = min(3, len(scores))
    n_rows = -(-len(scores) // n_columns)
    figure = new_figure(NARROW_IN if n_columns == 1 else WIDE_IN, 2.3 * n_rows + 0.2)
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for ax in panels[len(scores) :]:
        ax.set_axis_off()
    for i, (label, values) in enumerate(scores.items()):
        plot_score_histogram(
            values,
            label=label,
            reference=(references or {}).get(label),
            limits=(limits or {}).get(label),
            ax=panels[i],
        )
        if i % n_columns:
            panels[i].set_ylabel("")
    return figure


@styled
def plot_rates(rates_hz: np.ndarray, *, ax: Axes | None = None) -> Axes:
    """Draw how firing rates are distributed over units, on a logarithmic axis.

    Parameters
    ----------
    rates_hz
        (unit,) spikes per observed second; units at 0 have no logarithm and stand in the title.
    ax
        Where to draw; a new figure if None.
    """
    rates_hz = as_vector("rates_hz", rates_hz, float)
    require(bool((rates_hz[np.isfinite(rates_hz)] >= 0).all()), "rates_hz holds a negative rate.")
    ax = axes_or_new(ax, NARROW_IN, 3.0)
    firing = rates_hz[np.isfinite(rates_hz) & (rates_hz > 0)]
    n_silent = int(np.sum(rates_hz == 0))
    ax.set(xlabel="firing rate (Hz)", ylabel="units")
    integer_ticks(ax.yaxis)
    silent = f", {n_silent} silent not drawn" if n_silent else ""
    ax.set_title(_summary(firing, int(np.isnan(rates_hz).sum()), unit=" Hz") + silent, fontsize=8.5)
    if not firing.size:
        say_empty(ax, "no unit fires")
        return ax
    exponent = np.log10(firing)
    span = _span(exponent, 0.5)
    edges = 10 ** _edges(exponent, span)
    ax.hist(firing, bins=edges, color=BLUE, alpha=0.75, edgecolor="white", lw=0.5)
    ax.set_xscale("log")
    plain_log_ticks(ax.xaxis)
    if len(edges) == 2:
        ax.set_xlim(10 ** np.array(span))
    ax.axvline(np.median(firing), color=INK, lw=1.4)
    return ax


@styled
def plot_truth_comparison(
    truth: np.ndarray,
    estimate: np.ndarray,
    *,
    label: str,
    groups: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate of each unit against its truth, with the line where they are equal.

    Parameters
    ----------
    truth, estimate
        (unit,) in the same unit; pairs with a NaN are counted, not drawn.
    label
        What is compared, with its unit.
    groups
        (unit,) a kind for each unit, drawn in its colour.
    ax
        Where to draw; a new figure if None.

    Examples
    --------
    >>> ax = plot_truth_comparison([0.0, 1.0], [0.1, 1.1], label="noise ceiling")
    >>> ax.get_title("left")
    'r = 1.00, mean error +0.10, 2 units'
    """
    truth, estimate = as_vector("truth", truth, float), as_vector("estimate", estimate, float)
    require(
        len(truth) == len(estimate),
        f"{len(truth)} true values and {len(estimate)} estimates: give one of each per unit.",
    )
    kinds = _kinds(groups, len(truth))
    ax = axes_or_new(ax, NARROW_IN, 4.2)
    ax.set(xlabel=f"true {label}", ylabel=f"estimated {label}", box_aspect=1)
    finite = np.isfinite(truth) & np.isfinite(estimate)
    ax.set_title(_agreement(truth[finite], estimate[finite], int((~finite).sum())), fontsize=8.5)
    if not finite.any():
        say_empty(ax, "undefined for every unit")
        return ax
    both = np.concatenate([truth[finite], estimate[finite]])
    margin = 0.05 * (np.ptp(both) or 1.0)
    limits = (both.min() - margin, both.max() + margin)
    ax.plot(limits, limits, color=GREY, lw=1.0, zorder=1)
    for kind, colour in colours_of(kinds).items():
        of_kind = finite & (kinds == kind)
        ax.scatter(
            truth[of_kind], estimate[of_kind], s=20, color=colour, alpha=0.8, lw=0, label=kind
        )
    ax.set(xlim=limits, ylim=limits)
    if groups is not None:
        ax.legend(loc="upper left", handletextpad=0.2)
    return ax


@styled
def plot_filter_correlations(
    correlations: np.ndarray,
    groups: Sequence[str],
    *,
    label: str = "match of estimated and true filter (1: the same)",
    ax: Axes | None = None,
) -> Axes:
    """Draw how well true filters were estimated, as a stacked histogram over kinds of unit.

    Parameters
    ----------
    correlations
        (unit,) how well the estimated filter matches the true one: a correlation from -1 to 1, or
        an overlap from 0 to 1.
    groups
        (unit,) the kind of each unit.
    label
        What was computed; name it if it is a correlation for all units, or an overlap for all.
    ax
        Where to draw; a new figure if None.
    """
    correlations = as_vector("correlations", correlations, float)
    kinds = _kinds(groups, len(correlations))
    ax = axes_or_new(ax, NARROW_IN, 3.2)
    ax.set(xlabel=label, ylabel="units")
    finite = np.isfinite(correlations)
    if not finite.any():
        say_empty(ax, "undefined for every unit")
        return ax
    colours = colours_of(kinds)
    of_kinds = [correlations[finite & (kinds == kind)] for kind in colours]
    labels = [f"{kind}: {_summary(r, 0)}" for kind, r in zip(colours, of_kinds, strict=True)]
    edges = np.arange(np.floor(10 * correlations[finite].min()) / 10, 1.05, 0.05)
    ax.hist(
        of_kinds, bins=edges, stacked=True, color=list(colours.values()), label=labels,
        edgecolor="white", lw=0.5,
    )  # fmt: skip
    integer_ticks(ax.yaxis)
    legend_above(ax, 1)
    return ax


def _kinds(groups: Sequence[str] | None, n_units: int) -> np.ndarray:
    kinds = np.asarray(["all"] * n_units if groups is None else list(groups), dtype=str)
    require(len(kinds) == n_units, f"groups has {len(kinds)} rows: there are {n_units} units.")
    return kinds


def _summary(finite: np.ndarray, n_undefined: int, unit: str = "") -> str:
    undefined = f" ({n_undefined} undefined)" if n_undefined else ""
    median = f"median {format_value(np.median(finite))}{unit}, " if finite.size else ""
    return f"{median}{count_noun(finite.size, 'unit')}{undefined}"


def _agreement(truth: np.ndarray, estimate: np.ndarray, n_undefined: int) -> str:
    varied = truth.size > 1 and np.ptp(truth) > 0 and np.ptp(estimate) > 0
    words = f"r = {np.corrcoef(truth, estimate)[0, 1]:.2f}, " if varied else ""
    words += f"mean error {np.mean(estimate - truth):+.2f}, " if truth.size else ""
    words = words.replace("-", "−")
    undefined = f" ({n_undefined} undefined)" if n_undefined else ""
    return f"{words}{count_noun(truth.size, 'unit')}{undefined}"


def _require_inside(label: str, finite: np.ndarray, limits: tuple[float, float]) -> None:
    low, high = limits
    require(low < high, f"limits of {label!r} are {limits}: the first must be below the second.")
    require(
        not finite.size or (finite.min() >= low and finite.max() <= high),
        f"{label!r} runs from {finite.min(initial=np.inf):g} to {finite.max(initial=-np.inf):g}: "
        f"limits={limits} must hold all values. Widen them.",
    )


def _span(finite: np.ndarray, reach: float | None = None) -> tuple[float, float]:
    """Return the range to draw; equal values stand in the middle of one that starts at zero."""
    low, high = float(finite.min()), float(finite.max())
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    reach = reach or abs(low) or 1.0
    return low - reach, low + reach


def _edges(finite: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Return edges of equal bins over the range: about sqrt(n) to 2 sqrt(n) of them, at most 30.

    Equal values get one bin, a twentieth of the range wide.
    """
    low, high = span
    if low < finite.min():
        middle, half_width = (low + high) / 2, (high - low) / 40
        return np.array([middle - half_width, middle + half_width])
    return np.linspace(low, high, int(np.clip(2 * np.sqrt(finite.size), 5, _MOST_BINS)) + 1)
