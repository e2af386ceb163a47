"""The leaky integrate-and-fire neuron."""

from dataclasses import dataclass
from typing import Literal

from spikeloop.data.checks import require
from spikeloop.neurons.functions import expm1
from spikeloop.neurons.model import Neuron, Value


@dataclass(frozen=True)
class LIF:
    r"""Leaky integrate-and-fire neuron, driven by currents or conductances.

    .. math:: \tau v' = v_{rest} - v + R (I - G v)

    with :math:`I` the summed current and :math:`G` the summed conductance of its receptors. A spike
    at :math:`v \ge v_{th}` resets :math:`v`, which is then held for the refractory time. Without a
    refractory time a constant current fires it at the rate
    :math:`1 / (\tau \ln \frac{R I + v_{rest} - v_{reset}}{R I + v_{rest} - v_{th}})`.

    Source: Gerstner, Kistler, Naud and Paninski 2014, Neuronal Dynamics, section 1.3.

    >>> LIF(tau_ms=10.0).neuron().parameters["tau_ms"]
    10.0
    """

    tau_ms: Value = 20.0
    """Membrane time constant."""
    v_rest: Value = -65.0
    """Potential at rest, in mV."""
    v_threshold: Value = -50.0
    """A spike happens at or above it, in mV."""
    v_reset: Value = -65.0
    """Potential after a spike, in mV; not used where the reset is by subtraction."""
    resistance: Value = 1.0
    """mV per unit of current; a unit of conductance times this has no dimension."""
    refractory_ms: float = 0.0
    """For how long the potential is held after a spike."""
    reset: Literal["value", "subtraction"] = "value"
    """To `v_reset`, or down by threshold minus rest."""
    integrator: Literal["euler", "exponential_euler"] = "exponential_euler"
    """Exponential Euler is exact for inputs that are constant in a tick."""
    spike_lag: int = 0
    """0: the threshold is tested after the step; 1: before it."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        steps = {"euler": euler_step, "exponential_euler": exponential_euler_step}
        resets = {"value": _to_value, "subtraction": _by_subtraction}
        require(
            self.integrator in steps,
            f"integrator={self.integrator!r}: choose one of {', '.join(steps)}.",
        )
        require(self.reset in resets, f"reset={self.reset!r}: choose one of {', '.join(resets)}.")
        names = ("tau_ms", "v_rest", "v_threshold", "v_reset", "resistance")
        return Neuron(
            state={"v": self.v_rest},
            parameters={name: getattr(self, name) for name in names},
            step=steps[self.integrator],
            spiked=_spiked,
            reset=resets[self.reset],
            refractory_ms=self.refractory_ms,
            spike_lag=self.spike_lag,
            time_constants_ms={"tau_ms": self.tau_ms},
        )


def euler_step(state, inputs, p, dt_ms):
    """Return the leaky potential after a step of Euler."""
    (v,) = state
    drive = p.resistance * (inputs.current - inputs.conductance * v)
    return (v + dt_ms / p.tau_ms * (p.v_rest - v + drive),)


def exponential_euler_step(state, inputs, p, dt_ms):
    """Return the leaky potential after a step that is exact for constant inputs."""
    (v,) = state
    leak = 1 + p.resistance * inputs.conductance
    v_infinity = (p.v_rest + p.resistance * inputs.current) / leak
    return (v + (v - v_infinity) * expm1(-dt_ms / p.tau_ms * leak),)


def _spiked(state, p):
    return state[0] >= p.v_threshold


def _to_value(state, p):
    return (p.v_reset,)


def _by_subtraction(state, p):
    return (state[0] - (p.v_threshold - p.v_rest),)
