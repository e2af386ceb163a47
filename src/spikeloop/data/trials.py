"""What was shown when."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloop.data.checks import as_table, as_vector, require, require_finite

BLANK = -1
"""The stimulus id of a trial that showed nothing."""


@dataclass(frozen=True, eq=False)
class Trials:
    """A table with a row for each presentation of a stimulus, in the order of the experiment.

    >>> trials = Trials(stimulus_id=[3, -1, 3], onset_s=[0.0, 0.25, 0.5], duration_s=[0.25] * 3)
    >>> trials
    Trials(3 presentations of 1 stimuli, 1 of them blank)
    >>> trials.stimulus_ids.tolist()
    [3]
    """

    stimulus_id: np.ndarray
    """(trial,) integers; `BLANK` (-1) where nothing was shown."""
    onset_s: np.ndarray | None = None
    """(trial,) when each presentation began, in seconds; None where the file does not tell."""
    duration_s: np.ndarray | None = None
    """(trial,) how long each lasted, in seconds; None where the file does not tell."""
    conditions: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Any further columns with a row for each trial: block, contrast, running speed ..."""

    def __post_init__(self) -> None:
        stimulus_id = as_vector("stimulus_id", self.stimulus_id, np.int64)
        require(
            stimulus_id.size == 0 or stimulus_id.min() >= BLANK,
            f"stimulus_id holds {stimulus_id.min(initial=0)}: ids are 0 or more, -1 is a blank.",
        )
        object.__setattr__(self, "stimulus_id", stimulus_id)
        for name in ("onset_s", "duration_s"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _seconds(name, getattr(self, name), len(self)))
        require(
            self.duration_s is None or self.duration_s.min(initial=1.0) > 0,
            "duration_s holds a value that is not above 0.",
        )
        table = as_table("conditions", self.conditions, len(self))
        object.__setattr__(self, "conditions", table)

    def __repr__(self) -> str:
        return (
            f"Trials({len(self)} presentations of {len(self.stimulus_ids)} stimuli, "
            f"{int(np.sum(self.stimulus_id == BLANK))} of them blank)"
        )

    def __len__(self) -> int:
        return len(self.stimulus_id)

    @property
    def stimulus_ids(self) -> np.ndarray:
        """The ids shown, each once, ascending, without the blank."""
        ids = np.unique(self.stimulus_id)
        return ids[ids != BLANK]

    def select(self, keep: np.ndarray) -> "Trials":
        """Return the trials where `keep` (trial,) is true."""
        return Trials(
            self.stimulus_id[keep],
            None if self.onset_s is None else self.onset_s[keep],
            None if self.duration_s is None else self.duration_s[keep],
            {name: column[keep] for name, column in self.conditions.items()},
        )


def _seconds(name: str, values: object, n_trials: int) -> np.ndarray:
    vector = as_vector(name, values, float)
    require(
        len(vector) == n_trials,
        f"{name} has {len(vector)} rows and stimulus_id {n_trials}: give one per trial.",
    )
    require_finite(name, vector)
    return vector
