"""Draw spikes quickly, and weigh them exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, PRNGKeyArray

LEAST_PROBABILITY = 1e-12
GOLDEN = np.uint32(0x9E3779B9)
"""2^32 over the golden ratio: multiples of it lie far apart."""


def draw_spikes(key: PRNGKeyArray, probability: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return 1 with the given probability, and else 0, all independent."""
    return (quick_uniform(key, probability.shape) < probability).astype(jnp.float32)


def quick_uniform(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Return uniform numbers in [0, 1), multiples of 2^-24.

    Each is a counter that was mixed twice, with another half of the key each time. The generator of
    JAX takes ten times as long, which would be most of what a training costs.

    Source: the constants that mix are those of Wellons, hash-prospector, which were searched for
    the least bias (github.com/skeeto/hash-prospector, public domain).
    """
    first, second = jax.random.key_data(key)[..., -2:].astype(jnp.uint32)
    counter = jnp.arange(math.prod(shape), dtype=jnp.uint32).reshape(shape)
    mixed = _mixed(_mixed(counter * GOLDEN + first) ^ second)
    # Signed, for a CPU has no instruction that turns unsigned numbers into floats.
    return (mixed >> 8).astype(jnp.int32).astype(jnp.float32) * 2.0**-24


def _mixed(words: Int[Array, "..."]) -> Int[Array, "..."]:
    words = (words ^ (words >> 16)) * jnp.uint32(0x21F0AAAD)
    words = (words ^ (words >> 15)) * jnp.uint32(0xD35A2D97)
    return words ^ (words >> 15)


def spike_logits(
    probability: Float[Array, "..."],
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Return by how much a spike is more likely than none, and how likely none is: both as logs.

    The log likelihood of spikes is the sum of the first over spikes, plus the sum of the second.
    """
    probability = jnp.clip(probability, LEAST_PROBABILITY, 1 - 1e-6)
    silence = jnp.log1p(-probability)
    return jnp.log(probability) - silence, silence
