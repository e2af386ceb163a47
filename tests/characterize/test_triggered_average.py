from dataclasses import fields
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.characterize.triggered_average import SpikeTriggeredAverage, triggered_average
from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0


def trains(counts, *, start_s=0.0, epochs=None):
    """Return spikes in the middle of their bins, from counts (time, unit)."""
    counts = np.asarray(counts)
    times_s = start_s + (np.arange(len(counts)) + 0.5) / RATE_HZ
    epochs = epochs or Epochs([start_s], [start_s + len(counts) / RATE_HZ])
    units = {str(u): np.repeat(times_s, counts[:, u]) for u in range(counts.shape[1])}
    return SpikeTrains.from_units(units, epochs)


def averaged(counts, values, *, start_s=0.0, epochs=None, **settings):
    settings = {"window_s": (-0.04, 0.0), "n_shifts": 0} | settings
    stimulus = TimeSeries(values, RATE_HZ, start_s)
    method = SpikeTriggeredAverage(**settings)
    return triggered_average(
        trains(counts, start_s=start_s, epochs=epochs), stimulus, method, seed=1
    )


def exponential_neuron(values, kernel, rng, base=0.05):
    """Return Poisson counts of a rate base * exp(k x); k[-1] belongs to the spike's sample."""
    drive = np.convolve(values, kernel[::-1])[: len(values)]
    return rng.poisson(base * np.exp(drive))


def coloured(rng, n_samples, memory):
    from scipy.signal import lfilter

    white = rng.standard_normal(n_samples)
    return lfilter([np.sqrt(1 - memory**2)], [1, -memory], white)


@pytest.mark.parametrize("window_s", [(-0.04, 0.0), (-0.05, 0.03), (0.01, 0.06)])
@pytest.mark.parametrize("start_s", [0.0, -3.7])
def test_average_and_sd_equal_a_loop_over_spikes_with_edges_skipped(window_s, start_s):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((200, 3)) + 4
    counts = rng.poisson(0.3, (200, 2))
    counts[[0, 1, -1]] = 2
    result = averaged(counts, values, start_s=start_s, window_s=window_s)
    first, last = (round(edge * RATE_HZ) for edge in window_s)
    for unit in range(2):
        windows = [
            values[t + first : t + last + 1]
            for t in np.repeat(np.arange(200), counts[:, unit])
            if t + first >= 0 and t + last < 200
        ]
        assert result.n_spikes[unit] == len(windows)
        np.testing.assert_allclose(result.average[unit], np.mean(windows, axis=0))
        np.testing.assert_allclose(result.ensemble_sd[unit], np.std(windows, axis=0))
        used = counts[max(0, -first) : 200 - max(0, last), unit]
        n_effective = used.sum() ** 2 / (used**2).sum()
        np.testing.assert_allclose(
            result.standard_error[unit], np.std(windows, axis=0) / np.sqrt(n_effective - 1)
        )
    np.testing.assert_allclose(result.lags_s, np.arange(first, last + 1) / RATE_HZ)


@given(
    st.floats(-1e5, 1e5, width=32),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([None, 0.1]),
)
def test_a_constant_stimulus_gives_exactly_that_constant(constant, dtype, ridge):
    counts = np.random.default_rng(0).poisson(0.2, (90, 2))
    values = np.full((90, 2), constant, dtype)
    result = averaged(counts, values, n_shifts=19, min_shift_s=0.1, whitening_ridge=ridge)
    assert result.average.dtype == dtype
    assert np.all(result.average == dtype(constant))
    assert np.all(result.ensemble_sd == 0)
    assert np.all(result.null_band == 0)
    assert np.all(result.p_value == 1)
    assert ridge is None or np.all(result.whitened == 0)


def test_white_noise_through_a_known_filter_gives_the_filter_back():
    # For Gaussian white noise of variance 1 and a rate proportional to exp(k x), E[x | spike] = k.
    rng = np.random.default_rng(1)
    values = rng.standard_normal(100_000)
    kernel = 0.5 * np.exp(-np.arange(20)[::-1] / 5) * np.sin(np.arange(20)[::-1] / 2 + 0.5)
    counts = exponential_neuron(values, kernel, rng, base=0.2)[:, None]
    result = averaged(counts, values[:, None], window_s=(-0.19, 0.0), n_shifts=200)
    got = result.average[0, :, 0]
    assert np.corrcoef(got, kernel)[0, 1] > 0.99
    assert np.polyfit(kernel, got, 1)[0] == pytest.approx(1, abs=0.03)
    error = (got - kernel) / result.standard_error[0, :, 0]
    assert 0.6 < np.sqrt(np.mean(error**2)) < 1.5
    np.testing.assert_allclose(result.ensemble_sd, 1, atol=0.03)
    assert result.p_value[0] == pytest.approx(1 / 201)
    assert np.abs(got).max() > 3 * result.null_band[0]


