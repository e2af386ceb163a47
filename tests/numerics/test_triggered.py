import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.numerics import triggered
from spikeloop.numerics.triggered import centre, triggered_sums, window_range


def brute_force(signal, weights, first_lag, n_lags, origin, power):
    n_samples, n_features = signal.shape
    sums = np.zeros((weights.shape[1], n_lags, n_features))
    for t in range(n_samples):
        first, stop = t + first_lag, t + first_lag + n_lags
        if first < 0 or stop > n_samples:
            continue
        for unit in range(weights.shape[1]):
            sums[unit] += weights[t, unit] * (signal[first:stop] - origin) ** power
    return sums


@pytest.mark.parametrize(
    ("first_lag", "n_lags"), [(-5, 6), (0, 1), (3, 9), (-20, 45), (-300, 5), (-299, 300), (0, 301)]
)
def test_sums_and_squares_equal_a_loop_over_samples_with_edges_left_out(first_lag, n_lags):
    rng = np.random.default_rng(1)
    signal = rng.standard_normal((300, 3)) + 5
    weights = rng.poisson(0.4, (300, 4))
    origin = signal.mean(axis=0)
    sums, squares = triggered_sums(signal, weights, first_lag, n_lags, origin=origin, squares=True)
    expected = [brute_force(signal, weights, first_lag, n_lags, origin, p) for p in (1, 2)]
    np.testing.assert_allclose(sums, expected[0], atol=1e-11)
    np.testing.assert_allclose(squares, expected[1], atol=1e-11)


@given(st.integers(-40, 40), st.integers(1, 30), st.integers(1, 60))
def test_window_range_holds_exactly_the_samples_whose_window_fits(first_lag, n_lags, n_samples):
    start, stop = window_range(n_samples, first_lag, n_lags)
    fits = [
        t for t in range(n_samples) if t + first_lag >= 0 and t + first_lag + n_lags <= n_samples
    ]
    assert list(range(start, stop)) == fits


def test_sums_do_not_depend_on_the_size_of_blocks(monkeypatch):
    rng = np.random.default_rng(2)
    signal = rng.standard_normal((3000, 7))
    weights = rng.poisson(0.2, (3000, 5))
    whole = triggered_sums(signal, weights, -9, 10, squares=True)
    monkeypatch.setattr(triggered, "_BLOCK_ELEMENTS", 700)
    pieces = triggered_sums(signal, weights, -9, 10, squares=True)
    np.testing.assert_allclose(whole, pieces, atol=1e-11)


def test_float32_stays_float32_and_is_as_exact_as_its_type():
    rng = np.random.default_rng(3)
    signal = rng.standard_normal((5000, 4))
    weights = rng.poisson(0.3, (5000, 2))
    narrow = triggered_sums(signal.astype(np.float32), weights, -4, 5)[0]
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, triggered_sums(signal, weights, -4, 5)[0], atol=1e-3)


def test_impulses_are_read_off_at_the_lag_they_stand_at():
    signal = np.zeros((50, 1))
    signal[20] = 1.0
    weights = np.zeros((50, 1), dtype=int)
    weights[23] = 2
    assert triggered_sums(signal, weights, -5, 6)[0][0, :, 0].round(12).tolist() == [
        0, 0, 2, 0, 0, 0
    ]  # fmt: skip


@given(st.floats(-1e6, 1e6, width=32), st.integers(1, 40), st.sampled_from([np.float32, float]))
def test_a_constant_is_its_own_centre_bit_for_bit(value, n_samples, dtype):
    constant = np.full((n_samples, 2), value, dtype)
    assert np.array_equal(centre(constant), constant[0])
