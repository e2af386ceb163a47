"""NWB out, and in again: the same nouns, the same bytes, and an inspector without complaints."""

import time
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from spikeloop.data import Epochs, Experiment, Images, Responses, SpikeTrains, TimeSeries, Trials
from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.io import ReadOptions, Session, Subject, read_nwb, write_nwb

SUBJECT = Subject("virtual-1", "Mus musculus", "P90D", description="a virtual animal")
SESSION = Session(
    "example", datetime(2024, 1, 1, tzinfo=UTC), "a virtual session", "Doe, Jane", "Nowhere"
)


def example(n_images=20, side=12, **changes):
    rng = np.random.default_rng(1)
    times = {7: np.sort(rng.uniform(0, 30, 200)), 3: [], 12: [31.0, 35.5]}
    table = {
        "amplitude_cutoff": np.array([0.01, 0.02, 0.3]),
        "presence_ratio": np.array([1.0, 0.9, 0.99]),
        "location": np.array(["VISp", "VISl", "VISp"]),
        "is_simple": np.array([True, False, True]),
    }
    parts = {
        "name": "example",
        "spikes": SpikeTrains.from_units(times, Epochs([0.0, 30.5], [30.0, 40.0]), table),
        "stimulus": TimeSeries(rng.normal(size=(50, 3)), sample_rate_hz=59.94, start_s=0.125),
        "trials": Trials(
            np.arange(60) % (n_images + 1) - 1,
            onset_s=np.arange(60) / 3,
            duration_s=np.full(60, 0.25),
            conditions={"block": np.arange(60) // 7, "state": np.array(["calm", "busy"] * 30)},
        ),
        "images": Images(
            rng.random((n_images, side, side), dtype=np.float32),
            image_ids=np.arange(n_images)[::-1] * 3,
            extent_deg=(8.1, 10.3),
        ),
    }
    return Experiment(**(parts | changes))


def assert_same(one, other):
    assert np.array_equal(one.spikes.times_s, other.spikes.times_s)
    assert np.array_equal(one.spikes.unit_index, other.spikes.unit_index)
    assert np.array_equal(one.spikes.unit_ids, other.spikes.unit_ids)
    assert np.array_equal(one.spikes.epochs.start_s, other.spikes.epochs.start_s)
    assert np.array_equal(one.spikes.epochs.stop_s, other.spikes.epochs.stop_s)
    assert one.spikes.unit_table.keys() == other.spikes.unit_table.keys()
    for name, column in one.spikes.unit_table.items():
        assert np.array_equal(column, other.spikes.unit_table[name]), name
        assert column.dtype.kind == other.spikes.unit_table[name].dtype.kind, name
    assert np.array_equal(one.trials.stimulus_id, other.trials.stimulus_id)
    assert np.array_equal(one.trials.onset_s, other.trials.onset_s)
    np.testing.assert_allclose(one.trials.duration_s, other.trials.duration_s, atol=1e-12)
    assert one.trials.conditions.keys() == other.trials.conditions.keys()
    for name, column in one.trials.conditions.items():
        assert np.array_equal(column, other.trials.conditions[name]), name
    assert np.array_equal(one.images.of_ids(one.images.image_ids), one.images.pixels)
    assert np.array_equal(other.images.of_ids(one.images.image_ids), one.images.pixels)
    assert other.images.pixels.dtype == np.float32
    assert one.images.extent_deg == other.images.extent_deg
    assert np.array_equal(one.stimulus.values, other.stimulus.values)
    assert one.stimulus.sample_rate_hz == other.stimulus.sample_rate_hz
    assert one.stimulus.start_s == other.stimulus.start_s


@pytest.mark.parametrize(("n_images", "side"), [(20, 12), (5, 12)], ids=["stack", "single images"])
def test_what_is_written_is_read_again_and_satisfies_the_inspector(tmp_path, n_images, side):
    from nwbinspector import Importance, inspect_nwbfile

    path = tmp_path / "example.nwb"
    written = example(n_images, side)
    write_nwb(path, written, subject=SUBJECT, session=SESSION)
    options = ReadOptions(stimulus="stimulus", nwb_stimulus="natural_scenes")
    assert_same(written, read_nwb(path, options))
    complaints = list(
        inspect_nwbfile(
            nwbfile_path=str(path), importance_threshold=Importance.BEST_PRACTICE_VIOLATION
        )
    )
    assert complaints == []
    assert [file.name for file in tmp_path.iterdir()] == ["example.nwb"]


def test_peak_channels_become_electrodes_and_come_back(tmp_path):
    path = tmp_path / "example.nwb"
    table = {"location": np.array(["a", "b"]), "peak_channel_id": np.array([850, 12])}
    spikes = SpikeTrains.from_units({5: [0.5], 4: []}, Epochs([0.0], [1.0]), table)
    write_nwb(path, Experiment("x", spikes), subject=SUBJECT, session=SESSION)
    got = read_nwb(path).spikes.unit_table
    assert got["location"].tolist() == ["a", "b"]
    assert got["peak_channel_id"].tolist() == [850, 12]
    with h5py.File(path) as file:
        assert file["general/extracellular_ephys/electrodes/id"][()].tolist() == [12, 850]
        assert file["units/spike_times"].attrs["resolution"] == 1e-6


def test_the_same_experiment_gives_the_same_bytes(tmp_path):
    for name in ("one.nwb", "two.nwb"):
        write_nwb(tmp_path / name, example(), subject=SUBJECT, session=SESSION)
    assert (tmp_path / "one.nwb").read_bytes() == (tmp_path / "two.nwb").read_bytes()


def test_300_units_of_5000_spikes_are_written_in_a_second(tmp_path):
    rng = np.random.default_rng(0)
    times_s = np.sort(rng.uniform(0, 1000, 300 * 5000))
    spikes = SpikeTrains(
        times_s, rng.integers(0, 300, times_s.size), np.arange(300), Epochs([0.0], [1000.0])
    )
    small = Experiment("small", spikes=example().spikes)
    write_nwb(tmp_path / "warm.nwb", small, subject=SUBJECT, session=SESSION)
    start = time.process_time()
    write_nwb(tmp_path / "x.nwb", Experiment("x", spikes), subject=SUBJECT, session=SESSION)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"responses": Responses(np.zeros((1, 3)), (0, 1), Trials([0]), [7, 3, 12])},
            "NWB has no place for that. Use save_npz",
        ),
        ({"trials": Trials([0, 1])}, "no onset_s or no duration_s"),
        (
            {"spikes": SpikeTrains.from_units({"a": [0.5]}, Epochs([0.0], [1.0]))},
            "NWB needs integers",
        ),
        (
            {
                "spikes": SpikeTrains.from_units(
                    {0: [0.5], 1: [0.6]},
                    Epochs([0.0], [1.0]),
                    {"location": ["a", "b"], "peak_channel_id": [1, 1]},
                )
            },
            "another unit with its peak_channel_id elsewhere",
        ),
    ],
)
def test_what_nwb_has_no_place_for_is_refused_and_nothing_stays(tmp_path, changes, message):
    with pytest.raises(InvalidInputError, match=message):
        write_nwb(tmp_path / "x.nwb", example(**changes), subject=SUBJECT, session=SESSION)
    assert list(tmp_path.iterdir()) == []


def test_a_start_without_time_zone_and_a_missing_folder_are_refused(tmp_path):
    naive = Session("i", datetime(2024, 1, 1), "d", "Doe, Jane", "n")
    with pytest.raises(InvalidInputError, match="has no time zone"):
        write_nwb(tmp_path / "x.nwb", example(), subject=SUBJECT, session=naive)
    with pytest.raises(BadFileError, match="cannot be written"):
        write_nwb(tmp_path / "no" / "x.nwb", example(), subject=SUBJECT, session=SESSION)
