"""Files cut short and files with flipped bits: refused in our own words, never by a raw error."""

import contextlib
import os
import warnings
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest
import scipy.io

from spikeloop.data import Epochs, Experiment, Images, SpikeTrains, TimeSeries, Trials
from spikeloop.errors import BadFileError, InvalidInputError, SpikeloopError
from spikeloop.io import ReadOptions, Session, Subject, read_experiment, save_npz, write_nwb

NAMES = ReadOptions(stimulus="s", spikes="r", rate_hz=500.0)
NWB = ReadOptions(stimulus="stimulus", nwb_stimulus="natural_scenes")


def experiment():
    rng = np.random.default_rng(0)
    table = {"location": np.array(["VISp", "VISl"]), "snr": np.array([1.0, 2.0])}
    return Experiment(
        "x",
        SpikeTrains.from_units({3: [0.5, 1.5], 1: [0.7]}, Epochs([0.0], [9.0]), table),
        TimeSeries(rng.normal(size=(9, 2)), 10.0),
        Trials([0, -1, 1], [0.5, 1.0, 1.5], [0.25] * 3),
        Images(rng.random((9, 3, 3)), np.arange(9)),
    )


def make_nwb(path):
    session = Session("x", datetime(2024, 1, 1, tzinfo=UTC), "x", "Doe, Jane", "x")
    write_nwb(path, experiment(), subject=Subject("x", "Mus musculus", "P90D"), session=session)


def make_small_nwb(path):
    """Write NWB without the specifications that pynwb adds, so that flips hit what is read."""
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.2.0"
        file["units/id"] = [4, 2]
        file["units/spike_times"] = [0.5, 1.5, 0.7]
        file["units/spike_times_index"] = [2, 3]
        file["units/obs_intervals"] = [[0.0, 9.0], [0.0, 9.0]]
        file["units/obs_intervals_index"] = [1, 2]
        file["units/quality"] = [b"good", b"bad"]
        file["intervals/natural_scenes_presentations/start_time"] = [0.5, 1.0]
        file["intervals/natural_scenes_presentations/stop_time"] = [0.75, 1.25]
        file["intervals/natural_scenes_presentations/frame"] = [0.0, 1.0]
        file["stimulus/templates/natural_scenes/data"] = np.ones((2, 3, 3))
        file["stimulus/presentation/stimulus/data"] = np.ones((9, 2))
        file["stimulus/presentation/stimulus/starting_time"] = 0.0
        file["stimulus/presentation/stimulus/starting_time"].attrs["rate"] = 10.0


def make_mat(path):
    scipy.io.savemat(path, {"s": np.arange(50.0), "r": np.arange(50) % 2})


def make_compressed_mat(path):
    scipy.io.savemat(path, {"s": np.arange(50.0), "r": np.arange(50) % 2}, do_compression=True)


def make_mat_73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in {"s": np.arange(50.0), "r": np.arange(50) % 2}.items():
            file[name] = values[None]
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def make_npz(path):
    save_npz(path, experiment())


def make_compressed_npz(path):
    np.savez_compressed(path, s=np.arange(50.0), r=np.arange(50) % 2)


MAKERS = {
    "pynwb.nwb": (make_nwb, NWB),
    "small.nwb": (make_small_nwb, NWB),
    "v5.mat": (make_mat, NAMES),
    "v7.mat": (make_compressed_mat, NAMES),
    "v73.mat": (make_mat_73, NAMES),
    "saved.npz": (make_npz, ReadOptions()),
    "mine.npz": (make_compressed_npz, NAMES),
}


def make(path):
    """Write a valid file of the kind that its name says; return its bytes, and how to read it."""
    maker, options = MAKERS[path.name]
    maker(path)
    assert read_experiment(path, options).spikes.n_units > 0
    return path.read_bytes(), options


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_cut_short_anywhere_is_a_bad_file(tmp_path, name):
    path = tmp_path / name
    content, options = make(path)
    lengths = {1, 7, 100, 130, *np.linspace(1, len(content) - 1, 40, dtype=int).tolist()}
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        with pytest.raises(BadFileError, match=path.name):
            read_experiment(path, options)


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "pynwb.nwb"])
def test_a_flipped_bit_is_harmless_or_refused_in_our_words(tmp_path, name):
    path = tmp_path / name
    content, options = make(path)
    rng = np.random.default_rng(3)
    for place in rng.integers(0, len(content), 60):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(SpikeloopError):
                read_experiment(path, options)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are of POSIX")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(BadFileError, match=r"pipe\.npz is a pipe or a device"):
        read_experiment(tmp_path / "pipe.npz")


def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(BadFileError, match=r"n{300}\.nwb (cannot be opened|does not exist)"):
        read_experiment(tmp_path / ("n" * 300 + ".nwb"))


@pytest.mark.parametrize("stop_s", [1e12, 1e300])
def test_a_recording_of_years_is_refused(tmp_path, stop_s):
    make_small_nwb(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "a.nwb", "a") as file:
        file["units/obs_intervals"][:, 1] = stop_s
    with pytest.raises(InvalidInputError, match=r"obs_intervals run from 0 to .*366 are"):
        read_experiment(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "a.nwb", "a") as file:
        del file["units/obs_intervals"], file["units/obs_intervals_index"]
        del file["units/spike_times"]
        file["units/spike_times"] = [0.5, stop_s, 0.7]
    with pytest.raises(InvalidInputError, match=r"spikes and interval tables run from 0\.5 to"):
        read_experiment(tmp_path / "a.nwb")


def test_a_link_to_a_file_that_is_not_there_names_it(tmp_path):
    make_small_nwb(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "a.nwb", "a") as file:
        del file["units"]
        file["units"] = h5py.ExternalLink("other.h5", "/units")
    with pytest.raises(BadFileError, match=r"units is a link to other\.h5, which is not there"):
        read_experiment(tmp_path / "a.nwb")
