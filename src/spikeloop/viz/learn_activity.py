"""What a trained network does: in one trial, and on average for each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, require
from spikeloop.viz.learn import checked_values, class_ticks, value_ticks
from spikeloop.viz.learn_weights import EAR_COLOURS, checked_units, group_ends
from spikeloop.viz.network import POPULATION_COLOURS
from spikeloop.viz.style import (
    GREEN,
    GREY,
    NARROW_IN,
    PALETTE,
    PURPLE,
    SKY,
    axes_or_new,
    box_axes,
    count_noun,
    integer_ticks,
    legend_above,
    new_figure,
    say_empty,
    styled,
    unit_axis_label,
)
from spikeloop.viz.tables import format_value

_GROUP_COLOURS = (*EAR_COLOURS, SKY, PURPLE)
_QUIET_HZ = 1.0
_KINDS = ("excitatory", "inhibitory")
_BAR_ROWS_PT = 200.0  # over the number of rows: how tall the bar of a spike is,
_BAR_PT = (1.6, 3.5)  # but no less and no more
_MOST_VECTOR_ROWS = 60  # of more rows, spikes are pixels


@dataclass(frozen=True, eq=False)
class TrialActivity:
    """What a network did in one trial."""

    spikes: np.ndarray
    """(time, input) 1 where an input fires, else 0."""
    hidden: Mapping[str, np.ndarray]
    """Name of each hidden layer -> (time, unit) its spikes."""
    potentials: np.ndarray
    """(time, class) of the integrators."""
    class_values: np.ndarray
    """(class,) the value in the middle of each class, ascending."""
    true: int
    """Which class it was."""
    answered: int
    """Which class was answered."""
    dt_ms: float
    """Width of a tick."""
    groups: Sequence[tuple[str, int]] = ()
    """Name and size of each group of inputs, such as those of an ear; all one group if empty."""
    signs: Mapping[str, np.ndarray] | None = None
    """Name of a hidden layer -> (unit,) sign of each unit; below 0 for those that inhibit."""

    def __post_init__(self) -> None:
        axes = {"spikes": ("time", "input"), "potentials": ("time", "class")}
        arrays = {name: as_array(name, getattr(self, name), axes[name], float) for name in axes}
        for name, values in self.hidden.items():
            place = f"hidden[{name!r}]"
            arrays[place] = as_array(place, values, ("time", "unit"), float)
        lengths = {name: len(array) for name, array in arrays.items()}
        require(
            len(set(lengths.values())) == 1,
            f"TrialActivity got different numbers of ticks: {lengths}.",
        )
        n_classes = len(checked_values(self.class_values))
        require(
            arrays["potentials"].shape[1] == n_classes,
            f"potentials has {arrays['potentials'].shape[1]} columns: there are {n_classes} "
            "class values.",
        )
        for name in ("true", "answered"):
            value = getattr(self, name)
            require(0 <= value < n_classes, f"{name}={value}: it must be in 0..{n_classes - 1}.")
        require(self.dt_ms > 0, f"dt_ms={self.dt_ms}: it must be above 0.")
        if self.groups:
            group_ends(self.groups, arrays["spikes"].shape[1], "inputs")
        for name, signs in (self.signs or {}).items():
            require(
                name in self.hidden and np.shape(signs) == np.shape(self.hidden[name])[1:],
                f"signs[{name!r}] has shape {np.shape(signs)}: give one for each unit of a layer "
                f"in {list(self.hidden)}.",
            )


@styled
def plot_trial(activity: TrialActivity, *, label: str) -> Figure:
    """Draw one trial from the inputs to the answer, one panel above the other.

    Spikes of the inputs, spikes of each hidden layer, and the potential of each integrator. Dots on
    the right are the means of these, of which the largest is the answer.

    Parameters
    ----------
    activity
        What the network did.
    label
        What is to be told, with its unit.

    Examples
    --------
    >>> spikes = np.zeros((4, 2))
    >>> done = TrialActivity(spikes, {"hidden": spikes}, spikes, [-45.0, 45.0], 0, 1, dt_ms=1.0)
    >>> [ax.get_ylabel() for ax in plot_trial(done, label="IPD (deg)").axes]
    ['input', 'hidden', 'potential']
    """
    n_hidden = len(activity.hidden)
    figure = new_figure(NARROW_IN, 2.0 + 1.5 * n_hidden + 1.9)
    axes = figure.subplots(
        n_hidden + 2, 1, sharex=True, squeeze=False, height_ratios=[2.0, *[1.3] * n_hidden, 1.6]
    )[:, 0]
    spikes = np.asarray(activity.spikes)
    groups = activity.groups or [("input", spikes.shape[1])]
    names = np.repeat([name for name, _ in groups], [size for _, size in groups])
    colours = dict(zip([name for name, _ in groups], _GROUP_COLOURS * len(groups), strict=False))
    _draw_spikes(axes[0], spikes, names, colours, activity.dt_ms)
    axes[0].set_ylabel("input")
    kinds = dict(zip(_KINDS, POPULATION_COLOURS, strict=False))
    for ax, (name, fired) in zip(axes[1:], activity.hidden.items(), strict=False):
        fired = np.asarray(fired)
        signs = (activity.signs or {}).get(name)
        own = np.full(fired.shape[1], "") if signs is None else _kinds_of(signs)
        _draw_spikes(ax, fired, own, kinds | {"": POPULATION_COLOURS[0]}, activity.dt_ms)
        ax.set_ylabel(name)
    _draw_potentials(axes[-1], activity, label)
    axes[-1].set(xlabel="time (ms)", xlim=(0.0, len(spikes) * activity.dt_ms))
    figure.align_ylabels(axes)
    return figure


@styled
def plot_tuning(
    rates_hz: np.ndarray, class_values: np.ndarray, *, label: str, ax: Axes | None = None
) -> Axes:
    """Draw the mean rate of each unit for each class, units sorted by what they fire most for.

    Of units that fire most for the same class, the more active come first; those that reach 1 Hz
    for no class are last.

    Parameters
    ----------
    rates_hz
        (class, unit) mean rates; NaN for a class that never came.
    class_values
        (class,) the value in the middle of each class, ascending.
    label
        What the value is, with its unit.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There is not one row of rates for each class, or the values do not ascend.

    Examples
    --------
    >>> ax = plot_tuning([[9.0, 1.0], [1.0, 5.0]], [-45.0, 45.0], label="IPD (deg)")
    >>> ax.images[0].get_array()[0].tolist()
    [9.0, 1.0]
    """
    rates_hz, class_values = _checked_rates(rates_hz, class_values)
    n_classes, n_units = rates_hz.shape
    ax = axes_or_new(ax, NARROW_IN, 3.4)
    box_axes(ax)
    ax.set(xlabel=label, ylabel=unit_axis_label(n_units, is_sorted=True))
    if not n_units:
        say_empty(ax, "no unit")
        return ax
    known = np.where(np.isnan(rates_hz), -np.inf, rates_hz)
    peak = known.max(axis=0)
    order = np.lexsort((-peak, known.argmax(axis=0), peak < _QUIET_HZ))
    image = ax.imshow(
        np.ma.masked_invalid(rates_hz[:, order].T),
        extent=(0, n_classes, n_units + 0.5, 0.5),
        aspect="auto",
        cmap="viridis",
        vmin=0.0,
        vmax=max(float(peak.max()), _QUIET_HZ),
    )
    bar = ax.figure.colorbar(image, ax=ax, pad=0.03)
    bar.set_label("rate (Hz)", fontsize=8)
    bar.outline.set_linewidth(0.5)
    class_ticks(ax.xaxis, class_values)
    integer_ticks(ax.yaxis)
    return ax


@styled
def plot_tuning_curves(
    rates_hz: np.ndarray,
    class_values: np.ndarray,
    units: Sequence[int],
    *,
    label: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean rates of a few units as curves over the value to be told.

    Parameters
    ----------
    rates_hz, class_values, label, ax
        As in `plot_tuning`.
    units
        Columns of the rates, at most 7.

    Raises
    ------
    InvalidInputError
        There is not one row of rates for each class, the values do not ascend, or there are units
        that do not exist or too many of them.

    Examples
    --------
    >>> ax = plot_tuning_curves([[9.0, 1.0], [1.0, 5.0]], [-45.0, 45.0], [1], label="IPD (deg)")
    >>> ax.lines[0].get_ydata().tolist()
    [1.0, 5.0]
    """
    rates_hz, class_values = _checked_rates(rates_hz, class_values)
    units = checked_units(units, rates_hz.shape[1], len(PALETTE))
    ax = axes_or_new(ax, NARROW_IN, 2.8)
    for unit, colour in zip(units, PALETTE, strict=False):
        ax.plot(class_values, rates_hz[:, unit], ".-", color=colour, label=f"unit {unit}")
    ax.set(xlabel=label, ylabel="rate (Hz)", xticks=value_ticks(class_values)[0])
    ax.set_ylim(bottom=0)
    if units:
        legend_above(ax, 4)
    else:
        say_empty(ax, "no unit")
    return ax


