"""A model of a continuous stimulus that was fitted: rates over time, and spikes made by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.splits import TimeSplit
from spikeloop.encode.temporal.series_data import SeriesData, binned_counts

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, Shaped

BINS_AT_ONCE = 2**16
"""How many bins are predicted at a time."""


class SeriesModel(Protocol):
    """A frozen dataclass of settings that can be fitted to a continuous stimulus, for all units.

    A model whose rates depend on past spikes has `uses_spikes`, and can be walked bin by bin.
    """

    @property
    def uses_spikes(self) -> bool:
        """Whether the rates depend on the spikes of the bins before."""

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on."""

    def fit_series(self, training: SeriesData, validation: SeriesData, *, seed: int) -> Estimate:
        """Learn from the bins of training; choose settings and stop by those of validation."""

    def expected_counts(
        self,
        parameters: Parameters,
        stimulus: Float[Array, "time feature"],
        counts: Float[Array, "time unit"],
    ) -> Float[Array, "time unit"]:
        """Return the expected count of each bin: pure, differentiable, and causal.

        A bin sees the stimulus up to itself and the spikes of the bins before it. Before the first
        bin the stimulus is at its mean, and no spike is known.
        """

    def drive(
        self, parameters: Parameters, stimulus: Float[Array, "time feature"]
    ) -> Float[Array, "time channel"]:
        """Return what `step` needs of the stimulus, for all bins at once."""

    def begin(self, parameters: Parameters) -> object:
        """Return the state before the first bin: arrays."""

    def step(
        self,
        parameters: Parameters,
        state: object,
        drive: Float[Array, " channel"],
        before: Float[Array, " unit"],
    ) -> tuple[object, Float[Array, " unit"]]:
        """Return the next state and the expected counts, given the counts of the bin before."""


