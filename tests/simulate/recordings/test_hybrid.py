"""Known units in a recording that is given."""

import numpy as np
import pytest

from spikeloop.data import Epochs, Recording, SpikeTrains, Templates
from spikeloop.errors import InvalidInputError
from spikeloop.simulate import AmplitudeModel, Injection, inject, noise_levels_uV, scaled_to_snr

RATE_HZ = 15000.0
CONTACTS_UM = [[0.0, 0.0], [25.0, 0.0]]
RNG = np.random.default_rng(3)
NOISE_UV = RNG.normal(0, [4.0, 8.0], (20000, 2)).astype(np.float32)
BASE = Recording.from_array(NOISE_UV, RATE_HZ, CONTACTS_UM)
PLAIN = Injection(amplitudes=AmplitudeModel(0.0, 0.0))
TIMES_S = np.array([0.1, 4096 / RATE_HZ, 1.2])


def templates(rate_hz=RATE_HZ, n_channels=2):
    wave = np.zeros((1, 30, n_channels))
    wave[0, 8:14, 0] = [-10, -60, -20, 30, 20, 5]
    wave[0, 8:14, -1] = [-2, -30, -10, 10, 5, 0]
    contacts_um = np.arange(n_channels)[:, None] * [25.0, 0.0]
    return Templates(wave, rate_hz, 9, contacts_um, ["a"])


def trains(times_s=TIMES_S, stop_s=2.0):
    return SpikeTrains.from_units({"a": times_s}, Epochs([0.0], [stop_s]))


def test_the_recording_is_what_it_was_and_the_spikes():
    done = inject(BASE, trains(), templates(), PLAIN, seed=1)
    added = done.recording.read(0, 20000) - NOISE_UV
    wanted = np.zeros_like(NOISE_UV)
    for time_s in TIMES_S:
        first = round(time_s * RATE_HZ) - 9
        wanted[first : first + 30] += templates().waveforms_uV[0]
    np.testing.assert_allclose(added, wanted, atol=1e-4)
    assert done.recording.n_samples == BASE.n_samples
    np.testing.assert_array_equal(done.truth.spikes.times_s, TIMES_S)
    assert done.truth.amplitudes.tolist() == [1, 1, 1]


def test_spikes_on_samples_are_where_the_truth_says():
    method = Injection(amplitudes=AmplitudeModel(0.0, 0.0), subsample=False)
    between_s = np.array([700.3, 4095.6, 19999.9]) / RATE_HZ
    done = inject(BASE, trains(between_s, 20000 / RATE_HZ), templates(), method, seed=1)
    sample = np.rint(done.truth.spikes.times_s * RATE_HZ).astype(int)
    assert sample.tolist() == [700, 4096, 19999]
    np.testing.assert_allclose(done.truth.spikes.times_s * RATE_HZ, sample, atol=1e-9)
    added = done.recording.read(0, 20000) - NOISE_UV
    np.testing.assert_allclose(added[sample[:2]], templates().waveforms_uV[0, [9, 9]], atol=1e-4)


def test_the_truth_tells_the_noise_that_was_there():
    truth = inject(BASE, trains(), templates(), Injection(7.0), seed=1).truth
    np.testing.assert_array_equal(truth.noise_uV, noise_levels_uV(BASE))
    np.testing.assert_allclose(truth.ground_truth().spikes.unit_table["snr"], [7], rtol=1e-5)


def test_pieces_give_the_same_bytes():
    recording = inject(BASE, trains(), templates(), Injection(), seed=1).recording
    whole = recording.read(0, 20000)
    for start, stop in [(0, 1), (4090, 4100), (8191, 8193), (19990, 20000)]:
        assert recording.read(start, stop).tobytes() == whole[start:stop].tobytes()


def test_a_unit_has_the_ratio_asked_for():
    done = inject(BASE, trains(), templates(), Injection(7.0, AmplitudeModel(0, 0)), seed=1)
    peak_uV = np.abs(done.truth.templates.waveforms_uV[0]).max(axis=0)
    noise_uV = noise_levels_uV(BASE)
    np.testing.assert_allclose((peak_uV / noise_uV).max(), 7, rtol=1e-5)
    np.testing.assert_allclose(peak_uV[0] / peak_uV[1], 2, rtol=1e-5)


def test_noise_levels_do_not_mind_spikes():
    np.testing.assert_allclose(noise_levels_uV(BASE), [4, 8], rtol=0.03)
    loud = NOISE_UV.copy()
    loud[::50] -= 500
    with_spikes = Recording.from_array(loud, RATE_HZ, CONTACTS_UM)
    np.testing.assert_allclose(noise_levels_uV(with_spikes), [4, 8], rtol=0.06)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: inject(BASE, trains(), templates(n_channels=3), PLAIN, seed=1),
            "the templates have 3 channels and the recording 2",
        ),
        (
            lambda: inject(BASE, trains(), templates(20000.0), PLAIN, seed=1),
            r"at 20000.0 Hz and the recording at 15000.0 Hz: .*resampled\(15000.0\)",
        ),
        (
            lambda: inject(BASE, trains([1.5]), templates(), PLAIN, seed=1),
            "1 spikes lie after the recording's end at 1.333",
        ),
        (lambda: scaled_to_snr(templates(), np.ones(2), 0.0), "snr=0.0: it must be above 0"),
        (lambda: scaled_to_snr(templates(), np.ones(3), 5.0), r"noise_uV has shape \(3,\)"),
        (lambda: scaled_to_snr(templates(), np.zeros(2), 5.0), "a level above 0"),
        (
            lambda: scaled_to_snr(
                Templates(np.zeros((1, 9, 1)), RATE_HZ, 2, [[0.0, 0.0]], ["a"]), np.ones(1), 5.0
            ),
            "1 templates are 0 everywhere: .'a'.",
        ),
        (lambda: noise_levels_uV(BASE, n_pieces=0), "n_pieces=0: read at least one"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
