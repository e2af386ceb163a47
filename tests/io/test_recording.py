"""A recording comes back from its folder as it was, or is refused; nothing half-written stays."""

import errno
import json
import shutil
from collections import namedtuple
from multiprocessing.reduction import ForkingPickler

import numpy as np
import probeinterface
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.data import Epochs, GroundTruth, Recording, SpikeTrains, Templates
from spikeloop.errors import (
    BadFileError,
    InvalidInputError,
    MissingVariableError,
    ResultsFolderError,
    SpikeloopWarning,
    UnsafeFileError,
)
from spikeloop.io import (
    RawFormat,
    read_binary,
    read_experiment,
    read_ground_truth,
    read_recording,
    save_recording,
    write_truth_nwb,
)

CONTACTS_UM = np.array([[0.0, 40.0], [16.0, 20.0], [0.0, 0.0]])
TRACES_UV = np.random.default_rng(5).normal(0, 40, size=(1000, 3)).astype(np.float32)


def recording(traces_uV=TRACES_UV, contacts_um=CONTACTS_UM):
    return Recording.from_array(traces_uV, 30000.0, contacts_um)


def truth(**changes):
    spikes = SpikeTrains.from_units(
        {"b": [0.01, 0.02], "a": [0.015], "silent": []},
        Epochs([0.0], [1 / 30]),
        {"depth_um": [10.0, 20.0, 30.0], "kind": np.array(["x", "yy", "z"], dtype=object)},
    )
    waveforms_uV = np.random.default_rng(6).normal(size=(3, 20, 3))
    templates = {"waveforms_uV": waveforms_uV, "sample_rate_hz": 30000.0, "peak_sample": 7}
    templates |= {"contacts_um": CONTACTS_UM, "unit_ids": ["b", "a", "silent"]}
    return GroundTruth(spikes, Templates(**(templates | changes)), {"amplitude": [1.0, 0.9, 1.1]})


@pytest.fixture
def folder(tmp_path):
    save_recording(recording(), tmp_path / "rec", truth=truth())
    return tmp_path / "rec"


def edit(path, **changes):
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value != "drop"}))


def test_what_is_saved_is_read_to_within_half_a_step(folder):
    again = read_recording(folder, check_sha256=True)
    assert (again.n_samples, again.sample_rate_hz) == (1000, 30000.0)
    np.testing.assert_array_equal(again.contacts_um, CONTACTS_UM)
    assert again.read(0, 1000).dtype == np.float32
    assert np.abs(again.read(0, 1000) - TRACES_UV).max() <= 0.195 / 2 * 1.0001
    np.testing.assert_array_equal(again.read(7, 9), again.read(0, 1000)[7:9])


def test_the_traces_are_int16_with_all_channels_of_a_sample_together(folder):
    numbers = np.fromfile(folder / "traces.dat", "<i2").reshape(1000, 3)
    np.testing.assert_array_equal(numbers, np.rint(TRACES_UV / np.float32(0.195)))
    described = json.loads((folder / "recording.json").read_text())
    assert (described["gain_uV"], described["n_clipped"]) == (0.195, 0)
    probe = probeinterface.read_probeinterface(folder / "probe.json").probes[0]
    np.testing.assert_array_equal(probe.contact_positions, CONTACTS_UM)


@given(
    numbers=st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=20),
    gain_uV=st.floats(1e-3, 1e3),
)
def test_a_recording_that_was_read_is_saved_as_the_same_bytes(tmp_path_factory, numbers, gain_uV):
    place = tmp_path_factory.mktemp("raw")
    np.array(numbers, "<i2").tofile(place / "raw.dat")
    raw = read_binary(place / "raw.dat", 1000.0, [[0.0, 0.0]], RawFormat(gain_uV))
    save_recording(raw, place / "rec", gain_uV=gain_uV)
    assert (place / "rec" / "traces.dat").read_bytes() == (place / "raw.dat").read_bytes()


