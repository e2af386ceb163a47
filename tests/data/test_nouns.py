"""Each noun refuses what cannot be right, and says what to do."""

import numpy as np
import pytest

from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.errors import InvalidInputError, SpikeloopWarning

SECOND = Epochs([0.0], [1.0])


def test_epochs_are_half_open():
    epochs = Epochs([0.0, 2.0], [1.0, 3.0])
    assert epochs.contains([-0.1, 0.0, 0.999, 1.0, 2.0, 3.0]).tolist() == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]
    assert len(epochs) == 2
    assert epochs.duration_s == 2.0


@pytest.mark.parametrize(
    ("start_s", "stop_s", "message"),
    [
        ([0.0], [0.0], "epoch 0 runs from 0.0 to 0.0 s: stop must be after start"),
        ([0.0, 0.5], [1.0, 2.0], "epoch 1 starts at 0.5 s, before epoch 0 stops at 1.0 s"),
        ([0.0, 1.0], [1.0], "2 starts and 1 stops"),
        ([], [], "0 starts and 0 stops"),
        ([np.nan], [1.0], "start_s holds 1 values that are not finite, the first at index 0"),
        ([[0.0]], [1.0], r"start_s has shape \(1, 1\): it must have one axis"),
        (["soon"], [1.0], "start_s cannot be read as an array of numbers"),
    ],
)
def test_epochs_refuse(start_s, stop_s, message):
    with pytest.raises(InvalidInputError, match=message):
        Epochs(start_s, stop_s)


def test_spikes_of_units_are_merged_in_time_and_silent_units_kept():
    spikes = SpikeTrains.from_units({"b": [0.3, 0.9], "silent": [], "a": [0.5]}, SECOND)
    assert spikes.times_s.tolist() == [0.3, 0.5, 0.9]
    assert spikes.unit_index.tolist() == [0, 2, 0]
    assert spikes.counts().tolist() == [2, 0, 1]
    assert spikes.of_unit("b").tolist() == [0.3, 0.9]
    assert spikes.of_unit("silent").size == 0


def test_unsorted_spikes_are_sorted_and_said_so():
    with pytest.warns(SpikeloopWarning, match=r"1 units were not sorted \(a\); they have been"):
        spikes = SpikeTrains.from_units({"a": [0.5, 0.1], "b": [0.2]}, SECOND)
    assert spikes.of_unit("a").tolist() == [0.1, 0.5]


def test_selected_units_take_their_spikes_and_rows_along():
    spikes = SpikeTrains.from_units(
        {10: [0.1], 11: [0.2, 0.4], 12: [0.3]}, SECOND, {"area": ["V1", "V4", "MT"]}
    ).select(np.array([False, True, True]))
    assert spikes.unit_ids.tolist() == [11, 12]
    assert spikes.of_unit(12).tolist() == [0.3]
    assert spikes.unit_table["area"].tolist() == ["V4", "MT"]


@pytest.mark.parametrize(
    ("times_s", "unit_index", "unit_ids", "message"),
    [
        ([0.2, 0.1], [0, 0], ["a"], "not ascending: spike 1 at 0.1 s comes after one at 0.2 s"),
        ([np.nan], [0], ["a"], "times_s holds 1 values that are not finite"),
        ([-0.1], [0], ["a"], "1 spikes lie outside the epochs, the first at -0.1 s"),
        ([1.0], [0], ["a"], "1 spikes lie outside the epochs, the first at 1.0 s"),
        ([0.1], [1], ["a"], r"unit_index must lie in 0\.\.0"),
        ([0.1], [0, 0], ["a"], "1 times_s and 2 unit_index"),
        ([], [], ["a", "b", "a"], r"unit_ids holds 1 ids more than once \(a\)"),
    ],
)
def test_spike_trains_refuse(times_s, unit_index, unit_ids, message):
    with pytest.raises(InvalidInputError, match=message):
        SpikeTrains(times_s, unit_index, unit_ids, SECOND)


