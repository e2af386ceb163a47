"""Causal filters of stimuli and of past spikes, and the bases that keep them smooth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class RaisedCosines:
    """Bumps over the lags, narrow for recent ones and wider for older ones (Pillow et al. 2008).

    With l the lag in seconds, counted from the newest bin that the filter sees,

        b_j(l) = (1 + cos(clip((log(l + c) - phi_j) pi / (2 d), -pi, pi))) / 2

    where the centres phi_j stand d apart, from log(c) to the log of the last lag.
    """

    n_bases: int = 10
    """How many bumps."""
    span_s: float = 0.2
    """From the newest to the oldest bin, in seconds."""
    spacing_s: float = 0.02
    """The c in the logarithm: lags below are spaced evenly, those far above by their ratios."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.n_bases >= 2, f"n_bases={self.n_bases}: a filter takes 2 or more bumps.")
        require(
            self.span_s > 0 and self.spacing_s > 0,
            f"span_s={self.span_s}, spacing_s={self.spacing_s}: both must be above 0.",
        )

    def n_lags(self, bin_s: float) -> int:
        """Return how many bins the bumps cover."""
        return max(1, round(self.span_s / bin_s))

    def matrix(self, bin_s: float) -> Float[np.ndarray, "lag basis"]:
        """Return the bumps, oldest lag first, each scaled to a length of 1.

        Where a bin is so long that bumps hold no lag, fewer are given.

        Examples
        --------
        >>> bumps = RaisedCosines(n_bases=3, span_s=0.1, spacing_s=0.02).matrix(0.02)
        >>> bumps.shape, bumps.argmax(axis=0).tolist()
        ((5, 3), [4, 3, 0])
        """
        lag_s = np.arange(self.n_lags(bin_s)) * bin_s
        warped = np.log(lag_s + self.spacing_s)
        centres = np.linspace(warped[0], warped[-1], self.n_bases)
        apart = max(centres[1] - centres[0], 1e-9)
        phase = np.clip((warped[:, None] - centres) * np.pi / (2 * apart), -np.pi, np.pi)
        bumps = ((1 + np.cos(phase)) / 2)[::-1]
        bumps = bumps[:, bumps.max(axis=0) > 1e-6]
        return bumps / np.linalg.norm(bumps, axis=0)


def basis_features(
    signal: Float[np.ndarray, "time channel"], basis: Float[np.ndarray, "lag basis"]
) -> Float[np.ndarray, "time channel*basis"]:
    """Return each channel filtered with each basis function, channel-major, as float32.

    Row t sums basis[j] signal[t - n_lags + 1 + j]; before the signal there is zero.

    >>> basis_features(np.array([[1.0], [0.0], [2.0]]), np.array([[0.5], [1.0]]))[:, 0].tolist()
    [1.0, 0.5, 2.0]
    """
    from scipy.signal import oaconvolve

    features = [
        oaconvolve(channel[:, None].astype(float), basis[::-1], axes=0)[: len(signal)]
        for channel in signal.T
    ]
    return np.concatenate(features, axis=1).astype(np.float32)


def delayed(counts: Float[np.ndarray, "time unit"]) -> Float[np.ndarray, "time unit"]:
    """Return the counts one bin later: what is known when a bin begins."""
    return np.concatenate([np.zeros_like(counts[:1]), counts[:-1]])


def causal_filter(
    signal: Float[Array, "time channel"], filters: Float[Array, "unit lag channel"]
) -> Float[Array, "time unit"]:
    """Return sum over lags and channels of filters[u, j, c] signal[t - n_lags + 1 + j, c].

    The last lag is the bin itself; before the signal there is zero.

    >>> causal_filter(jnp.array([[1.0], [0.0], [2.0]]), jnp.array([[[0.5], [1.0]]]))[:, 0].tolist()
    [1.0, 0.5, 2.0]
    """
    return lax.conv_general_dilated(
        signal[None],
        filters.transpose(1, 2, 0),
        window_strides=(1,),
        padding=[(filters.shape[1] - 1, 0)],
        dimension_numbers=("NWC", "WIO", "NWC"),
    )[0]


def history_drive(
    counts: Float[Array, "time unit"], filters: Float[Array, "unit lag source"]
) -> Float[Array, "time unit"]:
    """Return what the spikes before each bin add to the drive of each unit.

    `filters` has one source where each unit hears itself alone, and as many as there are units
    where each hears all. The last lag is the bin before.
    """
    n_units, _, n_sources = filters.shape
    before = jnp.concatenate([jnp.zeros_like(counts[:1]), counts[:-1]])
    if n_sources == n_units:
        return causal_filter(before, filters)
    # A unit at a time: XLA is slow on convolutions in groups.
    own = lax.map(lambda pair: causal_filter(pair[0][:, None], pair[1][None]), (before.T, filters))
    return own[:, :, 0].T


def history_step(
    past: Float[Array, "lag unit"], filters: Float[Array, "unit lag source"]
) -> Float[Array, " unit"]:
    """Return `history_drive` of the bin that follows `past`."""
    if filters.shape[2] == past.shape[1]:
        return jnp.einsum("ls,uls->u", past, filters)
    return jnp.einsum("lu,ul->u", past, filters[:, :, 0])


def moved_on(past: jax.Array, newest: jax.Array) -> jax.Array:
    """Return the past of the next bin: the oldest row dropped, the newest added."""
    return jnp.concatenate([past[1:], newest[None]])
