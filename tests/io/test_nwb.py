"""NWB in: files made by hand in the Allen shape, whole and spoilt."""

import h5py
import numpy as np
import pytest

from spikeloop.errors import (
    BadFileError,
    InvalidInputError,
    MissingVariableError,
    SpikeloopWarning,
    UnsafeFileError,
)
from spikeloop.io import ReadOptions, read_nwb


def allen_parts():
    """Places and values of a small file, as the Allen Institute lays them out."""
    return {
        "units/id": np.array([951, 17, 300]),
        "units/spike_times": np.array([0.5, 1.0, 9.0, 0.2, 0.4]),
        "units/spike_times_index": np.array([3, 3, 5], dtype=np.uint32),
        "units/obs_intervals": np.tile([[0.0, 10.0]], (3, 1)),
        "units/obs_intervals_index": np.array([1, 2, 3], dtype=np.uint8),
        "units/peak_channel_id": np.array([12, 11, 99]),
        "units/quality": np.array([b"good", b"noise", b"good"]),
        "units/snr": np.array([b"2.5", b"null", b"1.0"]),
        "units/waveform_mean": np.zeros((3, 4)),
        "units/amplitude_cutoff": np.array([0.05, 0.2, np.nan]),
        "units/presence_ratio": np.array([0.99, 0.99, 0.99]),
        "units/isi_violations": np.array([0.5, 0.1, 0.1]),
        "general/extracellular_ephys/electrodes/id": np.array([11, 12]),
        "general/extracellular_ephys/electrodes/location": np.array([b"VISp", b"VISam"]),
        "intervals/natural_scenes_presentations/id": np.arange(4),
        "intervals/natural_scenes_presentations/start_time": np.array([1.0, 2.0, 3.0, 4.0]),
        "intervals/natural_scenes_presentations/stop_time": np.array([1.25, 2.25, 3.25, 4.25]),
        "intervals/natural_scenes_presentations/frame": np.array([1.0, np.nan, 0.0, -1.0]),
        "intervals/natural_scenes_presentations/stimulus_block": np.array([0.0, 0, 1, 1]),
        "stimulus/templates/natural_scenes_images/data": np.arange(24, dtype=np.uint8).reshape(
            2, 3, 4
        ),
    }


def write_parts(path, parts):
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.2.0"
        for place, values in parts.items():
            file[place] = values
    return path


@pytest.fixture
def write(tmp_path):
    """Return a writer of the Allen file with some parts replaced, or left out where None."""

    def writer(**changes):
        parts = allen_parts()
        for name, values in changes.items():
            place = next((p for p in parts if p.endswith("/" + name)), name.replace("__", "/"))
            if values is None:
                parts = {p: v for p, v in parts.items() if not f"{p}/".startswith(f"{place}/")}
            else:
                parts[place] = values
        return write_parts(tmp_path / "allen.nwb", parts)

    return writer


def test_units_keep_the_order_of_the_file_their_ids_and_their_columns(write):
    experiment = read_nwb(write())
    assert experiment.name == "allen"
    assert experiment.spikes.unit_ids.tolist() == [951, 17, 300]
    assert experiment.spikes.of_unit(951).tolist() == [0.5, 1.0, 9.0]
    assert experiment.spikes.of_unit(17).tolist() == []
    assert experiment.spikes.of_unit(300).tolist() == [0.2, 0.4]
    assert experiment.spikes.epochs.stop_s.tolist() == [10.0]
    table = experiment.spikes.unit_table
    assert table["location"].tolist() == ["VISam", "VISp", "unknown"]
    assert table["quality"].tolist() == ["good", "noise", "good"]
    np.testing.assert_array_equal(table["snr"], [2.5, np.nan, 1.0])
    assert not {"id", "spike_times", "spike_times_index", "waveform_mean"} & set(table)


