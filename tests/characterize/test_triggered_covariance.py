import numpy as np
import pytest

from spikeloop.characterize.triggered_covariance import (
    SpikeTriggeredCovariance,
    triggered_covariance,
)
from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.errors import InvalidInputError

RATE_HZ = 100.0
N_LAGS = 12
PAIR = np.array([np.cos(np.arange(N_LAGS) * 0.9), np.sin(np.arange(N_LAGS) * 0.9)])
PAIR *= np.hanning(N_LAGS + 2)[1:-1]
PAIR = np.linalg.qr(PAIR.T)[0].T


def analysed(counts, values, *, epochs=None, **settings):
    settings = {"window_s": (-(N_LAGS - 1) / RATE_HZ, 0.0), "n_filters": 2} | settings
    counts, values = np.asarray(counts), np.asarray(values)
    times_s = (np.arange(len(counts)) + 0.5) / RATE_HZ
    units = {str(u): np.repeat(times_s, counts[:, u]) for u in range(counts.shape[1])}
    epochs = epochs or Epochs([0.0], [len(counts) / RATE_HZ])
    spikes = SpikeTrains.from_units(units, epochs)
    stimulus = TimeSeries(values.reshape(len(values), -1), RATE_HZ)
    return triggered_covariance(spikes, stimulus, SpikeTriggeredCovariance(**settings), seed=3)


def drive(values, kernel):
    """Return k x at each sample, where kernel[-1] is the weight of the sample itself."""
    return np.convolve(values, kernel[::-1])[: len(values)]


def overlap(filters, truth):
    """Return the smallest cosine between the two subspaces: 1 if they are the same."""
    bases = [np.linalg.qr(np.reshape(rows, (len(rows), -1)).T)[0] for rows in (filters, truth)]
    return np.linalg.svd(bases[0].T @ bases[1])[1].min()


def test_eigenvalues_and_filters_equal_windows_laid_out():
    rng = np.random.default_rng(0)
    values, counts = rng.standard_normal((150, 2)) + 3, rng.poisson(0.4, (150, 1))
    result = analysed(
        counts, values, window_s=(-0.02, 0.01), n_shifts=0, keep_covariance=True,
        project_out_average=False,
    )  # fmt: skip
    windows = np.array([values[t - 2 : t + 2].ravel() for t in range(2, 149)])
    repeated = np.repeat(windows, counts[2:149, 0], axis=0)
    expected = np.cov(repeated.T) - np.cov(windows.T, bias=True)
    assert result.n_spikes[0] == len(repeated)
    np.testing.assert_allclose(result.covariance[0], expected, atol=1e-12)
    np.testing.assert_allclose(result.eigenvalues[0], np.linalg.eigvalsh(expected)[::-1])
    for filter_, value in zip(result.filters[0], result.filter_eigenvalues[0], strict=True):
        np.testing.assert_allclose(expected @ filter_.ravel(), value * filter_.ravel(), atol=1e-12)
        assert np.linalg.norm(filter_) == pytest.approx(1)
    assert np.all(np.diff(result.filter_eigenvalues[0][:2]) <= 0)
    assert np.all(np.diff(result.filter_eigenvalues[0][2:]) >= 0)


def test_gaps_are_left_out_of_both_covariances():
    rng = np.random.default_rng(10)
    values, counts = rng.standard_normal(200), rng.poisson(0.4, (200, 1))
    observed = np.r_[0:80, 120:200]
    values[80:120] = 50.0
    counts[80:120] = 0
    result = analysed(
        counts, values, window_s=(-0.03, 0.0), n_shifts=0, keep_covariance=True,
        project_out_average=False, epochs=Epochs([0.0, 1.2], [0.8, 2.0]),
    )  # fmt: skip
    fits = np.r_[3:80, 123:200]
    windows = np.array([values[t - 3 : t + 1] for t in fits])
    joined = np.lib.stride_tricks.sliding_window_view(values[observed], 4)
    repeated = np.repeat(windows, counts[fits, 0], axis=0)
    assert result.n_spikes[0] == len(repeated)
    expected = np.cov(repeated.T) - np.cov(joined.T, bias=True)
    np.testing.assert_allclose(result.covariance[0], expected, atol=1e-12)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_unrelated_units_with_gaps_are_as_rarely_significant_as_promised(mean):
    rng = np.random.default_rng(11)
    observed = np.arange(5000) % 250 < 150
    values = np.where(observed, mean + rng.standard_normal(5000), 0.0)
    counts = rng.poisson(0.3, (5000, 120)) * observed[:, None]
    start_s = np.arange(0, 50, 2.5)
    result = analysed(counts, values, n_shifts=39, epochs=Epochs(start_s, start_s + 1.5))
    assert result.significant.any(axis=1).sum() <= 13


def test_a_covariance_tells_its_size_in_one_line():
    counts = np.random.default_rng(9).poisson(0.3, (1000, 1))
    result = analysed(counts, np.random.default_rng(9).standard_normal(1000), n_shifts=0)
    start = "TriggeredCovariance(1 units x 4 filters, no test, 12 lags x 1 features, "
    assert repr(result) == f"{start}{counts[11:].sum()} spikes)"


def test_an_energy_neuron_gives_its_filter_pair_back():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(40_000)
    energy = sum(drive(values, kernel) ** 2 for kernel in PAIR)
    result = analysed(rng.poisson(0.1 * energy)[:, None], values, n_filters=3)
    assert result.significant[0, :2].all()
    assert np.abs(result.filter_eigenvalues[0, 2:]).max() < 0.15
    assert overlap(result.filters[0, :2], PAIR) > 0.98
    # Windows weighted by a^2 + b^2 have E[a^2] = (E[a^4] + E[a^2 b^2]) / E[a^2 + b^2] = 2.
    np.testing.assert_allclose(result.filter_eigenvalues[0, :2], 1, atol=0.15)
    assert not result.average_projected_out[0]


