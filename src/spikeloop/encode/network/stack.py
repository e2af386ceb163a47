"""The core of a network: a stack of convolutions that all units share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.network.convolution import (
    convolve,
    convolve_depthwise,
    convolve_pooled,
    same_padding,
)
from spikeloop.encode.network.gabor_start import gabor_pairs
from spikeloop.encode.network.normalization import TINY, affine, normalized

if TYPE_CHECKING:
    from jaxtyping import Array, Float, PRNGKeyArray

    from spikeloop.encode.fitted import Parameters

NONLINEARITIES = {
    "elu": jax.nn.elu,
    "relu": jax.nn.relu,
    "softplus": jax.nn.softplus,
    "none": lambda values: values,
}
MOMENTS = ("running_mean", "running_variance")
MOMENTUM = 0.9
"""How much of the running mean and variance a step of training keeps."""


@dataclass(frozen=True)
class StackedCore:
    """Convolutions one after the other, zeros around each, so that the size stays.

    The first layer is ``convolution, average pooling, batch norm, nonlinearity``, or the energy of
    pairs of filters; the others ``convolution, batch norm, nonlinearity``.
    """

    channels: tuple[int, ...] = (32, 32, 32)
    """Outputs of each layer."""
    kernel_px: tuple[int, ...] = (9, 5, 5)
    """Side of the kernels of each layer, in pixels of its input."""
    stride: int = 1
    """The first layer is computed at each `stride`-th pixel."""
    pooling: int = 2
    """Outputs of the first layer are averaged over squares of this side; 1: not."""
    first: Literal["linear", "energy"] = "linear"
    """`energy`: the first layer's kernels come in pairs a and b, and give sqrt(a^2 + b^2), divided
    by a learned constant plus the mean of all pairs nearby, as in models of complex cells (Heeger
    1992), then averaged; so half as many channels leave it."""
    separable: bool = False
    """Later layers convolve each channel by itself, and then mix channels pixel by pixel."""
    batch_norm: bool = True
    """Standardize each channel over images and places; where not, layers have biases instead."""
    nonlinearity: Literal["elu", "relu", "softplus", "none"] = "elu"
    """What follows each layer, but not one of energies."""
    start: Literal["random", "gabor"] = "random"
    """What the first kernels are before training: noise, or pairs of Gabor filters."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            len(self.channels) == len(self.kernel_px) > 0
            and min(self.channels) > 0
            and min(self.kernel_px) > 0,
            f"channels={self.channels}, kernel_px={self.kernel_px}: give both for each layer, "
            "1 or more.",
        )
        require(
            min(self.stride, self.pooling) >= 1,
            f"stride={self.stride}, pooling={self.pooling}: both must be 1 or more.",
        )
        require(
            self.channels[0] % 2 == 0 or (self.first == "linear" and self.start == "random"),
            f"channels={self.channels}: filters in pairs want an even number in the first layer. "
            f"Set {self.channels[0] + 1}.",
        )

    @property
    def n_features(self) -> int:
        """How many channels leave the last layer."""
        return self._n_out(len(self.channels) - 1)

    def _n_out(self, layer: int) -> int:
        return self.channels[layer] // (2 if layer == 0 and self.first == "energy" else 1)

    def map_shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the features of images of one size."""
        rows, columns = (-(-size // self.stride) // self.pooling for size in (height, width))
        require(
            min(rows, columns) > 0,
            f"images of {height} x {width} leave nothing after stride={self.stride} and "
            f"pooling={self.pooling}. Lower them.",
        )
        return rows, columns

    def begin(self, key: PRNGKeyArray) -> Parameters:
        """Return the parameters before training."""
        parameters = {}
        n_in = 1
        for layer, (channels, size) in enumerate(zip(self.channels, self.kernel_px, strict=True)):
            key, kernel_key, depth_key = jax.random.split(key, 3)
            name = f"core.{layer}"
            n_out = self._n_out(layer)
            if self.separable and layer > 0:
                shape = (size, size, n_in)
                parameters[f"{name}.depthwise"] = jax.random.normal(depth_key, shape) / size
                size = 1
            shape = (size, size, n_in, channels)
            scale = 1 / math.sqrt(size * size * n_in)
            parameters[f"{name}.kernel"] = scale * jax.random.normal(kernel_key, shape)
            parameters[f"{name}.shift"] = jnp.zeros(n_out)
            if self.batch_norm:
                parameters[f"{name}.gain"] = jnp.ones(n_out)
                parameters[f"{name}.running_mean"] = jnp.zeros(n_out)
                parameters[f"{name}.running_variance"] = jnp.ones(n_out)
            n_in = n_out
        if self.start == "gabor":
            pairs = gabor_pairs(self.kernel_px[0], self.channels[0] // 2)
            kernel = jnp.asarray(pairs.transpose(2, 3, 1, 0))
            parameters["core.0.kernel"] = kernel.reshape(*kernel.shape[:2], 1, -1)
        if self.first == "energy":
            parameters["core.0.log_constant"] = jnp.log(jnp.full(1, 0.5))
        return parameters

    def features(
        self, parameters: Parameters, images: Float[Array, "image y x"], *, training: bool
    ) -> tuple[Float[Array, "image y x channel"], Parameters]:
        """Return the features of standardized images, and what the running means become."""
        activate = NONLINEARITIES[self.nonlinearity]
        running: dict[str, jax.Array] = {}
        values = images[..., None]
        for layer in range(len(self.channels)):
            name = f"core.{layer}"
            part = {
                key.removeprefix(f"{name}."): parameters[key]
                for key in parameters
                if key.startswith(f"{name}.")
            }
            values = self._first(part, values) if layer == 0 else _later(part, values)
            linear = layer > 0 or self.first == "linear"
            after = activate if linear else NONLINEARITIES["none"]
            if self.batch_norm and training:
                values, *moments = normalized(values, part["gain"], part["shift"], after)
                for key, now in zip(MOMENTS, moments, strict=True):
                    running[f"{name}.{key}"] = MOMENTUM * part[key] + (1 - MOMENTUM) * now
            elif self.batch_norm:
                moments = [part[key] for key in MOMENTS]
                factor, offset = affine(*moments, part["gain"], part["shift"])
                values = after(values * factor + offset)
            else:
                values = after(values + part["shift"])
        return values, running

    def _first(self, part: Parameters, images: jax.Array) -> jax.Array:
        if self.first == "linear":
            return convolve_pooled(images, part["kernel"], stride=self.stride, pooling=self.pooling)
        outputs = convolve_pooled(images, part["kernel"], stride=self.stride, pooling=1)
        even, odd = jnp.split(outputs, 2, axis=-1)
        energy = jnp.sqrt(even**2 + odd**2 + TINY)
        nearby = jnp.full((self.kernel_px[0],) * 2 + (1, 1), 1 / self.kernel_px[0] ** 2)
        strength = convolve(energy.mean(-1, keepdims=True), nearby, same_padding(nearby))
        return _pooled(energy / (jnp.exp(part["log_constant"]) + strength), self.pooling)


def _later(part: Parameters, values: jax.Array) -> jax.Array:
    if "depthwise" in part:
        values = convolve_depthwise(values, part["depthwise"])
    return convolve(values, part["kernel"], same_padding(part["kernel"]))


def _pooled(values: jax.Array, side: int) -> jax.Array:
    n, height, width, channels = values.shape
    rows, columns = height // side, width // side
    kept = values[:, : rows * side, : columns * side]
    return kept.reshape(n, rows, side, columns, side, channels).mean(axis=(2, 4))
