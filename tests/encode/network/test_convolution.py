import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from spikeloop.encode.network.convolution import (
    convolve,
    convolve_depthwise,
    convolve_pooled,
    same_padding,
)

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_convolution_is_scipy_correlation_with_zeros_around(side):
    images, kernel = normal(2, 7, 9, 3), normal(side, side, 3, 2)
    found = convolve(images, kernel, same_padding(kernel))
    before, after = (side - 1) // 2, side // 2
    padded = np.pad(images, ((0, 0), (before, after), (before, after), (0, 0)))
    for image in range(2):
        for out in range(2):
            wanted = correlate(padded[image], kernel[..., out], mode="valid")[..., 0]
            np.testing.assert_allclose(found[image, :, :, out], wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "padding"), [(3, ((1, 1), (1, 1))), (4, ((1, 2), (0, 0))), (2, ((0, 0), (0, 1)))]
)
def test_gradient_of_convolution_is_that_of_the_plain_operation(side, padding):
    images, kernel = normal(2, 6, 8, 3), normal(side, side, 3, 4)

    def plain(images, kernel):
        return jax.lax.conv_general_dilated(
            images, kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    wanted, pull_back = jax.vjp(plain, images, kernel)
    slope = normal(*wanted.shape)
    _, own_pull_back = jax.vjp(lambda i, k: convolve(i, k, padding), images, kernel)
    for own, other in zip(own_pull_back(slope), pull_back(slope), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-4)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_depthwise_convolution_treats_each_channel_by_itself(side):
    images, kernel = normal(2, 7, 6, 3), normal(side, side, 3)

    def plain(images, kernel):
        parts = [
            convolve(images[..., c : c + 1], kernel[..., c][..., None, None], same_padding(kernel))
            for c in range(3)
        ]
        return jnp.concatenate(parts, axis=-1)

    wanted, pull_back = jax.vjp(plain, images, kernel)
    found, own_pull_back = jax.vjp(convolve_depthwise, images, kernel)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    slope = normal(*wanted.shape)
    for own, other in zip(own_pull_back(slope), pull_back(slope), strict=True):
        np.testing.assert_allclose(own, other, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "stride", "pooling", "shape"),
    [
        (4, 1, 2, (8, 12)),
        (5, 2, 1, (9, 11)),
        (3, 2, 2, (13, 14)),
        (4, 1, 3, (10, 8)),
        (9, 2, 2, (7, 6)),
    ],
)
def test_pooling_a_convolution_is_averaging_its_outputs(side, stride, pooling, shape):
    images, kernel = normal(2, *shape, 2), normal(side, side, 2, 3)
    full = np.asarray(convolve(images, kernel, same_padding(kernel)))[:, ::stride, ::stride]
    rows, columns = full.shape[1] // pooling, full.shape[2] // pooling
    full = full[:, : rows * pooling, : columns * pooling]
    wanted = full.reshape(2, rows, pooling, columns, pooling, 3).mean(axis=(2, 4))
    found = convolve_pooled(images, kernel, stride=stride, pooling=pooling)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
