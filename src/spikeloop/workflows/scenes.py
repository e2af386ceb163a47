"""Spikes and images shown in trials: how reliable is each unit, and what is it driven by."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from spikeloop.characterize import (
    ImageAverage,
    ImageTriggeredAverage,
    OrderedRaster,
    RasterOrder,
    Reliability,
    ReliabilityTable,
    SelectedUnits,
    UnitSelection,
    count_spikes,
    image_triggered_average,
    measure_reliability,
    order_raster,
    select_units,
)
from spikeloop.data import Experiment, Responses, SpikeTrains, Trials
from spikeloop.data.checks import require
from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.numerics.binning import count_in_bins
from spikeloop.workflows.job import Job

LONGEST_WINDOW = 20
"""A counting window may reach this many durations of a trial from its onset."""


MOST_COUNTS = 2e8
"""Bins x units of a raster: more would not fit the memory of a laptop."""


@dataclass(frozen=True)
class SceneMethods:
    """Settings of the analysis of images."""

    window_s: tuple[float, float] | None = None
    """Window after onset in which spikes are counted, in seconds; None: from onset to the usual
    (median) duration of a trial."""
    raster_bin_s: float = 0.1
    """Width of the bins of the sorted raster, in seconds."""
    reliability: Reliability = field(default_factory=Reliability)
    """Oracle, split halves, signal power, noise ceilings."""
    selection: UnitSelection = field(default_factory=UnitSelection)
    """Which units are worth modelling."""
    image_average: ImageTriggeredAverage = field(default_factory=ImageTriggeredAverage)
    """Receptive fields."""
    raster: RasterOrder = field(default_factory=RasterOrder)
    """Order of the units in the raster."""

    def __post_init__(self) -> None:
        if not 0 < self.raster_bin_s < np.inf:
            raise InvalidInputError(
                f"raster_bin_s={self.raster_bin_s}: it must be above 0. Give seconds, as 0.1."
            )
        if self.window_s is not None:
            require(
                bool(np.isfinite(self.window_s).all()),
                f"window_s={self.window_s}: start and stop must be finite numbers. Give seconds.",
            )
            require(
                self.window_s[1] > self.window_s[0],
                f"window_s={self.window_s}: stop must be after start. Swap or widen them.",
            )


@dataclass(frozen=True, eq=False)
class SceneFindings:
    """What images told of each unit; None for what the experiment cannot tell."""

    responses: Responses
    reliability: ReliabilityTable | None
    """None where no stimulus was repeated."""
    selected: SelectedUnits | None
    image_average: ImageAverage | None
    """None where there are no images."""

    @property
    def fields(self) -> np.ndarray | None:
        """(unit, y, x) receptive fields: whitened, or as asked for."""
        average = self.image_average
        if average is None:
            return None
        return average.difference if average.whitened is None else average.whitened

    @property
    def field_strength(self) -> np.ndarray:
        """(unit,) strongest pixel of the field over the null band; NaN without a null."""
        average = self.image_average
        band = average.null_band if average.whitened is None else average.whitened_null_band
        size = np.abs(self.fields).max(axis=(1, 2))
        unknown = np.full_like(size, np.nan)
        return unknown if band is None else np.divide(size, band, out=unknown, where=band > 0)


@dataclass(frozen=True, eq=False)
class Raster:
    """Activity of all units, and the order to draw them in."""

    activity: np.ndarray
    """(bin, unit) z-scored spike counts over the whole recording, NaN where it was not observed;
    without spikes, (stimulus, unit) z-scored mean responses."""
    ordered: OrderedRaster
    bin_s: float | None = None
    """Width of a bin in seconds; None where a row is a stimulus."""
    start_s: float = 0.0
    """When the first bin starts, in seconds."""


def analyse_scenes(
    job: Job, experiment: Experiment, methods: SceneMethods, *, seed: int
) -> SceneFindings:
    """Count spikes in trials, then find reliability, selection and receptive fields."""
    with job.doing("responses"):
        responses = experiment.responses or counted(experiment, methods)
    if has_repeats(responses):
        reliability = job.step(
            "reliability",
            ReliabilityTable,
            lambda: measure_reliability(responses, methods.reliability, seed=seed),
        )
        selected = job.step(
            "selection",
            SelectedUnits,
            lambda: select_units(responses, methods.selection, seed=seed),
        )
    else:
        reliability = selected = None
        job.remark(
            "The responses hold no repeats of a stimulus (perhaps they are means already), so "
            "reliability cannot be measured and no units are selected."
        )
    average = None
    if experiment.images is not None:
        average = job.step(
            "image_average",
            ImageAverage,
            lambda: image_triggered_average(
                responses, experiment.images, methods.image_average, seed=seed
            ),
        )
    return SceneFindings(responses, reliability, selected, average)


def has_repeats(responses: Responses) -> bool:
    """Return whether at least two stimuli were shown at least twice."""
    _, n_shown = np.unique(responses.trials.stimulus_id, return_counts=True)
    n_blank_ids = int(np.any(responses.trials.stimulus_id < 0))
    return int(np.sum(n_shown[n_blank_ids:] >= 2)) >= 2


def sort_raster(job: Job, spikes: SpikeTrains, methods: SceneMethods, *, seed: int) -> Raster:
    """Bin and z-score the spikes of the whole recording, and order the units.

    Bins that were not wholly observed are NaN, and have no say in the order.
    """
    start_s, stop_s = float(spikes.epochs.start_s[0]), float(spikes.epochs.stop_s[-1])
    bin_s = methods.raster_bin_s
    bins = (stop_s - start_s) / bin_s
    if bins * spikes.n_units > MOST_COUNTS:
        raise InvalidInputError(
            f"raster_bin_s={bin_s}: {bins:.3g} bins x {spikes.n_units} units are more than "
            f"{MOST_COUNTS:.0e} counts. Make the bins wider, or check the observed time, which "
            f"runs from {start_s:g} to {stop_s:g} s."
        )
    n_bins = int(bins + 1e-6)
    edges_s = start_s + bin_s * np.arange(n_bins + 1)
    observed = spikes.epochs.contain(edges_s[:-1], edges_s[1:])
    if observed.sum() < 2:
        raise InvalidInputError(
            f"raster_bin_s={bin_s}: {spikes.epochs.duration_s} s were observed, which gives no two "
            "whole bins. Make the bins narrower."
        )
    counts = count_in_bins(
        spikes.times_s,
        spikes.unit_index,
        spikes.n_units,
        start=start_s,
        rate=1 / bin_s,
        n_bins=n_bins,
    )
    activity = np.full(counts.shape, np.nan)
    activity[observed] = _z_scored(counts[observed])
    ordered = _ordered(job, activity[observed], methods.raster, seed)
    return Raster(activity, ordered, bin_s, start_s)


def sort_responses(job: Job, responses: Responses, methods: SceneMethods, *, seed: int) -> Raster:
    """Z-score the mean responses to each stimulus, and order the units."""
    activity = _z_scored(responses.mean())
    return Raster(activity, _ordered(job, activity, methods.raster, seed))


def _z_scored(activity: np.ndarray) -> np.ndarray:
    spread = activity.std(axis=0)
    return (activity - activity.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _ordered(job: Job, activity: np.ndarray, method: RasterOrder, seed: int) -> OrderedRaster:
    return job.step(
        "raster_order", OrderedRaster, lambda: order_raster(activity, method, seed=seed)
    )


def counted(experiment: Experiment, methods: SceneMethods) -> Responses:
    """Count spikes in the window asked for, or in the usual duration of the trials."""
    trials, window_s = experiment.trials, methods.window_s
    if trials.duration_s is not None and len(trials):
        usual_s = float(np.median(trials.duration_s))
        if window_s is not None and max(np.abs(window_s)) > LONGEST_WINDOW * usual_s:
            raise InvalidInputError(
                f"window_s={window_s}: trials last {usual_s:g} s. Give the window in seconds."
            )
        if window_s is None:
            window_s = (0.0, usual_s)
            trials = _of_usual_duration(trials, usual_s)
    if window_s is None:
        raise InvalidInputError(
            "The trials have no duration_s: say in which window to count spikes (window_s)."
        )
    return count_spikes(experiment.spikes, trials, window_s)


def _of_usual_duration(trials: Trials, usual_s: float) -> Trials:
    """Leave out trials that were cut short, and say so: they would hold fewer spikes."""
    whole = trials.duration_s > 0.95 * usual_s
    if not whole.all():
        warnings.warn(
            f"{int((~whole).sum())} of {len(trials)} trials lasted less than the usual "
            f"{usual_s:g} s and were left out.",
            SpikeloopWarning,
            stacklevel=3,
        )
    return trials.select(whole)
