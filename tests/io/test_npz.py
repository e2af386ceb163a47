"""npz: what is saved is loaded, users' variables go by name, and nothing is unpickled."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.errors import BadFileError, InvalidInputError, MissingVariableError, UnsafeFileError
from spikeloop.io import ReadOptions, load_npz, read_experiment, save_npz


def example(**changes):
    trials = Trials(
        [3, -1, 3], [0.0, 0.5, 1.0], [0.25] * 3, {"block.of": np.array(["a", "b", "a"])}
    )
    spikes = SpikeTrains.from_units(
        {"b": [0.1, 0.2], "a": []},
        Epochs([0.0, 5.0], [1.0, 6.0]),
        {"area": np.array(["VISp", "VISl"], dtype=object)},
    )
    parts = {
        "name": "example",
        "spikes": spikes,
        "stimulus": TimeSeries(np.arange(4, dtype=np.float32)[:, None], 500.0, 0.25),
        "trials": trials,
        "images": Images(np.ones((1, 2, 3)), [3], (4.0, 5.5)),
        "responses": Responses(np.arange(6.0).reshape(3, 2), (0.0, 0.1), trials, ["b", "a"]),
    }
    return Experiment(**(parts | changes))


def leaves(thing, place=""):
    """Return every array and number of nested nouns, by place."""
    if hasattr(thing, "__dataclass_fields__"):
        thing = {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    if not isinstance(thing, dict):
        return {place: thing}
    return {
        k: v for name, part in thing.items() for k, v in leaves(part, f"{place}/{name}").items()
    }


def assert_same(one, other):
    one, other = leaves(one), leaves(other)
    assert one.keys() == other.keys()
    for place, value in one.items():
        assert (value is None) == (other[place] is None), place
        assert np.array_equal(value, other[place]), place
        if isinstance(value, np.ndarray) and value.dtype != object:
            assert value.dtype == other[place].dtype, place


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"spikes": None, "stimulus": None, "trials": None, "images": None},
        {"stimulus": None, "responses": None, "images": None, "trials": Trials([0, 1])},
    ],
)
def test_what_is_saved_is_loaded(tmp_path, changes):
    path = tmp_path / "x.npz"
    save_npz(path, example(**changes))
    assert_same(example(**changes), load_npz(path))
    assert_same(example(**changes), read_experiment(path))
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


@settings(max_examples=25, deadline=None)
@given(
    trains=st.dictionaries(
        st.integers(0, 99), st.lists(st.floats(0, 9.99), max_size=5).map(sorted), max_size=5
    )
)
def test_any_spike_trains_come_back(tmp_path_factory, trains):
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    experiment = Experiment("x", SpikeTrains.from_units(trains, Epochs([0.0], [10.0])))
    save_npz(path, experiment)
    assert_same(experiment, load_npz(path))


def test_the_same_experiment_gives_the_same_bytes(tmp_path):
    for name in ("one.npz", "two.npz"):
        save_npz(tmp_path / name, example())
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_columns_of_objects_are_refused_and_nothing_stays(tmp_path):
    table = {"thing": np.array([{"a": 1}], dtype=object)}
    spikes = SpikeTrains.from_units({0: [0.5]}, Epochs([0.0], [1.0]), table)
    with pytest.raises(InvalidInputError, match=r"spikes\.unit_table\.thing holds objects"):
        save_npz(tmp_path / "x.npz", Experiment("x", spikes))
    assert list(tmp_path.iterdir()) == []


def test_variables_of_a_user_go_by_name(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, s=np.zeros(4), r=np.array([[0, 1], [0, 0], [2, 0], [0, 0]]))
    experiment = read_experiment(path, ReadOptions(stimulus="s", spikes="r", rate_hz=10.0))
    np.testing.assert_allclose(experiment.spikes.times_s, [0.05, 0.25, 0.25])
    assert experiment.spikes.unit_index.tolist() == [1, 0, 0]
    with pytest.raises(MissingVariableError, match=r"no variable 'q': it has s \(4,\), r \(4, 2\)"):
        read_experiment(path, ReadOptions(stimulus="s", spikes="q", rate_hz=10.0))
    with pytest.raises(InvalidInputError, match="say which of these is the stimulus"):
        read_experiment(path)
    with pytest.raises(MissingVariableError, match="holds no saved experiment, but s"):
        load_npz(path)


def test_pickles_are_refused_before_they_are_run(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return (ran.touch, ())

    path = tmp_path / "trap.npz"
    np.savez(path, s=np.zeros(4), r=np.array([Trap()], dtype=object))
    for options in (ReadOptions(stimulus="s", spikes="r", rate_hz=1.0), None):
        with pytest.raises(UnsafeFileError, match=r"r\.npy holds pickled Python objects"):
            read_experiment(path, options)
    assert not ran.exists()


def npy_header(shape, dtype="<f8"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def test_a_header_that_claims_more_than_the_memory_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s.npy", npy_header((2**40,)))
    with pytest.raises(UnsafeFileError, match=r"s\.npy claims 8388608 MiB"):
        load_npz(path)


def test_a_header_that_claims_more_than_is_there_is_refused(tmp_path):
    path = tmp_path / "short.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s.npy", npy_header((10,)) + bytes(40))
    with pytest.raises(BadFileError, match="which is 80 bytes, but 40 are there"):
        load_npz(path)


def test_an_archive_that_swells_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "swell.npz"
    np.savez_compressed(path, s=np.zeros(2**20))
    monkeypatch.setattr("spikeloop.io.guard.require_bytes.__defaults__", (2**20,))
    with pytest.raises(UnsafeFileError, match=r"s\.npy claims 8 MiB; at most 1 MiB are read"):
        load_npz(path)


def test_an_experiment_that_lacks_a_field_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    save_npz(path, example())
    with np.load(path, allow_pickle=False) as saved:
        arrays = {name: saved[name] for name in saved if name != "spikes.unit_ids"}
    np.savez(path, **arrays)
    with pytest.raises(MissingVariableError, match=r"lacks spikes\.unit_ids"):
        load_npz(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadFileError, match="is a folder: give the path of a file in it"):
        load_npz(tmp_path)


def test_an_array_of_a_later_format_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    named = np.zeros(2, dtype=[("µ", float)])
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, named, version=(3, 0))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s.npy", buffer.getvalue())
    with pytest.raises(BadFileError, match=r"is of \.npy version \(3, 0\)"):
        load_npz(path)
