"""The Poisson generalized linear model: filters of the stimulus and of past spikes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.temporal.filtering import (
    RaisedCosines,
    basis_features,
    causal_filter,
    delayed,
)
from spikeloop.encode.temporal.heard_spikes import HeardSpikes
from spikeloop.encode.temporal.poisson_regression import (
    LINKS,
    half_spike_drive,
    mean_loss,
    poisson_regression,
)
from spikeloop.encode.temporal.series_data import SeriesData

if TYPE_CHECKING:
    from jaxtyping import Array, Float

LARGEST_QUADRATIC = 30
"""Filtered stimuli whose products are taken: 465 of them."""


@dataclass(frozen=True)
class PoissonGLM(HeardSpikes):
    """Poisson spikes whose rate follows the stimulus and the spikes before.

        expected count = f(b + k * stimulus + h * past spikes)

    The filters k and h are sums of raised cosines. With a `quadratic_basis`, x' Q x is added, where
    x is the stimulus filtered with each function of that basis: for units that adapt, saturate, or
    answer both signs of a pattern. The penalized likelihood is concave in all weights, so there is
    one answer, whatever the start.

    Source: Truccolo et al. (2005) J. Neurophysiol. 93:1074; Pillow et al. (2008) Nature 454:995;
    Park, Archer, Priebe & Pillow (2013) NeurIPS 26, for the quadratic drive.
    """

    stimulus_basis: RaisedCosines = field(default_factory=lambda: RaisedCosines(16, 0.2, 0.03))
    """What the stimulus filter is made of."""
    history_basis: RaisedCosines | None = field(
        default_factory=lambda: RaisedCosines(14, 0.3, 0.002)
    )
    """What the filter of past spikes is made of; None for a rate that knows no spikes."""
    quadratic_basis: RaisedCosines | None = None
    """What the products of filtered stimuli are made of; None for a linear drive."""
    coupled: bool = False
    """Whether each unit hears the past spikes of all units, or of itself alone."""
    link: str = "softplus"
    """What turns the drive into an expected count: softplus, or exp. With exp a history that
    excites may feed on itself without bound when the model is simulated."""
    penalties: tuple[float, ...] = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    """Squared weights are penalized by one of these, per bin, for a stimulus of SD 1; each unit has
    the one that predicts its validation bins best."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.link in LINKS, f"link={self.link!r}: it must be one of {', '.join(LINKS)}.")
        require_penalties(self.penalties)
        require(
            self.history_basis is not None or not self.coupled,
            "coupled=True without a history_basis: couplings are filters of past spikes. Give one.",
        )

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on."""
        heard = self.history_basis.n_lags(bin_s) if self.history_basis else 0
        bases = [basis for basis in (self.stimulus_basis, self.quadratic_basis) if basis]
        return max(heard, *(basis.n_lags(bin_s) - 1 for basis in bases))

    def fit_series(self, training: SeriesData, validation: SeriesData, *, seed: int) -> Estimate:
        """Solve for each unit and penalty, keep the best penalty, and solve again on all bins."""
        mean, spread = training.moments()
        basis = self.stimulus_basis.matrix(training.bin_s)
        scaled = (training.stimulus - mean) / spread
        shown = basis_features(scaled, basis)
        products, scales = self._products(scaled, training)
        heard = self._heard(training)
        n_spikes, n_units = training.n_spikes, training.counts.shape[1]
        weights, penalties, losses = [], np.full(n_units, np.nan), np.full(n_units, np.nan)
        for unit in range(n_units):
            design = [np.ones_like(shown[:, :1]), shown, products, heard(unit)]
            design = np.concatenate(design, axis=1)
            if n_spikes[unit] == 0:
                drive = half_spike_drive(0, int(training.used.sum()), self.link)
                weights.append(np.r_[drive, np.zeros(design.shape[1] - 1)])
                continue
            best, penalties[unit], losses[unit] = regression_by_validation(
                design, (training, validation), unit, self.penalties, self.link
            )
            weights.append(best)
        parameters = self._parameters(np.array(weights), mean, spread, training)
        parameters |= self._quadratic_parameters(np.array(weights), spread, scales, training)
        parameters = {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}
        return Estimate(parameters, {"penalty": penalties, "validation_loss": losses})

    def _heard(self, data: SeriesData):
        """Return a function that gives the history columns of a unit."""
        if self.history_basis is None:
            return lambda unit: np.zeros((len(data.counts), 0), np.float32)
        before = delayed(data.counts)
        basis = self.history_basis.matrix(data.bin_s)
        if self.coupled:
            everyone = basis_features(before, basis)
            return lambda unit: everyone
        return lambda unit: basis_features(before[:, [unit]], basis)

    def _parameters(self, weights, mean, spread, data: SeriesData) -> Parameters:
        """Turn weights of basis functions into filters over lags."""
        basis = self.stimulus_basis.matrix(data.bin_s)
        n_shown = basis.shape[1] * len(mean)
        shown = weights[:, 1 : 1 + n_shown].reshape(len(weights), len(mean), -1)
        parameters = {
            "bias": weights[:, 0],
            "stimulus.filter": np.einsum("lb,ufb->ulf", basis, shown) / spread,
            "stimulus.mean": mean,
        }
        if self.history_basis is not None:
            basis = self.history_basis.matrix(data.bin_s)
            n_heard = basis.shape[1] * (len(weights) if self.coupled else 1)
            heard = weights[:, -n_heard:].reshape(len(weights), -1, basis.shape[1])
            parameters["history.filter"] = np.einsum("lb,usb->uls", basis, heard)
        return parameters

    def _products(self, scaled: np.ndarray, data: SeriesData):
        """Return products of features, each of unit variance, and by what they were divided."""
        if self.quadratic_basis is None:
            return np.zeros((len(scaled), 0), np.float32), np.zeros(0)
        features = basis_features(scaled, self.quadratic_basis.matrix(data.bin_s))
        n_features = features.shape[1]
        require(
            n_features <= LARGEST_QUADRATIC,
            f"quadratic_basis: {n_features} filtered stimuli have "
            f"{n_features * (n_features + 1) // 2} products. At most {LARGEST_QUADRATIC} are "
            "handled: lower its n_bases, or give the stimulus fewer features.",
        )
        first, second = np.triu_indices(n_features)
        products = features[:, first] * features[:, second]
        scales = products[data.used].std(axis=0, dtype=float)
        scales[scales == 0] = 1.0
        return products / scales.astype(np.float32), scales

    def _quadratic_parameters(self, weights, spread, scales, data: SeriesData) -> dict:
        """Return the filters whose outputs are multiplied, and the weights of their products."""
        if self.quadratic_basis is None:
            return {}
        basis = self.quadratic_basis.matrix(data.bin_s)
        n_features, (n_lags, n_bases) = len(spread), basis.shape
        filters = np.zeros((n_features, n_bases, n_lags, n_features))
        for feature in range(n_features):
            filters[feature, :, :, feature] = basis.T / spread[feature]
        before = 1 + n_features * self.stimulus_basis.matrix(data.bin_s).shape[1]
        size = n_features * n_bases
        matrix = np.zeros((len(weights), size, size))
        matrix[:, *np.triu_indices(size)] = weights[:, before : before + len(scales)] / scales
        return {
            "quadratic.filters": filters.reshape(size, n_lags, n_features),
            "quadratic.matrix": (matrix + matrix.transpose(0, 2, 1)) / 2,
        }

    def drive(
        self, parameters: Parameters, stimulus: Float[Array, "time feature"]
    ) -> Float[Array, "time unit"]:
        """Return the bias, the filtered stimulus, and products of filtered stimuli if wanted."""
        shown = stimulus - parameters["stimulus.mean"]
        drive = parameters["bias"] + causal_filter(shown, parameters["stimulus.filter"])
        if self.quadratic_basis is not None:
            along = causal_filter(shown, parameters["quadratic.filters"])
            drive += jnp.einsum("ti,uij,tj->tu", along, parameters["quadratic.matrix"], along)
        return drive

    def linked(self, drive: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return f of the drive."""
        return jnp.exp(drive) if self.link == "exp" else jax.nn.softplus(drive)


