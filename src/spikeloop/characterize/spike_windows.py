"""What triggered averages and covariances share: the lags, and the spikes that have a window."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.binning import count_in_bins
from spikeloop.numerics.null import draw_shifts, fewest_surrogates
from spikeloop.numerics.triggered import window_range

LARGEST_COVARIANCE = 2000
"""Rows of the largest covariance of lags x features that is made: 32 MB, and seconds to invert."""


@dataclass(frozen=True, eq=False)
class Observed:
    """The part of a stimulus during which spikes were observed, its stretches joined."""

    values: np.ndarray
    """(observed time, feature) the samples observed, in order."""
    sample_rate_hz: float
    """Samples per second."""
    samples: np.ndarray
    """(observed time,) the index of each of them in the stimulus."""
    usable: np.ndarray
    """(observed time,) bool: whether a spike in this sample has its whole window in the unbroken
    observed stretch that the spike is in."""


def observe(stimulus: TimeSeries, epochs: Epochs, lags: np.ndarray) -> Observed:
    """Return the samples whose whole bin lies in one epoch, within one millionth of a bin.

    A silent gap would tie spikes to whatever the stimulus did in the gap, so gaps are left out.

    >>> stimulus = TimeSeries(np.arange(6.0)[:, None], sample_rate_hz=1.0)
    >>> seen = observe(stimulus, Epochs([0.0, 2.5], [2.0, 6.0]), np.array([-1, 0]))
    >>> seen.samples.tolist(), seen.usable.tolist()
    ([0, 1, 3, 4, 5], [False, True, False, True, True])
    """
    rate_hz, n_samples = stimulus.sample_rate_hz, stimulus.n_samples
    first = np.ceil((epochs.start_s - stimulus.start_s) * rate_hz - 1e-6)
    stop = np.floor((epochs.stop_s - stimulus.start_s) * rate_hz + 1e-6)
    edges = np.clip([first, stop], 0, n_samples).astype(int)
    observed = np.zeros(n_samples, dtype=bool)
    for first_sample, stop_sample in edges.T:
        observed[first_sample:stop_sample] = True
    samples = np.flatnonzero(observed)
    usable = np.zeros(len(samples), dtype=bool)
    breaks = np.flatnonzero(np.diff(samples) > 1) + 1
    stretches = np.concatenate([[0], breaks, [len(samples)]])
    for left, right in pairwise(stretches):
        start, end = window_range(int(right - left), int(lags[0]), len(lags))
        usable[left + start : left + end] = True
    values = stimulus.values if observed.all() else stimulus.values[samples]
    return Observed(values, rate_hz, samples, usable)


def check_window(window_s: tuple[float, float]) -> None:
    """Refuse a window without length, or one that runs backwards."""
    start_s, stop_s = window_s
    if not (np.isfinite([start_s, stop_s]).all() and stop_s > start_s):
        raise InvalidInputError(
            f"window_s=({start_s}, {stop_s}): stop must be after start. Swap or widen them; "
            "lags before the spike are negative."
        )


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that is no probability."""
    if not 0 < confidence < 1:
        raise InvalidInputError(f"confidence={confidence}: it must lie between 0 and 1, as 0.95.")


def check_null(name: str, n_surrogates: int, confidence: float, min_shift_s: float = 0.0) -> None:
    """Refuse a null with too few surrogates for its confidence; none at all are fine."""
    check_confidence(confidence)
    fewest = fewest_surrogates(confidence)
    if n_surrogates != 0 and n_surrogates < fewest:
        raise InvalidInputError(
            f"{name}={n_surrogates}: a confidence of {confidence} takes {fewest} or more. Raise "
            f"{name}, or set it to 0 for no null."
        )
    if not (np.isfinite(min_shift_s) and min_shift_s >= 0):
        raise InvalidInputError(f"min_shift_s={min_shift_s}: it must be 0 or more.")


def check_ridge(whitening_ridge: float | None) -> None:
    """Refuse a ridge that would not regularize."""
    if whitening_ridge is not None and not (np.isfinite(whitening_ridge) and whitening_ridge > 0):
        raise InvalidInputError(
            f"whitening_ridge={whitening_ridge}: it must be above 0, as 0.01, or None for no "
            "whitening."
        )


