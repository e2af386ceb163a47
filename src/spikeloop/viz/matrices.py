"""Correlations between units, as heat maps."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    NARROW_IN,
    PALE,
    SIGNED_MAP,
    WIDE_IN,
    axes_or_new,
    box_axes,
    integer_ticks,
    new_figure,
    say_empty,
    styled,
    unit_axis_label,
)


@styled
def plot_correlation_matrix(
    correlations: np.ndarray,
    *,
    order: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the correlations of all pairs of units, on a scale from -1 to 1.

    Estimates from different repeats are not clipped, so a few may lie beyond the scale: the
    pointed ends of the colour bar stand for them. NaN is grey, and counted in the title.

    Parameters
    ----------
    correlations
        (unit, unit).
    order
        (unit,) which unit stands in each row and column; as given if None.
    title
        Which correlation this is.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        The matrix is not square, or `order` is not a permutation of its rows.

    Examples
    --------
    >>> plot_correlation_matrix(np.eye(3), title="signal").get_title("left")
    'signal'
    """
    ax = axes_or_new(ax, NARROW_IN, 4.2)
    image = _draw(ax, correlations, order, title)
    _colour_bar(image, [ax])
    return ax


@styled
def plot_signal_and_noise(
    signal: np.ndarray, noise: np.ndarray, *, order: np.ndarray | None = None
) -> Figure:
    """Draw signal and noise correlations side by side in the same order of units.

    Parameters
    ----------
    signal, noise
        (unit, unit) correlations of the mean responses, and of the deviations from them.
    order
        (unit,) which unit stands in each row and column; as given if None.
    """
    figure = new_figure(WIDE_IN, 3.9)
    panels = figure.subplots(1, 2)
    _draw(panels[0], signal, order, "signal correlation")
    image = _draw(panels[1], noise, order, "noise correlation")
    _colour_bar(image, list(panels))
    return figure


def _draw(ax: Axes, correlations: np.ndarray, order: np.ndarray | None, title: str) -> AxesImage:
    correlations = as_array("correlations", correlations, ("unit", "unit"), float)
    n_units = len(correlations)
    require(
        correlations.shape == (n_units, n_units),
        f"correlations has shape {correlations.shape}: it must be square, (unit, unit).",
    )
    is_sorted = order is not None
    order = np.arange(n_units) if order is None else as_vector("order", order, np.int64)
    require(
        np.array_equal(np.sort(order), np.arange(n_units)),
        f"order must hold each of the {n_units} units once, as 0..{n_units - 1}.",
    )
    undefined = int(np.isnan(correlations[np.triu_indices(n_units, 1)]).sum())
    box_axes(ax)
    ax.set_facecolor(PALE)
    edges = (0.5, max(n_units, 1) + 0.5)
    image = ax.imshow(
        np.ma.masked_invalid(correlations[np.ix_(order, order)])
        if n_units
        else np.full((1, 1), np.nan),
        cmap=SIGNED_MAP,
        vmin=-1,
        vmax=1,
        extent=(*edges, *edges[::-1]),
    )
    name = unit_axis_label(n_units, is_sorted=is_sorted)
    ax.set(xlabel=name, ylabel=name)
    ax.set_title(f"{title} ({undefined:,} pairs undefined)" if undefined else title)
    for axis in (ax.xaxis, ax.yaxis):
        integer_ticks(axis)
    if not n_units:
        say_empty(ax, "no unit")
    return image


def _colour_bar(image: AxesImage, panels: list[Axes]) -> None:
    bar = image.axes.figure.colorbar(
        image, ax=panels, extend="both", shrink=0.8, pad=0.02, ticks=[-1, -0.5, 0, 0.5, 1]
    )
    bar.set_label("correlation")
    bar.outline.set_linewidth(0.5)