def test_ridge_whitening_recovers_the_filter_under_a_coloured_stimulus():
    rng = np.random.default_rng(2)
    values = coloured(rng, 100_000, memory=0.9)
    kernel = np.zeros(20)
    kernel[[14, 16]] = [0.5, -0.5]
    counts = exponential_neuron(values, kernel, rng, base=0.3)[:, None]
    result = averaged(
        counts, values[:, None], window_s=(-0.19, 0.0), whitening_ridge=1e-3, n_shifts=50
    )
    assert np.corrcoef(result.average[0, :, 0], kernel)[0, 1] < 0.8
    assert np.corrcoef(result.whitened[0, :, 0], kernel)[0, 1] > 0.98
    np.testing.assert_allclose(result.whitened[0, :, 0], kernel, atol=0.06)
    assert np.abs(result.whitened).max() > 3 * result.whitened_null_band[0]


def test_whitening_over_features_alone_undoes_correlations_between_features():
    rng = np.random.default_rng(3)
    mixing = np.array([[1.0, 0.8], [0.0, 0.6]])
    values = rng.standard_normal((60_000, 2)) @ mixing
    counts = rng.poisson(0.2 * np.exp(0.5 * values[:, :1]))
    result = averaged(counts, values, whitening_ridge=1e-3, whiten_lags=False)
    np.testing.assert_allclose(result.average[0, -1], [0.5, 0.4], atol=0.03)
    np.testing.assert_allclose(result.whitened[0, -1], [0.5, 0.0], atol=0.03)


@pytest.mark.parametrize("n_features", [1, 3])
def test_unrelated_spikes_exceed_the_null_band_as_often_as_promised(n_features):
    rng = np.random.default_rng(4)
    n_units, n_samples = 400, 3000
    stimulus = [coloured(rng, n_samples, 0.7) for _ in range(n_features)]
    slow = np.exp([coloured(rng, n_samples, 0.9) for _ in range(n_units)])
    counts = rng.poisson(0.1 * slow.T)
    result = averaged(counts, np.transpose(stimulus), n_shifts=199, min_shift_s=0.5)
    largest = np.abs(result.average - result.stimulus_mean).max(axis=(1, 2))
    exceeds = largest > result.null_band
    assert np.array_equal(exceeds, result.p_value <= 0.05)
    # 400 units: 5 % give 20, with a standard deviation of 4.4.
    assert 7 <= exceeds.sum() <= 33
    assert 0.4 < result.p_value.mean() < 0.6


@pytest.mark.parametrize("window_s", [(-0.04, 0.0), (-0.02, 0.03), (0.01, 0.06)])
def test_windows_that_touch_a_gap_are_skipped_and_gaps_are_in_no_mean(window_s):
    rng = np.random.default_rng(8)
    values, counts = rng.standard_normal((300, 2)), rng.poisson(0.5, (300, 2))
    # The first gap cuts into bins 60 and 79; the second epoch stops where the third starts.
    epochs = Epochs([-1.0, 0.793, 1.2, 2.5], [0.607, 1.2, 1.9, 2.51])
    observed = np.zeros(300, bool)
    observed[:60] = observed[80:190] = observed[250] = True
    in_epochs = epochs.contains((np.arange(300) + 0.5) / RATE_HZ)
    result = averaged(
        counts * in_epochs[:, None], values, epochs=epochs, window_s=window_s, n_shifts=19,
        min_shift_s=0.1, whitening_ridge=0.1,
    )  # fmt: skip
    first, last = (round(edge * RATE_HZ) for edge in window_s)
    fits = [
        t - max(0, -first) >= 0 and observed[t + min(first, 0) : t + max(last, 0) + 1].all()
        for t in range(300)
    ]
    for unit in range(2):
        used = np.repeat(np.arange(300), counts[:, unit] * fits)
        windows = [values[t + first : t + last + 1] for t in used]
        assert result.n_spikes[unit] == len(windows)
        np.testing.assert_allclose(result.average[unit], np.mean(windows, axis=0))
        np.testing.assert_allclose(result.ensemble_sd[unit], np.std(windows, axis=0))
    np.testing.assert_allclose(result.stimulus_mean, values[observed].mean(axis=0))
    # Everything else is what a stimulus of the observed samples alone would give.
    joined = averaged(
        (counts * np.transpose([fits]))[observed], values[observed], window_s=window_s,
        n_shifts=19, min_shift_s=0.1, whitening_ridge=0.1,
    )  # fmt: skip
    for name in ("average", "standard_error", "null_band", "p_value", "whitened"):
        np.testing.assert_allclose(getattr(result, name), getattr(joined, name))


