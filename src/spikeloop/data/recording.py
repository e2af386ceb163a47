"""Voltages of many contacts, read a piece at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from operator import index

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite


@dataclass(frozen=True, eq=False)
class Recording:
    """An extracellular recording that stays where it is: in a file, or in the rules that make it.

    Only what `read` asks for is ever in memory. A recording can be sent to another process if its
    `fetch` can.

    >>> recording = Recording.from_array(np.zeros((300, 2)), 30000.0, contacts_um=[[0, 0], [0, 20]])
    >>> recording
    Recording(300 samples x 2 channels, 30000.0 Hz, 0.01 s)
    >>> recording.read(10, 12).shape
    (2, 2)
    >>> list(recording.chunks(200))
    [(0, 200), (200, 300)]
    """

    fetch: Callable[[int, int], np.ndarray]
    """Gives samples start..stop as (time, channel) float32 in uV; `read` calls it within bounds.
    The same sample must come out the same, whichever piece it is asked for in."""
    n_samples: int
    """How many samples each channel has."""
    sample_rate_hz: float
    """Samples per second."""
    contacts_um: np.ndarray
    """(channel, 2) float64: where each contact lies on the probe, x and y in um."""

    def __post_init__(self) -> None:
        require(callable(self.fetch), f"fetch is a {type(self.fetch).__name__}: give a function.")
        require(
            _is_whole(self.n_samples) and self.n_samples > 0,
            f"n_samples={self.n_samples}: it must be a whole number above 0.",
        )
        object.__setattr__(self, "n_samples", index(self.n_samples))
        object.__setattr__(self, "sample_rate_hz", as_rate(self.sample_rate_hz))
        object.__setattr__(self, "contacts_um", as_contacts(self.contacts_um))

    @classmethod
    def from_array(
        cls, traces_uV: np.ndarray, sample_rate_hz: float, contacts_um: np.ndarray
    ) -> "Recording":
        """Wrap `traces_uV` (time, channel), all of which is in memory already.

        Raises
        ------
        InvalidInputError
            The traces are not finite, or have not one channel for each contact.
        """
        traces_uV = as_array("traces_uV", traces_uV, ("time", "channel"), np.float32)
        require_finite("traces_uV", traces_uV)
        contacts_um = as_contacts(contacts_um)
        require(
            traces_uV.shape[1] == len(contacts_um),
            f"traces_uV has {traces_uV.shape[1]} channels and contacts_um {len(contacts_um)} rows: "
            "give one contact for each channel, and the axes as (time, channel).",
        )
        return cls(_InMemory(traces_uV), len(traces_uV), sample_rate_hz, contacts_um)

    def __repr__(self) -> str:
        return (
            f"Recording({self.n_samples} samples x {self.n_channels} channels, "
            f"{self.sample_rate_hz} Hz, {self.duration_s:g} s)"
        )

    @property
    def n_channels(self) -> int:
        """How many channels there are."""
        return len(self.contacts_um)

    @property
    def duration_s(self) -> float:
        """How long the recording lasts, in seconds."""
        return self.n_samples / self.sample_rate_hz

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return samples start..stop (half-open) of all channels: (time, channel) float32, in uV.

        Raises
        ------
        InvalidInputError
            The samples asked for are not all there, or `fetch` gave something of another shape.
        """
        require(
            _is_whole(start) and _is_whole(stop) and 0 <= start <= stop <= self.n_samples,
            f"samples {start}..{stop} were asked for: give whole numbers with "
            f"0 <= start <= stop <= {self.n_samples}.",
        )
        if start == stop:
            return np.empty((0, self.n_channels), dtype=np.float32)
        traces_uV = np.asarray(self.fetch(index(start), index(stop)), dtype=np.float32)
        wanted = (int(stop - start), self.n_channels)
        require(
            traces_uV.shape == wanted,
            f"fetch({start}, {stop}) gave an array of shape {traces_uV.shape}: it must be "
            f"(time, channel), here {wanted}.",
        )
        return traces_uV

    def chunks(self, size: int) -> Iterator[tuple[int, int]]:
        """Return (start, stop) of pieces of `size` samples, in order; the last may be shorter."""
        require(_is_whole(size) and size > 0, f"size={size}: a chunk must have 1 sample or more.")
        n_samples = self.n_samples
        return ((start, min(start + size, n_samples)) for start in range(0, n_samples, size))

    def through(self, stage: Callable[[np.ndarray], np.ndarray], margin: int) -> "Recording":
        """Return this recording as `stage` changes it; stages can be chained.

        Each piece is read with `margin` more samples on either side, goes through `stage`, and
        loses the margins again. Beyond its ends the recording is continued by its mirror image,
        about the first sample and about the last. If sample i of what `stage` returns depends on
        samples i - margin to i + margin alone, the result does not depend on the pieces.

        Parameters
        ----------
        stage
            A function (time, channel) -> (time, channel) in uV that keeps the shape; for use in
            several processes, one that can be sent there.
        margin
            How far `stage` looks, in samples; 0 for one that works on each sample alone.

        Raises
        ------
        InvalidInputError
            The margin is negative; or, on reading, `stage` gave another shape.

        Examples
        --------
        >>> recording = Recording.from_array(np.arange(8.0)[:, None], 1000.0, [[0.0, 0.0]])
        >>> slope = recording.through(lambda uV: (np.roll(uV, -1, 0) - np.roll(uV, 1, 0)) / 2, 1)
        >>> slope.read(0, 3)[:, 0].tolist()
        [0.0, 1.0, 1.0]
        """
        require(callable(stage), f"stage is a {type(stage).__name__}: give a function.")
        require(
            _is_whole(margin) and margin >= 0,
            f"margin={margin}: it must be a whole number of samples, 0 or more.",
        )
        staged = _Staged(self, stage, index(margin))
        return Recording(staged, self.n_samples, self.sample_rate_hz, self.contacts_um)


