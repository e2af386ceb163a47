"""Spike trains cut into trials and ticks."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import frozen, require
from spikeloop.data.epochs import Epochs
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.errors import SpikeloopWarning
from spikeloop.numerics.binning import count_in_bins

if TYPE_CHECKING:
    from jaxtyping import Bool

MOST_NUMBERS = 10**9
"""Trials times ticks times inputs. The trials of a part are constants of each program that draws
from it, at 8 ticks a byte: so many add 4 s and 250 MB to each of the few that are compiled.
"""
LOST_SHARE = 0.01
"""Spikes that share a tick with another of their unit are lost; more than this is told."""


def require_size(shape: tuple[int, ...]) -> None:
    """Refuse spikes that are none, or more than can be compiled for."""
    n_numbers = math.prod(shape)
    require(
        n_numbers > 0,
        f"spikes has shape {shape}: give one trial, one tick and one input at least.",
    )
    require(
        n_numbers <= MOST_NUMBERS,
        f"spikes has shape {shape}, {n_numbers:,} numbers: {MOST_NUMBERS:,} are the most that "
        "can be compiled for. Give longer ticks, or fewer trials or inputs.",
    )


def binned(
    trains: SpikeTrains, epochs: Epochs, dt_ms: float
) -> Bool[np.ndarray, "trial time input"]:
    """Return whether each unit fires in each tick of each epoch, and tell of spikes lost."""
    n_ticks = _n_ticks(trains, epochs, dt_ms)
    shape = len(epochs), n_ticks, trains.n_units
    require_size(shape)
    spikes = np.zeros(shape, bool)
    n_spikes = 0
    tick_s = dt_ms / 1000
    for trial, start_s in enumerate(epochs.start_s):
        # A tick more on either side, as spikes near an edge are for the count to place.
        nearby = slice(
            *np.searchsorted(trains.times_s, start_s + tick_s * np.array([-1, n_ticks + 1]))
        )
        counts = count_in_bins(
            trains.times_s[nearby],
            trains.unit_index[nearby],
            trains.n_units,
            start=start_s,
            rate=1000 / dt_ms,
            n_bins=n_ticks,
        )
        spikes[trial] = counts > 0
        n_spikes += int(counts.sum())
    n_lost = n_spikes - np.count_nonzero(spikes)
    if n_lost > LOST_SHARE * n_spikes:
        warnings.warn(
            f"{n_lost} of {n_spikes} spikes ({n_lost / n_spikes:.1%}) came in a tick in which "
            f"their unit had fired already, and are lost. Lower dt_ms={dt_ms}.",
            SpikeloopWarning,
            stacklevel=3,
        )
    return frozen(spikes)


def _n_ticks(trains: SpikeTrains, epochs: Epochs, dt_ms: float) -> int:
    """Return how many ticks each epoch has, or say why they make no trials."""
    for name, value, kind in (("trains", trains, SpikeTrains), ("epochs", epochs, Epochs)):
        require(
            isinstance(value, kind),
            f"{name} is a {type(value).__name__}: it must be {kind.__name__}.",
        )
    require(
        isinstance(dt_ms, Real) and 0 < dt_ms < math.inf,
        f"dt_ms={dt_ms!r}: it must be a finite number above 0.",
    )
    lasts_ms = 1000 * (epochs.stop_s - epochs.start_s)
    shortest, longest = int(lasts_ms.argmin()), int(lasts_ms.argmax())
    rounding_ms = 1e-6
    require(
        lasts_ms[longest] - lasts_ms[shortest] <= rounding_ms,
        f"epoch {shortest} lasts {lasts_ms[shortest]:g} ms and epoch {longest} "
        f"{lasts_ms[longest]:g} ms: all trials must be as long. Cut the longer ones.",
    )
    n_ticks = round(lasts_ms[0] / dt_ms)
    require(
        n_ticks >= 1 and abs(n_ticks * dt_ms - lasts_ms[0]) <= rounding_ms,
        f"dt_ms={dt_ms}: epochs of {lasts_ms[0]:g} ms hold {lasts_ms[0] / dt_ms:g} ticks of that, "
        "which must be a whole number. Choose another, or cut the epochs.",
    )
    for epoch in np.flatnonzero(~trains.epochs.contain(epochs.start_s, epochs.stop_s))[:1]:
        require(
            False,
            f"epoch {epoch}, {epochs.start_s[epoch]} to {epochs.stop_s[epoch]} s, was not observed "
            "whole: no spikes there do not mean that none were fired. Leave it out.",
        )
    return n_ticks