@pytest.mark.parametrize(("in_epochs", "in_gaps"), [(0.0, None), (0.5, 0.0)])
def test_unrelated_units_with_gaps_have_calibrated_p_values(in_epochs, in_gaps):
    # A stimulus that is silent in the gaps (None: 0 throughout), or has another mean there.
    rng = np.random.default_rng(9)
    n_samples, period = 8000, 400
    observed = np.arange(n_samples) % period < 240
    values = in_epochs + coloured(rng, n_samples, 0.7)
    values[~observed] = 0.0 if in_gaps is None else in_gaps + values[~observed] - in_epochs
    counts = rng.poisson(0.1, (n_samples, 200)) * observed[:, None]
    start_s = np.arange(0, n_samples, period) / RATE_HZ
    result = averaged(
        counts, values[:, None], epochs=Epochs(start_s, start_s + 2.4), n_shifts=199,
        window_s=(-0.19, 0.0),
    )  # fmt: skip
    # 200 units: 5 % give 10, with a standard deviation of 3.1.
    assert np.sum(result.p_value <= 0.05) <= 20
    assert 0.4 < result.p_value.mean() < 0.6


def test_the_standard_error_is_true_where_samples_hold_many_spikes():
    rng = np.random.default_rng(10)
    averages, errors = [], []
    for _ in range(300):
        counts = rng.negative_binomial(0.05, 1 / 3, (1500, 1))  # mean 0.1, variance 0.3
        result = averaged(counts, rng.standard_normal((1500, 1)))
        averages.append(result.average[0, :, 0])
        errors.append(result.standard_error[0, :, 0])
    true = np.sqrt(np.mean(np.square(averages)))
    assert np.mean(errors) == pytest.approx(true, rel=0.15)


def test_spikes_that_are_all_in_one_sample_have_no_standard_error():
    counts = np.zeros((50, 1), int)
    counts[20] = 3
    assert np.isnan(averaged(counts, np.random.default_rng(0).random((50, 1))).standard_error).all()


def test_epochs_outside_the_stimulus_are_refused_even_without_spikes():
    with pytest.raises(InvalidInputError, match=r"None of the 0 spikes .* 1 epochs .* 9\.0 to 10"):
        averaged(np.zeros((50, 1), int), np.ones((50, 1)), epochs=Epochs([9.0], [10.0]))


def test_an_average_tells_its_size_in_one_line():
    result = averaged(np.ones((50, 2), int), np.ones((50, 3)))
    assert repr(result) == "TriggeredAverage(2 units, 5 lags x 3 features, 92 spikes)"


def test_units_together_equal_units_one_at_a_time(monkeypatch):
    rng = np.random.default_rng(5)
    values, counts = rng.standard_normal((500, 2)), rng.poisson(0.2, (500, 5))
    settings = {"n_shifts": 50, "whitening_ridge": 0.1, "min_shift_s": 0.1}
    together = averaged(counts, values, **settings)
    module = import_module("spikeloop.characterize.triggered_average")
    monkeypatch.setattr(module, "_COUNTS_AT_ONCE", 1000)
    grouped = averaged(counts, values, **settings)
    for field in fields(together):
        if field.name != "unit_ids":
            whole = getattr(together, field.name)
            np.testing.assert_allclose(getattr(grouped, field.name), whole, atol=1e-12)
    for unit in range(5):
        alone = averaged(counts[:, [unit]], values, **settings)
        np.testing.assert_allclose(alone.average[0], together.average[unit], atol=1e-12)
        np.testing.assert_allclose(alone.null_band[0], together.null_band[unit], atol=1e-12)
        assert alone.p_value[0] == together.p_value[unit]


def test_a_silent_unit_is_nan_and_leaves_the_others_alone():
    rng = np.random.default_rng(6)
    counts = rng.poisson(0.3, (300, 2)) * [1, 0]
    result = averaged(
        counts, rng.standard_normal((300, 1)), n_shifts=19, min_shift_s=0.1, whitening_ridge=0.1
    )
    assert result.n_spikes.tolist() == [counts[4:, 0].sum(), 0]
    for name in ("average", "ensemble_sd", "standard_error", "null_band", "p_value", "whitened"):
        assert np.isfinite(getattr(result, name)[0]).all()
        assert np.isnan(getattr(result, name)[1]).all()


