"""When the experiment was observed."""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import as_vector, require, require_finite


@dataclass(frozen=True, eq=False)
class Epochs:
    """Half-open stretches of time [start, stop) in which the experiment was observed.

    A rate needs the observed time, so every `SpikeTrains` carries its epochs.

    >>> epochs = Epochs(start_s=[0.0, 20.0], stop_s=[10.0, 25.0])
    >>> epochs.duration_s
    15.0
    """

    start_s: np.ndarray
    """(epoch,) when each epoch starts, in seconds, ascending."""
    stop_s: np.ndarray
    """(epoch,) when each epoch ends, in seconds; epochs do not overlap."""

    def __post_init__(self) -> None:
        start_s = as_vector("start_s", self.start_s, float)
        stop_s = as_vector("stop_s", self.stop_s, float)
        require(
            len(start_s) == len(stop_s) > 0,
            f"{len(start_s)} starts and {len(stop_s)} stops: give one of each per epoch.",
        )
        require_finite("start_s", start_s)
        require_finite("stop_s", stop_s)
        for i in np.flatnonzero(stop_s <= start_s)[:1]:
            require(
                False,
                f"epoch {i} runs from {start_s[i]} to {stop_s[i]} s: stop must be after start.",
            )
        for i in np.flatnonzero(start_s[1:] < stop_s[:-1])[:1]:
            require(
                False,
                f"epoch {i + 1} starts at {start_s[i + 1]} s, before epoch {i} stops at "
                f"{stop_s[i]} s. Sort the epochs and merge those that overlap.",
            )
        object.__setattr__(self, "start_s", start_s)
        object.__setattr__(self, "stop_s", stop_s)

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def duration_s(self) -> float:
        """The observed time, in seconds."""
        return float(np.sum(self.stop_s - self.start_s))

    def contains(self, times_s: np.ndarray) -> np.ndarray:
        """Return, for each time, whether it was observed: start <= time < stop."""
        times_s = np.asarray(times_s, dtype=float)
        epoch = np.searchsorted(self.start_s, times_s, side="right") - 1
        return (epoch >= 0) & (times_s < self.stop_s[epoch])

    def contain(self, starts_s: np.ndarray, stops_s: np.ndarray) -> np.ndarray:
        """Return, for each interval, whether one epoch holds all of it.

        A stop may pass the end of the epoch by a nanosecond, which is rounding.

        >>> Epochs([0.0, 2.0], [1.0, 3.0]).contain([0.5, 0.5, 2.0], [1.0, 2.5, 3.0]).tolist()
        [True, False, True]
        """
        starts_s, stops_s = np.asarray(starts_s, dtype=float), np.asarray(stops_s, dtype=float)
        epoch = np.searchsorted(self.start_s, starts_s + 1e-9, side="right") - 1
        return (epoch >= 0) & (stops_s <= self.stop_s[epoch] + 1e-9)
