"""Spikes of units that rest after each, fire in bursts, and differ in rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.data.checks import require
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.layers import INTERVALS, RATES

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Firing:
    """How often units fire, and how regularly."""

    rate_hz: float = 5.0
    """Median rate over units."""
    rate_spread: float = 0.8
    """Standard deviation of the logarithm of the rate: rates are lognormal."""
    refractory_s: float = 0.002
    """No interval between two spikes is shorter."""
    burst_chance: float = 0.1
    """Chance that a spike is followed by another one within a burst."""
    burst_mean_s: float = 0.003
    """Mean interval within a burst beyond the refractory time."""

    def __post_init__(self) -> None:
        for name in ("rate_hz", "burst_mean_s"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value > 0, f"{name}={value}: give more than 0.")
        for name in ("rate_spread", "refractory_s"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value >= 0, f"{name}={value}: give 0 or more.")
        require(
            self.rate_spread <= 5,
            f"rate_spread={self.rate_spread}: it is that of the logarithm, so give 5 or less.",
        )
        require(
            0 <= self.burst_chance < 1,
            f"burst_chance={self.burst_chance}: give a chance of 0 or more, below 1.",
        )


def renewal_spikes(n_units: int, duration_s: float, method: Firing, *, seed: int) -> SpikeTrains:
    r"""Draw spikes whose intervals are independent: a renewal process for each unit.

    An interval is the refractory time plus an exponential one: with the chance p of the burst's
    short mean, otherwise of the mean :math:`m` that gives the unit its rate r,

    .. math:: 1 / r = t_{ref} + p\, m_{burst} + (1 - p)\, m.

    Rates that would be too high for that are lowered to the highest possible, where m is as short
    as within a burst. Each process has been running for long when the recording starts. Adding
    units does not change those before them.

    Raises
    ------
    InvalidInputError
        There is no unit, or no time.

    Examples
    --------
    >>> spikes = renewal_spikes(3, 60.0, Firing(rate_hz=20.0), seed=1)
    >>> spikes.n_units, bool(np.diff(spikes.of_unit(0)).min() >= 0.002)
    (3, True)
    """
    require(n_units >= 1, f"n_units={n_units}: there must be at least one.")
    require(
        bool(np.isfinite(duration_s)) and duration_s > 0,
        f"duration_s={duration_s}: it must be above 0.",
    )
    trains = {}
    for unit in range(n_units):
        spread = method.rate_spread * block_rng(seed, RATES, unit).normal()
        rng = block_rng(seed, INTERVALS, unit)
        trains[unit] = _train(method.rate_hz * np.exp(spread), duration_s, method, rng)
    return SpikeTrains.from_units(trains, Epochs([0.0], [duration_s]))


def _train(
    rate_hz: float, duration_s: float, method: Firing, rng: np.random.Generator
) -> Float[np.ndarray, " spike"]:
    chance, short_s = method.burst_chance, method.burst_mean_s
    long_s = (1 / rate_hz - method.refractory_s - chance * short_s) / (1 - chance)
    long_s = max(long_s, short_s)
    mean_s = method.refractory_s + chance * short_s + (1 - chance) * long_s
    start_s = -20 * mean_s  # until the recording starts, the first spike is forgotten
    times_s = np.array([start_s])
    while times_s[-1] < duration_s:
        n = int((duration_s - times_s[-1]) / mean_s * 1.1) + 20
        mean = np.where(rng.random(n) < chance, short_s, long_s)
        intervals_s = method.refractory_s + rng.exponential(mean)
        times_s = np.append(times_s, times_s[-1] + np.cumsum(intervals_s))
    return times_s[(times_s >= 0) & (times_s < duration_s)]
