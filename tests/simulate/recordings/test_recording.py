"""A recording is the sum it says it is, in whatever pieces it is read."""

import operator
import pickle
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikeloop.data import Epochs, SpikeTrains, Templates
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.parallel import map_tasks
from spikeloop.simulate import (
    AmplitudeModel,
    Background,
    Drift,
    Interference,
    Noise,
    RecordingModel,
    TemplateGenerator,
    generate_templates,
    probe_contacts,
    record,
)
from spikeloop.simulate.recordings.layers import BLOCK

RATE_HZ = 20000.0
DURATION_S = 1.0
CONTACTS_UM = probe_contacts("linear_32")[:6]
CLEAN = RecordingModel.clean()
FULL = RecordingModel(
    background=Background(n_units=20),
    interference=Interference(artefact_rate_hz=3.0, hum_uV=4.0),
)
DRIFT = Drift([0.0, DURATION_S], [0.0, 100.0], [[-10.0, 0.0], [30.0, 10.0]])


def trains(n_units, n_spikes=40, seed=0):
    rng = np.random.default_rng(seed)
    times = {u: np.sort(rng.uniform(0, DURATION_S, n_spikes)) for u in range(n_units)}
    return SpikeTrains.from_units(times, Epochs([0.0], [DURATION_S]))


def sources(n_units=4):
    method = TemplateGenerator(n_units=n_units, sample_rate_hz=RATE_HZ, margin_um=5.0)
    return generate_templates(CONTACTS_UM, method, seed=3)


WHOLE = record(trains(4), sources(), FULL, drift=DRIFT, seed=7).recording
TRACES = WHOLE.read(0, WHOLE.n_samples)


@given(st.lists(st.integers(0, WHOLE.n_samples), min_size=1, max_size=8))
@settings(max_examples=25)
def test_any_pieces_give_the_same_bytes(cuts):
    recording = record(trains(4), sources(), FULL, drift=DRIFT, seed=7).recording
    edges = [0, *sorted(cuts), WHOLE.n_samples]
    pieces = [recording.read(a, b) for a, b in pairwise(edges)]
    assert np.concatenate(pieces).tobytes() == TRACES.tobytes()


@pytest.mark.parametrize("sample", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 1, WHOLE.n_samples - 1])
def test_single_samples_are_those_of_the_whole(sample):
    fresh = pickle.loads(pickle.dumps(WHOLE))  # noqa: S301
    assert fresh.read(sample, sample + 1).tobytes() == TRACES[sample : sample + 1].tobytes()


def test_other_processes_give_the_same_bytes():
    spans = [(0, 5000), (5000, 9001), (9001, WHOLE.n_samples)]
    reads = [partial(WHOLE.read, *span) for span in spans]
    pieces = map_tasks(operator.call, reads, executor="process:1")
    assert np.concatenate(pieces).tobytes() == TRACES.tobytes()


def test_other_seeds_give_other_noise_and_the_same_seed_the_same():
    again = record(trains(4), sources(), FULL, drift=DRIFT, seed=7).recording
    other = record(trains(4), sources(), FULL, drift=DRIFT, seed=8).recording
    assert again.read(100, 200).tobytes() == TRACES[100:200].tobytes()
    assert np.abs(other.read(100, 200) - TRACES[100:200]).min() > 0


def brute_force(truth, n_samples):
    """Add up shifted templates in float64, by Fourier delays of a long, silent window."""
    templates = truth.templates
    n_times = templates.waveforms_uV.shape[1]
    traces = np.zeros((n_samples + 2 * n_times, templates.n_channels))
    spikes = truth.spikes
    for time_s, unit, amplitude in zip(
        spikes.times_s, spikes.unit_index, truth.amplitudes, strict=True
    ):
        position = time_s * templates.sample_rate_hz
        sample = int(np.floor(position + 1e-9))
        padded = np.pad(templates.waveforms_uV[unit].astype(float), ((64, 64), (0, 0)))
        phase = np.exp(-2j * np.pi * np.fft.rfftfreq(len(padded)) * (position - sample))
        moved = np.fft.irfft(np.fft.rfft(padded, axis=0) * phase[:, None], len(padded), axis=0)
        first = sample - templates.peak_sample - 64 + n_times
        a, b = max(first, 0), min(first + len(padded), len(traces))
        traces[a:b] += amplitude * moved[a - first : b - first]
    return traces[n_times : n_times + n_samples]


