"""Random tables made block by block."""

from itertools import pairwise

import numpy as np
from scipy import stats

from spikeloop.numerics.block_noise import block_rng, normal_block


def test_blocks_join_to_one_table():
    shape, n_before = (3, 40), 7
    blocks = [normal_block(5, 2, b, shape, n_before) for b in range(4)]
    for before, after in pairwise(blocks):
        np.testing.assert_array_equal(after[:, :n_before], before[:, -n_before:])
    alone = normal_block(5, 2, 3, shape, n_before)
    np.testing.assert_array_equal(alone, blocks[3])


def test_the_table_is_normal_and_its_rows_and_blocks_are_independent():
    table = np.concatenate([normal_block(1, 0, b, (2, 5000), 100)[:, 100:] for b in range(4)], 1)
    assert stats.kstest(table.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(table)[0, 1]) < 4 / np.sqrt(table.shape[1])
    assert abs(np.corrcoef(table[0, :5000], table[0, 5000:10000])[0, 1]) < 4 / np.sqrt(5000)


def test_seeds_and_purposes_have_nothing_in_common():
    draws = {float(block_rng(seed, what, 0).random()) for seed in range(5) for what in range(5)}
    assert len(draws) == 25
