"""Recordings: templates on the probe, traces, and where on the probe spikes happen over time."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from spikeloop.data import Recording, SpikeTrains, Templates
from spikeloop.data.checks import as_vector, require, require_finite
from spikeloop.viz.style import (
    GREY,
    INK,
    PALETTE,
    WIDE_IN,
    axes_or_new,
    count_noun,
    legend_above,
    styled,
)
from spikeloop.viz.tables import format_value

_MOST_CHANNELS = 48
_FAINT = 0.03  # channels with less of a unit's amplitude than this are not drawn


@styled
def plot_probe_templates(
    templates: Templates, unit_ids: Sequence[object], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the waveforms of some units on the contacts of the probe, each unit in its own colour.

    All units share one scale, told in the legend: its bar is as high as the contacts are apart.
    Channels with less than 3 % of the largest amplitude of their unit are left out.

    Parameters
    ----------
    templates
        The mean waveforms.
    unit_ids
        Which units to draw, up to seven.
    title
        What this is.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        A unit is not among those of the templates, or there are more than seven.

    Examples
    --------
    >>> wave = -np.hanning(30)[None, :, None] * np.array([50.0, 20.0])
    >>> templates = Templates(wave, 30000.0, 15, [[0.0, 0.0], [0.0, 20.0]], ["a"])
    >>> plot_probe_templates(templates, ["a"]).get_ylabel()
    'y along the probe (µm)'
    """
    rows = _rows(templates, unit_ids)
    contacts_um = templates.contacts_um
    step_um = _spacing_um(contacts_um)
    n_times = templates.waveforms_uV.shape[1]
    across_um = 0.8 * step_um * (np.arange(n_times) / max(n_times - 1, 1) - 0.5)
    scale_uV = max(float(templates.amplitude_uV[rows].max()), 1e-9) / 1.5

    ax = axes_or_new(ax, 4.6, 7.0)
    drawn_um = []
    for colour, row in zip(PALETTE, rows, strict=False):
        waves_uV = templates.waveforms_uV[row]
        height_uV = np.ptp(waves_uV, axis=0)
        channels = np.flatnonzero(height_uV >= _FAINT * max(height_uV.max(), 1e-9))
        lines = [
            np.c_[
                contacts_um[c, 0] + across_um,
                contacts_um[c, 1] + step_um * waves_uV[:, c] / scale_uV,
            ]
            for c in channels
        ]
        drawn_um.append(contacts_um[channels])
        label = f"unit {templates.unit_ids[row]}"
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=1.0, label=label))
    places_um = np.concatenate(drawn_um)
    low_um, high_um = places_um.min(axis=0) - 1.5 * step_um, places_um.max(axis=0) + 1.5 * step_um
    near = np.all((contacts_um >= low_um) & (contacts_um <= high_um), axis=1)
    ax.scatter(*contacts_um[near].T, s=7, color=GREY, marker="s", lw=0, zorder=0)
    ax.set_xlim(low_um[0], high_um[0])
    ax.set_ylim(low_um[1], high_um[1])
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlabel("x (µm)")
    ax.set_ylabel("y along the probe (µm)")
    bar_ms = format_value(1e3 * (n_times - 1) / templates.sample_rate_hz)
    words = f"{format_value(step_um)} µm = {format_value(scale_uV)} µV; window {bar_ms} ms"
    legend_above(ax, min(len(rows), 2), f"{title}\n{words}" if title else words)
    return ax