def lags_of(window_s: tuple[float, float], stimulus: TimeSeries) -> np.ndarray:
    """Return the lags of the window in samples, both ends included.

    Raises
    ------
    InvalidInputError
        The window reaches further from the spike than the stimulus is long.
    """
    rate_hz, n_samples = stimulus.sample_rate_hz, stimulus.n_samples
    start_s, stop_s = map(float, window_s)
    reach = max(abs(start_s), abs(stop_s)) * rate_hz
    if reach > n_samples:
        raise InvalidInputError(
            f"window_s=({start_s:g}, {stop_s:g}) reaches {reach:.6g} samples away from the spike, "
            f"and the stimulus has {n_samples} at {rate_hz:g} Hz: no spike has its whole window. "
            "Shorten window_s."
        )
    first, last = round(start_s * rate_hz), round(stop_s * rate_hz)
    return np.arange(first, last + 1)


def require_windows(
    spikes: SpikeTrains, stimulus: TimeSeries, observed: Observed, lags: np.ndarray
) -> None:
    """Refuse spikes none of which has its whole window inside the observed stimulus."""
    if spikes.n_units == 0:
        raise InvalidInputError("The spike trains hold no unit: there is nothing to average.")
    pooled = _counts(spikes.times_s, np.zeros_like(spikes.unit_index), 1, stimulus)
    used = pooled[observed.samples[observed.usable]]
    if not used.size or (spikes.times_s.size and not used.any()):
        epochs = spikes.epochs
        raise InvalidInputError(
            f"None of the {spikes.times_s.size} spikes has a whole window of {len(lags)} samples "
            f"inside the observed stimulus: the stimulus runs from {stimulus.start_s} to "
            f"{stimulus.stop_s} s and the {len(epochs)} epochs of the spikes from "
            f"{epochs.start_s[0]} to {epochs.stop_s[-1]} s. Put both on one clock, or shorten "
            "window_s."
        )


def counts_with_window(
    spikes: SpikeTrains, stimulus: TimeSeries, observed: Observed, units: slice
) -> np.ndarray:
    """Count the spikes of some units, (observed time, unit); zero where no window fits."""
    first, end, _ = units.indices(spikes.n_units)
    mine = (spikes.unit_index >= first) & (spikes.unit_index < end)
    counts = _counts(spikes.times_s[mine], spikes.unit_index[mine] - first, end - first, stimulus)
    counts = counts[observed.samples]
    counts[~observed.usable] = 0
    return counts


def _counts(
    times_s: np.ndarray, unit: np.ndarray, n_units: int, stimulus: TimeSeries
) -> np.ndarray:
    return count_in_bins(
        times_s,
        unit,
        n_units,
        start=stimulus.start_s,
        rate=stimulus.sample_rate_hz,
        n_bins=stimulus.n_samples,
    )


def draw_stimulus_shifts(
    n_shifts: int, min_shift_s: float, observed: Observed, lags: np.ndarray, seed: int
) -> np.ndarray | None:
    """Draw circular shifts, in samples, longer than the window; None where none are wanted."""
    if n_shifts == 0:
        return None
    longest_s = len(observed.values) / observed.sample_rate_hz
    if min_shift_s > longest_s:
        raise InvalidInputError(
            f"min_shift_s={min_shift_s:g}: the observed stimulus lasts {longest_s:g} s, and shifts "
            "must be shorter. Lower min_shift_s, or set n_shifts=0 for no null."
        )
    rng = np.random.default_rng(seed)
    least = max(1, len(lags), round(min_shift_s * observed.sample_rate_hz))
    return draw_shifts(len(observed.values), n_shifts, least, rng)


def require_small(n_lags: int, n_features: int, or_else: str = "") -> None:
    """Refuse a covariance of lags x features that would be too large."""
    if n_lags * n_features > LARGEST_COVARIANCE:
        raise InvalidInputError(
            f"{n_lags} lags x {n_features} features make a covariance of {n_lags * n_features} "
            f"rows: at most {LARGEST_COVARIANCE} are handled. Shorten window_s, or crop or "
            f"coarsen the stimulus{or_else}."
        )
