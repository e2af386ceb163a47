"""Receptors: how the spikes that arrive become a current."""

from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np

from spikeloop.data.checks import require


@dataclass(frozen=True)
class Exponential:
    r"""A conductance, or a current, that a spike raises at once and that decays exponentially.

    A spike that arrives over a synapse of weight :math:`w` does :math:`g \leftarrow g + w`; then
    :math:`\tau g' = -g`. The neuron receives the current :math:`g (E - v)` where there is a
    reversal potential :math:`E`, and :math:`g` where there is none.

    >>> Exponential(tau_ms=5.0, reversal=0.0).is_conductance
    True
    """

    tau_ms: float = 5.0
    """Time constant of the decay."""
    reversal: float | None = None
    """Reversal potential in the unit of the potential, or None for a current."""
    integrator: Literal["euler", "exact"] = "exact"
    """Decay by the factor exp(-dt / tau), or by 1 - dt / tau."""

    def __post_init__(self) -> None:
        _check(self.tau_ms, self.reversal)
        require(
            self.integrator in ("euler", "exact"),
            f"integrator={self.integrator!r}: choose euler or exact.",
        )

    @property
    def is_conductance(self) -> bool:
        """Whether there is a reversal potential."""
        return self.reversal is not None

    def decay(self, dt_ms: float) -> float:
        """Return the factor by which it decays in a tick."""
        if self.integrator == "euler":
            return 1 - dt_ms / self.tau_ms
        return float(np.exp(-dt_ms / self.tau_ms))


@dataclass(frozen=True)
class Alpha:
    r"""A conductance, or a current, that rises and falls as an alpha function.

    A spike of weight :math:`w` that arrived at time 0 adds :math:`w \frac{t}{\tau} e^{1 - t/\tau}`,
    which has its peak :math:`w` at :math:`\tau`. Integrated exactly from tick to tick.

    >>> Alpha(tau_ms=2.0).is_conductance
    False
    """

    tau_ms: float = 2.0
    """Time to the peak."""
    reversal: float | None = None
    """Reversal potential in the unit of the potential, or None for a current."""

    def __post_init__(self) -> None:
        _check(self.tau_ms, self.reversal)

    @property
    def is_conductance(self) -> bool:
        """Whether there is a reversal potential."""
        return self.reversal is not None


@dataclass(frozen=True)
class Jump:
    r"""A spike moves the potential at once: :math:`v \leftarrow v + w`.

    >>> Jump().is_conductance
    False
    """

    @property
    def is_conductance(self) -> bool:
        """A jump has no conductance."""
        return False


Receptor = Exponential | Alpha | Jump


def _check(tau_ms: float, reversal: float | None) -> None:
    require(
        isinstance(tau_ms, Real) and 0 < tau_ms < np.inf,
        f"tau_ms={tau_ms!r}: it must be above 0, one number for all.",
    )
    require(
        reversal is None or (isinstance(reversal, Real) and bool(np.isfinite(reversal))),
        f"reversal={reversal!r}: give a potential, one for all, or None for a current.",
    )
