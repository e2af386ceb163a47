"""Rasters: the activity of all units over time, and single spikes."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from spikeloop.data import SpikeTrains
from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    GREY,
    INK,
    WIDE_IN,
    axes_or_new,
    box_axes,
    colours_of,
    count_noun,
    integer_ticks,
    new_figure,
    say_empty,
    styled,
    unit_axis_label,
)

_MOST_COLUMNS = 2000  # more than the pixels of any figure drawn here
_MOST_ROWS = 1000
_MOST_LABELS = 30  # beyond that, the names of units would overlap
_UNOBSERVED = "#C9DFEF"
_GREYS = matplotlib.colormaps["gray_r"].with_extremes(bad="#FBE3BD")
_MOST_VECTOR_SPIKES = 3000  # beyond that, spikes are drawn as pixels inside the vector figure


@dataclass(frozen=True)
class Block:
    """A stretch of the experiment in which one kind of stimulus was shown."""

    name: str
    start_s: float
    stop_s: float


@styled
def plot_raster(
    activity: np.ndarray,
    *,
    bin_s: float,
    order: np.ndarray | None = None,
    start_s: float = 0.0,
    blocks: Sequence[Block] = (),
    unit_labels: object = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw activity over time with one row per unit, dark where a unit is active.

    More than 2,000 bins or 1,000 units are averaged in equal groups, never skipped, and the axis
    says so. Grey levels run from the mean of a unit (white) to the 99th percentile of what is
    drawn (black).

    Parameters
    ----------
    activity
        (bin, unit) z-scored counts; NaN (a silent unit) is drawn in pale orange. Bins in which
        every unit is NaN were not observed: they are drawn in pale blue, and the axis says so.
    bin_s
        Width of a bin in seconds.
    order
        (unit,) which unit stands in each row, from the top; as given if None.
    start_s
        When the first bin starts.
    blocks
        Stretches to mark above the raster, each kind of stimulus in its colour.
    unit_labels
        (unit,) names in the order of `activity`, written beside up to 30 rows; beyond that, and if
        None, the axis counts rows.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        `order` is not a permutation of the units, `bin_s` is not above 0, or there is not one
        label per unit.

    Examples
    --------
    >>> plot_raster(np.eye(4), bin_s=0.1).get_xlabel()
    'time (s)'
    """
    activity = _ordered(activity, bin_s, order)
    ax = axes_or_new(ax, WIDE_IN, 4.0)
    image = _draw_activity(ax, activity, bin_s, start_s, _top([activity]))
    _name_rows(ax, order, activity.shape[1], unit_labels)
    if blocks:
        _mark_blocks(ax, blocks)
    if image is not None:
        _colour_bar(image, [ax])
    return ax


@styled
def plot_raster_blocks(
    activity: np.ndarray,
    blocks: Sequence[Block],
    *,
    bin_s: float,
    order: np.ndarray | None = None,
    start_s: float = 0.0,
    unit_labels: object = None,
) -> Figure:
    """Draw the raster of each stimulus block in its own panel, all on one grey scale.

    Parameters are those of `plot_raster`; `blocks` must lie inside the activity.
    """
    activity = _ordered(activity, bin_s, order)
    require(len(blocks) > 0, "blocks is empty: give at least one block.")
    n_units = activity.shape[1]
    names_in = 0.0 if unit_labels is None or n_units > _MOST_LABELS else 0.14 * n_units + 0.5
    figure = new_figure(WIDE_IN, 0.5 + max(2.1, names_in) * len(blocks))
    panels = figure.subplots(len(blocks), 1, squeeze=False)[:, 0]
    pieces = [_piece(activity, block, bin_s, start_s) for block in blocks]
    top = _top(pieces)
    image = None
    for ax, block, piece in zip(panels, blocks, pieces, strict=True):
        image = _draw_activity(ax, piece, bin_s, block.start_s, top) or image
        _name_rows(ax, order, n_units, unit_labels)
        ax.set_title(block.name)
    if image is not None:
        _colour_bar(image, list(panels))
    return figure


