"""A virtual visual cortex: a recording of the Allen Brain Observatory's shape, with its truth.

A population of simple and complex cells (`response_model.py`) watches patches of photographs
(`natural_patches.py`), each shown several times between blanks, and fires (`spiking.py`). A unit
answers an image after a latency, at a constant rate, for as long as the image lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import BLANK, Experiment, Images, SpikeTrains, Trials
from spikeloop.data.checks import require
from spikeloop.simulate.cortex.natural_patches import NaturalPatches, natural_patches
from spikeloop.simulate.cortex.receptive_fields import Gabors, draw_gabors
from spikeloop.simulate.cortex.response_model import (
    COMPLEX,
    SIMPLE,
    UNRESPONSIVE,
    VirtualResponseModel,
    normalization_pool,
    quadrature_pairs,
)
from spikeloop.simulate.cortex.spiking import spikes_from_rates, trial_gains

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped

FIRST_UNIT_ID = 1000
POSITIVE = (
    *("n_pixels", "extent_deg", "rms_contrast", "duration_s", "latency_s"),
    *("gain_hz", "gain_spread", "baseline_hz", "semisaturation_contrast"),
)
"""Settings that must be above 0."""
COMPLEX_GAIN = 0.5
"""Gain of a complex over that of a simple cell: it answers every phase, and so more images."""
BASELINE_SPREAD = 2.0
"""Factor by which baseline rates vary."""


@dataclass(frozen=True)
class VirtualCortex:
    """Settings of the virtual visual cortex. Those given are of mouse primary visual cortex.

    Each repeat shows every image and some blanks once, back to back in a new random order, and is
    a block of its own; a pause of grey comes before each block and after the last.
    """

    n_simple: int = 40
    """How many simple cells."""
    n_complex: int = 20
    """How many complex cells."""
    n_unresponsive: int = 2
    """How many units that fire at their baseline whatever is shown."""
    n_images: int = 1180
    """How many image patches are shown."""
    n_repeats: int = 5
    """How often each image is shown."""
    n_blanks: int = 10
    """How many blanks are shown among the images of each repeat."""
    n_pixels: int = 20
    """Height and width of an image, in pixels."""
    extent_deg: float = 40.0
    """Height and width of an image, in degrees of visual angle."""
    rms_contrast: float = 0.2
    """Standard deviation of the pixels of an image, which lie in 0..1 around 0.5."""
    duration_s: float = 0.25
    """How long each image is shown, in seconds."""
    latency_s: float = 0.05
    """How long after the image the response comes, in seconds."""
    pause_s: float = 30.0
    """How long the screen is grey between blocks, in seconds."""
    spatial_frequency_cpd: tuple[float, float] = (0.04, 0.1)
    """Least and greatest preferred spatial frequency, in cycles per degree."""
    gain_hz: float = 15.0
    """Median gain of simple cells, in spikes per second; complex cells have half of it."""
    gain_spread: float = 2.5
    """Factor within which two thirds of the gains lie; all lie within its square."""
    baseline_hz: float = 1.0
    """Median rate at a blank screen, in spikes per second."""
    semisaturation_contrast: float = 0.1
    """Contrast of the normalization pool at which the response is half saturated."""
    shared_gain_variance: float = 0.03
    """Variance of the factor that all units share in a trial; 0 for no noise correlation."""
    private_gain_variance: float = 0.1
    """Variance of each unit's own factor in a trial; with both 0 the counts are Poisson."""

    def __post_init__(self) -> None:
        for name in ("n_simple", "n_complex", "n_unresponsive", "n_blanks"):
            _require_least(name, getattr(self, name), 0)
        _require_least("n_images", self.n_images, 2)
        _require_least("n_repeats", self.n_repeats, 1)
        for name in POSITIVE:
            value = getattr(self, name)
            require(value > 0, f"{name}={value}: give a number above 0.")
        require(
            self.n_simple + self.n_complex + self.n_unresponsive > 0,
            "n_simple, n_complex and n_unresponsive are all 0: ask for a unit.",
        )
        low, high = self.spatial_frequency_cpd
        highest = 0.5 * self.n_pixels / self.extent_deg
        require(
            0 < low <= high < highest,
            f"spatial_frequency_cpd=({low}, {high}): give two frequencies, ascending, above 0 and "
            f"below {highest:g}, which is all that {self.n_pixels} pixels in {self.extent_deg:g} "
            "deg can show.",
        )
        require(
            self.latency_s < self.pause_s,
            f"latency_s={self.latency_s} and pause_s={self.pause_s}: the last response of a block "
            "reaches into the pause. Make the pause longer than the latency.",
        )


