"""The Poisson neuron fires at its rate, and as if it had no memory."""

import numpy as np
import pytest

from spikeloop.neurons import PoissonNeuron


def test_the_rate_and_its_scatter(run_numba):
    rng, dt_ms = np.random.default_rng(7), 0.5
    uniform = rng.random((20_000, 40))  # 10 s
    current = np.broadcast_to(np.linspace(-20, 60, 40), uniform.shape)
    spikes, _ = run_numba(PoissonNeuron(20.0).neuron(), current, dt_ms, uniform=uniform)
    chance = np.clip(-np.expm1(-(20 + current[0]) * dt_ms / 1000), 0, None)
    counts, expected = spikes.sum(axis=0), chance * len(spikes)
    z = (counts - expected)[1:] / np.sqrt(expected * (1 - chance))[1:]
    assert counts[0] == 0  # no rate
    assert np.abs(z).max() < 4
    assert (z**2).mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 39))


def test_a_rate_below_zero_is_none(run_numba):
    uniform = np.random.default_rng(7).random((10_000, 1))
    spikes, _ = run_numba(PoissonNeuron(5.0).neuron(), np.full((10_000, 1), -50.0), 1.0, 0, uniform)
    assert not spikes.any()


def test_intervals_are_geometric(run_numba):
    uniform = np.random.default_rng(8).random((200_000, 1))
    spikes, _ = run_numba(PoissonNeuron(50.0).neuron(), np.zeros_like(uniform), 1.0, 0, uniform)
    gaps = np.diff(np.flatnonzero(spikes[:, 0]))
    chance = -np.expm1(-0.05)
    assert gaps.mean() == pytest.approx(1 / chance, rel=0.05)
    assert gaps.var() == pytest.approx((1 - chance) / chance**2, rel=0.1)
