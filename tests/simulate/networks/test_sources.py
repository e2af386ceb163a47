"""Spikes from outside: their statistics, and their ticks."""

from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.simulate.networks.signals import BLOCK_VALUES, Grid, Ramp, Sine, Step
from spikeloop.simulate.networks.sources import Given, Poisson, Regular, as_source


def draw(source, size, grid, seed=1):
    events = source.events("x", size, grid, np.random.default_rng(seed))
    assert events.tick.dtype == events.index.dtype == np.int32
    assert (np.diff(events.tick) >= 0).all()
    if events.tick.size:
        assert events.tick[0] >= 0
        assert events.tick[-1] < grid.n_ticks
        assert events.index.min() >= 0
        assert events.index.max() < size
    return events


def counts_of(events, size, grid):
    cells = events.tick.astype(np.int64) * size + events.index
    return np.bincount(cells, minlength=grid.n_ticks * size).reshape(grid.n_ticks, size)


RATES = {
    "equal": (20.0, 20.0),
    "of each": (np.linspace(10, 30, 2000), np.linspace(10, 30, 2000)),
    "of each in time": (Step(np.linspace(10, 30, 2000)), np.linspace(10, 30, 2000)),
}


@pytest.mark.parametrize("kind", RATES)
def test_counts_of_poisson_trains_are_poisson(kind):
    rate_hz, mean_hz = RATES[kind]
    grid, size = Grid(2000, 1.0), 2000
    train = np.bincount(draw(Poisson(rate_hz), size, grid).index, minlength=size)
    expected = np.broadcast_to(mean_hz, size) * grid.duration_s
    z = (train - expected) / np.sqrt(expected)
    assert abs(z.mean()) < 4 / np.sqrt(size)
    fano = np.mean(z**2)
    assert abs(fano - 1) < 4 * np.sqrt(2 / size)


@pytest.mark.parametrize("kind", RATES)
def test_spikes_in_a_tick_are_poisson_too_so_two_may_fall_in_one(kind):
    rate_hz, _ = RATES[kind]
    grid = Grid(200, 100.0)
    count = counts_of(draw(Poisson(rate_hz), 2000, grid), 2000, grid)[:, 990:1010]
    observed = np.bincount(np.minimum(count.ravel(), 6), minlength=7)
    expected = stats.poisson(2.0).pmf(np.arange(7))
    expected[6] = 1 - expected[:6].sum()
    assert stats.chisquare(observed, expected * count.size).pvalue > 1e-3


@pytest.mark.parametrize("rate_hz", [50.0, np.full(40, 50.0), Step(np.full(40, 50.0))])
def test_intervals_between_poisson_spikes_are_exponential(rate_hz):
    grid = Grid(1_000_000, 0.02)
    events = draw(Poisson(rate_hz), 40, grid)
    order = np.lexsort((events.tick, events.index))
    train, time_s = events.index[order], events.tick[order] * 2e-5
    interval_s = np.diff(time_s)[np.diff(train) == 0]
    assert stats.kstest(interval_s, stats.expon(scale=1 / 50).cdf).pvalue > 1e-3


def test_trains_are_independent():
    grid = Grid(20_000, 10.0)
    count = counts_of(draw(Poisson(50.0), 8, grid), 8, grid)
    correlation = np.corrcoef(count.T)[np.triu_indices(8, 1)]
    assert np.abs(correlation).max() < 4 / np.sqrt(grid.n_ticks)


@pytest.mark.parametrize("width", [1, 300])
def test_a_rate_that_changes_is_followed(width):
    grid, size = Grid(10_000, 0.1), 300
    scale = np.linspace(0.0, 2.0, size) if width > 1 else 1.0
    ramp = Ramp(0.0, 80.0 * np.asarray(scale), 200.0, 800.0)
    count = counts_of(draw(Poisson(ramp), size, grid), size, grid)
    rate_hz = np.clip((np.arange(10_000) * 0.1 - 200) / 600, 0, 1)[:, None] * 80 * scale
    expected = np.broadcast_to(rate_hz * 1e-4, (10_000, size))
    for summed in (lambda a: a.reshape(50, 200, -1).sum((1, 2)), lambda a: a.sum(0)):
        got, mean = summed(count), summed(expected)
        assert (got[mean == 0] == 0).all()
        z = (got - mean)[mean > 0] / np.sqrt(mean[mean > 0])
        assert abs(np.mean(z**2) - 1) < 5 * np.sqrt(2 / z.size)
        assert np.abs(z).max() < 5


def test_a_train_that_is_silent_for_a_time_stays_silent_across_blocks():
    grid, size = Grid(3000, 1.0), 1000
    assert grid.n_ticks * size > 2 * BLOCK_VALUES
    amplitude = np.where(np.arange(size) % 2, 100.0, 0.0)
    events = draw(Poisson(Step(amplitude, 500.0, 2500.0)), size, grid)
    assert (events.index % 2 == 1).all()
    assert events.tick.min() >= 500
    assert events.tick.max() < 2500
    assert abs(events.tick.size - 100_000) < 5 * np.sqrt(100_000)