@dataclass(frozen=True, eq=False)
class CorticalTruth:
    """What only a simulation knows. Images and units stand in the order of the experiment."""

    model: VirtualResponseModel
    """The rate of each unit for any image."""
    gabors: Gabors
    """The parameters behind the filters; those of unresponsive units mean nothing."""
    cell_type: Shaped[np.ndarray, " unit"]
    """(unit,) "simple", "complex" or "unresponsive"."""
    image_ids: Int[np.ndarray, " image"]
    """(image,) the rows of `rates_hz`, and of the next two."""
    photograph: Int[np.ndarray, " image"]
    """(image,) which photograph each was cut from."""
    box: Float[np.ndarray, "image 4"]
    """(image, 4) top, left, bottom and right, as shares of the photograph's height and width."""
    rates_hz: Float[np.ndarray, "image unit"]
    """(image, unit) expected rate while each image is answered, in spikes per second."""
    window_s: tuple[float, float]
    """Start and stop of the response after the onset of its image, in seconds."""
    signal_variance: Float[np.ndarray, " unit"]
    """(unit,) variance over images (divisor n - 1) of the expected count in the window."""
    noise_variance: Float[np.ndarray, " unit"]
    """(unit,) variance of the count over repeats of an image, averaged over images."""

    @property
    def filters(self) -> Float[np.ndarray, "unit phase y x"]:
        """(unit, 2, y, x) the Gabor of each unit and its quadrature, which complex cells use."""
        return self.model.filters

    def noise_ceiling(self, n_repeats: int) -> Float[np.ndarray, " unit"]:
        """Return the correlation over images of a mean of repeats with the true rate.

        It is sqrt(S / (S + N / n_repeats)) with S the signal and N the noise variance: no model can
        be expected to do better. One repeat gives the ceiling of single trials; a unit that answers
        nothing has the ceiling 0.
        """
        noise = self.noise_variance / n_repeats
        return np.sqrt(self.signal_variance / (self.signal_variance + noise))


@dataclass(frozen=True, eq=False)
class SimulatedCortex:
    """A recording, and what is behind it."""

    experiment: Experiment
    """Spikes, trials and images, as a recording gives them."""
    truth: CorticalTruth
    """What is to be found in them."""


def simulate_cortex(method: VirtualCortex, *, seed: int) -> SimulatedCortex:
    """Record a virtual visual cortex that watches natural images.

    Parameters
    ----------
    method
        Its settings.
    seed
        Decides the units, the images, their order and the spikes, each by random numbers of its
        own: more repeats leave the units and the images as they were.

    Raises
    ------
    InvalidInputError
        The photographs do not hold so many images.

    Examples
    --------
    >>> small = VirtualCortex(n_simple=2, n_complex=1, n_unresponsive=0, n_images=20, n_repeats=2)
    >>> simulate_cortex(small, seed=1).experiment.trials
    Trials(60 presentations of 20 stimuli, 20 of them blank)
    """
    seeds = [int(word) for word in np.random.SeedSequence(seed).generate_state(5)]
    images, patches = _draw_images(method, seed=seeds[0])
    truth = _truth(method, images, patches, seed=seeds[1])
    trials = _draw_trials(method, images.image_ids, seed=seeds[2])
    spikes = _draw_spikes(method, trials, truth, seeds=(seeds[3], seeds[4]))
    experiment = Experiment("virtual visual cortex", spikes=spikes, trials=trials, images=images)
    return SimulatedCortex(experiment, truth)


def _truth(
    method: VirtualCortex, images: Images, patches: NaturalPatches, *, seed: int
) -> CorticalTruth:
    cell_type, gabors, model = _draw_population(method, seed=seed)
    rates_hz = model.rates(images.pixels)
    expected = rates_hz * method.duration_s
    gain_variance = (1 + method.shared_gain_variance) * (1 + method.private_gain_variance) - 1
    return CorticalTruth(
        model=model,
        gabors=gabors,
        cell_type=cell_type,
        image_ids=images.image_ids,
        photograph=patches.photograph,
        box=patches.box,
        rates_hz=rates_hz,
        window_s=(method.latency_s, method.latency_s + method.duration_s),
        signal_variance=expected.var(axis=0, ddof=1),
        noise_variance=(expected + gain_variance * expected**2).mean(axis=0),
    )


def _draw_population(
    method: VirtualCortex, *, seed: int
) -> tuple[np.ndarray, Gabors, VirtualResponseModel]:
    """Draw the types of the units, in mixed order, their filters and their rates."""
    rng = np.random.default_rng(seed)
    numbers = (method.n_simple, method.n_complex, method.n_unresponsive)
    cell_type = rng.permutation(np.repeat((SIMPLE, COMPLEX, UNRESPONSIVE), numbers))
    n_units = len(cell_type)
    responsive = cell_type != UNRESPONSIVE
    gabors = draw_gabors(n_units, method.extent_deg, method.spatial_frequency_cpd, rng)
    size = (method.n_pixels, method.extent_deg)
    type_gain = np.where(cell_type == COMPLEX, COMPLEX_GAIN, 1.0) * responsive
    model = VirtualResponseModel(
        unit_ids=FIRST_UNIT_ID + rng.choice(100 * n_units, n_units, replace=False),
        is_complex=cell_type == COMPLEX,
        filters=quadrature_pairs(gabors, *size) * responsive[:, None, None, None],
        pool=normalization_pool(gabors, method.spatial_frequency_cpd, *size),
        gain_hz=method.gain_hz * type_gain * _spread(method.gain_spread, n_units, rng),
        baseline_hz=method.baseline_hz * _spread(BASELINE_SPREAD, n_units, rng),
        semisaturation_contrast=method.semisaturation_contrast,
    )
    return cell_type, gabors, model


