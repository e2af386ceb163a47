"""Raster order against planted sequences and against a search that tries and adds up everything."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from spikeloop.characterize.raster_order import RasterOrder, order_raster
from spikeloop.numerics.seriation import distance_weights, order_objective, seriate


def waves(n_units, n_passes, seed):
    """Return spike counts of units that fire as waves pass over them, and the units' places."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 1, n_units)
    passes = []
    for speed in rng.uniform(0.01, 0.03, n_passes):
        front = np.arange(-0.3, 1.3 + rng.uniform(0, 1), speed)
        passes.append(np.exp(-((front[:, None] - place) ** 2) / (2 * 0.06**2)))
    return rng.poisson(0.05 + 1.5 * np.concatenate(passes)).astype(float), place


@pytest.mark.parametrize("seed", range(3))
def test_planted_sequence_is_recovered(seed):
    counts, place = waves(n_units=60, n_passes=150, seed=seed)
    raster = order_raster(counts, RasterOrder(), seed=0)
    assert abs(spearmanr(place[raster.order], np.arange(60)).statistic) > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_with_lags_the_sequence_runs_from_leaders_to_followers(seed):
    counts, place = waves(n_units=60, n_passes=150, seed=seed)
    raster = order_raster(counts, RasterOrder(max_lag_bins=12), seed=0)
    assert spearmanr(place[raster.order], np.arange(60)).statistic > 0.99
    backward = order_raster(counts[::-1], RasterOrder(max_lag_bins=12), seed=0)
    assert spearmanr(place[backward.order], np.arange(60)).statistic < -0.99


def search_everything(similarity, order):
    """Make the best of all block moves, each judged by adding up everything, until none gains."""
    n_items = len(order)
    weights = distance_weights(n_items)
    place = np.arange(n_items)
    forward = np.triu(weights[np.abs(place[:, None] - place)], 1)
    moves = []
    for i in range(n_items):
        for j in range(i + 1, n_items + 1):
            for k in range(j, n_items + 1):
                for block in (place[i:j], place[i:j][::-1]):
                    moves.append(np.concatenate((place[:i], place[j:k], block, place[k:])))
    moves = np.array(moves)
    objective = order_objective(similarity, order)
    while True:
        lines = order[moves]
        tried = np.einsum("lab,ab->l", similarity[lines[:, :, None], lines[:, None, :]], forward)
        if tried.max() <= objective + 1e-12:
            return objective
        order, objective = lines[tried.argmax()], tried.max()


@pytest.mark.slow
@pytest.mark.parametrize("max_lag_bins", [0, 8])
def test_as_good_as_a_search_of_every_move_from_many_starts(max_lag_bins):
    counts, _ = waves(n_units=18, n_passes=10, seed=1)
    noisy = counts + np.random.default_rng(2).poisson(1.0, counts.shape)
    raster = order_raster(noisy, RasterOrder(max_lag_bins=max_lag_bins), seed=0)
    similarity = raster.similarity.astype(float)
    np.fill_diagonal(similarity, 0.0)
    rng = np.random.default_rng(3)
    best = max(search_everything(similarity, rng.permutation(18)) for _ in range(12))
    assert raster.objective > 0.99 * best


@pytest.mark.slow
def test_a_thousand_units_in_windows_find_the_planted_line():
    rng = np.random.default_rng(4)
    place = rng.uniform(0, 1, 1000)
    near = np.exp(-np.abs(place[:, None] - place) / 0.05) + 0.2 * rng.normal(size=(1000, 1000))
    line = seriate(near, seed=0)
    assert abs(spearmanr(place[line.order], np.arange(1000)).statistic) > 0.99
    assert line.objective >= order_objective(near, np.argsort(place)) * 0.99
