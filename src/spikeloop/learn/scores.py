"""How well a trained network does, on trials it never saw, beside the ideal observer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import numpy as np

from spikeloop.data.checks import require, require_kinds, require_seed
from spikeloop.evaluate.draws import require_confidence, require_count
from spikeloop.learn.tasks.task import Task, TaskTrials, tested
from spikeloop.learn.trained import TrainedNetwork, run_plan
from spikeloop.numerics.keys import key_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int

AT_ONCE = 500
"""Trials that are answered at a time."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Answers to several data sets of new trials."""

    task: Task
    target: Int[np.ndarray, "draw trial"]
    """The true class."""
    value: Float[np.ndarray, "draw trial"]
    """The true value behind it."""
    answer: Int[np.ndarray, "draw trial"]
    """The class that was answered."""
    confidence: float = 0.95
    """Of intervals."""

    @property
    def accuracies(self) -> Float[np.ndarray, " draw"]:
        """Share of right answers in each data set."""
        return (self.answer == self.target).mean(axis=1)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.accuracies.mean())

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        r"""Interval of the accuracy on new data sets' mean: Student's t over the data sets.

        :math:`\bar a \pm t_{n - 1} \, s / \sqrt n` for :math:`n` of them, within 0 and 1. Data sets
        that are drawn from the same few recorded trials tell of these alone.
        """
        low, high = student_interval(self.accuracies, self.confidence)
        return max(low, 0.0), min(high, 1.0)

    @property
    def chance(self) -> float:
        """Accuracy of guessing all classes alike."""
        return 1 / self.task.n_classes

    @property
    def estimate(self) -> Float[np.ndarray, "draw trial"]:
        """The value in the middle of the answered class."""
        return self.task.class_values()[self.answer]

    @property
    def absolute_error(self) -> float:
        """Mean distance of the estimate from the true value."""
        return float(np.abs(self.estimate - self.value).mean())

    @property
    def circular_error(self) -> float:
        """As `absolute_error`, the short way round the circle, of values in degrees.

        Raises
        ------
        InvalidInputError
            The values are not in degrees.
        """
        require(
            self.task.value_unit == "deg",
            f"values are in {self.task.value_unit or 'classes'}: only degrees lie on a circle.",
        )
        error = (self.estimate - self.value + 180) % 360 - 180
        return float(np.abs(error).mean())

    @property
    def confusion(self) -> Float[np.ndarray, "true answered"]:
        """Share of each answer, given the true class; NaN where a class never came."""
        n = self.task.n_classes
        counts = np.bincount((self.target * n + self.answer).ravel(), minlength=n * n)
        counts = counts.reshape(n, n)
        totals = counts.sum(axis=1, keepdims=True)
        return np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)

    @property
    def class_accuracy(self) -> Float[np.ndarray, " class"]:
        """Share of right answers for each true class."""
        return np.diagonal(self.confusion)


def score(
    trained: TrainedNetwork,
    *,
    seed: int,
    n_draws: int = 5,
    n_trials: int = 1000,
    confidence: float = 0.95,
) -> Scores:
    """Test a trained network on new data sets.

    Parameters
    ----------
    trained
        The network; its task draws the trials, of the part for tests where it has parts.
    seed
        Of the trials. The same seed gives the same trials to every network, and to the ideal
        observer; no seed gives trials of a training.
    n_draws
        How many data sets.
    n_trials
        How many trials each has.
    confidence
        Of intervals.

    Raises
    ------
    InvalidInputError
        Fewer than 2 data sets, no trials, or a confidence that none can have.

    Examples
    --------
    ``score(trained, seed=0).accuracy``
    """
    require_kinds(trained=(trained, TrainedNetwork))

    def answer(trials: TaskTrials) -> jax.Array:
        return run_plan(trained.plan, trained.numbers, trials.spikes).output

    return _scores(tested(trained.task), answer, seed, n_draws, n_trials, confidence)


def ideal_scores(
    task: Task, *, seed: int, n_draws: int = 5, n_trials: int = 1000, confidence: float = 0.95
) -> Scores:
    """Test the ideal observer of a task, on the same trials as `score` with the same arguments.

    Nothing that sees the same spikes can be right more often, but for chance.

    Examples
    --------
    >>> from spikeloop.learn import SoundLocalization
    >>> found = ideal_scores(SoundLocalization(n_fibres=20), seed=0, n_draws=2, n_trials=100)
    >>> 0.6 < found.accuracy < 0.9
    True
    """
    require_kinds(task=(task, Task))
    task = tested(task)

    def answer(trials: TaskTrials) -> jax.Array:
        return _log_posterior(task, trials.spikes)

    return _scores(task, answer, seed, n_draws, n_trials, confidence)


@partial(jax.jit, static_argnums=0)
def _log_posterior(task: Task, spikes: jax.Array) -> jax.Array:
    return task.log_posterior(spikes)


@partial(jax.jit, static_argnums=(0, 2))
def _draw(task: Task, key: jax.Array, n_trials: int, data_set: jax.Array) -> TaskTrials:
    return task.draw(key, n_trials, data_set)


_TESTS = 17
"""Sets the keys of tests apart from those of trainings."""


def _scores(
    task: Task, answer: object, seed: int, n_draws: int, n_trials: int, confidence: float
) -> Scores:
    require_seed(seed)
    require_count("n_draws", n_draws, 2)
    require_count("n_trials", n_trials)
    require_confidence(confidence)
    found = []
    for index in range(n_draws):
        data_set = jax.random.fold_in(jax.random.fold_in(key_of(seed), _TESTS), index)
        n_parts = -(-n_trials // AT_ONCE)
        parts = []
        for part in range(n_parts):
            key = jax.random.fold_in(data_set, part)
            trials = _draw(task, key, min(AT_ONCE, n_trials), data_set)
            parts.append((trials.target, trials.value, answer(trials).argmax(axis=-1)))
        found.append([np.concatenate(values)[:n_trials] for values in zip(*parts, strict=True)])
    return Scores(task, *(np.stack(values) for values in zip(*found, strict=True)), confidence)


def student_interval(values: Float[np.ndarray, " draw"], confidence: float) -> tuple[float, float]:
    """Return the interval of a mean by Student's t, from a few independent values.

    Examples
    --------
    >>> [round(end, 3) for end in student_interval(np.array([1.0, 2.0, 3.0]), 0.95)]
    [-0.484, 4.484]
    """
    from scipy.stats import t

    require(len(values) >= 2, f"{len(values)} values: an interval needs 2 or more.")
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * spread / math.sqrt(len(values))
    return mean - half, mean + half
