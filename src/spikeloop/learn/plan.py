"""What is compiled of a network: a pure function of its numbers and the spikes of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.learn.delays import arrivals, project_late, with_late
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.projection import project
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.learn.spike_draws import quick_uniform
from spikeloop.learn.tick import LayerState, Numbers, Tick, run_layer

if TYPE_CHECKING:
    from jaxtyping import Array, Float, PRNGKeyArray

Constraint = DalesLaw | AnySign | FeedforwardInhibition

MATRICES = ("input", "recurrent")
"""Last parts of the names of weights."""
SHORTEST_MS = 1e-3
"""A time constant that is trained starts at least this far above a tick."""


class NetworkState(NamedTuple):
    """All that a network hands from one stretch of time to the next."""

    layers: tuple[LayerState, ...]
    readout: Float[Array, "trial class"]
    """Potentials of the integrators."""
    coming: tuple[Float[Array, "late trial unit"] | None, ...] = ()
    """What spikes of the past add in the ticks to come, to layers that have delays."""


class Answer(NamedTuple):
    """What a network makes of its inputs."""

    output: Float[Array, "trial class"]
    """Mean potential of each integrator: the larger, the likelier the class."""
    spikes: tuple[Float[Array, "time trial unit"], ...]
    """Of each layer, time first."""
    state: NetworkState


@dataclass(frozen=True)
class LayerPlan:
    """A layer without its numbers."""

    tick: Tick
    size: int
    trainable: tuple[str, ...]
    time_constants: tuple[str, ...]
    dropout: float
    n_late: int
    """By how many ticks a spike arrives later at most."""
    is_sparse: bool
    """Whether some synapses do not exist."""


@dataclass(frozen=True)
class NetworkPlan:
    """A network without its numbers; those are a dictionary with names as `begin` gives them."""

    layers: tuple[LayerPlan, ...]
    constraint: Constraint
    readout_trainable: bool
    dt_ms: float

    def run(
        self,
        numbers: Numbers,
        spikes: Float[Array, "trial time input"],
        state: NetworkState | None = None,
        *,
        dropout_key: PRNGKeyArray | None = None,
    ) -> Answer:
        """Return the answer to spikes; from rest, where no state is given.

        Spikes are lost to dropout only where there is a key.

        Raises
        ------
        InvalidInputError
            The spikes are not (trial, time, input), or of another number of inputs.
        """
        n_inputs = len(numbers["hidden.0.input.signs"])
        require(
            spikes.ndim == 3 and spikes.shape[2] == n_inputs,
            f"spikes have shape {spikes.shape}: they must be (trial, time, input), with {n_inputs} "
            "inputs.",
        )
        if state is not None:
            self._require_state(numbers, spikes, state)
        sent, layers, heard, coming = None, [], [], []
        for index, layer in enumerate(self.layers):
            own = named(numbers, f"hidden.{index}.")
            before = None if state is None else state.layers[index]
            late = None if state is None else state.coming[index]
            drive, late = self._drive(layer, own, sent if index else spikes, late, index == 0)
            sent, after = self._layer(layer, own, drive, before)
            layers.append(after)
            coming.append(late)
            heard.append(sent)
            if layer.dropout and dropout_key is not None:
                chance = quick_uniform(jax.random.fold_in(dropout_key, index), sent.shape)
                sent = jnp.where(chance < layer.dropout, 0, sent / (1 - layer.dropout))
        output, readout = self._read(named(numbers, "readout."), sent, state)
        return Answer(output, tuple(heard), NetworkState(tuple(layers), readout, tuple(coming)))

    def weights(self, numbers: Numbers) -> Numbers:
        """Return the matrices of weights, (from, to), with their signs, by name."""
        return {
            name: self._weights(named(numbers, prefix), part)
            for name, prefix, part in (
                (key, key.rpartition(".")[0] + ".", key.rpartition(".")[2])
                for key in numbers
                if key.rpartition(".")[2] in MATRICES
            )
        }

    def moved(self, name: str, value: Array, step: Array) -> Array:
        """Return a parameter after a step of the optimizer."""
        if name.endswith(".delays_ms"):
            longest = self.layers[int(name.split(".")[1])].n_late * self.dt_ms
            return jnp.clip(value + self.dt_ms * step, 0, longest)
        if name.rpartition(".")[2] in MATRICES:
            return self.constraint.moved(value, step)
        return value + step

    def trace(
        self, numbers: Numbers, sent: Float[Array, "time trial unit"]
    ) -> Float[Array, "time trial class"]:
        """Return the potentials of the integrators in each tick, given spikes of the last layer."""
        own = named(numbers, "readout.")
        kept = jnp.exp(-self._leak(own))

        def leak(v: Array, drive: Array) -> tuple[Array, Array]:
            v = kept * v + drive
            return v, v

        drive = project(sent, self._weights(own, "input"))
        return jax.lax.scan(leak, jnp.zeros_like(drive[0]), drive)[1]

    def _require_state(self, numbers: Numbers, spikes: Array, state: NetworkState) -> None:
        """Refuse a state of another network, or of other trials."""
        wanted = jax.eval_shape(lambda: self.run(numbers, spikes).state)
        shapes, expected = (
            jax.tree.map(lambda leaf: getattr(leaf, "shape", None), of) for of in (state, wanted)
        )
        require(
            shapes == expected,
            f"the state is not one of this network after {len(spikes)} trials: give back what the "
            "last call returned, with as many trials.",
        )

    def _drive(
        self,
        layer: LayerPlan,
        own: Numbers,
        spikes: Array,
        late: Array | None,
        trial_first: bool,
    ) -> tuple[Array, Array | None]:
        """Return by how much spikes move potentials in each tick, and in ticks to come."""
        weights = self._weights(own, "input")
        # Time comes first after the product: the spikes of the inputs are the most to turn.
        if layer.n_late:
            ticks = own["delays_ms"] / self.dt_ms
            kernel = weights * arrivals(ticks, own["delay_width_ticks"], layer.n_late + 1)
            arriving = project_late(spikes.swapaxes(0, 1) if trial_first else spikes, kernel)
            if late is None:
                late = jnp.zeros((layer.n_late, *arriving.shape[1:]))
            return with_late(arriving, late)
        drive = project(spikes, weights)
        return drive.swapaxes(0, 1) if trial_first else drive, None

    def _layer(
        self, layer: LayerPlan, own: Numbers, drive: Array, state: LayerState | None
    ) -> tuple[Array, LayerState]:
        neurons = named(own, "neuron.")
        trained = {name: neurons.pop(name) for name in layer.trainable}
        trained |= {
            name: trained[name] if name not in layer.time_constants else tau(trained[name], self)
            for name in trained
        }
        starts = {name: value for name, value in own.items() if name.startswith("start.")}
        if state is None:
            state = layer.tick.start(starts, drive.shape[1], layer.size)
        recurrent = self._weights(own, "recurrent") if layer.tick.recurrent else None
        return run_layer(layer.tick, trained, neurons, recurrent, state, drive)

    def _weights(self, own: Numbers, part: str) -> Array:
        weights = self.constraint.weights(own[part], own[f"{part}.signs"])
        return weights * own[f"{part}.mask"] if f"{part}.mask" in own else weights

    def _leak(self, own: Numbers) -> Array:
        """Return the ticks that pass in a time constant of the integrators, inverted."""
        return self.dt_ms / (tau(own["tau_ms"], self) if self.readout_trainable else own["tau_ms"])

    def _read(self, own: Numbers, sent: Array, state: NetworkState | None) -> tuple[Array, Array]:
        """Return the mean potential of each integrator, and the last one."""
        n_ticks = len(sent)
        leak, weights = self._leak(own), self._weights(own, "input")
        ages = jnp.arange(n_ticks, 0, -1)  # of a spike, a tick after the last
        left = jnp.exp(-leak * (ages - 1))
        counts = jnp.expm1(-leak * ages) / jnp.expm1(-leak) / n_ticks  # exact for a small leak
        flat = sent.reshape(n_ticks, -1)
        mean, last = ((share @ flat).reshape(sent.shape[1:]) @ weights for share in (counts, left))
        if state is not None:
            kept = jnp.exp(-leak)
            mean += state.readout * (kept * counts[0])
            last += state.readout * (kept * left[0])
        return mean, last


def stored_tau(tau_ms: np.ndarray | float, dt_ms: float) -> np.ndarray:
    """Return what training changes of a time constant, so that it never falls below a tick."""
    return np.log(np.maximum(tau_ms - dt_ms, SHORTEST_MS))


def tau(stored: Array, plan: NetworkPlan) -> Array:
    """Return the time constant that is stored, in ms."""
    return plan.dt_ms + jnp.exp(stored)


def named(numbers: Numbers, prefix: str) -> Numbers:
    """Return what has names that begin with `prefix`, without it."""
    return {
        key.removeprefix(prefix): value for key, value in numbers.items() if key.startswith(prefix)
    }
