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
    PROBES,
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
from spikeloop.simulate.recordings.background import BackgroundLayer
from spikeloop.simulate.recordings.layers import BLOCK
from spikeloop.simulate.recordings.spike_layer import on_samples

RATE_HZ = 20000.0
DURATION_S = 1.0
CONTACTS_UM = probe_contacts("linear_32")[:6]
CLEAN = RecordingModel.clean()
FULL = RecordingModel(
    background=Background(units_per_mm3=10_000.0),
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


def test_spikes_are_seen_where_the_truth_says():
    units = generate_templates(CONTACTS_UM, TemplateGenerator(n_units=8), seed=3)
    done = record(trains(8, 50), units, CLEAN, seed=1)
    traces, truth = done.recording.read(0, done.recording.n_samples), done.truth
    sample = np.rint(truth.spikes.times_s * 30000).astype(int)
    inside = (sample > 40) & (sample < len(traces) - 40)
    for unit, channel in enumerate(truth.templates.peak_channel):
        at = sample[inside & (truth.spikes.unit_index == unit)]
        average = np.mean([traces[i - 15 : i + 16, channel] for i in at], axis=0)
        assert np.abs(average).argmax() == 15


def test_spikes_on_samples_are_where_the_truth_says():
    method = replace(CLEAN, amplitudes=AmplitudeModel(), subsample=False)
    done = record(trains(4, 60), sources(), method, seed=1)
    sample = done.truth.spikes.times_s * RATE_HZ
    np.testing.assert_allclose(sample, np.rint(sample), atol=1e-6)
    np.testing.assert_allclose(
        done.truth.spikes.times_s, trains(4, 60).times_s, atol=0.51 / RATE_HZ
    )
    got = done.recording.read(0, done.recording.n_samples)
    np.testing.assert_allclose(got, brute_force(done.truth, len(got)), atol=1e-3)


def test_a_spike_is_moved_to_a_sample_within_its_epoch():
    epochs = Epochs([0.0, 0.01012], [0.00997, 0.0102])
    spikes = SpikeTrains.from_units({0: [0.00996, 0.010121, 0.010199]}, epochs)
    moved = on_samples(spikes, 10_000.0)
    # the second epoch lies between two samples
    assert moved.times_s.tolist() == [0.0099, 0.010121, 0.010199]


def far_only(method):
    quiet = replace(CLEAN, background=method)
    silent = SpikeTrains.from_units({u: [] for u in range(4)}, Epochs([0.0], [4.0]))
    return record(silent, sources(), quiet, seed=7)


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("seed", range(3))
def test_far_units_do_not_stand_out(probe, seed):
    noise_uV = np.hypot(Noise().white_uV, Noise().field_uV)
    layer = BackgroundLayer.of(
        Background(), probe_contacts(probe), 30000.0, noise_uV=noise_uV, drift=None, seed=seed
    )
    bank, total_uV = layer.waveforms.bank, np.hypot(noise_uV, layer.sd_uV)
    for unit, gain in enumerate(layer.gain):
        n = bank.n_channels[unit]
        if n > 0:
            wave = bank.waveforms[bank.offset[unit] :][: bank.n_times * n].reshape(-1, n)
            channel = bank.first_channel[unit] + np.abs(wave).max(axis=0).argmax()
            assert gain * np.abs(wave).max() <= 4.001 * total_uV[channel]
    np.testing.assert_allclose(np.sqrt(np.mean(layer.sd_uV**2)), 2.5, rtol=1e-6)


def test_the_noise_is_known_however_much_the_units_fire():
    method = replace(FULL, noise=Noise(3.0, 5.0), interference=Interference(hum_uV=4.0))
    silent = SpikeTrains.from_units({u: [] for u in range(4)}, Epochs([0.0], [8.0]))
    busy = SpikeTrains.from_units({u: np.arange(0.001, 8, 0.02) for u in range(4)}, silent.epochs)
    done = record(silent, sources(), method, seed=7)
    traces = done.recording.read(0, done.recording.n_samples)
    np.testing.assert_allclose(done.truth.noise_uV, traces.std(axis=0), rtol=0.03)
    loud = record(busy, sources(), method, seed=7).truth
    np.testing.assert_array_equal(loud.noise_uV, done.truth.noise_uV)
    channel = loud.templates.peak_channel
    largest = np.abs(loud.templates.waveforms_uV).max(axis=1)[np.arange(4), channel]
    np.testing.assert_allclose(loud.snr, largest / loud.noise_uV[channel])
    assert np.isnan(record(busy, sources(), CLEAN, seed=7).truth.snr).all()


def test_a_recording_and_its_truth_are_described_in_a_line():
    done = record(trains(2), sources(2), FULL, drift=DRIFT, seed=7)
    truth = "RecordingTruth(2 units, 80 spikes, 6 channels, drift, "
    recording = "Recording(20000 samples x 6 channels, 20000.0 Hz, 1 s)"
    assert repr(done).startswith(f"SimulatedRecording({recording}, {truth}")
    assert repr(DRIFT) == "Drift(2 times x 2 depths, -10..30 um)"


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
    "no far units": (lambda: Background(units_per_mm3=0.0), "units_per_mm3=0.0: .* give sd_uV=0"),
    "flat background": (lambda: Background(depth_um=(90.0, 90.0)), r"depth_um=\(90.0, 90.0\)"),
    "few far units": (
        lambda: far_only(Background(units_per_mm3=500.0)),
        "units_per_mm3=500.0: .* some would stand out, .* Raise units_per_mm3 or rate_hz",
    ),
    "unreachable units": (
        lambda: far_only(Background(depth_um=(1e6, 2e6), units_per_mm3=1e-3)),
        "no far unit reaches a contact. Lower it",
    ),
    "artefacts": (lambda: Interference(artefact_rate_hz=-1.0), "artefact_rate_hz=-1.0"),
    "short artefacts": (lambda: Interference(artefact_duration_s=0.0), "give more than 0"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_recorded_is_refused(kind):
    call, message = WRONG[kind]
    with pytest.raises(InvalidInputError, match=message):
        call()
