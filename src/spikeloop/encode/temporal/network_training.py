"""SeriesTraining on random chunks of time, with early stopping and averaged weights."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.temporal.series_data import SeriesData

if TYPE_CHECKING:
    from jaxtyping import Int

_FIXED = ("stimulus.mean", "stimulus.spread", "spikes.spread")
_LEAST = 1e-7  # of an expected count, whose logarithm is taken


@dataclass(frozen=True)
class SeriesTraining:
    """How a network learns."""

    n_epochs: int = 16
    """At most so many passes over the training bins."""
    patience: int = 5
    """Stop after so many epochs without a better validation loss."""
    learning_rate: float = 5e-3
    """At its highest: it rises over the first twentieth, then falls as a half cosine."""
    weight_decay: float = 1e-3
    """Pull of the weights towards zero, in units of the learning rate."""
    averaging: float = 0.98
    """The weights used are an average over steps; this much of it stays at each step."""
    chunk_bins: int = 1024
    """Bins of a chunk that are learned from; each has its whole past before it."""
    n_chunks: int = 8
    """How many chunks make a step."""

    def __post_init__(self) -> None:
        require_settings(self)
        counts = (self.n_epochs, self.patience, self.chunk_bins, self.n_chunks)
        require(
            min(counts) >= 1,
            f"n_epochs, patience, chunk_bins, n_chunks = {counts}: all must be 1 or more.",
        )
        require(self.learning_rate > 0, f"learning_rate={self.learning_rate}: above 0, as 0.005.")
        require(
            self.weight_decay >= 0 and 0 <= self.averaging < 1,
            f"weight_decay={self.weight_decay}, averaging={self.averaging}: the first must be 0 or "
            "more, the second from 0 to below 1.",
        )


class TrainedModel(Protocol):
    """A frozen, hashable model that says how it is trained: equal ones are compiled once."""

    training: SeriesTraining

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on."""

    def expected_counts(
        self, parameters: Parameters, stimulus: jax.Array, counts: jax.Array
    ) -> jax.Array:
        """Return the expected count of each bin."""


def train_on_chunks(
    start: Parameters, model: TrainedModel, parts: tuple[SeriesData, SeriesData], *, seed: int
) -> Estimate:
    """Lower the Poisson loss of chunks drawn from the training bins.

    Parameters
    ----------
    start
        Weights to begin with; what is named as a mean or a spread stays.
    model
        What turns weights into expected counts, and how it is trained.
    parts
        SeriesTraining and validation, on one clock.
    seed
        Draws the chunks.
    """
    learning, held = parts
    training = model.training
    rng = np.random.default_rng([seed, 1])
    size, n_past = training.chunk_bins, model.n_past(learning.bin_s)
    n_steps = max(1, round(learning.used.sum() / (size * training.n_chunks)))
    weights = {name: value for name, value in start.items() if name not in _FIXED}
    state = (weights, weights, _optimizer(training, n_steps).init(weights))
    fixed = {name: start[name] for name in _FIXED}
    series, held_series = _padded(learning, n_past, size), _padded(held, n_past, size)
    held_starts = _tiling(held.used, size)
    curves, best = [], (np.inf, weights, -1)
    for epoch in _told(range(training.n_epochs), curves):
        starts = _drawn(learning.used, size, n_steps * training.n_chunks, rng)
        starts = starts.reshape(n_steps, training.n_chunks)
        state, losses = _epoch(model, n_past, state, fixed, series, starts)
        held_loss = float(
            _mean_loss(model, n_past, {**fixed, **state[1]}, held_series, held_starts)
        )
        curves.append((float(jnp.mean(losses)), held_loss))
        if held_loss < best[0]:
            best = held_loss, state[1], epoch
        if epoch - best[2] >= training.patience or not np.isfinite(held_loss):
            break
    require(
        best[2] >= 0,
        f"the loss is not finite at learning_rate={training.learning_rate}: lower it.",
    )
    history = dict(zip(("training_loss", "validation_loss"), np.array(curves).T, strict=True))
    return Estimate({**fixed, **best[1]}, {**history, "best_epoch": np.array(best[2])})


