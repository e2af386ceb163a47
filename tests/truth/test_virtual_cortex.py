"""The virtual cortex against what is known of it: filters come back, and ceilings are reached."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop.data import Responses
from spikeloop.evaluate.recovery import (
    filter_correlation,
    orientation_error,
    preferred_orientation,
    subspace_overlap,
)
from spikeloop.numerics.binning import count_in_windows
from spikeloop.simulate import VirtualCortex, simulate_cortex

pytestmark = pytest.mark.slow


def responses_of(simulated):
    spikes, trials = simulated.experiment.spikes, simulated.experiment.trials
    start_s, stop_s = simulated.truth.window_s
    edges = (trials.onset_s + start_s, trials.onset_s + stop_s)
    counts = count_in_windows(spikes.times_s, spikes.unit_index, spikes.n_units, *edges)
    return Responses(counts, (start_s, stop_s), trials, spikes.unit_ids)


def test_white_noise_gives_the_filters_of_simple_cells_back():
    truth = simulate_cortex(replace(VirtualCortex(), n_images=2, n_repeats=1), seed=0).truth
    simple = truth.cell_type == "simple"
    rng = np.random.default_rng(1)
    by_rates, by_counts = 0.0, 0.0
    for _ in range(8):
        noise = rng.standard_normal((4000, 20, 20))
        rates = truth.model.rates(0.5 + 0.5 * noise)[:, simple]
        by_rates = by_rates + np.tensordot(rates - rates.mean(axis=0), noise, axes=(0, 0))
        by_counts = by_counts + np.tensordot(rng.poisson(rates * 0.25), noise, axes=(0, 0))
    assert filter_correlation(by_rates, truth.filters[simple, 0]).min() > 0.97
    assert np.median(filter_correlation(by_counts, truth.filters[simple, 0])) > 0.95


def test_white_noise_gives_the_quadrature_pair_of_complex_cells_back():
    truth = simulate_cortex(replace(VirtualCortex(), n_images=2, n_repeats=1), seed=0).truth
    complex_cells = np.flatnonzero(truth.cell_type == "complex")[:4]
    rng = np.random.default_rng(1)
    pixels = rng.standard_normal((20_000, 400))
    rates = truth.model.rates(0.5 + 0.5 * pixels.reshape(-1, 20, 20))[:, complex_cells]
    for unit, rate in zip(complex_cells, rates.T, strict=True):
        covariance = (pixels * (rate / rate.mean() - 1)[:, None]).T @ pixels
        pair = np.linalg.eigh(covariance)[1][:, -2:].T.reshape(1, 2, 20, 20)
        assert subspace_overlap(pair, truth.filters[[unit]])[0] > 0.9


@pytest.mark.parametrize("noise", [{}, {"shared_gain_variance": 0, "private_gain_variance": 0}])
def test_means_of_repeats_reach_the_ceiling_and_no_more(noise):
    simulated = simulate_cortex(VirtualCortex(**noise), seed=4)
    truth, responses = simulated.truth, responses_of(simulated)
    rates = truth.rates_hz[np.argsort(truth.image_ids)]
    responsive = truth.cell_type != "unresponsive"
    reached = np.array(
        [
            np.corrcoef(mean, rate)[0, 1]
            for mean, rate in zip(responses.mean().T[responsive], rates.T[responsive], strict=True)
        ]
    )
    gap = reached - truth.noise_ceiling(5)[responsive]
    assert abs(gap.mean()) < 0.005
    assert np.abs(gap).max() < 0.06


def test_sample_variances_agree_with_the_true_ones():
    simulated = simulate_cortex(VirtualCortex(), seed=4)
    truth, repeats = simulated.truth, responses_of(simulated).repeats()
    noise = repeats.var(axis=1, ddof=1).mean(axis=0)
    signal = repeats.mean(axis=1).var(axis=0, ddof=1) - noise / 5
    responsive = truth.cell_type != "unresponsive"
    assert np.median(noise / truth.noise_variance) == pytest.approx(1.0, abs=0.02)
    ratio = (signal / truth.signal_variance)[responsive]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.03)


def test_natural_images_give_the_simple_cells_of_the_default_back():
    simulated = simulate_cortex(VirtualCortex(), seed=0)
    truth, responses = simulated.truth, responses_of(simulated)
    simple = truth.cell_type == "simple"
    pixels = simulated.experiment.images.of_ids(responses.stimulus_ids).reshape(1180, -1)
    x = pixels - pixels.mean(axis=0)
    y = responses.mean()[:, simple]
    covariance = x.T @ x / len(x)
    ridge = 0.03 * np.linalg.eigvalsh(covariance)[-1] * np.eye(400)
    estimate = np.linalg.solve(covariance + ridge, x.T @ (y - y.mean(axis=0)) / len(x))
    filters = estimate.T.reshape(-1, 20, 20)
    assert np.median(filter_correlation(filters, truth.filters[simple, 0])) > 0.8
    error = orientation_error(preferred_orientation(filters), truth.gabors.orientation_deg[simple])
    assert np.median(error) < 5.0


def test_units_share_the_noise_that_the_shared_gain_says():
    method = replace(VirtualCortex(), shared_gain_variance=0.2, private_gain_variance=0.0)
    simulated = simulate_cortex(method, seed=4)
    truth, repeats = simulated.truth, responses_of(simulated).repeats()
    residual = repeats - repeats.mean(axis=1, keepdims=True)
    flat = residual.reshape(-1, residual.shape[2])
    covariance = flat.T @ flat / (len(flat) * 4 / 5)
    expected = truth.rates_hz * 0.25
    wanted = 0.2 * expected.T @ expected / len(expected)
    upper = np.triu_indices(len(wanted), 1)
    slope = np.sum(covariance[upper] * wanted[upper]) / np.sum(wanted[upper] ** 2)
    assert slope == pytest.approx(1.0, abs=0.1)
