import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError, MissingExtraError
from spikeloop.io.half_open import half_open
from spikeloop.io.pynapple import from_pynapple, to_pynapple

nap = pytest.importorskip("pynapple")

EPOCHS = Epochs([0.0, 20.0], [10.0, 25.0])
TABLE = {"depth": [3.0, 1.0, 2.0], "area": ["V4", "V1", "IT"]}


def trains(ids=(30, 10, 20)):
    times_s = dict(zip(ids, ([0.5, 9.0], [], [21.0]), strict=True))
    return SpikeTrains.from_units(times_s, EPOCHS, TABLE)


def require_same(got, wanted):
    """The same spikes and table rows for each unit, in whatever order the units are."""
    assert got.n_units == wanted.n_units
    np.testing.assert_array_equal(got.epochs.start_s, wanted.epochs.start_s)
    np.testing.assert_allclose(got.epochs.stop_s, wanted.epochs.stop_s, rtol=1e-15)
    for row, unit_id in enumerate(wanted.unit_ids):
        np.testing.assert_allclose(got.of_unit(unit_id), wanted.of_unit(unit_id), atol=5e-10)
        [place] = np.flatnonzero(got.unit_ids == unit_id)
        assert got.unit_table.keys() == wanted.unit_table.keys()
        for name, column in wanted.unit_table.items():
            assert got.unit_table[name][place] == column[row]


# Spike trains


def test_metadata_stay_with_their_unit_though_keys_are_sorted():
    group = to_pynapple(trains())
    assert list(group.keys()) == [10, 20, 30]
    assert {key: (group["depth"][key], group["area"][key]) for key in group} == {
        30: (3.0, "V4"),
        10: (1.0, "V1"),
        20: (2.0, "IT"),
    }
    np.testing.assert_array_equal(group[30].index, [0.5, 9.0])
    assert len(group[10]) == 0, "a silent unit is kept"
    np.testing.assert_array_equal(group.time_support.values, [[0, 10], [20, 25]])
    np.testing.assert_allclose(group["rate"], [0, 1 / 15, 2 / 15])


@pytest.mark.parametrize("ids", [(30, 10, 20), (0, 1, 2), ("b", "c", "a"), (0.5, 1.5, -1.0)])
def test_spike_trains_go_there_and_back(ids):
    spikes = trains(ids)
    back = from_pynapple(to_pynapple(spikes))
    require_same(back, spikes)
    assert back.unit_ids.dtype.kind == spikes.unit_ids.dtype.kind
    assert back.unit_table["area"].dtype.kind == "U"


@given(
    st.lists(st.integers(-(10**6), 10**6), unique=True, max_size=5),
    st.lists(st.floats(0, 9.999, allow_subnormal=False), max_size=20),
    st.floats(-1e4, 1e4),
)
def test_any_spikes_go_there_and_back(ids, times_s, shift_s):
    # pynapple rounds to nanoseconds, so the spikes are given on that grid.
    shift_s = round(shift_s, 3)
    times_s = np.unique(np.round(np.array(times_s) + shift_s, 9)) if ids else np.empty(0)
    epochs = Epochs([shift_s], [shift_s + 10.0])
    index = np.arange(len(times_s)) % max(len(ids), 1)
    spikes = SpikeTrains(times_s, index, np.array(ids, dtype=np.int64), epochs)
    back = from_pynapple(to_pynapple(spikes))
    assert back.unit_ids.tolist() == sorted(ids)
    for unit_id in ids:
        np.testing.assert_allclose(back.of_unit(unit_id), spikes.of_unit(unit_id), atol=2e-9)


@pytest.mark.parametrize("unit_id", [7, "a"])
def test_one_unit_goes_there_and_back(unit_id):
    table = {"depth": [3.0], "area": ["V4"]}
    spikes = SpikeTrains.from_units({unit_id: [0.5, 21.0]}, EPOCHS, table)
    require_same(from_pynapple(to_pynapple(spikes)), spikes)


def test_no_unit_at_all_goes_there_and_back():
    back = from_pynapple(to_pynapple(SpikeTrains.from_units({}, EPOCHS)))
    assert back.n_units == 0
    assert back.epochs.duration_s == 15.0


def test_epochs_that_touch_come_back_touching_with_the_spike_between():
    epochs = Epochs([0.0, 10.0, 20.0], [10.0, 20.0, 25.0])
    spikes = SpikeTrains.from_units({1: [9.9999999999, 10.0, 20.0], 2: []}, epochs)
    group = to_pynapple(spikes)
    assert len(group[1]) == 3
    back = from_pynapple(group)
    np.testing.assert_array_equal(back.epochs.start_s, epochs.start_s)
    np.testing.assert_array_equal(back.epochs.stop_s, epochs.stop_s)
    assert len(back.times_s) == 3


