"""Raw binary files of any type, and probes of any wiring, are read or refused."""

import numpy as np
import probeinterface
import pytest

from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io import RawFormat, read_binary, read_probe

CONTACTS_UM = np.array([[0.0, 40.0], [16.0, 20.0], [0.0, 0.0]])


def probe_of(positions, **about):
    probe = probeinterface.Probe(ndim=2, si_units=about.get("si_units", "um"))
    probe.set_contacts(positions=positions, shapes="circle", shape_params={"radius": 5.0})
    if "channels" in about:
        probe.set_device_channel_indices(about["channels"])
    return probe


def test_contacts_stand_in_the_order_of_their_channels(tmp_path):
    path = tmp_path / "probe.json"
    probeinterface.write_probeinterface(path, probe_of(CONTACTS_UM, channels=[2, 0, 1]))
    np.testing.assert_array_equal(read_probe(path), CONTACTS_UM[[1, 2, 0]])
    probeinterface.write_probeinterface(path, probe_of(CONTACTS_UM, channels=[1, -1, 0]))
    np.testing.assert_array_equal(read_probe(path), CONTACTS_UM[[2, 0]])
    probeinterface.write_probeinterface(path, probe_of(CONTACTS_UM / 1000, si_units="mm"))
    np.testing.assert_allclose(read_probe(path), CONTACTS_UM)
    both = probeinterface.ProbeGroup()
    both.add_probe(probe_of(CONTACTS_UM, channels=[3, 1, 0]))
    both.add_probe(probe_of(CONTACTS_UM[:1] + 100, channels=[2]))
    probeinterface.write_probeinterface(path, both)
    wanted = [[0.0, 0.0], [16.0, 20.0], [100.0, 140.0], [0.0, 40.0]]
    np.testing.assert_array_equal(read_probe(path), wanted)


def test_probes_that_cannot_be_used_are_refused(tmp_path):
    path = tmp_path / "probe.json"
    probeinterface.write_probeinterface(path, probe_of(CONTACTS_UM, channels=[0, 1, 5]))
    with pytest.raises(BadFileError, match="wires 3 contacts, but not to the channels 0 to 2"):
        read_probe(path)
    probeinterface.write_probeinterface(path, probe_of(CONTACTS_UM).to_3d())
    with pytest.raises(BadFileError, match="gives contacts in 3 axes: give x and y"):
        read_probe(path)
    path.write_text('{"specification": "probeinterface"}')
    with pytest.raises(BadFileError, match="cannot be read as a probeinterface file"):
        read_probe(path)


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", "<u2", "<f8", "<i4"])
def test_any_raw_file_is_read(tmp_path, dtype):
    numbers = np.arange(20).reshape(10, 2).astype(dtype)
    (tmp_path / "x.bin").write_bytes(b"header!" + numbers.tobytes())
    raw = RawFormat(0.5, dtype, offset_uV=-3.0, header_bytes=7)
    opened = read_binary(tmp_path / "x.bin", 20000.0, [[0, 0], [0, 20]], raw)
    assert opened.n_samples == 10
    np.testing.assert_array_equal(opened.read(4, 7), numbers[4:7] * 0.5 - 3)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            RawFormat(1.0, "<f8"),
            r"has 42 bytes .* 2 channels of float64 it must be a multiple of 16",
        ),
        (RawFormat(1.0, header_bytes=42), "has 0 bytes of samples: .*above 0"),
        (RawFormat(1.0, header_bytes=100), "has -58 bytes of samples"),
    ],
)
def test_a_raw_file_of_another_shape_is_refused(tmp_path, raw, message):
    (tmp_path / "x.bin").write_bytes(bytes(42))
    with pytest.raises(BadFileError, match=message):
        read_binary(tmp_path / "x.bin", 20000.0, [[0, 0], [0, 20]], raw)


def test_a_raw_file_without_contacts_is_refused(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(42))
    with pytest.raises(InvalidInputError, match=r"contacts_um has shape \(0, 2\)"):
        read_binary(tmp_path / "x.bin", 20000.0, np.empty((0, 2)), RawFormat(1.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": "c8"}, "dtype='c8': it must be a type of integers or real"),
        ({"dtype": "O"}, "dtype='O': it must be"),
        ({"dtype": "nonsense"}, "dtype='nonsense': it must be"),
        ({"gain_uV": 0.0}, r"gain_uV=0\.0: give what one step"),
        ({"offset_uV": np.inf}, "offset_uV=inf: it must be below"),
        ({"header_bytes": -1}, "header_bytes=-1: it must be 0 or more"),
    ],
)
def test_a_raw_format_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        RawFormat(**({"gain_uV": 1.0} | settings))
