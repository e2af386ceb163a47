"""A stimulus and spike counts on one clock, and the bins that count: what temporal models learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.errors import SpikeloopWarning
from spikeloop.numerics.binning import count_in_bins

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

FEWEST_STEPS = 32
"""How many steps of single precision a feature must reach over, if it varies."""
CONSTANT = 1e-12
"""What a feature reaches over, as a share of its size, where it varies by rounding alone."""


@dataclass(frozen=True, eq=False)
class SeriesData:
    """Stimulus and counts in the bins of the stimulus' own clock.

    What was not observed, or must not be looked at, is zero in both, and no bin that counts has it
    in its past.
    """

    stimulus: Float[np.ndarray, "time feature"]
    """(time, feature) float32."""
    counts: Float[np.ndarray, "time unit"]
    """(time, unit) float32: spikes in each bin."""
    bin_s: float
    """Length of a bin, in seconds."""
    used: Bool[np.ndarray, " time"]
    """(time,) the bins that count: those of the stretch asked for whose whole past was observed."""

    @property
    def n_spikes(self) -> Float[np.ndarray, " unit"]:
        """(unit,) float64: spikes in the bins that count."""
        return self.counts[self.used].sum(axis=0, dtype=float)

    def moments(self) -> tuple[Float[np.ndarray, " feature"], Float[np.ndarray, " feature"]]:
        """Return mean and standard deviation of each feature, over the bins that count.

        The deviation of a constant feature is given as 1, so that it can be divided by.
        """
        shown = self.stimulus[self.used].astype(float)
        spread = np.where(np.ptp(shown, axis=0) > 0, shown.std(axis=0), 1.0)
        return shown.mean(axis=0), spread


def series_data(
    spikes: SpikeTrains,
    stimulus: TimeSeries,
    *,
    counted: Epochs,
    seen: tuple[Epochs, ...],
    n_past: int,
) -> SeriesData:
    """Count spikes in the bins of the stimulus, and find the bins that count.

    Parameters
    ----------
    spikes, stimulus
        On one clock.
    counted
        The stretches whose bins count.
    seen
        Stretches that the past of these bins may reach into, `counted` among them; what lies
        elsewhere, or outside the epochs of the spikes, is not looked at.
    n_past
        How many bins before its own a rate depends on.

    Raises
    ------
    InvalidInputError
        No bin counts, or the stimulus varies by too little to be told in single precision.

    Examples
    --------
    >>> epochs = Epochs([0.0], [5.0])
    >>> spikes = SpikeTrains.from_units({"a": [0.5, 3.2, 3.9]}, epochs)
    >>> stimulus = TimeSeries(np.arange(6.0)[:, None], sample_rate_hz=1.0)
    >>> data = series_data(spikes, stimulus, counted=epochs, seen=(epochs,), n_past=2)
    >>> data.counts[:, 0].tolist(), data.used.astype(int).tolist()
    ([1.0, 0.0, 0.0, 2.0, 0.0, 0.0], [0, 0, 1, 1, 1, 0])
    """
    within = whole_bins(stimulus, counted)
    observed = whole_bins(stimulus, spikes.epochs)
    observed &= np.any([whole_bins(stimulus, epochs) for epochs in seen], axis=0)
    bin_index = np.arange(stimulus.n_samples)
    last_gap = np.maximum.accumulate(np.where(observed, -1, bin_index))
    used = within & (bin_index - last_gap > n_past)
    require(
        bool(used.any()),
        f"no bin has a past of {n_past} bins inside what was observed: {int(within.sum())} bins "
        f"lie in the stretch that counts, {int(observed.sum())} of {stimulus.n_samples} samples of "
        "the stimulus were observed. Shorten the model's windows, or put both on one clock.",
    )
    _require_resolved(stimulus.values, observed)
    counts = binned_counts(spikes, stimulus)
    counts[~observed] = 0
    shown = np.where(observed[:, None], stimulus.values, 0).astype(np.float32)
    return SeriesData(shown, counts, 1 / stimulus.sample_rate_hz, used)


def _require_resolved(
    values: Float[np.ndarray, "time feature"], observed: Bool[np.ndarray, " time"]
) -> None:
    """Refuse a feature that varies, but by so little of its size that float32 hardly shows it."""
    if values.dtype == np.float32:
        return
    shown = observed[:, None]
    low = values.min(axis=0, where=shown, initial=np.inf)
    high = values.max(axis=0, where=shown, initial=-np.inf)
    size = np.maximum(high, -low)
    step = np.spacing(size.astype(np.float32))
    reach = high - low
    for one in np.flatnonzero((reach > CONSTANT * size) & (reach < FEWEST_STEPS * step)):
        feature = values[observed, one]
        require(
            np.array_equal(feature, feature.astype(np.float32)),  # such as two whole numbers
            f"feature {one} of the stimulus reaches from {low[one]:.9g} to {high[one]:.9g}: "
            f"too little for single precision, whose steps there are {step[one]:.3g}. Subtract its "
            "mean, or leave it out.",
        )


def binned_counts(spikes: SpikeTrains, stimulus: TimeSeries) -> Float[np.ndarray, "time unit"]:
    """Count the spikes of each unit in each bin of the stimulus, as float32."""
    return count_in_bins(
        spikes.times_s,
        spikes.unit_index,
        spikes.n_units,
        start=stimulus.start_s,
        rate=stimulus.sample_rate_hz,
        n_bins=stimulus.n_samples,
    ).astype(np.float32)


def whole_bins(stimulus: TimeSeries, epochs: Epochs) -> Bool[np.ndarray, " time"]:
    """Return the samples whose whole bin lies in one epoch, within one millionth of a bin."""
    rate_hz = stimulus.sample_rate_hz
    first = np.ceil((epochs.start_s - stimulus.start_s) * rate_hz - 1e-6)
    stop = np.floor((epochs.stop_s - stimulus.start_s) * rate_hz + 1e-6)
    inside = np.zeros(stimulus.n_samples, dtype=bool)
    for start, end in np.clip([first, stop], 0, stimulus.n_samples).astype(int).T:
        inside[start:end] = True
    return inside


def runs(used: Bool[np.ndarray, " time"]) -> Int[np.ndarray, "run 2"]:
    """Return first and stop of each unbroken run of bins that count.

    >>> runs(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 4]]
    """
    padded = np.concatenate([[False], used, [False]])
    return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)


def require_learnable(data: SeriesData, unit_ids: np.ndarray) -> None:
    """Refuse a stimulus that is constant, and warn of units that nothing can be learned of.

    Raises
    ------
    InvalidInputError
        The stimulus never changes in the bins that count, or there is no unit.
    """
    require(len(unit_ids) > 0, "the spike trains hold no unit: there is nothing to fit.")
    require(
        bool(np.ptp(data.stimulus[data.used], axis=0).max() > 0),
        f"the stimulus is constant in all {int(data.used.sum())} bins to learn from: it cannot "
        "tell what drives a unit. Check how it was read.",
    )
    silent = data.n_spikes == 0
    if silent.any():
        warnings.warn(
            f"{int(silent.sum())} of {len(silent)} units have no spike in the time to learn from, "
            f"such as unit {unit_ids[silent][0]}: taken to fire half a spike in all of it.",
            SpikeloopWarning,
            stacklevel=3,
        )
