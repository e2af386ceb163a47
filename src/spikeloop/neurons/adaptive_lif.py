"""The leaky integrate-and-fire neuron whose threshold adapts."""

from dataclasses import dataclass
from typing import Literal

from spikeloop.data.checks import require
from spikeloop.neurons.functions import expm1
from spikeloop.neurons.lif import euler_step, exponential_euler_step
from spikeloop.neurons.model import Neuron, Value


@dataclass(frozen=True)
class AdaptiveLIF:
    r"""Leaky integrate-and-fire neuron whose threshold rises with each spike, and relaxes.

    .. math:: \tau v' = v_{rest} - v + R (I - G v), \qquad \tau_a a' = -a

    A spike at :math:`v \ge v_{th} + a` resets :math:`v` and adds a step to :math:`a`, so that the
    neuron remembers its spikes for :math:`\tau_a`.

    Source: Bellec, Salaj, Subramoney, Legenstein and Maass 2018, Long short-term memory and
    learning-to-learn in networks of spiking neurons, NeurIPS 31.

    >>> list(AdaptiveLIF().neuron().state)
    ['v', 'a']
    """

    tau_ms: Value = 20.0
    """Membrane time constant."""
    v_rest: Value = -65.0
    """Potential at rest, in mV."""
    v_threshold: Value = -50.0
    """Threshold of a neuron that has long been silent, in mV."""
    v_reset: Value = -65.0
    """Potential after a spike, in mV; not used where the reset is by subtraction."""
    resistance: Value = 1.0
    """mV per unit of current; a unit of conductance times this has no dimension."""
    tau_adaptation_ms: Value = 200.0
    """Time constant with which the threshold relaxes."""
    threshold_step: Value = 2.0
    """What a spike adds to the threshold, in mV."""
    refractory_ms: float = 0.0
    """For how long the potential is held after a spike."""
    reset: Literal["value", "subtraction"] = "value"
    """To `v_reset`, or down by the present threshold minus rest."""
    integrator: Literal["euler", "exponential_euler"] = "exponential_euler"
    """Exponential Euler is exact for inputs that are constant in a tick."""
    spike_lag: int = 0
    """0: the threshold is tested after the step; 1: before it."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        steps = {"euler": _euler, "exponential_euler": _exponential_euler}
        resets = {"value": _to_value, "subtraction": _by_subtraction}
        require(
            self.integrator in steps,
            f"integrator={self.integrator!r}: choose one of {', '.join(steps)}.",
        )
        require(self.reset in resets, f"reset={self.reset!r}: choose one of {', '.join(resets)}.")
        names = (
            *("tau_ms", "v_rest", "v_threshold", "v_reset", "resistance"),
            *("tau_adaptation_ms", "threshold_step"),
        )
        return Neuron(
            state={"v": self.v_rest, "a": 0.0},
            parameters={name: getattr(self, name) for name in names},
            step=steps[self.integrator],
            spiked=_spiked,
            reset=resets[self.reset],
            refractory_ms=self.refractory_ms,
            spike_lag=self.spike_lag,
            time_constants_ms={
                "tau_ms": self.tau_ms,
                "tau_adaptation_ms": self.tau_adaptation_ms,
            },
        )


def _euler(state, inputs, p, dt_ms):
    v, a = state
    (v_after,) = euler_step((v,), inputs, p, dt_ms)
    return v_after, a - dt_ms / p.tau_adaptation_ms * a


def _exponential_euler(state, inputs, p, dt_ms):
    v, a = state
    (v_after,) = exponential_euler_step((v,), inputs, p, dt_ms)
    return v_after, a + a * expm1(-dt_ms / p.tau_adaptation_ms)


def _spiked(state, p):
    return state[0] >= p.v_threshold + state[1]


def _to_value(state, p):
    return p.v_reset, state[1] + p.threshold_step


def _by_subtraction(state, p):
    v, a = state
    return v - (p.v_threshold + a - p.v_rest), a + p.threshold_step
