"""MATLAB files by the names of their variables: version 5 written by SciPy, 7.3 by h5py."""

import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

from spikeloop.errors import (
    BadFileError,
    InvalidInputError,
    MissingVariableError,
    SpikeloopWarning,
    UnsafeFileError,
)
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.io.mat5 import list_variables, values_of

STIM = np.array([0.5, -1.0, 2.0, 0.0])
RHO = np.array([0, 2, 0, 1], dtype=np.uint8)
NAMES = ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0)


def save_v73(path, variables):
    """Write what MATLAB writes: a text header before the HDF5, axes turned round, classes named."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            file[name] = np.asarray(values).T
            file[name].attrs["MATLAB_class"] = np.bytes_(
                {"f": "double", "u": "uint8", "i": "int64"}[np.asarray(values).dtype.kind]
            )
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def save_v5(path, variables):
    scipy.io.savemat(path, variables, do_compression=True)


@pytest.fixture(params=[save_v5, save_v73], ids=["v5", "v7.3"])
def mat(request, tmp_path):
    """Return a writer of a .mat file of either version."""

    def write(**variables):
        request.param(tmp_path / "c.mat", variables)
        return tmp_path / "c.mat"

    return write


@pytest.mark.parametrize("turn", [np.ravel, np.atleast_2d, lambda v: v[:, None]])
def test_counts_stand_in_the_middle_of_their_bins(mat, turn):
    experiment = read_experiment(mat(stim=turn(STIM), rho=turn(RHO)), NAMES)
    assert experiment.name == "c"
    assert experiment.stimulus.values[:, 0].tolist() == STIM.tolist()
    assert experiment.stimulus.sample_rate_hz == 500.0
    assert experiment.spikes.unit_ids.tolist() == [0]
    np.testing.assert_allclose(experiment.spikes.times_s, [0.003, 0.003, 0.007])
    assert experiment.spikes.epochs.duration_s == pytest.approx(0.008)


def test_axes_are_as_matlab_shows_them(mat):
    stim = np.arange(12.0).reshape(4, 3)
    rho = np.stack([RHO, RHO[::-1]], axis=1)
    experiment = read_experiment(mat(stim=stim, rho=rho), NAMES)
    assert experiment.stimulus.values.tolist() == stim.tolist()
    assert experiment.spikes.counts().tolist() == [3, 3]
    np.testing.assert_allclose(experiment.spikes.of_unit(1), [0.001, 0.005, 0.005])


def test_images_over_time_become_features(mat):
    stim = np.arange(24.0).reshape(4, 2, 3)
    experiment = read_experiment(mat(stim=stim, rho=RHO), NAMES)
    assert experiment.stimulus.values.tolist() == stim.reshape(4, 6).tolist()


def test_times_are_known_by_their_length_and_by_their_fractions(mat):
    path = mat(stim=STIM, rho=np.array([0.0015, 0.0062]))
    assert read_experiment(path, NAMES).spikes.times_s.tolist() == [0.0015, 0.0062]


def test_times_can_be_said_to_be_times(mat):
    options = ReadOptions(stimulus="stim", spikes="rho", rate_hz=1.0, spikes_are="times_s")
    path = mat(stim=STIM, rho=np.array([3.0, 0.0, 1.0]))
    with pytest.warns(SpikeloopWarning, match="not sorted"):
        assert read_experiment(path, options).spikes.times_s.tolist() == [0.0, 1.0, 3.0]


def test_the_unit_of_each_spike_can_be_given_as_a_variable(mat):
    path = mat(stim=STIM, rho=np.array([0.001, 0.002, 0.007]), cell=np.array([12.0, 3.0, 12.0]))
    options = ReadOptions(stimulus="stim", spikes="rho", spike_units="cell", rate_hz=500.0)
    spikes = read_experiment(path, options).spikes
    assert spikes.unit_ids.tolist() == [3, 12]
    assert spikes.of_unit(12).tolist() == [0.001, 0.007]


@pytest.mark.parametrize(
    ("rho", "how", "message"),
    [
        (np.array([0, 1, 1]), "auto", "rho has 3 bins and stim 4 samples"),
        (np.array([0.1, 0.2, 0.3]), "binned", "rho has 3 bins and stim 4 samples"),
        (np.array([0.0, 1.0, 0.5, 0.0]), "auto", r"not counts \(whole, 0 or more\), such as 0\.5"),
        (np.array([0, -1, 0, 0]), "binned", "not counts .* such as -1"),
        (np.array([0, np.nan, 0, 0]), "auto", "not counts .* such as nan"),
        (np.array([0.001, 0.5]), "auto", r"1 of 2 spikes lie outside .* from 0\.001 to 0\.5 s"),
        (np.array([-0.001, 0.0015]), "times_s", r"stim \(.*\) lasts 0\.008 s at 500 Hz"),
        (np.array([0.001, np.nan]), "times_s", "not finite, the first at index 1"),
        (np.full((2, 3), 0.001), "times_s", r"has shape \(2, 3\): spike times must be one vector"),
    ],
)
def test_spikes_that_do_not_fit_the_stimulus_are_refused(mat, rho, how, message):
    options = ReadOptions(stimulus="stim", spikes="rho", rate_hz=500.0, spikes_are=how)
    with pytest.raises(InvalidInputError, match=message):
        read_experiment(mat(stim=STIM, rho=rho), options)


def test_a_wrong_name_is_answered_with_the_names_there_are(mat):
    path = mat(stim=STIM[:, None], rho=RHO[:, None])
    options = ReadOptions(stimulus="stimulus", spikes="rho", rate_hz=500.0)
    with pytest.raises(
        MissingVariableError, match=r"no variable 'stimulus': it has .*stim \(4, 1\)"
    ):
        read_experiment(path, options)


def test_names_and_rate_that_were_not_given_are_asked_for(mat):
    path = mat(stim=STIM, rho=RHO)
    with pytest.raises(InvalidInputError, match=r"stim \(1, 4\).*which of these is the stimulus|"):
        read_experiment(path)
    with pytest.raises(InvalidInputError, match="say which of these is the spikes"):
        read_experiment(path, ReadOptions(stimulus="stim"))
    with pytest.raises(InvalidInputError, match=r"Give rate_hz \(--rate\)"):
        read_experiment(path, ReadOptions(stimulus="stim", spikes="rho"))
    with pytest.raises(InvalidInputError, match=r"rate_hz=-1\.0: it must be above 0"):
        ReadOptions(rate_hz=-1.0)


def test_matlab_types_that_are_no_numbers_are_refused(tmp_path):
    path = tmp_path / "c.mat"
    for values, kind in [
        ("words", "char"),
        ({"a": 1}, "struct"),
        (np.array([1, "a"], object), "cell"),
    ]:
        scipy.io.savemat(path, {"stim": values, "rho": RHO})
        with pytest.raises(BadFileError, match=f"stim is a MATLAB {kind}: it must be an array"):
            read_experiment(path, NAMES)
    save_v73(path, {"stim": STIM, "rho": RHO})
    for kind in ("function_handle", "object", "opaque"):
        with h5py.File(path, "r+") as file:
            file["stim"].attrs["MATLAB_class"] = np.bytes_(kind)
        with pytest.raises(UnsafeFileError, match=f"stim is a MATLAB {kind}, which is not read"):
            read_experiment(path, NAMES)


def test_classes_and_complex_numbers_are_named_as_what_they_are(tmp_path):
    path = tmp_path / "c.mat"
    scipy.io.savemat(path, {"stim": np.array([1j, 2.0]), "rho": RHO})
    with pytest.raises(BadFileError, match="stim is a MATLAB complex double"):
        read_experiment(path, NAMES)
    scipy.io.savemat(path, {"stim": STIM, "rho": RHO})
    content = path.read_bytes()
    for number, kind in [(3, "object"), (16, "function")]:
        path.write_bytes(content[:144] + bytes([number]) + content[145:])
        with pytest.raises(UnsafeFileError, match=f"stim is a MATLAB {kind}, which is not read"):
            read_experiment(path, NAMES)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        np.arange(24.0).reshape(2, 3, 4),
        np.float32([[1.5, -2.5]]),
        np.array([[True, False]]),
        np.zeros((0, 3)),
        np.array([[7]], dtype=np.int16),
        np.array([[2**63 + 1]], dtype=np.uint64),
        np.array([[-(2**40)]]),
    ],
    ids=str,
)
def test_numbers_are_those_that_scipy_reads(tmp_path, values, compressed):
    path = tmp_path / "c.mat"
    scipy.io.savemat(path, {"before": "text", "x": values}, do_compression=compressed)
    variables = list_variables(path)
    oracle = scipy.io.loadmat(path)["x"]
    assert {n: v.shape for n, v in variables.items()}["x"] == oracle.shape
    got = values_of(variables["x"], "x")
    assert got.dtype == oracle.dtype
    np.testing.assert_array_equal(got, oracle)


def test_doubles_that_matlab_stored_as_bytes_are_doubles_again(tmp_path):
    path = tmp_path / "c.mat"
    scipy.io.savemat(path, {"x": np.arange(8, dtype=np.uint8)})
    content = bytearray(path.read_bytes())
    content[144] = 6  # the class: double; the values stay unsigned bytes
    path.write_bytes(content)
    got = values_of(list_variables(path)["x"], "x")
    assert (got.dtype, got.ravel().tolist()) == (np.float64, list(range(8)))


def test_numbers_with_the_large_end_first(tmp_path):
    flags, dims = struct.pack(">IIII", 6, 8, 6, 0), struct.pack(">IIii", 5, 8, 1, 2)
    name, values = struct.pack(">HH4s", 1, 1, b"x"), struct.pack(">II2d", 9, 16, 1.5, -2.0)
    body = flags + dims + name[2:4] + name[:2] + name[4:] + values
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "c.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    got = values_of(list_variables(tmp_path / "c.mat")["x"], "x")
    assert got.tolist() == [[1.5, -2.0]]


def test_a_deflated_variable_that_swells_is_refused(tmp_path):
    path = tmp_path / "c.mat"
    scipy.io.savemat(path, {"stim": STIM, "rho": RHO}, do_compression=True)
    packed = zlib.compress(struct.pack("<II", 14, 2**32 - 1) + bytes(1000))
    path.write_bytes(path.read_bytes()[:128] + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(BadFileError, match="a deflated variable"):
        read_experiment(path, NAMES)


def test_another_version_is_refused(tmp_path):
    path = tmp_path / "old.mat"
    scipy.io.savemat(path, {"stim": STIM, "rho": RHO}, format="4")
    with pytest.raises(BadFileError, match="not a MATLAB file of version 5 to 7"):
        read_experiment(path, NAMES)


def test_a_count_that_no_unit_could_fire_is_refused(mat):
    path = mat(stim=STIM, rho=np.array([0, 1, 2**52, 0]))
    with pytest.raises(
        InvalidInputError, match=r"a count of .* in a bin of 0\.002 s: no unit fires"
    ):
        read_experiment(path, NAMES)


def test_words_instead_of_numbers_are_refused(tmp_path):
    np.savez(tmp_path / "w.npz", stim=STIM, rho=np.array(["a"] * 4))
    with pytest.raises(InvalidInputError, match="rho holds <U1: it must hold numbers"):
        read_experiment(tmp_path / "w.npz", NAMES)
