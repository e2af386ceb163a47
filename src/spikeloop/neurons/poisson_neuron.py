"""A neuron that fires at random."""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from spikeloop.neurons.functions import expm1, where
from spikeloop.neurons.model import Neuron, Value


@dataclass(frozen=True)
class PoissonNeuron:
    r"""Neuron that fires at random, at a rate to which its inputs add.

    In a tick it fires with the probability :math:`1 - e^{-r \, dt}` of at least one event of a
    Poisson process of rate :math:`r`, the sum of `rate_hz` and of the current, a number of Hz too.
    A rate below 0 is none. Spikes come once a tick at most, so :math:`r \, dt` should be small.

    >>> PoissonNeuron(rate_hz=5.0).neuron().random
    True
    """

    rate_hz: Value = 10.0
    """Rate without input."""
    refractory_ms: float = 0.0
    """For how long it is silent after a spike."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
        known = isinstance(self.rate_hz, Real | np.ndarray)
        highest_hz = float(np.max(self.rate_hz, initial=0.0)) if known else 0.0
        return Neuron(
            state={"fires": 0.0},
            parameters={"rate_hz": self.rate_hz},
            step=_step,
            spiked=_spiked,
            reset=_reset,
            refractory_ms=self.refractory_ms,
            random=True,
            time_constants_ms={"1 / rate_hz": 1000 / highest_hz} if highest_hz > 0 else {},
        )


def _step(state, inputs, p, dt_ms):
    expected = (p.rate_hz + inputs.current) * dt_ms * 0.001
    return (where(inputs.uniform < -expm1(-expected), 1.0, 0.0),)


def _spiked(state, p):
    return state[0] > 0.5


def _reset(state, p):
    return (0.0 * state[0],)
