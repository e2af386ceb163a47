"""Spikes and images shown in trials: how reliable is each unit, and what is it driven by."""

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
from spikeloop.data import Experiment, Responses, SpikeTrains
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.binning import count_in_bins
from spikeloop.workflows.job import Job


@dataclass(frozen=True)
class SceneMethods:
    """Settings of the analysis of images."""

    window_s: tuple[float, float] | None = None
    """Window after onset in which spikes are counted, in seconds; None: the shortest trial."""
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
        if not self.raster_bin_s > 0:
            raise InvalidInputError(f"raster_bin_s={self.raster_bin_s}: it must be above 0.")


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
    """(bin, unit) z-scored spike counts over the whole recording; without spikes, (stimulus, unit)
    z-scored mean responses."""
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
        responses = experiment.responses or _counted(experiment, methods)
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
            "No two stimuli were shown twice, so that nothing is said of reliability, and no units "
            "are selected."
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
    """Bin and z-score the spikes of the whole recording, and order the units."""
    start_s, stop_s = float(spikes.epochs.start_s[0]), float(spikes.epochs.stop_s[-1])
    n_bins = int((stop_s - start_s) / methods.raster_bin_s + 1e-6)
    if n_bins < 2:
        raise InvalidInputError(
            f"raster_bin_s={methods.raster_bin_s}: the recording lasts {stop_s - start_s} s, which "
            "gives no two bins. Make the bins narrower."
        )
    counts = count_in_bins(
        spikes.times_s,
        spikes.unit_index,
        spikes.n_units,
        start=start_s,
        rate=1 / methods.raster_bin_s,
        n_bins=n_bins,
    )
    return _ordered(job, counts, methods.raster, seed, methods.raster_bin_s, start_s)


def sort_responses(job: Job, responses: Responses, methods: SceneMethods, *, seed: int) -> Raster:
    """Z-score the mean responses to each stimulus, and order the units."""
    return _ordered(job, responses.mean(), methods.raster, seed)


def _ordered(
    job: Job, activity: np.ndarray, method: RasterOrder, seed: int, *clock: float
) -> Raster:
    spread = activity.std(axis=0)
    activity = (activity - activity.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    ordered = job.step(
        "raster_order", OrderedRaster, lambda: order_raster(activity, method, seed=seed)
    )
    return Raster(activity, ordered, *clock)


def _counted(experiment: Experiment, methods: SceneMethods) -> Responses:
    trials, window_s = experiment.trials, methods.window_s
    if window_s is None:
        if trials.duration_s is None:
            raise InvalidInputError(
                "The trials have no duration_s: say in which window to count spikes (window_s)."
            )
        window_s = (0.0, float(trials.duration_s.min()))
    return count_spikes(experiment.spikes, trials, window_s)
