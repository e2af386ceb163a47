"""Maps of receptive fields, and the images that were shown."""

from collections.abc import Mapping
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    GREY,
    INK,
    NARROW_IN,
    SIGNED_MAP,
    WIDE_IN,
    hide_axes,
    new_figure,
    say_empty,
    styled,
    symmetric_limit,
)

_MOST_COLUMNS = 8


@styled
def plot_receptive_fields(
    maps: np.ndarray,
    unit_labels: object,
    *,
    extent_deg: tuple[float, float] | None = None,
    truth: np.ndarray | None = None,
    significant: np.ndarray | None = None,
    scores: np.ndarray | Mapping[str, np.ndarray] | None = None,
    most: int = 24,
) -> Figure:
    """Draw receptive fields as a grid, the best first, each map on its own scale about zero.

    Each map is divided by its largest magnitude, so that shapes can be compared and sizes cannot:
    the colour bar reads "fraction of the map's largest weight".

    Parameters
    ----------
    maps
        (unit, y, x) weights; row 0 is the top. A map of NaN is drawn as undefined.
    unit_labels
        (unit,) what to call each.
    extent_deg
        Height and width of the map in degrees, told under the grid.
    truth
        (unit, y, x) the true fields, drawn to the left of the estimates.
    significant
        (unit,) bool, marked by a star; or (unit, y, x) bool, whose pixels are outlined.
    scores
        (unit,) written above each map; units are drawn from the highest down, NaN last. Given as
        ``{label: scores}``, the figure says what the number is.
    most
        How many units to draw at most; if there are more, the figure says so.

    Raises
    ------
    InvalidInputError
        The arrays do not have one row per unit, or `scores` holds more than one label.

    Examples
    --------
    >>> figure = plot_receptive_fields(np.ones((2, 5, 5)), ["a", "b"], scores=[0.1, 0.9])
    >>> [ax.get_title("left") for ax in figure.axes[:2]]
    ['b  0.90', 'a  0.10']
    """
    maps = as_array("maps", maps, ("unit", "y", "x"), float)
    labels = as_vector("unit_labels", unit_labels)
    significant = _marks(significant, maps.shape)
    truth = None if truth is None else as_array("truth", truth, ("unit", "y", "x"), float)
    score_label, scores = _labelled(scores)
    _require_rows(len(maps), unit_labels=labels, truth=truth, scores=scores)
    rank = np.zeros(len(maps)) if scores is None else np.nan_to_num(scores, nan=-np.inf)
    order = np.argsort(-rank, kind="stable")[:most]
    pairs = 1 if truth is None else 2
    figure, panels = _grid(len(order) * pairs, maps.shape[1:], multiple=pairs, below_in=0.85)
    for i, unit in enumerate(order):
        title = str(labels[unit]) if truth is None else "estimate"
        title += "" if scores is None else f"  {_score(scores[unit])}"
        if significant is not None and significant.ndim == 1 and significant[unit]:
            title += " *"
        if truth is not None:
            draw_map(panels[pairs * i], truth[unit], title=f"{labels[unit]}, true")
        ax = panels[pairs * (i + 1) - 1]
        draw_map(ax, maps[unit], title=title)
        if significant is not None and significant.ndim == 3:
            _outline(ax, significant[unit])
    if not len(order):
        say_empty(panels[0], "no unit")
    else:
        _explain(figure, panels, extent_deg)
        _tell(figure, (len(order), len(maps)), score_label, significant)
    return figure


@styled
def plot_example_images(
    pixels: np.ndarray, *, labels: object = None, extent_deg: tuple[float, float] | None = None
) -> Figure:
    """Draw grey images in a row or a grid, all on one scale from black to white.

    Parameters
    ----------
    pixels
        (image, y, x) grey values.
    labels
        (image,) what to write above each, or None.
    extent_deg
        Height and width of an image in degrees, told under the grid.
    """
    pixels = as_array("pixels", pixels, ("image", "y", "x"), float)
    labels = [""] * len(pixels) if labels is None else [str(x) for x in as_vector("labels", labels)]
    require(len(labels) == len(pixels), f"{len(labels)} labels for {len(pixels)} images.")
    figure, panels = _grid(
        len(pixels), pixels.shape[1:], below_in=0.0 if extent_deg is None else 0.2
    )
    for ax, image, label in zip(panels, pixels, labels, strict=False):
        draw_image(ax, image, scale=pixels)
        ax.set_title(label, fontsize=8, pad=2)
    if not len(pixels):
        say_empty(panels[0], "no image")
    elif extent_deg is not None:
        figure.supxlabel(_extent_words("image", extent_deg), fontsize=8, color=GREY)
    return figure


