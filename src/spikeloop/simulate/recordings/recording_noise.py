"""Noise of a recording: white at each contact, and a field that contacts share with neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.numerics.block_noise import normal_block
from spikeloop.numerics.colouring import spectrum_filters
from spikeloop.simulate.recordings.layers import BLOCK, NOISE

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

N_TAPS = 127
_N_FREQUENCIES = 2049

TISSUE = ((100.0, 1.0), (500.0, 0.7), (1000.0, 0.45), (3000.0, 0.12), (6000.0, 0.04), (15e3, 0.01))
"""Power of extracellular background over frequency, falling as spikes of many far units do."""


@dataclass(frozen=True)
class Noise:
    """Gaussian noise that does not change over time."""

    white_uV: float = 4.0
    """Standard deviation of the noise of each contact alone, of equal power at all frequencies; 0
    for none."""
    field_uV: float = 6.0
    """Standard deviation of the noise shared between contacts; 0 for none."""
    field_length_um: float = 60.0
    """The field of two contacts correlates by exp(-distance / this length)."""
    field_spectrum: tuple[tuple[float, float], ...] = TISSUE
    """Points (frequency in Hz, power density in any unit) of the spectrum of the field, joined by
    straight lines on logarithmic axes and constant beyond the ends. Detail finer than about 2 % of
    the sample rate is smoothed away."""

    def __post_init__(self) -> None:
        for name in ("white_uV", "field_uV"):
            value = getattr(self, name)
            require(
                bool(np.isfinite(value)) and value >= 0,
                f"{name}={value}: a standard deviation is 0 or more. Give 0 for no noise.",
            )
        require(
            bool(np.isfinite(self.field_length_um)) and self.field_length_um > 0,
            f"field_length_um={self.field_length_um}: it must be above 0. For noise that is not "
            "shared, use white_uV.",
        )
        _check_spectrum(self.field_spectrum)


def _check_spectrum(points: object) -> None:
    table = np.asarray(points, dtype=float)
    require(
        table.ndim == 2 and table.shape[1] == 2,
        f"field_spectrum has shape {table.shape}: give (frequency, power) pairs.",
    )
    require(
        bool(np.all(np.isfinite(table) & (table > 0))) and bool(np.all(np.diff(table[:, 0]) > 0)),
        "field_spectrum: frequencies must ascend, and frequencies and powers be above 0.",
    )


def noise_power(
    method: Noise, frequencies_hz: Float[np.ndarray, " frequency"], sample_rate_hz: float
) -> Float[np.ndarray, " frequency"]:
    r"""Return the power density of the noise of one contact, in uV² per Hz, one-sided.

    .. math:: P(f) = \frac{2}{f_s}\left(\sigma_w^2 + \sigma_f^2\, s(f)\right),

    where s is `field_spectrum`, scaled to a mean of 1 between 0 and half the sample rate
    :math:`f_s`. Its integral is the variance of the noise.

    >>> power = noise_power(Noise(3.0, 0.0), np.array([0.0, 1000.0]), 30000.0)
    >>> power.round(9).tolist()
    [0.0006, 0.0006]
    """
    field = method.field_uV**2 * _relative_power(method, frequencies_hz, sample_rate_hz)
    return 2 / sample_rate_hz * (method.white_uV**2 + field)


def _relative_power(
    method: Noise, frequencies_hz: np.ndarray, sample_rate_hz: float
) -> Float[np.ndarray, " frequency"]:
    """Return the spectrum of the field, scaled to a mean of 1 over all frequencies there are."""
    points = np.log(np.asarray(method.field_spectrum, dtype=float))

    def drawn(at_hz: np.ndarray) -> np.ndarray:
        places = np.log(np.maximum(at_hz, np.finfo(float).tiny))
        return np.exp(np.interp(places, points[:, 0], points[:, 1]))

    grid = drawn(np.linspace(0, sample_rate_hz / 2, _N_FREQUENCIES))
    return drawn(frequencies_hz) / np.mean((grid[1:] + grid[:-1]) / 2)


@dataclass(frozen=True, eq=False)
class NoiseLayer:
    r"""Noise with the covariance :math:`\sigma_w^2 I + \sigma_f^2 S` over contacts.

    The modes of :math:`S = e^{-d/\lambda}`, its eigenvectors, are independent, each with a spectrum
    of its own: :math:`\sigma_w^2 + \sigma_f^2 \lambda_m s(f)`. So one white number for each sample
    and mode is filtered in time, and the modes are added up over contacts.
    """

    modes: np.ndarray
    """(channel, mode) float32."""
    taps: np.ndarray
    """(mode, tap) float32."""
    seed: int
    """The seed of the noise."""

    @classmethod
    def of(
        cls, method: Noise, contacts_um: np.ndarray, sample_rate_hz: float, *, seed: int
    ) -> "NoiseLayer":
        """Return the layer for contacts at `contacts_um` (channel, 2)."""
        distance_um = np.linalg.norm(contacts_um[:, None] - contacts_um[None], axis=2)
        strength, modes = np.linalg.eigh(np.exp(-distance_um / method.field_length_um))
        grid_hz = np.linspace(0, sample_rate_hz / 2, _N_FREQUENCIES)
        field = method.field_uV**2 * _relative_power(method, grid_hz, sample_rate_hz)
        power = method.white_uV**2 + np.maximum(strength, 0)[:, None] * field
        taps = spectrum_filters(power, N_TAPS)
        even = np.pad(taps, ((0, 0), (0, 1)))  # the filter takes eight taps at a time
        return cls(modes.astype(np.float32), even.astype(np.float32), seed)

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the noise of one block, in place."""
        from spikeloop.simulate.recordings.recording_kernels import filter_rows

        n_modes, n_taps = self.taps.shape
        white = normal_block(self.seed, NOISE, block, (n_modes, BLOCK), n_taps)
        traces_uV += filter_rows(white, self.taps).T @ self.modes.T


@dataclass(frozen=True, eq=False)
class WhiteNoiseLayer:
    """Noise of each contact alone, at all frequencies alike: there is nothing to filter or mix."""

    sd_uV: float
    """Standard deviation."""
    seed: int
    """The seed of the noise."""

    def add(self, traces_uV: Float32[np.ndarray, "time channel"], block: int) -> None:
        """Add the noise of one block, in place."""
        white = normal_block(self.seed, NOISE, block, traces_uV.shape, 0)
        white *= np.float32(self.sd_uV)
        traces_uV += white


def noise_layer(
    method: Noise, contacts_um: np.ndarray, sample_rate_hz: float, *, seed: int
) -> NoiseLayer | WhiteNoiseLayer:
    """Return the layer of the noise that `method` describes."""
    if method.field_uV == 0:
        return WhiteNoiseLayer(method.white_uV, seed)
    return NoiseLayer.of(method, contacts_um, sample_rate_hz, seed=seed)
