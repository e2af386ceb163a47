"""The locust's tetrode: four gzipped channels become one recording, or are refused."""

import gzip

import numpy as np
import pytest

from spikeloop.errors import BadFileError, InvalidInputError, UnsafeFileError
from spikeloop.io import read_locust

TRACES = np.random.default_rng(2).normal(size=(300, 4))


@pytest.fixture
def folder(tmp_path):
    for i, channel in enumerate(TRACES.T, start=1):
        (tmp_path / f"Locust_{i}.dat.gz").write_bytes(gzip.compress(channel.tobytes()))
    return tmp_path


def test_four_channels_become_a_recording(folder):
    recording = read_locust(folder, scale_uV=20.0)
    np.testing.assert_allclose(recording.read(0, 300), 20 * TRACES, rtol=1e-6)
    assert recording.sample_rate_hz == 15000.0
    assert recording.contacts_um.tolist() == [[0, 0], [25, 0], [25, 25], [0, 25]]


def test_channels_of_different_lengths_are_refused(folder):
    (folder / "Locust_2.dat.gz").write_bytes(gzip.compress(TRACES[:-1, 1].tobytes()))
    with pytest.raises(BadFileError, match=r"have \[300, 299, 300, 300\] samples"):
        read_locust(folder)


def test_damaged_channels_are_refused(folder):
    path = folder / "Locust_3.dat.gz"
    whole = path.read_bytes()
    for content in (whole[:-20], b"words", gzip.compress(b"1234567")):
        path.write_bytes(content)
        with pytest.raises(BadFileError, match=r"Locust_3\.dat\.gz cannot be read as gzip"):
            read_locust(folder)
    path.unlink()
    with pytest.raises(BadFileError, match=r"Locust_3\.dat\.gz does not exist"):
        read_locust(folder)


def test_a_channel_that_swells_is_refused(folder, monkeypatch):
    monkeypatch.setattr("spikeloop.io.locust._CHANNEL_BYTES", 1000)
    with pytest.raises(UnsafeFileError, match=r"Locust_1\.dat\.gz claims"):
        read_locust(folder)


def test_samples_and_scale_must_be_finite(folder):
    with pytest.raises(InvalidInputError, match=r"scale_uV=0\.0: give what one standard"):
        read_locust(folder, scale_uV=0.0)
    (folder / "Locust_1.dat.gz").write_bytes(gzip.compress(np.full(300, np.nan).tobytes()))
    with pytest.raises(InvalidInputError, match="traces_uV holds 300 values that are not finite"):
        read_locust(folder)
