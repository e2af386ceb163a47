"""Izhikevich's simple model of spiking neurons."""

from dataclasses import dataclass
from numbers import Real

from spikeloop.data.checks import require
from spikeloop.neurons.model import Neuron, Value


@dataclass(frozen=True)
class Izhikevich:
    r"""Izhikevich's neuron: two variables, and the firing patterns of cortical cells.

    .. math::
        v' = 0.04 v^2 + 5 v + 140 - u + I - G v, \qquad u' = a (b v - u)

    in mV and ms, by Euler steps; a spike at :math:`v \ge v_{peak}` sets :math:`v \leftarrow c` and
    :math:`u \leftarrow u + d`.

    Source: Izhikevich 2003, IEEE Transactions on Neural Networks 14:1569.

    The methods named after firing patterns give the parameters of the paper's figure 2, where the
    injected current is 10.

    >>> Izhikevich.fast_spiking().a
    0.1
    """

    a: Value = 0.02
    """Rate of recovery, per ms."""
    b: Value = 0.2
    """How strongly recovery follows the potential."""
    c: Value = -65.0
    """Potential after a spike, in mV."""
    d: Value = 8.0
    """What a spike adds to the recovery variable."""
    v_peak: Value = 35.0
    """A spike ends at or above it, in mV: 35 as in Izhikevich 2007, Dynamical Systems in
    Neuroscience, chapter 8; the paper of 2003, and the methods named after patterns, have 30."""
    v_start: Value = -70.0
    """Potential at the start, in mV."""
    u_start: Value = -14.0
    """Recovery variable at the start."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        numbers = isinstance(self.c, Real) and isinstance(self.v_peak, Real)
        require(
            not numbers or self.c < self.v_peak,
            f"c={self.c}: the reset must lie below the peak of a spike, v_peak={self.v_peak}.",
        )
        return Neuron(
            state={"v": self.v_start, "u": self.u_start},
            parameters={name: getattr(self, name) for name in ("a", "b", "c", "d", "v_peak")},
            step=_step,
            spiked=_spiked,
            reset=_reset,
            time_constants_ms={"upswing_ms": 1.0},
        )

    @classmethod
    def regular_spiking(cls) -> "Izhikevich":
        """Return an excitatory cell whose intervals grow at first."""
        return cls(**_published(0.02, 0.2, -65.0, 8.0))

    @classmethod
    def intrinsically_bursting(cls) -> "Izhikevich":
        """Return an excitatory cell that begins with a burst, and goes on with single spikes."""
        return cls(**_published(0.02, 0.2, -55.0, 4.0))

    @classmethod
    def chattering(cls) -> "Izhikevich":
        """Return an excitatory cell that fires bursts of closely spaced spikes."""
        return cls(**_published(0.02, 0.2, -50.0, 2.0))

    @classmethod
    def fast_spiking(cls) -> "Izhikevich":
        """Return an inhibitory cell that fires at high rates without adapting."""
        return cls(**_published(0.1, 0.2, -65.0, 2.0))

    @classmethod
    def low_threshold_spiking(cls) -> "Izhikevich":
        """Return an inhibitory cell that fires at high rates and adapts."""
        return cls(**_published(0.02, 0.25, -65.0, 2.0))

    @classmethod
    def thalamo_cortical(cls) -> "Izhikevich":
        """Return a cell that fires evenly from rest, and a burst when freed from inhibition."""
        return cls(**_published(0.02, 0.25, -65.0, 0.05))

    @classmethod
    def resonator(cls) -> "Izhikevich":
        """Return a cell whose potential rings, and which a well timed pulse sets firing."""
        return cls(**_published(0.1, 0.26, -65.0, 2.0))


def _published(a: float, b: float, c: float, d: float) -> dict[str, float]:
    """Return the settings that the paper's own simulations begin with."""
    v = -65.0
    return {"a": a, "b": b, "c": c, "d": d, "v_peak": 30.0, "v_start": v, "u_start": b * v}


def _step(state, inputs, p, dt_ms):
    v, u = state
    current = inputs.current - inputs.conductance * v
    slope = (0.04 * v + 5.0) * v + 140.0 - u + current
    return v + dt_ms * slope, u + dt_ms * p.a * (p.b * v - u)


def _spiked(state, p):
    return state[0] >= p.v_peak


def _reset(state, p):
    return p.c, state[1] + p.d
