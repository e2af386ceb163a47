"""The weights of trained networks: before and after training, and from one unit to the next."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    ORANGE,
    box_axes,
    integer_ticks,
    new_figure,
    say_empty,
    styled,
    unit_axis_label,
)

EAR_COLOURS = (BLUE, ORANGE)
"""Of what comes from the left, and from the right."""
SYNAPSE_MAP = "RdBu"
"""Red inhibits, as in rasters, and blue excites; told apart by the colour-blind, as red and black
are not. Maps of what is not a synapse, such as receptive fields, have red above zero."""

_MOST_PANELS = 12
_MOST_COLUMNS = 3
_NEAR_SHARE = 0.15  # of the fibres of an ear, over which weights are averaged
_DEGREE_STEPS = (1, 1.5, 3, 4.5, 9, 10)
_CLIPPED_PERCENT = 99.5  # of magnitudes within the scale, so that a few large ones hide no others


@styled
def plot_weight_maps(
    before: np.ndarray,
    after: np.ndarray,
    groups: Sequence[tuple[str, int]],
    *,
    order: np.ndarray | None = None,
) -> Figure:
    """Draw all weights of a matrix before and after training: red inhibits, blue excites.

    Both are on one scale, which holds 99.5 % of the weights; the pointed ends of the colour bar
    stand for the others. Give the signs of the weights to see nothing but these. Where units that
    excite and that inhibit alternate, sort the rows, and name both kinds in the groups.

    Parameters
    ----------
    before, after
        (from, to) weights.
    groups
        Name and size of each group of units that the weights come from, in the order of the rows.
    order
        (to,) which unit stands in each column; as given if None.

    Raises
    ------
    InvalidInputError
        The matrices differ in shape, the groups do not make up their rows, or `order` is not a
        permutation of their columns.

    Examples
    --------
    >>> figure = plot_weight_maps(np.eye(4, 3), -np.eye(4, 3), [("left ear", 2), ("right ear", 2)])
    >>> [ax.get_title("left") for ax in figure.axes[:2]]
    ['before training', 'after training']
    """
    before = as_array("before", before, ("from", "to"), float)
    after = as_array("after", after, ("from", "to"), float)
    require(
        before.shape == after.shape,
        f"before has shape {before.shape}, after {after.shape}: give the same weights.",
    )
    n_from, n_to = after.shape
    ends = group_ends(groups, n_from, "rows of the weights")
    is_sorted = order is not None
    order = np.arange(n_to) if order is None else as_vector("order", order, np.int64)
    require(
        np.array_equal(np.sort(order), np.arange(n_to)),
        f"order must hold each of the {n_to} units once, as 0..{n_to - 1}.",
    )
    figure = new_figure(NARROW_IN, 3.9)
    if not n_to:
        say_empty(figure.add_subplot(), "no unit")
        return figure
    limit = _scale_of(before, after)
    panels = figure.subplots(1, 2, sharey=True)
    for ax, weights, when in zip(panels, (before, after), ("before", "after"), strict=True):
        image = _draw_map(ax, weights[:, order], limit, first=int(is_sorted))
        ax.set_title(f"{when} training")
        ax.set_xlabel(f"to {unit_axis_label(n_to, is_sorted=is_sorted)}")
        _part_groups(ax, groups, ends)
    panels[0].set_ylabel("from")
    is_cut = max(np.abs(before).max(initial=0), np.abs(after).max(initial=0)) > limit
    extend = "both" if is_cut else "neither"
    bar = figure.colorbar(image, ax=list(panels), extend=extend, shrink=0.8, pad=0.03)
    bar.set_label("weight (red inhibits, blue excites)", fontsize=8)
    bar.outline.set_linewidth(0.5)
    return figure


@styled
def plot_weights_by_lag(
    weights: np.ndarray,
    lags_deg: np.ndarray,
    *,
    units: Sequence[int] | None = None,
    ears: tuple[str, str] = ("left ear", "right ear"),
) -> Figure:
    """Draw the weights to some units, each against the lag of the fibre that it comes from.

    Dots are weights. Lines are means over neighbouring fibres, of excitation and inhibition
    together: the net effect of fibres near this lag.

    Parameters
    ----------
    weights
        (from, to): from all fibres of the first ear, then from those of the second.
    lags_deg
        (fibre,) by how much the fibres of an ear differ in phase.
    units
        Columns of the weights, at most 12; the first 12 if None.
    ears
        What the ears are called.

    Raises
    ------
    InvalidInputError
        There are not two rows for each lag, or units that do not exist or are too many.

    Examples
    --------
    >>> figure = plot_weights_by_lag(np.ones((6, 2)), np.array([0.0, 45.0, 90.0]))
    >>> [ax.get_title("left") for ax in figure.axes]
    ['unit 0', 'unit 1']
    """
    weights = as_array("weights", weights, ("from", "to"), float)
    lags_deg = as_vector("lags_deg", lags_deg, float)
    n_from, n_to = weights.shape
    require(
        n_from == 2 * len(lags_deg) > 0,
        f"weights has {n_from} rows: {len(lags_deg)} lags want {2 * len(lags_deg)}, at least 2.",
    )
    units = range(min(n_to, _MOST_PANELS)) if units is None else units
    units = checked_units(units, n_to, _MOST_PANELS)
    n_columns = 2 if len(units) in (2, 4) else _MOST_COLUMNS
    n_rows = -(-len(units) // n_columns) or 1
    figure = new_figure(NARROW_IN, 1.15 * n_rows + 0.8)
    if not units:
        say_empty(figure.add_subplot(), "no unit")
        return figure
    panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
    by_ear = weights.reshape(2, len(lags_deg), n_to)
    for ax, unit in zip(panels, units, strict=False):
        _draw_ears(ax, lags_deg, dict(zip(ears, by_ear[..., unit], strict=True)))
        ax.set_title(f"unit {unit}", fontsize=8, pad=2)
    for index, ax in enumerate(panels):
        ax.set_visible(index < len(units))
        # The lowest panel of each column writes the lags.
        ax.tick_params(labelbottom=index + n_columns >= len(units))
    panels[0].xaxis.set_major_locator(MaxNLocator(4, steps=_DEGREE_STEPS))
    panels[0].yaxis.set_major_locator(MaxNLocator(4))
    figure.supxlabel("lag of the fibre (deg)", fontsize=9)
    figure.supylabel("weight", fontsize=9)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2,
        title="dots: single weights, lines: local means", title_fontsize=8, alignment="left",
    )  # fmt: skip
    return figure


@styled
def plot_singular_values(spectra: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw the singular values of matrices of weights before and after training.

    Parameters
    ----------
    spectra
        Name of the weights -> (mode,) singular values before and after training, descending.

    Raises
    ------
    InvalidInputError
        There are not as many after training as before.

    Examples
    --------
    >>> figure = plot_singular_values({"hidden": ([2.0, 1.0], [3.0, 0.5])})
    >>> figure.axes[0].get_xlabel()
    'mode'
    """
    n_columns = min(max(len(spectra), 1), 2)
    n_rows = -(-len(spectra) // n_columns) or 1
    figure = new_figure(NARROW_IN, 2.2 * n_rows + 0.4)
    if not spectra:
        say_empty(figure.add_subplot(), "no weights")
        return figure
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax, (name, pair) in zip(panels, spectra.items(), strict=False):
        before, after = (as_vector(f"singular values of {name}", one, float) for one in pair)
        require(
            len(before) == len(after),
            f"{name} has {len(before)} singular values before training, {len(after)} after.",
        )
        mode = np.arange(1, len(after) + 1)
        ax.plot(mode, before, ".-", ms=4, color=GREY, label="before training")
        ax.plot(mode, after, ".-", ms=4, color=BLUE, label="after training")
        ax.set(xlabel="mode", title=name, xlim=(0.5, len(mode) + 0.5))
        ax.set_ylim(bottom=0)
        ax.locator_params(axis="y", nbins=5)
        integer_ticks(ax.xaxis)
    for ax in panels[len(spectra) :]:
        ax.set_visible(False)
    for ax in panels[::n_columns]:
        ax.set_ylabel("singular value")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", ncols=2)
    return figure


def group_ends(groups: Sequence[tuple[str, int]], n: int, what: str) -> np.ndarray:
    """Return where each group stops, or say that they do not make up what they should."""
    sizes = [size for _, size in groups]
    require(
        len(sizes) > 0 and min(sizes) > 0 and sum(sizes) == n,
        f"groups have sizes {sizes}: they must be above 0 and add up to the {n} {what}.",
    )
    return np.cumsum(sizes)


def checked_units(units: Sequence[int], n_units: int, most: int) -> list[int]:
    """Return which units to draw, or say that some do not exist or that they are too many."""
    units = list(units)
    require(
        len(units) <= most and all(0 <= unit < n_units for unit in units),
        f"units={units}: give at most {most} of 0..{n_units - 1}.",
    )
    return units


def _draw_map(ax: Axes, weights: np.ndarray, limit: float, first: int) -> AxesImage:
    """Draw weights, the first column at `first`."""
    box_axes(ax)
    n_from, n_to = weights.shape
    image = ax.imshow(
        weights,
        cmap=SYNAPSE_MAP,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        extent=(first - 0.5, first + n_to - 0.5, n_from, 0),
    )
    integer_ticks(ax.xaxis)
    return image


def _part_groups(ax: Axes, groups: Sequence[tuple[str, int]], ends: np.ndarray) -> None:
    for end in ends[:-1]:
        ax.axhline(end, color=INK, lw=1.0)
    middles = (np.array([0, *ends[:-1]]) + ends) / 2
    ax.set_yticks(middles, [name for name, _ in groups], rotation=90, va="center")
    ax.tick_params(axis="y", length=0)


def _scale_of(before: np.ndarray, after: np.ndarray) -> float:
    sizes = np.abs(np.concatenate([before.ravel(), after.ravel()]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return float(np.percentile(sizes, _CLIPPED_PERCENT)) if sizes.size else 1.0


def _draw_ears(ax: Axes, lags_deg: np.ndarray, weights: Mapping[str, np.ndarray]) -> None:
    ax.axhline(0.0, color=GREY, lw=0.6)
    ascending = np.argsort(lags_deg)
    for (ear, values), colour in zip(weights.items(), EAR_COLOURS, strict=True):
        values = values[ascending]
        ax.plot(lags_deg[ascending], values, ".", ms=2.6, mew=0, color=colour, alpha=0.6)
        ax.plot(lags_deg[ascending], _near_means(values), color=colour, label=ear)


def _near_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each value and its neighbours, of which there are fewer at the ends.

    Neighbours count less the farther they are: where excitation and inhibition alternate, a mean in
    which all count the same goes up and down with whichever has one fibre more.
    """
    n_aside = int(_NEAR_SHARE * len(values) / 2)
    window = np.hanning(2 * n_aside + 3)[1:-1]
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")
