"""The quadratic integrate-and-fire neuron."""

from dataclasses import dataclass

from spikeloop.neurons.functions import minimum
from spikeloop.neurons.model import Neuron, Value


@dataclass(frozen=True)
class QuadraticIF:
    r"""Quadratic integrate-and-fire neuron: the normal form of neurons that fire at any low rate.

    .. math:: \tau v' = k (v - v_{rest}) (v - v_{critical}) + R (I - G v)

    by Euler steps. A spike at :math:`v \ge v_{peak}`, where the potential is cut off, resets it.
    With :math:`m` the middle between rest and critical potential, :math:`d` half their distance and
    :math:`K = R I - k d^2 > 0`, a constant current fires it with the period
    :math:`\frac{\tau}{\sqrt{k K}} [\arctan \sqrt{k/K} (v - m)]_{v_{reset}}^{v_{peak}}`, which is
    about :math:`\pi \tau / \sqrt{k K}` where reset and peak are far apart.

    Source: Gerstner, Kistler, Naud and Paninski 2014, Neuronal Dynamics, section 5.3.

    >>> list(QuadraticIF().neuron().state)
    ['v']
    """

    tau_ms: Value = 20.0
    """Membrane time constant."""
    v_rest: Value = -65.0
    """Potential at rest, in mV."""
    v_critical: Value = -50.0
    """Above it the potential runs away without any current, in mV."""
    curvature: Value = 0.1
    """k, per mV."""
    v_peak: Value = 0.0
    """A spike happens at or above it, in mV."""
    v_reset: Value = -80.0
    """Potential after a spike, in mV."""
    resistance: Value = 1.0
    """mV per unit of current."""
    refractory_ms: float = 0.0
    """For how long the potential is held after a spike."""
    v_start: Value = -65.0
    """Potential at the start, in mV."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        names = ("tau_ms", "v_rest", "v_critical", "curvature", "v_peak", "v_reset", "resistance")
        return Neuron(
            state={"v": self.v_start},
            parameters={name: getattr(self, name) for name in names},
            step=_step,
            spiked=_spiked,
            reset=_reset,
            refractory_ms=self.refractory_ms,
            time_constants_ms={"tau_ms": self.tau_ms},
        )


def _step(state, inputs, p, dt_ms):
    (v,) = state
    drive = p.resistance * (inputs.current - inputs.conductance * v)
    slope = (p.curvature * (v - p.v_rest) * (v - p.v_critical) + drive) / p.tau_ms
    return (minimum(v + dt_ms * slope, p.v_peak),)


def _spiked(state, p):
    return state[0] >= p.v_peak


def _reset(state, p):
    return (p.v_reset,)
