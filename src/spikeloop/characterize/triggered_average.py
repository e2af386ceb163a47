"""Spike-triggered averages of a continuous stimulus, with three bands that say what they are."""

from dataclasses import dataclass

import numpy as np

from spikeloop.characterize.spike_windows import (
    check_null,
    check_ridge,
    check_window,
    counts_with_window,
    draw_stimulus_shifts,
    lags_of,
    observe,
    require_small,
    require_windows,
)
from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.numerics.null import null_p_value, null_threshold, shifted_extremes
from spikeloop.numerics.triggered import centre, triggered_sums
from spikeloop.numerics.whitening import ridge_power, window_covariance

_COUNTS_AT_ONCE = 2**25  # samples x units: 256 MB of int64


@dataclass(frozen=True)
class SpikeTriggeredAverage:
    """How to average the stimulus around the spikes."""

    window_s: tuple[float, float] = (-0.298, 0.0)
    """First and last lag, both included, in seconds after the sample that holds the spike; each is
    rounded to whole samples. Negative lags come before the spike."""
    bands: bool = True
    """Whether to find the ensemble SD and the standard error too, which doubles the work."""
    n_shifts: int = 500
    """How many circular shifts of the spike trains make the null; 0 for no null."""
    min_shift_s: float = 1.0
    """The shortest of those shifts, in seconds: longer than the stimulus stays correlated. Shifts
    are longer than the window in any case."""
    confidence: float = 0.95
    """The probability that a shifted train stays within the null band."""
    whitening_ridge: float | None = None
    """Undo the stimulus' own correlations, with this ridge in units of the mean eigenvalue of the
    stimulus' covariance (0.01 is a start); None to leave them."""
    whiten_lags: bool = True
    """Whitening undoes correlations over lags and features; or, when false, over features alone,
    for wide stimuli whose frames are independent of each other."""

    def __post_init__(self) -> None:
        check_window(self.window_s)
        check_null("n_shifts", self.n_shifts, self.confidence, self.min_shift_s)
        check_ridge(self.whitening_ridge)


@dataclass(frozen=True, eq=False)
class TriggeredAverage:
    """The stimulus around the spikes of each unit, and how far to trust it.

    A unit without a usable spike has NaN everywhere and `n_spikes` 0.
    """

    unit_ids: np.ndarray
    """(unit,) as in the spike trains."""
    lags_s: np.ndarray
    """(lag,) seconds from the sample that holds the spike to the sample averaged."""
    average: np.ndarray
    """(unit, lag, feature) mean stimulus around a spike, in the stimulus' unit and precision."""
    stimulus_mean: np.ndarray
    """(feature,) mean of all observed samples of the stimulus: what unrelated spikes would give."""
    n_spikes: np.ndarray
    """(unit,) spikes used, the divisor of the average: those whose whole window lies inside one
    unbroken stretch of the stimulus that was observed."""
    ensemble_sd: np.ndarray | None
    """(unit, lag, feature) standard deviation of single windows about the average: the spread of
    the spike-triggered ensemble. It says nothing about how well the average is known."""
    standard_error: np.ndarray | None
    """(unit, lag, feature) ensemble SD / sqrt(n_effective - 1): the uncertainty of the average if
    the windows of different samples were independent. Spikes in one sample share one window, so
    n_effective = (sum of y)^2 / (sum of y^2), where y counts the spikes in each sample. Windows of
    neighbouring samples overlap, so for bursts and slow stimuli the true error is larger. NaN where
    all spikes are in one sample."""
    null_band: np.ndarray | None
    """(unit,) for a train shifted circularly against the stimulus, the largest deviation of the
    average from `stimulus_mean` over all lags and features exceeds this with a probability of
    1 - confidence at most: a test of the family, in the stimulus' unit."""
    p_value: np.ndarray | None
    """(unit,) (1 + shifts whose largest deviation reaches the unit's own) / (1 + shifts)."""
    whitened: np.ndarray | None
    """(unit, lag, feature) inverse of the regularized covariance of the stimulus times (average -
    stimulus mean): the linear filter, as the relative change of rate per unit of the stimulus."""
    whitened_null_band: np.ndarray | None
    """(unit,) as `null_band`, for the largest magnitude of `whitened`."""

    def __repr__(self) -> str:
        n_units, n_lags, n_features = self.average.shape
        return (
            f"TriggeredAverage({n_units} units, {n_lags} lags x {n_features} features, "
            f"{self.n_spikes.sum()} spikes)"
        )


