"""Templates know their largest channel, change rate in place, and refuse what does not fit."""

import numpy as np
import pytest
import scipy.signal

from spikeloop.data import Epochs, GroundTruth, SpikeTrains, Templates
from spikeloop.errors import InvalidInputError

CONTACTS_UM = np.array([[0.0, 0.0], [0.0, 20.0]])


def gaussian(time_s, width_s=3e-4):
    return -100 * np.exp(-0.5 * (time_s / width_s) ** 2)


def templates(**changes):
    time_s = (np.arange(81) - 40) / 20000.0
    wave = gaussian(time_s)
    waveforms_uV = np.stack([np.stack([wave, wave / 2], 1), np.stack([-wave / 4, wave / 3], 1)])
    good = {"waveforms_uV": waveforms_uV, "sample_rate_hz": 20000.0, "peak_sample": 40}
    return Templates(**(good | {"contacts_um": CONTACTS_UM, "unit_ids": ["a", "b"]} | changes))


def test_amplitudes_are_peak_to_peak_on_the_largest_channel():
    np.testing.assert_allclose(templates().amplitude_uV, [100.0, 100 / 3], rtol=1e-5)
    assert templates().peak_channel.tolist() == [0, 1]
    assert (templates().n_units, templates().n_channels) == (2, 2)
    kept = templates().select(np.array([False, True]))
    assert (kept.unit_ids.tolist(), kept.peak_channel.tolist()) == (["b"], [1])


@pytest.mark.parametrize("rate_hz", [10000.0, 15000.0, 20000.0, 30000.0, 24414.0625, 60000.0])
def test_resampling_gives_the_samples_of_the_same_curve(rate_hz):
    finer = templates().resampled(rate_hz)
    time_s = (np.arange(finer.waveforms_uV.shape[1]) - finer.peak_sample) / rate_hz
    np.testing.assert_allclose(finer.waveforms_uV[0, :, 0], gaussian(time_s), atol=2e-3)
    assert finer.sample_rate_hz == rate_hz
    assert time_s[0] >= -0.002 > time_s[0] - 1 / rate_hz
    assert time_s[-1] <= 0.002 < time_s[-1] + 1 / rate_hz


def test_resampling_agrees_with_fourier_interpolation():
    by_fourier = scipy.signal.resample(templates().waveforms_uV[:, :-1], 160, axis=1)
    np.testing.assert_allclose(
        templates().resampled(40000.0).waveforms_uV[:, :160], by_fourier, atol=1e-3
    )


def test_what_the_new_rate_cannot_carry_is_cut_off():
    time_s = (np.arange(81) - 40) / 20000.0
    tone = np.cos(2 * np.pi * 8000 * time_s) * np.hanning(81)  # above half of 10 kHz
    coarser = templates(waveforms_uV=np.stack([np.stack([tone, tone], 1)] * 2)).resampled(10000.0)
    assert np.abs(coarser.waveforms_uV).max() < 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"waveforms_uV": np.zeros((2, 81, 3))}, "has 3 channels and contacts_um 2 rows"),
        ({"waveforms_uV": np.zeros((2, 0, 2))}, r"has shape \(2, 0, 2\): it is empty"),
        ({"waveforms_uV": np.zeros((2, 81))}, r"axes must be \(unit, time, channel\)"),
        ({"waveforms_uV": np.full((2, 81, 2), np.nan)}, "324 values that are not finite"),
        ({"waveforms_uV": np.full((2, 81, 2), 1e30)}, "magnitudes must stay below"),
        ({"unit_ids": [1]}, "2 waveforms_uV and 1 unit_ids: give one id per unit"),
        ({"unit_ids": [1, 1]}, r"unit_ids holds 1 ids more than once \(1\)"),
        ({"peak_sample": 81}, r"peak_sample=81: it must be a whole number in 0\.\.80"),
        ({"peak_sample": 4.5}, r"peak_sample=4\.5: it must be a whole number in 0\.\.80"),
        ({"sample_rate_hz": -1.0}, r"sample_rate_hz=-1\.0: it must be a number above 0"),
        ({"contacts_um": np.zeros((2, 3))}, r"contacts_um has shape \(2, 3\): give x and y"),
    ],
)
def test_templates_refuse(changes, message):
    with pytest.raises(InvalidInputError, match=message):
        templates(**changes)


def test_a_selection_must_fit():
    with pytest.raises(InvalidInputError, match=r"keep has shape \(1,\) .* each of the 2 units"):
        templates().select(np.array([True]))
    with pytest.raises(InvalidInputError, match="keep at least one"):
        templates().select(np.zeros(2, dtype=bool))


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(InvalidInputError, match="sample_rate_hz=0: it must be a number above 0"):
        templates().resampled(0)


def test_a_truth_is_of_the_same_units():
    spikes = SpikeTrains.from_units({"a": [0.1, 0.2], "b": [0.15]}, Epochs([0.0], [1.0]))
    truth = GroundTruth(spikes, templates(), {"amplitude": [1.0, 1.1, 0.9]})
    assert truth.spike_table["amplitude"].tolist() == [1.0, 1.1, 0.9]
    with pytest.raises(InvalidInputError, match=r"unit_ids differ\. Give both for the same units"):
        GroundTruth(spikes, templates(unit_ids=["b", "a"]))
    with pytest.raises(InvalidInputError, match=r"spike_table\['amplitude'\] has 2 rows: .* 3"):
        GroundTruth(spikes, templates(), {"amplitude": [1.0, 1.1]})
    with pytest.raises(InvalidInputError, match="spikes is a NoneType: give SpikeTrains"):
        GroundTruth(None, templates())
    with pytest.raises(InvalidInputError, match="templates is a ndarray: give Templates"):
        GroundTruth(spikes, np.ones((2, 3, 1)))
