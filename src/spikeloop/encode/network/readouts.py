"""Readouts: how each unit reads the features that all share.

Each has parameters with the unit as first axis, and the same four verbs: `begin`, `drive`, `l1`
and `project`. Positions are (y, x), each from -1 at the first row or column of the features to 1
at the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Float, PRNGKeyArray

    from spikeloop.encode.fitted import Parameters

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
"""The blur between levels of a Gaussian pyramid (Burt & Adelson 1983)."""
CENTRAL = 0.2
"""Positions start within this of the centre, as images are most often placed on the fields."""


@dataclass(frozen=True)
class PyramidPoint:
    """Each unit reads one point, found by training, at all levels of a Gaussian pyramid.

    The levels show ever larger surroundings of the same point of the image. The gradient that
    moves a point at a coarse level reaches farther than a pixel (Sinz et al. 2018).
    """

    n_levels: int = 3
    """The features themselves, then blurred and halved again and again."""
    non_negative: bool = True
    """Features may only excite, so that suppression must come out of the core."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.n_levels >= 1, f"n_levels={self.n_levels}: it must be 1 or more.")

    def begin(
        self, key: PRNGKeyArray, n_units: int, n_features: int, map_shape: tuple[int, int]
    ) -> Parameters:
        """Return the parameters before training."""
        smallest = min(map_shape)
        require(
            smallest >= 2 ** (self.n_levels - 1),
            f"features of {map_shape[0]} x {map_shape[1]} cannot be halved {self.n_levels - 1} "
            "times. Lower n_levels, or the pooling of the core.",
        )
        return _begin_point(key, n_units, self.n_levels * n_features, self.non_negative)

    def drive(
        self,
        parameters: Parameters,
        features: Float[Array, "image y x channel"],
        *,
        key: PRNGKeyArray | None,
    ) -> Float[Array, "image unit"]:
        """Return the weighted sum of what stands at the point, at all levels."""
        places_px = _in_pixels(parameters["position"], features)
        seen = [
            _at(level, places_px / 2**depth)
            for depth, level in enumerate(gaussian_pyramid(features, self.n_levels))
        ]
        return jnp.einsum("buc,uc->bu", jnp.concatenate(seen, axis=-1), parameters["features"])

    def l1(self, parameters: Parameters) -> Float[Array, " unit"]:
        """Return the sum of the magnitudes of each unit's weights."""
        return jnp.abs(parameters["features"]).sum(axis=1)

    def project(self, parameters: Parameters) -> Parameters:
        """Return the nearest parameters that are allowed."""
        return _project_point(parameters, self.non_negative)


@dataclass(frozen=True)
class GaussianPoint:
    """Each unit reads one point, drawn from a Gaussian while training (Lurz et al. 2021).

    A new point is drawn for each image, so that the gradient feels the surroundings; the Gaussian
    narrows as its place becomes certain. Predictions are read at its mean.
    """

    start_spread: float = 0.3
    """Standard deviation before training; the image reaches from -1 to 1."""
    non_negative: bool = False
    """Features may only excite."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            self.start_spread > 0, f"start_spread={self.start_spread}: it must be above 0. Try 0.3."
        )

    def begin(
        self, key: PRNGKeyArray, n_units: int, n_features: int, map_shape: tuple[int, int]
    ) -> Parameters:
        """Return the parameters before training."""
        point = _begin_point(key, n_units, n_features, self.non_negative)
        return point | {"spread": jnp.tile(self.start_spread * jnp.eye(2), (n_units, 1, 1))}

    def drive(
        self,
        parameters: Parameters,
        features: Float[Array, "image y x channel"],
        *,
        key: PRNGKeyArray | None,
    ) -> Float[Array, "image unit"]:
        """Return the weighted sum of what stands at the point: drawn where there is a key."""
        position = parameters["position"]
        if key is not None:
            normal = jax.random.normal(key, (len(features), *position.shape))
            moved = jnp.einsum("uij,buj->bui", parameters["spread"], normal)
            position = jnp.clip(position + moved, -1, 1)
        seen = _at(features, _in_pixels(position, features))
        return jnp.einsum("buc,uc->bu", seen, parameters["features"])

    def l1(self, parameters: Parameters) -> Float[Array, " unit"]:
        """Return the sum of the magnitudes of each unit's weights."""
        return jnp.abs(parameters["features"]).sum(axis=1)

    def project(self, parameters: Parameters) -> Parameters:
        """Return the nearest parameters that are allowed."""
        return _project_point(parameters, self.non_negative)


