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


def save_times(path, times_s, units, n_samples=1000):
    np.savez(path, s=np.zeros(n_samples), r=times_s, u=units)
    return ReadOptions(stimulus="s", spikes="r", spike_units="u", rate_hz=100.0)


@pytest.mark.parametrize("ids", [[7, 2, 40], ["b", "a", "c"], [b"b", b"a", b"c"], [7.0, 2.0, 40.0]])
def test_several_units_come_back_from_times_and_units(tmp_path, ids):
    path = tmp_path / "mine.npz"
    rng = np.random.default_rng(1)
    times_s, units = np.sort(rng.uniform(0, 10, 300)), np.array(ids)[rng.integers(0, 3, 300)]
    spikes = read_experiment(path, save_times(path, times_s, units)).spikes
    names = [i.decode() if isinstance(i, bytes) else i for i in ids]
    assert spikes.unit_ids.tolist() == sorted(names)
    for unit, name in zip(ids, names, strict=True):
        np.testing.assert_array_equal(spikes.of_unit(name), times_s[units == unit])
    # saved whole, the same units come back without any option
    saved = Experiment("x", spikes)
    save_npz(tmp_path / "saved.npz", saved)
    assert_same(saved, read_experiment(tmp_path / "saved.npz"))


def test_times_listed_unit_by_unit_need_not_be_sorted(tmp_path):
    path = tmp_path / "mine.npz"
    options = save_times(path, [0.5, 1.5, 0.2, 0.9], [1, 1, 0, 0])
    assert read_experiment(path, options).spikes.unit_index.tolist() == [0, 1, 0, 1]


def test_without_spikes_there_is_one_silent_unit(tmp_path):
    path = tmp_path / "mine.npz"
    options = save_times(path, np.empty(0), np.empty(0, int))
    assert read_experiment(path, options).spikes.counts().tolist() == [0]


@pytest.mark.parametrize(
    ("times_s", "units", "message"),
    [
        ([0.1, 0.2, 0.3], [1, 2], "u has 2 values and r 3 spikes. Give the unit of each spike"),
        ([0.1, 0.2], [1.5, 2.0], "u holds float64: unit ids must be whole numbers or words"),
        ([0.1, 0.2], [1.0, 1e300], "u holds float64: unit ids must be whole numbers or words"),
        ([0.1, 0.2], [1.0, np.nan], "u holds float64: unit ids must be whole numbers or words"),
        ([[0.1, 0.2], [0.3, 0.4]], [1, 2], r"r has shape \(2, 2\): spike times must be one vector"),
        ([0.1, 0.1, 0.1, 0.2, 0.2], [0] * 5, "only 2 differ from each other"),
    ],
)
def test_units_that_do_not_fit_the_spikes_are_refused(tmp_path, times_s, units, message):
    path = tmp_path / "mine.npz"
    with pytest.raises(InvalidInputError, match=message):
        read_experiment(path, save_times(path, times_s, units))


def test_the_variable_with_the_units_must_be_there(tmp_path):
    path = tmp_path / "mine.npz"
    save_times(path, [0.1], [1])
    options = ReadOptions(stimulus="s", spikes="r", spike_units="q", rate_hz=100.0)
    with pytest.raises(MissingVariableError, match=r"no variable 'q': .* as spike_units"):
        read_experiment(path, options)
    with pytest.raises(InvalidInputError, match="spike_units='u' goes with spike times"):
        ReadOptions(spike_units="u", spikes_are="binned")


def test_counts_said_to_be_times_are_refused(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, s=np.zeros(600), r=np.arange(600) % 2)
    options = ReadOptions(stimulus="s", spikes="r", rate_hz=100.0, spikes_are="times_s")
    with pytest.raises(InvalidInputError, match=r"only 2 differ .* Use spikes_are='binned'"):
        read_experiment(path, options)


@pytest.mark.parametrize(
    ("scale", "shape", "rate_hz", "message"),
    [
        (1000.0, (6000, 3), 100.0, r"s \(6000, 3\) lasts 60 s at 100 Hz"),  # times in ms
        (1.0, (3, 6000), 100.0, r"s \(3, 6000\) lasts 0\.03 s at 100 Hz"),  # transposed
        (1.0, (6000, 3), 1000.0, r"s \(6000, 3\) lasts 6 s at 1000 Hz"),  # a wrong rate
        (1.0, (6000, 3), 1e12, r"s \(6000, 3\) lasts 6e-09 s at 1e\+12 Hz"),
    ],
)
def test_spikes_outside_the_stimulus_are_answered_with_the_usual_causes(
    tmp_path, scale, shape, rate_hz, message
):
    path = tmp_path / "mine.npz"
    np.savez(path, s=np.zeros(shape), r=np.linspace(0.5, 59.5, 664) * scale)
    options = ReadOptions(stimulus="s", spikes="r", rate_hz=rate_hz, spikes_are="times_s")
    causes = r".*Is the rate right, is the stimulus \(time, feature\), are the times in seconds\?"
    with pytest.raises(InvalidInputError, match=message + causes):
        read_experiment(path, options)


@pytest.mark.parametrize("rate_hz", [1e-9, 5e-324])
def test_a_stimulus_of_years_is_refused(tmp_path, rate_hz):
    path = tmp_path / "mine.npz"
    np.savez(path, s=np.zeros(600), r=np.arange(600) % 2)
    with pytest.raises(InvalidInputError, match=r"s \(600,\) lasts .* days .* Check rate_hz"):
        read_experiment(path, ReadOptions(stimulus="s", spikes="r", rate_hz=rate_hz))


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


@pytest.mark.parametrize(
    ("stimulus", "spikes", "message"),
    [
        (np.zeros((0, 5)), np.zeros(4), r"s has shape \(0, 5\): it holds no samples"),
        (np.zeros((4, 0)), np.zeros(4), r"s has shape \(4, 0\): it holds no samples"),
        (np.zeros(4), np.zeros((0, 5)), "r has 0 bins and s 4 samples"),
    ],
)
def test_an_empty_stimulus_or_empty_counts_are_refused(tmp_path, stimulus, spikes, message):
    np.savez(tmp_path / "a.npz", s=stimulus, r=spikes)
    with pytest.raises(InvalidInputError, match=message):
        read_experiment(tmp_path / "a.npz", ReadOptions(stimulus="s", spikes="r", rate_hz=10.0))


def test_a_member_that_is_no_array_is_not_listed(tmp_path):
    np.savez(tmp_path / "a.npz", r=np.zeros(4))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("s", archive.read("r.npy"))
    with pytest.raises(MissingVariableError, match=r"no variable 's': it has r \(4,\)\."):
        read_experiment(tmp_path / "a.npz", ReadOptions(stimulus="s", spikes="r", rate_hz=10.0))


@pytest.mark.parametrize("part", ["spikes", "trials", "responses"])
def test_what_is_no_experiment_is_not_saved(part, tmp_path):
    message = r'is a \w+: only an Experiment .* save_npz.path, Experiment."name", spikes=spikes..'
    with pytest.raises(InvalidInputError, match=message):
        save_npz(tmp_path / "s.npz", getattr(example(), part))
    assert list(tmp_path.iterdir()) == []
