"""Templates come back from every kind of file, and files that are none of these are refused."""

import struct

import numpy as np
import pytest
import scipy.io

from spikeloop.data import Templates
from spikeloop.errors import BadFileError, InvalidInputError, MissingVariableError, UnsafeFileError
from spikeloop.io import read_templates, save_templates
from spikeloop.io.mat5 import cells_of, fields_of, list_variables, values_of
from spikeloop.io.mda import read_mda
from spikeloop.simulate import TemplateGenerator, generate_templates

RNG = np.random.default_rng(8)
CONTACTS_UM = np.array([[0.0, 0.0], [0.0, 20.0], [5.0, 40.0]])


def waves(n_units=4, n_channels=3):
    """Return (unit, time, channel) waves with a trough at sample 3 of the first channel."""
    waveforms = RNG.normal(0, 0.1, size=(n_units, 10, n_channels))
    waveforms[:, 3, 0] = -8.0
    return waveforms


def test_our_own_come_back(tmp_path):
    saved = Templates(waves(), 25000.0, 5, CONTACTS_UM, np.array(list("abcd"), dtype=object))
    save_templates(tmp_path / "t.npz", saved)
    again = read_templates(tmp_path / "t.npz")
    np.testing.assert_array_equal(again.waveforms_uV, saved.waveforms_uV)
    np.testing.assert_array_equal(again.contacts_um, CONTACTS_UM)
    assert (again.sample_rate_hz, again.peak_sample) == (25000.0, 5)
    assert again.unit_ids.tolist() == list("abcd")
    assert [file.name for file in tmp_path.iterdir()] == ["t.npz"]


def test_what_is_given_goes_before_what_the_file_tells(tmp_path):
    save_templates(tmp_path / "t.npz", Templates(waves(), 25000.0, 5, CONTACTS_UM, range(4)))
    again = read_templates(
        tmp_path / "t.npz", sample_rate_hz=10.0, contacts_um=CONTACTS_UM + 1, scale_uV=2.0
    )
    assert again.sample_rate_hz == 10.0
    np.testing.assert_array_equal(again.contacts_um, CONTACTS_UM + 1)
    assert again.waveforms_uV[0, 3, 0] == -16.0


def test_an_archive_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.zeros(3))
    with pytest.raises(MissingVariableError, match=r"lacks waveforms_uV, .*: it holds x \(3,\)"):
        read_templates(tmp_path / "t.npz")


def test_ids_that_only_pickle_could_hold_are_refused(tmp_path):
    odd = np.array([(1,), "b", "c", "d"], dtype=object)
    templates = Templates(waves(), 25000.0, 5, CONTACTS_UM, range(4))
    object.__setattr__(templates, "unit_ids", odd)
    with pytest.raises(InvalidInputError, match="unit_ids holds objects that are neither"):
        save_templates(tmp_path / "t.npz", templates)
    assert list(tmp_path.iterdir()) == []


def test_emouse(tmp_path):
    given = waves()
    x_um, y_um = CONTACTS_UM.T[:, :, None]
    variables = {"waves": given.transpose(1, 2, 0), "fs": 25000.0, "xc": x_um, "yc": y_um}
    scipy.io.savemat(tmp_path / "t.mat", variables, do_compression=True)
    again = read_templates(tmp_path / "t.mat", scale_uV=10.0)
    np.testing.assert_allclose(again.waveforms_uV, 10 * given, rtol=1e-6)
    np.testing.assert_array_equal(again.contacts_um, CONTACTS_UM)
    assert (again.sample_rate_hz, again.peak_sample) == (25000.0, 3)
    assert again.unit_ids.tolist() == [0, 1, 2, 3]


def test_retina(tmp_path):
    given = waves()
    about = {"name": "retina", "electrodelocs": CONTACTS_UM.T / 20, "samplefreq": 20000}
    variables = {"W": given.transpose(2, 1, 0), "d": about, "fac": 3}
    scipy.io.savemat(tmp_path / "t.mat", variables)
    again = read_templates(tmp_path / "t.mat")
    np.testing.assert_array_equal(again.waveforms_uV, given.astype(np.float32))
    np.testing.assert_allclose(again.contacts_um, CONTACTS_UM * 3)  # 60 um between neighbours
    assert (again.sample_rate_hz, again.peak_sample) == (60000.0, 3)


def save_neocortex(path):
    cells = np.empty((5, 1), dtype=object)
    for i, n_channels in enumerate([3, 2, 3, 3, 2]):
        cells[i, 0] = waves(1, n_channels)[0].T.astype(np.float32)
    scipy.io.savemat(path, {"s": {"nspks": np.arange(5), "mean": cells}}, do_compression=True)
    return cells


