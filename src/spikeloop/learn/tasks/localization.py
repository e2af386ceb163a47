"""Where does a sound come from? Two ears hear the same tone, one a little later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.learn.spike_draws import draw_spikes, spike_logits
from spikeloop.learn.tasks.task import TaskTrials, require_duration, require_peak_rate

if TYPE_CHECKING:
    from jaxtyping import Array, Float, PRNGKeyArray

GRID_PER_CLASS = 60
"""Candidates that the ideal observer tries in each class."""


@dataclass(frozen=True)
class SoundLocalization:
    r"""Tell the interaural phase difference (IPD) of a tone from the spikes of two auditory nerves.

    The fibres of an ear are ahead of each other by up to a quarter of a cycle. Fibre :math:`j` of
    :math:`n` fires in a tick with the probability

    .. math:: p = r \, \Delta \left(\frac{1 + \sin \theta}{2}\right)^k, \qquad
        \theta = 2 \pi f t + \phi + \frac{\pi}{2} \frac{j}{n - 1} + \text{IPD in the second ear}

    with the tone's phase :math:`\phi` uniform. The IPD is uniform within :math:`\pm 90` degrees; to
    be told is in which of so many equal parts of that it lies.

    Source: Ghosh et al. 2024, Spiking neural network models of interaural time difference
    extraction via a massively collaborative process, bioRxiv 2024.07.22.604580.

    Examples
    --------
    >>> task = SoundLocalization()
    >>> trials = task.draw(jax.random.key(0), 64)
    >>> trials.spikes.shape, int(trials.target.max())
    ((64, 100, 200), 11)
    """

    n_fibres: int = 100
    """In each ear."""
    largest_lag_deg: float = 90.0
    """How far the last fibre of an ear is ahead of the first, in degrees of the tone."""
    frequency_hz: float = 20.0
    """Of the tone."""
    peak_rate_hz: float = 600.0
    """How fast a fibre fires at the peak of the tone."""
    envelope_power: float = 2.0
    """The k above: the larger, the sharper fibres fire at a phase."""
    duration_ms: float = 100.0
    """Of a trial."""
    dt_ms: float = 1.0
    """Of a tick."""
    n_classes: int = 12
    """Into how many equal parts the range of IPDs is cut."""
    largest_ipd_deg: float = 90.0
    """IPDs lie within plus and minus that."""
    phase: Literal["per_trial", "per_dataset"] = "per_trial"
    """Whether each trial has a phase of its own, or all trials of a data set share one: then a
    network learns at a single phase, is tested at another, and its scores depend on both."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.n_fibres >= 2, f"n_fibres={self.n_fibres}: it must be 2 or more.")
        require(self.n_classes >= 2, f"n_classes={self.n_classes}: it must be 2 or more.")
        for name in ("frequency_hz", "envelope_power"):
            value = getattr(self, name)
            require(value > 0, f"{name}={value}: it must be above 0.")
        require(
            0 < self.largest_ipd_deg <= 180,
            f"largest_ipd_deg={self.largest_ipd_deg}: it must be above 0 and at most 180.",
        )
        require_duration(self.duration_ms, self.dt_ms)
        require_peak_rate(self.peak_rate_hz, self.dt_ms)

    @property
    def n_inputs(self) -> int:
        """Fibres of the left ear, then of the right ear, which the IPD is added in."""
        return 2 * self.n_fibres

    @property
    def n_ticks(self) -> int:
        """How many ticks a trial lasts."""
        return round(self.duration_ms / self.dt_ms)

    @property
    def value_unit(self) -> str:
        """Of IPDs."""
        return "deg"

    @property
    def lags_deg(self) -> Float[np.ndarray, " fibre"]:
        """By how much each fibre of an ear is ahead of the first."""
        return np.linspace(0, self.largest_lag_deg, self.n_fibres)

    def class_values(self) -> Float[np.ndarray, " class"]:
        """Return the IPD in the middle of each class, in degrees."""
        edges = np.linspace(-self.largest_ipd_deg, self.largest_ipd_deg, self.n_classes + 1)
        return (edges[:-1] + edges[1:]) / 2

    def draw(
        self, key: PRNGKeyArray, n_trials: int, data_set: PRNGKeyArray | None = None
    ) -> TaskTrials:
        """Return new trials, always the same for the same keys.

        `data_set` decides on the phase that trials share, where they share one; by default `key`.
        """
        ipd_key, phase_key, spike_key = jax.random.split(key, 3)
        share = jax.random.uniform(ipd_key, (n_trials,))
        if self.phase == "per_trial":
            phase = jax.random.uniform(phase_key, (n_trials,), maxval=2 * math.pi)
        else:
            shared = key if data_set is None else data_set
            phase = jax.random.uniform(jax.random.fold_in(shared, 1), (1,), maxval=2 * math.pi)
        ipd = self.largest_ipd_deg * (2 * share - 1)
        target = jnp.minimum((share * self.n_classes).astype(jnp.int32), self.n_classes - 1)
        phases = jnp.stack(jnp.broadcast_arrays(phase, phase + jnp.deg2rad(ipd)), axis=1)
        return TaskTrials(draw_spikes(spike_key, self._probability(phases)), target, ipd)

    def _probability(self, phases: Float[Array, "trial ear"]) -> Float[Array, "trial time input"]:
        """Return the probability of a spike in each tick."""
        # The sine of a sum, as there are far fewer phases and lags than sums of both; and a choice
        # between the ears, as a reshape to inputs costs a division for each number.
        seconds = jnp.arange(self.n_ticks) * (self.dt_ms / 1000)
        wave = 2 * math.pi * self.frequency_hz * seconds[:, None] + phases[:, None, :]
        sine, cosine = (jnp.expand_dims(f(wave), -2) for f in (jnp.sin, jnp.cos))
        lags = np.deg2rad(np.tile(self.lags_deg, 2)).astype(np.float32)
        is_right = np.arange(self.n_inputs) >= self.n_fibres
        left, right = (
            sine[..., ear] * np.cos(lags) + cosine[..., ear] * np.sin(lags) for ear in (0, 1)
        )
        raised = jnp.clip((1 + jnp.where(is_right, right, left)) / 2, 0, 1)
        return self.peak_rate_hz * (self.dt_ms / 1000) * raised**self.envelope_power

    def log_posterior(self, spikes: Float[Array, "trial time input"]) -> jax.Array:
        r"""Return the log probability of each class, given all spikes: (trial, class).

        With :math:`L_e(\phi)` the log likelihood of the spikes of ear :math:`e` at phase
        :math:`\phi`, the posterior of an IPD is proportional to :math:`\sum_\phi \exp(L_1(\phi) +
        L_2(\phi + \text{IPD}))`, a circular correlation; it is summed over the IPDs of a class.
        Phases lie on a grid, so many in a class.
        """
        per_class = GRID_PER_CLASS
        n_ipds = self.n_classes * per_class
        n_phases = round(n_ipds * 180 / self.largest_ipd_deg)
        ipds = jnp.deg2rad(self.largest_ipd_deg * ((2 * jnp.arange(n_ipds) + 1) / n_ipds - 1))
        phases = 2 * math.pi * jnp.arange(n_phases) / n_phases
        alike = jnp.stack([phases, phases + ipds[0]], axis=1)
        odds, silence = spike_logits(self._probability(alike))
        by_ear = (n_phases, self.n_ticks, 2, self.n_fibres)
        odds, silence = odds.reshape(by_ear), silence.reshape(by_ear).sum(axis=(1, 3))
        heard = spikes.reshape(len(spikes), self.n_ticks, 2, self.n_fibres)
        found = jnp.einsum("ntef,ptef->enp", heard, odds) + silence.T[:, None]
        left, right = jnp.exp(found - found.max(axis=-1, keepdims=True))
        # together[n, k] = sum over phases p of left[n, p] right[n, p + k]
        spectra = jnp.conj(jnp.fft.rfft(left)) * jnp.fft.rfft(right)
        # Rounding leaves zeros, and less, where nothing is likely.
        floor = jnp.finfo(jnp.float32).tiny
        together = jnp.maximum(jnp.fft.irfft(spectra, n_phases)[:, :n_ipds], floor)
        by_class = together.reshape(-1, self.n_classes, per_class).sum(axis=-1)
        return jnp.log(by_class) - jnp.log(by_class.sum(axis=-1, keepdims=True))