def _spread(factor: float, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Draw log-normal factors with median 1, cut off at two standard deviations."""
    return factor ** np.clip(rng.standard_normal(n_units), -2, 2)


def _draw_images(method: VirtualCortex, *, seed: int) -> tuple[Images, NaturalPatches]:
    """Draw patches, and give them ids that are not their rows: images are paired by id."""
    patches = natural_patches(
        method.n_images, method.n_pixels, rms_contrast=method.rms_contrast, seed=seed
    )
    image_ids = np.random.default_rng(seed).permutation(method.n_images)
    extent_deg = (method.extent_deg, method.extent_deg)
    return Images(patches.pixels, image_ids, extent_deg), patches


def _draw_trials(method: VirtualCortex, image_ids: np.ndarray, *, seed: int) -> Trials:
    rng = np.random.default_rng(seed)
    shown = np.concatenate([image_ids, np.full(method.n_blanks, BLANK)])
    order = np.stack([rng.permutation(shown) for _ in range(method.n_repeats)])
    block, place = np.indices(order.shape)
    block_s = len(shown) * method.duration_s + method.pause_s
    return Trials(
        stimulus_id=order.ravel(),
        onset_s=(method.pause_s + block * block_s + place * method.duration_s).ravel(),
        duration_s=np.full(order.size, method.duration_s),
        conditions={"block": block.ravel()},
    )


def _draw_spikes(
    method: VirtualCortex, trials: Trials, truth: CorticalTruth, *, seeds: tuple[int, int]
) -> SpikeTrains:
    """Draw spikes at the baseline in each pause, and at the rates of the images in between."""
    edges_s, shown = _intervals(method, trials)
    # The last row, which -1 picks, is what the units do at a blank screen.
    rows = np.append(np.argsort(truth.image_ids), BLANK)[shown]
    rates_hz = np.vstack([truth.rates_hz, truth.model.baseline_hz])[rows]
    gains = trial_gains(
        *rates_hz.shape,
        shared_variance=method.shared_gain_variance,
        private_variance=method.private_gain_variance,
        seed=seeds[0],
    )
    return spikes_from_rates(
        rates_hz * gains,
        edges_s,
        truth.model.unit_ids,
        unit_table=_unit_table(truth, seed=seeds[1]),
        seed=seeds[0],
    )


def _intervals(method: VirtualCortex, trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the intervals of constant rate, and the stimulus answered in each."""
    onsets_s = trials.onset_s.reshape(method.n_repeats, -1)
    starts_s = onsets_s + method.latency_s
    stops_s = starts_s[:, -1:] + method.duration_s
    pauses_s = np.vstack([[[0.0]], stops_s[:-1]])
    end_s = onsets_s[-1, -1] + method.duration_s + method.pause_s
    edges_s = np.concatenate([np.hstack([pauses_s, starts_s]).ravel(), stops_s[-1], [end_s]])
    stimulus_id = trials.stimulus_id.reshape(method.n_repeats, -1)
    pause = np.full((method.n_repeats, 1), BLANK)
    return edges_s, np.append(np.hstack([pause, stimulus_id]).ravel(), BLANK)


def _unit_table(truth: CorticalTruth, *, seed: int) -> dict[str, np.ndarray]:
    """Return the truth of each unit, and marks of quality as a good sorting gives them.

    The marks are drawn, not measured: no spike is missing here, and none is another unit's. All
    units pass the usual limits of 0.1, 0.95 and 0.5.
    """
    rng = np.random.default_rng(seed)
    n_units = len(truth.cell_type)
    responsive = truth.cell_type != UNRESPONSIVE
    orientation_deg, frequency_cpd = (
        np.where(responsive, parameter, np.nan)
        for parameter in (truth.gabors.orientation_deg, truth.gabors.spatial_frequency_cpd)
    )
    return {
        "cell_type": truth.cell_type,
        "preferred_orientation_deg": orientation_deg,
        "spatial_frequency_cpd": frequency_cpd,
        "location": np.full(n_units, "VISp"),
        "amplitude_cutoff": 0.1 * rng.beta(1, 5, n_units),
        "presence_ratio": 1 - 0.05 * rng.beta(1, 5, n_units),
        "isi_violations": 0.5 * rng.beta(1, 5, n_units),
    }


def _require_least(name: str, number: int, least: int) -> None:
    require(number >= least, f"{name}={number}: give {least} or more.")
