"""One linear filter per unit, from the spike-triggered average, and a nonlinearity learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.temporal.filtering import causal_filter
from spikeloop.encode.temporal.poisson_regression import half_spike_drive, poisson_regression
from spikeloop.encode.temporal.series_data import SeriesData, runs
from spikeloop.numerics.triggered import triggered_sums
from spikeloop.numerics.whitening import window_covariance

if TYPE_CHECKING:
    from jaxtyping import Array, Float

LARGEST_COVARIANCE = 2000
"""Rows of the largest covariance of lags x features that is made."""
_RIDGES = tuple(10.0 ** np.arange(-5.0, 2.0))


@dataclass(frozen=True)
class TemporalLinearNonlinear:
    """Poisson spikes whose rate is a function of one filtered stimulus.

        expected count = exp(g(k * stimulus)),  k = (C + ridge m I)^-1 (average - mean)

    The filter k is the spike-triggered average with the stimulus' own correlations undone, C their
    covariance within unbroken stretches and m its mean eigenvalue. The ridge of each unit is the
    one whose filtered stimulus correlates best with its counts in the validation bins. The function
    g runs straight between knots at quantiles of the filtered stimulus, and is constant beyond;
    its values are found by penalized maximum likelihood, which is concave.

    Source: Chichilnisky (2001) Network 12:199.
    """

    window_s: float = 0.2
    """How far back the filter reaches, the bin of the spike included."""
    n_knots: int = 15
    """Of the nonlinearity."""
    roughness: float = 1e-4
    """Penalty on the squared second differences of g between neighbouring knots, per bin."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.window_s > 0, f"window_s={self.window_s}: it must be above 0.")
        require(self.n_knots >= 3, f"n_knots={self.n_knots}: a function takes 3 or more.")
        require(self.roughness > 0, f"roughness={self.roughness}: it must be above 0.")

    @property
    def uses_spikes(self) -> bool:
        """Never: the rate follows the stimulus alone."""
        return False

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on."""
        return max(1, round(self.window_s / bin_s)) - 1

    def fit_series(self, training: SeriesData, validation: SeriesData, *, seed: int) -> Estimate:
        """Find the filters of all units at once, then the nonlinearity of each."""
        mean, spread = training.moments()
        n_lags = self.n_past(training.bin_s) + 1
        n_features = len(mean)
        require(
            n_lags * n_features <= LARGEST_COVARIANCE,
            f"{n_lags} lags x {n_features} features make a covariance of {n_lags * n_features} "
            f"rows: at most {LARGEST_COVARIANCE} are handled. Shorten window_s, or use PoissonGLM.",
        )
        shown = ((training.stimulus - mean) / spread).astype(np.float32)
        filters, ridges = self._filters(shown, training, validation, n_lags)
        projected = np.asarray(jax.jit(causal_filter)(shown, jnp.asarray(filters)))
        learned = training.used | validation.used
        knots, values = self._nonlinearities(projected[learned], training.counts[learned])
        parameters = {
            "stimulus.filter": filters / spread,
            "stimulus.mean": mean,
            "nonlinearity.knots": knots,
            "nonlinearity.values": values,
        }
        parameters = {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}
        return Estimate(parameters, {"ridge": ridges})

    def _filters(self, shown, training, validation, n_lags):
        """Return the filters (unit, lag, feature), of unit variance in training, and the ridges."""
        counts = training.counts * training.used[:, None]
        counts = np.where(training.used[:, None], counts - counts.sum(0) / training.used.sum(), 0)
        average = triggered_sums(shown, counts, 1 - n_lags, n_lags)[0].astype(float)
        average = average.reshape(len(average), -1) / training.used.sum()
        values, vectors = np.linalg.eigh(_pooled_covariance(shown, training.used, n_lags))
        values = np.maximum(values, 0)
        scores = average @ vectors
        filters = np.zeros((len(_RIDGES), *scores.shape))
        for at_ridge, ridge in zip(filters, _RIDGES, strict=True):
            weights = scores / (values + ridge * values.mean())
            spread = np.sqrt((weights**2 * values).sum(axis=1, keepdims=True))
            at_ridge[:] = (weights / np.where(spread > 0, spread, 1)) @ vectors.T
        shape = (-1, n_lags, shown.shape[1])
        projected = jax.jit(causal_filter)(shown, jnp.asarray(filters.reshape(shape), jnp.float32))
        projected = np.asarray(projected)[validation.used].astype(float)
        projected = projected.reshape(len(projected), len(_RIDGES), -1)
        projected = projected - projected.mean(axis=0)
        agreement = np.einsum("tru,tu->ru", projected, validation.counts[validation.used])
        size = np.sqrt((projected**2).sum(axis=0))
        best = np.argmax(agreement / np.where(size > 0, size, 1), axis=0)
        chosen = filters[best, np.arange(len(best))].reshape(shape)
        return chosen, np.array(_RIDGES)[best]

    def _nonlinearities(self, projected, counts):
        """Return the knots and the values of g there, (unit, knot)."""
        shares = np.linspace(0, 1, self.n_knots)
        bend = np.diff(np.eye(self.n_knots), n=2, axis=0)
        # A trace of a pull to zero change keeps knots that no spike reached from falling for ever.
        slope = np.diff(np.eye(self.n_knots), axis=0)
        penalty = self.roughness * (bend.T @ bend + 0.01 * slope.T @ slope)
        knots, values = [], []
        for along, fired in zip(projected.T.astype(float), counts.T.astype(float), strict=True):
            # Towards the tails quantiles lie far apart; every knot keeps bins on both sides.
            at = np.quantile(along, np.clip(np.sin(shares * np.pi / 2) ** 2, 0.001, 0.999))
            flat = np.full(self.n_knots, half_spike_drive(fired.sum(), len(fired), "exp"))
            if fired.any() and np.all(np.diff(at) > 0):
                tents = _tents(along, at)
                flat = poisson_regression(tents, fired, penalty, start=flat)
            else:
                at = np.arange(float(self.n_knots))
            knots.append(at)
            values.append(flat)
        return np.array(knots), np.array(values)

    def expected_counts(
        self,
        parameters: Parameters,
        stimulus: Float[Array, "time feature"],
        counts: Float[Array, "time unit"],
    ) -> Float[Array, "time unit"]:
        """Return exp(g) of each bin; the counts are not looked at."""
        shown = stimulus - parameters["stimulus.mean"]
        along = causal_filter(shown, parameters["stimulus.filter"])
        knots, values = parameters["nonlinearity.knots"], parameters["nonlinearity.values"]
        return jnp.exp(jax.vmap(jnp.interp, in_axes=(1, 0, 0), out_axes=1)(along, knots, values))


def _tents(along: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the weight of each knot in linear interpolation, (time, knot)."""
    return np.stack([np.interp(along, knots, one) for one in np.eye(len(knots))], axis=1)


def _pooled_covariance(shown: np.ndarray, used: np.ndarray, n_lags: int) -> np.ndarray:
    """Return the mean over bins of the windows' covariance within unbroken stretches."""
    size = n_lags * shown.shape[1]
    total = np.zeros((size, size))
    for first, stop in runs(used):
        total += (stop - first) * window_covariance(shown[first - n_lags + 1 : stop], n_lags)
    return total / used.sum()
