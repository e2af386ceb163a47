"""Units beside a probe obey the physics they are made of."""

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.simulate import CurrentSources, TemplateGenerator, generate_templates, probe_contacts

CONTACTS_UM = probe_contacts("neuropixels")[:100]
UNITS = generate_templates(CONTACTS_UM, TemplateGenerator(n_units=60), seed=2)
TEMPLATES = UNITS.templates()


@pytest.mark.parametrize("probe", ["neuropixels", "tetrode"])
@pytest.mark.parametrize("rate_hz", [10_000.0, 30_000.0])
def test_the_time_of_a_spike_is_that_of_its_trough_on_the_largest_channel(probe, rate_hz):
    method = TemplateGenerator(n_units=300, sample_rate_hz=rate_hz, min_spacing_um=1.0)
    units = generate_templates(probe_contacts(probe), method, seed=1)
    at_rest = units.templates()
    finer = at_rest.resampled(16 * rate_hz)
    for templates, half_a_sample in ((at_rest, 0), (finer, 8)):
        uV = templates.waveforms_uV[np.arange(300), :, at_rest.peak_channel]
        late = np.abs(uV).argmax(axis=1) - templates.peak_sample
        assert np.abs(late).max() <= half_a_sample
    down = at_rest.waveforms_uV[np.arange(300), at_rest.peak_sample, at_rest.peak_channel] < 0
    assert 0.9 < down.mean() < 1.0  # the others are upside down


def test_a_window_of_one_sample_has_the_trough_in_it():
    method = TemplateGenerator(n_units=2, window_s=(-1e-6, 1e-6))
    assert generate_templates(CONTACTS_UM, method, seed=1).currents_nA.shape[1] == 1


def test_units_are_described_in_a_line():
    assert repr(UNITS) == "CurrentSources(60 units beside 100 contacts, 30000.0 Hz)"


def test_what_flows_out_flows_in():
    assert np.abs(UNITS.currents_nA.sum(axis=2)).max() < 1e-4 * np.abs(UNITS.currents_nA).max()


def test_a_point_current_makes_the_voltage_of_coulomb():
    source = CurrentSources(
        np.full((1, 1, 1), 10.0),
        np.array([[[0.0, 0.0, 30.0]]]),
        np.array([1e-3]),
        30000.0,
        0,
        np.array([[0.0, 40.0]]),
        np.array([0]),
    )
    # 10 nA / (4 pi 0.3 S/m 50 um) = 53.05 uV
    np.testing.assert_allclose(source.waveforms_uV()[0, 0, 0], 53.05, rtol=1e-3)


def test_a_unit_farther_away_is_smaller_and_falls_faster_than_a_single_pole():
    method = TemplateGenerator(n_units=20, narrow_share=0.0)
    units = generate_templates(CONTACTS_UM, method, seed=4)
    peaks = []
    for distance_um in (20.0, 40.0, 80.0, 400.0, 800.0):
        away = np.array([0.0, 0.0, distance_um]) - units.positions_um * [0, 0, 1]
        moved = CurrentSources(
            units.currents_nA,
            units.sources_um + away[:, None],
            units.radii_um,
            units.sample_rate_hz,
            units.peak_sample,
            CONTACTS_UM,
            units.unit_ids,
        )
        peaks.append(np.abs(_unfaded(moved)).max(axis=(1, 2)))
    peaks = np.array(peaks)
    assert np.all(np.diff(peaks, axis=0) < 0)
    slope = np.log(peaks[4] / peaks[3]) / np.log(2)
    assert np.all(slope < -1.4)


def _unfaded(units):
    """Return the voltages of currents so strong that no channel is faint."""
    loud = CurrentSources(
        units.currents_nA * 1e6,
        units.sources_um,
        units.radii_um,
        units.sample_rate_hz,
        units.peak_sample,
        units.contacts_um,
        units.unit_ids,
    )
    return loud.waveforms_uV() / 1e6