def test_spike_trains_refuse_a_wrong_table_mask_or_unit():
    with pytest.raises(InvalidInputError, match=r"unit_table\['area'\] has 1 rows: it must have 2"):
        SpikeTrains.from_units({"a": [], "b": []}, SECOND, {"area": ["V1"]})
    spikes = SpikeTrains.from_units({"a": [], "b": []}, SECOND)
    with pytest.raises(InvalidInputError, match="give one bool for each of the 2 units"):
        spikes.select(np.array([0, 1]))
    with pytest.raises(InvalidInputError, match="there is no unit 'c'"):
        spikes.of_unit("c")
    with pytest.raises(InvalidInputError, match="epochs is a tuple"):
        SpikeTrains([], [], ["a"], (0.0, 1.0))


def test_nouns_cannot_be_written_through():
    times_s = np.array([0.1, 0.2])
    spikes = SpikeTrains(times_s, [0, 0], ["a"], SECOND)
    with pytest.raises(ValueError, match="read-only"):
        spikes.times_s[0] = 0.0
    times_s[0] = 0.15  # the caller's own array stays the caller's


@pytest.mark.parametrize(
    ("values", "rate", "message"),
    [
        ([1.0, 2.0], 1.0, r"values has shape \(2,\): its axes must be \(time, feature\)"),
        (np.empty((0, 1)), 1.0, "it holds nothing"),
        ([[np.inf]], 1.0, r"the first at index \(0, 0\)"),
        ([[1.0]], 0.0, "sample_rate_hz=0.0: it must be above 0"),
    ],
)
def test_time_series_refuse(values, rate, message):
    with pytest.raises(InvalidInputError, match=message):
        TimeSeries(values, rate)


def test_time_series_keep_single_precision_and_know_their_span():
    series = TimeSeries(np.zeros((500, 2), dtype=np.float32), 500.0, start_s=1.0)
    assert series.values.dtype == np.float32
    assert (series.n_samples, series.stop_s) == (500, 2.0)
    with pytest.raises(InvalidInputError, match="start_s=nan"):
        TimeSeries([[1.0]], 1.0, start_s=np.nan)


def test_images_are_found_by_id_not_by_order():
    images = Images(np.arange(3.0)[:, None, None] * np.ones((1, 2, 2)), [30, 10, 20])
    assert images.of_ids([10, 20, 10, 30])[:, 0, 0].tolist() == [1.0, 2.0, 1.0, 0.0]
    with pytest.raises(InvalidInputError, match=r"1 of the ids asked for .* such as \[11\]"):
        images.of_ids([10, 11])


@pytest.mark.parametrize(
    ("image_ids", "extent_deg", "message"),
    [
        ([1], None, "2 images and 1 image_ids"),
        ([1, 1], None, "image_ids holds 1 ids more than once"),
        ([-1, 1], None, "-1 stands for a blank screen"),
        ([0, 1], (0.0, 1.0), "extent_deg=.*both above 0"),
    ],
)
def test_images_refuse(image_ids, extent_deg, message):
    with pytest.raises(InvalidInputError, match=message):
        Images(np.zeros((2, 3, 3)), image_ids, extent_deg)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"stimulus_id": [-2]}, "stimulus_id holds -2"),
        ({"stimulus_id": [0], "onset_s": [0.0, 1.0]}, "onset_s has 2 rows and stimulus_id 1"),
        ({"stimulus_id": [0], "onset_s": [np.nan]}, "onset_s holds 1 values that are not finite"),
        ({"stimulus_id": [0], "duration_s": [0.0]}, "duration_s holds a value that is not above 0"),
        ({"stimulus_id": [0], "conditions": {"block": []}}, r"conditions\['block'\] has 0 rows"),
    ],
)
def test_trials_refuse(columns, message):
    with pytest.raises(InvalidInputError, match=message):
        Trials(**columns)


