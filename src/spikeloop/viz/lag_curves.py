"""What models of a continuous stimulus have learned: filters over lags, and rates over filters."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from spikeloop.data.checks import as_array, as_vector, require
from spikeloop.viz.style import (
    GREY,
    NARROW_IN,
    axes_or_new,
    colours_of,
    legend_above,
    say_empty,
    styled,
)


@styled
def plot_lag_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    label: str,
    reference: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw curves over the time before a bin, such as filters or the effect of past spikes.

    Parameters
    ----------
    curves
        Name -> (lag,) times relative to the bin in seconds, 0 or below, and (lag,) values.
    label
        What the values are, with their unit.
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
    for name, (lags_s, values) in curves.items():
        lags_s = as_vector(f"lags_s of {name!r}", lags_s, float)
        values = as_vector(f"values of {name!r}", values, float)
        require(
            len(lags_s) == len(values), f"{name!r} has {len(lags_s)} lags, {len(values)} values."
        )
        ax.plot(1e3 * lags_s, values, color=colours[name], label=name)
    ax.set(xlabel="time relative to the bin (ms)", ylabel=label)
    if curves:
        legend_above(ax, 4)
    else:
        say_empty(ax, "no curve")
    return ax


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