def test_the_pieces_do_not_show(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("spikeloop.io.recording._CHUNK_NUMBERS", 50)
    save_recording(recording(), tmp_path / "pieces")
    for name in ("traces.dat", "recording.json", "probe.json"):
        assert (tmp_path / "pieces" / name).read_bytes() == (folder / name).read_bytes()


def test_an_opened_recording_can_be_sent_to_another_process(folder):
    opened = read_recording(folder)
    sent = ForkingPickler.loads(ForkingPickler.dumps(opened))
    np.testing.assert_array_equal(sent.read(10, 20), opened.read(10, 20))


def test_the_truth_comes_back(folder):
    known, again = truth(), read_ground_truth(folder)
    for name in ("times_s", "unit_index", "unit_ids"):
        np.testing.assert_array_equal(getattr(again.spikes, name), getattr(known.spikes, name))
    assert again.spikes.epochs.duration_s == known.spikes.epochs.duration_s
    assert again.spikes.unit_table["kind"].tolist() == ["x", "yy", "z"]
    assert again.spike_table["amplitude"].tolist() == [1.0, 0.9, 1.1]
    np.testing.assert_array_equal(again.templates.waveforms_uV, known.templates.waveforms_uV)
    assert (again.templates.peak_sample, again.templates.sample_rate_hz) == (7, 30000.0)
    opened = read_experiment(folder / "ground_truth.npz")
    assert (opened.name, opened.spikes.n_units) == ("rec", 3)


def test_what_is_clipped_is_counted(tmp_path):
    traces_uV = TRACES_UV.copy()
    traces_uV[3, 0], traces_uV[900, 2] = 10000.0, -1e38
    with pytest.warns(SpikeloopWarning, match=r"2 samples \(0\.067 %\) lay beyond 6389\.6 uV, up"):
        save_recording(recording(traces_uV), tmp_path / "rec")
    described = json.loads((tmp_path / "rec" / "recording.json").read_text())
    assert described["n_clipped"] == 2
    again = read_recording(tmp_path / "rec").read(0, 1000)
    assert again.max() == np.float32(32767 * np.float32(0.195))
    assert again.min() == np.float32(-32768 * np.float32(0.195))


def test_the_gain_that_is_advised_is_enough(tmp_path):
    high = np.full((4, 3), 10000.0)
    with pytest.warns(SpikeloopWarning, match=r"use gain_uV=0\.305 or more"):
        save_recording(recording(high), tmp_path / "low")
    save_recording(recording(high), tmp_path / "rec", gain_uV=0.306)
    np.testing.assert_allclose(read_recording(tmp_path / "rec").read(0, 4), high, atol=0.16)


def test_a_folder_that_is_there_is_not_touched(folder, tmp_path):
    with pytest.raises(ResultsFolderError, match=r"rec exists already\. Choose another"):
        save_recording(recording(), folder)
    (tmp_path / "new.partial").mkdir()
    with pytest.raises(ResultsFolderError, match=r"new\.partial is in the way: .* was cut off"):
        save_recording(recording(), tmp_path / "new")
    assert (tmp_path / "new.partial").exists()


Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_is_too_small_is_known_before(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 5000))
    with pytest.raises(BadFileError, match=r"it needs 1054576 bytes \(0\.00105 GB\), and 5000 are"):
        save_recording(recording(), tmp_path / "rec")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, r"it needs \d+ bytes \(.*\), and \d+ are free\. Nothing was kept"),
        (errno.EIO, r"rec cannot be written: .*Nothing was kept. Check the path"),
    ],
)
def test_a_disk_that_fails_on_the_way_keeps_nothing(tmp_path, monkeypatch, number, message):
    class FullFile:
        def write(self, content):
            raise OSError(number, "no more")

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    monkeypatch.setattr("pathlib.Path.open", lambda self, mode: FullFile())
    with pytest.raises(BadFileError, match=message):
        save_recording(recording(), tmp_path / "rec")
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadFileError, match=r"rec cannot be written: .*Check the path"):
        save_recording(recording(), tmp_path / "file" / "rec")


def test_samples_that_are_not_finite_are_refused_and_nothing_stays(tmp_path):
    def fetch(start, stop):
        traces_uV = TRACES_UV[start:stop].copy()
        traces_uV[500, 1] = np.nan
        return traces_uV

    with pytest.raises(InvalidInputError, match="sample 500 of channel 1 is nan: all must be"):
        save_recording(Recording(fetch, 1000, 1e3, CONTACTS_UM), tmp_path / "rec")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gain_uV", [0.0, -1.0, np.nan, np.inf])
def test_a_gain_that_cannot_be_is_refused(tmp_path, gain_uV):
    with pytest.raises(InvalidInputError, match=rf"gain_uV={gain_uV}: give what one step"):
        save_recording(recording(), tmp_path / "rec", gain_uV=gain_uV)


def test_contacts_on_top_of_each_other_are_refused(tmp_path):
    with pytest.raises(
        InvalidInputError, match=r"1 contacts of contacts_um lie at the place of another"
    ):
        save_recording(recording(contacts_um=CONTACTS_UM[[0, 1, 0]]), tmp_path / "rec")


def test_a_truth_of_another_recording_is_refused(tmp_path):
    for other in (
        truth(sample_rate_hz=20000.0),
        truth(waveforms_uV=np.ones((3, 20, 2)), contacts_um=CONTACTS_UM[:2]),
    ):
        with pytest.raises(
            InvalidInputError, match=r"the recording 3 at 30000 Hz\. Give the truth"
        ):
            save_recording(recording(), tmp_path / "rec", truth=other)


def test_a_truth_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"truth is a Templates: give a GroundTruth"):
        save_recording(recording(), tmp_path / "rec", truth=truth().templates)
    with pytest.raises(InvalidInputError, match=r"truth is a Templates: give a GroundTruth"):
        write_truth_nwb(tmp_path / "x.nwb", truth().templates, subject=None, session=None)
    with pytest.raises(InvalidInputError, match="recording is a ndarray: give a Recording"):
        save_recording(TRACES_UV, tmp_path / "rec")
    assert list(tmp_path.iterdir()) == []


