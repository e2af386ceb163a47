"""What models have learned of units, and what they predict of single images."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.receptive_fields import draw_image
from spikeloop.viz.style import (
    BLUE,
    GREY,
    NARROW_IN,
    SIGNED_MAP,
    WIDE_IN,
    box_axes,
    hide_axes,
    new_figure,
    say_empty,
    styled,
    symmetric_limit,
)
from spikeloop.viz.tables import format_column

_BANK_COLUMNS = 4


@dataclass(frozen=True, eq=False)
class PredictedImages:
    """Test images, and what units answered to them and were predicted to answer."""

    pixels: np.ndarray
    """(image, y, x)."""
    measured: np.ndarray
    """(image, unit) mean counts."""
    predicted: np.ndarray
    """(image, unit) expected counts."""

    def __post_init__(self) -> None:
        pixels = as_array("pixels", self.pixels, ("image", "y", "x"), float)
        measured = as_array("measured", self.measured, ("image", "unit"), float)
        require(
            measured.shape == np.shape(self.predicted) and len(measured) == len(pixels),
            f"{len(pixels)} images, measured {measured.shape}, predicted "
            f"{np.shape(self.predicted)}: the last two must be (image, unit).",
        )


@styled
def plot_predicted_images(
    shown: PredictedImages, units: Sequence[int], unit_labels: Sequence[str], *, n_images: int = 4
) -> Figure:
    """Draw units in rows: predicted against measured, and the images that drive them most.

    The images in the middle are those predicted to be answered most, from the highest; those on the
    right were answered most. A good model has some in both.

    Parameters
    ----------
    shown
        Images, measured and predicted counts.
    units
        Columns of the counts to draw, one in each row.
    unit_labels
        What to call each row.
    n_images
        How many images of each kind.
    """
    require(len(units) == len(unit_labels), f"{len(units)} units, {len(unit_labels)} labels.")
    figure = new_figure(WIDE_IN, 1.7 * max(len(units), 1) + 0.4)
    if not len(units):
        say_empty(figure.add_subplot(), "no unit")
        return figure
    n_images = min(n_images, len(shown.pixels))
    widths = [2.0, *[1.0] * n_images, 0.15, *[1.0] * n_images]
    rows = figure.subplots(len(units), len(widths), squeeze=False, width_ratios=widths)
    titled: list[tuple[Axes, float]] = []
    for row, unit, label in zip(rows, units, unit_labels, strict=True):
        _scatter(row[0], shown.measured[:, unit], shown.predicted[:, unit], label)
        row[n_images + 1].set_axis_off()
        for counts, panels in (
            (shown.predicted[:, unit], row[1 : n_images + 1]),
            (shown.measured[:, unit], row[n_images + 2 :]),
        ):
            highest = np.argsort(-counts, kind="stable")
            for ax, image in zip(panels, highest, strict=False):
                draw_image(ax, shown.pixels[image], scale=shown.pixels)
                titled.append((ax, float(counts[image])))
    words = format_column([count for _, count in titled])
    for (ax, _), count in zip(titled, words, strict=True):
        ax.set_title(count, fontsize=7, pad=2)
    for column, words in ((1, "predicted highest"), (n_images + 2, "measured highest")):
        _write_above(rows[0, column], words)
    return figure


@styled
def plot_bank_weights(
    by_filter: np.ndarray,
    by_place: np.ndarray,
    unit_labels: Sequence[str],
    *,
    wavelengths_px: Sequence[float],
) -> Figure:
    """Draw which filters of a bank drive each unit, and where they stand.

    Parameters
    ----------
    by_filter
        (unit, scale, orientation) weights summed over places, signed.
    by_place
        (unit, y, x) strength of the weights at each place, 0 or more.
    unit_labels
        (unit,) what to call each.
    wavelengths_px
        (scale,) wavelength of the filters in pixels.

    Raises
    ------
    InvalidInputError
        The arrays do not have a row for each unit, or a wavelength for each scale.
    """
    by_filter = as_array("by_filter", by_filter, ("unit", "scale", "orientation"), float)
    by_place = as_array("by_place", by_place, ("unit", "y", "x"), float)
    wavelengths_px = as_vector("wavelengths_px", wavelengths_px, float)
    n_units = len(unit_labels)
    require(
        len(by_filter) == len(by_place) == n_units,
        f"{len(by_filter)}, {len(by_place)} rows: there are {n_units} units.",
    )
    require(
        by_filter.shape[1] == len(wavelengths_px),
        f"by_filter has {by_filter.shape[1]} scales: there are {len(wavelengths_px)} wavelengths.",
    )
    if not n_units:
        figure = new_figure(NARROW_IN, 2.0)
        say_empty(figure.add_subplot(), "no unit")
        return figure
    n_columns = min(_BANK_COLUMNS, n_units)
    figure, panels = _bank_grid(n_columns, -(-n_units // n_columns))
    pairs = panels.reshape(-1, 2)
    for i, (tuning, places) in enumerate(pairs[:n_units]):
        _draw_weights(tuning, by_filter[i], wavelengths_px)
        tuning.set_title(str(unit_labels[i]), fontsize=8, pad=3)
        tuning.tick_params(labelleft=i % n_columns == 0, labelbottom=i + n_columns >= n_units)
        if i + n_columns >= n_units:
            tuning.set_xlabel("direction (deg)", fontsize=7)
        hide_axes(places)
        places.spines[:].set(visible=True, color=GREY, linewidth=0.5)
        places.imshow(by_place[i] / symmetric_limit(by_place[i]), cmap="Greys", vmin=0.0, vmax=1.0)
    for ax in pairs[n_units:].flat:
        ax.set_axis_off()
    _add_bars(figure, panels)
    return figure


def _bank_grid(n_columns: int, n_rows: int) -> tuple[Figure, np.ndarray]:
    """Return a figure and its axes (row, column): for each unit one of filters, one of places."""
    row_in = 1.4 if n_columns > 1 else 2.2
    figure = new_figure(WIDE_IN if n_columns > 2 else NARROW_IN, row_in * n_rows + 1.1)
    panels = figure.subplots(
        n_rows, 2 * n_columns, squeeze=False, width_ratios=[1.3, 1.0] * n_columns
    )
    for ax in panels[:, 0]:
        ax.set_ylabel("wavelength (px)", fontsize=7)
    return figure, panels


def _draw_weights(ax: Axes, by_filter: np.ndarray, wavelengths_px: np.ndarray) -> None:
    """Draw the weights of each scale and orientation over the largest of the unit."""
    limit = symmetric_limit(by_filter)
    ax.imshow(by_filter / limit, cmap=SIGNED_MAP, vmin=-1.0, vmax=1.0, aspect="auto")
    box_axes(ax)
    n_scales, n_orientations = by_filter.shape
    ax.tick_params(labelsize=6.5, length=2, pad=1)
    ax.set_yticks(range(n_scales), [f"{wavelength:.0f}" for wavelength in wavelengths_px])
    shown = [k for k in range(n_orientations) if k % max(n_orientations // 4, 1) == 0]
    ax.set_xticks(shown, [f"{180 * k / n_orientations:.0f}" for k in shown])


def _add_bars(figure: Figure, panels: np.ndarray) -> None:
    """Put a colour bar for weights and one for places side by side under the panels."""
    half = panels.shape[1] // 2
    for name, low, columns, words in (
        (SIGNED_MAP, -1, panels[:, :half], "weight, fraction of the unit's largest"),
        ("Greys", 0, panels[:, half:], "strength at a place, fraction of the largest"),
    ):
        scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(low, 1), name)
        bar = figure.colorbar(
            scale, ax=list(columns.flat), location="bottom", shrink=0.7, aspect=25, pad=0.02,
            ticks=sorted({low, 0, 1}), panchor=False,
        )  # fmt: skip
        bar.set_label(words, fontsize=7)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_linewidth(0.5)


def _scatter(ax: Axes, measured: np.ndarray, predicted: np.ndarray, label: str) -> None:
    ax.plot(measured, predicted, "o", ms=2.5, color=BLUE, alpha=0.5, mec="none")
    ax.set_title(label, fontsize=8, pad=3)
    ax.set_xlabel("measured (spikes)", fontsize=7, labelpad=1)
    ax.set_ylabel("predicted", fontsize=7)
    ax.tick_params(labelsize=7)
    ax.locator_params(nbins=4)


def _write_above(ax: Axes, words: str) -> None:
    """Write over a panel and its title; the words may reach over the panels beside it."""
    note = ax.annotate(
        words, (0.0, 1.0), (0, 14), "axes fraction", "offset points", fontsize=8, color=GREY
    )
    note.set_in_layout(False)
