"""What a task is: it draws trials, and knows how well they can be told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from spikeloop.data.checks import require

if TYPE_CHECKING:
    import jax
    import numpy as np
    from jaxtyping import Array, Float, Int, PRNGKeyArray


class TaskTrials(NamedTuple):
    """Trials of a task."""

    spikes: Float[Array, "trial time input"]
    """1 where an input fires in a tick, and else 0."""
    target: Int[Array, " trial"]
    """The class to be told."""
    value: Float[Array, " trial"]
    """What the class is of, such as an angle; the class itself where there is nothing behind it."""


@runtime_checkable
class Task(Protocol):
    """Settings of a task; a frozen dataclass, so that what it draws is compiled once.

    A task that can run out of trials may have two methods besides, which return tasks that draw
    others: ``watched()`` those of validation, which decide on the best weights, and ``tested()``
    those that a trained network is tested on.
    """

    @property
    def n_inputs(self) -> int:
        """How many inputs fire."""

    @property
    def n_ticks(self) -> int:
        """How long a trial lasts."""

    @property
    def n_classes(self) -> int:
        """How many classes there are."""

    @property
    def dt_ms(self) -> float:
        """Duration of a tick."""

    @property
    def value_unit(self) -> str:
        """The unit of `TaskTrials.value`; empty where it has none."""

    def draw(
        self, key: PRNGKeyArray, n_trials: int, data_set: PRNGKeyArray | None = None
    ) -> TaskTrials:
        """Return new trials, always the same for the same keys. It may be given to ``jax.jit``.

        `data_set` decides on what all trials of a data set share, where they share something.
        """

    def class_values(self) -> Float[np.ndarray, " class"]:
        """Return the value in the middle of each class."""

    def log_posterior(self, spikes: Float[Array, "trial time input"]) -> jax.Array:
        """Return the log probability of each class, given all spikes: (trial, class).

        This is the ideal observer: nothing that sees the same spikes can do better on average.
        """


def watched(task: Task) -> Task:
    """Return what draws the trials of validation."""
    return task.watched() if hasattr(task, "watched") else task


def tested(task: Task) -> Task:
    """Return what draws the trials of tests."""
    return task.tested() if hasattr(task, "tested") else task


def require_duration(duration_ms: float, dt_ms: float) -> None:
    """Refuse a trial that holds no tick."""
    require(dt_ms > 0, f"dt_ms={dt_ms}: it must be above 0.")
    require(
        duration_ms >= dt_ms,
        f"duration_ms={duration_ms}: it must hold a tick, of {dt_ms} ms, at least.",
    )


def require_peak_rate(peak_rate_hz: float, dt_ms: float) -> None:
    """Refuse a rate that no input can reach."""
    require(peak_rate_hz > 0, f"peak_rate_hz={peak_rate_hz}: it must be above 0.")
    most_hz = 1000 / dt_ms
    require(
        peak_rate_hz <= most_hz,
        f"peak_rate_hz={peak_rate_hz}: an input fires once in a tick at most, which is "
        f"{most_hz:g} Hz at dt_ms={dt_ms}. Lower one.",
    )
