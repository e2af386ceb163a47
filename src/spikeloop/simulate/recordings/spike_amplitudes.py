"""How the amplitude of a unit varies from spike to spike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import SpikeTrains
from spikeloop.data.checks import require
from spikeloop.numerics.block_noise import block_rng
from spikeloop.simulate.recordings.layers import AMPLITUDES

if TYPE_CHECKING:
    from jaxtyping import Float32


@dataclass(frozen=True)
class AmplitudeModel:
    """Random variation, and fatigue in bursts; each is off at 0."""

    variation: float = 0.07
    """Standard deviation of the amplitude relative to its mean: lognormal, of mean 1."""
    burst_drop: float = 0.15
    """Share of its amplitude that a unit loses by each spike."""
    burst_recovery_s: float = 0.02
    """Time constant with which the loss is made good."""

    def __post_init__(self) -> None:
        require(
            bool(np.isfinite(self.variation)) and self.variation >= 0,
            f"variation={self.variation}: a standard deviation is 0 or more.",
        )
        require(
            0 <= self.burst_drop < 1,
            f"burst_drop={self.burst_drop}: give a share of the amplitude, 0 or more, below 1.",
        )
        require(
            bool(np.isfinite(self.burst_recovery_s)) and self.burst_recovery_s > 0,
            f"burst_recovery_s={self.burst_recovery_s}: a time constant is above 0.",
        )


def spike_amplitudes(
    spikes: SpikeTrains, method: AmplitudeModel, *, seed: int
) -> Float32[np.ndarray, " spike"]:
    r"""Return the factor on the template of each spike.

    Just before spike i of a unit, :math:`\Delta` after the one before, what is left is

    .. math:: a_i = 1 - (1 - (1 - d)\, a_{i-1})\, e^{-\Delta / \tau}, \qquad a_0 = 1,

    which is multiplied by a lognormal number of mean 1. Each unit has its own random numbers:
    adding units does not change those before them.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({0: [0.1, 0.105, 0.9]}, Epochs([0.0], [1.0]))
    >>> spike_amplitudes(spikes, AmplitudeModel(0.0, 0.5, 0.01), seed=1).round(2).tolist()
    [1.0, 0.699999988079071, 1.0]
    """
    from spikeloop.simulate.recordings.recording_kernels import depleted

    amplitudes = np.ones(len(spikes.times_s))
    if method.burst_drop > 0:
        amplitudes = depleted(
            spikes.times_s,
            spikes.unit_index,
            spikes.n_units,
            float(method.burst_drop),
            float(method.burst_recovery_s),
        )
    if method.variation > 0:
        log_variance = np.log1p(method.variation**2)
        by_unit = np.argsort(spikes.unit_index, kind="stable")
        draws = [
            block_rng(seed, AMPLITUDES, unit).normal(-log_variance / 2, np.sqrt(log_variance), n)
            for unit, n in enumerate(spikes.counts())
        ]
        amplitudes[by_unit] *= np.exp(np.concatenate([np.empty(0), *draws]))
    return amplitudes.astype(np.float32)
