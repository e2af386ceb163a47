"""Filters for a wanted spectrum."""

import numpy as np

from spikeloop.numerics.colouring import spectrum_filters


def test_the_transfer_function_is_the_square_root_of_the_power():
    frequency = np.linspace(0, 0.5, 513)
    power = np.stack([1 / (1 + (frequency / 0.1) ** 2), 1 + np.cos(2 * np.pi * frequency) / 2])
    taps = spectrum_filters(power, 127)
    got = np.abs(np.fft.rfft(taps, 1024, axis=1)) ** 2
    np.testing.assert_allclose(got, power, rtol=0.02)


def test_the_filters_are_symmetric_and_keep_the_variance():
    frequency = np.linspace(0, 0.5, 257)
    power = np.exp(-((frequency - 0.2) ** 2) / 0.01)[None]
    taps = spectrum_filters(power, 63)
    np.testing.assert_allclose(taps, taps[:, ::-1], atol=1e-12)
    circle = np.r_[power[0], power[0, -2:0:-1]]
    np.testing.assert_allclose((taps**2).sum(), circle.mean(), rtol=1e-12)


def test_no_power_is_silence():
    assert not spectrum_filters(np.zeros((1, 65)), 31).any()
