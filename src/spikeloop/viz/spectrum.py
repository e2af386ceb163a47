"""How the power of traces is spread over frequencies."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from spikeloop.data.checks import as_vector, require
from spikeloop.viz.style import (
    BLUE,
    INK,
    NARROW_IN,
    axes_or_new,
    legend_above,
    plain_log_ticks,
    styled,
)


@styled
def plot_spectrum(
    frequencies_hz: np.ndarray, power: Mapping[str, np.ndarray], *, ax: Axes | None = None
) -> Axes:
    """Draw one or two power spectra over logarithmic axes; the second, as what is expected, thin.

    Parameters
    ----------
    frequencies_hz
        (frequency,) ascending; 0 is left out.
    power
        Name -> (frequency,) power density in uV² per Hz.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        A spectrum has not one value for each frequency, or there are more than two.

    Examples
    --------
    >>> plot_spectrum(np.array([0.0, 10.0, 100.0]), {"noise": np.ones(3)}).get_xlabel()
    'frequency (Hz)'
    """
    frequencies_hz = as_vector("frequencies_hz", frequencies_hz, float)
    require(1 <= len(power) <= 2, f"{len(power)} spectra: give one or two.")
    ax = axes_or_new(ax, NARROW_IN, 3.2)
    looks = ({"color": BLUE, "lw": 1.2}, {"color": INK, "lw": 0.9, "ls": "--"})
    for (name, values), look in zip(power.items(), looks, strict=False):
        values = as_vector(name, values, float)
        require(
            len(values) == len(frequencies_hz),
            f"{name} has {len(values)} values for {len(frequencies_hz)} frequencies.",
        )
        above = frequencies_hz > 0
        ax.loglog(frequencies_hz[above], values[above], label=name, **look)
    plain_log_ticks(ax.xaxis)
    plain_log_ticks(ax.yaxis)
    ax.set(xlabel="frequency (Hz)", ylabel="power density (µV²/Hz)")
    legend_above(ax, 1)
    return ax
