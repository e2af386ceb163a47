"""What is compiled of a training: an epoch of steps, and a look at trials that none learned from.

Networks that are trained together have an axis of their own, the first of each array of numbers;
they see the same trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import optax

from spikeloop.learn.plan import NetworkPlan
from spikeloop.learn.tasks.task import Task, TaskTrials
from spikeloop.learn.training import Training

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from spikeloop.learn.tick import Numbers

LOOK_AT_ONCE = 256
"""Trials that are answered at a time where nothing is learned."""
NETWORKS_AT_ONCE = 5
"""Networks that learn side by side on a CPU: what more of them keep does not fit its caches."""


@dataclass(frozen=True)
class Plan:
    """What is compiled for."""

    network: NetworkPlan
    task: Task
    training: Training


class Learned(NamedTuple):
    """What networks have learned so far, and the memory of their optimizers."""

    parameters: Numbers
    moments: object


class Keys(NamedTuple):
    """Of the random numbers of an epoch."""

    trials: PRNGKeyArray
    data_set: PRNGKeyArray
    dropout: PRNGKeyArray


class Look(NamedTuple):
    """How networks do: (network,) each, but the rates."""

    loss: jax.Array
    accuracy: jax.Array
    rates_hz: tuple[jax.Array, ...]
    """(network, unit) mean rates in each layer."""


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def train_epoch(
    plan: Plan, learned: Learned, constants: Numbers, keys: Keys, rate: jax.Array
) -> tuple[Learned, jax.Array, jax.Array]:
    """Take a step for each batch; return the mean loss and accuracy of each network beside."""

    def step(learned: Learned, batch: jax.Array) -> tuple[Learned, tuple]:
        key = jax.random.fold_in(keys.trials, batch)
        trials = plan.task.draw(key, plan.training.batch_size, keys.data_set)
        dropout = jax.random.fold_in(keys.dropout, batch)
        return take_steps(plan, learned, constants, trials, rate, dropout)

    batches = jnp.arange(plan.training.batches_per_epoch)
    learned, (losses, accuracies) = jax.lax.scan(step, learned, batches)
    return learned, losses.mean(axis=0), accuracies.mean(axis=0)


@partial(jax.jit, static_argnums=(0, 1, 2))
def look(network: NetworkPlan, task: Task, n_trials: int, numbers: Numbers, keys: Keys) -> Look:
    """Return how networks do on new trials."""
    n_parts = -(-n_trials // LOOK_AT_ONCE)

    def part(total: Look, index: jax.Array) -> tuple[Look, None]:
        trials = task.draw(
            jax.random.fold_in(keys.trials, index), -(-n_trials // n_parts), keys.data_set
        )

        def of(numbers: Numbers) -> Look:
            answer = network.run(numbers, trials.spikes)
            rates = tuple(sent.mean(axis=(0, 1)) * (1000 / network.dt_ms) for sent in answer.spikes)
            return Look(*_judged(answer.output, trials), rates)

        return jax.tree.map(
            lambda sum_, new: sum_ + new / n_parts, total, jax.vmap(of)(numbers)
        ), None

    n_networks = len(next(iter(numbers.values())))
    none = jnp.zeros(n_networks)
    rates = tuple(jnp.zeros((n_networks, layer.size)) for layer in network.layers)
    return jax.lax.scan(part, Look(none, none, rates), jnp.arange(n_parts))[0]


def take_steps(
    plan: Plan,
    learned: Learned,
    constants: Numbers,
    trials: TaskTrials,
    rate: jax.Array,
    dropout_key: PRNGKeyArray,
) -> tuple[Learned, tuple]:
    """Take a step with each network, on the same trials."""
    one = partial(_step, plan, trials=trials, rate=rate, dropout_key=dropout_key)
    n_networks = len(next(iter(constants.values())))
    if jax.default_backend() != "cpu" or n_networks <= NETWORKS_AT_ONCE:
        return jax.vmap(one)(learned, constants)
    own = learned, constants
    return jax.lax.map(lambda own: one(*own), own, batch_size=NETWORKS_AT_ONCE)


def _step(
    plan: Plan,
    learned: Learned,
    constants: Numbers,
    *,
    trials: TaskTrials,
    rate: jax.Array,
    dropout_key: PRNGKeyArray,
) -> tuple[Learned, tuple]:
    slopes, (loss, accuracy) = jax.grad(
        lambda parameters: loss_of(plan, parameters | constants, trials, dropout_key), has_aux=True
    )(learned.parameters)
    uphill, moments = plan.training.optimizer().update(slopes, learned.moments)
    moved = {
        name: plan.network.moved(name, value, -rate * uphill[name])
        for name, value in learned.parameters.items()
    }
    return Learned(moved, moments), (loss, accuracy)


def loss_of(
    plan: Plan, numbers: Numbers, trials: TaskTrials, dropout_key: PRNGKeyArray | None = None
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """Return what training lowers for one network; beside it the cross-entropy and the accuracy."""
    training = plan.training
    answer = plan.network.run(numbers, trials.spikes, dropout_key=dropout_key)
    loss, accuracy = _judged(answer.output, trials)
    total = loss
    if training.lowest_rate_hz or training.highest_rate_hz is not None:
        for sent in answer.spikes:
            rates_hz = sent.mean(axis=(0, 1)) * (1000 / plan.network.dt_ms)
            beyond = jnp.maximum(training.lowest_rate_hz - rates_hz, 0)
            if training.highest_rate_hz is not None:
                beyond += jnp.maximum(rates_hz - training.highest_rate_hz, 0)
            total += training.rate_weight * (beyond**2).mean()
    return total, (loss, accuracy)


def _judged(output: jax.Array, trials: TaskTrials) -> tuple[jax.Array, jax.Array]:
    losses = optax.softmax_cross_entropy_with_integer_labels(output, trials.target)
    return losses.mean(), (output.argmax(axis=-1) == trials.target).mean()
