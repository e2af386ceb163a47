"""A spiking network: its settings, and the numbers that it begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require, require_finite
from spikeloop.data.settings import require_settings
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.layers import LeakyReadout, SpikingLayer, unit_lif
from spikeloop.learn.plan import Constraint, LayerPlan, NetworkPlan, stored_tau
from spikeloop.learn.signs import DalesLaw
from spikeloop.learn.tick import Tick
from spikeloop.neurons.model import Value
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.neurons.surrogate import Surrogate
from spikeloop.numerics.draws import Distribution

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from spikeloop.learn.tick import Numbers

ROUNDING = 1e-6
"""Share of a tick that a delay may lack to be a whole one more."""


@dataclass(frozen=True)
class SpikingNetwork:
    """Layers of spiking neurons, one above the other, and leaky integrators that read the last.

    Examples
    --------
    >>> network = SpikingNetwork((SpikingLayer(8),), constraint=DalesLaw(0.5))
    >>> parameters, constants = network.begin(jax.random.key(0), n_inputs=20, n_classes=3)
    >>> answer = network.plan(dt_ms=1.0).run(parameters | constants, jnp.ones((4, 50, 20)))
    >>> answer.output.shape
    (4, 3)
    """

    layers: tuple[SpikingLayer, ...] = field(
        default_factory=lambda: (SpikingLayer(30, unit_lif(2.0), trainable=("tau_ms",)),)
    )
    """From the one that hears the inputs to the one that is read."""
    readout: LeakyReadout = field(default_factory=LeakyReadout)
    """What reads the last layer."""
    constraint: Constraint = field(default_factory=DalesLaw)
    """What signs weights may have."""
    gradient: SpikeGradient = field(
        default_factory=lambda: SpikeGradient(Surrogate("sigmoid", slope=3.0))
    )
    """How gradients pass through spikes."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(len(self.layers) > 0, "layers is empty: give one SpikingLayer at least.")
        if isinstance(self.constraint, FeedforwardInhibition):
            special = any(
                layer.connection_probability < 1 or layer.longest_delay_ms for layer in self.layers
            )
            require(
                not special,
                "connection_probability is below 1 or longest_delay_ms above 0, and interneurons "
                "reach all units of a layer at once. Leave them, or take another constraint.",
            )

    def begin(
        self, key: PRNGKeyArray, n_inputs: int, n_classes: int, dt_ms: float = 1.0
    ) -> tuple[Numbers, Numbers]:
        """Return what training changes, before it, and what it does not.

        Names begin with ``hidden.0.``, ``hidden.1.``, ..., or ``readout.``.

        Raises
        ------
        InvalidInputError
            A time constant is shorter than a tick.
        """
        parameters: dict[str, np.ndarray] = {}
        constants: dict[str, np.ndarray] = {}
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        n_from = n_inputs
        for index, layer in enumerate(self.layers):
            own, fixed = _neurons(layer, rng, dt_ms)
            heard = {"input": n_from} | ({"recurrent": layer.size} if layer.recurrent else {})
            for part, n_senders in heard.items():
                signs = fixed[f"{part}.signs"] = self.constraint.signs(n_senders)
                own[part] = self.constraint.begin(rng, signs, layer.size)
                if layer.connection_probability < 1:
                    exist = rng.random(own[part].shape) < layer.connection_probability
                    fixed[f"{part}.mask"] = exist.astype(np.float32)
            if n_late := late_ticks(layer, dt_ms):
                own["delays_ms"] = rng.uniform(0, n_late * dt_ms, (n_from, layer.size))
                fixed["delay_width_ticks"] = 0.0  # but while training
            parameters |= {f"hidden.{index}.{name}": value for name, value in own.items()}
            constants |= {f"hidden.{index}.{name}": value for name, value in fixed.items()}
            n_from = layer.size
        signs = constants["readout.input.signs"] = self.constraint.signs(n_from)
        parameters["readout.input"] = self.constraint.begin(rng, signs, n_classes)
        tau_ms = self.readout.tau_ms
        _require_tau("readout: tau_ms", tau_ms, dt_ms)
        if self.readout.trainable:
            parameters["readout.tau_ms"] = stored_tau(tau_ms, dt_ms)
        else:
            constants["readout.tau_ms"] = tau_ms
        return tuple(
            {name: jnp.asarray(value, jnp.float32) for name, value in numbers.items()}
            for numbers in (parameters, constants)
        )

    def plan(self, dt_ms: float) -> NetworkPlan:
        """Return what is compiled for this network; equal plans are compiled once."""
        layers = tuple(
            LayerPlan(
                Tick.of(layer.made(), dt_ms, self.gradient, recurrent=layer.recurrent),
                layer.size,
                layer.trainable,
                tuple(layer.made().time_constants_ms),
                layer.dropout,
                late_ticks(layer, dt_ms),
                layer.connection_probability < 1,
            )
            for layer in self.layers
        )
        return NetworkPlan(layers, self.constraint.once_begun(), self.readout.trainable, dt_ms)


def late_ticks(layer: SpikingLayer, dt_ms: float) -> int:
    """Return by how many ticks a spike reaches a layer later at most."""
    require(
        layer.longest_delay_ms == 0 or layer.longest_delay_ms >= dt_ms,
        f"longest_delay_ms={layer.longest_delay_ms:g}: that is shorter than a tick, of {dt_ms:g} "
        "ms. Raise it, or lower dt_ms of the task.",
    )
    return int(layer.longest_delay_ms / dt_ms + ROUNDING)


def _neurons(
    layer: SpikingLayer, rng: np.random.Generator, dt_ms: float
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the parameters of the neurons that training changes, and the other ones."""
    neuron = layer.made()
    own, fixed = {}, {}
    for name, value in neuron.parameters.items():
        values = _values(name, value, layer.size, rng)
        is_tau = name in neuron.time_constants_ms
        if is_tau:
            _require_tau(name, values, dt_ms)
        if name in layer.trainable:
            own[f"neuron.{name}"] = stored_tau(values, dt_ms) if is_tau else values
        else:
            fixed[f"neuron.{name}"] = values
    for name, value in neuron.state.items():
        fixed[f"start.{name}"] = _values(name, value, layer.size, rng)
    return own, fixed


def _values(name: str, value: Value, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return one number for each neuron."""
    drawn = value.draw(rng, size) if isinstance(value, Distribution) else np.asarray(value)
    require(
        drawn.shape in {(), (size,)},
        f"{name} has shape {drawn.shape}: give one number, or one for each of {size} neurons.",
    )
    require_finite(name, drawn)
    return np.broadcast_to(np.asarray(drawn, np.float32), size)


def _require_tau(name: str, tau_ms: object, dt_ms: float) -> None:
    shortest = np.min(np.asarray(tau_ms, np.float32))
    require(
        shortest >= np.float32(dt_ms),
        f"{name}={shortest:g}: a time constant shorter than a tick, of {dt_ms:g} ms, leaves no "
        "trace of a spike in the next. Raise it, or lower dt_ms of the task.",
    )