@styled
def plot_spike_raster(
    spikes: SpikeTrains,
    *,
    start_s: float,
    stop_s: float,
    order: np.ndarray | None = None,
    unit_labels: object = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a tick for every spike of a stretch of time, one row per unit.

    Parameters
    ----------
    spikes
        Units without spikes keep their row.
    start_s, stop_s
        The stretch to draw, start <= time < stop.
    order
        (unit,) which unit stands in each row, from the top; as given if None.
    unit_labels
        (unit,) names in the order of `spikes`, written beside up to 30 rows; beyond that, and if
        None, the axis counts rows.
    ax
        Where to draw; a new figure if None.
    """
    require(stop_s > start_s, f"start_s={start_s}, stop_s={stop_s}: stop must be after start.")
    row_of_unit = np.argsort(_permutation(order, spikes.n_units))
    inside = (spikes.times_s >= start_s) & (spikes.times_s < stop_s)
    times_s, row = spikes.times_s[inside], row_of_unit[spikes.unit_index[inside]] + 1
    row_in = 0.06 if unit_labels is None or spikes.n_units > _MOST_LABELS else 0.14
    ax = axes_or_new(ax, WIDE_IN, float(np.clip(row_in * spikes.n_units + 1.0, 2.2, 6.0)))
    as_pixels = len(times_s) > _MOST_VECTOR_SPIKES
    ax.vlines(times_s, row - 0.4, row + 0.4, color=INK, lw=0.7, rasterized=as_pixels)
    ax.set(xlim=(start_s, stop_s), ylim=(max(spikes.n_units, 1) + 0.5, 0.5))
    ax.set_xlabel("time (s)")
    _name_rows(ax, order, spikes.n_units, unit_labels)
    ax.set_title(f"{count_noun(len(times_s), 'spike')} of {count_noun(spikes.n_units, 'unit')}")
    if not len(times_s):
        say_empty(ax, "no spike in this stretch")
    return ax


def average_groups(values: np.ndarray, axis: int, most: int) -> tuple[np.ndarray, int]:
    """Average neighbours along an axis so that at most `most` remain; NaN counts for nothing.

    Returns the averages, the last of which may be of fewer values, and how many were averaged.

    >>> average_groups(np.array([1.0, 3.0, 5.0]), 0, 2)
    (array([2., 5.]), 2)
    """
    size = -(-values.shape[axis] // most)
    if size <= 1:
        return values, 1
    edges = np.arange(0, values.shape[axis], size)
    finite = np.isfinite(values)
    totals = np.add.reduceat(np.where(finite, values, 0.0), edges, axis=axis)
    counts = np.add.reduceat(finite.astype(np.int64), edges, axis=axis)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan), size


def _ordered(activity: np.ndarray, bin_s: float, order: np.ndarray | None) -> np.ndarray:
    activity = as_array("activity", activity, ("bin", "unit"), float)
    require(bin_s > 0, f"bin_s={bin_s}: it must be above 0.")
    return activity[:, _permutation(order, activity.shape[1])]


def _permutation(order: np.ndarray | None, n_units: int) -> np.ndarray:
    if order is None:
        return np.arange(n_units)
    order = as_vector("order", order, np.int64)
    require(
        np.array_equal(np.sort(order), np.arange(n_units)),
        f"order must hold each of the {n_units} units once, as 0..{n_units - 1}.",
    )
    return order


def _reduced(activity: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return (unit, bin) small enough to draw, and how many bins and units make a pixel."""
    image, n_bins = average_groups(activity.T, 1, _MOST_COLUMNS)
    image, n_units = average_groups(image, 0, _MOST_ROWS)
    return image, n_bins, n_units


def _piece(activity: np.ndarray, block: Block, bin_s: float, start_s: float) -> np.ndarray:
    first, last = (round((t - start_s) / bin_s) for t in (block.start_s, block.stop_s))
    require(
        0 <= first < last <= len(activity),
        f"block {block.name!r} runs from {block.start_s} to {block.stop_s} s: it must lie "
        f"inside the activity, {start_s} to {start_s + len(activity) * bin_s} s.",
    )
    return activity[first:last]


def _top(pieces: Sequence[np.ndarray]) -> float:
    """Return the activity to draw in black: the 99th percentile of all pixels of all pieces."""
    pixels = np.concatenate([_reduced(piece)[0].ravel() for piece in pieces])
    finite = pixels[np.isfinite(pixels)]
    top = float(np.percentile(finite, 99)) if finite.size else 1.0
    return top if top > 0 else 1.0


def _draw_activity(
    ax: Axes, activity: np.ndarray, bin_s: float, start_s: float, top: float
) -> AxesImage | None:
    image, n_bins, n_units = _reduced(activity)
    box_axes(ax)
    notes = [f"{n_bins * bin_s:.3g} s per pixel"] if n_bins > 1 else []
    notes += [f"{n_units} units per pixel"] if n_units > 1 else []
    seen = np.isfinite(image).any(axis=0)
    unobserved = ~seen if seen.any() else np.zeros(len(seen), dtype=bool)
    notes += ["pale blue: not observed"] if unobserved.any() else []
    ax.set_xlabel("; ".join(["time (s)", *notes]))
    stop_s = start_s + max(len(activity), 1) * bin_s
    ax.set_xlim(start_s, stop_s)
    if not image.size:
        say_empty(ax, "no activity")
        return None
    place = {
        "aspect": "auto",
        "extent": (start_s, stop_s, activity.shape[1] + 0.5, 0.5),
        "interpolation": "antialiased",
    }
    drawn = ax.imshow(image, cmap=_GREYS, vmin=0.0, vmax=top, **place)
    if unobserved.any():
        cover = np.zeros((1, len(unobserved), 4))
        cover[0, unobserved] = to_rgba(_UNOBSERVED)
        ax.imshow(cover, **place)
    return drawn


def _name_rows(ax: Axes, order: np.ndarray | None, n_units: int, unit_labels: object) -> None:
    """Write the name of each unit beside its row where there is room, or count rows."""
    ax.set_ylabel(unit_axis_label(n_units, is_sorted=order is not None))
    integer_ticks(ax.yaxis)
    if unit_labels is None:
        return
    labels = as_vector("unit_labels", unit_labels)
    require(
        len(labels) == n_units, f"unit_labels has {len(labels)} rows: there are {n_units} units."
    )
    if 0 < n_units <= _MOST_LABELS:
        names = [str(labels[unit]) for unit in _permutation(order, n_units)]
        ax.set_yticks(np.arange(1, n_units + 1), names, fontsize=7.0)


def _colour_bar(image: AxesImage, panels: list[Axes]) -> None:
    n = len(panels)  # a bar along many panels keeps the width and the tips of one along a single
    bar = image.axes.figure.colorbar(
        image,
        ax=panels,
        extend="both",
        extendfrac=0.05 / n,
        fraction=0.03,
        pad=0.015,
        aspect=20 * n,
    )
    bar.set_label("activity (z-score)")
    bar.outline.set_linewidth(0.5)


def _mark_blocks(ax: Axes, blocks: Sequence[Block]) -> None:
    colours = colours_of([block.name for block in blocks])
    strip = ax.get_xaxis_transform()
    left, right = ax.get_xlim()
    for block in blocks:
        start_s, stop_s = np.clip((block.start_s, block.stop_s), left, right)
        bar = Rectangle((start_s, 1.01), stop_s - start_s, 0.035, color=colours[block.name], lw=0)
        bar.set(transform=strip, clip_on=False)
        ax.add_artist(bar)
        if left < block.start_s < right:
            ax.axvline(block.start_s, color=GREY, lw=0.6, ls=":")
    ax.legend(
        handles=[Patch(color=colour, label=name) for name, colour in colours.items()],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.05),
        ncols=min(4, len(colours)),
        borderaxespad=0.2,
        handlelength=1.0,
    )
