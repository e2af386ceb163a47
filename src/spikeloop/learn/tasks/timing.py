"""Which pattern was it? Every input fires as often in each; all that differs is when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from spikeloop.data.checks import require, require_seed
from spikeloop.data.settings import require_settings
from spikeloop.learn.spike_draws import LEAST_PROBABILITY, quick_uniform
from spikeloop.learn.tasks.task import TaskTrials, require_duration

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, PRNGKeyArray


@dataclass(frozen=True)
class PatternTiming:
    r"""Tell patterns apart that differ in when each input fires, and in nothing else.

    A trial is cut into equal parts of :math:`T` ticks, and each input fires once in each. In
    pattern :math:`c` the spike of input :math:`i` belongs into tick :math:`\tau_{ci}` of the part;
    it comes in tick :math:`t` with the probability

    .. math:: (1 - \nu) \sum_k \int_{-1/2}^{1/2}
        \mathcal{N}\left((t - \tau_{ci} + kT + x) \, \Delta;\ 0, \sigma^2\right) \Delta \, dx
        + \frac{\nu}{T}

    a normal distribution, wrapped around the part, or anywhere. The :math:`\tau_{ci}` of a class
    are the same evenly spread ticks, handed out to the inputs by lot, so that counts tell nothing
    about the class, and neither does how many inputs fire in a tick.

    Examples
    --------
    >>> task = PatternTiming()
    >>> spikes = task.draw(jax.random.key(0), 64).spikes
    >>> spikes.shape, float(spikes.sum(axis=1).min()), float(spikes.sum(axis=1).max())
    ((64, 100, 20), 1.0, 1.0)
    """

    n_inputs: int = 20
    """How many inputs fire."""
    n_classes: int = 4
    """How many patterns there are."""
    n_spikes: int = 1
    """Of each input in a trial; each comes in a part of the trial of its own."""
    jitter_ms: float = 5.0
    """The sigma above: standard deviation of a spike about its time in the pattern."""
    noise: float = 0.5
    """The nu above: share of spikes that come anywhere instead."""
    duration_ms: float = 100.0
    """Of a trial."""
    dt_ms: float = 1.0
    """Of a tick."""
    pattern_seed: int = 0
    """Of the patterns, which stay the same in all trials and data sets."""

    def __post_init__(self) -> None:
        require_settings(self)
        require_seed(self.pattern_seed)
        require(self.n_inputs >= 2, f"n_inputs={self.n_inputs}: it must be 2 or more.")
        require(self.n_classes >= 2, f"n_classes={self.n_classes}: it must be 2 or more.")
        require(self.n_spikes >= 1, f"n_spikes={self.n_spikes}: it must be 1 or more.")
        require(self.jitter_ms >= 0, f"jitter_ms={self.jitter_ms}: it must be 0 or more.")
        require(0 <= self.noise < 1, f"noise={self.noise}: it is a share, from 0 to below 1.")
        require_duration(self.duration_ms, self.dt_ms)
        require(
            self.n_ticks % self.n_spikes == 0 and self.n_ticks > self.n_spikes,
            f"n_spikes={self.n_spikes}: a trial of {self.n_ticks} ticks cannot be cut into so many "
            "equal parts of 2 ticks or more. Choose a divisor.",
        )
        n_different = len(np.unique(_patterns(self), axis=0))
        require(
            n_different == self.n_classes,
            f"pattern_seed={self.pattern_seed}: only {n_different} of {self.n_classes} patterns "
            "differ. Try another, or raise n_inputs.",
        )

    @property
    def n_ticks(self) -> int:
        """How many ticks a trial lasts."""
        return round(self.duration_ms / self.dt_ms)

    @property
    def value_unit(self) -> str:
        """None: patterns have no order."""
        return ""

    def class_values(self) -> Float[np.ndarray, " class"]:
        """Return the numbers of the classes."""
        return np.arange(self.n_classes, dtype=float)

    def draw(
        self, key: PRNGKeyArray, n_trials: int, data_set: PRNGKeyArray | None = None
    ) -> TaskTrials:
        """Return new trials, always the same for the same key; data sets share but the patterns."""
        class_key, spike_key = jax.random.split(key)
        target = jax.random.randint(class_key, (n_trials,), 0, self.n_classes)
        n_late = np.cumsum(_lateness(self))[:-1].astype(np.float32)
        drawn = quick_uniform(spike_key, (n_trials, self.n_spikes, self.n_inputs))
        late = jnp.searchsorted(n_late, drawn, side="right")
        n_ticks = self.n_ticks // self.n_spikes
        times = (jnp.asarray(_patterns(self))[target] + late) % n_ticks
        part, tick = np.divmod(np.arange(self.n_ticks), n_ticks)
        spikes = (times[:, part] == tick[:, None]).astype(jnp.float32)
        return TaskTrials(spikes, target, target.astype(jnp.float32))

    def log_posterior(self, spikes: Float[Array, "trial time input"]) -> jax.Array:
        """Return the log probability of each class, given all spikes: (trial, class).

        All spikes are independent, given the class: their log probabilities add up. One of less
        than 1e-12 counts as 1e-12.
        """
        part, tick = np.divmod(np.arange(self.n_ticks), self.n_ticks // self.n_spikes)
        late = (tick[:, None] - _patterns(self)[:, part]) % (self.n_ticks // self.n_spikes)
        likely = np.log(np.maximum(_lateness(self), LEAST_PROBABILITY)).astype(np.float32)[late]
        return jax.nn.log_softmax(jnp.einsum("nti,cti->nc", spikes, likely))


@cache
def _patterns(task: PatternTiming) -> Int[np.ndarray, "class part input"]:
    """Return the tick of the part in which each input should fire."""
    n_ticks = task.n_ticks // task.n_spikes
    spread = np.arange(task.n_inputs) * n_ticks // task.n_inputs
    patterns = np.broadcast_to(spread, (task.n_classes, task.n_spikes, task.n_inputs))
    return np.random.default_rng(task.pattern_seed).permuted(patterns, axis=-1).astype(np.int32)


@cache
def _lateness(task: PatternTiming) -> Float[np.ndarray, " tick"]:
    """Return how probable a spike is so many ticks after its time, around the part."""
    n_ticks = task.n_ticks // task.n_spikes
    sigma = max(task.jitter_ms / task.dt_ms, 1e-6)
    n_turns = int(np.ceil(8 * sigma / n_ticks)) + 1
    late = np.arange(n_ticks) + n_ticks * np.arange(-n_turns, n_turns + 1)[:, None]
    # The smaller tail of both, which is exact far out.
    far = np.abs(late)
    wrapped = (ndtr((0.5 - far) / sigma) - ndtr((-0.5 - far) / sigma)).sum(axis=0)
    return (1 - task.noise) * wrapped + task.noise / n_ticks
