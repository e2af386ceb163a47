"""Every score that draws at random refuses draws that cannot be made."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import (
    leave_one_out_oracle_interval,
    r2_er_interval,
    random_trial_oracle,
    signal_p_value,
    split_half_random,
)

REPEATS = np.random.default_rng(0).normal(size=(6, 4, 2))
MEANS = REPEATS.mean(axis=1)

DRAWING = {
    "n_runs": lambda n, seed: random_trial_oracle(REPEATS, n, seed=seed),
    "n_splits": lambda n, seed: split_half_random(REPEATS, n, seed=seed),
    "n_permutations": lambda n, seed: signal_p_value(REPEATS, n, seed=seed),
    "n_draws of r2": lambda n, seed: r2_er_interval(REPEATS, MEANS, n_draws=n, seed=seed),
    "n_draws": lambda n, seed: leave_one_out_oracle_interval(REPEATS, n_draws=n, seed=seed),
}


@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("n", [0, -3, 50.0, np.nan, True, "9"])
def test_numbers_of_draws_are_whole(name, n):
    with pytest.raises(
        InvalidInputError, match=rf"{name.split()[0]}=.*: it must be a whole number"
    ):
        DRAWING[name](n, 0)


@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("seed", [-1, 0.5, np.nan, None, "0", 2**63])
def test_seeds_are_whole(name, seed):
    with pytest.raises(InvalidInputError, match=r"seed=.*: it must be a whole number"):
        DRAWING[name](50, seed)


@pytest.mark.parametrize("score", [leave_one_out_oracle_interval, r2_er_interval])
def test_intervals_have_a_draw_beyond_each_end(score):
    arrays = (REPEATS, MEANS) if score is r2_er_interval else (REPEATS,)
    with pytest.raises(InvalidInputError, match=r"n_draws=18: confidence=0.9 wants at least 19"):
        score(*arrays, n_draws=18, confidence=0.9, seed=0)
    with pytest.raises(InvalidInputError, match=r"confidence=nan: it must lie between 0 and 1"):
        score(*arrays, confidence=np.nan, seed=0)
    low, high = score(*arrays, n_draws=19, confidence=0.9, seed=0)
    assert (low <= high).all()
