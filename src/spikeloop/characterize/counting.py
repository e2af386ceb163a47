"""The trial table: how many spikes each unit fired in a window of each trial."""

import warnings

import numpy as np

from spikeloop.data import Responses, SpikeTrains, Trials
from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.numerics.binning import count_in_windows


def count_spikes(spikes: SpikeTrains, trials: Trials, window_s: tuple[float, float]) -> Responses:
    """Count the spikes of every unit in ``[onset + start, onset + stop)`` of every trial.

    A spike on the edge of two windows belongs to the later one alone; trials without spikes count
    zero. Trials whose window was not wholly observed have no count: they are left out, and said so.

    Parameters
    ----------
    spikes
        The spike trains, on the clock of the trials.
    trials
        The presentations; blanks are counted too.
    window_s
        Start and stop after stimulus onset, in seconds.

    Raises
    ------
    InvalidInputError
        The trials have no onsets, the window has no length, or no window was observed.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({"a": [0.1, 0.25], "b": []}, Epochs([0.0], [1.0]))
    >>> trials = Trials(stimulus_id=[4, 5], onset_s=[0.0, 0.25], duration_s=[0.25, 0.25])
    >>> count_spikes(spikes, trials, (0.0, 0.25)).counts.tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    start_s, stop_s = window_s
    if not stop_s > start_s:
        raise InvalidInputError(
            f"window_s=({start_s}, {stop_s}): stop must be after start. Swap or widen them."
        )
    if trials.onset_s is None:
        raise InvalidInputError("The trials have no onset_s: spikes cannot be counted in them.")
    seen = _observed(spikes, trials.onset_s + start_s, trials.onset_s + stop_s)
    if not seen.all():
        trials = trials.select(seen)
    starts = trials.onset_s + start_s
    counts = count_in_windows(
        spikes.times_s, spikes.unit_index, spikes.n_units, starts, trials.onset_s + stop_s
    )
    return Responses(counts, (start_s, stop_s), trials, spikes.unit_ids)


def _observed(spikes: SpikeTrains, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Return which windows lie inside one epoch each, or refuse when none does."""
    epochs = spikes.epochs
    seen = epochs.contain(starts, stops)
    if not seen.any():
        raise InvalidInputError(
            f"None of the {len(seen)} trials was observed: their windows run from "
            f"{starts.min(initial=np.inf)} to {stops.max(initial=-np.inf)} s, and the epochs from "
            f"{epochs.start_s[0]} to {epochs.stop_s[-1]} s. Put both on one clock."
        )
    if not seen.all():
        first = starts[~seen][0]
        warnings.warn(
            f"{int((~seen).sum())} of {len(seen)} trials were left out: their counting window was "
            f"not wholly observed (the first starts at {first} s).",
            SpikeloopWarning,
            stacklevel=3,
        )
    return seen