def test_a_support_that_ends_at_the_last_spike_keeps_it():
    # What pynapple does when nobody gives a time support.
    group = nap.TsGroup({4: nap.Ts([1.0, 2.0]), 2: nap.Ts([1.5, 3.0])})
    spikes = from_pynapple(group)
    assert spikes.counts().tolist() == [2, 2]
    assert 3.0 < spikes.epochs.stop_s[0] < 3.0 + 1e-12


def test_metadata_of_objects_become_strings_and_numbers():
    group = nap.TsGroup({1: nap.Ts([1.0, 2.0]), 2: nap.Ts([1.0, 3.0])})
    group.set_info(area=np.array(["V1", "V4"], dtype=object), layer=[4, 5])
    table = from_pynapple(group).unit_table
    assert set(table) == {"area", "layer"}, "rate is left: it can be computed"
    assert table["area"].tolist() == ["V1", "V4"]
    assert table["area"].dtype.kind == "U"
    assert table["layer"].dtype.kind == "i"


@pytest.mark.parametrize("name", ["rate", "unit_id"])
def test_a_column_of_a_name_that_is_taken_is_refused(name):
    spikes = SpikeTrains.from_units({1: [0.5]}, EPOCHS, {name: [1.0]})
    with pytest.raises(InvalidInputError, match=f"column '{name}', a name that is kept.*Rename"):
        to_pynapple(spikes)


# Time series


@pytest.mark.parametrize("rate_hz", [500.0, 30000.0, 1000 / 3, 29999.954846, 0.1])
@pytest.mark.parametrize("n_features", [1, 3])
def test_series_go_there_and_back(rate_hz, n_features):
    values = np.random.default_rng(0).normal(size=(2000, n_features)).astype(np.float32)
    series = TimeSeries(values, rate_hz, start_s=12.5)
    there = to_pynapple(series)
    assert isinstance(there, nap.Tsd if n_features == 1 else nap.TsdFrame)
    assert there.shape == ((2000,) if n_features == 1 else (2000, n_features))
    back = from_pynapple(there)
    np.testing.assert_array_equal(back.values, series.values)
    assert back.values.dtype == np.float32
    assert back.start_s == 12.5
    assert back.sample_rate_hz == pytest.approx(rate_hz, rel=1e-8)


def test_a_rate_that_was_set_in_round_numbers_comes_back_exactly():
    series = TimeSeries(np.zeros((600_000, 1)), 500.0)
    assert from_pynapple(to_pynapple(series)).sample_rate_hz == 500.0
    assert from_pynapple(nap.Tsd(np.arange(7) / 30000, np.zeros(7))).sample_rate_hz == 30000.0


def test_irregular_series_are_refused():
    with pytest.raises(
        InvalidInputError, match=r"sample 1 is 0\.267 s away from a clock of 2\.7.* Hz"
    ):
        from_pynapple(nap.Tsd([0.0, 0.1, 1.0, 1.1], np.zeros(4)))
    with pytest.raises(InvalidInputError, match=r"has 1 samples: a sample rate needs two"):
        from_pynapple(nap.Tsd([0.0], np.zeros(1), time_support=nap.IntervalSet(0, 1)))


# Epochs


def test_epochs_go_there_and_back():
    there = to_pynapple(EPOCHS)
    assert isinstance(there, nap.IntervalSet)
    back = from_pynapple(there)
    np.testing.assert_array_equal(back.start_s, EPOCHS.start_s)
    np.testing.assert_array_equal(back.stop_s, EPOCHS.stop_s)


def test_half_open_moves_an_end_only_where_a_spike_lies_on_it():
    epochs = half_open([0.0, 5.0, 10.0], [5.0, 9.0, 12.0], np.array([5.0, 12.0]))
    assert epochs.stop_s.tolist() == [5.0, 9.0, np.nextafter(12.0, 13.0)]
    assert epochs.contains([5.0, 9.0, 12.0]).tolist() == [True, False, True]


# What cannot be


def test_other_objects_are_refused():
    with pytest.raises(InvalidInputError, match="to_pynapple got a list: give SpikeTrains"):
        to_pynapple([1.0])
    with pytest.raises(InvalidInputError, match="from_pynapple got a Ts: give a TsGroup"):
        from_pynapple(nap.Ts([1.0, 2.0]))


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynapple", None)
    for convert in (to_pynapple, from_pynapple):
        with pytest.raises(MissingExtraError, match=r"pip install 'spikeloop\[pynapple\]'"):
            convert(EPOCHS)
