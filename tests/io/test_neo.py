import sys

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError, MissingExtraError, SpikeloopWarning
from spikeloop.io.neo import from_neo, to_neo

neo = pytest.importorskip("neo")
pq = pytest.importorskip("quantities")

ONE = Epochs([1.0], [25.0])
TABLE = {"depth": [3.0, 1.0, 2.0], "area": ["V4", "V1", "IT"], "name": ["x", "y", "z"]}


def trains(ids=(30, 10, 20), epochs=ONE):
    times_s = dict(zip(ids, ([1.5, 9.0], [], [21.0]), strict=True))
    return SpikeTrains.from_units(times_s, epochs, TABLE)


# Spike trains


def test_each_unit_becomes_a_train_in_seconds():
    first, silent, last = to_neo(trains())
    assert first.times.rescale("ms").magnitude.tolist() == [1500.0, 9000.0]
    assert len(silent) == 0
    assert last.units == pq.s
    for train in (first, silent, last):
        assert (float(train.t_start), float(train.t_stop)) == (1.0, 25.0)
    assert (first.name, first.annotations) == (
        "30",
        {"unit_id": 30, "depth": 3.0, "area": "V4", "name": "x"},
    )


@pytest.mark.parametrize("epochs", [ONE, Epochs([1.0, 9.0, 20.0], [9.0, 10.0, 25.0])])
@pytest.mark.parametrize("ids", [(30, 10, 20), ("b", "c", "a"), (0.5, 1.5, -1.0)])
def test_spike_trains_go_there_and_back(ids, epochs):
    spikes = trains(ids, epochs)
    back = from_neo(to_neo(spikes))
    for field in ("times_s", "unit_index", "unit_ids"):
        np.testing.assert_array_equal(getattr(back, field), getattr(spikes, field))
    np.testing.assert_array_equal(back.epochs.start_s, epochs.start_s)
    np.testing.assert_array_equal(back.epochs.stop_s, epochs.stop_s)
    assert back.unit_table.keys() == TABLE.keys()
    for name, column in TABLE.items():
        assert back.unit_table[name].tolist() == column


def test_units_of_time_are_converted():
    times = [0.5, 1500.0, 1999.0]
    slow = neo.SpikeTrain(times, units="ms", t_start=0.5 * pq.ms, t_stop=2.0 * pq.s)
    fast = neo.SpikeTrain(np.array(times) * 1000, units="us", t_start=500, t_stop=2e6)
    spikes = from_neo([slow, fast])
    np.testing.assert_allclose(spikes.of_unit(0), [0.0005, 1.5, 1.999], rtol=1e-15)
    np.testing.assert_allclose(spikes.of_unit(1), [0.0005, 1.5, 1.999], rtol=1e-15)
    assert spikes.epochs.start_s.tolist() == [0.0005]
    assert spikes.epochs.stop_s.tolist() == [2.0]


def test_a_spike_at_the_end_is_kept():
    # Neo includes t_stop, and many programs set it to the last spike.
    spikes = from_neo([neo.SpikeTrain([1.0, 2.0], units="s", t_stop=2.0)])
    assert spikes.times_s.tolist() == [1.0, 2.0]
    assert 2.0 < spikes.epochs.stop_s[0] < 2.0 + 1e-12


def test_a_segment_gives_its_spike_trains():
    segment = neo.Segment()
    for name, times in (("a", [0.5]), ("b", [])):
        segment.spiketrains.append(neo.SpikeTrain(times, units="s", t_stop=1.0, name=name))
    assert from_neo(segment).unit_ids.tolist() == ["a", "b"]
    assert from_neo(segment.spiketrains).unit_ids.tolist() == ["a", "b"]
    assert from_neo(segment.spiketrains[0]).unit_ids.tolist() == ["a"]