def test_no_spikes_at_all_give_nan():
    result = averaged(np.zeros((300, 1), int), np.ones((300, 1)), n_shifts=19)
    assert np.isnan(result.average).all()


def test_spikes_outside_the_stimulus_are_skipped():
    stimulus = TimeSeries(np.arange(100.0)[:, None], RATE_HZ, start_s=1.0)
    spikes = SpikeTrains.from_units({"a": [0.5, 1.505, 7.0]}, Epochs([0.0], [10.0]))
    method = SpikeTriggeredAverage((-0.01, 0.0), n_shifts=0)
    result = triggered_average(spikes, stimulus, method, seed=0)
    assert result.n_spikes.tolist() == [1]
    assert result.average[0, :, 0].round(9).tolist() == [49, 50]
    assert np.isnan(result.standard_error).all()


def test_without_bands_and_null_they_are_none():
    result = averaged(np.ones((50, 1), int), np.ones((50, 1)), bands=False)
    absent = (result.ensemble_sd, result.standard_error, result.null_band, result.p_value)
    assert absent == (None,) * 4
    assert result.whitened is None
    assert result.whitened_null_band is None


def test_spikes_on_another_clock_are_refused_with_both_spans():
    stimulus = TimeSeries(np.ones((100, 1)), RATE_HZ)
    spikes = SpikeTrains.from_units({"a": [50.0]}, Epochs([50.0], [60.0]))
    with pytest.raises(
        InvalidInputError, match=r"None of the 1 spikes .* 0\.0 to 1\.0 s .* 50\.0 "
    ):
        triggered_average(spikes, stimulus, SpikeTriggeredAverage(), seed=0)


def test_no_units_are_refused():
    with pytest.raises(InvalidInputError, match="hold no unit"):
        averaged(np.zeros((50, 0), int), np.ones((50, 1)))


def test_a_stimulus_shorter_than_the_window_is_refused():
    with pytest.raises(InvalidInputError, match="whole window of 31 samples"):
        averaged(np.ones((20, 1), int), np.ones((20, 1)), window_s=(-0.15, 0.15))


@pytest.mark.parametrize("window_s", [(-0.3, 0.0), (-1e9, 0.0), (-1e300, 1e300), (1e17, 2e17)])
def test_a_window_that_reaches_beyond_the_stimulus_is_refused_before_it_is_made(window_s):
    with pytest.raises(InvalidInputError, match=r"reaches .* away .* the stimulus has 20 at 100"):
        averaged(np.ones((20, 1), int), np.ones((20, 1)), window_s=window_s)


@pytest.mark.parametrize("window_s", [(0.0, 0.0), (0.1, -0.1), (-np.inf, 0.0), (np.nan, 0.0)])
def test_a_window_without_length_is_refused(window_s):
    with pytest.raises(InvalidInputError, match="stop must be after start"):
        SpikeTriggeredAverage(window_s=window_s)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_shifts": 18}, "n_shifts=18: a confidence of 0.95 takes 19 or more"),
        ({"confidence": 1.0}, "confidence=1.0: it must lie between 0 and 1"),
        ({"min_shift_s": -1.0}, "min_shift_s=-1.0: it must be 0 or more"),
        ({"whitening_ridge": 0.0}, "whitening_ridge=0.0: it must be above 0"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        SpikeTriggeredAverage(**settings)


def test_a_window_too_large_to_whiten_is_refused_unless_lags_are_left():
    values = np.random.default_rng(0).standard_normal((30, 401))
    counts = np.ones((30, 1), int)
    message = "5 lags x 401 features .* at most 2000 .* set whiten_lags=False"
    with pytest.raises(InvalidInputError, match=message):
        averaged(counts, values, whitening_ridge=0.1)
    result = averaged(counts, values, whitening_ridge=0.1, whiten_lags=False)
    assert result.whitened.shape == (1, 5, 401)


def test_a_stimulus_too_short_for_the_shifts_is_refused():
    with pytest.raises(InvalidInputError, match=r"n_shifts=500: a stimulus of 300 samples has 101"):
        averaged(np.ones((300, 1), int), np.ones((300, 1)), n_shifts=500)


@pytest.mark.parametrize("min_shift_s", [4.0, 1e300])
def test_a_shift_longer_than_the_stimulus_is_refused_in_few_words(min_shift_s):
    with pytest.raises(InvalidInputError, match="the observed stimulus lasts 3 s") as caught:
        averaged(np.ones((300, 1), int), np.ones((300, 1)), n_shifts=20, min_shift_s=min_shift_s)
    assert len(str(caught.value)) < 200
