"""How much each unit answered each presentation."""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import (
    as_array,
    as_vector,
    require,
    require_finite,
    require_moderate,
    require_unique,
)
from spikeloop.data.trials import BLANK, Trials


@dataclass(frozen=True, eq=False)
class Responses:
    """Spike counts of each unit in a window of each trial. A count of zero is a count.

    >>> trials = Trials(stimulus_id=[7, 8, 7, -1])
    >>> responses = Responses([[1.0], [0.0], [3.0], [5.0]], (0.0, 0.25), trials, unit_ids=["a"])
    >>> responses.repeats()[:, :, 0].tolist()
    [[1.0, 3.0], [0.0, nan]]
    >>> responses.mean()[:, 0].tolist()
    [2.0, 0.0]
    """

    counts: np.ndarray
    """(trial, unit) float64: spikes in the window, or means of repeats where a file has no more."""
    window_s: tuple[float, float]
    """Start and stop of the counting window after stimulus onset, in seconds, half-open."""
    trials: Trials
    """The presentations, in the order of `counts`."""
    unit_ids: np.ndarray
    """(unit,) as in `SpikeTrains`."""

    def __post_init__(self) -> None:
        counts = as_array("counts", self.counts, ("trial", "unit"), np.float64)
        unit_ids = as_vector("unit_ids", self.unit_ids)
        require(
            counts.shape == (len(self.trials), len(unit_ids)),
            f"counts has shape {counts.shape}: {len(self.trials)} trials and {len(unit_ids)} units "
            f"want ({len(self.trials)}, {len(unit_ids)}).",
        )
        require_unique("unit_ids", unit_ids)
        require_finite("counts", counts)
        require_moderate("counts", counts)
        window_s = as_vector("window_s", self.window_s, np.float64)
        require(
            len(window_s) == 2 and bool(np.isfinite(window_s).all()),
            f"window_s={self.window_s}: start and stop must be finite numbers. Give both in "
            "seconds.",
        )
        start_s, stop_s = window_s.tolist()
        require(
            stop_s > start_s,
            f"window_s=({start_s}, {stop_s}): stop must be after start. Swap or widen them.",
        )
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "window_s", (start_s, stop_s))
        object.__setattr__(self, "unit_ids", unit_ids)

    def __repr__(self) -> str:
        start_s, stop_s = self.window_s
        return (
            f"Responses({len(self.counts)} trials x {len(self.unit_ids)} units, "
            f"{start_s}..{stop_s} s after onset)"
        )

    @property
    def stimulus_ids(self) -> np.ndarray:
        """(stimulus,) the ids of the rows of `repeats` and `mean`: ascending, no blank."""
        return self.trials.stimulus_ids

    def repeats(self) -> np.ndarray:
        """Return counts as (stimulus, repeat, unit), padded with NaN where repeats are missing.

        Repeats stand in the order in which they were shown. Blanks are kept apart, in `blanks`.
        """
        shown = self.trials.stimulus_id != BLANK
        stimulus, n_repeats = _rank(self.trials.stimulus_id[shown], self.stimulus_ids)
        order = np.argsort(stimulus, kind="stable")
        repeat = np.arange(len(order)) - np.repeat(np.cumsum(n_repeats) - n_repeats, n_repeats)
        shape = (len(n_repeats), n_repeats.max(initial=0), self.counts.shape[1])
        table = np.full(shape, np.nan)
        table[stimulus[order], repeat] = self.counts[shown][order]
        return table

    def mean(self) -> np.ndarray:
        """Return the mean over repeats, (stimulus, unit)."""
        shown = self.trials.stimulus_id != BLANK
        stimulus, n_repeats = _rank(self.trials.stimulus_id[shown], self.stimulus_ids)
        sums = np.zeros((len(n_repeats), self.counts.shape[1]))
        np.add.at(sums, stimulus, self.counts[shown])
        return sums / n_repeats[:, None]

    def blanks(self) -> np.ndarray:
        """Return the counts of the trials that showed nothing, (blank trial, unit)."""
        return self.counts[self.trials.stimulus_id == BLANK]

    def select(self, *, trials: np.ndarray | None = None, units: np.ndarray | None = None):
        """Return the trials and units where the bool masks (trial,) and (unit,) are true."""
        trials = np.ones(len(self.trials), dtype=bool) if trials is None else np.asarray(trials)
        units = np.ones(len(self.unit_ids), dtype=bool) if units is None else np.asarray(units)
        return Responses(
            self.counts[trials][:, units],
            self.window_s,
            self.trials.select(trials),
            self.unit_ids[units],
        )


def _rank(stimulus_id: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of `ids` of each trial, and how many trials each row has."""
    stimulus = np.searchsorted(ids, stimulus_id)
    return stimulus, np.bincount(stimulus, minlength=len(ids))
