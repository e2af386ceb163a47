"""A linear filter, a soft threshold, and Poisson counts, fitted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.linear import filtered
from spikeloop.encode.images.output_curve import plain
from spikeloop.encode.images.poisson_readout import expected, poisson_regression
from spikeloop.numerics.ridge import ridge_regression

if TYPE_CHECKING:
    from jaxtyping import Array, Float

MOST_PATTERNS = 400
"""How many principal components of the images the filters are made of, at most."""


@dataclass(frozen=True)
class LinearNonlinearPoisson:
    """The filter and soft threshold that make Poisson counts most probable (LNP).

    The penalty on a filter starts from that of `Ridge`, and is chosen by the validation images.

    Source: Paninski (2004) Network 15:243.
    """

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Maximize the penalized likelihood; there is no chance in it."""
        data = training.joined(validation)
        rows = data.pixels.reshape(len(data), -1).astype(np.float64)
        n_trials = data.n_trials.astype(float)
        centre = rows.mean(axis=0)
        _, _, patterns = np.linalg.svd(rows - centre, full_matrices=False)
        patterns = patterns[:MOST_PATTERNS]
        features = (rows - centre) @ patterns.T
        scale = features.std()
        features /= scale
        linear = ridge_regression(features, data.means, n_trials)
        precision = linear.absolute_penalty / np.maximum(linear.error, 1e-12)
        precision = np.tile(precision, (features.shape[1], 1))
        found = poisson_regression(features, data.means, n_trials, precision, len(validation))
        filters = found["weights"].T @ patterns / scale
        parameters = {
            "filters": filters.reshape(-1, *data.pixels.shape[1:]),
            "intercept": found["intercept"] - filters @ centre,
            "level": found["level"],
        }
        return Estimate(plain(parameters), {"penalty": found["penalty"][0]})

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return the soft threshold of what the filters say."""
        return expected(filtered(parameters, pixels), parameters["level"])
