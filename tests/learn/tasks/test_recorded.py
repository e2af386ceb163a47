import warnings
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from scipy.stats import chi2

from spikeloop.data.epochs import Epochs
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.learn import (
    Task,
    ideal_scores,
)
from spikeloop.learn.tasks.recorded import RecordedTrials

draw = partial(jax.jit, static_argnums=(0, 2))(lambda task, key, n_trials: task.draw(key, n_trials))
WHOLE = {"validation_share": 0.0, "test_share": 0.0}
PARTS = ("train", "validation", "test")


def data(n_trials=60, n_ticks=13, n_inputs=5, n_classes=3, seed=0):
    """Return spikes, no two trials alike, and targets of all classes in no order."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((n_trials, n_ticks, n_inputs)) < 0.3
    assert len(np.unique(spikes.reshape(n_trials, -1), axis=0)) == n_trials
    return spikes, rng.permutation(np.arange(n_trials) % n_classes)


def drawn(task, n_trials, seed=0):
    return jax.tree.map(np.asarray, draw(task, jax.random.key(seed), n_trials))


def places(task, trials):
    """Return which trial of the data each one is, bit by bit."""
    place = {row.astype(np.float32).tobytes(): index for index, row in enumerate(task.spikes)}
    return np.array([place[spikes.tobytes()] for spikes in trials.spikes])


@pytest.mark.parametrize("shares", [(0.2, 0.2), (0.1, 0.5), (0.0, 0.25), (0.3, 0.0), (0.0, 0.0)])
def test_parts_share_no_trial_and_leave_none_out_and_have_their_share_of_each_class(shares):
    target = np.random.default_rng(1).permutation(np.repeat([0, 1, 2, 3], [3, 7, 40, 150]))
    spikes = np.zeros((200, 2, 1), bool)
    task = RecordedTrials(spikes, target, validation_share=shares[0], test_share=shares[1])
    rows = {"train": task.rows}
    for part, share in zip(PARTS[1:], shares, strict=True):
        if share == 0:
            continue
        rows[part] = replace(task, part=part).rows
        for k, size in enumerate([3, 7, 40, 150]):
            n_own = np.count_nonzero(target[rows[part]] == k)
            assert n_own >= 1
            assert abs(n_own - share * size) <= 0.5 or n_own == 1
    assert set(target[rows["train"]]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(np.sort(np.concatenate([*rows.values()])), np.arange(200))
    np.testing.assert_array_equal(replace(task, part="all").rows, np.arange(200))


@pytest.mark.parametrize("n_each", [3, 4, 5, 9])
@pytest.mark.parametrize("shares", [(0.01, 0.98), (0.98, 0.01), (0.45, 0.45), (0.499, 0.5)])
def test_even_extreme_shares_leave_each_part_a_trial_of_each_class(n_each, shares):
    target = np.tile([0, 1], n_each)
    task = RecordedTrials(
        np.zeros((len(target), 1, 1)), target, validation_share=shares[0], test_share=shares[1]
    )
    counts = [np.bincount(target[replace(task, part=part).rows], minlength=2) for part in PARTS]
    assert np.min(counts) >= 1
    np.testing.assert_array_equal(np.sum(counts, axis=0), [n_each, n_each])


def test_split_is_by_lot_and_belongs_to_its_seed():
    spikes, target = data(400, n_classes=2)
    tests = [RecordedTrials(spikes, target, split_seed=s, part="test").rows for s in range(300)]
    np.testing.assert_array_equal(
        RecordedTrials(spikes, target, split_seed=7, part="test").rows, tests[7]
    )
    # Each trial is tested in a fifth of the splits, up to chance.
    often = np.bincount(np.concatenate(tests), minlength=400)
    spread = ((often - 60) ** 2 / (300 * 0.2 * 0.8)).sum()
    assert 1e-4 < chi2(398).cdf(spread) < 1 - 1e-4


@pytest.mark.parametrize(
    ("n_ticks", "part"), [(1, "all"), (7, "validation"), (8, "test"), (9, "train"), (100, "train")]
)
def test_drawn_trials_are_those_of_the_part_with_their_own_targets(n_ticks, part):
    spikes, target = data(n_ticks=n_ticks, n_inputs=20)
    values = np.array([10.0, -20.0, 5.5])
    task = RecordedTrials(spikes, target, values=values, value_unit="deg", part=part)
    trials = drawn(task, 1000)
    assert trials.spikes.shape == (1000, task.n_ticks, task.n_inputs) == (1000, n_ticks, 20)
    assert trials.spikes.dtype == np.float32
    found = places(task, trials)
    np.testing.assert_array_equal(np.unique(found), task.rows)
    np.testing.assert_array_equal(trials.target, target[found])
    np.testing.assert_array_equal(trials.value, values[target[found]].astype(np.float32))


def test_each_trial_of_the_part_is_as_likely():
    task = RecordedTrials(*data())
    counts = np.bincount(places(task, drawn(task, 20_000)), minlength=60)[task.rows]
    expected = 20_000 / len(task.rows)
    spread = ((counts - expected) ** 2 / expected).sum()
    assert 1e-4 < chi2(len(task.rows) - 1).cdf(spread) < 1 - 1e-4


def test_same_key_gives_same_trials_compiled_or_not():
    task = RecordedTrials(*data())
    plain = task.draw(jax.random.key(3), 50, jax.random.key(9))
    for one, other in zip(plain, drawn(task, 50, seed=3), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (places(task, plain) != places(task, drawn(task, 50, seed=4))).any()


def test_a_batch_of_one_is_drawn():
    task = RecordedTrials(np.ones((2, 1, 1)), [0, 1], **WHOLE)
    trials = drawn(task, 1)
    assert trials.spikes.tolist() == [[[1.0]]]
    assert trials.target.shape == trials.value.shape == (1,)


def test_task_keeps_the_protocol():
    task = RecordedTrials(*data())
    assert isinstance(task, Task)
    assert (task.n_inputs, task.n_ticks, task.n_classes, task.dt_ms) == (5, 13, 3, 1.0)
    assert task.value_unit == ""
    np.testing.assert_array_equal(task.class_values(), [0, 1, 2])


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.float64, list])
def test_spikes_may_be_numbers_of_any_kind(kind):
    spikes, target = data()
    given = spikes.astype(int).tolist() if kind is list else spikes.astype(kind)
    task = RecordedTrials(given, target.astype(float))
    np.testing.assert_array_equal(task.spikes, spikes)
    assert repr(task) == repr(RecordedTrials(spikes, target))


def test_data_are_copied_once_and_cannot_be_changed():
    spikes, target = data()
    values = np.arange(3.0)
    task = RecordedTrials(spikes, target, values=values)
    spikes[0], target[0], values[0] = ~spikes[0], 2 - target[0], 9
    np.testing.assert_array_equal(task.spikes, data()[0])
    np.testing.assert_array_equal(task.target, data()[1])
    assert task.class_values()[0] == 0
    other = replace(task, part="test")
    assert np.shares_memory(task.spikes, other.spikes)
    for array in (task.spikes, task.target, task.values, task.rows, other.spikes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_name_is_short_and_tells_tasks_apart():
    spikes, target = data()
    names = [repr(RecordedTrials(spikes, target)) for _ in range(2)]
    assert names[0] == names[1]
    assert names[0].startswith("RecordedTrials(60 trials x 13 ticks of 1.0 ms x 5 inputs, 3 class")
    assert len(names[0]) < 300
    flipped = spikes.copy()
    flipped[-1, -1, -1] ^= True
    swapped = target.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    assert target[0] != target[1]
    others = [
        RecordedTrials(flipped, target),
        RecordedTrials(spikes, swapped),
        RecordedTrials(spikes.reshape(60, 5, 13), target),
        RecordedTrials(spikes, target, values=[0.0, 1.0, 2.5]),
        RecordedTrials(spikes, target, value_unit="deg"),
        RecordedTrials(spikes, target, dt_ms=2.0),
        RecordedTrials(spikes, target, part="test"),
        RecordedTrials(spikes, target, validation_share=0.1),
        RecordedTrials(spikes, target, test_share=0.1),
        RecordedTrials(spikes, target, split_seed=1),
    ]
    assert len({names[0], *map(repr, others)}) == 1 + len(others)


def trains_of(*times_s, stop_s=10.0):
    return SpikeTrains.from_units(dict(enumerate(times_s)), Epochs([0.0], [stop_s]))


def test_binned_trains_are_what_a_plain_count_says():
    rng = np.random.default_rng(0)
    times_s = [np.sort(rng.uniform(0, 10, 150)) for _ in range(4)]
    starts_s = np.array([0.0, 0.5, 2.25, 3.0, 9.5])  # the first two touch
    epochs = Epochs(starts_s, starts_s + 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpikeloopWarning)
        task = RecordedTrials.of_trains(
            trains_of(*times_s), epochs, [0, 1, 0, 1, 0], dt_ms=20.0, **WHOLE
        )
    wanted = np.zeros((5, 25, 4), bool)
    for trial, start_s in enumerate(starts_s):
        for tick in range(25):
            low_s, high_s = start_s + 0.02 * tick, start_s + 0.02 * (tick + 1)
            for unit in range(4):
                wanted[trial, tick, unit] = np.any(
                    (times_s[unit] >= low_s) & (times_s[unit] < high_s)
                )
    np.testing.assert_array_equal(task.spikes, wanted)
    assert (task.dt_ms, task.part) == (20.0, "train")


def test_spikes_on_an_edge_belong_to_the_tick_that_begins_there():
    samples = np.arange(0, 30_000, 3)  # at 30 kHz: one in each tick of 0.1 ms
    start_s = 0.1 + 0.2  # which is more than the 0.3 of sample 9000
    epochs = Epochs([start_s, start_s + 0.25], [start_s + 0.25, start_s + 0.5])
    trains = trains_of(samples / 30_000, [0.2999, 0.55, 0.8])
    task = RecordedTrials.of_trains(trains, epochs, [0, 1], dt_ms=0.1, **WHOLE)
    assert task.spikes[:, :, 0].all()
    np.testing.assert_array_equal(np.argwhere(task.spikes[:, :, 1]), [[1, 0]])


def test_spikes_lost_are_told_where_they_are_many():
    times_s = np.concatenate([0.0005 + 0.001 * np.arange(98), [0.0107, 0.0207]])
    epochs = Epochs([0.0, 0.1], [0.1, 0.2])
    with pytest.warns(SpikeloopWarning, match=r"2 of 100 spikes \(2\.0%\) came in a tick .* Lower"):
        task = RecordedTrials.of_trains(
            trains_of(np.sort(times_s)), epochs, [0, 1], dt_ms=1.0, **WHOLE
        )
    assert task.spikes.sum() == 98
    # One of 100 is not many, and warnings are errors here.
    few = np.sort(np.append(0.0005 + 0.001 * np.arange(99), 0.0107))
    RecordedTrials.of_trains(trains_of(few), epochs, [0, 1], dt_ms=1.0, **WHOLE)


@pytest.mark.parametrize(
    ("stop_s", "how", "words"),
    [
        ([0.5, 1.6], {}, r"epoch 0 lasts 500 ms and epoch 1 600 ms: all trials must .* Cut the"),
        ([0.5, 1.5], {"dt_ms": 3.0}, r"dt_ms=3\.0: epochs of 500 ms hold 166\.667 ticks .* whole"),
        ([0.5, 1.5], {"dt_ms": 2000.0}, r"dt_ms=2000\.0: epochs of 500 ms hold 0\.25 ticks"),
        ([0.5, 1.5], {"dt_ms": 0.0}, r"dt_ms=0\.0: it must be a finite number above 0"),
        ([0.5, 1.5], {"dt_ms": np.nan}, "dt_ms=nan: it must be a finite number above 0"),
        ([0.5, 1.5], {"dt_ms": "short"}, "dt_ms='short': it must be a finite number above 0"),
        (
            [0.5, 1.5],
            {"dt_ms": 1e-6},
            "numbers: 1,000,000,000 are the most that can be",
        ),
        ([0.5, 1.5], {"target": [0]}, "spikes has 2 trials and target has 1: give one class"),
        ([0.5, 1.5], {"trains": [0.1]}, "trains is a list: it must be SpikeTrains"),
        ([0.5, 1.5], {"epochs": (0, 1)}, "epochs is a tuple: it must be Epochs"),
        (
            [0.5, 1.5],
            {"trains": trains_of([], stop_s=1.4)},
            r"epoch 1, 1\.0 to 1\.5 s, was not obs",
        ),
        ([0.5, 1.5], {"trains": trains_of()}, r"shape \(2, 500, 0\): give one trial, one tick"),
    ],
)
def test_epochs_that_make_no_trials_are_refused(stop_s, how, words):
    given = {"trains": trains_of([0.1], [1.2]), "epochs": Epochs([0.0, 1.0], stop_s)}
    given |= {"target": [0, 1], "dt_ms": 1.0} | how | WHOLE
    with pytest.raises(InvalidInputError, match=words):
        RecordedTrials.of_trains(**given)


def with_one(value, kind=float):
    spikes = np.zeros((10, 4, 3), kind)
    spikes[2, 1, 0] = value
    return spikes


ONE_AND_NINE = [0] + 9 * [1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"spikes": np.zeros((10, 4))},
            r"shape \(10, 4\): its axes must be \(trial, time, input\)",
        ),
        ({"spikes": [[[0], [0, 1]]]}, "spikes cannot be read as an array of numbers"),
        ({"spikes": np.full((10, 4, 3), "a")}, "spikes holds <U1: give 1 where an input fires"),
        (
            {"spikes": with_one(2, int)},
            r"spikes holds 2 in trial 2, tick 1, input 0: .* Clip counts",
        ),
        ({"spikes": with_one(-1, np.int8)}, "spikes holds -1 in trial 2, tick 1, input 0"),
        ({"spikes": with_one(0.5)}, r"spikes holds 0\.5 in trial 2, tick 1, input 0"),
        ({"spikes": with_one(np.nan)}, "spikes holds nan in trial 2, tick 1, input 0: give 1"),
        ({"spikes": with_one(1j, complex)}, "spikes holds complex numbers"),
        (
            {"spikes": np.zeros((0, 4, 3))},
            r"spikes has shape \(0, 4, 3\): give one trial, one tick",
        ),
        ({"spikes": np.zeros((10, 0, 3))}, r"spikes has shape \(10, 0, 3\): give one trial"),
        (
            {"spikes": np.broadcast_to(False, (10**5, 101, 100))},
            r"1,010,000,000 numbers: 1,000,000,000 are the most .* Give longer ticks",
        ),
        ({"target": [0, 1]}, "spikes has 10 trials and target has 2: give one class for each"),
        ({"target": np.linspace(0, 1, 10)}, "target holds 8 values that are not whole numbers"),
        ({"target": np.full(10, np.nan)}, "target holds 10 values that are not whole numbers"),
        ({"target": np.zeros((10, 1))}, r"target has shape \(10, 1\): it must have one axis"),
        ({"target": [0, 1, 1, 12] + 6 * [0], "n_classes": 12}, "target 12 in trial 3: with n_cl"),
        (
            {"target": 9 * [1] + [-1]},
            "target -1 in trial 9: with n_classes=2 targets go from 0 to 1",
        ),
        ({"target": 10 * [0]}, "n_classes=1: there is nothing to tell apart. Give trials of 2"),
        ({"n_classes": 3}, "class 2 has no trials, with n_classes=3: number the classes from 0"),
        ({"target": 5 * [0] + 5 * [2]}, "class 1 has no trials, with n_classes=3: number the"),
        ({"target": 5 * [1] + 5 * [2]}, "class 0 has no trials, with n_classes=3: number the"),
        ({"target": 5 * [10**9] + 5 * [2]}, "class 0 has no trials, with n_classes=1000000001"),
        ({"n_classes": 2.0}, r"n_classes=2\.0: it must be a whole number or None"),
        ({"values": [1.0]}, "values has 1 numbers: give one for each of 2 classes"),
        ({"values": [1.0, np.inf]}, "values holds 1 values that are not finite"),
        ({"dt_ms": 0.0}, r"dt_ms=0\.0: it must be above 0"),
        ({"dt_ms": np.nan}, "dt_ms=nan: it must be a finite number"),
        ({"value_unit": 3}, "value_unit=3: it must be a word"),
        ({"part": "tests"}, "part='tests': it must be one of 'train', 'validation', 'test', 'all'"),
        ({"split_seed": -1}, "seed=-1: it must be a whole number"),
        ({"test_share": -0.1}, r"test_share=-0\.1: each must be 0 or more, and both .* below 1"),
        (
            {"test_share": 0.5, "validation_share": 0.5},
            r"share=0\.5: each .* below 1, so that some",
        ),
        ({"part": "test", "test_share": 0.0}, "part='test': it has no trials at test_share=0"),
        ({"part": "validation", "validation_share": 0.0}, "no trials at validation_share=0. Raise"),
        (
            {"target": ONE_AND_NINE},
            r"class 0 has 1 trials: at validation_share=0\.2, .* have 3 or m",
        ),
        (
            {"target": ONE_AND_NINE, "test_share": 0.0},
            "class 0 has 1 trials: .* must have 2 or more",
        ),
    ],
)
def test_trials_that_make_no_sense_are_refused(given, words):
    with pytest.raises(InvalidInputError, match=words):
        RecordedTrials(**{"spikes": np.zeros((10, 4, 3)), "target": np.arange(10) % 2} | given)


def test_a_single_trial_of_a_class_is_enough_where_nothing_is_kept_apart():
    task = RecordedTrials(np.zeros((10, 4, 3)), ONE_AND_NINE, **WHOLE)
    np.testing.assert_array_equal(task.rows, np.arange(10))


def test_there_is_no_ideal_observer():
    task = RecordedTrials(*data())
    with pytest.raises(InvalidInputError, match="recorded trials have no known ideal observer: "):
        ideal_scores(task, seed=0)


def test_tasks_of_the_same_trials_are_one():
    task, same, other = (RecordedTrials(*data(seed=seed)) for seed in (0, 0, 1))
    assert task == same
    assert hash(task) == hash(same)
    assert task not in (other, replace(task, part="test"), replace(task, dt_ms=2.0))
