"""What is compiled: one epoch of training, and a look at the validation images.

Arrays of weights have the member as first axis. The core's names begin with ``core.``, those of
session s with ``session.s.``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from spikeloop.encode.network.model import ConvolutionalNetwork, named, over_members
from spikeloop.encode.network.objective import surprise

if TYPE_CHECKING:
    from collections.abc import Callable

    from spikeloop.encode.fitted import Parameters

CONSTANT = (".output.scale", ".output.variance", ".running_mean", ".running_variance")
"""Ends of the names of what no gradient changes."""


class Shown(NamedTuple):
    """The images of one session as the network sees them, on the device."""

    images: jax.Array
    """(image, y, x) standardized."""
    counts: jax.Array
    """(image, unit) mean counts over the mean count of the unit in training."""
    weights: jax.Array
    """(image,) number of trials over its mean."""


@dataclass(frozen=True)
class Plan:
    """What is compiled for: the settings, and the shape of the work."""

    model: ConvolutionalNetwork
    n_sessions: int
    freeze_core: bool

    def trained(self, parameters: Parameters) -> tuple[dict, dict]:
        """Return what gradients change, and the rest."""
        changed, rest = {}, {}
        for key, value in parameters.items():
            frozen = key.startswith("core.") and self.freeze_core
            (rest if frozen or key.endswith(CONSTANT) else changed)[key] = value
        return changed, rest


class Weights(NamedTuple):
    """What a member has learned so far."""

    now: Parameters
    average: Parameters
    """The running average over steps, where the model asks for one; otherwise the same."""
    moments: object
    """The optimizer's memory."""


FAST_CONVOLUTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE,"
    "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
}
"""Of the two libraries that XLA 0.10 has for a CPU, the one it prefers runs a convolution on one
core, the other on all; with this only sums and matrix products go to the first."""


@cache
def epoch_compiler() -> Callable:
    """Return `train_epoch` under compilation, with fast convolutions where XLA knows the choice."""
    options = FAST_CONVOLUTIONS
    try:
        jax.jit(lambda: 0, compiler_options=options)()
    except jax.errors.JaxRuntimeError:
        options = None
    return jax.jit(_train_epoch, static_argnums=0, donate_argnums=1, compiler_options=options)


def train_epoch(
    plan: Plan, weights: Weights, sessions: list[Shown], schedule: dict[str, object]
) -> tuple[Weights, jax.Array]:
    """Take a step for each minibatch, for each member.

    `schedule` holds, with the member first, `key`, `rate`, `done` (steps taken before) and `order`:
    for each session, (member, step, image in the minibatch). Returns the mean loss beside.
    """
    return epoch_compiler()(plan, weights, sessions, schedule)


def _train_epoch(
    plan: Plan, weights: Weights, sessions: list[Shown], schedule: dict[str, object]
) -> tuple[Weights, jax.Array]:
    def member(of: tuple) -> tuple[Weights, jax.Array]:
        weights, schedule = of
        n_steps = len(schedule["order"][0])
        steps = {
            "order": schedule["order"],
            "key": jax.random.split(schedule["key"], n_steps),
            "done": schedule["done"] + jnp.arange(n_steps),
        }
        weights, losses = jax.lax.scan(
            lambda weights, step: _step(plan, weights, sessions, schedule["rate"], step),
            weights,
            steps,
        )
        return weights, losses.mean()

    return over_members(member, (weights, schedule))


@partial(jax.jit, static_argnums=0)
def validate(
    plan: Plan, parameters: Parameters, sessions: list[Shown]
) -> tuple[jax.Array, jax.Array]:
    """Return each member's loss, without penalties, and mean correlation over units that vary."""

    def member(parameters: dict) -> tuple[jax.Array, jax.Array]:
        losses, correlations = jnp.zeros(()), []
        for index, shown in enumerate(sessions):
            features, _ = plan.model.core.features(parameters, shown.images, training=False)
            part = named(parameters, f"session.{index}.")
            expected = plan.model.read(part, features, key=None)
            losses += _mean_surprise(plan.model, part, expected, shown.counts, shown.weights)
            correlations.append(_correlation(expected, shown.counts))
        together = jnp.concatenate(correlations)
        varies = jnp.isfinite(together)
        total = jnp.where(varies, together, 0.0).sum()
        return losses, total / jnp.maximum(varies.sum(), 1)

    return over_members(member, parameters)