def test_the_same_generator_gives_the_same_spikes():
    for rate_hz in (5.0, np.arange(10.0), Sine(np.full(10, 4.0), 3.0, offset=4.0)):
        first, again, other = (draw(Poisson(rate_hz), 10, Grid(5000, 1.0), s) for s in (1, 1, 2))
        assert np.array_equal(first.tick, again.tick)
        assert np.array_equal(first.index, again.index)
        assert not np.array_equal(first.tick[:20], other.tick[:20])


@pytest.mark.parametrize("rate_hz", [0.0, np.zeros(3), Step(0.0), Step(np.zeros(3))])
def test_a_rate_of_0_sends_nothing(rate_hz):
    assert draw(Poisson(rate_hz), 3, Grid(100, 1.0)).tick.size == 0


@pytest.mark.parametrize("dt", ["0.1", "0.3", "0.7", "1"])
def test_regular_trains_are_regular(dt):
    grid, rate_hz, first_ms = Grid(5000, float(dt)), [100, 40, 0, 300, 1, 7000], "0.9"
    events = draw(Regular(np.array(rate_hz, float), float(first_ms)), len(rate_hz), grid)
    end_ms = Fraction(dt) * grid.n_ticks
    for train, rate in enumerate(rate_hz):
        wanted, time_ms = [], Fraction(first_ms)
        while rate and time_ms < end_ms:
            wanted.append(time_ms // Fraction(dt))
            time_ms += Fraction(1000, rate)
        assert events.tick[events.index == train].tolist() == wanted


def test_a_regular_train_that_would_start_later_is_silent():
    events = draw(Regular(10.0, np.array([0.0, 5.0, 1e9])), 3, Grid(10, 0.5))
    assert (events.tick.tolist(), events.index.tolist()) == ([0], [0])


@pytest.mark.parametrize("dt", ["0.1", "0.3", "0.7", "1"])
def test_given_spikes_keep_their_ticks(dt):
    tick = np.arange(10_000)
    time_s = [float(Fraction(dt) * k / 1000) for k in tick.tolist()]
    trains = SpikeTrains(time_s, tick % 7, np.arange(7), Epochs([0.0], [100.0]))
    events = draw(as_source(trains), 7, Grid(10_000, float(dt)))
    assert np.array_equal(events.tick, tick)
    assert np.array_equal(events.index, tick % 7)


def test_given_spikes_outside_the_time_are_dropped_and_counted():
    trains = SpikeTrains.from_units({0: [-0.5, 0.0, 0.0999, 0.1, 3.0]}, Epochs([-1.0], [9.0]))
    with pytest.warns(SpikeloopWarning, match=r"x: 3 of 5 spikes lie outside 0..0.1 s, and are"):
        events = draw(Given(trains), 1, Grid(100, 1.0))
    assert events.tick.tolist() == [0, 99]


def test_what_is_a_source_stays_itself():
    source = Poisson(1.0)
    assert as_source(source) is source


GRID = Grid(1000, 1.0)
TRAINS = SpikeTrains.from_units({0: [0.5]}, Epochs([0.0], [1.0]))
REFUSED = {
    "negative rate": (Poisson(-1.0), "x: rate_hz goes down to -1: a rate is 0 or more"),
    "negative sine": (Poisson(Sine(3.0, 250.0)), "x: rate_hz goes down to -3: a rate is 0"),
    "too many": (Poisson(1e9), "x: 2e.09 spikes would take 14.9 GiB, and 2 are allowed"),
    "wrong count": (Poisson([1.0, 2.0, 3.0]), "x: rate_hz has 3 values: give one for all"),
    "regular count": (Regular([1.0]), r"x: rate_hz has shape \(1,\): give a number, or one for"),
    "regular rate": (Regular(-1.0), "x: rate_hz holds a value below 0, or one that is not finite"),
    "regular start": (Regular(1.0, np.nan), "x: first_ms holds a value below 0, or one that"),
    "regular flood": (Regular(1e9), "x: 2e.09 spikes would take"),
    "one unit for two": (Given(TRAINS), "x: 1 units of spikes for 2 trains: give one each"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_sources_that_cannot_be_are_refused(kind):
    source, message = REFUSED[kind]
    with pytest.raises(InvalidInputError, match=message):
        source.events("x", 2, GRID, np.random.default_rng(1))


def test_what_is_no_source_is_refused():
    with pytest.raises(InvalidInputError, match="spikes is a float: give Poisson, Regular, Given"):
        as_source(3.0)
    with pytest.raises(InvalidInputError, match="spikes is a list: give SpikeTrains"):
        Given([0.1])