def test_responses_keep_zeros_ragged_repeats_and_blanks_apart():
    trials = Trials([5, -1, 3, 5, 5, 3])
    counts = np.array([[1.0], [9.0], [0.0], [2.0], [3.0], [4.0]])
    responses = Responses(counts, (0.0, 0.1), trials, ["a"])
    assert responses.stimulus_ids.tolist() == [3, 5]
    np.testing.assert_array_equal(responses.repeats()[:, :, 0], [[0, 4, np.nan], [1, 2, 3]])
    assert responses.mean()[:, 0].tolist() == [2.0, 2.0]
    assert responses.blanks().tolist() == [[9.0]]


def test_selected_responses():
    responses = Responses(np.arange(6.0).reshape(3, 2), (0.0, 0.1), Trials([0, 1, 2]), ["a", "b"])
    kept = responses.select(trials=np.array([True, False, True]), units=np.array([False, True]))
    assert kept.counts.tolist() == [[1.0], [5.0]]
    assert kept.trials.stimulus_id.tolist() == [0, 2]
    assert kept.unit_ids.tolist() == ["b"]


@pytest.mark.parametrize(
    ("counts", "window_s", "message"),
    [
        ([[1.0]], (0.0, 0.1), r"counts has shape \(1, 1\): 2 trials and 1 units want \(2, 1\)"),
        ([[1.0], [np.nan]], (0.0, 0.1), r"counts holds 1 values that are not finite"),
        ([[1.0], [2.0]], (0.3, 0.1), r"window_s=\(0.3, 0.1\): stop must be after start. Swap"),
        ([[1.0], [2.0]], (0.1, 0.1), "stop must be after start"),
    ],
)
def test_responses_refuse(counts, window_s, message):
    with pytest.raises(InvalidInputError, match=message):
        Responses(counts, window_s, Trials([0, 1]), ["a"])


def test_an_experiment_holds_something_to_characterize():
    with pytest.raises(InvalidInputError, match="empty has neither spikes nor responses"):
        Experiment("empty")


def test_reprs_tell_the_size():
    trials = Trials([0, -1])
    assert repr(trials) == "Trials(2 presentations of 1 stimuli, 1 of them blank)"
    responses = Responses([[1.0], [2.0]], (0.0, 0.1), trials, ["a"])
    assert repr(responses) == "Responses(2 trials x 1 units, 0.0..0.1 s after onset)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Trials([0.33, 1.0]),
            "stimulus_id holds 1 values that are not whole numbers, such",
        ),
        (lambda: Trials([np.nan]), "stimulus_id holds 1 values that are not whole numbers"),
        (lambda: Images(np.zeros((1, 2, 2)), [0.5]), "image_ids holds 1 values that are not whole"),
        (lambda: SpikeTrains([0.1], [2**33], ["a"], SECOND), "unit_index reaches from 8589934592"),
        (lambda: SpikeTrains([], [], [np.nan], SECOND), "unit_ids holds 1 values that are not fin"),
        (lambda: TimeSeries([[1j]], 1.0), "values holds complex numbers"),
        (lambda: TimeSeries([[1.0]], 1j), "sample_rate_hz=1j: it must be above 0"),
        (lambda: TimeSeries([[1e200]], 1.0), r"values reaches from 1e\+200 .* Choose another unit"),
        (
            lambda: Responses([[1e200]], (0.0, 0.1), Trials([0]), ["a"]),
            r"counts reaches from 1e\+200",
        ),
    ],
)
def test_numbers_that_would_be_bent_are_refused(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_spikes_and_responses_are_of_the_same_units():
    spikes = SpikeTrains.from_units({"a": []}, SECOND)
    responses = Responses([[1.0]], (0.0, 0.1), Trials([0]), ["b"])
    with pytest.raises(InvalidInputError, match="two has spikes and responses of different unit"):
        Experiment("two", spikes=spikes, responses=responses)


def test_epochs_contain_whole_intervals_only():
    epochs = Epochs([0.0, 1.0], [1.0, 2.0])
    assert epochs.contain([0.0, 0.5, 1.0, -0.1], [1.0, 1.5, 2.0, 0.5]).tolist() == [
        True,
        False,
        True,
        False,
    ]
