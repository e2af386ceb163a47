"""A linear filter, and a curve from what it says to an expected count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.images.linear import filtered
from spikeloop.encode.images.output_curve import curved, fit_curves, plain
from spikeloop.numerics.ridge import ridge_regression

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class LinearNonlinear:
    """The filters of `Ridge`, each followed by a curve that is learned (LN).

    The curve is fitted to what the filter says of images that it was not fitted to (left out one at
    a time, in closed form), so that it also undoes what regularization shrank.

    Source: Chichilnisky (2001) Network 12:199.
    """

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Regress the mean counts on the pixels, then fit the curves; there is no chance in it."""
        data = training.joined(validation)
        rows = data.pixels.reshape(len(data), -1).astype(np.float64)
        linear = ridge_regression(rows, data.means, data.n_trials.astype(float))
        curves = fit_curves(linear.left_out, data.means, data.n_trials.astype(float))
        filters = linear.weights.T.reshape(-1, *data.pixels.shape[1:])
        parameters = {"filters": filters, "intercept": linear.intercept, **curves}
        return Estimate(plain(parameters), {"penalty": linear.penalty})

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return the curve of each unit at what its filter says."""
        return curved(parameters, filtered(parameters, pixels))