def draw_map(ax: Axes, weights: np.ndarray, *, title: str = "") -> None:
    """Draw one map divided by its largest magnitude, white at zero."""
    hide_axes(ax)
    ax.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    ax.set_title(title, fontsize=7.5, pad=2)
    if not np.isfinite(weights).any():
        ax.set(box_aspect=weights.shape[0] / weights.shape[1])
        say_empty(ax, "undefined")
        return
    ax.imshow(weights / symmetric_limit(weights), cmap=SIGNED_MAP, vmin=-1, vmax=1)


def draw_image(ax: Axes, image: np.ndarray, *, scale: np.ndarray) -> None:
    """Draw one grey image, black and white standing for the extremes of `scale`."""
    hide_axes(ax)
    finite = scale[np.isfinite(scale)]
    ax.imshow(image, cmap="gray", vmin=finite.min(initial=np.inf), vmax=finite.max(initial=-np.inf))


def _require_rows(n_maps: int, **columns: np.ndarray | None) -> None:
    for name, rows in columns.items():
        if rows is not None:
            require(len(rows) == n_maps, f"{name} has {len(rows)} rows: there are {n_maps} maps.")


def _marks(significant: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    if significant is None:
        return None
    significant = np.asarray(significant, dtype=bool)
    require(
        significant.shape in {shape[:1], shape},
        f"significant has shape {significant.shape}: it must be {shape[:1]} or {shape}.",
    )
    return significant


def _grid(
    n_panels: int, shape: tuple[int, ...], *, multiple: int = 1, below_in: float
) -> tuple[Figure, list[Axes]]:
    """Return a figure with at least `n_panels` axes in rows of a multiple, the spare ones off."""
    n_columns = max(1, min(_MOST_COLUMNS, n_panels))
    n_columns = -(-n_columns // multiple) * multiple
    n_rows = max(1, -(-n_panels // n_columns))
    width_in = min(WIDE_IN, max(NARROW_IN, n_columns * 1.15))
    cell_in = min(1.6, width_in / n_columns)
    figure = new_figure(
        width_in, n_rows * (cell_in * shape[0] / max(shape[1], 1) + 0.24) + below_in
    )
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for ax in panels[n_panels:]:
        ax.set_axis_off()
    return figure, panels


def _tell(
    figure: Figure, drawn_of: tuple[int, int], score_label: str, significant: np.ndarray | None
) -> None:
    """Write over the grid how many units are drawn, and what the marks on them are."""
    n_drawn, n_units = drawn_of
    words = [f"{n_drawn:,} of {n_units:,} units"] if n_drawn < n_units else []
    words += [f"number: {score_label}, highest first"] if score_label else []
    if significant is not None:
        starred = significant.ndim == 1
        words.append("*: significant unit" if starred else "outlined: significant pixels")
    if words:
        n_letters = int(15 * figure.get_size_inches()[0])
        figure.suptitle(fill("; ".join(words), n_letters), x=0.01, ha="left", fontsize=8)


def _labelled(
    scores: np.ndarray | Mapping[str, np.ndarray] | None,
) -> tuple[str, np.ndarray | None]:
    if not isinstance(scores, Mapping):
        return "", None if scores is None else as_vector("scores", scores, float)
    require(len(scores) == 1, f"scores holds {sorted(scores)}: give one label with its scores.")
    ((label, values),) = scores.items()
    return label, as_vector("scores", values, float)


def _explain(figure: Figure, panels: list[Axes], extent_deg: tuple[float, float] | None) -> None:
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(-1, 1), SIGNED_MAP)
    bar = figure.colorbar(
        scale, ax=panels, location="bottom", shrink=0.4, aspect=30, pad=0.02, ticks=[-1, 0, 1]
    )
    words = "" if extent_deg is None else f"; {_extent_words('map', extent_deg)}"
    bar.set_label(f"fraction of the map's largest weight{words}", fontsize=8)
    bar.outline.set_linewidth(0.5)


def _extent_words(noun: str, extent_deg: tuple[float, float]) -> str:
    height_deg, width_deg = extent_deg
    return f"each {noun} is {width_deg:g} x {height_deg:g} deg"


def _outline(ax: Axes, mask: np.ndarray) -> None:
    if mask.any() and not mask.all():
        ax.contour(mask.astype(float), levels=[0.5], colors=INK, linewidths=0.8)


def _score(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")