@dataclass(frozen=True, eq=False)
class FittedSeriesModel:
    """A model of a continuous stimulus with what it learned."""

    model: SeriesModel
    """Its settings."""
    parameters: Parameters
    """What it learned."""
    unit_ids: Shaped[np.ndarray, " unit"]
    """(unit,) the columns of what it predicts."""
    bin_s: float
    """The bin of the stimulus that it was fitted to, in seconds."""
    stimulus_mean: Float[np.ndarray, " feature"]
    """(feature,) mean of the stimulus that it was fitted to."""
    counts_mean: Float[np.ndarray, " unit"]
    """(unit,) mean count in a bin of what it was fitted to."""
    counts_most: Int[np.ndarray, " unit"]
    """(unit,) the largest count in a bin of what it was fitted to; 1 where there was no spike."""
    split: TimeSplit
    """What it learned from, and what it has not seen."""
    history: Mapping[str, np.ndarray] = field(default_factory=dict)
    """How it was learned: penalties chosen for each unit, loss curves ..."""

    def __repr__(self) -> str:
        return (
            f"FittedSeriesModel({type(self.model).__name__}, {len(self.unit_ids)} units, "
            f"{len(self.stimulus_mean)} features, bins of {self.bin_s:g} s)"
        )

    def rates(self, stimulus: TimeSeries, spikes: SpikeTrains | None = None) -> TimeSeries:
        """Return the rate of each unit in each bin of the stimulus, in Hz, as (time, unit).

        For a model with spike history it is the conditional intensity: the rate given the spikes of
        the bins before. Before the first bin the stimulus is taken at its mean, without a spike, so
        the first `model.n_past(bin_s)` bins are less sure.

        Raises
        ------
        InvalidInputError
            The stimulus has other features or another clock than what was fitted; the model needs
            spikes and there are none, or they are of other units.
        """
        self._require_like(stimulus)
        shown = np.asarray(stimulus.values, dtype=np.float32)
        counts = np.zeros((len(shown), len(self.unit_ids)), np.float32)
        if self.model.uses_spikes:
            require(
                spikes is not None and np.array_equal(spikes.unit_ids, self.unit_ids),
                f"the rates of {type(self.model).__name__} depend on past spikes of the "
                f"{len(self.unit_ids)} units that were fitted: give these, or call simulate.",
            )
            counts = binned_counts(spikes, stimulus)
        expected = in_blocks(self.model, self.parameters, shown, counts, self.bin_s)
        return TimeSeries(expected / self.bin_s, stimulus.sample_rate_hz, stimulus.start_s)

    def simulate(self, stimulus: TimeSeries, *, seed: int) -> SpikeTrains:
        """Return spikes drawn from the model, its own spikes fed back where it has a history.

        Counts are Poisson in each bin, but never larger than any that the model was fitted to, so
        that a history that excites cannot feed on itself without bound. Where bins never held two
        spikes, as when they are shorter than the refractory time, one spike has the expected count
        as its probability. Spikes are spread evenly over their bin.

        Raises
        ------
        InvalidInputError
            The stimulus has other features or another clock than what was fitted.
        """
        self._require_like(stimulus)
        if self.model.uses_spikes:
            counts = self._walked(stimulus, 1, seed)
        else:
            expected = self.rates(stimulus).values * self.bin_s
            chance = np.random.default_rng(seed).random(expected.shape)
            counts = _drawn(expected, chance, tuple(self.counts_most.tolist()))
        return self._spikes(np.asarray(counts).astype(int), stimulus)

    def rates_without_spikes(
        self, stimulus: TimeSeries, *, n_draws: int = 50, seed: int
    ) -> TimeSeries:
        """Return what the stimulus alone lets expect: rates in Hz as (time, unit).

        For a model with spike history they are the mean over simulations that feed their own spikes
        back; for others, those of `rates`. These are what is compared with a smoothed spike train:
        a conditional intensity falls after each spike, so the better it knows the next bin, the
        less it resembles the train.

        Raises
        ------
        InvalidInputError
            `n_draws` is below 1, or the stimulus is not like what was fitted.
        """
        self._require_like(stimulus)
        require(n_draws >= 1, f"n_draws={n_draws}: it must be 1 or more.")
        if not self.model.uses_spikes:
            return self.rates(stimulus)
        mean_counts = np.asarray(self._walked(stimulus, n_draws, seed), dtype=float)
        return TimeSeries(mean_counts / self.bin_s, stimulus.sample_rate_hz, stimulus.start_s)

    def _walked(self, stimulus: TimeSeries, n_draws: int, seed: int) -> jax.Array:
        shown = np.asarray(stimulus.values, dtype=np.float32)
        key = jax.random.key(np.random.SeedSequence(seed).generate_state(1)[0])
        most = tuple(self.counts_most.tolist())
        return _walked(self.model, dict(self.parameters), shown, key, (n_draws, most))

    def receptive_fields(self) -> Float[np.ndarray, "unit lag feature"]:
        """Return the gradient of each rate by the stimulus of the bins before, at the mean.

        In Hz per unit of the stimulus; the last lag is the bin itself. Around the mean stimulus and
        with spikes at their mean rate, this is the best linear description of the model; where one
        linear filter drives it, the filter, scaled. A unit that answers both signs of a pattern
        alike may have a gradient near zero.
        """
        n_lags = self.model.n_past(self.bin_s) + 1
        shown = np.tile(self.stimulus_mean.astype(np.float32), (n_lags, 1))
        counts = np.tile(self.counts_mean.astype(np.float32), (n_lags, 1))
        gradients = _gradients(self.model, dict(self.parameters), shown, counts)
        return np.asarray(gradients) / self.bin_s

    def _require_like(self, stimulus: TimeSeries) -> None:
        n_features, rate_hz = stimulus.values.shape[1], stimulus.sample_rate_hz
        require(
            n_features == len(self.stimulus_mean) and abs(rate_hz * self.bin_s - 1) < 1e-6,
            f"the stimulus has {n_features} features at {rate_hz:g} Hz: this model wants "
            f"{len(self.stimulus_mean)} at {1 / self.bin_s:g} Hz. Resample it, or fit another.",
        )

    def _spikes(self, counts: np.ndarray, stimulus: TimeSeries) -> SpikeTrains:
        bin_index, unit = np.nonzero(counts)
        n_spikes = counts[bin_index, unit]
        first = np.repeat(np.cumsum(n_spikes) - n_spikes, n_spikes)
        rank = np.arange(n_spikes.sum()) - first
        place = np.repeat(bin_index, n_spikes) + (rank + 0.5) / np.repeat(n_spikes, n_spikes)
        times_s = stimulus.start_s + place / stimulus.sample_rate_hz
        order = np.argsort(times_s, kind="stable")
        unit_index = np.repeat(unit, n_spikes)[order]
        epochs = Epochs([stimulus.start_s], [stimulus.stop_s])
        return SpikeTrains(times_s[order], unit_index, self.unit_ids, epochs)