def test_presentations_and_images_are_paired_by_frame(write):
    experiment = read_nwb(write(), ReadOptions(nwb_stimulus="natural_scenes"))
    assert experiment.trials.stimulus_id.tolist() == [1, -1, 0, -1]
    assert experiment.trials.onset_s.tolist() == [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_allclose(experiment.trials.duration_s, 0.25)
    assert set(experiment.trials.conditions) == {"stimulus_block"}
    assert experiment.images.pixels[1, 0].tolist() == [12.0, 13.0, 14.0, 15.0]
    assert experiment.images.image_ids.tolist() == [0, 1]


def test_the_quality_filter_keeps_what_the_limits_allow_and_drops_nan(write):
    assert read_nwb(write(), ReadOptions(nwb_quality=True)).spikes.unit_ids.tolist() == [951]
    loose = ReadOptions(nwb_quality=True, amplitude_cutoff_max=0.2)
    assert read_nwb(write(), loose).spikes.unit_ids.tolist() == [951, 17]


def test_a_file_without_optional_parts_gives_spikes_alone(write):
    path = write(**{"intervals": None, "stimulus": None, "general": None})
    experiment = read_nwb(path)
    assert (experiment.trials, experiment.images, experiment.stimulus) == (None, None, None)
    assert "location" not in experiment.spikes.unit_table


def test_without_obs_intervals_the_span_is_taken_and_said(write):
    path = write(obs_intervals=None, obs_intervals_index=None)
    with pytest.warns(SpikeloopWarning, match=r"does not say .* from 0\.2 to 9 s"):
        epochs = read_nwb(path).spikes.epochs
    assert epochs.start_s[0] == 0.2
    assert epochs.stop_s[0] == np.nextafter(9.0, 10.0)


def test_units_observed_at_different_times_share_what_overlaps(write):
    path = write(
        obs_intervals=np.array([[0.0, 2.0], [0.3, 5.0], [0.0, 0.25], [0.35, 9.5]]),
        obs_intervals_index=np.array([1, 2, 4]),
    )
    with pytest.warns(SpikeloopWarning, match=r"Only the 1\.65 s that they share .* 2 spikes were"):
        spikes = read_nwb(path).spikes
    assert (spikes.epochs.start_s.tolist(), spikes.epochs.stop_s.tolist()) == ([0.35], [2.0])
    assert spikes.times_s.tolist() == [0.4, 0.5, 1.0]


def test_a_spike_on_the_stop_of_an_interval_was_observed(write):
    spikes = read_nwb(write(obs_intervals=np.tile([[0.0, 9.0]], (3, 1)))).spikes
    assert spikes.counts().tolist() == [3, 0, 2]


def test_unsorted_spike_times_are_sorted_and_said(write):
    path = write(spike_times=np.array([1.0, 0.5, 9.0, 0.2, 0.4]))
    with pytest.warns(SpikeloopWarning, match=r"1 units were not sorted \(951\)"):
        assert read_nwb(path).spikes.of_unit(951).tolist() == [0.5, 1.0, 9.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spike_times": np.array([0.5, np.nan, 9, 0.2, 0.4])}, "not finite, the first at index 1"),
        ({"spike_times": np.array([-0.5, 1.0, 9, 0.2, 0.4])}, r"outside the epochs.*-0\.5 s"),
        ({"spike_times": np.array([0.5, 1.0, 99, 0.2, 0.4])}, r"outside the epochs.*99\.0 s"),
        ({"units/id": np.array([951, 17, 951])}, r"units/id holds 1 ids more than once \(951\)"),
        ({"frame": np.array([0.5, 0, 0, 0])}, "must be whole numbers"),
        ({"frame": np.array([b"dog", b"cat", b"a", b"b"])}, "are words: they must be numbers"),
        ({"frame": np.array([-3.0, 0, 0, 0])}, "stimulus_id holds -3"),
        ({"obs_intervals": np.zeros((3, 1))}, "must be rows of start and stop"),
        ({"obs_intervals_index": np.array([0, 2, 3])}, "a unit has no obs_intervals"),
        ({"units/id": np.empty(0, int)}, "its units table has no rows"),
        ({"obs_intervals": np.array([[0, 1], [2, 3], [4.0, 5]])}, "no moment was observed in all"),
        ({"stop_time": np.ones(4)}, "duration_s holds a value that is not above 0"),
    ],
)
def test_content_that_cannot_be_right_is_refused(write, changes, message):
    with pytest.raises(InvalidInputError, match=message):
        read_nwb(write(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"units": None},
            "has no id, spike_times, spike_times_index in a units table: it holds gen",
        ),
        ({"spike_times_index": None}, "has no spike_times_index in a units table"),
        ({"spike_times_index": np.array([3, 2, 5])}, "does not cut the 5 values"),
        ({"spike_times_index": np.array([3, 4])}, "does not cut the 5 values .* into 3 rows"),
        ({"spike_times_index": np.array([3, 4, 6])}, "does not cut the 5 values"),
        (
            {"spike_times": None, "units/spike_times/x": np.zeros(5)},
            "holds no numbers or words at units/spike_times",
        ),
        ({"spike_times": np.array([b"a", b"b"])}, "it must hold numbers along 1 axes"),
        ({"obs_intervals": np.zeros(3)}, r"shape \(3,\): it must hold numbers along 2 axes"),
        ({"snr": np.zeros(2)}, "columns of units differ in length"),
        (
            {"start_time": None},
            "natural_scenes_presentations lacks start_time, in numbers; it has f",
        ),
    ],
)
def test_a_file_with_damaged_tables_is_refused(write, changes, message):
    with pytest.raises(BadFileError, match=message):
        read_nwb(write(**changes))


