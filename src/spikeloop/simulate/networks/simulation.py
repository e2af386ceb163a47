"""How to run a network: settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

import numpy as np

from spikeloop.data.checks import require


@dataclass(frozen=True, eq=False)
class Record:
    """What to record at the start of each tick.

    >>> Record("excitatory", "v", neurons=[0, 1]).variable
    'v'
    """

    population: str
    """Name of the population."""
    variable: str
    """A state variable of its neuron, the name of a receptor (its conductance, or current), or
    ``"current"``, what is injected."""
    neurons: Sequence[int] | None = None
    """Which neurons of the population; None for all."""


@dataclass(frozen=True)
class Simulation:
    """How to run a network."""

    duration_s: float = 1.0
    """How long, in the time of the network."""
    dt_ms: float = 0.1
    """Duration of a tick."""
    record: Sequence[Record] = ()
    """What to record besides spikes."""
    engine: Literal["event", "scan"] = "event"
    """``event``: compiled by numba, for any size; ``scan``: JAX, for small dense networks, many at
    once, gradients, and GPUs."""
    threads: int | None = None
    """How many cores the event engine uses; None: one, and all for large networks. The result does
    not depend on it."""
    progress: bool = False
    """Whether to show a progress bar, where there is a terminal."""

    def __post_init__(self) -> None:
        for name in ("duration_s", "dt_ms"):
            value = getattr(self, name)
            require(
                isinstance(value, Real) and 0 < value < np.inf,
                f"{name}={value!r}: give a number above 0.",
            )
        require(
            not isinstance(self.record, Record)
            and all(isinstance(wanted, Record) for wanted in self.record),
            "record must be a list of Record objects.",
        )
        require(
            self.n_ticks >= 1,
            f"duration_s={self.duration_s} is shorter than a tick, dt_ms={self.dt_ms}.",
        )
        require(self.engine in ("event", "scan"), f"engine={self.engine!r}: choose event or scan.")
        require(
            self.threads is None or (isinstance(self.threads, Integral) and self.threads >= 1),
            f"threads={self.threads!r}: give a whole number above 0, or None.",
        )

    @property
    def n_ticks(self) -> int:
        """How many ticks there are."""
        return round(self.duration_s * 1000 / self.dt_ms)