@styled
def plot_traces(
    recording: Recording,
    start_s: float,
    stop_s: float,
    *,
    channels: Sequence[int] | None = None,
    spikes: SpikeTrains | None = None,
    spike_channels: np.ndarray | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a stretch of a recording, one line a channel, and mark the spikes on it.

    Parameters
    ----------
    recording
        What to read; no more than the stretch is read.
    start_s, stop_s
        The stretch, in seconds.
    channels
        Which channels, from bottom to top; those of the middle of the probe, up to 48, if None.
    spikes
        Spikes to mark, each by a dot in the colour of its unit, on the unit's channel.
    spike_channels
        (unit,) the channel on which the spikes of each unit are marked.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        The stretch is not inside the recording, a channel is not there, or spikes have no channels.

    Examples
    --------
    >>> recording = Recording.from_array(np.ones((100, 2)), 1000.0, [[0.0, 0.0], [0.0, 20.0]])
    >>> plot_traces(recording, 0.0, 0.05).get_xlabel()
    'time (ms)'
    """
    channels = _channels(recording, channels)
    require(
        0 <= start_s < stop_s <= recording.duration_s,
        f"start_s={start_s}, stop_s={stop_s}: give a stretch inside 0..{recording.duration_s:g} s.",
    )
    first, last = (round(edge * recording.sample_rate_hz) for edge in (start_s, stop_s))
    require(last > first, f"start_s={start_s}, stop_s={stop_s}: that is less than one sample.")
    traces_uV = recording.read(first, last)[:, channels]
    traces_uV = traces_uV - np.median(traces_uV, axis=0)
    time_ms = 1e3 * np.arange(first, last) / recording.sample_rate_hz
    step_uV = max(float(np.quantile(np.abs(traces_uV), 0.999)) * 1.2, 1e-9)

    ax = axes_or_new(ax, WIDE_IN, min(2.0 + 0.16 * len(channels), 9.0))
    offsets_uV = step_uV * np.arange(len(channels))
    lines = [np.c_[time_ms, column + o] for column, o in zip(traces_uV.T, offsets_uV, strict=True)]
    ax.add_collection(LineCollection(lines, colors=INK, linewidths=0.5))
    if spikes is not None:
        _mark(ax, spikes, spike_channels, channels, (start_s, stop_s), step_uV)
    ax.set_xlim(time_ms[0], time_ms[-1])
    ax.set_ylim(-step_uV, offsets_uV[-1] + step_uV)
    ticks = np.unique(np.linspace(0, len(channels) - 1, min(len(channels), 9)).astype(int))
    ax.set_yticks(offsets_uV[ticks], [str(channels[t]) for t in ticks])
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("channel")
    ax.set_title(f"{count_noun(len(channels), 'channel')}, {format_value(step_uV)} µV apart")
    return ax


@styled
def plot_drift_raster(
    times_s: np.ndarray,
    depths_um: np.ndarray,
    amplitudes_uV: np.ndarray,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each spike at its time and depth, the darker the larger it is: drift shows as waves.

    Parameters
    ----------
    times_s
        (spike,) when, in seconds.
    depths_um
        (spike,) where along the probe, with the displacement of that moment.
    amplitudes_uV
        (spike,) how large.
    title
        What this is.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    InvalidInputError
        The three differ in length, or are not finite.

    Examples
    --------
    >>> plot_drift_raster(np.array([0.1]), np.array([50.0]), np.array([80.0])).get_xlabel()
    'time (s)'
    """
    given = {"times_s": times_s, "depths_um": depths_um, "amplitudes_uV": amplitudes_uV}
    vectors = {name: as_vector(name, values, float) for name, values in given.items()}
    lengths = {len(vector) for vector in vectors.values()}
    require(
        len(lengths) == 1 and min(lengths) > 0,
        "times_s, depths_um and amplitudes_uV must have one value each for every spike, and there "
        f"must be spikes: they have {[len(vector) for vector in vectors.values()]}.",
    )
    for name, vector in vectors.items():
        require_finite(name, vector)
    time, depth, size = vectors.values()
    size = np.abs(size)
    ax = axes_or_new(ax, WIDE_IN, 5.0)
    order = np.argsort(size)  # large ones on top
    top = max(float(np.quantile(size, 0.99)), 1e-9)
    points = ax.scatter(
        time[order],
        depth[order],
        c=size[order],
        s=1.5,
        lw=0,
        cmap="Greys",
        vmin=-0.2 * top,
        vmax=top,
    )
    points.set_rasterized(True)
    ax.margins(0.01)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("depth along the probe (µm)")
    ax.set_title(title or f"{count_noun(len(time), 'spike')}; darker: larger, to {top:.0f} µV")
    return ax


def _rows(templates: Templates, unit_ids: Sequence[object]) -> list[int]:
    wanted = list(unit_ids)
    require(
        0 < len(wanted) <= len(PALETTE),
        f"{len(wanted)} unit_ids: draw 1 to {len(PALETTE)} units in one figure.",
    )
    row_of = {unit: row for row, unit in enumerate(templates.unit_ids.tolist())}
    missing = [unit for unit in wanted if unit not in row_of]
    require(not missing, f"there are no templates of the units {missing[:5]}: see unit_ids.")
    return [row_of[unit] for unit in wanted]


def _spacing_um(contacts_um: np.ndarray) -> float:
    """Return the median distance of a contact to its nearest neighbour; 20 um for a single one."""
    if len(contacts_um) == 1:
        return 20.0
    distance_um = np.linalg.norm(contacts_um[:, None] - contacts_um, axis=2)
    np.fill_diagonal(distance_um, np.inf)
    return max(float(np.median(distance_um.min(axis=1))), 1.0)


def _channels(recording: Recording, channels: Sequence[int] | None) -> np.ndarray:
    n_channels = recording.n_channels
    if channels is None:
        n_shown = min(n_channels, _MOST_CHANNELS)
        return np.arange(n_shown) + (n_channels - n_shown) // 2
    channels = as_vector("channels", channels, np.int64)
    require(
        len(channels) > 0 and channels.min() >= 0 and channels.max() < n_channels,
        f"channels must name at least one of 0..{n_channels - 1}.",
    )
    return channels


def _mark(
    ax: Axes,
    spikes: SpikeTrains,
    spike_channels: np.ndarray | None,
    channels: np.ndarray,
    span_s: tuple[float, float],
    step_uV: float,
) -> None:
    require(spike_channels is not None, "spikes are marked on channels: give spike_channels.")
    of_unit = as_vector("spike_channels", spike_channels, np.int64)
    require(
        len(of_unit) == spikes.n_units,
        f"spike_channels has {len(of_unit)} rows: there are {spikes.n_units} units.",
    )
    row_of = {channel: row for row, channel in enumerate(channels.tolist())}
    inside = (spikes.times_s >= span_s[0]) & (spikes.times_s < span_s[1])
    seen = inside & np.isin(of_unit[spikes.unit_index], channels)
    unit = spikes.unit_index[seen]
    height_uV = [step_uV * (row_of[of_unit[u]] - 0.45) for u in unit.tolist()]
    colours = [PALETTE[u % len(PALETTE)] for u in unit.tolist()]
    ax.scatter(1e3 * spikes.times_s[seen], height_uV, c=colours, s=14, marker="^", lw=0, zorder=3)