def _optimizer(training: SeriesTraining, n_steps: int) -> optax.GradientTransformation:
    n_all = training.n_epochs * n_steps
    rate = optax.warmup_cosine_decay_schedule(
        0.1 * training.learning_rate, training.learning_rate, max(1, n_all // 20), max(2, n_all)
    )
    adam = optax.adamw(rate, weight_decay=training.weight_decay)
    return optax.chain(optax.clip_by_global_norm(1.0), adam)


def _chunk_loss(model: TrainedModel, n_past: int, parameters: Parameters, series, start):
    """Return the sum of losses of a chunk, and how many of its bins count."""
    size = n_past + model.training.chunk_bins
    shown, counts, used = (lax.dynamic_slice_in_dim(values, start, size) for values in series)
    expected = model.expected_counts(parameters, shown, counts)[n_past:]
    expected = jnp.maximum(expected, _LEAST)
    losses = expected - counts[n_past:] * jnp.log(expected)
    counted = used[n_past:, None]
    return jnp.sum(losses * counted), jnp.sum(counted)


@partial(jax.jit, static_argnums=(0, 1))
def _mean_loss(model: TrainedModel, n_past: int, parameters: Parameters, series, starts):
    """Return the loss per bin, all units added."""
    sums, n_bins = lax.map(
        lambda start: _chunk_loss(model, n_past, parameters, series, start), starts
    )
    return jnp.sum(sums) / jnp.sum(n_bins)


@partial(jax.jit, static_argnums=(0, 1))
def _epoch(model: TrainedModel, n_past: int, state, fixed: Parameters, series, starts):
    """Take a step for each row of starts; return the state, and the loss of each step."""
    training = model.training
    optimizer = _optimizer(training, len(starts))

    def batch_loss(weights, starts):
        sums, n_bins = jax.vmap(
            lambda start: _chunk_loss(model, n_past, {**fixed, **weights}, series, start)
        )(starts)
        return jnp.sum(sums) / jnp.maximum(jnp.sum(n_bins), 1)

    def step(state, starts):
        weights, average, memory = state
        value, gradient = jax.value_and_grad(batch_loss)(weights, starts)
        change, memory = optimizer.update(gradient, memory, weights)
        weights = optax.apply_updates(weights, change)
        average = optax.incremental_update(weights, average, 1 - training.averaging)
        return (weights, average, memory), value

    return lax.scan(step, state, starts)


def _padded(data: SeriesData, n_past: int, size: int) -> tuple[jax.Array, ...]:
    """Return stimulus, counts and bins that count, with room for a past and a chunk at the ends."""
    ends = (n_past, size)
    mean = data.moments()[0].astype(np.float32)
    shown = np.pad(data.stimulus - mean, (ends, (0, 0))) + mean
    counts = np.pad(data.counts, (ends, (0, 0)))
    return jnp.asarray(shown), jnp.asarray(counts), jnp.asarray(np.pad(data.used, ends))


def _tiling(used: np.ndarray, size: int, first: int = 0) -> Int[np.ndarray, " chunk"]:
    """Return where chunks start that lie side by side and hold a bin that counts."""
    starts = np.arange(first, len(used), size)
    n_used = np.add.reduceat(used.astype(int), starts)
    return starts[n_used > 0]


def _drawn(
    used: np.ndarray, size: int, n_wanted: int, rng: np.random.Generator
) -> Int[np.ndarray, " chunk"]:
    """Return where chunks start, in random order, side by side from a random place."""
    starts = _tiling(used, size, int(rng.integers(min(size, len(used)))))
    if not len(starts):
        starts = _tiling(used, size)
    return np.resize(rng.permutation(starts), n_wanted)


def _told(epochs: range, curves: list[tuple[float, float]]):
    """Go through the epochs, with a bar in a terminal that shows the latest validation loss."""
    from tqdm import tqdm

    bar = tqdm(epochs, desc="training", disable=not sys.stderr.isatty(), leave=False)
    for epoch in bar:
        if curves:
            bar.set_postfix(validation_loss=f"{curves[-1][1]:.5f}")
        yield epoch
