"""One look for every figure: applied while a function draws, and undone after it.

Nothing here touches `matplotlib.pyplot`, so no figure outlives the variable that holds it, and no
display is needed.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from spikeloop.viz.tables import format_value

Inputs = ParamSpec("Inputs")
Drawing = TypeVar("Drawing")

# Okabe & Ito (2008): told apart under the common kinds of colour blindness.
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
PALETTE = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, YELLOW)
INK, GREY, PALE = "#222222", "#767676", "#E4E4E4"

SIGNED_MAP = "RdBu_r"  # always centred on zero: blue below, white at zero, red above
WIDE_IN = 8.0  # a figure of this width fills the column of the report
NARROW_IN = 4.6  # one of this width is still read on a phone without scrolling

RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titlecolor": INK,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "image.interpolation": "nearest",
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "xtick.color": INK,
    "xtick.labelsize": 8.0,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.labelsize": 8.0,
    "ytick.major.width": 0.7,
}


def styled(draw: Callable[Inputs, Drawing]) -> Callable[Inputs, Drawing]:
    """Let a function draw in the look of the house, and put matplotlib's settings back after it."""

    @wraps(draw)
    def drawn(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Drawing:
        with matplotlib.rc_context(RC):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure that finds room for its own labels."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def axes_or_new(ax: Axes | None, width_in: float, height_in: float) -> Axes:
    """Return `ax`, or the axes of a new figure of this size."""
    return new_figure(width_in, height_in).add_subplot() if ax is None else ax


def legend_above(ax: Axes, n_columns: int, title: str = "") -> None:
    """Put the legend over the axes, where it hides no data, and the title over the legend."""
    ax.legend(
        title=title or None,
        title_fontsize=9.5,
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=n_columns,
        borderaxespad=0.3,
        borderpad=0.0,
        columnspacing=1.4,
        handlelength=1.5,
    )


def say_empty(ax: Axes, words: str) -> None:
    """Write in the middle of the axes why nothing is drawn there."""
    ax.text(0.5, 0.5, words, ha="center", va="center", color=GREY, transform=ax.transAxes)


def hide_axes(ax: Axes) -> None:
    """Take away ticks and spines: for pictures, whose pixels have no coordinates."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def box_axes(ax: Axes) -> None:
    """Draw all four spines: for images, whose edges are data."""
    ax.spines[:].set_visible(True)


def integer_ticks(axis: Axis) -> None:
    """Put ticks at whole numbers only, also where the axis shows a single one."""
    axis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def plain_log_ticks(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis without powers of ten."""
    axis.set_major_formatter(_PlainLogFormatter())
    axis.set_minor_formatter(_PlainLogFormatter(labelOnlyBase=False))


class _PlainLogFormatter(LogFormatter):
    """Labels the ticks that matplotlib would label, as plain numbers."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return format_value(float(x)) if super().__call__(x, pos) else ""


def symmetric_limit(values: np.ndarray) -> float:
    """Return the largest finite magnitude, or 1 where there is none, to centre a scale on zero."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0)) or 1.0


def count_noun(n: int, noun: str) -> str:
    """Return a count with its noun: ``1 unit``, ``3 units``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def unit_axis_label(n_units: int, *, is_sorted: bool) -> str:
    """Return the label of an axis whose ticks are the ranks of units."""
    return "unit (sorted)" if is_sorted and n_units != 1 else "unit"


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each distinct name, in order of first use; colours recur after seven."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}
