"""Rates that models predict from a continuous stimulus, beside the spikes that came."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloop.data.checks import as_vector, require
from spikeloop.viz.style import (
    INK,
    WIDE_IN,
    axes_or_new,
    colours_of,
    legend_above,
    new_figure,
    styled,
)


@styled
def plot_predicted_rates(
    times_s: np.ndarray,
    rates_hz: Mapping[str, np.ndarray],
    spike_times_s: np.ndarray,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the rates that models predict over time, and under them the spikes of the unit.

    Parameters
    ----------
    times_s
        (time,) the start of each bin, ascending.
    rates_hz
        Name of a model -> (time,) its rate.
    spike_times_s
        (spike,) of the same unit; those outside the bins are not drawn.
    title
        Which unit this is.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        A model does not have one rate per bin, or there are no bins.

    Examples
    --------
    >>> ax = plot_predicted_rates(np.array([0.0, 0.1]), {"LN": np.array([5.0, 9.0])}, np.array([]))
    >>> ax.get_ylabel()
    'rate (Hz)'
    """
    times_s = as_vector("times_s", times_s, float)
    require(len(times_s) > 0, "times_s is empty: there is nothing to draw. Give the bins.")
    spike_times_s = as_vector("spike_times_s", spike_times_s, float)
    ax = axes_or_new(ax, WIDE_IN, 2.8)
    colours = colours_of(list(rates_hz))
    for name, values in rates_hz.items():
        values = as_vector(f"rates_hz[{name!r}]", values, float)
        require(
            len(values) == len(times_s),
            f"rates_hz[{name!r}] has {len(values)} values for {len(times_s)} bins: give one each.",
        )
        ax.plot(times_s, values, color=colours[name], lw=1.1, label=name)
    seen = (spike_times_s >= times_s[0]) & (spike_times_s <= times_s[-1])
    # Spikes stand below zero, where no rate is, in units of the axes' height.
    ax.plot(
        spike_times_s[seen],
        np.full(seen.sum(), -0.06),
        "|",
        color=INK,
        ms=9,
        clip_on=False,
        transform=ax.get_xaxis_transform(),
        label="spikes",
    )
    ax.set_ylim(bottom=0)
    ax.spines["bottom"].set_position(("axes", -0.12))
    ax.set_xlabel("time (s)")
    ax.set_ylabel("rate (Hz)")
    legend_above(ax, 4, title)
    return ax


@styled
def plot_rate_rows(
    times_s: np.ndarray, rates_hz: Mapping[str, np.ndarray], spike_times_s: np.ndarray
) -> Figure:
    """Draw `plot_predicted_rates` for one model above the other, all on one scale.

    Parameters
    ----------
    times_s, rates_hz, spike_times_s
        As there, of one model at least.

    Examples
    --------
    >>> rates_hz = {"ln": np.array([5.0, 9.0]), "glm": np.array([1.0, 20.0])}
    >>> len(plot_rate_rows(np.array([0.0, 0.1]), rates_hz, np.array([0.1])).axes)
    2
    """
    figure = new_figure(WIDE_IN, 1.9 * len(rates_hz) + 0.3)
    rows = figure.subplots(len(rates_hz), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (name, values) in zip(rows, rates_hz.items(), strict=True):
        plot_predicted_rates(times_s, {name: values}, spike_times_s, ax=ax)
        ax.label_outer()
    highest = max(np.max(values, initial=0.0) for values in rates_hz.values())
    rows[0].set_ylim(0, 1.05 * highest or None)
    return figure