def in_blocks(
    model: SeriesModel,
    parameters: Parameters,
    stimulus: Float[np.ndarray, "time feature"],
    counts: Float[np.ndarray, "time unit"],
    bin_s: float,
) -> Float[np.ndarray, "time unit"]:
    """Return the expected counts of all bins, in blocks that each have their past before them."""
    n_past, n_bins = model.n_past(bin_s), len(stimulus)
    size = min(n_bins, BINS_AT_ONCE + n_past)
    predict = partial(_expected_counts, model, dict(parameters))
    expected = np.empty(counts.shape, dtype=float)
    done = 0
    while done < n_bins:
        # Blocks are of one size, so that one is compiled; the last one begins earlier.
        first = max(0, min(done - n_past, n_bins - size))
        block = predict(stimulus[first : first + size], counts[first : first + size])
        expected[done : first + size] = np.asarray(block)[done - first :]
        done = first + size
    return expected


@partial(jax.jit, static_argnums=0)
def _expected_counts(model, parameters, stimulus, counts):
    return model.expected_counts(parameters, stimulus, counts)


@partial(jax.jit, static_argnums=(0, 4))
def _walked(model, parameters, stimulus, key, limits):
    """Return the counts of all bins, each drawn with the ones before known, averaged over draws."""
    n_draws, most = limits

    def step(carried, inputs):
        states, before = carried
        drive, i = inputs
        states, expected = jax.vmap(
            lambda state, counts: model.step(parameters, state, drive, counts)
        )(states, before)
        chance = jax.random.uniform(jax.random.fold_in(key, i), before.shape)
        counts = _drawn(expected, chance, most)
        return (states, counts), counts.mean(axis=0)

    begun = jax.tree.map(lambda a: jnp.tile(a, (n_draws, *[1] * a.ndim)), model.begin(parameters))
    drives = model.drive(parameters, stimulus)
    start = begun, jnp.zeros((n_draws, len(most)))
    return lax.scan(step, start, (drives, jnp.arange(len(drives))))[1]


@partial(jax.jit, static_argnums=2)
def _drawn(expected, chance, most):
    """Return the counts, at most so many, whose cumulative probability first exceeds `chance`."""
    ratios = expected[..., None] / jnp.arange(1, max(most))
    terms = jnp.concatenate([jnp.ones_like(expected)[..., None], jnp.cumprod(ratios, axis=-1)], -1)
    below = jnp.cumsum(jnp.exp(-expected)[..., None] * terms, axis=-1)
    limits = jnp.array(most)
    poisson = jnp.minimum(jnp.sum(chance[..., None] >= below, axis=-1), limits)
    return jnp.where(limits == 1, chance < expected, poisson).astype(jnp.float32)


@partial(jax.jit, static_argnums=0)
def _gradients(model, parameters, stimulus, counts):
    """Return gradients of the last bin's expected counts, (unit, lag, feature)."""
    expected, pull_back = jax.vjp(
        lambda shown: model.expected_counts(parameters, shown, counts)[-1], stimulus
    )
    return lax.map(lambda unit: pull_back(unit)[0], jnp.eye(len(expected)))
