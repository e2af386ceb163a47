"""What to take from a file, and how to understand it."""

from dataclasses import dataclass, fields
from typing import Literal

from spikeloop.errors import InvalidInputError

_NAMING = ("stimulus", "spikes", "spike_units", "rate_hz", "spikes_are")
_LIMITS = ("amplitude_cutoff_max", "presence_ratio_min", "isi_violations_max")
_APPLICABLE = {
    "a MATLAB file": _NAMING,
    "an npz file": _NAMING,
    "an experiment written by save_npz": (),
    "an NWB file": ("stimulus", "nwb_stimulus", "nwb_images", "nwb_quality", *_LIMITS),
    "a folder of V4 responses": ("image_side_px",),
}


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
    spike_units: str | None = None
    """Name of the variable with the unit of each spike time, one per spike; without it they are of
    one unit. Units without spikes cannot be given this way."""
    rate_hz: float | None = None
    """Samples per second of the stimulus, and of binned spikes, in a MATLAB or npz file (--rate for
    short)."""
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
        if self.spike_units is not None and self.spikes_are == "binned":
            raise InvalidInputError(
                f"spike_units={self.spike_units!r} goes with spike times, but spikes_are='binned'. "
                "Leave out one of the two; the units of binned spikes are the columns."
            )
        limits = [name for name in self._given() if name in _LIMITS]
        if limits and not self.nwb_quality:
            raise InvalidInputError(
                f"{', '.join(limits)} has no effect without nwb_quality. Give nwb_quality too."
            )

    def _given(self) -> list[str]:
        """Return the names of the options that differ from their default."""
        return [f.name for f in fields(self) if getattr(self, f.name) != f.default]


def require_applicable(options: ReadOptions, kind: str) -> None:
    """Refuse options that have no effect on this kind of file, one of `_APPLICABLE`.

    >>> require_applicable(ReadOptions(image_side_px=7), "an NWB file")
    Traceback (most recent call last):
    spikeloop.errors.InvalidInputError: image_side_px does not apply to an NWB file. ...
    """
    applicable = _APPLICABLE[kind]
    others = [name for name in options._given() if name not in applicable]
    if others:
        raise InvalidInputError(
            f"{', '.join(others)} {'does' if len(others) == 1 else 'do'} not apply to {kind}. "
            f"Leave out what does not apply; the options for it are: "
            f"{', '.join(applicable) or 'none'}."
        )
