"""The adaptive exponential integrate-and-fire neuron."""

from dataclasses import dataclass

from spikeloop.neurons.functions import exp, minimum
from spikeloop.neurons.model import Neuron, Value, require_above_zero


@dataclass(frozen=True)
class AdEx:
    r"""Adaptive exponential integrate-and-fire neuron: a soft threshold, and an adaptation current.

    .. math::
        C v' &= -g_L (v - E_L) + g_L \Delta_T e^{(v - V_T) / \Delta_T} - w + I - G v \\
        \tau_w w' &= a (v - E_L) - w

    in mV, ms, pF, nS and pA, by Euler steps. A spike at :math:`v \ge v_{peak}` sets :math:`v
    \leftarrow v_{reset}` and :math:`w \leftarrow w + b`. The potential is cut off at the peak,
    which the exponential would otherwise leave far behind in one step.

    Source: Brette and Gerstner 2005, Journal of Neurophysiology 94:3637. The firing patterns are
    those of Naud, Marcille, Clopath and Gerstner 2008, Biological Cybernetics 99:335, table 1;
    each is seen at the current that its method names.

    >>> AdEx.bursting().b
    100.0
    """

    capacitance_pF: Value = 281.0
    """Of the membrane."""
    leak_nS: Value = 30.0
    """Conductance of the leak."""
    v_rest: Value = -70.6
    """Reversal potential of the leak, in mV."""
    v_threshold: Value = -50.4
    """Where the exponential takes over, in mV."""
    slope_mV: Value = 2.0
    """How sharply it does."""
    v_peak: Value = 20.0
    """A spike happens at or above it, in mV."""
    v_reset: Value = -70.6
    """Potential after a spike, in mV."""
    tau_adaptation_ms: Value = 144.0
    """Time constant of the adaptation current."""
    a: Value = 4.0
    """How strongly the adaptation current follows the potential, in nS."""
    b: Value = 80.5
    """What a spike adds to the adaptation current, in pA."""
    refractory_ms: float = 0.0
    """For how long the potential is held after a spike."""
    v_start: Value = -70.6
    """Potential at the start, in mV."""
    w_start: Value = 0.0
    """Adaptation current at the start, in pA."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        parameters = {
            name: getattr(self, name)
            for name in (
                *("capacitance_pF", "leak_nS", "v_rest", "v_threshold", "slope_mV", "v_peak"),
                *("v_reset", "tau_adaptation_ms", "a", "b"),
            )
        }
        require_above_zero(self, "capacitance_pF", "leak_nS", "slope_mV")
        return Neuron(
            state={"v": self.v_start, "w": self.w_start},
            parameters=parameters,
            step=_step,
            spiked=_spiked,
            reset=_reset,
            refractory_ms=self.refractory_ms,
            time_constants_ms={"tau_adaptation_ms": self.tau_adaptation_ms},
        )

    @classmethod
    def tonic(cls) -> "AdEx":
        """Return a neuron that fires evenly, as at 500 pA."""
        return cls(**_pattern(200.0, 10.0, -70.0, -58.0), a=2.0, tau_adaptation_ms=30.0, b=0.0)

    @classmethod
    def adapting(cls) -> "AdEx":
        """Return a neuron whose intervals grow, as at 500 pA."""
        return cls(**_pattern(200.0, 12.0, -70.0, -58.0), a=2.0, tau_adaptation_ms=300.0, b=60.0)

    @classmethod
    def initial_burst(cls) -> "AdEx":
        """Return a neuron that begins with a burst and goes on evenly, as at 400 pA."""
        return cls(**_pattern(130.0, 18.0, -58.0, -50.0), a=4.0, tau_adaptation_ms=150.0, b=120.0)

    @classmethod
    def bursting(cls) -> "AdEx":
        """Return a neuron that fires in bursts, as at 210 pA."""
        return cls(**_pattern(200.0, 10.0, -58.0, -46.0), a=2.0, tau_adaptation_ms=120.0, b=100.0)


def _pattern(capacitance_pF: float, leak_nS: float, v_rest: float, v_reset: float) -> dict:
    return {
        "capacitance_pF": capacitance_pF,
        "leak_nS": leak_nS,
        "v_rest": v_rest,
        "v_threshold": -50.0,
        "v_peak": 0.0,
        "v_reset": v_reset,
        "v_start": v_rest,
    }


def _step(state, inputs, p, dt_ms):
    v, w = state
    current = inputs.current - inputs.conductance * v - w
    spike = p.slope_mV * exp((v - p.v_threshold) / p.slope_mV)
    slope = (p.leak_nS * (p.v_rest - v + spike) + current) / p.capacitance_pF
    w_slope = (p.a * (v - p.v_rest) - w) / p.tau_adaptation_ms
    return minimum(v + dt_ms * slope, p.v_peak), w + dt_ms * w_slope


def _spiked(state, p):
    return state[0] >= p.v_peak


def _reset(state, p):
    return p.v_reset, state[1] + p.b