def test_spikes_are_negative_first_and_of_two_widths():
    method = TemplateGenerator(n_units=60, positive_share=0.0)
    units = generate_templates(CONTACTS_UM, method, seed=5)
    soma = units.currents_nA[:, :, 0]
    trough = soma.argmin(axis=1)
    assert np.all((units.peak_sample - trough >= 0) & (units.peak_sample - trough <= 3))
    to_peak = [row[at:].argmax() / 30000 for row, at in zip(soma, trough, strict=True)]
    narrow = np.array(to_peak) < 0.0004
    assert 5 <= narrow.sum() <= 30
    tolerance = 1.5 / 30000
    assert 0.0002 - tolerance < min(to_peak)
    assert np.all(np.array(to_peak)[~narrow] > 0.0005 - tolerance)
    assert max(to_peak) < 0.0009 + tolerance
    waves = units.templates().waveforms_uV
    largest = waves[np.arange(60), :, units.templates().peak_channel]
    assert np.mean(largest.min(axis=1) < -largest.max(axis=1)) > 0.8


def test_a_spike_reaches_the_end_of_the_dendrite_later():
    method = TemplateGenerator(n_units=30, narrow_share=0.0, positive_share=0.0)
    currents = generate_templates(CONTACTS_UM, method, seed=6).currents_nA
    first, last = np.abs(currents[:, :, 1]).argmax(1), np.abs(currents[:, :, 20]).argmax(1)
    # 190 um at 0.5 m/s are 0.38 ms, 11.4 samples
    np.testing.assert_allclose(last - first, 11.4, atol=3)


def test_ends_are_silent_and_faint_channels_left_out():
    waves = TEMPLATES.waveforms_uV
    assert np.abs(waves[:, [0, -1]]).max() < 1e-3
    peak = np.abs(waves).max(axis=1)
    assert 0.2 < np.mean(peak == 0) < 0.9
    assert 20 < np.median(TEMPLATES.amplitude_uV) < 150


def test_somata_keep_their_distance():
    somata = UNITS.positions_um
    apart = np.linalg.norm(somata[:, None] - somata, axis=2)
    assert apart[~np.eye(60, dtype=bool)].min() >= 15
    assert np.all((somata[:, 2] >= 10) & (somata[:, 2] <= 60))
    assert np.all(np.diff(somata[:, 1]) >= 0)


def test_moving_the_tissue_by_a_period_of_the_probe_moves_the_template():
    here, moved = UNITS.waveforms_uV(), UNITS.waveforms_uV(40.0)
    np.testing.assert_allclose(moved[:, :, 4:], here[:, :, :-4], atol=1e-3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_units": 0}, "n_units=0"),
        ({"window_s": (0.001, 0.002)}, "it must hold the spike"),
        ({"depth_um": (60.0, 10.0)}, r"depth_um=\(60.0, 10.0\)"),
        ({"narrow_s": (0.0, 0.1)}, "both above 0"),
        ({"narrow_share": 1.5}, "a share lies in 0..1"),
        ({"margin_um": -1.0}, "margin_um=-1.0: give 0 or more"),
        ({"current_nA": 0.0}, "current_nA=0.0: give more than 0"),
        ({"sample_rate_hz": 0.0}, "sample_rate_hz=0.0"),
    ],
)
def test_what_cannot_be_a_unit_is_refused(fields, message):
    with pytest.raises(InvalidInputError, match=message):
        TemplateGenerator(**fields)


def test_units_that_do_not_fit_are_counted():
    method = TemplateGenerator(n_units=50, min_spacing_um=60.0)
    with pytest.raises(
        InvalidInputError, match=r"50 units at least 60.0 um apart do not fit .* Take fewer units"
    ):
        generate_templates(probe_contacts("tetrode"), method, seed=1)


def test_currents_and_sources_must_fit():
    parts = (UNITS.sample_rate_hz, UNITS.peak_sample, UNITS.contacts_um, UNITS.unit_ids)
    with pytest.raises(InvalidInputError, match="the currents want"):
        CurrentSources(UNITS.currents_nA, UNITS.sources_um[:, 1:], UNITS.radii_um, *parts)
    with pytest.raises(InvalidInputError, match="radii_um has 2 rows"):
        CurrentSources(UNITS.currents_nA, UNITS.sources_um, np.ones(2), *parts)
