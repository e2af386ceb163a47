"""Train a network on one session, or on many that share its core."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checkpoint import Checkpoint
from spikeloop.data.checks import require, require_seed
from spikeloop.encode.fitted import Estimate, Parameters, out_of_memory
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.network.epochs import Plan, Shown, Weights, train_epoch, validate
from spikeloop.encode.network.model import ConvolutionalNetwork, count_scale, named
from spikeloop.errors import BadFileError, SpikeloopWarning
from spikeloop.numerics.trees import chosen, named_leaves, with_leaves

if TYPE_CHECKING:
    from jaxtyping import Float

FEWEST_VALIDATION = 3
PLATEAU_FACTOR = 1 / 3
CURVES = ("training_loss", "validation_loss", "validation_correlation")

Pair = tuple[ImageData, ImageData]


@dataclass
class State:
    """All that decides how a training goes on."""

    weights: Weights
    best: dict[str, jax.Array]
    """What predicted the validation images best, for each member."""
    score: Float[np.ndarray, " member"]
    """How well that was."""
    waiting: Float[np.ndarray, " member"]
    """Epochs since then; a member that waited for all its patience is done."""
    factor: Float[np.ndarray, " member"]
    """What plateaus have made of the learning rate."""
    curves: dict[str, Float[np.ndarray, "epoch member"]]
    """NaN where epochs are still to come."""
    epoch: np.ndarray
    """How many are done."""


def train_sessions(
    model: ConvolutionalNetwork,
    sessions: Sequence[Pair],
    *,
    seed: int,
    start_core: Parameters | None = None,
    freeze_core: bool = False,
    progress: Callable[[int, int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[Estimate]:
    """Train one core on all sessions, with a readout for the units of each.

    A step sees a minibatch of each session; sessions with fewer images come round more often.

    Parameters
    ----------
    model
        The network.
    sessions
        Training and validation images of each; units and numbers of images may differ, not sizes.
    seed
        Decides where the weights start, and the order of the images.
    start_core
        Parameters of a trained network of the same core, to start from: transfer.
    freeze_core
        Keep the core as it starts, and train readouts alone.
    progress
        Called after each epoch: its number, how many there may be, the validation correlation.
    checkpoint
        Where the state of the training is kept, and taken up again.

    Returns
    -------
    estimates
        For each session; the loss curves (epoch, member) in `history` are of all together.

    Raises
    ------
    InvalidInputError
        Images differ in size, fewer than 3 are for validation, a response is negative, `start_core`
        does not fit, or the loss is not finite.
    BadFileError
        The checkpoint is damaged.
    """
    _require_sessions(sessions, seed)
    plan = Plan(model, len(sessions), freeze_core)
    begin = partial(_begin, plan, sessions, seed, start_core)
    inputs = [_input(training) for training, _ in sessions]
    scales = [count_scale(training.means).astype(np.float32) for training, _ in sessions]
    shown = [
        [_shown(data, *of, scale) for data, of, scale in zip(part, inputs, scales, strict=True)]
        for part in zip(*sessions, strict=True)
    ]
    identity = {
        "model": repr(model),
        "seed": str(seed),
        "data": _digest(sessions, start_core),
        "freeze_core": str(freeze_core),
    }
    state = _trained(plan, begin, shown, seed, _Watch(progress, checkpoint, identity))
    n_done = int(state.epoch)
    history = {name: curve[:n_done] for name, curve in state.curves.items()}
    return [
        Estimate(_of_session(state.best, index, *inputs[index]), history)
        for index in range(len(sessions))
    ]


@dataclass(frozen=True)
class _Watch:
    """Who is told of each epoch."""

    progress: Callable[[int, int, float], None] | None
    checkpoint: Checkpoint | None
    identity: dict[str, str]

    def resumed(self, state: State) -> State:
        """Return the state that was kept, or that to begin with."""
        if self.checkpoint is None:
            return state
        return _resumed(state, self.checkpoint, self.identity)

    def tell(self, state: State, max_epochs: int, *, last: bool) -> None:
        epoch = int(state.epoch)
        if self.progress is not None:
            reached = state.curves["validation_correlation"][epoch - 1].mean()
            self.progress(epoch, max_epochs, float(reached))
        if self.checkpoint is not None and (last or epoch % self.checkpoint.every_epochs == 0):
            self.checkpoint.save(named_leaves(vars(state)), self.identity)


def _trained(
    plan: Plan, begin: Callable[[], State], shown: list[list[Shown]], seed: int, watch: _Watch
) -> State:
    """Return the state at the end, with smaller batches where the memory is too short."""
    while True:
        state = watch.resumed(begin())
        try:
            _run(plan, state, shown, seed, watch)
            break
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            plan = _with_smaller_batches(plan, error)
    require(
        bool(np.isfinite(state.score).all()),
        "the loss is not finite from the first epoch on: nothing was learned. Lower learning_rate.",
    )
    return state


def _run(plan: Plan, state: State, shown: list[list[Shown]], seed: int, watch: _Watch) -> None:
    """Train, epoch after epoch, until each member is done; the state is changed in place."""
    training = plan.model.training
    members = seed + np.arange(plan.model.n_seeds)
    lengths = [len(part.images) for part in shown[0]]
    while state.epoch < training.max_epochs and (state.waiting < training.patience).any():
        epoch = int(state.epoch)
        order = _orders(lengths, training.batch_size, members, epoch)
        schedule = {
            "key": jax.vmap(lambda s, e=epoch: jax.random.fold_in(jax.random.key(s), e + 1))(
                members
            ),
            "rate": jnp.asarray(training.rate(epoch) * state.factor, dtype=jnp.float32),
            "done": jnp.full(len(members), epoch * order[0].shape[1]),
            "order": order,
        }
        state.weights, loss = train_epoch(plan, state.weights, shown[0], schedule)
        looked = validate(plan, state.weights.average, shown[1])
        for name, values in zip(CURVES, (loss, *looked), strict=True):
            state.curves[name][epoch] = values
        _judge(state, training.patience, plateau=training.schedule == "plateau")
        state.epoch += 1
        over = state.epoch == training.max_epochs or (state.waiting >= training.patience).all()
        watch.tell(state, training.max_epochs, last=bool(over))


def _with_smaller_batches(plan: Plan, error: Exception) -> Plan:
    """Return the plan with half the batch size, or raise what memory is not the reason of."""
    training = plan.model.training
    if not out_of_memory(error) or training.batch_size == 1:
        raise error
    halved = replace(training, batch_size=training.batch_size // 2)
    warnings.warn(
        f"batches of {training.batch_size} images do not fit the memory: training anew with "
        f"batches of {halved.batch_size}.",
        SpikeloopWarning,
        stacklevel=3,
    )
    return replace(plan, model=replace(plan.model, training=halved))


def _judge(state: State, patience: int, *, plateau: bool) -> None:
    """Keep the weights of members that got better; let the others wait, or end."""
    losses = [state.curves[name][state.epoch] for name in CURVES]
    finite = np.isfinite(losses).all(axis=0)
    running = state.waiting < patience
    better = running & finite & (losses[-1] > state.score)
    state.score = np.where(better, losses[-1], state.score)
    state.best = chosen(better, state.weights.average, state.best)
    state.waiting = np.where(better, 0, state.waiting + 1)
    if plateau:
        stuck = (state.waiting > 0) & (state.waiting % max(patience // 3, 1) == 0)
        state.factor = np.where(stuck, state.factor * PLATEAU_FACTOR, state.factor)
    lost = running & ~finite
    if lost.any():
        state.waiting = np.where(lost, patience, state.waiting)
        warnings.warn(
            f"the loss of member {int(np.flatnonzero(lost)[0])} is not finite in epoch "
            f"{int(state.epoch) + 1}: its best weights before are kept. Lower learning_rate.",
            SpikeloopWarning,
            stacklevel=5,
        )


def _orders(
    lengths: list[int], batch_size: int, members: np.ndarray, epoch: int
) -> list[np.ndarray]:
    """Return for each session the images of each minibatch: (member, step, image)."""
    sizes = [min(batch_size, n) for n in lengths]
    n_steps = max(n // size for n, size in zip(lengths, sizes, strict=True))
    orders = [[] for _ in lengths]
    for member in members:
        rng = np.random.default_rng([member, epoch])
        for order, n, size in zip(orders, lengths, sizes, strict=True):
            rounds = -(-n_steps * size // n)
            drawn = np.concatenate([rng.permutation(n) for _ in range(rounds)])
            order.append(drawn[: n_steps * size].reshape(n_steps, size).astype(np.int32))
    return [np.stack(order) for order in orders]


def _begin(plan: Plan, sessions: Sequence[Pair], seed: int, start_core: Parameters | None) -> State:
    model = plan.model
    members = []
    for member in range(model.n_seeds):
        key = jax.random.fold_in(jax.random.key(seed + member), 0)
        parameters = {}
        for index, (data, _) in enumerate(sessions):
            session_key = jax.random.fold_in(key, index)
            of_session = model.begin(session_key, data.means, data.pixels.shape[1:])
            for name, value in of_session.items():
                shared = name.startswith("core.")
                parameters.setdefault(name if shared else f"session.{index}.{name}", value)
        members.append(parameters)
    now = {name: jnp.stack([member[name] for member in members]) for name in members[0]}
    if start_core is not None:
        now |= _transferred(start_core, now)
    moments = jax.vmap(model.training.optimizer().init)(plan.trained(now)[0])
    # Copies, as each epoch takes the memory of the weights for its own.
    average, best = ({name: value + 0 for name, value in now.items()} for _ in range(2))
    return State(
        weights=Weights(now, average, moments),
        best=best,
        score=np.full(model.n_seeds, -np.inf),
        waiting=np.zeros(model.n_seeds),
        factor=np.ones(model.n_seeds),
        curves={
            name: np.full((model.training.max_epochs, model.n_seeds), np.nan) for name in CURVES
        },
        epoch=np.array(0),
    )


def _transferred(start_core: Parameters, now: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Return the core to start from, one for each member; a single one serves all."""
    wanted = {name: value.shape for name, value in now.items() if name.startswith("core.")}
    core = {name: value for name, value in start_core.items() if name.startswith("core.")}
    fits = core.keys() == wanted.keys() and all(
        value.shape in {wanted[name], (1, *wanted[name][1:])} for name, value in core.items()
    )
    require(
        fits,
        f"start_core has {sorted((name, value.shape) for name, value in core.items())}: this "
        f"network wants {sorted(wanted.items())}. Give parameters of a network with the same core, "
        "and as many members, or one.",
    )
    return {name: jnp.broadcast_to(value, wanted[name]) + 0 for name, value in core.items()}