@pytest.mark.parametrize("names", [("", ""), (None, None), ("a", "a"), ("a", None)])
def test_units_without_names_of_their_own_are_numbered(names):
    named = [neo.SpikeTrain([0.5], units="s", t_stop=1.0, name=name) for name in names]
    assert from_neo(named).unit_ids.tolist() == [0, 1]


def test_annotations_that_only_some_have_or_that_are_lists_are_left():
    first = neo.SpikeTrain([], units="s", t_stop=1.0, layer=4, quality="good", path=[1, 2])
    second = neo.SpikeTrain([], units="s", t_stop=1.0, layer=5, path=[1, 3])
    table = from_neo([first, second]).unit_table
    assert {name: column.tolist() for name, column in table.items()} == {"layer": [4, 5]}


def test_unsorted_times_are_sorted_and_said_so():
    train = neo.SpikeTrain([0.9, 0.1], units="s", t_stop=1.0)
    with pytest.warns(SpikeloopWarning, match="have been sorted"):
        assert from_neo([train]).times_s.tolist() == [0.1, 0.9]


def test_trains_of_different_epochs_are_refused_unless_epochs_are_given():
    short = neo.SpikeTrain([0.5], units="s", t_stop=1.0)
    long = neo.SpikeTrain([0.5, 1.5], units="s", t_stop=2.0)
    with pytest.raises(
        InvalidInputError, match=r"train 1 was observed from 0.0 to 2.0 s and train"
    ):
        from_neo([short, long])
    spikes = from_neo([short, long], epochs=Epochs([0.0], [2.0]))
    assert spikes.counts().tolist() == [1, 2]
    with pytest.raises(InvalidInputError, match="1 spikes lie outside the epochs"):
        from_neo([short, long], epochs=Epochs([0.0], [1.0]))


def test_ids_that_occur_twice_are_refused():
    train = neo.SpikeTrain([0.5], units="s", t_stop=1.0, unit_id=7)
    with pytest.raises(InvalidInputError, match="2 trains share the annotation unit_id, such as 7"):
        from_neo([train, train])


@pytest.mark.parametrize("name", ["unit_id", "epoch_start_s", "epoch_stop_s"])
def test_a_column_of_a_name_that_is_taken_is_refused(name):
    spikes = SpikeTrains.from_units({1: [1.5]}, ONE, {name: [1.0]})
    with pytest.raises(InvalidInputError, match=f"column '{name}', a name that is kept.*Rename"):
        to_neo(spikes)


# Time series


def test_series_go_there_and_back():
    series = TimeSeries(np.arange(12.0).reshape(4, 3), 500.0, start_s=2.5)
    signal = to_neo(series)
    assert signal.shape == (4, 3)
    assert signal.sampling_rate == 500 * pq.Hz
    back = from_neo(signal)
    np.testing.assert_array_equal(back.values, series.values)
    assert (back.sample_rate_hz, back.start_s) == (500.0, 2.5)


def test_units_of_a_signal_are_converted():
    signal = neo.AnalogSignal(
        np.ones((4, 1)), units="mV", sampling_rate=0.5 * pq.kHz, t_start=20 * pq.ms
    )
    series = from_neo(signal)
    assert (series.sample_rate_hz, series.start_s) == (500.0, 0.02)
    assert series.values.tolist() == [[1.0]] * 4


# What cannot be


def test_other_objects_are_refused():
    irregular = neo.IrregularlySampledSignal([0, 1] * pq.s, [0, 1] * pq.mV)
    for source, got in ((irregular, "Irr|Quant"), (3, "int"), ([], "no spike train"), ("a", "str")):
        with pytest.raises(InvalidInputError, match=f"from_neo got ({got}).*: give spike trains"):
            from_neo(source)
    with pytest.raises(InvalidInputError, match="to_neo got a Epochs: give SpikeTrains"):
        to_neo(ONE)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "neo", None)
    for convert in (to_neo, from_neo):
        with pytest.raises(MissingExtraError, match=r"pip install 'spikeloop\[neo\]'"):
            convert(trains())
