"""Train spiking networks on a task, one or many at once."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checkpoint import Checkpoint
from spikeloop.data.checks import require, require_kinds, require_seed
from spikeloop.errors import BadFileError, SpikeloopWarning
from spikeloop.learn.epochs import Keys, Learned, Look, Plan, look, train_epoch
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.plan import NetworkPlan
from spikeloop.learn.tasks.task import Task, watched
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.learn.training import Training
from spikeloop.numerics.keys import key_of
from spikeloop.numerics.trees import chosen, named_leaves, with_leaves

if TYPE_CHECKING:
    from jaxtyping import Float

    from spikeloop.learn.tick import Numbers

CURVES = ("training_loss", "training_accuracy", "validation_loss", "validation_accuracy")
SILENT_HZ = 1.0
"""A unit that fires less on average does nothing for the task."""
SATURATED = 0.5
"""A unit that fires in more than this share of the ticks has no room to fire more."""
MANY = 0.5
"""Advice is given where more than this share of a layer is silent, or saturated."""

Progress = Callable[[int, int, float], None]


@dataclass
class State:
    """All that decides how a training goes on; arrays have the network as first axis."""

    learned: Learned
    best: Numbers
    """What did best on the trials of validation."""
    score: Float[np.ndarray, " network"]
    """Its loss there."""
    waiting: Float[np.ndarray, " network"]
    """Epochs since then; a network that waited for all its patience is done."""
    lost: np.ndarray
    """(network,) the epoch, counted from 1, in which the loss was not finite, or 0."""
    curves: dict[str, Float[np.ndarray, "epoch network"]]
    """NaN where epochs are still to come."""
    epoch: np.ndarray
    """How many are done."""


def train(
    task: Task,
    network: SpikingNetwork,
    training: Training | None = None,
    *,
    seed: int,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedNetwork:
    """Train a spiking network by surrogate gradients.

    Parameters
    ----------
    task
        What is to be learned: it draws the trials.
    network
        Its settings.
    training
        How it is trained; None for `Training()`.
    seed
        Decides where weights start, and on all trials.
    progress
        Called after each epoch: its number, how many there may be, the accuracy on validation.
    checkpoint
        Where the state of the training is kept, and taken up again.

    Returns
    -------
    trained
        The weights that did best on the trials of validation, the curves, and a `status`: a loss
        that is not finite ends a training, with the last good weights.

    Raises
    ------
    InvalidInputError
        A setting does not fit the task.
    BadFileError
        The checkpoint is damaged.

    Examples
    --------
    >>> from spikeloop.learn import SoundLocalization, SpikingLayer
    >>> task = SoundLocalization(n_fibres=10, n_classes=2)
    >>> quick = Training(max_epochs=2, batches_per_epoch=8, n_validation=64)
    >>> trained = train(task, SpikingNetwork((SpikingLayer(8),)), quick, seed=0)
    >>> trained.status, trained.history["training_loss"].shape
    ('done', (2,))
    """
    return train_together(
        task, [network], training, seed=seed, progress=progress, checkpoint=checkpoint
    )[0]


def train_together(
    task: Task,
    networks: Sequence[SpikingNetwork],
    training: Training | None = None,
    *,
    seed: int,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[TrainedNetwork]:
    """Train many networks at once, in one batch of work; each sees the same trials.

    Networks may differ in the numbers of their neurons and in the share and places of inhibitory
    units, not in their build. The same network given several times starts from other weights each
    time; the first does what it does alone, up to rounding. Arguments and errors are those of
    `train`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from spikeloop.learn import DalesLaw, SoundLocalization, SpikingLayer
    >>> network = SpikingNetwork((SpikingLayer(8),))
    >>> networks = [replace(network, constraint=DalesLaw(share)) for share in (0.2, 0.5)]
    >>> quick = Training(max_epochs=1, batches_per_epoch=8, n_validation=64)
    >>> task = SoundLocalization(n_fibres=10, n_classes=2)
    >>> [trained.status for trained in train_together(task, networks, quick, seed=0)]
    ['done', 'done']
    """
    require_seed(seed)
    require_kinds(
        task=(task, Task),
        training=(training, Training | None),
        checkpoint=(checkpoint, Checkpoint | None),
    )
    networks = _checked(networks)
    training = Training() if training is None else training
    plan = Plan(_common_plan(task, networks), task, training)
    begun, constants = _begin(task, networks, seed)
    state = _first_state(plan, begun)
    identity = {
        "task": _without_addresses(repr(task)),
        "training": repr(training),
        "networks": _without_addresses(repr(plan.network)),
        "numbers": _digest(begun | constants),
        "seed": str(seed),
    }
    if checkpoint is not None:
        state = _resumed(state, checkpoint, identity)
    _run(plan, state, constants, seed, _Watch(watched(task), progress, checkpoint, identity))
    seen = _look(plan, watched(task), state.best | constants, _keys(seed, "validation"))
    return [
        _trained(plan, networks[index], state, begun, constants, seen, index)
        for index in range(len(networks))
    ]


@dataclass(frozen=True)
class _Watch:
    """Who is told of each epoch, and on which trials it is judged."""

    task: Task
    progress: Progress | None
    checkpoint: Checkpoint | None
    identity: dict[str, str]

    def tell(self, state: State, max_epochs: int, *, last: bool) -> None:
        epoch = int(state.epoch)
        if self.progress is not None:
            accuracy = np.nanmean(state.curves["validation_accuracy"][epoch - 1])
            self.progress(epoch, max_epochs, float(accuracy))
        if self.checkpoint is not None and (last or epoch % self.checkpoint.every_epochs == 0):
            self.checkpoint.save(named_leaves(vars(state)), self.identity)


def _checked(networks: Sequence[SpikingNetwork]) -> Sequence[SpikingNetwork]:
    require(
        isinstance(networks, Sequence) and len(networks) > 0,
        f"networks is {networks!r}: give a list of one SpikingNetwork at least.",
    )
    for network in networks:
        require_kinds(network=(network, SpikingNetwork))
    return networks


def _common_plan(task: Task, networks: Sequence[SpikingNetwork]) -> NetworkPlan:
    plans = {network.plan(task.dt_ms) for network in networks}
    require(
        len(plans) == 1,
        "the networks differ in their build (layers, form of the constraint, number of "
        "interneurons, gradient, or what is trainable), so they cannot be trained in one batch. "
        "Train each kind apart.",
    )
    return plans.pop()


_ROLES = {"begin": 0, "training": 1, "validation": 2, "dropout": 3}


def _keys(seed: int, role: str, epoch: int = 0) -> Keys:
    """Return the keys of an epoch; trials of training and of validation never share one."""
    key = jax.random.fold_in(key_of(seed), _ROLES[role])
    dropout = jax.random.fold_in(key_of(seed), _ROLES["dropout"])
    return Keys(jax.random.fold_in(key, epoch), key, jax.random.fold_in(dropout, epoch))


def _begin(task: Task, networks: Sequence[SpikingNetwork], seed: int) -> tuple[Numbers, Numbers]:
    key = jax.random.fold_in(key_of(seed), _ROLES["begin"])
    begun = [
        network.begin(jax.random.fold_in(key, index), task.n_inputs, task.n_classes, task.dt_ms)
        for index, network in enumerate(networks)
    ]
    return tuple(
        {name: jnp.stack([member[part][name] for member in begun]) for name in begun[0][part]}
        for part in (0, 1)
    )


def _first_state(plan: Plan, begun: Numbers) -> State:
    n_networks = len(next(iter(begun.values())))
    # Copies, as each epoch takes the memory of the weights for its own.
    now, best = ({name: value + 0 for name, value in begun.items()} for _ in range(2))
    return State(
        learned=Learned(now, jax.vmap(plan.training.optimizer().init)(now)),
        best=best,
        score=np.full(n_networks, np.inf),
        waiting=np.zeros(n_networks),
        lost=np.zeros(n_networks, np.int64),
        curves={name: np.full((plan.training.max_epochs, n_networks), np.nan) for name in CURVES},
        epoch=np.array(0),
    )


def _run(plan: Plan, state: State, constants: Numbers, seed: int, watch: _Watch) -> None:
    """Train, epoch after epoch, until each network is done; the state is changed in place."""
    training = plan.training
    while state.epoch < training.max_epochs and (state.waiting < training.patience).any():
        epoch = int(state.epoch)
        keys = _keys(seed, "training", epoch if training.fresh else 0)
        keys = keys._replace(dropout=_keys(seed, "training", epoch).dropout)
        rate = jnp.float32(training.rate(epoch))
        widened = constants | _delay_widths(plan, constants, epoch)
        state.learned, *told = train_epoch(plan, state.learned, widened, keys, rate)
        numbers = state.learned.parameters | constants
        seen = _look(plan, watch.task, numbers, _keys(seed, "validation"))
        for name, values in zip(CURVES, (*told, seen.loss, seen.accuracy), strict=True):
            state.curves[name][epoch] = values
        _judge(state, training.patience)
        state.epoch += 1
        over = state.epoch == training.max_epochs or (state.waiting >= training.patience).all()
        watch.tell(state, training.max_epochs, last=bool(over))


def _delay_widths(plan: Plan, constants: Numbers, epoch: int) -> Numbers:
    """Return the widths of bumps around delays while training."""
    widths = {}
    for index, layer in enumerate(plan.network.layers):
        if layer.n_late:
            name = f"hidden.{index}.delay_width_ticks"
            width = plan.training.delay_width_ticks(epoch, layer.n_late)
            widths[name] = jnp.full_like(constants[name], width)
    return widths


def _look(plan: Plan, task: Task, numbers: Numbers, keys: Keys) -> Look:
    return look(plan.network, task, plan.training.n_validation, numbers, keys)


def _judge(state: State, patience: int) -> None:
    """Keep the weights of networks that got better; let the others wait, or end."""
    epoch = int(state.epoch)
    finite = np.isfinite([state.curves[name][epoch] for name in CURVES]).all(axis=0)
    running = state.waiting < patience
    better = running & finite & (state.curves["validation_loss"][epoch] < state.score)
    state.score = np.where(better, state.curves["validation_loss"][epoch], state.score)
    state.best = chosen(better, state.learned.parameters, state.best)
    lost = running & ~finite
    state.lost = np.where(lost, epoch + 1, state.lost)
    state.waiting = np.where(better, 0, np.where(lost, patience, state.waiting + 1))
    if lost.any():
        warnings.warn(
            f"the loss of network {int(np.flatnonzero(lost)[0])} is not finite in epoch "
            f"{epoch + 1}: its best weights before are kept. Lower learning_rate.",
            SpikeloopWarning,
            stacklevel=5,
        )


def _trained(
    plan: Plan,
    network: SpikingNetwork,
    state: State,
    begun: Numbers,
    constants: Numbers,
    seen: Look,
    index: int,
) -> TrainedNetwork:
    """Return one of the networks that were trained together."""
    own_begun, best, fixed = (
        {name: value[index] for name, value in numbers.items()}
        for numbers in (begun, state.best, constants)
    )
    n_done = int(state.epoch)
    lost = int(state.lost[index])
    status = "done"
    if lost:
        status = (
            f"stopped in epoch {lost}, where the loss was not finite: these are the best weights "
            "before it. Lower learning_rate."
        )
    rates_hz = tuple(np.asarray(rates[index]) for rates in seen.rates_hz)
    return TrainedNetwork(
        network,
        plan.task,
        best,
        fixed,
        begun=own_begun,
        history={name: curve[:n_done, index] for name, curve in state.curves.items()},
        rates_hz=rates_hz,
        status=status,
        advice=tuple(_advice(rates_hz, network, plan.task)),
    )


def _advice(rates_hz: tuple, network: SpikingNetwork, task: Task) -> list[str]:
    """Say which layers are silent or saturated, and what to do about it."""
    advice = []
    if getattr(network.constraint, "inhibitory", 0) == 1:
        advice.append(
            "all units inhibit, so that nothing can make the network fire: it answers by chance. "
            "Lower inhibitory below 1."
        )
        return advice
    most_hz = 1000 / task.dt_ms
    for index, rates in enumerate(rates_hz):
        silent, saturated = (rates < SILENT_HZ).mean(), (rates > SATURATED * most_hz).mean()
        if silent > MANY:
            advice.append(
                f"{silent:.0%} of the units of layer {index} are silent. Set lowest_rate_hz, or "
                "lower the threshold of its neurons."
            )
        if saturated > MANY:
            advice.append(
                f"{saturated:.0%} of the units of layer {index} fire in more than half of the "
                "ticks. Set highest_rate_hz, or raise the threshold of its neurons."
            )
    return advice


def _without_addresses(words: str) -> str:
    """Return words about settings as they are the same in each process."""
    return re.sub(r" at 0x[0-9a-f]+", "", words)


def _digest(numbers: Numbers) -> str:
    """Return a short name for all numbers that a training starts from."""
    seen = hashlib.sha256()
    for name in sorted(numbers):
        seen.update(np.ascontiguousarray(numbers[name]))
    return seen.hexdigest()[:16]


def _resumed(state: State, checkpoint: Checkpoint, identity: dict[str, str]) -> State:
    """Return the state that was kept, or that to begin with."""
    kept = checkpoint.load(named_leaves(vars(state)), identity)
    if kept is None:
        return state
    state = replace(state, **with_leaves(vars(state), kept))
    n_epochs = len(state.curves[CURVES[0]])
    finite = all(bool(jnp.isfinite(value).all()) for value in state.best.values())
    if not finite or not 0 <= state.epoch <= n_epochs:
        raise BadFileError(
            f"{checkpoint.path} holds no state that a training of {n_epochs} epochs can be in. "
            "Delete it to train from the start."
        )
    return state
