"""What models have learned of units, and what they predict of single images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

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
from spikeloop.viz.tables import format_value


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
    figure = new_figure(WIDE_IN, 1.55 * max(len(units), 1) + 0.5)
    if not len(units):
        say_empty(figure.add_subplot(), "no unit")
        return figure
    n_images = min(n_images, len(shown.pixels))
    widths = [2.0, *[1.0] * n_images, 0.15, *[1.0] * n_images]
    rows = figure.subplots(len(units), len(widths), squeeze=False, width_ratios=widths)
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
                ax.set_title(format_value(float(counts[image])), fontsize=7, pad=2)
    rows[-1, 0].set_xlabel("measured (spikes)")
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
    n_columns = max(1, min(4, n_units))
    n_rows = max(1, -(-n_units // n_columns))
    width_in = WIDE_IN if n_columns > 2 else NARROW_IN
    figure = new_figure(width_in, 1.25 * n_rows + 0.75)
    cells = np.atleast_1d(figure.subfigures(n_rows, n_columns, squeeze=False)).ravel()
    for i, cell in enumerate(cells[:n_units]):
        _draw_weights(cell, by_filter[i], by_place[i], wavelengths_px, first=i == 0)
        cell.suptitle(str(unit_labels[i]), fontsize=8)
    if not n_units:
        say_empty(figure.add_subplot(), "no unit")
    return figure


def _draw_weights(
    cell: SubFigure,
    by_filter: np.ndarray,
    by_place: np.ndarray,
    wavelengths_px: np.ndarray,
    *,
    first: bool,
) -> None:
    tuning, places = cell.subplots(1, 2)
    limit = symmetric_limit(by_filter)
    tuning.imshow(by_filter, cmap=SIGNED_MAP, vmin=-limit, vmax=limit, aspect="auto")
    n_scales, n_orientations = by_filter.shape
    box_axes(tuning)
    tuning.tick_params(labelsize=6, length=2, pad=1)
    tuning.set_yticks([0, n_scales - 1], [f"{wavelengths_px[k]:.0f}" for k in (0, -1)])
    middle = n_orientations // 2
    tuning.set_xticks([0, middle], ["0", f"{180 * middle / n_orientations:.0f}"])
    if first:
        tuning.set_ylabel("wavelength (px)", fontsize=6.5)
        tuning.set_xlabel("direction (deg)", fontsize=6.5)
    hide_axes(places)
    places.spines[:].set(visible=True, color=GREY, linewidth=0.5)
    places.imshow(by_place, cmap="Greys", vmin=0.0)
    if first:
        places.set_xlabel("place", fontsize=6.5)


def _scatter(ax: Axes, measured: np.ndarray, predicted: np.ndarray, label: str) -> None:
    ax.plot(measured, predicted, "o", ms=2.5, color=BLUE, alpha=0.5, mec="none")
    ax.set_title(label, fontsize=8, pad=3)
    ax.set_ylabel("predicted", fontsize=8)
    ax.locator_params(nbins=4)


def _write_above(ax: Axes, words: str) -> None:
    """Write over a panel and its title; the words may reach over the panels beside it."""
    note = ax.annotate(
        words, (0.0, 1.0), (0, 14), "axes fraction", "offset points", fontsize=8, color=GREY
    )
    note.set_in_layout(False)
