"""The trial table, against slicing each train by hand."""

import numpy as np
import pytest

from spikeloop.characterize.counting import count_spikes
from spikeloop.data import Epochs, SpikeTrains, Trials
from spikeloop.errors import InvalidInputError, SpikeloopWarning


def test_counts_equal_slices_of_each_train():
    rng = np.random.default_rng(1)
    trains = {unit: np.sort(rng.uniform(0, 20, 200 * unit)) for unit in range(4)}
    spikes = SpikeTrains.from_units(trains, Epochs([0.0], [20.0]))
    trials = Trials(rng.integers(-1, 5, 60), onset_s=np.sort(rng.uniform(0, 19, 60)))
    responses = count_spikes(spikes, trials, (0.03, 0.28))
    for trial, onset_s in enumerate(trials.onset_s):
        for unit, train in trains.items():
            inside = (train >= onset_s + 0.03) & (train < onset_s + 0.28)
            assert responses.counts[trial, unit] == inside.sum()
    assert responses.window_s == (0.03, 0.28)
    assert (responses.counts[:, 0] == 0).all()  # the silent unit keeps its column


def test_every_spike_is_counted_once_when_windows_abut():
    onset_s = np.arange(100) * 0.25
    spikes = SpikeTrains.from_units({"a": np.arange(100) * 0.25}, Epochs([0.0], [25.0]))
    responses = count_spikes(spikes, Trials(np.zeros(100), onset_s), (0.0, 0.25))
    assert responses.counts[:, 0].tolist() == [1.0] * 100


def test_windows_that_were_not_observed_are_left_out_and_said_so():
    spikes = SpikeTrains.from_units({"a": [0.1, 2.1]}, Epochs([0.0, 2.0], [1.0, 3.0]))
    trials = Trials([0, 1, 2, 3], onset_s=[0.0, 0.9, 2.0, 2.75])
    with pytest.warns(SpikeloopWarning, match=r"1 of 4 trials were left out.*starts at 0.9 s"):
        responses = count_spikes(spikes, trials, (0.0, 0.25))
    assert responses.trials.stimulus_id.tolist() == [0, 2, 3]
    assert responses.counts[:, 0].tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("trials", "window_s", "message"),
    [
        (Trials([0], [0.0]), (0.2, 0.2), r"window_s=\(0.2, 0.2\): stop must be after start"),
        (Trials([0]), (0.0, 0.2), "The trials have no onset_s"),
        (Trials([0], [50.0]), (0.0, 0.2), "None of the 1 trials was observed.*Put both on one"),
    ],
)
def test_refused(trials, window_s, message):
    spikes = SpikeTrains.from_units({"a": [0.1]}, Epochs([0.0], [1.0]))
    with pytest.raises(InvalidInputError, match=message):
        count_spikes(spikes, trials, window_s)
