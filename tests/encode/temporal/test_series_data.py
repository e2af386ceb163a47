"""Which bins count, and what a model may see."""

import numpy as np
import pytest

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.splits import TimeSplit
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.encode.temporal.series_data import runs, series_data
from spikeloop.errors import InvalidInputError, SpikeloopWarning

RATE_HZ = 100.0


def noise_and_spikes(n_bins=3000, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_bins, 1))
    fired = rng.random((n_bins, 2)) < 0.1 * np.exp(0.8 * noise * [1, -1])
    trains = {name: (np.flatnonzero(fired[:, i]) + 0.5) / RATE_HZ for i, name in enumerate("ab")}
    spikes = SpikeTrains.from_units(trains, Epochs([0.0], [n_bins / RATE_HZ]))
    return spikes, TimeSeries(noise, RATE_HZ)


def test_bins_that_count_have_their_whole_past_observed_and_allowed():
    epochs = Epochs([0.0, 6.5], [5.0, 20.0])
    spikes = SpikeTrains.from_units({"a": [4.5, 6.6, 19.0]}, epochs)
    stimulus = TimeSeries(np.arange(1.0, 21.0)[:, None], 1.0)
    counted, seen = Epochs([0.0, 6.5], [5.0, 15.0]), (Epochs([0.0], [15.0]),)
    data = series_data(spikes, stimulus, counted=counted, seen=seen, n_past=2)
    # Bins 5 and 6 are not whole in an epoch; 0, 1 and 7, 8 lack their past; 15 is not allowed.
    assert np.flatnonzero(data.used).tolist() == [2, 3, 4, *range(9, 15)]
    assert not data.stimulus[[5, 6, *range(15, 20)]].any()
    assert data.counts[:, 0].nonzero()[0].tolist() == [4]
    assert runs(data.used).tolist() == [[2, 5], [9, 15]]


def test_validation_may_look_back_into_training_and_nobody_into_the_test():
    spikes, stimulus = noise_and_spikes()
    split = TimeSplit(
        Epochs([0.0, 20.0], [10.0, 25.0]), Epochs([25.0], [30.0]), Epochs([10.0], [20.0])
    )
    inside = (stimulus.values[:, 0] * 0).astype(bool)
    inside[1000:2000] = True
    values = np.where(inside[:, None], 1e6, stimulus.values)
    keep = ~inside[np.floor(spikes.times_s * RATE_HZ).astype(int)]
    changed = SpikeTrains(
        spikes.times_s[keep], spikes.unit_index[keep], spikes.unit_ids, spikes.epochs
    )
    for model in (TemporalLinearNonlinear(window_s=0.05), PoissonGLM()):
        fitted = fit_series(model, spikes, stimulus, split=split, seed=0)
        blind = fit_series(model, changed, TimeSeries(values, RATE_HZ), split=split, seed=0)
        for name, value in fitted.parameters.items():
            np.testing.assert_array_equal(blind.parameters[name], value)


def test_a_stimulus_shorter_than_the_window_is_refused():
    spikes, stimulus = noise_and_spikes(n_bins=30)
    with pytest.raises(InvalidInputError, match="no bin has a past of 59 bins"):
        fit_series(TemporalLinearNonlinear(window_s=0.6), spikes, stimulus, seed=0)


def test_a_constant_stimulus_is_refused():
    spikes, stimulus = noise_and_spikes()
    flat = TimeSeries(np.full_like(stimulus.values, 0.1), RATE_HZ)
    with pytest.raises(InvalidInputError, match="the stimulus is constant in all"):
        fit_series(PoissonGLM(), spikes, flat, seed=0)


@pytest.mark.parametrize("offset", [1e7, -1e8])
def test_a_stimulus_that_single_precision_would_flatten_is_refused(offset):
    spikes, stimulus = noise_and_spikes()
    flattened = TimeSeries(stimulus.values + offset, RATE_HZ)
    with pytest.raises(InvalidInputError, match=r"feature 0 .* too little for single precision"):
        fit_series(PoissonGLM(), spikes, flattened, seed=0)


def test_a_mean_that_single_precision_bears_changes_little():
    spikes, stimulus = noise_and_spikes()
    far = TimeSeries(stimulus.values + 1e5, RATE_HZ)
    rates = fit_series(PoissonGLM(), spikes, stimulus, seed=0).rates(stimulus, spikes).values
    moved = fit_series(PoissonGLM(), spikes, far, seed=0).rates(far, spikes).values
    assert np.corrcoef(np.log(moved[100:, 0]), np.log(rates[100:, 0]))[0, 1] > 0.999


def test_features_that_vary_by_rounding_alone_or_without_any_are_no_flaw():
    spikes, stimulus = noise_and_spikes()
    odd = np.arange(3000) % 2
    nearly = 0.1 + np.spacing(0.1) * odd
    both = TimeSeries(np.column_stack([stimulus.values, nearly, 1e7 + odd]), RATE_HZ)
    data = series_data(spikes, both, counted=spikes.epochs, seen=(spikes.epochs,), n_past=2)
    assert np.ptp(data.stimulus, axis=0)[1:].tolist() == [0, 1]


def test_no_unit_is_refused():
    stimulus = noise_and_spikes()[1]
    nobody = SpikeTrains.from_units({}, Epochs([0.0], [30.0]))
    with pytest.raises(InvalidInputError, match="hold no unit"):
        fit_series(PoissonGLM(), nobody, stimulus, seed=0)


@pytest.mark.parametrize("model", [TemporalLinearNonlinear(window_s=0.05), PoissonGLM()])
def test_a_silent_unit_fires_half_a_spike_in_all_and_disturbs_nobody(model):
    spikes, stimulus = noise_and_spikes()
    trains = {"a": spikes.of_unit("a"), "silent": [], "b": spikes.of_unit("b")}
    with_silent = SpikeTrains.from_units(trains, spikes.epochs)
    with pytest.warns(SpikeloopWarning, match="1 of 3 units have no spike .* such as unit silent"):
        fitted = fit_series(model, with_silent, stimulus, seed=0)
    rates = fitted.rates(stimulus, with_silent).values
    n_learned = (
        2100 - model.n_past(0.01) + (300 if isinstance(model, TemporalLinearNonlinear) else 0)
    )
    np.testing.assert_allclose(rates[:, 1], 0.5 / (n_learned * 0.01), rtol=1e-4)
    together = fit_series(model, spikes, stimulus, seed=0).rates(stimulus, spikes).values
    np.testing.assert_allclose(rates[:, [0, 2]], together, rtol=1e-4)


def test_a_split_leaves_the_last_fifth_for_the_test():
    spikes, stimulus = noise_and_spikes()
    split = fit_series(TemporalLinearNonlinear(window_s=0.05), spikes, stimulus, seed=0).split
    np.testing.assert_allclose(split.test.start_s, [24.0])
