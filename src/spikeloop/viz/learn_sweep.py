"""What networks with more and fewer inhibitory units answer right."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.learn import (
    ACCURACY,
    ascending,
    checked_ends,
    references_of,
    require_shares,
    start_of,
)
from spikeloop.viz.style import (
    GREY,
    INK,
    NARROW_IN,
    PALE,
    PALETTE,
    axes_or_new,
    legend_above,
    styled,
)

_FREE = "no constraint"
_DASH = 6  # times the width of the line
_ASIDE = 0.016  # of the width, from one line to the next
_LEAST_CUT = 20.0  # percents; a narrower gap is not worth a broken axis
_SLIT_SHARE = 0.04  # of the height of a broken axis, where it is broken
_LEGEND_LETTERS, _KEY_LETTERS = 62, 7  # of a row, and as wide as a key and the room beside it


@styled
def plot_accuracy_by_inhibition(
    inhibitory: np.ndarray,
    accuracies: Mapping[str, np.ndarray],
    *,
    ends: Mapping[str, np.ndarray] | None = None,
    ideal: float | None = None,
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw accuracy against the share of units that inhibit.

    Dots are single networks; lines join their means, and bands are intervals of the means. Where
    there are several lines, each stands a little aside. Networks without a constraint have no
    share: the mean of theirs is a level line, in the colour of its partner.

    Where one gap would take two thirds of the height, as between chance and what networks reach,
    the axis is broken: the gap is left out, and percents are as tall below it as above.

    Parameters
    ----------
    inhibitory
        (share,) shares of inhibitory units, ascending; a NaN at the end stands for networks without
        a constraint.
    accuracies
        Name of a line -> (share, network) shares of right answers; NaN for a network that is
        missing.
    ends
        Name of a line -> (share, 2) the ends of the interval of the mean.
    ideal
        Accuracy of the ideal observer, marked by a line.
    chance
        Accuracy of guessing, marked by a line.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There is no share or no line, or a line does not have a row of accuracies for each share;
        or ends are of others.

    Examples
    --------
    >>> found = {"tau 2 ms": [[0.5, 0.52], [0.8, 0.84], [0.9, 0.91]]}
    >>> ax = plot_accuracy_by_inhibition([0.0, 0.5, np.nan], found, ideal=0.94, chance=1 / 12)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['tau 2 ms', 'no constraint']
    """
    inhibitory = as_vector("inhibitory", inhibitory, float)
    n_free = int(np.isnan(inhibitory[-1:]).sum())
    percent = 100 * ascending("inhibitory", inhibitory[: len(inhibitory) - n_free])
    require(len(percent) > 0, "inhibitory is empty: give at least one share.")
    require(len(accuracies) > 0, "accuracies is empty: give at least one line.")
    n_rows = len(inhibitory)
    tables = {name: 100 * _checked_rows(name, rows, n_rows) for name, rows in accuracies.items()}
    bands = checked_ends(ends, tables, (n_rows, 2))
    bands = {name: np.clip(100 * band, 0, 100) for name, band in bands.items()}
    ax = axes_or_new(ax, NARROW_IN, 3.6)
    ax.grid(axis="y", color=PALE, lw=0.6)
    references = references_of(ideal, chance)
    for index, (name, table) in enumerate(tables.items()):
        place = (index, len(tables))
        _draw_line(ax, percent, table, bands.get(name), name=name, place=place)
    names = list(tables)
    if n_free:
        names.append(_FREE)
        ax.plot([], [], color=GREY, label=_FREE)
    for name, level, colour, _ in references:
        beside = {"transform": ax.get_yaxis_transform(), "color": colour}
        ax.plot([0, 1], [level, level], lw=1.0, ls="--", zorder=1, **beside)
        words = f"{name} {level:.1f}".replace(" ", "\n")
        ax.text(1.02, level, words, va="center", fontsize=8, **beside)
    ax.set(xlabel="share of inhibitory units (%)", ylabel=ACCURACY)
    levels = [level for _, level, _, _ in references]
    _set_percents(ax, [*tables.values(), *bands.values(), np.array(levels)])
    longest = max(len(name) for name in names)
    legend_above(ax, int(np.clip(_LEGEND_LETTERS // (longest + _KEY_LETTERS), 1, 3)))
    return ax


def _checked_rows(name: str, rows: np.ndarray, n_rows: int) -> np.ndarray:
    name = f"accuracies[{name!r}]"
    rows = as_array(name, rows, ("share", "network"), float)
    require(
        len(rows) == n_rows,
        f"{name} has {len(rows)} rows: there are {n_rows} shares of inhibitory units.",
    )
    require_shares(name, rows)
    return rows


def _draw_line(
    ax: Axes,
    percent: np.ndarray,
    table: np.ndarray,
    band: np.ndarray | None,
    *,
    name: str,
    place: tuple[int, int],
) -> None:
    """Draw the networks of one line, their means, and those without a constraint if they are there.

    `place` is the number of the line, and how many there are.
    """
    index, n_lines = place
    colour = PALETTE[index % len(PALETTE)]
    n_known = np.isfinite(table).sum(axis=1)
    means = np.where(n_known, np.nansum(table, axis=1) / np.maximum(n_known, 1), np.nan)
    n = len(percent)
    x = percent + (index - (n_lines - 1) / 2) * _ASIDE * (np.ptp(percent) or 1.0)
    ax.plot(x, table[:n], "o", ms=3, mew=0, color=colour, alpha=0.45)
    ax.plot(x, means[:n], "o-", ms=4.5, mec="white", mew=0.5, color=colour, label=name)
    if band is not None:
        ax.fill_between(x, *band[:n].T, color=colour, alpha=0.18, lw=0)
    for row in range(n, len(table)):
        # Dashes of several lines take turns, so that one does not hide another of the same height.
        dashes = (index * _DASH, (_DASH, (n_lines - 1) * _DASH)) if n_lines > 1 else "-"
        ax.axhline(means[row], color=colour, lw=1.4, ls=dashes)
        if band is not None:
            ax.axhspan(*band[row], color=colour, alpha=0.14, lw=0)


def _set_percents(ax: Axes, drawn: Sequence[np.ndarray]) -> None:
    """Set where an axis of percents begins and ends, and leave out a gap that is most of it."""
    levels = np.unique(np.concatenate([np.ravel(values) for values in drawn]))
    levels = levels[np.isfinite(levels)]
    gaps = np.diff(levels)
    below = int(gaps.argmax()) if gaps.size else 0
    rest = float(gaps.sum() - gaps.max(initial=0.0))
    if gaps.max(initial=0.0) <= max(2 * rest, _LEAST_CUT):
        low, high = ax.get_ylim()
        ax.set_ylim(start_of(low, high), high + 0.05 * (high - low))  # words reach above a line
        return
    pad = max(0.08 * rest, 1.0)
    # Twice as much above: a tick would touch the strokes of the break, and words the legend.
    low = (max(levels[0] - pad, 0.0), levels[below] + 2 * pad)
    _break_axis(ax, low, (levels[below + 1] - pad, levels[-1] + 2 * pad))


def _break_axis(ax: Axes, low: tuple[float, float], high: tuple[float, float]) -> None:
    """Show two parts of the upright axis on one scale, and a slit for what is between them."""
    start, stop = low[1], high[0]
    slit = _SLIT_SHARE * (low[1] - low[0] + high[1] - high[0])
    cut = stop - start - slit

    def drawn(value: np.ndarray) -> np.ndarray:
        return value - cut * np.clip((value - start) / (stop - start), 0, 1)

    def undrawn(height: np.ndarray) -> np.ndarray:
        return height + cut * np.clip((height - start) / slit, 0, 1)

    ax.set_yscale("function", functions=(drawn, undrawn))
    ax.set_ylim(low[0], high[1])
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(*high)
    step = ticks[1] - ticks[0]
    below = step * np.arange(np.ceil(low[0] / step), np.floor(low[1] / step) + 1)
    ax.set_yticks([*below, *(tick for tick in ticks if high[0] <= tick <= high[1])])
    ax.axhspan(start, stop, xmin=-0.02, color="white", lw=0, zorder=4, clip_on=False)
    stroke = {"marker": [(-1, -0.5), (1, 0.5)], "ms": 8, "mew": 0.8, "color": INK, "ls": "none"}
    over = {"transform": ax.get_yaxis_transform(), "clip_on": False, "zorder": 5}
    ax.plot([0, 0], [start, stop], **stroke, **over)
