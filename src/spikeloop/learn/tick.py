"""A layer of neurons over time, and its gradient, with no product of matrices by weights in it.

What the input adds in each tick is computed for all ticks at once before, so that the loop over
time holds nothing but the neurons (and, in a recurrent layer, the product of the last spikes with
its weights). The gradient is a loop backwards that keeps only the states at the start of each tick,
and goes through the tick again; the gradient of recurrent weights is one product after it.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from spikeloop.data.checks import require
from spikeloop.neurons.model import Inputs, Neuron
from spikeloop.neurons.spike_gradient import SpikeGradient

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Array, Float

Numbers = dict[str, jax.Array]  # of a network or of its neurons, by name


class LayerState(NamedTuple):
    """All that a layer hands from one tick to the next."""

    variables: tuple[Float[Array, "trial unit"], ...]
    """The state of its neurons, the potential first."""
    held: Float[Array, "trial unit"] | None
    """For how many ticks more a neuron is refractory, where there is such a time."""
    spikes: Float[Array, "trial unit"] | None
    """Of the last tick, where the layer hears itself."""


@dataclass(frozen=True)
class Tick:
    """How one tick of a layer happens, in the order that `Neuron` tells; its numbers come apart.

    Equal ticks are compiled once.
    """

    step: Callable
    spiked: Callable
    reset: Callable
    variables: tuple[str, ...]
    """Names of the state of a neuron, the potential first."""
    parameters: tuple[str, ...]
    """Names of its parameters."""
    n_held: int
    """For how many ticks a spike makes it refractory."""
    spike_lag: int
    """Whether the threshold is tested on the state before the step."""
    dt_ms: float
    gradient: SpikeGradient
    """How gradients pass through its spikes."""
    recurrent: bool = False
    """Whether spikes reach the layer itself a tick later."""

    @classmethod
    def of(cls, neuron: Neuron, dt_ms: float, gradient: SpikeGradient, *, recurrent: bool) -> Tick:
        """Return the tick of a neuron."""
        n_held = round(neuron.refractory_ms / dt_ms)
        require(
            neuron.refractory_ms == 0 or n_held >= 1,
            f"refractory_ms={neuron.refractory_ms:g}: that is less than half a tick, of {dt_ms:g} "
            "ms, and would be none. Set it to 0, or lower dt_ms of the task.",
        )
        return cls(
            step=neuron.step,
            spiked=neuron.spiked,
            reset=neuron.reset,
            variables=tuple(neuron.state),
            parameters=tuple(neuron.parameters),
            n_held=n_held,
            spike_lag=neuron.spike_lag,
            dt_ms=dt_ms,
            gradient=gradient,
            recurrent=recurrent,
        )

    def start(self, numbers: Numbers, n_trials: int, size: int) -> LayerState:
        """Return the state before the first tick; `numbers` has the initial state by its names."""
        shape = (n_trials, size)
        variables = tuple(
            jnp.broadcast_to(numbers[f"start.{name}"], shape).astype(jnp.float32)
            for name in self.variables
        )
        none = jnp.zeros(shape, jnp.float32)
        return LayerState(
            variables, none if self.n_held else None, none if self.recurrent else None
        )

    def __call__(
        self, numbers: Numbers, state: LayerState, drive: Float[Array, "trial unit"]
    ) -> tuple[LayerState, Float[Array, "trial unit"]]:
        """Return the state after a tick in which the potential jumps by `drive`, and the spikes."""
        before, held = state.variables, state.held
        p = namedtuple("Parameters", self.parameters)(*(numbers[name] for name in self.parameters))
        none = jnp.zeros_like(drive)
        after = self.step(before, Inputs(none, none, none), p, self.dt_ms)
        v, *others = (jnp.broadcast_to(value, drive.shape) for value in after)
        v = v + drive
        if self.n_held:
            v = jnp.where(held > 0, before[0], v)
        after = (v, *others)
        spikes = self.gradient.spikes(self.spiked, before if self.spike_lag else after, p)
        if self.n_held:
            spikes = jnp.where(held > 0, 0.0, spikes)
            held = jnp.where(lax.stop_gradient(spikes) > 0.5, self.n_held, held - 1.0)
        reset = [jnp.broadcast_to(value, drive.shape) for value in self.reset(after, p)]
        variables = tuple(self.gradient.reset(spikes, reset, after))
        return LayerState(variables, held, spikes if self.recurrent else None), spikes


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def run_layer(
    tick: Tick,
    trained: Numbers,
    fixed: Numbers,
    recurrent: Float[Array, "unit unit"] | None,
    state: LayerState,
    drive: Float[Array, "time trial unit"],
) -> tuple[Float[Array, "time trial unit"], LayerState]:
    """Return the spikes of all ticks, and the state after the last.

    Parameters
    ----------
    tick
        What happens in a tick.
    trained, fixed
        Numbers of the neurons by name: those that get a gradient, and those that do not.
    recurrent
        (from, to) weights with which spikes of one tick add to the drive of the next; None where
        the tick is not recurrent.
    state
        Before the first tick.
    drive
        By how much the input moves the potentials in each tick.
    """
    return _forward(tick, trained, fixed, recurrent, state, drive)[0]


def _forward(
    tick: Tick,
    trained: Numbers,
    fixed: Numbers,
    recurrent: Array | None,
    state: LayerState,
    drive: Array,
) -> tuple[tuple, tuple]:
    numbers = trained | fixed

    def advance(before: LayerState, drive: Array) -> tuple[LayerState, tuple]:
        total = drive if recurrent is None else drive + before.spikes @ recurrent
        after, spikes = tick(numbers, before, total)
        return after, (spikes, before, None if recurrent is None else total)

    last, (spikes, before, totals) = lax.scan(advance, state, drive)
    kept = (trained, fixed, recurrent, before, drive if totals is None else totals)
    return (spikes, last), kept


def _backward(tick: Tick, kept: tuple, slopes: tuple) -> tuple:
    trained, fixed, recurrent, before, totals = kept
    by_spikes, by_last = slopes

    def retreat(carry: tuple, now: tuple) -> tuple[tuple, Array]:
        by_state, by_trained = carry
        state, total, by_spike = now
        pull = jax.vjp(lambda *of: tick(of[0] | fixed, *of[1:]), trained, state, total)[1]
        own, by_before, by_total = pull((by_state, by_spike))
        if recurrent is not None:
            by_before = by_before._replace(spikes=by_before.spikes + by_total @ recurrent.T)
        return (by_before, jax.tree.map(jnp.add, by_trained, own)), by_total

    none = jax.tree.map(jnp.zeros_like, trained)
    now = (before, totals, by_spikes)
    (by_state, by_trained), by_drive = lax.scan(retreat, (by_last, none), now, reverse=True)
    by_recurrent = None
    if recurrent is not None:
        by_recurrent = jnp.einsum("tbi,tbj->ij", before.spikes, by_drive)
    return by_trained, jax.tree.map(jnp.zeros_like, fixed), by_recurrent, by_state, by_drive


run_layer.defvjp(_forward, _backward)
