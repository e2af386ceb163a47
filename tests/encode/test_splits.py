"""Splits by the identity of stimuli, and of observed time."""

from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from spikeloop.data import Epochs, Images
from spikeloop.encode import StimulusSplit, TimeSplit, alike, split_stimuli, split_time
from spikeloop.errors import InvalidInputError

PARTS = ("training_ids", "validation_ids", "test_ids")


@pytest.mark.parametrize("n", [20, 121, 640, 1200])
def test_the_split_is_the_published_one(n):
    """Test: the first sixth of a permutation; validation: up to a quarter; training: the rest."""
    order = np.random.default_rng(0).permutation(n)
    split = split_stimuli(np.arange(n), seed=0)
    np.testing.assert_array_equal(split.test_ids, np.sort(order[: n // 6]))
    np.testing.assert_array_equal(split.validation_ids, np.sort(order[n // 6 : n // 4]))
    np.testing.assert_array_equal(split.training_ids, np.sort(order[n // 4 :]))


@given(
    ids=st.lists(st.integers(0, 10**6), min_size=1, max_size=60, unique=True),
    fractions=st.tuples(st.floats(0, 0.5), st.floats(0, 0.49)),
    n_groups=st.integers(1, 30),
    seed=st.integers(0, 2**31),
)
def test_each_stimulus_falls_on_one_side_and_groups_are_never_parted(
    ids, fractions, n_groups, seed
):
    groups = np.array([identity % n_groups for identity in ids])
    n_found, shares = len(set(groups.tolist())), np.cumsum(fractions[::-1])
    n_test, n_held = (int(n_found * share + 1e-9) for share in shares)
    split = partial(
        split_stimuli,
        ids,
        validation_fraction=fractions[0],
        test_fraction=fractions[1],
        groups=groups,
        seed=seed,
    )
    if (fractions[0] > 0 and n_held == n_test) or (fractions[1] > 0 and n_test == 0):
        with pytest.raises(InvalidInputError, match="groups are too few to hold out"):
            split()
        return
    parts = [getattr(split(), name) for name in PARTS]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.sort(ids))
    sides = [set(part % n_groups) for part in parts]
    assert sum(map(len, sides)) == n_found
    assert (len(sides[1]), len(sides[2])) == (n_held - n_test, n_test)


def test_the_order_of_ids_decides_nothing_but_the_seed_does():
    ids = np.arange(100, 220)
    split = split_stimuli(ids, seed=3)
    shuffled = split_stimuli(np.random.default_rng(0).permutation(ids), seed=3)
    other = split_stimuli(ids, seed=4)
    np.testing.assert_array_equal(shuffled.test_ids, split.test_ids)
    assert len(np.intersect1d(other.test_ids, split.test_ids)) < 10


def test_what_is_fitted_to_is_training_and_validation():
    split = StimulusSplit([5, 1], [3], [2, 4])
    assert split.fitting_ids.tolist() == [1, 3, 5]
    assert split.training_ids.tolist() == [1, 5]
    with pytest.raises(ValueError, match="read-only"):
        split.test_ids[0] = 7


def test_splits_that_cannot_be_are_refused():
    with pytest.raises(InvalidInputError, match=r"three parts of a split together.*\(3\)"):
        StimulusSplit([1, 3], [3], [2])
    with pytest.raises(InvalidInputError, match="stimulus_ids holds 1 ids more than once"):
        split_stimuli([1, 1, 2], seed=0)
    for validation, test in ((0.5, 0.5), (-0.1, 0.5), (0.1, float("nan"))):
        with pytest.raises(InvalidInputError, match="leave a share for training"):
            split_stimuli(np.arange(9), validation_fraction=validation, test_fraction=test, seed=0)
    with pytest.raises(InvalidInputError, match=r"groups has shape \(2,\) for 3 stimuli"):
        split_stimuli(np.arange(3), groups=[0, 1], seed=0)
    for validation, test in ((0.5, 0.5), (0.0, 0.2), (0.2, 0.0)):
        with pytest.raises(InvalidInputError, match="must be above 0, and leave a share"):
            split_time(Epochs([0.0], [1.0]), validation_fraction=validation, test_fraction=test)


def test_groups_that_are_not_numbers_and_seeds_that_are_none_are_refused():
    with pytest.raises(InvalidInputError, match="groups holds 3 values that are not finite"):
        split_stimuli(np.arange(3), groups=np.full(3, np.nan), seed=0)
    for seed in (-1, 1.5, None):
        with pytest.raises(InvalidInputError, match=f"seed={seed}: it must be a whole number"):
            split_stimuli(np.arange(90), seed=seed)


def test_groups_that_are_too_few_to_hold_out_are_refused():
    for n_groups, share in ((5, "0.167"), (6, "0.0833"), (1, "0.167")):
        with pytest.raises(InvalidInputError, match=f"{n_groups} groups are too few.*{share}"):
            split_stimuli(np.arange(100), groups=np.arange(100) % n_groups, seed=0)
    split_stimuli(
        np.arange(100),
        groups=np.arange(100) % 5,
        test_fraction=0.4,
        validation_fraction=0.2,
        seed=0,
    )


def test_parts_of_time_that_overlap_are_refused():
    def epochs(start_s, stop_s):
        return Epochs([start_s], [stop_s])

    TimeSplit(epochs(0, 10), epochs(10, 12), epochs(12, 20))
    with pytest.raises(InvalidInputError, match="training and test overlap in time"):
        TimeSplit(epochs(0, 10), epochs(10, 12), epochs(5, 6))
    with pytest.raises(InvalidInputError, match="validation and test overlap in time"):
        TimeSplit(epochs(0, 10), epochs(10, 14), epochs(12, 20))
    with pytest.raises(InvalidInputError, match="validation is 3: give Epochs"):
        TimeSplit(epochs(0, 10), 3, epochs(12, 20))


def test_images_shown_under_two_ids_stay_on_one_side():
    pixels = np.random.default_rng(0).normal(size=(60, 4, 4))
    pixels[30:] = pixels[:30][::-1]
    ids = np.arange(100, 160)
    groups = alike(Images(pixels, ids), ids)
    np.testing.assert_array_equal(groups, [*ids[:30], *ids[:30][::-1]])
    split = split_stimuli(ids, groups=groups, seed=0)
    parts = [split.training_ids, split.validation_ids, split.test_ids]
    assert [len(part) for part in parts] == [46, 4, 10]
    for part in parts:
        assert np.isin(259 - part, part).all()


def test_time_is_split_in_order_without_the_gaps():
    epochs = Epochs([0.0, 10.0, 100.0], [2.0, 16.0, 102.0])
    split = split_time(epochs, validation_fraction=0.3, test_fraction=0.3)
    spans = [
        list(zip(part.start_s.tolist(), part.stop_s.tolist(), strict=True))
        for part in (split.training, split.validation, split.test)
    ]
    expected = [
        [(0.0, 2.0), (10.0, 12.0)],
        [(12.0, 15.0)],
        [(15.0, 16.0), (100.0, 102.0)],
    ]
    for part, wanted in zip(spans, expected, strict=True):
        np.testing.assert_allclose(part, wanted)


@given(
    lengths=st.lists(st.floats(0.1, 50), min_size=1, max_size=6),
    gaps=st.lists(st.floats(0.1, 50), min_size=6, max_size=6),
    fractions=st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)),
)
def test_the_parts_of_time_have_their_shares_and_do_not_overlap(lengths, gaps, fractions):
    start_s = np.cumsum([gap + before for gap, before in zip(gaps, [0, *lengths], strict=False)])
    start_s = start_s[: len(lengths)]
    epochs = Epochs(start_s, start_s + lengths)
    split = split_time(epochs, validation_fraction=fractions[0], test_fraction=fractions[1])
    parts = (split.training, split.validation, split.test)
    shares = [float(np.sum(part.stop_s - part.start_s)) / sum(lengths) for part in parts]
    np.testing.assert_allclose(shares, [1 - sum(fractions), *fractions], atol=1e-9)
    edges_s = np.concatenate(
        [np.column_stack([part.start_s, part.stop_s]).ravel() for part in parts]
    )
    assert (np.diff(edges_s) >= 0).all()
