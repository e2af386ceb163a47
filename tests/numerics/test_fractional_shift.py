"""A delay by a part of a sample, against the exact one of a band-limited signal."""

import numpy as np
import pytest

from spikeloop.numerics.fractional_shift import HALF_WIDTH, shift_taps


def delayed(signal, fraction):
    """Apply the taps, with the first of them at lag 1 - HALF_WIDTH."""
    full = np.convolve(signal, shift_taps(np.array([fraction]))[0])
    return full[HALF_WIDTH - 1 :][: len(signal)]


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9])
def test_a_spike_is_delayed_as_the_fourier_transform_delays_it(fraction):
    time = np.arange(128.0)
    spike = -np.exp(-0.5 * ((time - 60) / 2.5) ** 2) + 0.4 * np.exp(-0.5 * ((time - 75) / 6) ** 2)
    phase = np.exp(-2j * np.pi * np.fft.rfftfreq(128) * fraction)
    exact = np.fft.irfft(np.fft.rfft(spike) * phase)
    assert np.abs(delayed(spike, fraction) - exact).max() < 2e-3
    assert np.abs(delayed(spike, fraction) - spike).max() > 0.02


@pytest.mark.parametrize("frequency", [0.05, 0.15, 0.3])
def test_a_sinusoid_below_a_third_of_the_rate_keeps_its_amplitude(frequency):
    time = np.arange(200)
    exact = np.sin(2 * np.pi * frequency * (time - 0.5))
    got = delayed(np.sin(2 * np.pi * frequency * time), 0.5)
    assert np.abs(got - exact)[20:-20].max() < 0.01


def test_the_taps_add_up_to_one_and_no_delay_is_no_change():
    taps = shift_taps(np.linspace(0, 1, 11))
    np.testing.assert_allclose(taps.sum(axis=1), 1, rtol=1e-12)
    assert np.count_nonzero(taps[0]) == 1
    signal = np.random.default_rng(0).normal(size=50)
    np.testing.assert_array_equal(delayed(signal, 0.0), signal)
    np.testing.assert_allclose(delayed(signal, 1.0)[1:], signal[:-1], atol=1e-12)
