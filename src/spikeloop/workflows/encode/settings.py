"""What ``spikeloop encode`` can be set to: only settings, quick to load."""

import difflib
import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from spikeloop.data.checks import require, require_seed
from spikeloop.evaluate.draws import require_draws
from spikeloop.io.options import ReadOptions

ImageModelName = Literal[
    "mean", "ridge", "smooth", "ln", "lnp", "gabor", "scattering", "network", "experiment2"
]
"""Models of images, from the simplest."""
SeriesModelName = Literal["mean", "ln", "glm", "quadratic", "mid", "dilated"]
"""Models of a continuous stimulus, from the simplest."""
ModelName = Literal[ImageModelName, SeriesModelName, "all"]

IMAGE_MODELS = get_args(ImageModelName)
IMAGE_BASELINES = ("mean", "ridge", "gabor")
"""What every other model of images is shown beside."""
SERIES_MODELS = get_args(SeriesModelName)
SERIES_BASELINES = ("mean", "ln")
"""What every other model of a continuous stimulus is shown beside."""
_KNOWN = get_args(ModelName)


@dataclass(frozen=True)
class EncodeConfig:
    """Everything that decides the outcome of ``spikeloop encode``, but the file itself."""

    read: ReadOptions = field(default_factory=ReadOptions)
    """What to take from the file. The images of a V4 folder are resized to 56 pixels a side, where
    they are larger, unless image_side_px says otherwise."""
    model: ModelName = "all"
    """What to fit. For images: mean, ridge (linear), smooth (linear, smooth filters), ln, lnp,
    gabor (filter bank with normalization), scattering (two banks, Gaussian process), network
    (convolutional), experiment2 (the network of the most-exciting-inputs experiment); mean, ridge
    and gabor are always fitted beside it. For a continuous stimulus: mean, ln, glm (filters
    of stimulus and spikes), quadratic (a glm whose drive has squares), mid (two filters), dilated
    (network); mean and ln always. all: every one that can be fitted."""
    window_s: tuple[float, float] | None = None
    """Window after onset in which spikes are counted, in seconds; None: from onset to the usual
    (median) duration of a trial."""
    validation_fraction: float | None = None
    """Share of the images, or of the time, that settings are chosen by; None: a twelfth of the
    images, a tenth of the time."""
    test_fraction: float | None = None
    """Share of the images, or of the time, that no fit ever sees; None: a sixth of the images, the
    last fifth of the time."""
    n_seeds: int = 1
    """Networks of images that differ by chance alone, whose predictions are averaged."""
    max_epochs: int | None = None
    """When the training of a network stops at the latest; None: as the network has it."""
    n_draws: int = 1000
    """How many times test images, or blocks of 10 s, are drawn again, for intervals and p."""
    confidence: float = 0.95
    """Probability that an interval aims to cover."""
    fev_threshold: float = 0.15
    """Units whose fraction of explainable variance is below this are left out of mean FEVE."""
    seed: int = 0
    """Start of all random numbers: the split of the images, the networks, the intervals."""

    def __post_init__(self) -> None:
        require_seed(self.seed)
        near = difflib.get_close_matches(str(self.model), _KNOWN, n=1)
        advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_KNOWN)}."
        require(self.model in _KNOWN, f"model={self.model!r}: there is no such model. {advice}")
        for name in ("validation_fraction", "test_fraction"):
            share = getattr(self, name)
            require(share is None or 0 < share < 1, f"{name}={share}: it must lie between 0 and 1.")
        held = (self.validation_fraction or 0) + (self.test_fraction or 0)
        require(
            held < 1,
            f"validation_fraction={self.validation_fraction}, test_fraction={self.test_fraction}: "
            "they leave nothing to learn from. Lower one.",
        )
        require_draws(self.n_draws, self.confidence)
        require(self.n_seeds >= 1, f"n_seeds={self.n_seeds}: it must be 1 or more.")
        require(
            self.max_epochs is None or self.max_epochs >= 1,
            f"max_epochs={self.max_epochs}: it must be 1 or more.",
        )
        require(
            math.isfinite(self.fev_threshold),
            f"fev_threshold={self.fev_threshold}: it must be a finite number. Try 0.15.",
        )