def triggered_average(
    spikes: SpikeTrains, stimulus: TimeSeries, method: SpikeTriggeredAverage, *, seed: int
) -> TriggeredAverage:
    """Average the stimulus around the spikes of each unit.

        average[u, l, f] = sum over t of n[t, u] s[t + l, f] / sum over t of n[t, u]

    where n counts the spikes in the bins of the stimulus' own clock. A sample is observed if its
    whole bin lies in one of the spikes' epochs, and t runs over the samples whose window lies
    inside one unbroken stretch of observed samples: others are skipped, and the divisor is the
    number of spikes used. A constant stimulus gives exactly that constant.

    The null joins the observed stretches of the stimulus, closes them to a ring, and shifts the
    spikes used, all by the same time, against it; a shifted window may run over a seam. That keeps
    the autocorrelation of both and breaks their relation. It assumes that the recording is
    stationary while it is observed.

    Parameters
    ----------
    spikes
        On the clock of the stimulus. Spikes outside the stimulus are skipped, and so is the
        stimulus outside their epochs.
    stimulus
        Any number of features; pixels of frames are features in the order y, x.
    method
        The window, the bands, the null, the whitening.
    seed
        Draws the shifts, the same for every unit.

    Raises
    ------
    InvalidInputError
        No spike has a window inside the observed stimulus; the observed stimulus is too short for
        the shifts; or the window is too large to whiten.

    References
    ----------
    .. [1] E. J. Chichilnisky (2001) A simple white noise analysis of neuronal light responses.
       Network 12:199-213.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> stimulus = TimeSeries([[0.0], [1.0], [0.0], [0.0], [3.0], [0.0]], sample_rate_hz=10.0)
    >>> spikes = SpikeTrains.from_units({"a": [0.25, 0.55]}, Epochs([0.0], [0.6]))
    >>> method = SpikeTriggeredAverage(window_s=(-0.1, 0.0), n_shifts=0)
    >>> result = triggered_average(spikes, stimulus, method, seed=0)
    >>> result.average[0, :, 0].round(9).tolist(), result.n_spikes.tolist()
    ([2.0, 0.0], [2])
    """
    lags = lags_of(method.window_s, stimulus)
    observed = observe(stimulus, spikes.epochs, lags)
    require_windows(spikes, stimulus, observed, lags)
    mean = centre(observed.values)
    shifts = draw_stimulus_shifts(method.n_shifts, method.min_shift_s, observed, lags, seed)
    inverse = _inverse(observed.values, len(lags), method)
    group = max(1, _COUNTS_AT_ONCE // stimulus.n_samples)
    parts = [
        _averaged(
            counts_with_window(spikes, stimulus, observed, slice(first, first + group)),
            (observed.values, mean, lags),
            method,
            shifts,
            inverse,
        )
        for first in range(0, spikes.n_units, group)
    ]
    joined = {
        name: None if parts[0][name] is None else np.concatenate([part[name] for part in parts])
        for name in parts[0]
    }
    return TriggeredAverage(
        unit_ids=spikes.unit_ids,
        lags_s=lags / stimulus.sample_rate_hz,
        stimulus_mean=mean,
        **joined,
    )


def _averaged(
    counts: np.ndarray,
    shown: tuple[np.ndarray, np.ndarray, np.ndarray],
    method: SpikeTriggeredAverage,
    shifts: np.ndarray | None,
    inverse: np.ndarray | None,
) -> dict[str, np.ndarray | None]:
    """Return the fields of `TriggeredAverage` that have a row for each unit, for some units."""
    values, mean, lags = shown
    sums, squares = triggered_sums(
        values, counts, int(lags[0]), len(lags), origin=mean, squares=method.bands
    )
    n_spikes = counts.sum(axis=0)
    divisor = np.where(n_spikes > 0, n_spikes, np.nan).astype(values.dtype)
    n = divisor[:, None, None]
    deviation = sums / n
    fields = dict.fromkeys(
        ("ensemble_sd", "standard_error", "null_band", "p_value", "whitened", "whitened_null_band")
    )
    if squares is not None:
        spread = np.sqrt(np.maximum(squares / n - deviation**2, 0))
        fields["ensemble_sd"] = spread
        # Spikes in one sample share one window: they count as fewer independent ones.
        n_effective = n_spikes**2 / np.maximum(np.einsum("tu,tu->u", counts, counts), 1)
        left = np.where(n_effective > 1, n_effective - 1, np.nan).astype(values.dtype)
        fields["standard_error"] = spread / np.sqrt(left)[:, None, None]
    if inverse is not None:
        fields["whitened"] = _times(deviation, inverse)
    if shifts is not None:
        extremes = shifted_extremes(values, counts, shifts, lags, origin=mean) / divisor[:, None]
        fields["null_band"] = null_threshold(extremes, method.confidence)
        fields["p_value"] = null_p_value(np.abs(deviation).max(axis=(1, 2)), extremes)
    if shifts is not None and inverse is not None:
        extremes = shifted_extremes(
            values, counts, shifts, lags, origin=mean, transform=lambda sums: _times(sums, inverse)
        )
        fields["whitened_null_band"] = null_threshold(
            extremes / divisor[:, None], method.confidence
        )
    return {"average": mean + deviation, "n_spikes": n_spikes, **fields}


def _inverse(values: np.ndarray, n_lags: int, method: SpikeTriggeredAverage) -> np.ndarray | None:
    if method.whitening_ridge is None:
        return None
    n_lags = n_lags if method.whiten_lags else 1
    or_else = ", or set whiten_lags=False where frames are independent"
    require_small(n_lags, values.shape[1], or_else)
    covariance = window_covariance(values, n_lags)
    return ridge_power(covariance, method.whitening_ridge, -1).astype(values.dtype)


def _times(windows: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Return windows (any, lag, feature) times a matrix over lags and features, or features."""
    return (windows.reshape(-1, len(inverse)) @ inverse).reshape(windows.shape)
