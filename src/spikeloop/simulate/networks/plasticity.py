"""How the strength of a synapse depends on the spikes before: settings."""

from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np

from spikeloop.data.checks import require


@dataclass(frozen=True)
class STDP:
    r"""Plasticity by pairs of spikes, each arrival with each spike of the target neuron.

    Two traces decay exactly, :math:`\tau_+ x' = -x` and :math:`\tau_- y' = -y`. When a spike
    arrives, after its delay, :math:`w \leftarrow w - A_- s_-\, y` and then :math:`x \leftarrow
    x + 1`; when the target neuron fires, :math:`w \leftarrow w + A_+ s_+\, x` and then
    :math:`y \leftarrow y + 1`. The scales are :math:`s_- = s_+ = w_{max}` (additive), or
    :math:`s_- = w` and :math:`s_+ = w_{max} - w` (multiplicative). Weights stay within
    :math:`0..w_{max}`.

    In each tick arrivals come before spikes, so an arrival in the tick of a spike strengthens the
    synapse. An arriving spike transmits the weight that was there before it arrived.

    Source: Song, Miller and Abbott 2000, Nature Neuroscience 3:919 (additive); Rubin, Lee and
    Sompolinsky 2001, Physical Review Letters 86:364 (multiplicative).

    >>> STDP(w_max=0.5).a_plus
    0.01
    """

    tau_plus_ms: float = 20.0
    """How long an arrival is remembered."""
    tau_minus_ms: float = 20.0
    """How long a spike of the target neuron is remembered."""
    a_plus: float = 0.01
    """Strengthening by a pair at distance 0, as a part of the scale."""
    a_minus: float = 0.012
    """Weakening by a pair at distance 0, as a part of the scale."""
    w_max: float = 1.0
    """The largest weight."""
    rule: Literal["additive", "multiplicative"] = "additive"
    """Whether the scale is the largest weight, or how far the weight is from its limit."""

    def __post_init__(self) -> None:
        for name in ("tau_plus_ms", "tau_minus_ms", "w_max"):
            _require_above_0(name, getattr(self, name))
        for name in ("a_plus", "a_minus"):
            _require_0_or_more(name, getattr(self, name))
        require(
            self.rule in ("additive", "multiplicative"),
            f"rule={self.rule!r}: choose additive or multiplicative.",
        )


@dataclass(frozen=True)
class ShortTerm:
    r"""Depression and facilitation of all synapses of a neuron by its own spikes.

    A part :math:`x` of the resources is available, of which a spike uses a part :math:`u`. Between
    spikes :math:`\tau_{rec} x' = 1 - x` and :math:`\tau_{facil} u' = -u`, exactly. When the neuron
    fires, :math:`u \leftarrow u + U (1 - u)`; the spike transmits :math:`w\,u\,x`; then
    :math:`x \leftarrow x - u\,x`. At the start :math:`x = 1` and :math:`u = 0`, so the first spike
    transmits :math:`w\,U`. All this happens when the spike is emitted, before its delay.

    Source: Tsodyks, Pawelzik and Markram 1998, Neural Computation 10:821.

    >>> ShortTerm(u=0.1, tau_recovery_ms=100.0, tau_facilitation_ms=1000.0).u
    0.1
    """

    u: float = 0.5
    """The part of the resources that a first spike uses, :math:`U`."""
    tau_recovery_ms: float = 800.0
    """How long used resources take to recover."""
    tau_facilitation_ms: float = 0.0
    """How long a spike raises what the next ones use; 0 for no facilitation."""

    def __post_init__(self) -> None:
        ok = isinstance(self.u, Real) and 0 < self.u <= 1
        require(ok, f"u={self.u!r}: it must be above 0 and at most 1.")
        _require_above_0("tau_recovery_ms", self.tau_recovery_ms)
        _require_0_or_more("tau_facilitation_ms", self.tau_facilitation_ms)


def _require_above_0(name: str, value: float) -> None:
    ok = isinstance(value, Real) and 0 < value < np.inf
    require(ok, f"{name}={value!r}: it must be above 0.")


def _require_0_or_more(name: str, value: float) -> None:
    ok = isinstance(value, Real) and 0 <= value < np.inf
    require(ok, f"{name}={value!r}: it must be 0 or more.")
