"""How well models predict units, side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    PALETTE,
    VERMILLION,
    axes_or_new,
    count_noun,
    integer_ticks,
    legend_above,
    new_figure,
    say_empty,
    styled,
)
from spikeloop.viz.tables import format_column, format_value


@styled
def plot_model_scores(
    names: Sequence[str],
    scores: np.ndarray,
    *,
    label: str,
    ceiling: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one score of several models with its interval, the first model on top.

    Parameters
    ----------
    names
        What each model is called.
    scores
        (model, 3): the score and the ends of its interval; NaN where a model has none.
    label
        Name of the score, with its unit if it has one.
    ceiling
        The score that noise would let a perfect model reach, marked by a line.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There is not one row of three numbers for each name.

    Examples
    --------
    >>> ax = plot_model_scores(["ridge", "gabor"], [[0.2, 0.1, 0.3], [0.5, 0.4, 0.6]], label="r")
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['ridge', 'gabor']
    """
    scores = as_array("scores", scores, ("model", "end"), float)
    require(
        scores.shape == (len(names), 3),
        f"scores has shape {scores.shape}: {len(names)} names want ({len(names)}, 3).",
    )
    ax = axes_or_new(ax, NARROW_IN, 0.34 * len(names) + 1.0)
    place = np.arange(len(names))
    score, low, high = scores.T
    ax.errorbar(
        score, place, xerr=np.abs([score - low, high - score]), fmt="o", ms=5, color=BLUE,
        capsize=0, lw=2.0,
    )  # fmt: skip
    for x, y, words in zip(high, place, format_column(score), strict=True):
        if np.isfinite(x):
            offset = {"xytext": (6, 0), "textcoords": "offset points"}
            ax.annotate(words, (x, y), va="center", fontsize=8, color=INK, **offset)
    for y in place[np.isnan(score)]:
        ax.annotate("undefined", (0.02, y), va="center", fontsize=8, color=GREY)
    ax.axvline(0.0, color=GREY, lw=0.8)
    if ceiling is not None:
        words = f"noise ceiling {format_value(ceiling)}"
        ax.axvline(ceiling, color=VERMILLION, lw=1.2, ls="--", label=words)
        legend_above(ax, 1)
    ax.set_yticks(place, names)
    ax.set(xlabel=label, ylabel="model", ylim=(len(names) - 0.4, -0.6))
    ax.margins(x=0.18)
    if not np.isfinite(scores).any():
        ax.set_xlim(0, 1)
    return ax


@styled
def plot_model_scatter(
    first: np.ndarray,
    second: np.ndarray,
    *,
    names: tuple[str, str],
    label: str,
    groups: Sequence[str] | None = None,
) -> Axes:
    """Draw a score of each unit by one model against its score by another.

    Parameters
    ----------
    first, second
        (unit,) scores by the two models; units without one of them are counted, not drawn.
    names
        What the models are called.
    label
        Name of the score.
    groups
        (unit,) a kind for each unit, drawn in its colour.

    Raises
    ------
    InvalidInputError
        There are not as many scores of one model as of the other.

    Examples
    --------
    >>> ax = plot_model_scatter([0.1, 0.5], [0.2, 0.4], names=("ridge", "gabor"), label="r")
    >>> ax.get_title("left")
    'gabor is better for 1 of 2 units'
    """
    first, second = as_vector("first", first, float), as_vector("second", second, float)
    require(len(first) == len(second), f"{len(first)} and {len(second)} scores: give as many.")
    ax = axes_or_new(None, NARROW_IN, 4.2)
    both = np.isfinite(first) & np.isfinite(second)
    n_undefined = int((~both).sum())
    undefined = f" ({n_undefined} undefined)" if n_undefined else ""
    n_better = int(np.sum(second[both] > first[both]))
    ax.set_title(
        f"{names[1]} is better for {n_better} of {count_noun(int(both.sum()), 'unit')}{undefined}",
        fontsize=8.5,
    )
    ax.set(xlabel=f"{label}, {names[0]}", ylabel=f"{label}, {names[1]}", aspect="equal")
    if not both.any():
        say_empty(ax, "undefined for every unit")
        return ax
    values = np.concatenate([first[both], second[both], [0.0]])
    margin = 0.05 * (np.ptp(values) or 1.0)
    span = (values.min() - margin, values.max() + margin)
    ax.plot(span, span, color=GREY, lw=0.8, ls=":")
    kinds = np.full(len(first), "") if groups is None else np.asarray(groups)
    for kind, colour in zip(dict.fromkeys(kinds.tolist()), PALETTE, strict=False):
        drawn = both & (kinds == kind)
        dots = {"ms": 4, "alpha": 0.7, "mec": "white", "mew": 0.4}
        ax.plot(first[drawn], second[drawn], "o", color=colour, label=kind, **dots)
    if groups is not None:
        ax.legend(loc="lower right", handletextpad=0.2)
    ax.set(xlim=span, ylim=span)
    return ax


@styled
def plot_training(
    history: Mapping[str, np.ndarray], *, labels: tuple[str, str] = ("loss", "score")
) -> Figure:
    """Draw how the loss and the validation correlation went, epoch by epoch.

    Parameters
    ----------
    history
        Name -> (epoch,) or (epoch, member): curves whose name ends in "loss" share the upper
        panel, the others the lower one. NaN after a member has stopped.
    labels
        What the loss is, with its unit, and what the others are.

    Examples
    --------
    >>> curves = {"training_loss": [3.0, 2.0], "validation_correlation": [0.1, 0.2]}
    >>> [ax.get_ylabel() for ax in plot_training(curves).axes]
    ['loss', 'score']
    """
    curves = {name: np.asarray(values, dtype=float) for name, values in history.items()}
    for name, values in curves.items():
        require(values.ndim in (1, 2), f"{name} has shape {values.shape}: (epoch, member).")
    panels = [
        (labels[0], [name for name in curves if name.endswith("loss")]),
        (labels[1], [name for name in curves if not name.endswith("loss")]),
    ]
    panels = [(label, names) for label, names in panels if names]
    figure = new_figure(NARROW_IN, 2.4 * max(len(panels), 1) + 0.2)
    for i, (label, names) in enumerate(panels):
        ax = figure.add_subplot(len(panels), 1, i + 1)
        for colour, name in zip(PALETTE, names, strict=False):
            values = curves[name] if curves[name].ndim == 2 else curves[name][:, None]
            epoch = np.arange(1, len(values) + 1)
            words = name.replace("_", " ")
            ax.plot(epoch, values[:, :1], ".-", color=colour, label=words)
            ax.plot(epoch, values[:, 1:], color=colour, lw=0.7)
        ax.set(xlabel="epoch", ylabel=label)
        integer_ticks(ax.xaxis)
        legend_above(ax, 2)
    if not panels:
        say_empty(figure.add_subplot(), "no curve")
    return figure
