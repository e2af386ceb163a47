"""A continuous stimulus, or any quantity sampled regularly."""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite, require_moderate


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """Values on a regular clock: sample i holds from start + i / rate to start + (i + 1) / rate.

    >>> stimulus = TimeSeries([[0.0], [1.0]], sample_rate_hz=500.0)
    >>> stimulus
    TimeSeries(2 samples x 1 features, 500.0 Hz, 0.0..0.004 s)
    """

    values: np.ndarray
    """(time, feature); the type of floating-point numbers is kept, others become float64."""
    sample_rate_hz: float
    """Samples per second."""
    start_s: float = 0.0
    """When the first sample starts, in seconds."""

    def __post_init__(self) -> None:
        given = np.asarray(self.values)
        dtype = given.dtype if given.dtype in (np.float32, np.float64) else np.dtype(float)
        values = as_array("values", given, ("time", "feature"), dtype)
        require(values.size > 0, f"values has shape {values.shape}: it holds nothing.")
        require_finite("values", values)
        require_moderate("values", values)
        require(
            np.isreal(self.sample_rate_hz)
            and np.isfinite(self.sample_rate_hz)
            and self.sample_rate_hz > 0,
            f"sample_rate_hz={self.sample_rate_hz}: it must be above 0.",
        )
        require(np.isfinite(self.start_s), f"start_s={self.start_s}: it must be finite.")
        object.__setattr__(self, "values", values)

    def __repr__(self) -> str:
        n_samples, n_features = self.values.shape
        return (
            f"TimeSeries({n_samples} samples x {n_features} features, {self.sample_rate_hz} Hz, "
            f"{self.start_s}..{self.stop_s} s)"
        )

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return len(self.values)

    @property
    def stop_s(self) -> float:
        """When the last sample ends, in seconds."""
        return self.start_s + len(self.values) / self.sample_rate_hz