def test_without_noise_the_recording_is_the_sum_of_its_templates():
    method = replace(CLEAN, amplitudes=AmplitudeModel())
    done = record(trains(4, 60), sources(), method, seed=1)
    got = done.recording.read(0, done.recording.n_samples)
    wanted = brute_force(done.truth, len(got))
    assert np.abs(wanted).max() > 60
    assert np.abs(got - wanted).max() < 0.01 * np.abs(wanted).max()


def test_on_whole_samples_the_sum_is_exact():
    done = record(trains(4, 60), sources(), replace(CLEAN, subsample=False), seed=1)
    truth, n_samples = done.truth, done.recording.n_samples
    uV, peak = truth.templates.waveforms_uV.astype(float), truth.templates.peak_sample
    wanted = np.zeros((n_samples + uV.shape[1], uV.shape[2]))
    for time_s, unit in zip(truth.spikes.times_s, truth.spikes.unit_index, strict=True):
        first = round(time_s * RATE_HZ) - peak
        a, b = max(first, 0), first + uV.shape[1]
        wanted[a:b] += uV[unit, a - first :]
    np.testing.assert_allclose(done.recording.read(0, n_samples), wanted[:n_samples], atol=1e-4)


def test_noise_is_what_is_left_when_the_clean_recording_is_taken_away():
    noisy = replace(CLEAN, noise=Noise(), interference=FULL.interference)
    clean = record(trains(4), sources(), CLEAN, seed=7).recording.read(0, 9000)
    silent = SpikeTrains.from_units({u: [] for u in range(4)}, Epochs([0.0], [DURATION_S]))
    noise = record(silent, sources(), noisy, seed=7).recording.read(0, 9000)
    both = record(trains(4), sources(), noisy, seed=7).recording.read(0, 9000)
    np.testing.assert_allclose(both - noise, clean, atol=1e-3)


@pytest.mark.parametrize("sample", [BLOCK - 10, BLOCK - 1, BLOCK, BLOCK + 12])
def test_a_spike_that_crosses_a_border_of_blocks_is_whole(sample):
    units = sources(1)
    spikes = SpikeTrains.from_units({0: [sample / RATE_HZ]}, Epochs([0.0], [DURATION_S]))
    recording = record(spikes, units, CLEAN, seed=1).recording
    wanted = units.templates().waveforms_uV[0]
    first = sample - units.peak_sample
    np.testing.assert_allclose(recording.read(first, first + len(wanted)), wanted, atol=1e-4)


def test_spikes_at_both_ends_are_cut_and_not_wrapped():
    units = sources(1)
    last_s = (DURATION_S * RATE_HZ - 1) / RATE_HZ
    spikes = SpikeTrains.from_units({0: [0.0, last_s]}, Epochs([0.0], [DURATION_S]))
    recording = record(spikes, units, CLEAN, seed=1).recording
    traces, uV, peak = recording.read(0, recording.n_samples), *uV_and_peak(units)
    np.testing.assert_allclose(traces[: len(uV) - peak], uV[peak:], atol=1e-4)
    np.testing.assert_allclose(traces[-peak - 1 :], uV[: peak + 1], atol=1e-4)
    assert not traces[200:-200].any()


def uV_and_peak(units):
    return units.templates().waveforms_uV[0], units.peak_sample


def test_units_are_matched_by_id():
    units = sources(3)
    spikes = SpikeTrains.from_units({2: [0.5], 0: []}, Epochs([0.0], [DURATION_S]))
    done = record(spikes, units, CLEAN, seed=1)
    first = round(0.5 * RATE_HZ) - units.peak_sample
    wanted = units.templates().waveforms_uV[2]
    np.testing.assert_allclose(done.recording.read(first, first + len(wanted)), wanted, atol=1e-4)
    assert done.truth.templates.unit_ids.tolist() == [2, 0]
    fixed = record(spikes, units.templates(), CLEAN, seed=1)
    np.testing.assert_array_equal(fixed.recording.read(0, 20000), done.recording.read(0, 20000))


