"""The layers of a spiking network: their settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real

from spikeloop.data.checks import is_whole, require
from spikeloop.data.settings import require_settings
from spikeloop.neurons.lif import LIF
from spikeloop.neurons.model import Neuron, NeuronModel


def unit_lif(tau_ms: float = 5.0) -> LIF:
    """Return leaky neurons that rest at 0, and fire and are reset to 0 at 1.

    >>> unit_lif(2.0).tau_ms
    2.0
    """
    return LIF(tau_ms=tau_ms, v_rest=0.0, v_threshold=1.0, v_reset=0.0)


@dataclass(frozen=True)
class SpikingLayer:
    """Neurons that all hear the layer below and, where they are recurrent, the layer itself.

    A spike moves the potential of whom it reaches by the weight: from the layer below in the same
    tick, within the layer in the next.
    """

    size: int = 30
    """How many neurons there are."""
    neuron: NeuronModel = field(default_factory=unit_lif)
    """What they are: `LIF`, `AdaptiveLIF`, or a `Neuron` of your own. Parameters may be one number,
    one for each neuron, or a distribution."""
    recurrent: bool = False
    """Whether they hear each other, and themselves."""
    trainable: tuple[str, ...] = ()
    """Parameters of the neurons that training changes too, such as ``("tau_ms",)``."""
    connection_probability: float = 1.0
    """Of each synapse from the layer below, and within, to exist; drawn once."""
    dropout: float = 0.0
    """Share of the spikes that are lost, on their way up, while training."""
    longest_delay_ms: float = 0.0
    """Synapses from the layer below have delays from 0 up to this, which training changes; 0: none
    have."""

    def __post_init__(self) -> None:
        require(
            is_whole(self.size) and self.size >= 1,
            f"size={self.size!r}: it must be a whole number, 1 or more.",
        )
        require(
            isinstance(self.recurrent, bool),
            f"recurrent={self.recurrent!r}: it must be True or False.",
        )
        require(
            isinstance(self.connection_probability, Real) and 0 < self.connection_probability <= 1,
            f"connection_probability={self.connection_probability!r}: it must be above 0 and at "
            "most 1.",
        )
        require(
            isinstance(self.dropout, Real) and 0 <= self.dropout < 1,
            f"dropout={self.dropout!r}: it must be 0 or more, below 1.",
        )
        require(
            isinstance(self.longest_delay_ms, Real) and 0 <= self.longest_delay_ms < math.inf,
            f"longest_delay_ms={self.longest_delay_ms!r}: it must be 0 or more.",
        )
        require(
            not isinstance(self.neuron, type) and callable(getattr(self.neuron, "neuron", None)),
            f"neuron={self.neuron!r}: give a neuron, such as LIF().",
        )
        require(
            isinstance(self.trainable, tuple)
            and all(isinstance(name, str) for name in self.trainable)
            and len(set(self.trainable)) == len(self.trainable),
            f"trainable={self.trainable!r}: give a tuple of names, such as ('tau_ms',), each once.",
        )
        neuron = self.made()
        unknown = [name for name in self.trainable if name not in neuron.parameters]
        require(
            not unknown,
            f"trainable={self.trainable}: the neuron has no parameter {', '.join(unknown)}; it has "
            f"{', '.join(neuron.parameters)}.",
        )
        require(not neuron.random, "neurons that draw random numbers cannot be trained here.")

    def made(self) -> Neuron:
        """Return the neuron."""
        return self.neuron.neuron()


@dataclass(frozen=True)
class LeakyReadout:
    r"""One leaky integrator for each class, whose mean over time is the network's answer.

    With :math:`v_t = \alpha v_{t-1} + \sum_i w_{ik} s_{it}` and :math:`\alpha = e^{-\Delta/\tau}`
    the mean over :math:`T` ticks is a weighted sum of spikes,

    .. math:: \frac{1}{T} \sum_t \frac{1 - \alpha^{T - t}}{1 - \alpha} \sum_i w_{ik} s_{it}

    so that nothing needs to be integrated while training.
    """

    tau_ms: float = 5.0
    """Time constant of the integrators."""
    trainable: bool = False
    """Whether training changes it."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.tau_ms > 0, f"tau_ms={self.tau_ms}: it must be above 0.")
