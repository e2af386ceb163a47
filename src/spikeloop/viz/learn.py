"""What trained networks answer, and how often that is right, beside chance and the best."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from spikeloop.data.checks import as_array, as_vector, require, require_finite
from spikeloop.viz.style import (
    BLUE,
    GREY,
    INK,
    NARROW_IN,
    PALE,
    axes_or_new,
    box_axes,
    count_noun,
    integer_ticks,
    legend_above,
    say_empty,
    styled,
)
from spikeloop.viz.tables import format_value

ACCURACY = "accuracy (%)"

_MOST_TICK_LETTERS = 20  # of all ticks of an axis of classes together
_FEW_TICKS = 4  # so few stand there even if the last class has none


@styled
def plot_confusion(
    confusion: np.ndarray, class_values: np.ndarray, *, label: str, ax: Axes | None = None
) -> Axes:
    """Draw how often each class was answered, given the true one.

    Answers that are right lie on the rising diagonal. The scale of colours is always from 0 to 1,
    so that networks can be compared; classes that never came are grey.

    Parameters
    ----------
    confusion
        (true, answered) shares of the answers to each true class, which add up to 1; NaN for a
        class that never came.
    class_values
        (class,) the value in the middle of each class, ascending.
    label
        What the value is, with its unit.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        The shares are not those of so many classes, or the values do not ascend.

    Examples
    --------
    >>> ax = plot_confusion(np.eye(2), np.array([-45.0, 45.0]), label="IPD (deg)")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('true IPD (deg)', 'answered IPD (deg)')
    """
    confusion = as_array("confusion", confusion, ("true", "answered"), float)
    class_values = checked_values(class_values)
    n = len(class_values)
    require(
        confusion.shape == (n, n),
        f"confusion has shape {confusion.shape}: {count_noun(n, 'class value')} want ({n}, {n}).",
    )
    ax = axes_or_new(ax, NARROW_IN, 3.8)
    box_axes(ax)
    ax.set_facecolor(PALE)
    shown = np.ma.masked_invalid(confusion.T)
    image = ax.imshow(shown, origin="lower", extent=(0, n, 0, n), vmin=0, vmax=1, cmap="viridis")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.03)
    bar.set_label("share of answers", fontsize=8)
    bar.outline.set_linewidth(0.5)
    for axis in (ax.xaxis, ax.yaxis):
        class_ticks(axis, class_values)
    ax.set(xlabel=f"true {label}", ylabel=f"answered {label}")
    n_missing = int(np.isnan(confusion).all(axis=1).sum())
    if n_missing:
        ax.set_title(f"grey: {n_missing} of {n} classes never came", fontsize=8.5)
    return ax


@styled
def plot_answers(
    truth: np.ndarray,
    estimates: np.ndarray,
    class_values: np.ndarray,
    *,
    label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw how often each value was true, and how often it was answered.

    Parameters
    ----------
    truth
        (trial,) true values.
    estimates
        (trial,) values in the middle of the answered classes.
    class_values
        (class,) the value in the middle of each class, ascending; there is a bin for each.
    label
        What the value is, with its unit.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There are not as many estimates as true values, or the class values do not ascend.

    Examples
    --------
    >>> ax = plot_answers([-50.0, 20.0], [-45.0, 45.0], [-45.0, 45.0], label="IPD (deg)")
    >>> ax.get_ylabel()
    'trials'
    """
    truth, estimates = as_vector("truth", truth, float), as_vector("estimates", estimates, float)
    require(
        len(truth) == len(estimates),
        f"{len(truth)} true values and {len(estimates)} estimates: give as many.",
    )
    edges = _class_edges(checked_values(class_values))
    ax = axes_or_new(ax, NARROW_IN, 2.8)
    # The line of the estimates is drawn over the area of the truth: both stay seen where they meet.
    looks = {"true": {"fill": True, "color": "#C8C8C8"}, "answered": {"color": BLUE, "lw": 1.6}}
    for (name, look), values in zip(looks.items(), (truth, estimates), strict=True):
        counts, _ = np.histogram(values, edges)
        n_outside = len(values) - int(counts.sum())
        ax.stairs(
            counts, edges, label=f"{name}, {n_outside} outside" if n_outside else name, **look
        )
    ax.set(xlabel=label, ylabel="trials", xlim=edges[[0, -1]])
    ax.set_ylim(0, None if len(truth) else 1)
    ax.set_xticks(value_ticks(class_values)[0])
    integer_ticks(ax.yaxis)
    legend_above(ax, 2)
    if not len(truth):
        say_empty(ax, "no trial")
    return ax