def test_truth_that_only_pickle_could_hold_is_refused(tmp_path):
    known = truth()
    objects = GroundTruth(known.spikes, known.templates, {"x": np.array([{}, 1, 2], dtype=object)})
    with pytest.raises(InvalidInputError, match=r"spike_table\.x holds objects"):
        save_recording(recording(), tmp_path / "rec", truth=objects)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_without_truth_says_so(tmp_path):
    save_recording(recording(), tmp_path / "rec")
    with pytest.raises(BadFileError, match=r"ground_truth\.npz does not exist"):
        read_ground_truth(tmp_path / "rec")


def test_truth_without_templates_is_refused(folder):
    with np.load(folder / "ground_truth.npz", allow_pickle=False) as saved:
        kept = {name: saved[name] for name in saved if name != "templates.peak_sample"}
    np.savez(folder / "ground_truth.npz", **kept)
    with pytest.raises(MissingVariableError, match=r"lacks templates\.peak_sample: it holds name"):
        read_ground_truth(folder)


def test_traces_that_are_cut_short_are_refused(folder):
    content = (folder / "traces.dat").read_bytes()
    (folder / "traces.dat").write_bytes(content[:-6])
    with pytest.raises(BadFileError, match=r"has 5994 bytes: 1000 samples of 3 channels are 6000"):
        read_recording(folder)


def test_traces_that_shrink_after_opening_are_refused(folder):
    opened = read_recording(folder)
    (folder / "traces.dat").write_bytes(b"123456")
    with pytest.raises(BadFileError, match="cannot be read as raw traces"):
        opened.read(900, 1000)


def test_a_bit_that_was_turned_is_found_when_asked_for(folder):
    content = bytearray((folder / "traces.dat").read_bytes())
    content[100] ^= 1
    (folder / "traces.dat").write_bytes(content)
    read_recording(folder)
    with pytest.raises(BadFileError, match=r"was written down\. It is damaged: copy it again"):
        read_recording(folder, check_sha256=True)


@pytest.mark.parametrize("name", ["recording.json", "probe.json", "traces.dat"])
def test_a_file_that_is_missing_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BadFileError, match=f"{name} does not exist"):
        read_recording(folder)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"gain_uV": "drop"}, MissingVariableError, "lacks gain_uV. Save the recording again"),
        ({"n_samples": "drop"}, MissingVariableError, "lacks n_samples"),
        ({"n_samples": "1000"}, BadFileError, "n_samples='1000'"),
        ({"n_samples": True}, BadFileError, "n_samples=True"),
        ({"n_channels": 4}, BadFileError, "probe.json has 3 contacts and recording.json 4 channel"),
        ({"n_samples": 10**15}, BadFileError, "channels are 6000000000000000. It is cut short"),
        ({"sample_rate_hz": 1e-9}, InvalidInputError, "days at 1e-09 Hz. Check sample_rate_hz"),
        ({"sample_rate_hz": 10**400}, BadFileError, "the description of a recording"),
        ({"gain_uV": float("nan")}, InvalidInputError, "gain_uV=nan: give what one step"),
        ({"sample_rate_hz": float("nan")}, InvalidInputError, "sample_rate_hz=nan: it must be"),
        ({"n_samples": -1000}, BadFileError, "-1000 samples of 3 channels are -6000"),
        ({"n_channels": -3}, BadFileError, "probe.json has 3 contacts and recording.json -3"),
        ({"dtype": "<f4"}, BadFileError, "dtype='<f4', and traces are read as '<i2'"),
        ({"axes": ["channel", "time"]}, BadFileError, "axes=.'channel', 'time'., and traces"),
        ({"format_version": 2}, BadFileError, "is of format 2; this spikeloop reads 1"),
    ],
)
def test_a_description_that_cannot_be_is_refused(folder, changes, error, message):
    edit(folder / "recording.json", **changes)
    with pytest.raises(error, match=message):
        read_recording(folder)


@pytest.mark.parametrize("content", ["[]", "{", "[" * 100000])
def test_a_description_that_is_none_is_refused(folder, content):
    (folder / "recording.json").write_text(content)
    with pytest.raises(BadFileError, match=r"does not describe a recording|cannot be read as JSON"):
        read_recording(folder)


def test_a_description_that_is_huge_is_not_read(folder, monkeypatch):
    monkeypatch.setattr("spikeloop.io.recording.MAX_JSON_BYTES", 100)
    with pytest.raises(UnsafeFileError, match=r"recording\.json claims"):
        read_recording(folder)


def test_spikeinterface_opens_the_folder(folder):
    core = pytest.importorskip("spikeinterface.core", reason="spikeinterface is not installed")
    wanted_uV = read_recording(folder).read(0, 1000)
    by_hand = core.read_binary(
        folder / "traces.dat", 30000.0, "int16", 3, gain_to_uV=0.195, offset_to_uV=0.0
    )
    probes = probeinterface.read_probeinterface(folder / "probe.json")
    by_hand = by_hand.set_probegroup(probes) or by_hand  # older versions return a new recording
    for opened in (core.load(folder), by_hand):
        np.testing.assert_allclose(opened.get_traces(return_in_uV=True), wanted_uV, rtol=1e-6)
        np.testing.assert_array_equal(opened.get_channel_locations(), CONTACTS_UM)
        assert opened.get_sampling_frequency() == 30000.0
