"""How gradients pass through spikes, and the resets that follow them."""

from dataclasses import dataclass, field

import jax.numpy as jnp
from jax import lax

from spikeloop.neurons.surrogate import Surrogate, smooth_spikes


@dataclass(frozen=True)
class SpikeGradient:
    """How gradients pass through spikes, and through the resets that follow them."""

    surrogate: Surrogate = field(default_factory=Surrogate)
    """What stands for the derivative of a spike."""
    detach_reset: bool = True
    """Whether gradients leave out that a spike resets the neuron. With resets of many mV they grow
    from spike to spike if it is not left out."""
    relaxed: bool = False
    """Whether spikes are smooth instead of 0 or 1, with their true derivative. For tests."""

    def spikes(self, spiked, state, p):
        """Return 1.0 for each neuron that fires, or what `relaxed` says."""
        return smooth_spikes(spiked, self.surrogate, relaxed=self.relaxed)(state, p)

    def reset(self, spikes, reset: tuple, after: tuple) -> list:
        """Return the state after resets, by as much as there are spikes."""
        if self.detach_reset:
            spikes = lax.stop_gradient(spikes)
        if self.relaxed:
            return [old + spikes * (new - old) for new, old in zip(reset, after, strict=True)]
        through = spikes - lax.stop_gradient(spikes)  # 0, with the gradient of the spikes
        return [
            jnp.where(spikes > 0.5, new, old) + through * lax.stop_gradient(new - old)
            for new, old in zip(reset, after, strict=True)
        ]
