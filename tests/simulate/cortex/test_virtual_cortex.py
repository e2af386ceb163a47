import time
from dataclasses import asdict, replace

import numpy as np
import pytest

from spikeloop.data import BLANK, Responses
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.binning import count_in_windows
from spikeloop.simulate import VirtualCortex, simulate_cortex

SMALL = VirtualCortex(
    n_simple=12, n_complex=6, n_unresponsive=2, n_images=150, n_repeats=4, n_blanks=5, pause_s=5.0
)


@pytest.fixture(scope="module")
def small():
    return simulate_cortex(SMALL, seed=7)


@pytest.fixture(scope="module")
def default(small):  # after `small`, which has paid for the imports
    started = time.process_time()
    simulated = simulate_cortex(VirtualCortex(), seed=0)
    return simulated, time.process_time() - started


def responses_of(simulated):
    experiment, window_s = simulated.experiment, simulated.truth.window_s
    spikes, onset_s = experiment.spikes, experiment.trials.onset_s
    counts = count_in_windows(
        spikes.times_s,
        spikes.unit_index,
        spikes.n_units,
        onset_s + window_s[0],
        onset_s + window_s[1],
    )
    return Responses(counts, window_s, experiment.trials, spikes.unit_ids)


def true_rates(simulated, stimulus_ids):
    return simulated.truth.rates_hz[np.argsort(simulated.truth.image_ids)[stimulus_ids]]


def test_each_block_shows_each_image_once_and_the_blanks(small):
    trials = small.experiment.trials
    assert len(trials) == 4 * (150 + 5)
    for block in range(4):
        shown = trials.stimulus_id[trials.conditions["block"] == block]
        assert sorted(shown) == [BLANK] * 5 + list(range(150))
    gaps_s = np.diff(trials.onset_s) - trials.duration_s[:-1]
    assert np.count_nonzero(gaps_s > 1e-9) == 3
    np.testing.assert_allclose(gaps_s[gaps_s > 1e-9], 5.0)


def test_images_must_be_paired_by_id(small):
    images = small.experiment.images
    assert sorted(images.image_ids) == list(range(150))
    assert images.image_ids.tolist() != list(range(150))
    assert images.extent_deg == (40.0, 40.0)
    np.testing.assert_array_equal(
        small.truth.model.rates(images.of_ids(np.arange(150))), true_rates(small, np.arange(150))
    )


def test_the_mean_count_in_the_window_is_the_true_rate(small):
    responses = responses_of(small)
    expected = true_rates(small, responses.stimulus_ids) * SMALL.duration_s
    gain_variance = 1.03 * 1.1 - 1
    error = np.sqrt((expected + gain_variance * expected**2) / SMALL.n_repeats)
    z = (responses.mean() - expected) / error
    assert abs(z.mean()) < 0.1
    assert z.var() == pytest.approx(1.0, abs=0.15)


def test_a_response_fills_its_window_and_blanks_give_the_baseline():
    method = replace(SMALL, shared_gain_variance=0.0, private_gain_variance=0.0, gain_hz=60.0)
    simulated = simulate_cortex(method, seed=7)
    responses = responses_of(simulated)
    baseline = simulated.truth.model.baseline_hz * method.duration_s
    z = (responses.blanks().mean(axis=0) - baseline) / np.sqrt(baseline / 20)
    assert np.abs(z).max() < 4
    table = responses.repeats().reshape(-1, simulated.experiment.spikes.n_units)
    expected = np.repeat(true_rates(simulated, responses.stimulus_ids), 4, axis=0) * 0.25
    residual = table - expected
    assert (residual**2).sum() / expected.sum() == pytest.approx(1.0, abs=0.1)


def test_true_signal_noise_and_ceiling_follow_from_the_rates(small):
    truth = small.truth
    expected = truth.rates_hz * 0.25
    np.testing.assert_allclose(truth.signal_variance, expected.var(axis=0, ddof=1))
    np.testing.assert_allclose(
        truth.noise_variance, np.mean(expected + (1.03 * 1.1 - 1) * expected**2, axis=0)
    )
    snr = truth.signal_variance / truth.noise_variance
    np.testing.assert_allclose(truth.noise_ceiling(4), np.sqrt(4 * snr / (1 + 4 * snr)))
    assert np.all(truth.noise_ceiling(1)[truth.cell_type == "unresponsive"] < 1e-6)