def _checked_rates(rates_hz: np.ndarray, class_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rates_hz = as_array("rates_hz", rates_hz, ("class", "unit"), float)
    class_values = checked_values(class_values)
    require(
        len(rates_hz) == len(class_values),
        f"rates_hz has {count_noun(len(rates_hz), 'row')}: there are {len(class_values)} class "
        "values.",
    )
    return rates_hz, class_values


def _kinds_of(signs: np.ndarray) -> np.ndarray:
    return np.where(np.asarray(signs) < 0, *_KINDS[::-1])


def _draw_spikes(
    ax: Axes, spikes: np.ndarray, names: np.ndarray, colours: Mapping[str, str], dt_ms: float
) -> None:
    """Draw the spikes of inputs or units, the first on top, in the colours of their names."""
    tick, row = np.nonzero(spikes)
    n_rows = max(spikes.shape[1], 1)
    mark = {"marker": "|", "ms": float(np.clip(_BAR_ROWS_PT / n_rows, *_BAR_PT)), "mew": 0.9}
    mark["rasterized"] = n_rows > _MOST_VECTOR_ROWS
    present = list(dict.fromkeys(names.tolist()))
    for name in present:
        mine = names[row] == name
        look = {"ls": "none", "color": colours[name], "label": name}
        ax.plot(dt_ms * tick[mine], row[mine], **look, **mark)
    ax.set_ylim(n_rows - 0.5, -0.5)
    integer_ticks(ax.yaxis)
    # The colour of a kind is told even where there is no other.
    if len(present) > 1 or set(present) & set(_KINDS):
        legend_above(ax, len(present))
        for handle in ax.get_legend().legend_handles:
            handle.set(marker="s", markersize=5)
    if not len(tick):
        say_empty(ax, "no spike")


def _draw_potentials(ax: Axes, activity: TrialActivity, label: str) -> None:
    """Draw the potentials of all classes, the true one and the answered one in colour."""
    potentials = np.asarray(activity.potentials, dtype=float)
    values = [format_value(float(value)) for value in np.asarray(activity.class_values)]
    times_ms = activity.dt_ms * np.arange(len(potentials))
    true, answered = activity.true, activity.answered
    if true == answered:
        marked = {true: (GREEN, f"true and answered: {values[true]}")}
    else:
        marked = {
            true: (GREEN, f"true: {values[true]}"),
            answered: (PURPLE, f"answered: {values[answered]}"),
        }
    for index in [*marked, *(i for i in range(len(values)) if i not in marked)]:
        trace = potentials[:, index]
        colour, words = marked.get(index, (GREY, None))
        look = {"color": colour, "zorder": 3 if words else 2}
        ax.plot(times_ms, trace, lw=1.6 if words else 0.5, label=words, **look)
        ax.plot(
            1.02, trace.mean(), "o", ms=4.5 if words else 2.5, mew=0, clip_on=False,
            transform=ax.get_yaxis_transform(), **look,
        )  # fmt: skip
    ax.text(1.02, 1.02, "mean", fontsize=8, color=GREY, ha="center", transform=ax.transAxes)
    ax.set_ylabel("potential")
    legend_above(ax, 2, label)
