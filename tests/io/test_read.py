"""The one door tells files by their content, and errors name the file."""

import os
import shutil

import h5py
import numpy as np
import pytest
import scipy.io

from spikeloop.data import Epochs, Experiment, SpikeTrains
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io import ReadOptions, read_experiment, save_npz

NAMES = ReadOptions(stimulus="s", spikes="r", rate_hz=10.0)


def test_content_decides_where_the_name_says_something_else(tmp_path):
    variables = {"s": np.zeros(4), "r": np.array([0, 1, 0, 1])}
    scipy.io.savemat(tmp_path / "a.mat", variables)
    np.savez(tmp_path / "b.npz", **variables)
    for name in ("a.mat", "b.npz"):
        shutil.copy(tmp_path / name, tmp_path / "c.nwb")
        assert len(read_experiment(tmp_path / "c.nwb", NAMES).spikes.times_s) == 2


def test_hdf5_is_nwb_unless_its_name_ends_in_mat(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s"] = np.zeros(4)
    with pytest.raises(BadFileError, match="is HDF5 but not NWB"):
        read_experiment(tmp_path / "a.h5")
    shutil.copy(tmp_path / "a.h5", tmp_path / "a.mat")
    with pytest.raises(BadFileError, match="s is a MATLAB unknown"):
        read_experiment(tmp_path / "a.mat", ReadOptions(stimulus="s", spikes="s", rate_hz=1.0))


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        (
            {"rate_hz": 30.0, "spikes": "foo"},
            "a.nwb",
            "spikes, rate_hz do not apply to an NWB file",
        ),
        ({"image_side_px": 7}, "a.nwb", "image_side_px does not .* are: stimulus, nwb_stimulus"),
        ({"nwb_quality": True}, "a.npz", "nwb_quality does not apply to an npz file"),
        ({"nwb_images": "x"}, "a.mat", "nwb_images does not apply to a MATLAB file"),
        ({"rate_hz": 30.0}, "saved.npz", "not apply to an experiment written .* are: none"),
        ({"spikes_are": "binned"}, "v4", "apply to a folder of V4 .* are: image_side_px"),
    ],
)
def test_options_for_another_kind_of_file_are_refused(tmp_path, options, name, message):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.2.0"
    variables = {"s": np.zeros(4), "r": np.array([0, 1, 0, 1])}
    scipy.io.savemat(tmp_path / "a.mat", variables)
    np.savez(tmp_path / "a.npz", **variables)
    spikes = SpikeTrains.from_units({0: [0.5]}, Epochs([0.0], [1.0]))
    save_npz(tmp_path / "saved.npz", Experiment("x", spikes))
    (tmp_path / "v4").mkdir()
    for part in ("images.zip", "responses_mean.npy"):
        (tmp_path / "v4" / part).touch()
    with pytest.raises(InvalidInputError, match=message) as refusal:
        read_experiment(tmp_path / name, ReadOptions(**options))
    assert name in str(refusal.value)


def test_options_equal_to_their_default_are_not_given(tmp_path):
    np.savez(tmp_path / "a.npz", s=np.zeros(4), r=np.array([0, 1, 0, 1]))
    options = ReadOptions("s", "r", rate_hz=10.0, nwb_quality=False, presence_ratio_min=0.95)
    assert len(read_experiment(tmp_path / "a.npz", options).spikes.times_s) == 2


def test_quality_limits_without_nwb_quality_are_refused():
    with pytest.raises(InvalidInputError, match="isi_violations_max has no effect without nwb_qu"):
        ReadOptions(isi_violations_max=0.1)


def test_what_is_no_such_file_is_refused(tmp_path):
    with pytest.raises(
        BadFileError, match=r"gone\.nwb does not exist\. Check the spelling of the path"
    ):
        read_experiment(tmp_path / "gone.nwb")
    with pytest.raises(BadFileError, match=r"is a folder without images\.zip"):
        read_experiment(tmp_path)
    (tmp_path / "empty.nwb").touch()
    with pytest.raises(BadFileError, match=r"empty\.nwb is empty"):
        read_experiment(tmp_path / "empty.nwb")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BadFileError, match=r"notes\.txt is neither NWB nor MATLAB nor npz"):
        read_experiment(tmp_path / "notes.txt")


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "secret.nwb"
    path.write_bytes(b"x")

    def refuse(*_):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(BadFileError, match=r"secret\.nwb cannot be opened: Permission denied"):
        read_experiment(path)


def test_errors_of_content_name_the_file(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, s=np.array([0.0, np.inf, 1.0]), r=np.zeros(3))
    with pytest.raises(
        InvalidInputError, match=r"mine\.npz: values holds 1 values that are not fin"
    ):
        read_experiment(path, NAMES)


def test_a_locked_file_comes_with_a_hint(tmp_path, monkeypatch):
    path = tmp_path / "far.nwb"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")

    def locked(*_, **__):
        raise OSError(11, "unable to lock file")

    monkeypatch.setattr(h5py, "File", locked)
    with pytest.raises(BadFileError, match="set HDF5_USE_FILE_LOCKING=FALSE"):
        read_experiment(path)
