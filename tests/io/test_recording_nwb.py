"""Ground truth in NWB: read again, the spikes and the waveforms are those that were written."""

from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from spikeloop.data import Epochs, GroundTruth, SpikeTrains, Templates
from spikeloop.errors import InvalidInputError
from spikeloop.io import Session, Subject, read_nwb, write_truth_nwb

SUBJECT = Subject("virtual-1", "Mus musculus", "P90D", description="a virtual animal")
SESSION = Session(
    "example", datetime(2024, 1, 1, tzinfo=UTC), "a virtual session", "Doe, Jane", "Nowhere"
)
CONTACTS_UM = np.array([[0.0, 0.0], [16.0, 20.0], [0.0, 40.0]])


def truth(unit_ids=(7, 3, 12)):
    rng = np.random.default_rng(4)
    times = {unit: np.sort(rng.uniform(0, 30, 50)) for unit in unit_ids[:2]} | {unit_ids[2]: []}
    table = {"depth_um": [10.0, 20.0, 30.0], "kind": ["wide", "narrow", "wide"]}
    spikes = SpikeTrains.from_units(times, Epochs([0.0], [30.0]), table)
    waveforms_uV = 50 * rng.normal(size=(3, 20, 3))
    templates = Templates(waveforms_uV, 30000.0, 7, CONTACTS_UM, unit_ids)
    return GroundTruth(spikes, templates, {"amplitude": rng.normal(1, 0.1, 100)})


def write(path, truth):
    write_truth_nwb(path, truth, subject=SUBJECT, session=SESSION, location="VISp")


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "t.nwb", truth())
    return tmp_path / "t.nwb"


def test_the_spikes_are_read_again(path):
    spikes, known = read_nwb(path).spikes, truth().spikes
    for name in ("times_s", "unit_index", "unit_ids"):
        np.testing.assert_array_equal(getattr(spikes, name), getattr(known, name))
    assert (spikes.epochs.start_s[0], spikes.epochs.stop_s[0]) == (0.0, 30.0)
    assert spikes.unit_table["depth_um"].tolist() == [10.0, 20.0, 30.0]
    assert spikes.unit_table["kind"].tolist() == ["wide", "narrow", "wide"]


def test_the_waveforms_are_in_volts_beside_their_electrodes(path):
    known = truth()
    with h5py.File(path) as file:
        waveforms = file["units/waveform_mean"]
        electrodes = file["general/extracellular_ephys/electrodes"]
        np.testing.assert_allclose(1e6 * waveforms[:], known.templates.waveforms_uV, rtol=1e-6)
        assert waveforms.attrs["unit"] == "volts"
        assert waveforms.attrs["sampling_rate"] == 30000.0
        assert electrodes["location"][0] == b"VISp"
        assert file["units/electrodes"][:].tolist() == [0, 1, 2] * 3
        assert file["units/electrodes_index"][:].tolist() == [3, 6, 9]
        places = np.column_stack([electrodes["rel_x"], electrodes["rel_y"]])
        np.testing.assert_array_equal(places, CONTACTS_UM)
        of_first = known.spikes.unit_index == 0
        wanted = known.spike_table["amplitude"][of_first]
        np.testing.assert_array_equal(file["units/spike_amplitude"][:50], wanted)
        assert file["units/spike_amplitude_index"][:].tolist() == [50, 100, 100]


def test_the_inspector_has_no_complaints(path):
    from nwbinspector import Importance, inspect_nwbfile

    least = Importance.BEST_PRACTICE_VIOLATION
    assert list(inspect_nwbfile(nwbfile_path=str(path), importance_threshold=least)) == []


def test_the_same_truth_gives_the_same_bytes(path, tmp_path):
    write(tmp_path / "again.nwb", truth())
    assert (tmp_path / "again.nwb").read_bytes() == path.read_bytes()


def test_ids_that_are_words_are_refused(tmp_path):
    named = truth(("a", "b", "c"))
    with pytest.raises(InvalidInputError, match="NWB needs integers, and at least one"):
        write(tmp_path / "t.nwb", named)
    assert list(tmp_path.iterdir()) == []