def test_neocortex_gives_the_units_that_fit_the_contacts(tmp_path):
    cells = save_neocortex(tmp_path / "t.mat")
    again = read_templates(tmp_path / "t.mat", sample_rate_hz=2e4, contacts_um=CONTACTS_UM)
    assert again.unit_ids.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(again.waveforms_uV[1], cells[2, 0].T)
    with pytest.raises(InvalidInputError, match=r"several numbers of channels \(2 of 2, 3 of 3\)"):
        read_templates(tmp_path / "t.mat", sample_rate_hz=2e4)
    with pytest.raises(
        InvalidInputError, match=r"t\.mat does not tell its rate\. Give sample_rate"
    ):
        read_templates(tmp_path / "t.mat", contacts_um=CONTACTS_UM)


def mda(array, code, shape=None, n_bytes=None, lengths="<i4"):
    shape = array.shape if shape is None else shape
    n_axes = len(shape) if lengths == "<i4" else -len(shape)
    header = struct.pack("<3i", code, n_bytes or array.itemsize, n_axes)
    return header + np.array(shape, lengths).tobytes() + array.tobytes(order="F")


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(-2, "u1"), (-3, "<f4"), (-4, "<i2"), (-5, "<i4"), (-6, "<u2"), (-7, "<f8"), (-8, "<u4")],
)
@pytest.mark.parametrize("lengths", ["<i4", "<i8"])
def test_mda_of_every_type(tmp_path, code, dtype, lengths):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "t.mda").write_bytes(mda(array, code, lengths=lengths))
    again = read_mda(tmp_path / "t.mda")
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_templates_from_mda(tmp_path):
    given = waves().astype(np.float32)
    (tmp_path / "t.mda").write_bytes(mda(given.transpose(2, 1, 0), -3))
    again = read_templates(tmp_path / "t.mda", sample_rate_hz=2e4, contacts_um=CONTACTS_UM)
    np.testing.assert_array_equal(again.waveforms_uV, given)
    with pytest.raises(InvalidInputError, match="does not tell where its 3 contacts lie"):
        read_templates(tmp_path / "t.mda", sample_rate_hz=2e4)
    (tmp_path / "t.mda").write_bytes(mda(given[0].T, -3))
    with pytest.raises(InvalidInputError, match=r"waveforms of shape \(3, 10\): they must have th"):
        read_templates(tmp_path / "t.mda", sample_rate_hz=2e4, contacts_um=CONTACTS_UM)


SOME = np.zeros((2, 3), "<f4")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (
            b"abc",
            BadFileError,
            r"is not an \.mda file of real numbers: it begins with type 6513249",
        ),
        (mda(SOME, -1), BadFileError, "begins with type -1, 4 bytes a number and 2 axes"),
        (mda(SOME, -3, n_bytes=8), BadFileError, "type -3, 8 bytes a number"),
        (mda(SOME, -3, shape=()), BadFileError, "and 0 axes"),
        (mda(SOME, -3, shape=(1,) * 51), BadFileError, "and 51 axes"),
        (mda(SOME, -3)[:-1], BadFileError, r"shape \(2, 3\) and 44 bytes; it has 43"),
        (mda(SOME, -3) + b"x", BadFileError, r"shape \(2, 3\) and 44 bytes; it has 45"),
        (mda(SOME, -3, shape=(-2, -3)), BadFileError, r"shape \(-2, -3\) and 44 bytes; it has 44"),
        (mda(SOME, -3)[:17], BadFileError, r"shape \(2,\) and .* bytes; it has 17"),
        (mda(SOME, -3)[:12], BadFileError, r"shape \(\) and .* bytes; it has 12"),
        (mda(SOME, -3, shape=(2**30, 2**30)), UnsafeFileError, "claims 4398046511104 MiB"),
        (mda(SOME, -3, shape=(2**62, 2**62), lengths="<i8"), UnsafeFileError, "claims"),
    ],
)
def test_damaged_mda_is_refused(tmp_path, content, error, message):
    (tmp_path / "t.mda").write_bytes(content)
    with pytest.raises(error, match=message):
        read_mda(tmp_path / "t.mda")


