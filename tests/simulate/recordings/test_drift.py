"""Tissue that moves: the path, and what the contacts see of it."""

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import InvalidInputError
from spikeloop.simulate import (
    Drift,
    DriftModel,
    RecordingModel,
    TemplateGenerator,
    generate_templates,
    probe_contacts,
    record,
    simulate_drift,
)

CONTACTS_UM = probe_contacts("neuropixels_2")[:80]
INNER = slice(20, 60)  # where templates are known on either side
CLEAN = RecordingModel.clean()


def units(n_units=8):
    method = TemplateGenerator(n_units=n_units, depth_um=(20.0, 50.0), margin_um=-0.0)
    return generate_templates(CONTACTS_UM, method, seed=11)


def one_spike_each(n_units):
    times = {u: [(u + 1) * 0.02] for u in range(n_units)}
    return SpikeTrains.from_units(times, Epochs([0.0], [(n_units + 2) * 0.02]))


def seen(done, unit):
    """Return what is in the recording around the only spike of a unit."""
    templates = done.truth.templates
    first = round((unit + 1) * 0.02 * templates.sample_rate_hz) - templates.peak_sample
    return done.recording.read(first, first + templates.waveforms_uV.shape[1])


@pytest.mark.parametrize("moved_um", [20.0, -20.0, 7.0])
def test_a_drift_shows_the_template_of_the_shifted_unit(moved_um):
    tissue = units()
    drift = Drift([0.0], [0.0], [[moved_um]])
    done = record(one_spike_each(8), tissue, CLEAN, drift=drift, seed=1)
    wanted = tissue.waveforms_uV(moved_um)
    for unit in range(8):
        error = np.abs(seen(done, unit) - wanted[unit]).max()
        assert error < 0.02 * np.abs(wanted[unit]).max()


def test_a_drift_of_a_period_of_the_probe_shifts_the_channels():
    tissue = units()
    drift = Drift([0.0], [0.0], [[60.0]])  # four rows of two
    done = record(one_spike_each(8), tissue, CLEAN, drift=drift, seed=1)
    here = tissue.waveforms_uV()
    for unit in range(8):
        np.testing.assert_allclose(seen(done, unit)[:, 8:], here[unit][:, :-8], atol=0.01)


@pytest.mark.parametrize("moved_um", [4.0, 10.0, 20.0])
def test_templates_interpolated_between_contacts_are_near_those_of_the_moved_currents(moved_um):
    tissue = units(30)
    inside = (tissue.positions_um[:, 1] > 150) & (tissue.positions_um[:, 1] < 450)
    drift = Drift([0.0], [0.0], [[moved_um]])
    done = record(one_spike_each(30), tissue.templates(), CLEAN, drift=drift, seed=1)
    wanted, still = tissue.waveforms_uV(moved_um), tissue.waveforms_uV()
    errors = [np.linalg.norm(seen(done, u) - wanted[u]) for u in np.flatnonzero(inside)]
    sizes = np.linalg.norm(wanted, axis=(1, 2))[inside]
    changes = np.linalg.norm(wanted - still, axis=(1, 2))[inside]
    assert np.median(errors / sizes) < 0.03
    assert np.all(errors < 0.25 * changes)


def test_depths_move_by_themselves():
    tissue = units()
    drift = Drift([0.0, 10.0], [0.0, 600.0], [[0.0, 0.0], [0.0, 40.0]])
    done = record(one_spike_each(8), tissue, CLEAN, drift=drift, seed=1)
    times_s = done.truth.spikes.times_s
    wanted_um = 40 * times_s / 10 * np.clip(tissue.positions_um[:, 1] / 600, 0, 1)
    np.testing.assert_allclose(done.truth.displacement_um, wanted_um, atol=1e-9)


def test_a_drift_is_bilinear_inside_and_constant_beyond():
    drift = Drift([0.0, 1.0, 3.0], [0.0, 100.0], [[0.0, 4.0], [2.0, 6.0], [2.0, 10.0]])
    times_s = np.array([-1.0, 0.5, 2.0, 9.0])
    depths_um = np.array([0.0, 50.0, 100.0, 200.0])
    assert drift.at(times_s, depths_um).tolist() == [0.0, 3.0, 8.0, 10.0]
    rigid = Drift([0.0, 1.0], [5.0], [[0.0], [8.0]])
    assert rigid.at(np.array([0.25, 0.25]), np.array([0.0, 99.0])).tolist() == [2.0, 2.0]


def test_a_wave_has_its_period_and_amplitude():
    method = DriftModel(wave_um=10.0, wave_period_s=20.0, nonrigidity=0.5)
    drift = simulate_drift(60.0, (0.0, 100.0), method, seed=1)
    quarter = np.array([5.0, 15.0, 45.0])
    np.testing.assert_allclose(drift.at(quarter, np.zeros(3)), [10, -10, 10], atol=1e-2)
    np.testing.assert_allclose(drift.at(quarter, np.full(3, 100.0)), [5, -5, 5], atol=1e-2)


def test_a_walk_and_jumps_have_the_spread_asked_for():
    ends = {"walk": [], "jump": []}
    methods = {"walk": DriftModel(walk_um=5.0), "jump": DriftModel(jump_um=5.0, jumps_per_min=2.0)}
    for name, method in methods.items():
        for seed in range(300):
            drift = simulate_drift(60.0, (0.0, 0.0), method, seed=seed)
            ends[name].append(drift.displacement_um[-1, 0])
    np.testing.assert_allclose(np.std(ends["walk"]), 5, rtol=0.15)
    np.testing.assert_allclose(np.std(ends["jump"]), 5 * np.sqrt(2), rtol=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Drift([0.0, 1.0], [0.0], [[0.0]]), r"2 times_s and 1 depths_um want \(2, 1\)"),
        (lambda: Drift([1.0, 0.0], [0.0], [[0.0], [1.0]]), "times_s does not ascend"),
        (lambda: Drift([0.0], [0.0], [[np.nan]]), "displacement_um holds 1 values that are not"),
        (lambda: DriftModel(wave_period_s=0.0), "wave_period_s=0.0"),
        (lambda: DriftModel(walk_um=-1.0), "walk_um=-1.0: give 0 or more"),
        (lambda: DriftModel(wave_um=np.inf), "wave_um=inf: it must be finite"),
        (lambda: DriftModel(nonrigidity=2.0), "nonrigidity=2.0"),
    ],
)
def test_what_is_no_drift_is_refused(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
