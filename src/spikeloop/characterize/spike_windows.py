"""What triggered averages and covariances share: the lags, and the spikes that have a window."""

import numpy as np

from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.binning import count_in_bins
from spikeloop.numerics.null import draw_shifts, fewest_surrogates
from spikeloop.numerics.triggered import window_range

LARGEST_COVARIANCE = 2000
"""Rows of the largest covariance of lags x features that is made: 32 MB, and seconds to invert."""


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
    """Return the lags of the window in samples, both ends included."""
    first, last = (round(edge_s * stimulus.sample_rate_hz) for edge_s in window_s)
    return np.arange(first, last + 1)


def require_windows(spikes: SpikeTrains, stimulus: TimeSeries, lags: np.ndarray) -> None:
    """Refuse spikes none of which has its whole window inside the stimulus."""
    if spikes.n_units == 0:
        raise InvalidInputError("The spike trains hold no unit: there is nothing to average.")
    start, stop = window_range(stimulus.n_samples, int(lags[0]), len(lags))
    pooled = _counts(spikes.times_s, np.zeros_like(spikes.unit_index), 1, stimulus)
    if start == stop or (spikes.times_s.size and not pooled[start:stop].any()):
        epochs = spikes.epochs
        raise InvalidInputError(
            f"None of the {spikes.times_s.size} spikes has a whole window of {len(lags)} samples "
            f"inside the stimulus: the stimulus runs from {stimulus.start_s} to {stimulus.stop_s} "
            f"s and the epochs of the spikes from {epochs.start_s[0]} to {epochs.stop_s[-1]} s. "
            "Put both on one clock, or shorten window_s."
        )


def counts_with_window(
    spikes: SpikeTrains, stimulus: TimeSeries, lags: np.ndarray, units: slice
) -> np.ndarray:
    """Count the spikes of some units in each sample, (time, unit); zero where no window fits."""
    first, end, _ = units.indices(spikes.n_units)
    mine = (spikes.unit_index >= first) & (spikes.unit_index < end)
    counts = _counts(spikes.times_s[mine], spikes.unit_index[mine] - first, end - first, stimulus)
    start, stop = window_range(stimulus.n_samples, int(lags[0]), len(lags))
    counts[:start] = 0
    counts[stop:] = 0
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
    n_shifts: int, min_shift_s: float, stimulus: TimeSeries, lags: np.ndarray, seed: int
) -> np.ndarray | None:
    """Draw circular shifts, in samples, longer than the window; None where none are wanted."""
    if n_shifts == 0:
        return None
    rng = np.random.default_rng(seed)
    least = max(1, len(lags), round(min_shift_s * stimulus.sample_rate_hz))
    return draw_shifts(stimulus.n_samples, n_shifts, least, rng)


def require_small(n_lags: int, stimulus: TimeSeries, or_else: str = "") -> None:
    """Refuse a covariance of lags x features that would be too large."""
    n_features = stimulus.values.shape[1]
    if n_lags * n_features > LARGEST_COVARIANCE:
        raise InvalidInputError(
            f"{n_lags} lags x {n_features} features make a covariance of {n_lags * n_features} "
            f"rows: at most {LARGEST_COVARIANCE} are handled. Shorten window_s, or crop or "
            f"coarsen the stimulus{or_else}."
        )