def test_missing_quality_columns_and_too_strict_limits_are_told(write):
    with pytest.raises(MissingVariableError, match="the units lack presence_ratio"):
        read_nwb(write(presence_ratio=None), ReadOptions(nwb_quality=True))
    with pytest.raises(InvalidInputError, match="none of the 3 units passes"):
        read_nwb(write(), ReadOptions(nwb_quality=True, amplitude_cutoff_max=-1.0))


def test_names_that_are_not_there_are_answered_with_those_that_are(write):
    path = write(stimulus__presentation__wheel__data=np.zeros((5, 2)))
    with pytest.raises(MissingVariableError, match="it has natural_scenes_presentations"):
        read_nwb(path, ReadOptions(nwb_stimulus="gabors"))
    with pytest.raises(MissingVariableError, match="it has natural_scenes_images"):
        read_nwb(path, ReadOptions(nwb_images="faces"))
    with pytest.raises(MissingVariableError, match=r"it has wheel \(5, 2\)"):
        read_nwb(path, ReadOptions(stimulus="noise"))


def test_several_tables_or_templates_must_be_chosen_from(write):
    gabors = "intervals/gabors_presentations"
    changes = {f"{gabors}/start_time": np.ones(1), f"{gabors}/stop_time": np.full(1, 2.0)}
    with pytest.raises(InvalidInputError, match=r"2 tables .*\(gabors_presentations, natural"):
        read_nwb(write(**changes))
    path = write(stimulus__templates__natural_scenes_small__data=np.zeros((2, 3, 4)))
    with pytest.raises(InvalidInputError, match="could be those of natural_scenes"):
        read_nwb(path)
    chosen = read_nwb(path, ReadOptions(nwb_images="natural_scenes_small"))
    assert not chosen.images.pixels.any()


def test_a_table_without_frames_numbers_its_distinct_stimuli(write):
    table = "intervals/static_gratings_presentations"
    path = write(
        intervals=None,
        **{
            f"{table}/start_time": np.arange(5.0),
            f"{table}/stop_time": np.arange(5.0) + 0.5,
            f"{table}/orientation": np.array([b"90.0", b"0.0", b"null", b"90.0", b"0.0"]),
            f"{table}/phase": np.array([b"0.5", b"0.5", b"null", b"0.5", b"0.0"]),
            f"{table}/stimulus_block": np.arange(5),
        },
    )
    experiment = read_nwb(path)
    assert experiment.trials.stimulus_id.tolist() == [2, 1, -1, 2, 0]
    assert experiment.images is None  # the templates belong to natural scenes
    np.testing.assert_array_equal(experiment.trials.conditions["orientation"][:2], [90.0, 0.0])