def test_unresponsive_units_have_no_filter_and_one_rate(small):
    silent = small.truth.cell_type == "unresponsive"
    assert silent.sum() == 2
    assert not small.truth.filters[silent].any()
    assert small.truth.filters[~silent].any(axis=(1, 2, 3)).all()
    assert np.all(np.ptp(small.truth.rates_hz[:, silent], axis=0) < 1e-12)


def test_the_unit_table_tells_units_apart(small):
    spikes = small.experiment.spikes
    assert spikes.unit_ids.tolist() != sorted(spikes.unit_ids)
    np.testing.assert_array_equal(spikes.unit_ids, small.truth.model.unit_ids)
    table = spikes.unit_table
    assert set(table["location"]) == {"VISp"}
    np.testing.assert_array_equal(table["cell_type"], small.truth.cell_type)
    responsive = table["cell_type"] != "unresponsive"
    for name in ("preferred_orientation_deg", "spatial_frequency_cpd"):
        assert len(np.unique(table[name][responsive])) == 18
        assert np.isnan(table[name][~responsive]).all()
    assert table["amplitude_cutoff"].max() <= 0.1
    assert table["presence_ratio"].min() >= 0.95
    assert table["isi_violations"].max() <= 0.5


def test_the_same_seed_gives_the_same_bytes(small):
    again, other = simulate_cortex(SMALL, seed=7), simulate_cortex(SMALL, seed=8)
    for simulated, same in ((again, True), (other, False)):
        for read in (
            lambda s: s.experiment.spikes.times_s,
            lambda s: s.experiment.images.pixels,
            lambda s: s.experiment.trials.stimulus_id,
            lambda s: s.truth.rates_hz,
        ):
            assert (read(simulated).tobytes() == read(small).tobytes()) is same


def test_more_repeats_leave_units_and_images_as_they_were(small):
    longer = simulate_cortex(replace(SMALL, n_repeats=5), seed=7)
    np.testing.assert_array_equal(longer.truth.rates_hz, small.truth.rates_hz)
    np.testing.assert_array_equal(longer.truth.filters, small.truth.filters)


def test_one_kind_of_unit_alone_will_do():
    method = replace(SMALL, n_simple=0, n_complex=1, n_unresponsive=0, n_repeats=1, n_blanks=0)
    assert simulate_cortex(method, seed=1).truth.cell_type.tolist() == ["complex"]


def test_the_default_has_the_shape_of_the_allen_natural_scenes_in_three_seconds(default):
    simulated, cpu_s = default
    assert cpu_s <= 3.0
    assert len(simulated.experiment.trials) == 5950
    assert np.count_nonzero(simulated.experiment.trials.stimulus_id == BLANK) == 50
    assert len(simulated.experiment.spikes.times_s) < 2_000_000


def test_the_default_has_rates_and_reliabilities_as_neurons_have_them(default):
    truth = default[0].truth
    responsive = truth.cell_type != "unresponsive"
    mean_hz = truth.rates_hz.mean(axis=0)[responsive]
    assert 1.0 < np.median(mean_hz) < 10.0
    assert mean_hz.max() < 30.0
    ceiling = truth.noise_ceiling(1)[responsive]
    assert ceiling.min() < 0.4
    assert ceiling.max() > 0.85


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_simple": -1}, "n_simple=-1: give 0 or more"),
        ({"n_simple": 0, "n_complex": 0, "n_unresponsive": 0}, "are all 0: ask for a unit"),
        ({"n_images": 1}, "n_images=1: give 2 or more"),
        ({"n_repeats": 0}, "n_repeats=0: give 1 or more"),
        ({"duration_s": 0.0}, "duration_s=0.0: give a number above 0"),
        ({"spatial_frequency_cpd": (0.1, 0.05)}, "give two frequencies, ascending"),
        (
            {"spatial_frequency_cpd": (0.1, 0.3)},
            "below 0.25, which is all that 20 pixels in 40 deg",
        ),
        ({"latency_s": 40.0}, "Make the pause longer than the latency"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(setting, message):
    with pytest.raises(InvalidInputError, match=message):
        VirtualCortex(**setting)


def test_settings_are_plain_values():
    assert VirtualCortex(**asdict(SMALL)) == SMALL
