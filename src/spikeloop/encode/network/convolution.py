"""Convolutions that train fast on a CPU as well as on a GPU.

XLA runs a convolution on a CPU through a fast matrix product only where it is written in one way:
images (image, y, x, channel), kernels (y, x, channel, out), nothing reversed. What it derives as a
gradient is written in other ways, and inside a loop takes 25 to 50 times as long; grouped
convolutions are slow everywhere. So gradients are written by hand here, each as one more
convolution of the good kind, and depthwise convolutions as shifted products.

As everywhere in this field, "convolution" is a correlation: the kernel is not flipped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float

IMAGES_AT_ONCE = 8
"""How many images a CPU sums the gradient of a kernel over at a time: their patches fit its cache,
which makes it twice as fast as all at once."""

_Padding = tuple[tuple[int, int], tuple[int, int]]
"""Zeros before and after, along y and along x."""


def same_padding(kernel: Float[Array, "y x ..."]) -> _Padding:
    """Return the zeros that keep the size; an even kernel has the odd one behind."""
    return tuple(((size - 1) // 2, size // 2) for size in kernel.shape[:2])


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(
    images: Float[Array, "image y x channel"],
    kernel: Float[Array, "ky kx channel out"],
    padding: _Padding,
) -> Float[Array, "image y x out"]:
    """Correlate images with kernels, after zeros are put around them.

    Examples
    --------
    >>> images = jnp.arange(4.0).reshape(1, 1, 4, 1)
    >>> convolve(images, jnp.ones((1, 2, 1, 1)), ((0, 0), (0, 0)))[0, 0, :, 0].tolist()
    [1.0, 3.0, 5.0]
    """
    return jax.lax.conv_general_dilated(
        images, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _convolve_forward(images: jax.Array, kernel: jax.Array, padding: _Padding) -> tuple:
    return convolve(images, kernel, padding), (images, kernel)


def _convolve_backward(padding: _Padding, kept: tuple, slope: jax.Array) -> tuple:
    images, kernel = kept
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    around = tuple(
        (size - 1 - before, size - 1 - after)
        for size, (before, after) in zip(kernel.shape[:2], padding, strict=True)
    )
    return convolve(slope, turned, around), _slope_of_kernel(images, slope, padding)


def _slope_of_kernel(images: jax.Array, slope: jax.Array, padding: _Padding) -> jax.Array:
    """Return the gradient of the kernel, given that of the output."""

    def of_some(images: jax.Array, slope: jax.Array) -> jax.Array:
        # The slope is the kernel that the images meet; images and channels change places.
        found = convolve(images.transpose(3, 1, 2, 0), slope.transpose(1, 2, 0, 3), padding)
        return found.transpose(1, 2, 0, 3)

    if jax.default_backend() != "cpu" or len(images) <= IMAGES_AT_ONCE:
        return of_some(images, slope)
    missing = -len(images) % IMAGES_AT_ONCE
    parts = [
        jnp.pad(values, ((0, missing), (0, 0), (0, 0), (0, 0))).reshape(
            -1, IMAGES_AT_ONCE, *values.shape[1:]
        )
        for values in (images, slope)
    ]
    start = jnp.zeros_like(of_some(*(part[0] for part in parts)))
    return jax.lax.scan(lambda total, part: (total + of_some(*part), None), start, parts)[0]


convolve.defvjp(_convolve_forward, _convolve_backward)


def convolve_pooled(
    images: Float[Array, "image y x channel"],
    kernel: Float[Array, "ky kx channel out"],
    *,
    stride: int,
    pooling: int,
) -> Float[Array, "image y x out"]:
    """Convolve at each `stride`-th pixel, size kept, then average squares of `pooling` outputs.

    The average of a convolution is the convolution with an averaged kernel, so what would be
    averaged away is never computed. Rows and columns that fill no square are left out.
    """
    before = [(size - 1) // 2 for size in kernel.shape[:2]]
    wide = _averaged(kernel, stride, pooling)
    step = stride * pooling
    if step == 1:
        return convolve(images, wide, same_padding(kernel))
    n_out = [_n_strided(size, stride) // pooling for size in images.shape[1:3]]
    blocks = [-(-size // step) for size in wide.shape[:2]]
    wide = jnp.pad(
        wide,
        [(0, n * step - size) for n, size in zip(blocks, wide.shape, strict=False)] + [(0, 0)] * 2,
    )
    wanted = [(out + n - 1) * step for out, n in zip(n_out, blocks, strict=True)]
    images = images[:, : wanted[0] - before[0], : wanted[1] - before[1]]
    edges = [
        (first, length - first - size)
        for first, length, size in zip(before, wanted, images.shape[1:3], strict=True)
    ]
    images = jnp.pad(images, [(0, 0), *edges, (0, 0)])
    return convolve(_folded(images, step), _folded(wide[None], step)[0], ((0, 0), (0, 0)))


def _n_strided(size: int, stride: int) -> int:
    return -(-size // stride)


def _averaged(kernel: jax.Array, stride: int, pooling: int) -> jax.Array:
    """Return the kernel averaged over the shifts of the outputs that are pooled."""
    for axis in (0, 1):
        reach = stride * (pooling - 1)
        shifted = [
            jnp.pad(kernel, [(i, reach - i) if a == axis else (0, 0) for a in range(kernel.ndim)])
            for i in range(0, reach + 1, stride)
        ]
        kernel = sum(shifted) / pooling
    return kernel


def _folded(images: jax.Array, step: int) -> jax.Array:
    """Move each square of `step` x `step` pixels, or places of a kernel, into the channels."""
    n, height, width, *rest = images.shape
    folded = images.reshape(n, height // step, step, width // step, step, *rest)
    folded = jnp.moveaxis(folded, (2, 4), (3, 4))
    return folded.reshape(n, height // step, width // step, step * step * rest[0], *rest[1:])


@jax.custom_vjp
def convolve_depthwise(
    images: Float[Array, "image y x channel"], kernel: Float[Array, "ky kx channel"]
) -> Float[Array, "image y x channel"]:
    """Correlate each channel with its own kernel, zeros around it, so that the size stays."""
    return sum(
        shifted * kernel[i, j] for (i, j), shifted in _shifts(images, kernel, same_padding(kernel))
    )


def _shifts(images: jax.Array, kernel: jax.Array, padding: _Padding):
    """Yield each place in the kernel, and the images shifted to it."""
    height, width = images.shape[1:3]
    padded = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            yield (i, j), padded[:, i : i + height, j : j + width]


def _depthwise_forward(images: jax.Array, kernel: jax.Array) -> tuple:
    return convolve_depthwise(images, kernel), (images, kernel)


def _depthwise_backward(kept: tuple, slope: jax.Array) -> tuple:
    images, kernel = kept
    padding = same_padding(kernel)
    behind = tuple((after, before) for before, after in padding)
    by_images = sum(
        shifted * kernel[-1 - i, -1 - j] for (i, j), shifted in _shifts(slope, kernel, behind)
    )
    by_kernel = [
        (shifted * slope).sum(axis=(0, 1, 2)) for _, shifted in _shifts(images, kernel, padding)
    ]
    return by_images, jnp.stack(by_kernel).reshape(kernel.shape)


convolve_depthwise.defvjp(_depthwise_forward, _depthwise_backward)
