"""The weights of trained networks: before and after training, and from one unit to the next."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    ORANGE,
    SIGNED_MAP,
    box_axes,
    integer_ticks,
    new_figure,
    say_empty,
    styled,
    unit_axis_label,
)

EAR_COLOURS = (BLUE, ORANGE)
"""Of what comes from the left, and from the right."""

_MOST_PANELS = 12
_COLUMNS = 3
_CLIPPED_PERCENT = 99.5  # of magnitudes within the scale, so that a few large ones hide no others


@styled
def plot_weight_maps(
    before: np.ndarray,
    after: np.ndarray,
    groups: Sequence[tuple[str, int]],
    *,
    order: np.ndarray | None = None,
) -> Figure:
    """Draw all weights of a matrix before and after training: blue inhibits, red excites.

    Both are on one scale, which holds 99.5 % of the weights; the pointed ends of the colour bar
    stand for the others. Give the signs of the weights to see nothing but these.

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
    limit = _scale_of(before, after)
    figure = new_figure(NARROW_IN, 3.9)
    panels = figure.subplots(1, 2, sharey=True)
    for ax, weights, when in zip(panels, (before, after), ("before", "after"), strict=True):
        image = _draw_map(ax, weights[:, order], limit, f"{when} training")
        ax.set_xlabel(unit_axis_label(n_to, is_sorted=is_sorted))
        for end in ends[:-1]:
            ax.axhline(end + 0.5, color=INK, lw=1.0)
    middles = (np.array([0, *ends[:-1]]) + ends + 1) / 2
    panels[0].set_yticks(middles, [name for name, _ in groups], rotation=90, va="center")
    panels[0].tick_params(axis="y", length=0)
    panels[1].tick_params(axis="y", length=0)
    bar = figure.colorbar(image, ax=list(panels), extend="both", shrink=0.8, pad=0.03)
    bar.set_label("weight (below 0: inhibits)", fontsize=8)
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
    together: the net effect of fibres of this lag.

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
    units = list(range(min(n_to, _MOST_PANELS))) if units is None else list(units)
    require(
        len(units) <= _MOST_PANELS and all(0 <= unit < n_to for unit in units),
        f"units={units}: give at most {_MOST_PANELS} of 0..{n_to - 1}.",
    )
    n_rows = -(-len(units) // _COLUMNS) or 1
    figure = new_figure(NARROW_IN, 1.15 * n_rows + 0.8)
    if not units:
        say_empty(figure.add_subplot(), "no unit")
        return figure
    panels = figure.subplots(n_rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    ascending = np.argsort(lags_deg)
    by_ear = weights.reshape(2, len(lags_deg), n_to)[:, ascending]
    n_near = len(lags_deg) // 10 | 1
    for ax, unit in zip(panels, units, strict=False):
        ax.axhline(0.0, color=GREY, lw=0.6)
        for ear, values, colour in zip(ears, by_ear[..., unit], EAR_COLOURS, strict=True):
            ax.plot(lags_deg[ascending], values, ".", ms=2, mew=0, color=colour, alpha=0.6)
            ax.plot(lags_deg[ascending], _near_means(values, n_near), color=colour, label=ear)
        ax.set_title(f"unit {unit}", fontsize=8, pad=2)
    _finish_grid(figure, panels, len(units))
    figure.supxlabel("lag of the fibre (deg)", fontsize=9)
    figure.supylabel("weight", fontsize=9)
    head = f"line: mean of {n_near} fibres" if n_near > 1 else None
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, title=head,
        title_fontsize=8, alignment="left",
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
        ax.set(xlabel="mode", title=name)
        ax.set_ylim(bottom=0)
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


def _draw_map(ax: Axes, weights: np.ndarray, limit: float, title: str) -> AxesImage:
    box_axes(ax)
    n_from, n_to = weights.shape
    image = ax.imshow(
        weights,
        cmap=SIGNED_MAP,
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        extent=(0.5, n_to + 0.5, n_from + 0.5, 0.5),
    )
    ax.set_title(title)
    integer_ticks(ax.xaxis)
    return image


def _scale_of(before: np.ndarray, after: np.ndarray) -> float:
    sizes = np.abs(np.concatenate([before.ravel(), after.ravel()]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    return float(np.percentile(sizes, _CLIPPED_PERCENT)) if sizes.size else 1.0


def _near_means(values: np.ndarray, n_near: int) -> np.ndarray:
    """Return the mean of each value and its neighbours, of which there are fewer at the ends."""
    window = np.ones(n_near)
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")


def _finish_grid(figure: Figure, panels: np.ndarray, n_used: int) -> None:
    """Take away panels without a unit, and write the ticks of those that are above one."""
    for index, ax in enumerate(panels):
        ax.set_visible(index < n_used)
        ax.locator_params(nbins=4)
        if index < n_used <= index + _COLUMNS:
            ax.tick_params(labelbottom=True)