def as_contacts(contacts_um: object) -> np.ndarray:
    """Return places of contacts as (channel, 2) float64, or say what is wrong with them."""
    contacts_um = as_array("contacts_um", contacts_um, ("channel", "x y"), float)
    require(
        contacts_um.shape[1] == 2 and len(contacts_um) > 0,
        f"contacts_um has shape {contacts_um.shape}: give x and y of at least one contact.",
    )
    require_finite("contacts_um", contacts_um)
    return contacts_um


def as_rate(sample_rate_hz: object) -> float:
    """Return a rate as a float, or say that it cannot be one."""
    require(
        isinstance(sample_rate_hz, Real) and 0 < sample_rate_hz < np.inf,
        f"sample_rate_hz={sample_rate_hz}: it must be a number above 0.",
    )
    return float(sample_rate_hz)


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


@dataclass(frozen=True)
class _InMemory:
    """Fetch from an array."""

    traces_uV: np.ndarray

    def __call__(self, start: int, stop: int) -> np.ndarray:
        return self.traces_uV[start:stop]


@dataclass(frozen=True)
class _Staged:
    """Fetch from another recording, and change what comes."""

    source: Recording
    stage: Callable[[np.ndarray], np.ndarray]
    margin: int

    def __call__(self, start: int, stop: int) -> np.ndarray:
        wide = self._mirrored(start - self.margin, stop + self.margin)
        changed = np.asarray(self.stage(wide))
        require(
            changed.shape == wide.shape,
            f"a stage was given traces of shape {wide.shape} and returned {changed.shape}: it must "
            "keep the shape.",
        )
        return changed[self.margin : self.margin + stop - start]

    def _mirrored(self, start: int, stop: int) -> np.ndarray:
        """Return samples start..stop of a recording that its mirror images continue for ever."""
        last = self.source.n_samples - 1
        if start >= 0 and stop <= last + 1:
            return self.source.read(start, stop)
        place = np.arange(start, stop) % max(2 * last, 1)
        place = np.minimum(place, 2 * last - place)
        first = place.min()
        return self.source.read(first, place.max() + 1)[place - first]
