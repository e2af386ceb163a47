"""What the nodes of a graph of NIR hold: the numbers of neurons, integrators and weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite
from spikeloop.learn.layers import SpikingLayer
from spikeloop.learn.signs import AnySign, DalesLaw, before_softplus
from spikeloop.neurons.lif import LIF

if TYPE_CHECKING:
    from jaxtyping import Float

SILENT = -200.0
"""What softplus makes exactly 0 of."""
ROUNDING = 1e-6
"""Numbers that differ by this share are one number, rounded to single precision."""


@dataclass(frozen=True)
class Cells:
    """The neurons of a layer."""

    settings: dict[str, Any]
    """Of `LIF`."""
    start: Float[np.ndarray, " neuron"]
    """Potentials."""
    gain: Float[np.ndarray, " neuron"]
    """By how much a weight of 1 moves the potential."""

    @classmethod
    def of(cls, name: str, node: Any, size: int, dt_ms: float) -> Cells:
        """Return those of a LIF."""
        columns = {
            field: column(f"{name}: {field}", getattr(node, field), size)
            for field in ("tau", "v_leak", "v_threshold", "v_reset")
        }
        gain = _gain(name, node, size, dt_ms)
        integrator, tau_ms = "euler", 1000 * columns["tau"]
        if "tau_ms" in node.metadata:
            integrator = node.metadata.get("integrator")
            require(
                isinstance(integrator, str) and integrator in {"euler", "exponential_euler"},
                f"{name}: integrator={integrator!r} in its metadata, beside tau_ms: it must be "
                "'euler' or 'exponential_euler'. Correct it, or leave both out.",
            )
            tau_ms = _told_tau_ms(name, node, size, dt_ms, integrator)
        _require_tau(name, tau_ms, dt_ms)
        values = {
            "tau_ms": tau_ms,
            "v_rest": columns["v_leak"],
            "v_threshold": _reached(columns["v_threshold"]),
            "v_reset": columns["v_reset"],
        }
        settings = {key: _one_or_each(value) for key, value in values.items()}
        start = node.metadata.get("v_start", node.v_leak)
        start = column(f"{name}: v_start in its metadata", start, size)
        return cls(settings | {"integrator": integrator}, start, gain)

    def layer(self, matrices: Mapping[str, Matrix]) -> SpikingLayer:
        """Return the settings of the layer with some weights, by ``input`` and ``recurrent``."""
        exist = np.concatenate([matrix.exist().ravel() for matrix in matrices.values()])
        return SpikingLayer(
            len(self.start),
            LIF(**self.settings),
            recurrent="recurrent" in matrices,
            # Above 0, for a layer that nothing reaches.
            connection_probability=max(float(exist.mean()), 1 / exist.size),
        )


@dataclass(frozen=True)
class Integrators:
    """The integrators of a readout."""

    tau_ms: float
    gain: Float[np.ndarray, " class"]
    """By how much a weight of 1 moves the potential."""

    @classmethod
    def of(cls, name: str, node: Any, size: int, dt_ms: float) -> Integrators:
        """Return those of an LI, one for each of so many classes."""
        n_given = np.size(node.tau)
        require(
            n_given in {1, size},
            f"{name}: {n_given} integrators, and the task has {size} classes. Give a task with as "
            "many.",
        )
        gain = _gain(name, node, size, dt_ms)
        rest = column(f"{name}: v_leak", node.v_leak, size)
        require(
            not rest.any(),
            f"{name}: v_leak={_largest(rest):g}, and integrators rest at 0 here. Make it 0.",
        )
        if "tau_ms" in node.metadata:
            tau_ms = _told_tau_ms(name, node, size, dt_ms, "exponential_euler")
        else:
            tau_ms = _exact_tau_ms(name, 1000 * column(f"{name}: tau", node.tau, size), dt_ms)
        require(
            bool(np.allclose(tau_ms, tau_ms[0], rtol=ROUNDING)),
            f"{name}: time constants from {tau_ms.min():g} to {tau_ms.max():g} ms, and a readout "
            "has one here. Make them equal.",
        )
        _require_tau(name, tau_ms, dt_ms)
        return cls(float(np.float32(tau_ms[0])), gain)


@dataclass(frozen=True)
class Matrix:
    """The weights of a Linear."""

    name: str
    weight: Float[np.ndarray, "from to"]
    """By how much a spike moves the potential."""
    signs: Float[np.ndarray, " from"]
    """Of the senders; 0 for either."""
    mask: Float[np.ndarray, "from to"] | None
    """1 for synapses that exist."""

    @classmethod
    def of(cls, name: str, node: Any, n_from: int, gain: Float[np.ndarray, " to"]) -> Matrix:
        """Return those of a node, for neurons of some gain."""
        weight = as_array(f"{name}: weight", node.weight, ("to", "from"), np.float64)
        wanted = (len(gain), n_from)
        require(
            weight.shape == wanted,
            f"{name}: weight has shape {weight.shape}: it must be {wanted}, (to, from), as there "
            "are inputs of the task, neurons of the layers, and classes. Give the task of this "
            "graph, or correct it.",
        )
        _require_finite(f"{name}: weight", weight)
        bias = column(f"{name}: bias", getattr(node, "bias", 0.0), len(gain))
        require(
            not bias.any(),
            f"{name}: a bias of {_largest(bias):g}, and layers have none here. Make it 0, and add "
            "r * bias to v_leak of the neurons that it leads to.",
        )
        moves = weight * gain[:, None]
        _require_finite(f"{name}: weight * r * dt / tau", moves)
        signs = column(f"{name}: signs", node.metadata.get("signs", np.zeros(n_from)), n_from)
        odd = signs[~np.isin(signs, (-1, 0, 1))]
        require(
            not odd.size,
            f"{name}: signs hold {odd[:3].tolist()}: they must be 1, -1, or 0 for either. Correct "
            "them.",
        )
        mask = _mask(name, node, weight)
        return cls(name, moves.astype(np.float32).T, signs.astype(np.float32), mask)

    def exist(self) -> Float[np.ndarray, "from to"]:
        """Return 1 for synapses that exist, and else 0."""
        return np.ones_like(self.weight) if self.mask is None else self.mask

    def sparse(self, constraint: DalesLaw | AnySign) -> Matrix:
        """Return the weights without those that are 0, where training could not change these."""
        is_softplus = isinstance(constraint, DalesLaw) and constraint.form == "softplus"
        if not is_softplus or self.weight.all():
            return self
        return replace(self, mask=(self.weight != 0).astype(np.float32))

    def theta(self, constraint: DalesLaw | AnySign) -> Float[np.ndarray, "from to"]:
        """Return what training changes of the weights."""
        if isinstance(constraint, AnySign):
            return self.weight
        if constraint.form != "softplus":
            return np.abs(self.weight)
        magnitude = np.abs(self.weight) * math.sqrt(len(self.weight))
        some = np.where(magnitude > 0, magnitude, 1.0)
        return np.where(magnitude > 0, before_softplus(some), SILENT)


def column(where: str, values: object, size: int) -> Float[np.ndarray, " size"]:
    """Return a finite number for each of some neurons, from these or from one for all."""
    given = np.asarray(values)
    given = as_array(where, given.reshape(1) if given.size == 1 else given, ("neuron",), np.float64)
    require(
        len(given) in {1, size},
        f"{where} has {len(given)} values: it must have one for each of {size}.",
    )
    _require_finite(where, given)
    return np.broadcast_to(given, size)


def euler_tau_ms(tau_ms: object, dt_ms: float, integrator: str) -> Float[np.ndarray, " neuron"]:
    """Return the time constant whose Euler step decays as much as a tick.

    >>> float(euler_tau_ms(1 / math.log(2), 1.0, "exponential_euler"))  # halves in a tick
    2.0
    """
    tau_ms = np.asarray(tau_ms, float)
    return tau_ms if integrator == "euler" else dt_ms / -np.expm1(-dt_ms / tau_ms)


def _exact_tau_ms(where: str, euler_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """Return the time constant of which this is the `euler_tau_ms`."""
    require(
        bool((euler_ms > dt_ms).all()),
        f"{where}: tau={euler_ms.min():g} ms, and a tick lasts {dt_ms:g} ms: integrators must "
        "remember more than one. Raise tau.",
    )
    return -dt_ms / np.log1p(-dt_ms / euler_ms)


def _told_tau_ms(where: str, node: Any, size: int, dt_ms: float, integrator: str) -> np.ndarray:
    """Return the time constants in the metadata, where they are those of the equations."""
    told = column(f"{where}: tau_ms in its metadata", node.metadata["tau_ms"], size)
    _require_tau(where, told, dt_ms)
    tau_ms = 1000 * column(f"{where}: tau", node.tau, size)
    require(
        bool(np.allclose(euler_tau_ms(told, dt_ms, integrator), tau_ms, rtol=10 * ROUNDING)),
        f"{where}: tau is {tau_ms[0]:g} ms, and tau_ms in its metadata {told[0]:g}, which does not "
        f"give that by {integrator}. Leave tau_ms out, or correct one.",
    )
    return told


def _require_tau(where: str, tau_ms: np.ndarray, dt_ms: float) -> None:
    shortest = float(tau_ms.astype(np.float32).min())
    require(
        shortest >= np.float32(dt_ms),
        f"{where}: the potential decays with a time constant of {shortest:g} ms, and a tick lasts "
        f"{dt_ms:g} ms: it must not be longer. Raise tau.",
    )


def _require_finite(where: str, values: np.ndarray) -> None:
    """Refuse what is not finite in single precision."""
    with np.errstate(over="ignore"):
        require_finite(where, values.astype(np.float32))


def _gain(where: str, node: Any, size: int, dt_ms: float) -> np.ndarray:
    """Return by how much a weight of 1 moves the potentials."""
    tau_s = column(f"{where}: tau", node.tau, size)
    require(
        bool((tau_s > 0).all()), f"{where}: tau={tau_s.min():g} s: it must be above 0. Correct it."
    )
    gain = column(f"{where}: r", node.r, size) * (dt_ms / 1000) / tau_s
    return np.where(np.isclose(gain, 1, rtol=ROUNDING, atol=0), 1.0, gain)


def _mask(name: str, node: Any, weight: np.ndarray) -> np.ndarray | None:
    """Return the (from, to) mask in the metadata, where there is one."""
    told = node.metadata.get("mask")
    if told is None:
        return None
    mask = as_array(f"{name}: mask", told, ("to", "from"), np.float32)
    require(
        mask.shape == weight.shape
        and bool(np.isin(mask, (0, 1)).all() and (weight[mask == 0] == 0).all()),
        f"{name}: mask in its metadata must be {weight.shape}, of 1, and 0 where a weight of 0 is "
        "no synapse. Correct it, or leave it out.",
    )
    return mask.T


def _one_or_each(values: np.ndarray) -> float | Float[np.ndarray, " neuron"]:
    values = values.astype(np.float32)
    return float(values[0]) if (values == values[0]).all() else values


def _reached(threshold: np.ndarray) -> np.ndarray:
    """Return the least float above each threshold: a potential that reaches it is above."""
    near = threshold.astype(np.float32)
    above = np.where(near > threshold, near, np.nextafter(near, np.float32(np.inf)))
    # XLA takes what is closer to 0 for 0, which is not above a threshold of 0.
    least = np.finfo(np.float32).tiny
    return np.where((above > 0) & (above < least), least, above)


def _largest(values: np.ndarray) -> float:
    """Return the number that is farthest from 0."""
    return float(values.flat[np.abs(values).argmax()])
