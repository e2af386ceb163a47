"""The whole loop in one picture."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, SubFigure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.raster import plot_raster
from spikeloop.viz.receptive_fields import draw_image, draw_map
from spikeloop.viz.reliability import plot_truth_comparison
from spikeloop.viz.style import new_figure, styled

_N_IMAGES = 6
_N_FIELDS = 5
_TOP_IN = 2.5


@dataclass(frozen=True, eq=False)
class LoopOverview:
    """What the picture of a loop is drawn from."""

    images: np.ndarray
    """(image, y, x) some of the images shown; six are drawn."""
    true_fields: np.ndarray
    """(unit, y, x) true receptive fields; five are drawn."""
    estimated_fields: np.ndarray
    """(unit, y, x) their estimates."""
    activity: np.ndarray
    """(bin, unit) z-scored activity."""
    order: np.ndarray
    """(unit,) which unit stands in each row of the raster."""
    bin_s: float
    """Width of a bin in seconds."""
    true_ceiling: np.ndarray
    """(unit,) true noise ceilings."""
    estimated_ceiling: np.ndarray
    """(unit,) their estimates."""
    field_scores: np.ndarray | None = None
    """(unit,) correlation of each estimated field with the true one; computed if None."""
    fields_head: str = "3  characterize: receptive fields"
    """The head of their panel; say there how the five were chosen and ordered."""


@styled
def plot_loop_overview(loop: LoopOverview) -> Figure:
    """Draw what was shown, what the units did, what drives them, and how near that is to the truth.

    Raises
    ------
    InvalidInputError
        True and estimated fields differ in shape, or there is not one score per field.
    """
    images = as_array("images", loop.images, ("image", "y", "x"), float)
    truth = as_array("true_fields", loop.true_fields, ("unit", "y", "x"), float)
    estimate = as_array("estimated_fields", loop.estimated_fields, ("unit", "y", "x"), float)
    require(
        truth.shape == estimate.shape,
        f"true_fields has shape {truth.shape} and estimated_fields {estimate.shape}: they must "
        "show the same units on the same pixels.",
    )
    bottom_in = float(np.clip(2.6 * truth.shape[1] / max(truth.shape[2], 1) + 0.7, 2.7, 3.3))
    scores = _field_scores(loop, truth, estimate)
    figure = new_figure(10.0, _TOP_IN + bottom_in)
    top, bottom = figure.subfigures(2, 1, height_ratios=(_TOP_IN, bottom_in), hspace=0.04)
    shown, recorded = top.subfigures(1, 2, width_ratios=(1.0, 2.1), wspace=0.03)
    fields, judged = bottom.subfigures(1, 2, width_ratios=(2.1, 1.0), wspace=0.03)
    _draw_images(shown, images[:_N_IMAGES])
    axes = recorded.add_subplot()
    plot_raster(loop.activity, bin_s=loop.bin_s, order=loop.order, ax=axes)
    _head(recorded, "2  record: activity of all units, sorted by similarity")
    _head(fields, loop.fields_head)
    _draw_fields(fields, truth[:_N_FIELDS], estimate[:_N_FIELDS], scores)
    axes = judged.add_subplot()
    plot_truth_comparison(loop.true_ceiling, loop.estimated_ceiling, label="noise ceiling", ax=axes)
    agreement = axes.get_title("left").split(",")[0]
    axes.set_title("")
    axes.text(0.05, 0.95, agreement, va="top", transform=axes.transAxes)
    _head(judged, "4  judge against the truth")
    return figure


def _head(panel: SubFigure, words: str) -> None:
    panel.suptitle(words, x=0.01, ha="left", fontsize=10, fontweight="bold")


def _draw_images(panel: SubFigure, images: np.ndarray) -> None:
    _head(panel, "1  show: natural images")
    axes = panel.subplots(2, _N_IMAGES // 2, squeeze=False)
    for ax in axes.flat[len(images) :]:
        ax.set_axis_off()
    _close_up(axes)
    for ax, image in zip(axes.flat, images, strict=False):
        draw_image(ax, image, scale=images)


def _field_scores(loop: LoopOverview, truth: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    if loop.field_scores is not None:
        scores = as_vector("field_scores", loop.field_scores, float)
        require(
            len(scores) == len(truth),
            f"field_scores has {len(scores)} values: there are {len(truth)} fields.",
        )
        return scores
    pairs = zip(truth, estimate, strict=True)
    return np.array([_correlation(a.ravel(), b.ravel()) for a, b in pairs])


def _correlation(truth: np.ndarray, estimate: np.ndarray) -> float:
    """Return Pearson's correlation; NaN for a map that is flat or undefined."""
    a, b = truth - truth.mean(), estimate - estimate.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else np.nan


def _draw_fields(
    panel: SubFigure, truth: np.ndarray, estimate: np.ndarray, scores: np.ndarray
) -> None:
    axes = panel.subplots(2, _N_FIELDS, squeeze=False)
    for ax in axes[:, len(truth) :].flat:
        ax.set_axis_off()
    _close_up(axes)
    for row, maps, name in zip(axes, (truth, estimate), ("true", "estimated"), strict=True):
        for ax, weights in zip(row, maps, strict=False):
            draw_map(ax, weights)
        row[0].set_ylabel(name)
    for ax, score in zip(axes[1], scores, strict=False):
        words = "–" if np.isnan(score) else f"r = {score:.2f}".replace("-", "−")
        ax.set_xlabel(words, fontsize=8)


def _close_up(axes: np.ndarray) -> None:
    """Let two rows of pictures touch in the middle, whatever their shape."""
    for row, side in zip(axes, ("S", "N"), strict=True):
        for ax in row:
            ax.set_anchor(side)