def test_colour_stacks_become_grey_and_scaling_is_applied(write):
    path = write(data=np.full((2, 3, 4, 3), 10, dtype=np.uint8))
    with h5py.File(path, "r+") as file:
        file["stimulus/templates/natural_scenes_images/data"].attrs["conversion"] = 0.1
        file["stimulus/templates/natural_scenes_images/data"].attrs["offset"] = 2.0
    np.testing.assert_allclose(read_nwb(path).images.pixels, 3.0, rtol=1e-6)


def test_continuous_stimuli_have_a_rate_or_regular_timestamps(write):
    place = "stimulus/presentation/noise"
    times = 0.5 + np.arange(6) / 30
    path = write(**{f"{place}/data": np.arange(12.0).reshape(6, 2), f"{place}/timestamps": times})
    stimulus = read_nwb(path, ReadOptions(stimulus="noise")).stimulus
    assert stimulus.values.shape == (6, 2)
    assert (stimulus.sample_rate_hz, stimulus.start_s) == (pytest.approx(30.0), 0.5)
    path = write(**{f"{place}/data": np.zeros(5), f"{place}/timestamps": times})
    with pytest.raises(InvalidInputError, match="noise has 5 samples and 6 timestamps"):
        read_nwb(path, ReadOptions(stimulus="noise"))
    for bad, message in [(times**2, "are not regular"), (np.zeros(6), "do not ascend")]:
        path = write(**{f"{place}/data": np.zeros(6), f"{place}/timestamps": bad})
        with pytest.raises(InvalidInputError, match=message):
            read_nwb(path, ReadOptions(stimulus="noise"))


def test_single_images_must_have_one_size(write):
    group = "stimulus/templates/natural_scenes_images"
    path = write(
        **{"stimulus": None, f"{group}/b": np.ones((2, 3)), f"{group}/a": np.zeros((2, 3))}
    )
    assert read_nwb(path).images.pixels[:, 0, 0].tolist() == [0.0, 1.0]
    path = write(**{"stimulus": None, f"{group}/b": np.ones((2, 3)), f"{group}/a": np.ones((3, 3))})
    with pytest.raises(InvalidInputError, match="different sizes"):
        read_nwb(path)


def test_an_empty_group_of_images_is_refused(write):
    path = write(data=None)
    with h5py.File(path, "r+") as file:
        file.create_group("stimulus/templates/natural_scenes")
    with pytest.raises(
        InvalidInputError, match="stimulus/templates/natural_scenes holds no images"
    ):
        read_nwb(path)


def test_nothing_that_tells_the_observed_time_is_refused(write):
    path = write(
        obs_intervals=None,
        obs_intervals_index=None,
        intervals=None,
        spike_times=np.empty(0),
        spike_times_index=np.zeros(3, int),
    )
    with pytest.raises(InvalidInputError, match="does not say when the units were observed"):
        read_nwb(path)


def test_electrodes_are_found_by_region_where_there_is_no_peak_channel(write):
    path = write(
        peak_channel_id=None,
        units__electrodes=np.array([1, 0, 0]),
        units__electrodes_index=np.array([2, 2, 3]),
    )
    location = read_nwb(path).spikes.unit_table["location"]
    assert location.tolist() == ["VISam", "unknown", "VISp"]


def test_an_hdf5_file_that_is_not_nwb_is_refused(tmp_path):
    path = tmp_path / "plain.nwb"
    with h5py.File(path, "w") as file:
        file["x"] = [1.0]
    with pytest.raises(BadFileError, match="is HDF5 but not NWB"):
        read_nwb(path)


