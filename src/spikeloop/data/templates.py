"""The mean waveforms of units."""

from dataclasses import dataclass
from operator import index

import numpy as np

from spikeloop.data.checks import (
    as_array,
    as_vector,
    require,
    require_finite,
    require_moderate,
    require_unique,
)
from spikeloop.data.recording import as_contacts, as_rate


@dataclass(frozen=True, eq=False)
class Templates:
    """What a spike of each unit looks like on every contact, without noise.

    >>> waveforms_uV = np.zeros((1, 5, 2))
    >>> waveforms_uV[0, :, 1] = [0.0, -80.0, 20.0, 10.0, 0.0]
    >>> templates = Templates(waveforms_uV, 30000.0, 1, [[0, 0], [0, 20]], unit_ids=[7])
    >>> templates
    Templates(1 units x 5 samples x 2 channels, 30000.0 Hz, 100..100 uV peak to peak)
    >>> templates.peak_channel.tolist(), templates.amplitude_uV.tolist()
    ([1], [100.0])
    """

    waveforms_uV: np.ndarray
    """(unit, time, channel) float32."""
    sample_rate_hz: float
    """Samples per second."""
    peak_sample: int
    """The row of time at which the spike happens, the same for all units."""
    contacts_um: np.ndarray
    """(channel, 2) float64: where each contact lies on the probe, x and y in um."""
    unit_ids: np.ndarray
    """(unit,) a name or a number for each unit, as in `SpikeTrains`."""

    def __post_init__(self) -> None:
        axes = ("unit", "time", "channel")
        waveforms_uV = as_array("waveforms_uV", self.waveforms_uV, axes, np.float32)
        require(waveforms_uV.size > 0, f"waveforms_uV has shape {waveforms_uV.shape}: it is empty.")
        require_finite("waveforms_uV", waveforms_uV)
        require_moderate("waveforms_uV", waveforms_uV)
        contacts_um = as_contacts(self.contacts_um)
        unit_ids = as_vector("unit_ids", self.unit_ids)
        n_units, n_times, n_channels = waveforms_uV.shape
        require(
            n_channels == len(contacts_um),
            f"waveforms_uV has {n_channels} channels and contacts_um {len(contacts_um)} rows: give "
            "one contact for each channel, and the axes as (unit, time, channel).",
        )
        require(
            n_units == len(unit_ids),
            f"{n_units} waveforms_uV and {len(unit_ids)} unit_ids: give one id per unit.",
        )
        require_unique("unit_ids", unit_ids)
        require(
            isinstance(self.peak_sample, int | np.integer) and 0 <= self.peak_sample < n_times,
            f"peak_sample={self.peak_sample}: it must be a whole number in 0..{n_times - 1}, a row "
            "of time.",
        )
        object.__setattr__(self, "waveforms_uV", waveforms_uV)
        object.__setattr__(self, "sample_rate_hz", as_rate(self.sample_rate_hz))
        object.__setattr__(self, "peak_sample", index(self.peak_sample))
        object.__setattr__(self, "contacts_um", contacts_um)
        object.__setattr__(self, "unit_ids", unit_ids)

    def __repr__(self) -> str:
        n_units, n_times, n_channels = self.waveforms_uV.shape
        amplitude_uV = self.amplitude_uV
        return (
            f"Templates({n_units} units x {n_times} samples x {n_channels} channels, "
            f"{self.sample_rate_hz} Hz, {amplitude_uV.min():.3g}..{amplitude_uV.max():.3g} uV peak "
            "to peak)"
        )

    @property
    def n_units(self) -> int:
        """How many units there are."""
        return len(self.waveforms_uV)

    @property
    def n_channels(self) -> int:
        """How many channels there are."""
        return len(self.contacts_um)

    @property
    def peak_channel(self) -> np.ndarray:
        """(unit,) the channel on which each unit is largest, peak to peak."""
        return np.argmax(np.ptp(self.waveforms_uV, axis=1), axis=1)

    @property
    def amplitude_uV(self) -> np.ndarray:
        """(unit,) largest minus smallest value on the peak channel: peak to peak."""
        return np.ptp(self.waveforms_uV, axis=1).max(axis=1)

    def select(self, keep: np.ndarray) -> "Templates":
        """Return the units where `keep` (unit,) is true."""
        keep = np.asarray(keep)
        require(
            keep.shape == (self.n_units,) and keep.dtype == bool and bool(keep.any()),
            f"keep has shape {keep.shape} and type {keep.dtype}: give one bool for each of the "
            f"{self.n_units} units, and keep at least one.",
        )
        return Templates(
            self.waveforms_uV[keep],
            self.sample_rate_hz,
            self.peak_sample,
            self.contacts_um,
            self.unit_ids[keep],
        )

    def resampled(self, sample_rate_hz: float) -> "Templates":
        """Return the same waveforms at another rate, by band-limited interpolation.

        With c = min(1, new rate / old rate), and x the place of a new sample among the old ones,

            new(x) = sum over n of old(n) * c * sinc(c * (x - n)),

        which cuts off what the new rate cannot carry. Waveforms are taken to be zero outside their
        window: one that does not end near zero rings there. The peak sample stays a sample.

        Raises
        ------
        InvalidInputError
            The rate is not above 0.

        Examples
        --------
        >>> wave = -np.exp(-((np.arange(41) - 20.0) ** 2) / 18)[None, :, None]
        >>> finer = Templates(wave, 20000.0, 20, [[0.0, 0.0]], [0]).resampled(30000.0)
        >>> finer.peak_sample, finer.waveforms_uV.shape
        (30, (1, 61, 1))
        """
        ratio = as_rate(sample_rate_hz) / self.sample_rate_hz
        n_times = self.waveforms_uV.shape[1]
        # A millionth of a sample keeps an end that falls on a sample from being rounded away.
        n_before = int(self.peak_sample * ratio + 1e-6)
        n_after = int((n_times - 1 - self.peak_sample) * ratio + 1e-6)
        place = self.peak_sample + np.arange(-n_before, n_after + 1) / ratio
        cutoff = min(1.0, ratio)
        kernel = cutoff * np.sinc(cutoff * (place[:, None] - np.arange(n_times)))
        waveforms_uV = (kernel @ self.waveforms_uV).astype(np.float32)
        return Templates(waveforms_uV, sample_rate_hz, n_before, self.contacts_um, self.unit_ids)
