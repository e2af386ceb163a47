"""What to take from a file, and how to understand it."""

from dataclasses import dataclass
from typing import Literal

from spikeloop.errors import InvalidInputError


@dataclass(frozen=True)
class ReadOptions:
    """Which variables of a file to read. Most files need two or three of these.

    >>> ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0).spikes_are
    'auto'
    """

    stimulus: str | None = None
    """Name of the continuous stimulus: a variable in a MATLAB or npz file, a series in NWB."""
    spikes: str | None = None
    """Name of the variable with the spikes in a MATLAB or npz file."""
    rate_hz: float | None = None
    """Samples per second of the stimulus, and of binned spikes, in a MATLAB or npz file."""
    spikes_are: Literal["auto", "binned", "times_s"] = "auto"
    """Spikes are counts in the stimulus's bins or times in seconds; auto goes by length."""
    nwb_stimulus: str | None = None
    """Table of presentations in NWB, like natural_scenes; needed where there are several."""
    nwb_images: str | None = None
    """Name of the image templates in NWB; needed where there are several that could fit."""
    nwb_quality: bool = False
    """Keep only the NWB units that pass the next three limits, as the Allen Institute does."""
    amplitude_cutoff_max: float = 0.1
    """Largest amplitude_cutoff (estimated fraction of spikes missed) with nwb_quality."""
    presence_ratio_min: float = 0.95
    """Smallest presence_ratio (fraction of the session with spikes) with nwb_quality."""
    isi_violations_max: float = 0.5
    """Largest isi_violations (relative rate of refractory violations) with nwb_quality."""
    image_side_px: int | None = None
    """Resize the images of a V4 folder to this height and width, by averaging; None keeps them."""

    def __post_init__(self) -> None:
        if self.rate_hz is not None and not 0 < self.rate_hz < float("inf"):
            raise InvalidInputError(
                f"rate_hz={self.rate_hz}: it must be above 0. Give the samples per second."
            )
        if self.image_side_px is not None and not 1 <= self.image_side_px <= 4096:
            raise InvalidInputError(
                f"image_side_px={self.image_side_px}: it must lie in 1..4096. Try 56."
            )