def _step(
    plan: Plan, weights: Weights, sessions: list[Shown], rate: jax.Array, step: dict
) -> tuple[Weights, jax.Array]:
    training = plan.model.training
    trained, rest = plan.trained(weights.now)
    batches = [
        Shown(*(field[order] for field in shown))
        for shown, order in zip(sessions, step["order"], strict=True)
    ]
    slopes, (loss, running) = jax.grad(
        lambda trained: _loss(plan, trained | rest, batches, step["key"]), has_aux=True
    )(trained)
    moves, moments = training.optimizer().update(slopes, weights.moments, trained)
    now = {key: value - rate * moves[key] for key, value in trained.items()} | rest | running
    for index in range(plan.n_sessions):
        begin = f"session.{index}.readout."
        allowed = plan.model.readout.project(named(now, begin))
        now |= {f"{begin}{key}": value for key, value in allowed.items()}
    # A short average at first, so that where the weights began is soon forgotten.
    kept = jnp.minimum(training.averaging, (1 + step["done"]) / (10 + step["done"]))
    average = dict(now)
    if training.averaging:
        for key in trained | running:
            average[key] = kept * weights.average[key] + (1 - kept) * now[key]
    return Weights(now, average, moments), loss


def _loss(
    plan: Plan, parameters: dict, batches: list[Shown], key: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, dict]]:
    model = plan.model
    shift_key, drop_key, read_key = jax.random.split(key, 3)
    images = jnp.concatenate([batch.images for batch in batches])
    if model.training.shift_px:
        images = shifted(images, model.training.shift_px, shift_key)
    features, running = model.core.features(parameters, images, training=not plan.freeze_core)
    if model.training.dropout:
        kept = 1 - model.training.dropout
        shape = (len(features), 1, 1, features.shape[-1])
        features = features * jax.random.bernoulli(drop_key, kept, shape) / kept
    total = model.penalties.of_core(parameters)
    start = 0
    for index, batch in enumerate(batches):
        part = named(parameters, f"session.{index}.")
        seen = features[start : start + len(batch.images)]
        start += len(batch.images)
        expected = model.read(part, seen, key=jax.random.fold_in(read_key, index))
        total += _mean_surprise(model, part, expected, batch.counts, batch.weights)
        magnitudes = model.readout.l1(named(part, "readout."))
        factor = part.get("output.log_factor", jnp.zeros(()))
        total += model.penalties.of_readout(magnitudes, factor)
    return total, (total, running)


def _mean_surprise(
    model: ConvolutionalNetwork,
    part: dict,
    expected: jax.Array,
    counts: jax.Array,
    weights: jax.Array,
) -> jax.Array:
    """Return the mean over images, weighted by their trials, of the sum over units."""
    output = named(part, "output.")
    if model.loss == "negative_binomial":
        # Unlike the others it is not the same for counts and for their shares of a scale.
        expected, counts = expected * output["scale"], counts * output["scale"]
    terms = surprise(model.loss, output, expected, counts)
    return (terms * weights[:, None]).mean(axis=0).sum()


def _correlation(expected: jax.Array, counts: jax.Array) -> jax.Array:
    """Return the correlation of each unit over images; NaN where one of both is constant."""
    varies = (jnp.ptp(expected, axis=0) > 0) & (jnp.ptp(counts, axis=0) > 0)
    expected, counts = (values - values.mean(axis=0) for values in (expected, counts))
    power = (expected**2).sum(axis=0) * (counts**2).sum(axis=0)
    return jnp.where(varies, (expected * counts).sum(axis=0), jnp.nan) / jnp.sqrt(power)


def shifted(images: jax.Array, most_px: int, key: jax.Array) -> jax.Array:
    """Return each image shifted by up to `most_px` pixels, along y and x; edges are repeated."""
    around = [(0, 0), (most_px, most_px), (most_px, most_px)]
    padded = jnp.pad(images, around, mode="edge")
    corners = jax.random.randint(key, (len(images), 2), 0, 2 * most_px + 1)
    return jax.vmap(lambda image, corner: jax.lax.dynamic_slice(image, corner, images.shape[1:]))(
        padded, corners
    )
