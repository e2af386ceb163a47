"""Spike-triggered covariance: the stimulus directions whose variance changes around a spike."""

from dataclasses import dataclass

import numpy as np

from spikeloop.characterize.spike_windows import (
    check_confidence,
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
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.null import null_threshold
from spikeloop.numerics.parallel import one_blas_thread
from spikeloop.numerics.triggered import centre
from spikeloop.numerics.whitening import ridge_power, window_covariance

_BLOCK_ELEMENTS = 2**18  # of one array of windows: 2 MB of float64, which a cache holds


@dataclass(frozen=True)
class SpikeTriggeredCovariance:
    """How to find the directions in which spikes change the stimulus' variance."""

    window_s: tuple[float, float] = (-0.298, 0.0)
    """First and last lag, both included, in seconds after the sample that holds the spike; each is
    rounded to whole samples. Lags x features may be 2000 at most."""
    n_filters: int = 3
    """How many filters to give from each end: with more variance around spikes, and with less."""
    project_out_average: bool = True
    """Whether to leave out the direction of the spike-triggered average, as Schwartz et al. do: the
    filters are then orthogonal to it, and say what the average does not. An average no stronger
    than that of some shifted train is left in: it is noise, and lies mostly along the filters that
    are looked for."""
    whitening_ridge: float | None = None
    """Make the stimulus white first, with this ridge in units of the mean eigenvalue of its
    covariance (0.01 is a start); None to leave it. A correlated stimulus needs it."""
    n_shifts: int = 100
    """How many circular shifts of the spike trains make the null; 0 for no null."""
    min_shift_s: float = 1.0
    """The shortest of those shifts, in seconds: longer than the stimulus stays correlated. Shifts
    are longer than the window in any case."""
    confidence: float = 0.95
    """The probability that all eigenvalues of a shifted train stay within the null range."""
    keep_covariance: bool = False
    """Whether the result holds the matrices themselves: 8 (lags x features)^2 bytes per unit."""

    def __post_init__(self) -> None:
        check_window(self.window_s)
        check_confidence(self.confidence)
        check_null("n_shifts", self.n_shifts, _one_sided(self.confidence), self.min_shift_s)
        check_ridge(self.whitening_ridge)
        if self.n_filters < 1:
            raise InvalidInputError(f"n_filters={self.n_filters}: it must be 1 or more.")


@dataclass(frozen=True, eq=False)
class TriggeredCovariance:
    """The filters of each unit, and which of them could not be chance.

    A unit with fewer than two usable spikes has NaN everywhere and nothing significant.
    """

    unit_ids: np.ndarray
    """(unit,) as in the spike trains."""
    lags_s: np.ndarray
    """(lag,) seconds from the sample that holds the spike to the sample of the window."""
    n_spikes: np.ndarray
    """(unit,) spikes used: those whose whole window lies inside one unbroken stretch of the
    stimulus that was observed."""
    average_projected_out: np.ndarray
    """(unit,) bool: whether the direction of the average was left out."""
    eigenvalues: np.ndarray
    """(unit, lag x feature) of C_spike - C_stimulus, descending, in the stimulus' unit squared;
    with whitening, the relative change of variance. A direction projected out counts as 0."""
    filters: np.ndarray
    """(unit, filter, lag, feature) of length 1: first those with the largest eigenvalues, the
    largest first, then those with the smallest, the smallest first. The weight of the largest
    magnitude is positive."""
    filter_eigenvalues: np.ndarray
    """(unit, filter) the eigenvalue of each filter."""
    null_range: np.ndarray | None
    """(unit, 2) between these lie, with the method's confidence, all eigenvalues of a train shifted
    circularly against the stimulus."""
    significant: np.ndarray | None
    """(unit, filter) bool: whether the filter's eigenvalue lies outside the null range, above it
    for the first half and below it for the second. With a stimulus that is not Gaussian, or
    coloured and not whitened, a unit with one linear filter can have significant ones too."""
    covariance: np.ndarray | None
    """(unit, lag x feature, lag x feature) C_spike - C_stimulus, whose eigenvalues these are."""

    def __repr__(self) -> str:
        n_units, n_filters, n_lags, n_features = self.filters.shape
        n_found = "no test" if self.significant is None else f"{self.significant.sum()} significant"
        return (
            f"TriggeredCovariance({n_units} units x {n_filters} filters, {n_found}, "
            f"{n_lags} lags x {n_features} features, {self.n_spikes.sum()} spikes)"
        )


def triggered_covariance(
    spikes: SpikeTrains, stimulus: TimeSeries, method: SpikeTriggeredCovariance, *, seed: int
) -> TriggeredCovariance:
    """Find the directions in which the stimulus varies more, or less, around spikes.

        C_spike = sum over spikes of (x - average)(x - average)' / (n - 1)

    where x is the stimulus window around a spike, which lies inside one unbroken stretch observed,
    and C_stimulus is the covariance of the observed stretches, joined. Eigenvectors of
    P (C_spike - C_stimulus) P with the largest eigenvalues drive the unit by their energy, those
    with the smallest suppress it; P leaves out the direction of the average. With whitening, x is
    multiplied by the inverse square root of the regularized C_stimulus first, and the filters by
    the same at the end.

    The null takes the largest and the smallest eigenvalue of trains shifted against the observed
    stimulus closed to a ring; every eigenvalue is compared with these extremes, which errs on the
    safe side for all but the first of each end. It tests whether spikes and stimulus are related,
    not whether the unit has more than one filter. With a Gaussian stimulus that is white or
    whitened, a unit with one linear filter changes the variance only along the average, which is
    projected out. With a stimulus that is not Gaussian, or coloured and not whitened, it changes
    the variance along other directions too, and these can be significant.

    Parameters
    ----------
    spikes
        On the clock of the stimulus. Spikes outside the stimulus are skipped, and so is the
        stimulus outside their epochs.
    stimulus
        Any number of features. Gaussian, and white or whitened: only then do linear units show no
        filter.
    method
        The window, the filters, the null, the whitening.
    seed
        Draws the shifts, the same for every unit.

    Raises
    ------
    InvalidInputError
        No spike has a window inside the observed stimulus; the observed stimulus is too short for
        the shifts; or the window is too large, or too small for the filters asked for.

    References
    ----------
    .. [1] O. Schwartz, J. W. Pillow, N. C. Rust, E. P. Simoncelli (2006) Spike-triggered neural
       characterization. Journal of Vision 6:484-507.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> rng = np.random.default_rng(0)
    >>> noise = TimeSeries(rng.standard_normal((5000, 1)), sample_rate_hz=100.0)
    >>> fired = np.flatnonzero(rng.random(5000) < np.clip(noise.values[:, 0] ** 2 / 4, 0, 1))
    >>> spikes = SpikeTrains.from_units({"energy": (fired + 0.5) / 100}, Epochs([0.0], [50.0]))
    >>> method = SpikeTriggeredCovariance(window_s=(-0.04, 0.0), n_filters=1)
    >>> result = triggered_covariance(spikes, noise, method, seed=0)
    >>> np.abs(result.filters[0, 0, :, 0]).round(1).tolist(), result.significant[0].tolist()
    ([0.0, 0.0, 0.0, 0.0, 1.0], [True, False])
    """
    lags = lags_of(method.window_s, stimulus)
    n_features = stimulus.values.shape[1]
    require_small(len(lags), n_features)
    if len(lags) * n_features < 2 * method.n_filters:
        raise InvalidInputError(
            f"n_filters={method.n_filters}: a window of {len(lags)} lags x {n_features} features "
            f"has {len(lags) * n_features} directions, and both ends want {2 * method.n_filters}. "
            "Lower n_filters, or widen window_s."
        )
    observed = observe(stimulus, spikes.epochs, lags)
    require_windows(spikes, stimulus, observed, lags)
    shifts = draw_stimulus_shifts(method.n_shifts, method.min_shift_s, observed, lags, seed)
    ring = _Ring(observed.values, lags, method.whitening_ridge)
    counts = (
        counts_with_window(spikes, stimulus, observed, slice(unit, unit + 1))[:, 0]
        for unit in range(spikes.n_units)
    )
    units = [_analysed(ring, of_unit, shifts, method) for of_unit in counts]
    stacked = {
        name: None if units[0][name] is None else np.array([unit[name] for unit in units])
        for name in units[0]
    }
    shape = (spikes.n_units, 2 * method.n_filters, len(lags), n_features)
    stacked["filters"] = stacked["filters"].reshape(shape)
    lags_s = lags / stimulus.sample_rate_hz
    return TriggeredCovariance(unit_ids=spikes.unit_ids, lags_s=lags_s, **stacked)


class _Ring:
    """The windows of a stimulus closed to a ring, and their covariance."""

    def __init__(self, shown: np.ndarray, lags: np.ndarray, whitening_ridge: float | None):
        values = shown - centre(shown)
        self.n_samples, n_features = values.shape
        self.first_lag = int(lags[0])
        self.size = len(lags) * n_features
        # Lag-major windows lie in memory as they are, so gathering them copies whole stretches.
        flat = np.concatenate([values, values[: len(lags) - 1]]).ravel()
        self.windows = np.lib.stride_tricks.sliding_window_view(flat, self.size)[::n_features]
        covariance = window_covariance(shown, len(lags))
        self.whitener = np.eye(self.size)
        if whitening_ridge is not None:
            self.whitener = ridge_power(covariance, whitening_ridge, -0.5)
        self.covariance = self.whitener @ covariance @ self.whitener

    def moments(
        self, samples: np.ndarray, counts: np.ndarray, shift: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and covariance of the whitened windows of `samples`, moved by `shift`."""
        places = (samples + shift + self.first_lag) % self.n_samples
        total = np.zeros(self.size)
        squares = np.zeros((self.size, self.size))
        step = max(1, _BLOCK_ELEMENTS // self.size)
        for first in range(0, len(places), step):
            windows = self.windows[places[first : first + step]]
            weight = counts[first : first + step].astype(windows.dtype)
            total += weight @ windows
            windows *= np.sqrt(weight)[:, None]
            squares += windows.T @ windows
        n = counts.sum()
        mean = total / n
        covariance = (squares - n * np.outer(mean, mean)) / (n - 1)
        return self.whitener @ mean, self.whitener @ covariance @ self.whitener


def _analysed(
    ring: _Ring, counts: np.ndarray, shifts: np.ndarray | None, method: SpikeTriggeredCovariance
) -> dict[str, np.ndarray | None]:
    """Return the fields of `TriggeredCovariance` that have a row for each unit, for one unit."""
    samples = np.flatnonzero(counts)
    counts = counts[samples]
    n_spikes = int(counts.sum())
    if n_spikes < 2:
        return _unknown(ring.size, n_spikes, shifts, method)
    mean, covariance = ring.moments(samples, counts)
    options = np.array([np.eye(ring.size), _projector(mean)])
    projected = method.project_out_average
    low, high = np.nan, np.nan
    if shifts is not None:
        extremes, strengths = _shifted(ring, samples, counts, shifts, options)
        # Leaving out a noisy average would cost a filter; keeping a weak one costs little.
        projected = projected and _strength(mean, covariance) > strengths.max()
        low, high = null_threshold(extremes[int(projected)], _one_sided(method.confidence))
    away = options[int(projected)]
    change = away @ (covariance - ring.covariance) @ away
    values, vectors = np.linalg.eigh(change)
    chosen = np.r_[ring.size - 1 : ring.size - 1 - method.n_filters : -1, : method.n_filters]
    above, below = np.split(values[chosen], 2)
    return {
        "n_spikes": n_spikes,
        "average_projected_out": projected,
        "eigenvalues": values[::-1],
        "filters": _oriented((ring.whitener @ vectors[:, chosen]).T),
        "filter_eigenvalues": values[chosen],
        "null_range": None if shifts is None else np.array([-low, high]),
        "significant": None if shifts is None else np.concatenate([above > high, -below > low]),
        "covariance": change if method.keep_covariance else None,
    }


def _shifted(
    ring: _Ring, samples: np.ndarray, counts: np.ndarray, shifts: np.ndarray, options: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (option, 2, shift) minus the least and the largest eigenvalue; (shift,) strengths."""
    extremes = np.empty((len(options), 2, len(shifts)))
    strengths = np.empty(len(shifts))
    with one_blas_thread():
        for i, shift in enumerate(shifts):
            mean, covariance = ring.moments(samples, counts, int(shift))
            change = options @ (covariance - ring.covariance) @ options
            extremes[:, :, i] = np.linalg.eigvalsh(change)[:, [0, -1]] * [-1, 1]
            strengths[i] = _strength(mean, covariance)
    return extremes, strengths


def _strength(mean: np.ndarray, covariance: np.ndarray) -> float:
    """Return |mean|^2 in units of what the spread of the windows alone gives it, but for 1 / n."""
    spread = np.trace(covariance)
    return float(mean @ mean / spread) if spread > 0 else 0.0


def _unknown(
    size: int, n_spikes: int, shifts: np.ndarray | None, method: SpikeTriggeredCovariance
) -> dict[str, np.ndarray | None]:
    n_filters = 2 * method.n_filters
    return {
        "n_spikes": n_spikes,
        "average_projected_out": False,
        "eigenvalues": np.full(size, np.nan),
        "filters": np.full((n_filters, size), np.nan),
        "filter_eigenvalues": np.full(n_filters, np.nan),
        "null_range": None if shifts is None else np.full(2, np.nan),
        "significant": None if shifts is None else np.zeros(n_filters, dtype=bool),
        "covariance": np.full((size, size), np.nan) if method.keep_covariance else None,
    }


def _projector(direction: np.ndarray) -> np.ndarray:
    """Return the matrix that leaves out a direction; the identity where there is none."""
    squared_length = direction @ direction
    identity = np.eye(len(direction))
    if not squared_length > 0:
        return identity
    return identity - np.outer(direction, direction) / squared_length


def _oriented(filters: np.ndarray) -> np.ndarray:
    """Return rows of length 1 (or 0) whose largest weight is positive."""
    largest = np.take_along_axis(filters, np.abs(filters).argmax(axis=1)[:, None], axis=1)
    length = np.linalg.norm(filters, axis=1, keepdims=True)
    return filters * np.where(largest < 0, -1, 1) / np.where(length > 0, length, 1)


def _one_sided(confidence: float) -> float:
    """Split what may go wrong between the two ends."""
    return 1 - (1 - confidence) / 2