def require_penalties(penalties: tuple[float, ...]) -> None:
    """Refuse penalties that do not hold weights back."""
    require(
        len(penalties) > 0 and min(penalties) > 0,
        f"penalties={penalties}: give one or more, all above 0.",
    )


def regression_by_validation(
    design: Float[np.ndarray, "time column"],
    parts: tuple[SeriesData, SeriesData],
    unit: int,
    penalties: tuple[float, ...],
    link: str,
) -> tuple[Float[np.ndarray, " column"], float, float]:
    """Return the weights of one unit, the penalty chosen, and its loss on the validation bins.

    The first column, of ones, is not penalized. Penalties go from strong to weak, each starting
    where the one before ended; with the best, the weights are found again on all bins.
    """
    (rows, counts), (held_rows, held_counts) = (
        (design[part.used], part.counts[part.used, unit].astype(float)) for part in parts
    )
    penalized = np.diag(np.r_[0.0, np.ones(design.shape[1] - 1)])
    weights = np.zeros(design.shape[1])
    weights[0] = half_spike_drive(counts.sum(), len(counts), link)
    best = None
    for penalty in sorted(penalties, reverse=True):
        weights = poisson_regression(rows, counts, penalty * penalized, start=weights, link=link)
        loss = mean_loss(held_rows, held_counts, weights, link)
        if best is None or loss < best[2]:
            best = weights, penalty, loss
    weights, penalty, loss = best
    every_row = np.concatenate([rows, held_rows])
    every_count = np.concatenate([counts, held_counts])
    weights = poisson_regression(
        every_row, every_count, penalty * penalized, start=weights, link=link
    )
    return weights, penalty, loss


def quadratic_glm() -> PoissonGLM:
    """Return a GLM whose drive also has products of the stimulus at two lags (Park et al. 2013).

    It describes units that saturate, or answer both signs of a pattern, and stays convex.
    """
    return PoissonGLM(quadratic_basis=RaisedCosines(8, 0.12, 0.03))
