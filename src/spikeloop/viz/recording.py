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
    NARROW_IN,
    PALETTE,
    WIDE_IN,
    axes_or_new,
    count_noun,
    legend_above,
    styled,
)
from spikeloop.viz.tables import format_value

_MOST_CHANNELS = 48
_FAINT = 0.08  # channels with less of a unit's amplitude than this are not drawn


@styled
def plot_probe_templates(
    templates: Templates, unit_ids: Sequence[object], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the waveforms of some units on the contacts of the probe, each unit in its own colour.

    All units share one scale, told by the bar at the lower left. Channels with less than 8 % of the
    amplitude of their unit are left out. Squares are contacts, and
    stand at the time of the spike.

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
    width_um, height_um = _steps_um(contacts_um)
    n_times = templates.waveforms_uV.shape[1]
    since_spike = np.arange(n_times) - templates.peak_sample
    across_um = 0.85 * width_um * since_spike / max(n_times - 1, 1)
    scale_uV = max(float(templates.amplitude_uV[rows].max()), 1e-9) / 2.5

    ax = axes_or_new(ax, NARROW_IN, 6.5)
    drawn = []
    for colour, row in zip(PALETTE, rows, strict=False):
        waves_uV = templates.waveforms_uV[row]
        peak_uV = np.ptp(waves_uV, axis=0)
        channels = np.flatnonzero(peak_uV >= _FAINT * max(peak_uV.max(), 1e-9))
        waves_um = (contacts_um[channels, 1] + height_um / scale_uV * waves_uV[:, channels]).T
        lines = [
            np.c_[x + across_um, wave]
            for x, wave in zip(contacts_um[channels, 0], waves_um, strict=True)
        ]
        drawn.extend(lines)
        label = f"unit {templates.unit_ids[row]}"
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=1.0, label=label))
    places_um = np.concatenate(drawn)
    low_um, high_um = places_um.min(axis=0), places_um.max(axis=0)
    ax.set_xlim(low_um[0] - 0.2 * width_um, high_um[0] + 0.1 * width_um)
    top_um = max(high_um[1], low_um[1] + 2 * height_um)  # where the bar ends
    ax.set_ylim(low_um[1] - 0.2 * height_um, top_um + 0.2 * height_um)
    ax.scatter(*contacts_um.T, s=7, color=GREY, marker="s", lw=0, zorder=0)
    ax.set_ylabel("y along the probe (µm)")
    bar_uV, window_ms = 2 * scale_uV, 1e3 * (n_times - 1) / templates.sample_rate_hz
    x_um, y_um = ax.get_xlim()[0] + 0.1 * width_um, low_um[1]
    ax.plot([x_um, x_um], [y_um, y_um + 2 * height_um], color=INK, lw=2.0)
    words = f"bar: {format_value(bar_uV)} µV; each waveform lasts {format_value(window_ms)} ms"
    ax.set_xlabel(f"x (µm)\n{words}")
    legend_above(ax, min(len(rows), 4), title)
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
    >>> plot_traces(recording, 0.02, 0.05).get_xlabel()
    'time from 0.02 s (ms)'
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
    time_ms = 1e3 * (np.arange(first, last) / recording.sample_rate_hz - start_s)
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
    ax.set_xlabel(f"time from {start_s:g} s (ms)" if start_s else "time (ms)")
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


def _steps_um(contacts_um: np.ndarray) -> tuple[float, float]:
    """Return how wide and how high a waveform may be drawn: between contacts of a row, and rows."""
    steps_um = []
    for along in (0, 1):
        apart_um = np.abs(contacts_um[:, None, along] - contacts_um[None, :, along])
        same = np.abs(contacts_um[:, None, 1 - along] - contacts_um[None, :, 1 - along]) < 1.0
        in_line = apart_um[same & (apart_um > 1.0)]
        steps_um.append(float(in_line.min()) if in_line.size else 20.0)
    width_um, height_um = steps_um
    rows_um = np.diff(np.unique(contacts_um[:, 1]))
    return width_um, min(height_um, float(rows_um.min(initial=height_um, where=rows_um > 1.0)))


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
    time_ms = 1e3 * (spikes.times_s[seen] - span_s[0])
    ax.scatter(time_ms, height_uV, c=colours, s=20, marker="^", lw=0, zorder=3)
