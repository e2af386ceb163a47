"""Figures of recordings show what they were given, and say what does not fit."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from spikeloop import viz
from spikeloop.data import Epochs, Recording, SpikeTrains, Templates
from spikeloop.errors import InvalidInputError

CONTACTS_UM = np.array([[x, y] for y in (0.0, 20.0, 40.0) for x in (0.0, 30.0)])


def templates():
    wave = -np.hanning(31)[None, :, None] * np.array([100.0, 50.0, 20.0, 9.0, 5.0, 0.0])
    return Templates(np.r_[wave, wave[..., ::-1]], 30000.0, 15, CONTACTS_UM, ["a", "b"])


def recording(n_channels=6):
    traces_uV = np.random.default_rng(0).normal(0, 5, (3000, n_channels))
    return Recording.from_array(traces_uV, 30000.0, np.arange(n_channels)[:, None] * [0.0, 20.0])


def lines_of(ax):
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def test_each_unit_is_drawn_on_the_channels_that_it_reaches():
    ax = viz.plot_probe_templates(templates(), ["a", "b"], title="two units")
    first, second = lines_of(ax)
    assert [len(first.get_segments()), len(second.get_segments())] == [4, 4]
    wave = first.get_segments()[0]
    assert wave[:, 1].argmin() == 15
    assert wave[15, 0] == pytest.approx(0.0)
    at_half = first.get_segments()[1][:, 1]
    assert np.ptp(wave[:, 1]) == pytest.approx(2 * np.ptp(at_half))
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["unit a", "unit b"]
    assert legend.get_title().get_text() == "two units"
    assert "80 µV" in ax.get_xlabel()


def test_the_picture_is_as_large_as_what_is_drawn():
    ax = viz.plot_probe_templates(templates(), ["a", "b"])
    points = np.concatenate([wave for lines in lines_of(ax) for wave in lines.get_segments()])
    bar = ax.lines[0].get_xydata()
    low, high = np.minimum(points.min(axis=0), bar.min(axis=0)), points.max(axis=0)
    assert bar[:, 1].max() <= high[1]
    shown = np.array([ax.get_xlim(), ax.get_ylim()])
    assert np.all((shown[:, 0] <= low) & (high <= shown[:, 1]))
    assert np.all((high - low) / np.diff(shown)[:, 0] > 0.8)


def test_a_single_contact_is_enough():
    wave = -np.hanning(31)[None, :, None]
    ax = viz.plot_probe_templates(Templates(wave, 30000.0, 15, [[0.0, 0.0]], [3]), [3])
    assert len(lines_of(ax)[0].get_segments()) == 1


def test_traces_are_those_of_the_stretch():
    ax = viz.plot_traces(recording(), 0.01, 0.02, channels=[4, 1])
    (lines,) = lines_of(ax)
    low, high = lines.get_segments()
    assert len(low) == 300
    assert [low[0, 0], low[-1, 0]] == pytest.approx([0.0, 10.0 - 1 / 30])
    piece = recording().read(300, 600)
    np.testing.assert_allclose(low[:, 1], piece[:, 4] - np.median(piece[:, 4]), atol=1e-5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["4", "1"]
    assert ax.get_title("left").startswith("2 channels, ")
    assert np.median(high[:, 1]) > np.median(low[:, 1])


def test_long_probes_show_their_middle():
    ax = viz.plot_traces(recording(100), 0.0, 0.01)
    assert len(lines_of(ax)[0].get_segments()) == 48
    assert ax.get_yticklabels()[0].get_text() == "26"


def test_spikes_stand_at_their_times():
    spikes = SpikeTrains.from_units({"a": [0.012, 0.05], "b": [0.015]}, Epochs([0.0], [0.1]))
    ax = viz.plot_traces(
        recording(), 0.01, 0.02, channels=[0, 1, 2], spikes=spikes, spike_channels=[1, 5]
    )
    marks = ax.collections[-1].get_offsets()
    assert marks[:, 0].tolist() == pytest.approx([2.0])  # the other channel is not shown


def test_the_drift_raster_shows_every_spike_with_the_largest_on_top():
    ax = viz.plot_drift_raster(np.arange(3.0), np.array([5.0, 6.0, 7.0]), np.array([9.0, -30.0, 2]))
    points = ax.collections[0]
    assert points.get_offsets()[:, 1].tolist() == [7.0, 5.0, 6.0]
    assert ax.get_title("left").startswith("3 spikes")


SPIKES = SpikeTrains.from_units({"a": [0.012]}, Epochs([0.0], [0.1]))
WRONG = [
    (lambda: viz.plot_probe_templates(templates(), ["c"]), r"no templates of the units \['c'\]"),
    (lambda: viz.plot_probe_templates(templates(), []), "0 unit_ids: draw 1 to 7"),
    (lambda: viz.plot_traces(recording(), 0.05, 0.2), "give a stretch inside 0..0.1 s"),
    (lambda: viz.plot_traces(recording(), 0.05, 0.050001), "less than one sample"),
    (lambda: viz.plot_traces(recording(), 0.0, 0.01, channels=[6]), "at least one of 0..5"),
    (lambda: viz.plot_traces(recording(), 0.0, 0.01, spikes=SPIKES), "give spike_channels"),
    (
        lambda: viz.plot_traces(recording(), 0.0, 0.01, spikes=SPIKES, spike_channels=[1, 2]),
        "spike_channels has 2 rows: there are 1 units",
    ),
    (lambda: viz.plot_drift_raster(np.ones(2), np.ones(3), np.ones(2)), r"they have \[2, 3, 2\]"),
    (lambda: viz.plot_drift_raster([], [], []), "there must be spikes"),
    (lambda: viz.plot_drift_raster([1.0], [np.nan], [1.0]), "depths_um holds 1 values that are"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
