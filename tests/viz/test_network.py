"""Figures of networks: colours, peaks, bins and what was left out; and what is refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError
from spikeloop.viz import (
    CurvePanel,
    RasterPanel,
    VoltagePanel,
    plot_distributions,
    plot_network_raster,
    plot_panels,
    plot_spectrum,
    plot_voltage,
)


def trains(n_units, n_spikes=2, **table):
    rng = np.random.default_rng(0)
    times_s = {unit: np.sort(rng.uniform(0, 1, n_spikes)) for unit in range(n_units)}
    return SpikeTrains.from_units(times_s, Epochs([0.0], [1.0]), table)


def series(*values, rate_hz=1000.0):
    return TimeSeries(np.array(values)[:, None], rate_hz)


def kinds(n_excitatory, n_inhibitory):
    return np.repeat(["excitatory", "inhibitory"], [n_excitatory, n_inhibitory])


def test_excitatory_units_are_black_and_inhibitory_red():
    spikes = trains(10, population=kinds(8, 2))
    ax = plot_network_raster(spikes)
    black, red = ax.lines
    assert to_hex(black.get_color()) == "#222222"
    assert to_hex(red.get_color()) == "#cc3311"
    assert (set(black.get_ydata()), set(red.get_ydata())) == (set(range(1, 9)), {9, 10})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["excitatory", "inhibitory"]
    np.testing.assert_allclose(np.sort(red.get_xdata()) / 1e3, np.sort(_times(spikes, [8, 9])))


def _times(spikes, units):
    return np.concatenate([spikes.of_unit(unit) for unit in units])


def test_of_many_units_some_of_each_kind_are_drawn_and_the_axis_says_so():
    ax = plot_network_raster(trains(1000, population=kinds(800, 200)), most_units=100)
    assert ax.get_ylabel() == "unit (100 of 1,000)"
    black, red = ax.lines
    assert black.get_ydata().max() == 80
    assert (red.get_ydata().min(), red.get_ydata().max()) == (81, 100)


def test_units_without_populations_and_without_spikes_are_drawn():
    assert plot_network_raster(trains(3)).get_legend() is None
    silent = plot_network_raster(trains(3, 0))
    assert [text.get_text() for text in silent.texts] == ["no spike"]
    assert silent.get_ylim() == (3.5, 0.5)


def test_dots_of_many_spikes_become_pixels():
    assert plot_network_raster(trains(200, 20)).lines[0].get_rasterized()
    assert not plot_network_raster(trains(20, 20)).lines[0].get_rasterized()


def test_each_spike_reaches_the_peak_after_the_value_of_its_tick():
    voltage = series(-70.0, -55.0, -65.0, -60.0, -40.0)
    ax = plot_voltage(voltage, np.array([0.001, 0.004]), peak_mV=20.0)
    assert ax.lines[0].get_ydata().tolist() == [-70, -55, 20, -65, -60, -40, 20]
    assert ax.lines[0].get_xdata().tolist() == pytest.approx([0, 1, 1, 2, 3, 4, 4])
    assert ax.get_xlim() == (0.0, 5.0)


def test_ticks_that_rounding_moved_find_their_spike():
    ticks = np.arange(2000)
    voltage = TimeSeries(np.full((2000, 1), -60.0), 1000 / 0.1)
    ax = plot_voltage(voltage, ticks * (0.1 / 1000), peak_mV=0.0)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), np.tile([-60.0, 0.0], 2000))


def test_panels_share_their_time_and_the_shade():
    panels = [
        RasterPanel(trains(5), "input"),
        CurvePanel({"a": series(1.0, 2.0), "b": series(2.0, 1.0)}, "conductance"),
        VoltagePanel(series(-60.0, -65.0), np.empty(0)),
    ]
    figure = plot_panels(panels, shaded_s=(0.2, 0.7), shaded_label="light")
    axes = figure.axes
    assert [ax.get_ylabel() for ax in axes] == ["input", "conductance", "potential (mV)"]
    assert [ax.get_xlabel() for ax in axes] == ["", "", "time (ms)"]
    assert {ax.get_xlim() for ax in axes} == {(0.0, 1000.0)}
    assert axes[0].texts[-1].get_text() == "light"
    assert [to_hex(line.get_color()) for line in axes[1].lines] == ["#222222", "#cc3311"]
    assert axes[1].get_legend() is not None
    assert axes[2].get_legend() is None


def bars(ax):
    return [patch.get_data() for patch in ax.patches]


def test_values_in_steps_are_counted_in_equal_numbers_of_steps():
    rates_hz = np.repeat(np.arange(101) / 2.0, 7)  # counts in 2 s
    (ax,) = plot_distributions({"rate (Hz)": {"all": rates_hz}}).axes
    ((shares, edges, _),) = bars(ax)
    assert len(np.unique(np.diff(edges).round(9))) == 1
    assert np.ptp(shares[:-1]) == 0  # no comb
    assert shares.sum() == pytest.approx(1.0)
    assert ax.get_legend().get_texts()[0].get_text() == "all, median 25"


def test_distributions_leave_out_what_is_not_finite():
    scores = {"CV": {"a": np.array([np.nan, 1.0, 1.0]), "b": np.array([np.nan])}}
    (ax,) = plot_distributions(scores).axes
    ((shares, edges, _),) = bars(ax)
    assert shares.tolist() == [1.0]
    assert edges.tolist() == [0.5, 1.5]
    (empty,) = plot_distributions({"CV": {"b": np.array([np.nan])}}).axes
    assert [text.get_text() for text in empty.texts] == ["undefined"]


def test_a_logarithmic_score_has_a_logarithmic_axis():
    figure = plot_distributions({"log interval (ms)": {"a": np.geomspace(1, 1e3, 100)}})
    assert figure.axes[0].get_xlabel() == "interval (ms)"
    assert figure.axes[0].get_xscale() == "log"


REFUSED = {
    "panels is empty": lambda: plot_panels([]),
    "scores is empty": lambda: plot_distributions({}),
    "curves is empty": lambda: plot_panels([CurvePanel({}, "rate")]),
    r"shaded_s=\(0.7, 0.2\): stop must be after start": lambda: plot_panels(
        [RasterPanel(trains(2))], shaded_s=(0.7, 0.2)
    ),
    "potential.* has 2 columns: give one": lambda: plot_voltage(
        TimeSeries(np.zeros((3, 2)), 1.0), np.empty(0)
    ),
    "3 spectra: give one or two": lambda: plot_spectrum(
        np.arange(2.0), dict.fromkeys("abc", np.ones(2))
    ),
    "a has 3 values for 2 frequencies": lambda: plot_spectrum(np.arange(2.0), {"a": np.ones(3)}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_drawn_is_refused(message):
    with pytest.raises(InvalidInputError, match=message):
        REFUSED[message]()
