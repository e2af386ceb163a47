"""A trained network: what it answers, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import is_whole, require, require_kinds
from spikeloop.errors import InvalidInputError
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.plan import Answer, NetworkPlan, NetworkState
from spikeloop.learn.tasks.task import Task

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float

    from spikeloop.learn.tick import Numbers


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with weights; made by `train`.

    Call it with spikes, (trial, time, input), for its answer: ``output, state = trained(spikes)``.
    Each call starts from rest, unless it is given a state.
    """

    network: SpikingNetwork
    task: Task
    parameters: Numbers
    """What was learned, as `SpikingNetwork.begin` names it."""
    constants: Numbers
    """What was not."""
    begun: Numbers
    """What `parameters` were before training."""
    history: Mapping[str, Float[np.ndarray, " epoch"]] = field(default_factory=dict)
    """Loss and accuracy of training and validation."""
    rates_hz: tuple[Float[np.ndarray, " unit"], ...] = ()
    """Mean rate of each unit of each layer on the trials of validation."""
    status: str = "done"
    """``"done"``, or what ended the training before its time."""
    advice: tuple[str, ...] = ()
    """What seems wrong with the network, and what to do."""

    @property
    def plan(self) -> NetworkPlan:
        """What is compiled."""
        return self.network.plan(self.task.dt_ms)

    @property
    def numbers(self) -> Numbers:
        """All its numbers."""
        return self.parameters | self.constants

    def __call__(
        self, spikes: Float[Array, "trial time input"], state: NetworkState | None = None
    ) -> tuple[Float[Array, "trial class"], NetworkState]:
        """Return the output for each class, and the state after the last tick.

        Raises
        ------
        InvalidInputError
            Spikes are not 0 or 1, or not (trial, time, input) with the inputs of the task.
        """
        answer = self.answer(spikes, state)
        return answer.output, answer.state

    def answer(
        self, spikes: Float[Array, "trial time input"], state: NetworkState | None = None
    ) -> Answer:
        """Return the output, the spikes of each layer, (time, trial, unit), and the state."""
        require_kinds(state=(state, NetworkState | None))
        return run_plan(self.plan, self.numbers, as_spikes(spikes), state)

    def weights(self, *, before: bool = False) -> dict[str, Float[np.ndarray, "from to"]]:
        """Return the weights, with their signs, by name; or those before training."""
        numbers = (self.begun if before else self.parameters) | self.constants
        return {name: np.asarray(value) for name, value in self.plan.weights(numbers).items()}

    def delays_ms(self, layer: int = 0, *, before: bool = False) -> Float[np.ndarray, "from to"]:
        """Return the delays of the synapses to a layer, in whole ticks; or those before training.

        Raises
        ------
        InvalidInputError
            The layer has none.
        """
        self.require_layer(layer)
        require(
            self.plan.layers[layer].n_late > 0,
            f"layer {layer} has no delays: set its longest_delay_ms.",
        )
        delays = (self.begun if before else self.parameters)[f"hidden.{layer}.delays_ms"]
        return np.round(np.asarray(delays) / self.task.dt_ms) * self.task.dt_ms

    def signs(self, name: str = "hidden.0.input") -> Float[np.ndarray, " from"]:
        """Return the signs of the units that some weights come from; 0 for units of either."""
        require(
            f"{name}.signs" in self.constants,
            f"there are no weights {name!r}: there are {', '.join(self.weights())}.",
        )
        return np.asarray(self.constants[f"{name}.signs"])

    def require_layer(self, layer: int) -> None:
        """Refuse a layer that there is not."""
        n_layers = len(self.network.layers)
        require(
            is_whole(layer) and 0 <= layer < n_layers,
            f"layer={layer!r}: layers go from 0 to {n_layers - 1}.",
        )

    def silenced(
        self, *, inputs: Bool[np.ndarray, " input"] | None = None, **layers: np.ndarray
    ) -> TrainedNetwork:
        """Return a copy in which some units say nothing; this network stays as it is.

        Parameters
        ----------
        inputs
            (input,) True for those whose spikes are lost.
        **layers
            ``hidden_0=``, ``hidden_1=``, ...: (unit,) True for units of a layer.

        Examples
        --------
        ``trained.silenced(hidden_0=trained.signs("readout.input") < 0)``
        """
        lesions = {"inputs": inputs} if inputs is not None else {}
        lesions |= layers
        constants = dict(self.constants)
        for name, lost in lesions.items():
            for key in self.sent_by(name):
                lost = np.asarray(lost)
                n_from = len(self.signs(key))
                require(
                    lost.shape == (n_from,) and lost.dtype == bool,
                    f"{name} holds {lost.dtype} and has shape {lost.shape}: give True or False for "
                    f"each of {n_from} units.",
                )
                heard = 1 - jnp.asarray(lost, jnp.float32)[:, None]
                constants[f"{key}.mask"] = constants.get(f"{key}.mask", 1.0) * heard
        return replace(self, constants=constants)

    def uninhibited(self) -> TrainedNetwork:
        """Return a copy in which interneurons say nothing; this network stays as it is.

        Raises
        ------
        InvalidInputError
            The network has none: its constraint is not `FeedforwardInhibition`.
        """
        constraint = self.network.constraint
        require(
            isinstance(constraint, FeedforwardInhibition),
            f"this network has no interneurons, but {type(constraint).__name__}. Silence its "
            "inhibitory units: see `silenced`.",
        )
        silent = {
            name: constraint.uninhibited(self.parameters[name], len(self.signs(name)))
            for name in self.weights()
        }
        return replace(self, parameters=self.parameters | silent)

    def sent_by(self, name: str) -> list[str]:
        """Return the names of all weights that come from some units."""
        n_layers = len(self.network.layers)
        above = {f"hidden_{index}": index + 1 for index in range(n_layers)} | {"inputs": 0}
        require(
            name in above,
            f"there are no units {name!r}: there are {', '.join(sorted(above))}.",
        )
        index = above[name]
        found = ["readout.input" if index == n_layers else f"hidden.{index}.input"]
        if index and self.network.layers[index - 1].recurrent:
            found.append(f"hidden.{index - 1}.recurrent")
        return found


@partial(jax.jit, static_argnums=0)
def run_plan(
    plan: NetworkPlan,
    numbers: Numbers,
    spikes: Float[Array, "trial time input"],
    state: NetworkState | None = None,
) -> Answer:
    """Return the answer of a network, compiled."""
    return plan.run(numbers, spikes, state)


def as_spikes(spikes: object) -> Float[Array, "trial time input"]:
    """Return spikes as an array; refuse other numbers."""
    try:
        array = jnp.asarray(spikes)
    except (TypeError, ValueError):
        raise InvalidInputError(
            f"spikes are a {type(spikes).__name__}: give an array, (trial, time, input); of trials "
            "that a task drew, their `spikes`."
        ) from None
    require(array.size > 0, f"spikes have shape {array.shape}: give a trial and a tick at least.")
    require(
        bool(((array == 0) | (array == 1)).all()),
        "spikes hold numbers other than 0 and 1: give 1 where an input fires in a tick, else 0.",
    )
    return array.astype(jnp.float32)
