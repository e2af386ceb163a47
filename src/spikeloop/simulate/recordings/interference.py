"""What all channels of a recording pick up alike: artefacts and the hum of the mains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.layers import ARTEFACTS, BLOCK, HUM

if TYPE_CHECKING:
    from jaxtyping import Float32


@dataclass(frozen=True)
class Interference:
    """Artefacts at random times, and a sinusoid; each off at an amplitude or a rate of 0."""

    artefact_rate_hz: float = 0.0
    """How many artefacts a second has on average: a Poisson process."""
    artefact_uV: float = 500.0
    """The peak of an artefact; its sign is random."""
    artefact_duration_s: float = 0.005
    """Time in which an artefact rises to its peak and falls to 4 % of it."""
    hum_uV: float = 0.0
    """Amplitude of the hum."""
    hum_hz: float = 50.0
    """Frequency of the hum."""

    def __post_init__(self) -> None:
        for name in ("artefact_rate_hz", "artefact_uV", "hum_uV"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value >= 0, f"{name}={value}: give 0 or more.")
        for name in ("artefact_duration_s", "hum_hz"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value > 0, f"{name}={value}: give more than 0.")


@dataclass(frozen=True, eq=False)
class ArtefactLayer:
    r"""Artefacts :math:`a\,(t/\tau)\,e^{1 - t/\tau}`, with tau a sixth of the duration."""

    times_s: np.ndarray
    """(artefact,) when each begins, in seconds, ascending."""
    amplitudes_uV: np.ndarray
    """(artefact,) the peak of each, with its sign."""
    duration_s: float
    sample_rate_hz: float

    @classmethod
    def of(
        cls, method: Interference, duration_s: float, sample_rate_hz: float, *, seed: int
    ) -> "ArtefactLayer":
        """Draw the artefacts of a recording of `duration_s`."""
        rng = block_rng(seed, ARTEFACTS, 0)
        times_s = np.sort(
            rng.uniform(0, duration_s, rng.poisson(method.artefact_rate_hz * duration_s))
        )
        amplitudes_uV = method.artefact_uV * rng.choice([-1.0, 1.0], len(times_s))
        return cls(times_s, amplitudes_uV, method.artefact_duration_s, sample_rate_hz)

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the artefacts of one block, in place."""
        start_s, stop_s = np.array([block, block + 1]) * BLOCK / self.sample_rate_hz
        lasting_s = 5 * self.duration_s  # to 1e-11 of the peak
        near = slice(*np.searchsorted(self.times_s, [start_s - lasting_s, stop_s]))
        if near.start == near.stop:
            return
        sample_s = (block * BLOCK + np.arange(BLOCK)) / self.sample_rate_hz
        age = (sample_s[:, None] - self.times_s[near]) / (self.duration_s / 6)
        seen = (age > 0) & (age < 30)
        shape = np.where(seen, age * np.exp(1 - age, where=seen, out=np.zeros_like(age)), 0)
        traces_uV += (shape @ self.amplitudes_uV[near]).astype(np.float32)[:, None]


@dataclass(frozen=True, eq=False)
class HumLayer:
    """A sinusoid of random phase."""

    method: Interference
    sample_rate_hz: float
    phase: float

    @classmethod
    def of(cls, method: Interference, sample_rate_hz: float, *, seed: int) -> "HumLayer":
        """Draw the phase."""
        return cls(method, sample_rate_hz, 2 * np.pi * block_rng(seed, HUM, 0).random())

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the hum of one block, in place."""
        cycles = (block * BLOCK + np.arange(BLOCK)) * (self.method.hum_hz / self.sample_rate_hz)
        hum_uV = self.method.hum_uV * np.sin(2 * np.pi * (cycles % 1) + self.phase)
        traces_uV += hum_uV.astype(np.float32)[:, None]