def test_links_out_of_the_folder_are_refused_and_links_inside_are_followed(tmp_path):
    parts = allen_parts()
    times = parts.pop("units/spike_times")
    inner = tmp_path / "session"
    inner.mkdir()
    for folder in (tmp_path, inner):
        with h5py.File(folder / "times.h5", "w") as file:
            file["times"] = times
    for target, inside in [("times.h5", True), ("../times.h5", False)]:
        path = write_parts(inner / "linked.nwb", parts)
        with h5py.File(path, "r+") as file:
            file["units/spike_times"] = h5py.ExternalLink(target, "/times")
        if inside:
            assert read_nwb(path).spikes.counts().tolist() == [3, 0, 2]
        else:
            with pytest.raises(UnsafeFileError, match=r"is a link to \.\./times\.h5, outside"):
                read_nwb(path)


def test_a_link_inside_that_leads_outside_is_refused(tmp_path):
    parts = allen_parts()
    times = parts.pop("units/spike_times")
    inner = tmp_path / "session"
    inner.mkdir()
    with h5py.File(tmp_path / "times.h5", "w") as file:
        file["times"] = times
    with h5py.File(inner / "relay.h5", "w") as file:
        file["times"] = h5py.ExternalLink(str(tmp_path / "times.h5"), "/times")
    path = write_parts(inner / "linked.nwb", parts)
    with h5py.File(path, "r+") as file:
        file["units/spike_times"] = h5py.ExternalLink("relay.h5", "/times")
    with pytest.raises(UnsafeFileError, match="outside its folder"):
        read_nwb(path)


def test_values_stored_in_or_borrowed_from_a_file_elsewhere_are_refused(tmp_path):
    parts = allen_parts()
    times = parts.pop("units/spike_times")
    inner = tmp_path / "session"
    inner.mkdir()
    (tmp_path / "raw.bin").write_bytes(times.tobytes())
    path = write_parts(inner / "external.nwb", parts)
    with h5py.File(path, "r+") as file:
        raw = [(str(tmp_path / "raw.bin"), 0, times.nbytes)]
        file["units"].create_dataset("spike_times", times.shape, float, external=raw)
    with pytest.raises(UnsafeFileError, match="takes its values from"):
        read_nwb(path)
    with h5py.File(tmp_path / "times.h5", "w") as file:
        file["times"] = times
    path = write_parts(inner / "virtual.nwb", parts)
    with h5py.File(path, "r+") as file:
        layout = h5py.VirtualLayout(times.shape, float)
        layout[:] = h5py.VirtualSource(str(tmp_path / "times.h5"), "times", times.shape)
        file["units"].create_virtual_dataset("spike_times", layout)
    with pytest.raises(UnsafeFileError, match="takes its values from"):
        read_nwb(path)


def test_a_dataset_that_claims_more_than_the_memory_is_refused(write):
    path = write(spike_times=None, spike_times_index=np.array([3, 3, 5]))
    with h5py.File(path, "r+") as file:
        file["units"].create_dataset("spike_times", (2**40,), float, chunks=(1024,))
    with pytest.raises(UnsafeFileError, match="claims 8388608 MiB"):
        read_nwb(path)


@pytest.mark.parametrize(
    ("words", "extent_deg"),
    [
        ("extent_deg: - x -", None),
        ("extent_deg: 1.2.3 x 4", None),
        ("extent_deg: 1e400 x 1e400", None),
        ("extent_deg: 30.5 x 1e2", (30.5, 100.0)),
    ],
)
def test_an_extent_is_read_where_it_is_two_numbers(write, words, extent_deg):
    path = write()
    with h5py.File(path, "a") as file:
        file["stimulus/templates/natural_scenes_images"].attrs["description"] = words
    assert read_nwb(path).images.extent_deg == extent_deg


def test_a_table_without_rows_is_refused(write):
    columns = ("intervals/natural_scenes_presentations/id", "start_time", "stop_time", "frame")
    path = write(**dict.fromkeys((*columns, "stimulus_block"), np.zeros(0)))
    with pytest.raises(InvalidInputError, match="natural_scenes_presentations has no rows"):
        read_nwb(path)
