"""Signals: what each shape is worth at the start of each tick."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.data import TimeSeries
from spikeloop.errors import InvalidInputError
from spikeloop.simulate.networks.signals import BLOCK_VALUES, Grid, Ramp, Sine, Step, on_grid

DECIMALS = ["0.1", "0.3", "0.7", "0.05", "0.025", "1"]


@pytest.mark.parametrize("dt", DECIMALS)
def test_ticks_start_at_the_decimal_numbers_that_they_mean(dt):
    grid = Grid(20_000, float(dt))
    exact = [float(Fraction(dt) * k) for k in range(grid.n_ticks)]
    assert grid.times_ms.tolist() == exact
    assert grid.duration_s == float(Fraction(dt) * grid.n_ticks / 1000)
    assert np.array_equal(grid.ticks_of(np.array(exact)), np.arange(grid.n_ticks))
    assert np.array_equal(grid.ticks_of(np.array(exact) + 0.4 * grid.dt_ms), np.arange(20_000))


@given(
    st.sampled_from([*DECIMALS, "1/3"]), st.integers(0, 10**6), st.integers(1, 30), st.booleans()
)
def test_a_step_begins_and_ends_on_the_tick_whatever_rounding_does(dt, first, length, as_product):
    dt = Fraction(dt)
    grid = Grid(50, float(dt))
    ticks = first - 10 + np.arange(50)
    start, stop = (k * float(dt) if as_product else float(k * dt) for k in (first, first + length))
    active = Step(1.0, start, stop).on_ticks(ticks, grid)[:, 0]
    assert np.array_equal(active, (ticks >= first) & (ticks < first + length))


def test_a_step_between_ticks_acts_from_the_next_one_on():
    values = on_grid("current", Step(2.0, 0.25, 0.41, baseline=-1.0), Grid(7, 0.1), 1)
    assert values[:, 0].tolist() == [-1, -1, -1, 2, 2, -1, -1]


def test_a_step_without_end_and_a_value_for_each_neuron():
    values = on_grid("current", Step([1.0, 2.0], 1.0, baseline=[0.0, 5.0]), Grid(3, 1.0), 2)
    assert values.tolist() == [[0, 5], [1, 2], [1, 2]]


def test_a_ramp_is_a_straight_line_that_keeps_its_ends():
    grid = Grid(1000, 0.1)
    values = on_grid("current", Ramp(1.0, np.array([3.0, -1.0]), 20.0, 70.0), grid, 2)
    for column, stop in zip(values.T, (3.0, -1.0), strict=True):
        wanted = np.interp(np.arange(1000) * 0.1, [20.0, 70.0], [1.0, stop])
        np.testing.assert_allclose(column, wanted, atol=1e-6)
    assert (values[:201] == 1).all()
    assert (values[700:] == [3, -1]).all()


def test_a_sine_keeps_its_phase_in_a_long_run():
    grid, ticks = Grid(1, 0.1), np.array([0, 3, 10**8 + 3])
    values = Sine(2.0, np.array([50.0, 8.0]), 30.0, offset=1.0).on_ticks(ticks, grid)
    phases = [[Fraction(1, 12) + f * Fraction(int(k), 10_000) for f in (50, 8)] for k in ticks]
    wanted = 1 + 2 * np.sin(2 * np.pi * np.array([[float(p % 1) for p in row] for row in phases]))
    np.testing.assert_allclose(values, wanted, atol=1e-6)


@pytest.mark.parametrize("sample_rate_hz", [10_000.0, 1000.0, 100_000.0, 400.0])
def test_a_sample_holds_until_the_next(sample_rate_hz):
    grid = Grid(3000, 0.1)
    series = TimeSeries(np.arange(40_000.0)[:, None], sample_rate_hz, start_s=-0.01)
    exact = [
        (Fraction(k, 10_000) + Fraction(1, 100)) * Fraction(sample_rate_hz) // 1
        for k in range(grid.n_ticks)
    ]
    assert on_grid("current", series, grid, 5)[:, 0].tolist() == exact


def test_columns_of_samples_are_neurons():
    series = TimeSeries([[1.0, 2.0], [3.0, 4.0]], 1000.0)
    assert on_grid("current", series, Grid(4, 0.5), 2).tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]


def test_functions_are_called_with_the_time_of_each_tick():
    seen = []
    values = on_grid("current", lambda t_ms: seen.append(t_ms) or 2 * t_ms, Grid(4, 0.3), 9)
    assert seen == [0.0, 0.3, 0.6, 0.9]
    assert values.shape == (4, 1)
    np.testing.assert_allclose(values[:, 0], 2 * np.array(seen), rtol=1e-7)


def test_a_function_may_return_a_number_at_first_and_a_value_for_each_neuron_later():
    values = on_grid("current", lambda t_ms: np.arange(3) if t_ms == 1 else 7, Grid(3, 1.0), 3)
    assert values.tolist() == [[7, 7, 7], [0, 1, 2], [7, 7, 7]]


def test_what_is_computed_in_blocks_is_the_same():
    grid, n = Grid(2500, 0.1), 1000
    assert grid.n_ticks * n > 2 * BLOCK_VALUES
    sine = Sine(np.linspace(0, 1, n), 40.0)
    whole = sine.on_ticks(np.arange(grid.n_ticks), grid).astype(np.float32)
    assert np.array_equal(on_grid("current", sine, grid, n), whole)


@pytest.mark.parametrize(
    ("signal", "wanted"),
    [
        (0.0, [[0]]),
        (np.zeros(3), [[0]]),
        (5, [[5]]),
        ([1, 2, 3], [[1, 2, 3]]),
        (np.float32(2.5), [[2.5]]),
    ],
)
def test_a_constant_has_one_row(signal, wanted):
    values = on_grid("current", signal, Grid(100, 0.1), 3)
    assert values.dtype == np.float32
    assert values.tolist() == wanted


def nan_at_2(t_ms):
    return np.nan if t_ms == 2 else 1.0


REFUSED = {
    "two values": ([1.0, 2.0], r"x has 2 values: give one for all, or one for each of 3"),
    "a table": (np.ones((2, 3)), r"x has shape \(2, 3\): it must be a number, or one for each"),
    "text": ("3", "x is a str: it must be a number"),
    "ragged": ([[1.0], [1.0, 2.0]], "x is no array .*: it must be a number, or one for each"),
    "complex": (1j, "x is a complex: it must be a number"),
    "NaN": (np.nan, r"x is nan at 0.0 ms: it must be finite"),
    "too large": (1e39, r"x is 1e\+39 at 0.0 ms: it must be finite, and fit single precision"),
    "a step of two": (Step([1.0, 2.0]), "x has 2 values: give one for all"),
    "a function of NaN": (nan_at_2, r"x is nan at 2.0 ms: it must be finite"),
    "a function of None": (lambda t_ms: None, "x at 0.0 ms is a NoneType: it must be a number"),
    "a function of two": (lambda t_ms: [1.0, 2.0], "x at 0.0 ms has 2 values: give one for all"),
    "overflowing sine": (Sine(3e38, 250.0, offset=3e38), r"x is 6e\+38 at 1.0 ms"),
    "short samples": (
        TimeSeries(np.ones((3, 1)), 1000.0),
        r"x: the samples run from 0.0 to 0.003 s, and the ticks start from 0 to 0.003 s. Give",
    ),
    "late samples": (
        TimeSeries(np.ones((9, 1)), 1000.0, start_s=0.001),
        r"x: the samples run from 0.001 to",
    ),
    "samples of two": (TimeSeries(np.ones((4, 2)), 1000.0), "x has 2 values: give one for all"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_signals_that_cannot_be_are_refused(kind):
    signal, message = REFUSED[kind]
    with pytest.raises(InvalidInputError, match=message):
        on_grid("x", signal, Grid(4, 1.0), 3)


SETTINGS = {
    "backward step": (lambda: Step(1.0, 5.0, 5.0), "start_ms=5.0, stop_ms=5.0: stop must be after"),
    "NaN step": (lambda: Step(1.0, np.nan), "start_ms=nan, stop_ms=inf: stop must be after"),
    "NaN value": (lambda: Step([1.0, np.nan]), "amplitude holds a value that is not finite"),
    "endless ramp": (lambda: Ramp(0.0, 1.0, 0.0, np.inf), "a ramp has a finite length"),
    "two sizes": (
        lambda: Sine([1.0, 2.0], [1.0, 2.0, 3.0]),
        "amplitude has 2 values, frequency_hz has 3 values: give each a number, or one for each",
    ),
    "no ticks": (lambda: Grid(0, 0.1), "n_ticks=0: it must be a whole number above 0"),
    "half a tick": (lambda: Grid(1.5, 0.1), "n_ticks=1.5: it must be a whole number"),
    "no time": (lambda: Grid(1, 0.0), "dt_ms=0.0: it must be above 0"),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_that_cannot_be_are_refused(kind):
    make, message = SETTINGS[kind]
    with pytest.raises(InvalidInputError, match=message):
        make()


@pytest.mark.parametrize("signal", [Step(np.ones(10**6)), lambda t_ms: np.ones(10**6)])
def test_a_signal_that_would_fill_the_memory_is_refused(signal):
    with pytest.raises(
        InvalidInputError,
        match=r"x: 10000 ticks of 1000000 values are 37\.3 GiB, and 4 are allowed\. Simulate",
    ):
        on_grid("x", signal, Grid(10_000, 0.1), 10**6)


def test_values_for_each_neuron_cannot_be_changed_through_the_settings():
    with pytest.raises(ValueError, match="read-only"):
        Step([1.0, 2.0]).amplitude[0] = 3.0