def test_the_truth_tells_displacements_and_amplitudes():
    done = record(trains(2), sources(2), FULL, drift=DRIFT, seed=7)
    spikes, truth = trains(2), done.truth
    depths_um = sources(2).positions_um[spikes.unit_index, 1]
    np.testing.assert_allclose(truth.displacement_um, DRIFT.at(spikes.times_s, depths_um))
    assert truth.amplitudes.shape == spikes.times_s.shape
    assert truth.amplitudes.std() > 0.03
    assert truth.drift is DRIFT
    assert record(trains(2), sources(2), CLEAN, seed=7).truth.drift is None


def changed(**fields):
    wave = np.zeros((2, 30, 2))
    wave[:, 10] = -50
    given_ = {"unit_ids": [0, 1], "contacts_um": [[0, 0], [0, 20]], "waveforms_uV": wave} | fields
    return Templates(sample_rate_hz=RATE_HZ, peak_sample=10, **given_)


EARLY = SpikeTrains.from_units({0: [-0.5], 1: []}, Epochs([-1.0], [1.0]))
BEFORE = SpikeTrains.from_units({0: [], 1: []}, Epochs([-1.0], [-0.5]))
NOBODY = SpikeTrains.from_units({}, Epochs([0.0], [1.0]))
FAR = Drift([0.0], [0.0], [[30.0]])
WRONG = {
    "unknown units": (
        lambda: record(trains(3), changed(), CLEAN, seed=1),
        r"1 of 3 units have no template, such as \[2\]",
    ),
    "no units": (lambda: record(NOBODY, changed(), CLEAN, seed=1), "at least one"),
    "early spikes": (
        lambda: record(EARLY, changed(), CLEAN, seed=1),
        "1 spikes lie before 0 s, .* the first at -0.5 s. Shift the times",
    ),
    "no time": (lambda: record(BEFORE, changed(), CLEAN, seed=1), "the epochs stop at -0.5 s"),
    "long templates": (
        lambda: record(trains(2), changed(waveforms_uV=np.ones((2, 2500, 2))), CLEAN, seed=1),
        "have 2500 samples: they must have fewer than 2032",
    ),
    "far drift": (
        lambda: record(trains(2), changed(), CLEAN, drift=FAR, seed=1),
        "the drift reaches 30 um: templates known over 20 um .* can be moved by 10 um",
    ),
    "negative white noise": (lambda: Noise(white_uV=-1.0), "white_uV=-1.0: .* is 0 or more"),
    "endless field": (lambda: Noise(field_uV=np.inf), "field_uV=inf"),
    "no length": (lambda: Noise(field_length_um=0.0), "use white_uV"),
    "flat spectrum": (lambda: Noise(field_spectrum=(1.0, 2.0)), "give .frequency, power. pairs"),
    "disordered spectrum": (
        lambda: Noise(field_spectrum=((300.0, 1.0), (100.0, 1.0))),
        "frequencies must ascend",
    ),
    "negative power": (lambda: Noise(field_spectrum=((300.0, -1.0),)), "powers be above 0"),
    "variation": (lambda: AmplitudeModel(variation=np.nan), "variation=nan"),
    "negative variation": (lambda: AmplitudeModel(variation=-0.1), "variation=-0.1"),
    "burst": (lambda: AmplitudeModel(burst_drop=1.0), "burst_drop=1.0: .* below 1"),
    "recovery": (lambda: AmplitudeModel(burst_recovery_s=0.0), "burst_recovery_s=0.0"),
    "background": (lambda: Background(sd_uV=-1.0), "For no background|Give 0 for no background"),
    "no far units": (lambda: Background(n_units=0), "give sd_uV=0"),
    "artefacts": (lambda: Interference(artefact_rate_hz=-1.0), "artefact_rate_hz=-1.0"),
    "short artefacts": (lambda: Interference(artefact_duration_s=0.0), "give more than 0"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_recorded_is_refused(kind):
    call, message = WRONG[kind]
    with pytest.raises(InvalidInputError, match=message):
        call()
