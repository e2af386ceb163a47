"""How the tissue moves along the probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import as_array, as_vector, require, require_finite
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.layers import DRIFT

if TYPE_CHECKING:
    from jaxtyping import Float

_STEP_S = 0.1


@dataclass(frozen=True, eq=False)
class Drift:
    """Displacement of the tissue along the probe (y), over time and depth.

    Between times and between depths it changes linearly; beyond the ends it stays as at the ends.

    >>> drift = Drift([0.0, 10.0], [0.0, 100.0], [[0.0, 0.0], [10.0, 20.0]])
    >>> drift.at(np.array([5.0]), np.array([50.0])).tolist()
    [7.5]
    """

    times_s: np.ndarray
    """(time,) ascending, in seconds."""
    depths_um: np.ndarray
    """(depth,) ascending y of the tissue at rest; one depth is a rigid drift."""
    displacement_um: np.ndarray
    """(time, depth) how far the tissue has moved towards larger y."""

    def __post_init__(self) -> None:
        times_s = as_vector("times_s", self.times_s, float)
        depths_um = as_vector("depths_um", self.depths_um, float)
        displacement_um = as_array(
            "displacement_um", self.displacement_um, ("time", "depth"), float
        )
        wanted = (len(times_s), len(depths_um))
        require(
            displacement_um.shape == wanted and displacement_um.size > 0,
            f"displacement_um has shape {displacement_um.shape}: {wanted[0]} times_s and "
            f"{wanted[1]} depths_um want {wanted}, and at least one of each.",
        )
        fields = {"times_s": times_s, "depths_um": depths_um, "displacement_um": displacement_um}
        for name, values in fields.items():
            require_finite(name, values)
            object.__setattr__(self, name, values)
        for name in ("times_s", "depths_um"):
            require(bool(np.all(np.diff(fields[name]) > 0)), f"{name} does not ascend: sort it.")

    def __repr__(self) -> str:
        low_um, high_um = self.displacement_um.min(), self.displacement_um.max()
        return (
            f"Drift({len(self.times_s)} times x {len(self.depths_um)} depths, {low_um:.3g}.."
            f"{high_um:.3g} um)"
        )

    def at(
        self, times_s: Float[np.ndarray, " spike"], depths_um: Float[np.ndarray, " spike"]
    ) -> Float[np.ndarray, " spike"]:
        """Return the displacement in um at each time, of tissue that rests at each depth."""
        early, late = _neighbours(self.times_s, times_s)
        deep, shallow = _neighbours(self.depths_um, depths_um)
        table, total = self.displacement_um, 0.0
        for row, row_share in (early, late):
            for column, column_share in (deep, shallow):
                total = total + row_share * column_share * table[row, column]
        return total


def _neighbours(grid: np.ndarray, places: np.ndarray) -> tuple[tuple, tuple]:
    """Return the grid points on either side of each place, each with its share."""
    exact = np.interp(places, grid, np.arange(len(grid)))
    below = np.minimum(exact.astype(np.int64), max(len(grid) - 2, 0))
    share = exact - below
    return (below, 1 - share), (np.minimum(below + 1, len(grid) - 1), share)


@dataclass(frozen=True)
class DriftModel:
    """A drift made of a slope, a wave, jumps and a random walk; each is off at 0."""

    slope_um_per_min: float = 0.0
    """A steady drift."""
    wave_um: float = 0.0
    """Amplitude of a sinusoid."""
    wave_period_s: float = 60.0
    """Period of the sinusoid."""
    jump_um: float = 0.0
    """Standard deviation of sudden jumps."""
    jumps_per_min: float = 1.0
    """How many jumps a minute has on average."""
    walk_um: float = 0.0
    """Standard deviation of a random walk after one minute."""
    nonrigidity: float = 0.0
    """How much less tissue moves at the upper end of the probe than at the lower: 0 alike, 1 not
    at all."""

    def __post_init__(self) -> None:
        for name in ("slope_um_per_min", "wave_um"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)), f"{name}={value}: it must be finite.")
        for name in ("jump_um", "jumps_per_min", "walk_um"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value >= 0, f"{name}={value}: give 0 or more.")
        require(self.wave_period_s > 0, f"wave_period_s={self.wave_period_s}: give more than 0.")
        require(
            0 <= self.nonrigidity <= 1,
            f"nonrigidity={self.nonrigidity}: give 0 (all depths alike) to 1 (one end at rest).",
        )


def simulate_drift(
    duration_s: float, span_um: tuple[float, float], method: DriftModel, *, seed: int
) -> Drift:
    """Draw how tissue between two depths moves, ten times a second.

    Parameters
    ----------
    duration_s
        How long, from 0 s on.
    span_um
        Lower and upper end of the probe, in um.

    Examples
    --------
    >>> drift = simulate_drift(60.0, (0.0, 400.0), DriftModel(slope_um_per_min=6.0), seed=1)
    >>> drift.at(np.array([0.0, 60.0]), np.array([100.0, 100.0])).round(6).tolist()
    [0.0, 6.0]
    """
    times_s = np.linspace(0, duration_s, max(2, int(duration_s / _STEP_S) + 1))
    step_min = times_s[1] / 60
    rng = block_rng(seed, DRIFT, 0)
    walk = rng.normal(0, method.walk_um * np.sqrt(step_min), len(times_s))
    jumps = rng.poisson(method.jumps_per_min * step_min, len(times_s))
    jumped = rng.normal(0, 1, len(times_s)) * method.jump_um * np.sqrt(jumps)
    steps_um = walk + jumped
    steps_um[0] = 0.0
    wave_um = method.wave_um * np.sin(2 * np.pi * times_s / method.wave_period_s)
    path_um = np.cumsum(steps_um) + wave_um + method.slope_um_per_min * times_s / 60
    share = np.array([1.0, 1.0 - method.nonrigidity])
    low_um, high_um = span_um
    if high_um <= low_um:  # one row of contacts has one depth
        return Drift(times_s, [low_um], path_um[:, None])
    return Drift(times_s, [low_um, high_um], path_um[:, None] * share)