def test_a_suppressive_filter_appears_at_the_low_end():
    rng = np.random.default_rng(2)
    values = rng.standard_normal(40_000)
    counts = rng.poisson(0.4 * np.exp(-0.5 * drive(values, PAIR[0]) ** 2))[:, None]
    result = analysed(counts, values)
    assert result.significant[0].tolist() == [False, False, True, False]
    assert abs(result.filters[0, 2, :, 0] @ PAIR[0]) > 0.97
    # A Gaussian of variance 1 times exp(-x^2 / 2) is a Gaussian of variance 1/2.
    assert result.filter_eigenvalues[0, 2] == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize("kind", ["linear", "unrelated"])
def test_units_without_such_filters_show_one_as_rarely_as_promised(kind):
    rng = np.random.default_rng(3)
    values = rng.standard_normal(5000)
    rate = np.full(5000, 0.2)
    if kind == "linear":
        rate = 0.4 * np.maximum(drive(values, PAIR[0]), 0)
    counts = rng.poisson(np.repeat(rate[:, None], 120, axis=1))
    result = analysed(counts, values, n_shifts=79)
    false = result.significant.any(axis=1).sum()
    # 120 units: 5 % give 6, with a standard deviation of 2.4.
    assert false <= 13
    if kind == "linear":
        assert result.average_projected_out.all()
        directions = result.filters[:, :, :, 0] @ PAIR[0]
        assert np.abs(directions).max() < 0.3
    else:
        assert result.average_projected_out.sum() <= 13


def test_a_linear_unit_shows_its_average_unless_it_is_projected_out():
    rng = np.random.default_rng(4)
    values = rng.standard_normal(20_000)
    counts = rng.poisson(0.4 * np.maximum(drive(values, PAIR[0]), 0))[:, None]
    result = analysed(counts, values, project_out_average=False)
    assert result.significant[0].tolist() == [False, False, True, False]
    assert abs(result.filters[0, 2, :, 0] @ PAIR[0]) > 0.97


def test_whitening_finds_the_pair_under_a_coloured_stimulus():
    from scipy.signal import lfilter

    rng = np.random.default_rng(6)
    values = lfilter([np.sqrt(1 - 0.8**2)], [1, -0.8], rng.standard_normal(60_000))
    energy = sum(drive(values, kernel) ** 2 for kernel in PAIR)
    counts = rng.poisson(0.2 * energy / energy.mean())[:, None]
    raw = analysed(counts, values, n_shifts=0)
    white = analysed(counts, values, whitening_ridge=1e-3, n_shifts=50)
    assert overlap(raw.filters[0, :2], PAIR) < 0.9
    assert overlap(white.filters[0, :2], PAIR) > 0.97
    assert white.significant[0].tolist() == [True, True, False, False]


def test_units_together_equal_units_one_at_a_time():
    rng = np.random.default_rng(6)
    values, counts = rng.standard_normal(2000), rng.poisson(0.3, (2000, 3))
    together = analysed(counts, values, n_shifts=39)
    for unit in range(3):
        alone = analysed(counts[:, [unit]], values, n_shifts=39)
        np.testing.assert_array_equal(alone.eigenvalues[0], together.eigenvalues[unit])
        np.testing.assert_array_equal(alone.null_range[0], together.null_range[unit])


def test_a_silent_unit_and_a_single_spike_are_nan_and_not_significant():
    rng = np.random.default_rng(7)
    counts = rng.poisson(0.3, (2000, 3))
    counts[:, 1:] = 0
    counts[1000, 2] = 1
    result = analysed(counts, rng.standard_normal(2000), n_shifts=39, keep_covariance=True)
    assert result.n_spikes[1:].tolist() == [0, 1]
    for name in ("eigenvalues", "filters", "filter_eigenvalues", "null_range", "covariance"):
        assert np.isfinite(getattr(result, name)[0]).all()
        assert np.isnan(getattr(result, name)[1:]).all()
    assert not result.significant[1:].any()


@pytest.mark.parametrize("ridge", [None, 0.1])
def test_a_constant_stimulus_has_no_filter(ridge):
    counts = np.random.default_rng(8).poisson(0.3, (1000, 1))
    result = analysed(counts, np.full(1000, 0.1), n_shifts=39, whitening_ridge=ridge)
    assert np.all(result.eigenvalues == 0)
    assert np.all(result.null_range == 0)
    assert not result.significant.any()


def test_without_a_null_nothing_is_called_significant():
    counts = np.random.default_rng(9).poisson(0.3, (1000, 1))
    result = analysed(counts, np.random.default_rng(9).standard_normal(1000), n_shifts=0)
    assert result.null_range is None
    assert result.significant is None
    assert result.covariance is None
    assert result.average_projected_out[0]


def test_a_window_too_large_or_too_small_is_refused():
    counts, values = np.ones((3000, 1), int), np.zeros((3000, 1))
    with pytest.raises(InvalidInputError, match=r"2001 lags x 1 features .* Shorten window_s"):
        analysed(counts, values, window_s=(-20.0, 0.0))
    with pytest.raises(
        InvalidInputError, match=r"n_filters=2: .* 3 lags x 1 features has 3 direct"
    ):
        analysed(counts, values, window_s=(-0.02, 0.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_filters": 0}, "n_filters=0: it must be 1 or more"),
        ({"n_shifts": 38}, r"n_shifts=38: .* takes 39 or more"),
        ({"window_s": (0.1, 0.0)}, "stop must be after start"),
        ({"confidence": 0.0}, "confidence=0.0: it must lie between 0 and 1"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        SpikeTriggeredCovariance(**settings)
