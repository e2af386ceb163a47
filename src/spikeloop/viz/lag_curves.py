"""What models of a continuous stimulus have learned: filters over lags, and rates over filters."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    BLUE,
    GREY,
    NARROW_IN,
    axes_or_new,
    colours_of,
    legend_above,
    new_figure,
    say_empty,
    styled,
)

_BEFORE = "time relative to the bin (ms)"
_DRAWN_POWER = 0.99  # of the summed squares of a curve
_STEP_S = 0.05  # an axis of time begins at a multiple of this


@styled
def plot_lag_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    label: str,
    time_label: str = _BEFORE,
    reference: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw curves over lags, such as filters or the effect of past spikes.

    Parameters
    ----------
    curves
        Name -> (lag,) times in seconds, below 0 for what came before, and (lag,) values.
    label
        What the values are, with their unit.
    time_label
        What the times are relative to; they are drawn in ms.
    reference
        The value that stands for no effect, marked by a line.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        A curve does not have one value for each lag.

    Examples
    --------
    >>> curves = {"ln": (np.array([-0.002, 0.0]), np.array([0.1, 0.3]))}
    >>> plot_lag_curves(curves, label="filter").get_xlabel()
    'time relative to the bin (ms)'
    """
    ax = axes_or_new(ax, NARROW_IN, 3.0)
    ax.axhline(reference, color=GREY, lw=0.8)
    colours = colours_of(list(curves))
    for name, (lags_s, values) in _checked(curves).items():
        ax.plot(1e3 * lags_s, values, color=colours[name], label=name)
    ax.set(xlabel=time_label, ylabel=label)
    if curves:
        legend_above(ax, 4)
    else:
        say_empty(ax, "no curve")
    return ax


@styled
def plot_lag_panels(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, label: str) -> Figure:
    """Draw curves over the time before a bin one above the other, each on its own scale.

    The time begins, to the next 50 ms, where 99 % of the summed squares of each curve are still to
    come.

    Parameters
    ----------
    curves
        Name -> (lag,) times relative to the bin in seconds, ascending to 0, and (lag,) values.
    label
        What the values are, with their unit.

    Raises
    ------
    InvalidInputError
        A curve does not have one value for each lag.

    Examples
    --------
    >>> lags_s = np.arange(-199, 1) / 1000
    >>> curves = {"ln": (lags_s, np.exp(lags_s / 0.01)), "glm": (lags_s, 2 * np.exp(lags_s / 0.02))}
    >>> print(*plot_lag_panels(curves, label="filter").axes[0].get_xlim())
    -50.0 0.0
    """
    curves = _checked(curves)
    figure = new_figure(NARROW_IN, 1.0 * max(len(curves), 1) + 0.7)
    if not curves:
        say_empty(figure.add_subplot(), "no curve")
        return figure
    panels = figure.subplots(len(curves), 1, sharex=True, squeeze=False)[:, 0]
    for ax, (name, (lags_s, values)) in zip(panels, curves.items(), strict=True):
        ax.axhline(0.0, color=GREY, lw=0.8)
        ax.plot(1e3 * lags_s, values, color=BLUE)
        ax.set_title(name, fontsize=8.5, pad=2)
        ax.locator_params(axis="y", nbins=4)
    starts_s = [_start_s(*curve) for curve in curves.values()]
    panels[-1].set(xlabel=_BEFORE, xlim=(1e3 * min(starts_s), 0.0))
    panels[-1].locator_params(axis="x", nbins=6, steps=[1, 2, 5, 10])
    figure.supylabel(label, fontsize=9)
    return figure


def _checked(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    checked = {}
    for name, (lags_s, values) in curves.items():
        lags_s = as_vector(f"lags_s of {name!r}", lags_s, float)
        values = as_vector(f"values of {name!r}", values, float)
        require(
            len(lags_s) == len(values), f"{name!r} has {len(lags_s)} lags, {len(values)} values."
        )
        checked[name] = lags_s, values
    return checked


def _start_s(lags_s: np.ndarray, values: np.ndarray) -> float:
    """Return when to begin to draw a curve: what comes before holds little of it."""
    power = np.cumsum(values**2)
    first = lags_s[np.searchsorted(power, (1 - _DRAWN_POWER) * power[-1])]
    return -_STEP_S * max(1.0, np.ceil(-first / _STEP_S - 1e-6))


@styled
def plot_rate_surface(places: np.ndarray, rates_hz: np.ndarray, *, ax: Axes | None = None) -> Axes:
    """Draw the rate as a function of what two filters say.

    Parameters
    ----------
    places
        (place,) what a filter says, in standard deviations, evenly spaced and ascending.
    rates_hz
        (second, first) rate for each pair of places.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        There is not one rate for each pair of places.

    Examples
    --------
    >>> ax = plot_rate_surface(np.array([-1.0, 1.0]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> ax.get_xlabel()
    'filter 1 (SD)'
    """
    places = as_vector("places", places, float)
    rates_hz = as_array("rates_hz", rates_hz, ("second", "first"), float)
    require(
        rates_hz.shape == (len(places), len(places)) and len(places) > 1,
        f"rates_hz has shape {rates_hz.shape}: {len(places)} places want ({len(places)}, "
        f"{len(places)}), at least 2 each.",
    )
    ax = axes_or_new(ax, NARROW_IN, 3.6)
    half = (places[1] - places[0]) / 2
    ends = (places[0] - half, places[-1] + half)
    shown = ax.imshow(rates_hz, origin="lower", extent=(*ends, *ends), cmap="viridis", vmin=0.0)
    bar = ax.figure.colorbar(shown, ax=ax)
    bar.set_label("rate (Hz)", fontsize=8)
    bar.outline.set_linewidth(0.5)
    ax.set(xlabel="filter 1 (SD)", ylabel="filter 2 (SD)")
    return ax