def test_files_that_hold_no_templates_are_refused(tmp_path):
    (tmp_path / "t.txt").write_text("x")
    with pytest.raises(BadFileError, match=r"it must be \.npz, \.mda, \.mat\. Save them with"):
        read_templates(tmp_path / "t.txt")
    scipy.io.savemat(tmp_path / "t.mat", {"x": np.zeros(3)})
    with pytest.raises(MissingVariableError, match=r"holds x \(1, 3\): templates are waves, fs"):
        read_templates(tmp_path / "t.mat")
    scipy.io.savemat(tmp_path / "t.mat", {"s": {"sd": 1}})
    with pytest.raises(MissingVariableError, match=r"s has no field mean\. Fetch"):
        read_templates(tmp_path / "t.mat")
    scipy.io.savemat(tmp_path / "t.mat", {"s": {"mean": 1}})
    with pytest.raises(BadFileError, match=r"s\.mean is a MATLAB .*: it must be a cell"):
        read_templates(tmp_path / "t.mat")
    scipy.io.savemat(tmp_path / "t.mat", {"W": np.zeros((2, 3, 4)), "d": 1, "fac": 1})
    with pytest.raises(BadFileError, match=r"d is a MATLAB .* \(1, 1\): it must be one struct"):
        read_templates(tmp_path / "t.mat")
    variables = {"waves": np.zeros(3), "fs": 1.0, "xc": [1], "yc": [1, 2]}
    scipy.io.savemat(tmp_path / "t.mat", variables)
    with pytest.raises(BadFileError, match="cannot be read as templates"):
        read_templates(tmp_path / "t.mat")
    with pytest.raises(BadFileError, match="does not exist"):
        read_templates(tmp_path / "none.mat")


@pytest.mark.parametrize("scale_uV", [0.0, np.nan, np.inf])
def test_a_scale_that_cannot_be_is_refused(tmp_path, scale_uV):
    save_templates(tmp_path / "t.npz", Templates(waves(), 25000.0, 5, CONTACTS_UM, range(4)))
    with pytest.raises(InvalidInputError, match=f"scale_uV={scale_uV}: give what 1 in the file is"):
        read_templates(tmp_path / "t.npz", scale_uV=scale_uV)


def nested(path, compressed):
    inner = np.empty((2, 3), dtype=object)
    for i, j in np.ndindex(2, 3):
        inner[i, j] = np.full((i + 1, j + 1), 10 * i + j, dtype=np.int16)
    thing = {"cells": inner, "a_long_name_of_a_field": np.pi, "deeper": {"x": np.arange(3.0)}}
    scipy.io.savemat(path, {"thing": thing}, do_compression=compressed)


@pytest.mark.parametrize("compressed", [True, False])
def test_structs_and_cells_are_read_as_matlab_shows_them(tmp_path, compressed):
    nested(tmp_path / "t.mat", compressed)
    fields = fields_of(list_variables(tmp_path / "t.mat")["thing"], "thing")
    assert list(fields) == ["cells", "a_long_name_of_a_field", "deeper"]
    assert values_of(fields["a_long_name_of_a_field"], "x").item() == np.pi
    deeper = fields_of(fields["deeper"], "deeper")
    assert values_of(deeper["x"], "x").ravel().tolist() == [0.0, 1.0, 2.0]
    cells = [values_of(cell, "cell") for cell in cells_of(fields["cells"], "cells")]
    assert [cell[0, 0] for cell in cells] == [0, 10, 1, 11, 2, 12]  # the first axis runs fastest
    assert [cell.shape for cell in cells] == [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]


def test_a_turned_bit_gives_other_numbers_or_a_refusal_and_nothing_else(tmp_path):
    nested(tmp_path / "t.mat", compressed=False)
    content = (tmp_path / "t.mat").read_bytes()
    for place in range(128, len(content), 5):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        (tmp_path / "t.mat").write_bytes(damaged)
        try:
            for variable in list_variables(tmp_path / "t.mat").values():
                fields = fields_of(variable, "thing")
                for cell in cells_of(fields["cells"], "cells"):
                    values_of(cell, "cell")
        except (BadFileError, KeyError):
            pass


def test_a_cell_array_that_claims_too_many_cells_is_refused(tmp_path):
    nested(tmp_path / "t.mat", compressed=False)
    content = (tmp_path / "t.mat").read_bytes()
    axes = struct.pack("<2i", 2, 3)
    assert content.count(axes) >= 1
    (tmp_path / "t.mat").write_bytes(content.replace(axes, struct.pack("<2i", 2**30, 2**30), 1))
    fields = fields_of(list_variables(tmp_path / "t.mat")["thing"], "thing")
    with pytest.raises(BadFileError, match="cells cannot be read as MATLAB"):
        cells_of(fields["cells"], "cells")


def test_units_that_are_no_templates_yet_are_not_saved(tmp_path):
    units = generate_templates([[0.0, 0.0]], TemplateGenerator(n_units=1), seed=1)
    with pytest.raises(InvalidInputError, match=r"a CurrentSources: .* units.templates\(\)"):
        save_templates(tmp_path / "units.npz", units)
    assert list(tmp_path.iterdir()) == []