@styled
def plot_accuracies(
    accuracies: Mapping[str, np.ndarray],
    *,
    ends: Mapping[str, np.ndarray] | None = None,
    ideal: float | None = None,
    chance: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the accuracies of several networks, or of one with lesions, the first on top.

    Small dots are single data sets or networks; the large dot is their mean, and is written out.

    Parameters
    ----------
    accuracies
        Name -> (draw,) shares of right answers.
    ends
        Name -> (2,) the ends of the interval of the mean; none is drawn for names left out.
    ideal
        Accuracy of the ideal observer, marked by a line.
    chance
        Accuracy of guessing, marked by a line.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There is no name, a name has no accuracy, or one is not a share; or ends are of others.

    Examples
    --------
    >>> found = {"intact": [0.87, 0.88], "no inhibition": [0.1, 0.12]}
    >>> ax = plot_accuracies(found, ends={"intact": (0.86, 0.89)}, ideal=0.94, chance=1 / 12)
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['intact', 'no inhibition']
    """
    shares = {name: _checked_shares(name, values) for name, values in accuracies.items()}
    require(len(shares) > 0, "accuracies is empty: give at least one name.")
    bars = checked_ends(ends, shares, (2,))
    ax = axes_or_new(ax, NARROW_IN, 0.32 * len(shares) + 0.9)
    beside = ax.get_yaxis_transform()
    for place, (name, values) in enumerate(shares.items()):
        ax.axhline(place, color=PALE, lw=0.7, zorder=0)
        ax.plot(100 * values, np.full(len(values), place), "o", ms=3, mew=0, color=GREY, alpha=0.6)
        mean = 100 * float(values.mean())
        if name in bars:
            ax.plot(100 * bars[name], [place, place], color=BLUE, lw=2.0)
        ax.plot(mean, place, "o", ms=5.5, mec="white", mew=0.6, color=BLUE)
        ax.text(1.02, place, f"{mean:.1f}", va="center", fontsize=8, transform=beside)
    for name, percent, colour, side in references_of(ideal, chance):
        over = {"transform": ax.get_xaxis_transform(), "color": colour}
        ax.plot([percent, percent], [0, 1], lw=1.0, ls="--", zorder=1, **over)
        ax.text(percent, 1.02, f"{name} {percent:.1f}", ha=side, va="bottom", fontsize=8, **over)
    ax.set_yticks(range(len(shares)), list(shares))
    ax.set(xlabel=ACCURACY, ylim=(len(shares) - 0.5, -0.5))
    ax.set_xlim(left=start_of(*ax.get_xlim()))
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    return ax


def class_ticks(axis: Axis, class_values: np.ndarray) -> None:
    """Put ticks on an axis on which class i reaches from i to i + 1, as few as are read easily."""
    values, places = value_ticks(class_values)
    axis.set_ticks(places, [format_value(float(value)) for value in values])


def value_ticks(class_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what to write and where: middles or bounds of classes, whichever are rounder."""
    middles = np.asarray(class_values, dtype=float)
    choices = [(middles, np.arange(len(middles)) + 0.5)]
    edges = _class_edges(middles)
    choices.append((edges, np.arange(len(edges))))
    lengths = [
        sum(len(format_value(float(x))) for x in values) / len(values) for values, _ in choices
    ]
    values, places = choices[int(lengths[1] < lengths[0])]
    step = next(k for k in range(1, len(values) + 1) if _is_sparse(values, k))
    return values[::step], places[::step]


def checked_values(class_values: np.ndarray) -> np.ndarray:
    """Return the values of classes, of which there is at least one."""
    class_values = ascending("class_values", class_values)
    require(len(class_values) > 0, "class_values is empty: give a value for each class.")
    return class_values


def _is_sparse(values: np.ndarray, step: int) -> bool:
    """Return whether every step-th tick leaves few letters to read, and the last among them."""
    kept = values[::step]
    n_letters = sum(len(format_value(float(value))) for value in kept)
    is_last_kept = (len(values) - 1) % step == 0
    return n_letters <= _MOST_TICK_LETTERS and (is_last_kept or len(kept) <= _FEW_TICKS)


def _class_edges(middles: np.ndarray) -> np.ndarray:
    """Return bounds half way between the middles, and as far beyond the first and the last."""
    if len(middles) == 1:
        return middles + np.array([-0.5, 0.5])
    between = (middles[:-1] + middles[1:]) / 2
    return np.concatenate([[2 * middles[0] - between[0]], between, [2 * middles[-1] - between[-1]]])


def ascending(name: str, values: np.ndarray) -> np.ndarray:
    """Return finite numbers, each above the one before it."""
    values = as_vector(name, values, float)
    require_finite(name, values)
    require(bool((np.diff(values) > 0).all()), f"{name} must ascend: sort it, each value once.")
    return values


def _checked_shares(name: str, values: np.ndarray) -> np.ndarray:
    values = as_vector(f"accuracies[{name!r}]", values, float)
    require(len(values) > 0, f"accuracies[{name!r}] is empty: give at least one.")
    require_finite(f"accuracies[{name!r}]", values)
    require_shares(f"accuracies[{name!r}]", values)
    return values


def checked_ends(
    ends: Mapping[str, np.ndarray] | None, accuracies: Mapping[str, np.ndarray], shape: tuple
) -> dict[str, np.ndarray]:
    """Return the ends of intervals by name, all of this shape."""
    arrays = {name: np.asarray(pair, dtype=float) for name, pair in (ends or {}).items()}
    for name, array in arrays.items():
        require(name in accuracies, f"ends names {name!r}: accuracies holds {sorted(accuracies)}.")
        require(
            array.shape == shape,
            f"ends[{name!r}] has shape {array.shape}: it must be {shape}.",
        )
    return arrays


def require_shares(name: str, shares: np.ndarray) -> None:
    """Refuse what is not from 0 to 1."""
    wrong = shares[np.isfinite(shares) & ((shares < 0) | (shares > 1))]
    require(not wrong.size, f"{name} holds {wrong[:1]}: give shares, in 0..1.")


def references_of(ideal: float | None, chance: float | None) -> list[tuple[str, float, str, str]]:
    """Return name, percent, colour and the side of the words of each line that is wanted."""
    lines = {"chance": (chance, GREY, "left"), "ideal observer": (ideal, INK, "right")}
    wanted = []
    for name, (share, colour, side) in lines.items():
        if share is not None:
            require_shares(name, np.array([share], dtype=float))
            wanted.append((name, 100 * share, colour, side))
    return wanted


def start_of(low: float, high: float) -> float:
    """Return where an axis of percents begins: at 0, where it would begin not far from it."""
    return 0.0 if low < 0.25 * high else low