def _require_sessions(sessions: Sequence[Pair], seed: int) -> None:
    require(len(sessions) > 0, "no sessions: give one at least.")
    require_seed(seed)
    shapes = {data.pixels.shape[1:] for pair in sessions for data in pair}
    require(
        len(shapes) == 1,
        f"images of {len(shapes)} sizes, {sorted(shapes)}: all must have one. Resize them.",
    )
    for training, validation in sessions:
        lowest = min(data.means.min(initial=0.0) for data in (training, validation))
        require(
            lowest >= 0,
            f"responses reach down to {lowest:.3g}: a network predicts counts, which are 0 or "
            "more. Use a model without a Poisson likelihood, such as Ridge or GaborBank.",
        )
        require(
            len(validation) >= FEWEST_VALIDATION and len(training) >= FEWEST_VALIDATION,
            f"{len(training)} images to train on and {len(validation)} for validation: at least "
            f"{FEWEST_VALIDATION} of each are needed. Split the stimuli otherwise.",
        )


def _input(training: ImageData) -> tuple[np.float32, np.float32]:
    """Return the mean and the standard deviation of all pixels."""
    return np.float32(training.pixels.mean()), np.float32(training.pixels.std() or 1)


def _shown(data: ImageData, mean: float, sd: float, scale: np.ndarray) -> Shown:
    return Shown(
        jnp.asarray((data.pixels - mean) / sd, dtype=jnp.float32),
        jnp.asarray(data.means / scale, dtype=jnp.float32),
        jnp.asarray(data.n_trials / data.n_trials.mean(), dtype=jnp.float32),
    )


def _of_session(parameters: dict, index: int, mean: float, sd: float) -> Parameters:
    """Return the shared core, the readout of one session, and how its images are standardized."""
    core = {name: value for name, value in parameters.items() if name.startswith("core.")}
    own = named(parameters, f"session.{index}.")
    return {"input.mean": jnp.asarray(mean), "input.sd": jnp.asarray(sd)} | core | own


def _digest(sessions: Sequence[Pair], start_core: Parameters | None) -> str:
    """Return a short name for all that the training sees."""
    seen = hashlib.sha256()
    for pair in sessions:
        for data in pair:
            for values in (data.pixels, data.means, data.n_trials):
                seen.update(np.ascontiguousarray(values))
    for name in sorted(start_core or {}):
        seen.update(np.ascontiguousarray(start_core[name]))
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
