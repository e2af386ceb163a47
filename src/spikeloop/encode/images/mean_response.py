"""The model that knows no stimulus: each unit always answers its mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.image_data import ImageData

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class MeanResponse:
    """Predict the mean count over the trials that were learned from: what others must beat."""

    def fit_images(self, training: ImageData, validation: ImageData, *, seed: int) -> Estimate:
        """Take the mean over all trials, of training and of validation."""
        data = training.joined(validation)
        mean = np.average(data.means, axis=0, weights=data.n_trials)
        return Estimate({"mean": jnp.asarray(mean, dtype=jnp.float32)})

    def expected_counts(
        self, parameters: Parameters, pixels: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return the same mean for each image."""
        return jnp.broadcast_to(parameters["mean"], (len(pixels), len(parameters["mean"])))
