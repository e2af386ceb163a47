"""A few filters and a function of all of them: a subspace of the stimulus, by maximum likelihood.

The likelihood of such a model is, per spike, about the information between the filtered stimulus
and the spikes, so that its filters approach the maximally informative dimensions (Williamson et al.
2015 show it for a histogram in place of the smooth function).
"""

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
from spikeloop.encode.temporal.series_data import SeriesData
from spikeloop.encode.temporal.subspace_search import Bins, Search, Surface, best_subspace, surface

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class MaximallyInformative(HeardSpikes):
    """Poisson spikes whose rate is a smooth function of a few filtered stimuli.

        expected count = softplus(g(k_1 * stimulus, k_2 * stimulus) + h * past spikes)

    The function g is a sum of radial bumps on a grid, scaled so that they add up to 1 everywhere.
    Filters, g and h are found together by a quasi-Newton method from several starts: the average
    and covariance of the stimulus around spikes, and random directions. What is found is the
    subspace: filters may be turned within it, and their signs have no meaning.

    Source: Williamson, Sahani & Pillow (2015) PLoS Comput. Biol. 11:e1004141.
    """

    n_filters: int = 2
    """How many filters each unit has, 3 at most."""
    stimulus_basis: RaisedCosines = field(default_factory=lambda: RaisedCosines(16, 0.2, 0.03))
    """What the filters are made of."""
    n_centres: int = 7
    """Bumps of g along each filter, from -3 to 3 standard deviations of what it gives."""
    history_basis: RaisedCosines | None = None
    """What the filter of the unit's own past spikes is made of; None for none."""
    roughness: float = 1e-4
    """Penalty on squared second differences of neighbouring bumps, per bin."""
    n_starts: int = 4
    """How many starts are tried, on a share of the bins."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            1 <= self.n_filters <= 3,
            f"n_filters={self.n_filters}: between 1 and 3, as a grid of bumps fills their space.",
        )
        require(self.n_centres >= 3, f"n_centres={self.n_centres}: a function takes 3 or more.")
        require(self.roughness > 0, f"roughness={self.roughness}: it must be above 0.")
        require(self.n_starts >= 1, f"n_starts={self.n_starts}: it must be 1 or more.")

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on."""
        heard = self.history_basis.n_lags(bin_s) if self.history_basis else 0
        return max(self.stimulus_basis.n_lags(bin_s) - 1, heard)

    def fit_series(self, training: SeriesData, validation: SeriesData, *, seed: int) -> Estimate:
        """Search the subspace of each unit; starts are compared on the validation bins."""
        mean, spread = training.moments()
        basis = self.stimulus_basis.matrix(training.bin_s)
        shown = basis_features((training.stimulus - mean) / spread, basis)
        require(
            shown.shape[1] >= self.n_filters,
            f"n_filters={self.n_filters}: the stimulus basis has {shown.shape[1]} functions. "
            "Raise n_bases.",
        )
        centred = shown - shown[training.used].mean(axis=0)
        search = Search(self.n_filters, self.n_centres, self.roughness, self.n_starts)
        found, losses = [], []
        for unit, seeds in enumerate(np.random.SeedSequence(seed).spawn(training.counts.shape[1])):
            heard = self._heard(training, unit)
            bins = [
                Bins(centred[part.used], heard[part.used], part.counts[part.used, unit])
                for part in (training, validation)
            ]
            best, loss = best_subspace(*bins, search, np.random.default_rng(seeds))
            found.append(best)
            losses.append(loss)
        parameters = self._parameters(found, mean, spread, training)
        # The filters act on the stimulus, and the features were centred: the rest is an offset.
        offsets = [shown[training.used].mean(axis=0) @ best.weights for best in found]
        parameters["stimulus.offset"] = jnp.asarray(np.array(offsets), jnp.float32)
        return Estimate(parameters, {"validation_losses": np.array(losses)})

    def _heard(self, data: SeriesData, unit: int) -> Float[np.ndarray, "time basis"]:
        if self.history_basis is None:
            return np.zeros((len(data.counts), 0), np.float32)
        return basis_features(
            delayed(data.counts[:, [unit]]), self.history_basis.matrix(data.bin_s)
        )

    def _parameters(self, found: list[Surface], mean, spread, data: SeriesData) -> dict:
        basis = self.stimulus_basis.matrix(data.bin_s)
        weights = np.array([best.weights for best in found])
        weights = weights.reshape(len(found), len(mean), basis.shape[1], self.n_filters)
        parameters = {
            "stimulus.filter": np.einsum("lb,ufbk->uklf", basis, weights) / spread,
            "stimulus.mean": mean,
            "nonlinearity.values": np.array([best.values for best in found]),
        }
        if self.history_basis is not None:
            heard = np.array([best.heard for best in found])
            basis = self.history_basis.matrix(data.bin_s)
            parameters["history.filter"] = np.einsum("lb,ub->ul", basis, heard)[:, :, None]
        return {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}

    def drive(
        self, parameters: Parameters, stimulus: Float[Array, "time feature"]
    ) -> Float[Array, "time unit"]:
        """Return g of the filtered stimulus."""
        filters = parameters["stimulus.filter"]
        flat = filters.reshape(-1, *filters.shape[2:])
        along = causal_filter(stimulus - parameters["stimulus.mean"], flat)
        along = along.reshape(len(stimulus), *filters.shape[:2]) - parameters["stimulus.offset"]
        values = parameters["nonlinearity.values"]
        return jax.vmap(surface, in_axes=(1, 0), out_axes=1)(along, values)

    def linked(self, drive: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the softplus of the drive."""
        return jax.nn.softplus(drive)