@dataclass(frozen=True)
class Factorized:
    """Each unit weighs places, and channels, alike at all places (Klindt et al. 2017)."""

    rank: int = 1
    """How many pairs of a mask and a vector of channels each unit has."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.rank >= 1, f"rank={self.rank}: it must be 1 or more.")

    def begin(
        self, key: PRNGKeyArray, n_units: int, n_features: int, map_shape: tuple[int, int]
    ) -> Parameters:
        """Return the parameters before training: masks near even, channels near 0."""
        mask_key, feature_key = jax.random.split(key)
        n_places = map_shape[0] * map_shape[1]
        noise = jax.random.normal(mask_key, (n_units, self.rank, *map_shape))
        channels = jax.random.normal(feature_key, (n_units, self.rank, n_features))
        return {
            "mask": (1 + 0.3 * noise) / n_places,
            "features": 0.1 * channels / n_features,
            "bias": jnp.zeros(n_units),
        }

    def drive(
        self,
        parameters: Parameters,
        features: Float[Array, "image y x channel"],
        *,
        key: PRNGKeyArray | None,
    ) -> Float[Array, "image unit"]:
        """Return the sum over places and channels, weighted by both."""
        mask = parameters["mask"]
        n_units, rank = mask.shape[:2]
        flat = features.reshape(len(features), -1, features.shape[-1])
        seen = mask.reshape(n_units * rank, -1) @ flat
        seen = seen.reshape(len(features), n_units, rank, -1)
        return jnp.einsum("burc,urc->bu", seen, parameters["features"])

    def l1(self, parameters: Parameters) -> Float[Array, " unit"]:
        """Return the sum of the magnitudes of each unit's weights, places times channels."""
        masks = jnp.abs(parameters["mask"]).sum(axis=(2, 3))
        return (masks * jnp.abs(parameters["features"]).sum(axis=2)).sum(axis=1)

    def project(self, parameters: Parameters) -> Parameters:
        """Return the parameters: all are allowed."""
        return parameters


Readout = PyramidPoint | GaussianPoint | Factorized


def gaussian_pyramid(
    features: Float[Array, "image y x channel"], n_levels: int
) -> Iterator[Float[Array, "image y x channel"]]:
    """Yield the features, then blurred and halved again and again; edges are repeated.

    Pixel i of a level stands over pixel 2 i of the level before.

    Examples
    --------
    >>> [level.shape[1:3] for level in gaussian_pyramid(jnp.ones((1, 9, 6, 2)), 3)]
    [(9, 6), (5, 3), (3, 2)]
    """
    yield features
    for _ in range(n_levels - 1):
        n, height, width, channels = features.shape
        rows, columns = _halving(height), _halving(width)
        # As products, for the gradient of slices with a stride is slow.
        features = rows @ features.reshape(n, height, width * channels)
        features = columns @ features.reshape(n * len(rows), width, channels)
        features = features.reshape(n, len(rows), len(columns), channels)
        yield features


def _halving(size: int) -> np.ndarray:
    """Return the matrix (half, pixel) that blurs and takes every other pixel; edges repeat."""
    matrix = np.zeros((-(-size // 2), size), dtype=np.float32)
    for row, values in enumerate(matrix):
        for step, weight in zip(range(-2, 3), BINOMIAL, strict=True):
            values[np.clip(2 * row + step, 0, size - 1)] += weight
    return matrix


def _begin_point(key: jax.Array, n_units: int, n_features: int, non_negative: bool) -> dict:
    place_key, feature_key = jax.random.split(key)
    low = 0.0 if non_negative else -1.0
    weights = jax.random.uniform(feature_key, (n_units, n_features), minval=low, maxval=1.0)
    return {
        "position": jax.random.uniform(place_key, (n_units, 2), minval=-CENTRAL, maxval=CENTRAL),
        "features": 0.1 * weights / n_features,
        "bias": jnp.zeros(n_units),
    }


def _project_point(parameters: Parameters, non_negative: bool) -> Parameters:
    projected = dict(parameters) | {"position": jnp.clip(parameters["position"], -1, 1)}
    if non_negative:
        projected["features"] = jnp.maximum(parameters["features"], 0)
    return projected


def _in_pixels(position: jax.Array, features: jax.Array) -> jax.Array:
    height, width = features.shape[1:3]
    return (position + 1) / 2 * jnp.array([height - 1, width - 1])


def _at(features: jax.Array, places_px: jax.Array) -> jax.Array:
    """Return what stands at places (unit, 2) or (image, unit, 2), bilinear between pixels."""
    last = jnp.array(features.shape[1:3]) - 1
    places_px = jnp.clip(places_px, 0, last)
    corner = jnp.clip(jnp.floor(places_px).astype(jnp.int32), 0, jnp.maximum(last - 1, 0))
    part = places_px - corner
    seen = jnp.zeros(())
    for down in (0, 1):
        for right in (0, 1):
            y, x = (
                jnp.minimum(corner[..., a] + step, last[a]) for a, step in ((0, down), (1, right))
            )
            weight = (part[..., 0] if down else 1 - part[..., 0]) * (
                part[..., 1] if right else 1 - part[..., 1]
            )
            # All images look at the same pixels, but where each has places of its own.
            image = slice(None) if y.ndim == 1 else jnp.arange(len(features))[:, None]
            seen = seen + features[image, y, x] * weight[..., None]
    return seen
