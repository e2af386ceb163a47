"""Counts equal those of a plain loop over windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.numerics.binning import count_in_bins, count_in_windows

times_on_a_grid = st.lists(st.integers(0, 20).map(lambda i: i / 4), max_size=30).map(sorted)
edges_on_a_grid = st.integers(-2, 24).map(lambda i: i / 4)


@given(times_on_a_grid, st.lists(st.tuples(edges_on_a_grid, edges_on_a_grid), max_size=6))
def test_windows_count_as_a_loop_does_also_on_edges_and_overlaps(times, windows):
    times = np.array(times, dtype=float)
    labels = (np.arange(len(times)) * 7) % 3
    starts = np.array([min(window) for window in windows], dtype=float)
    stops = np.array([max(window) for window in windows], dtype=float)
    got = count_in_windows(times, labels, 3, starts, stops)
    for window in range(len(windows)):
        for label in range(3):
            inside = (times >= starts[window]) & (times < stops[window]) & (labels == label)
            assert got[window, label] == inside.sum()


def test_abutting_windows_share_no_event():
    times = np.array([0.0, 0.25, 0.5])
    labels = np.zeros(3, dtype=int)
    counts = count_in_windows(times, labels, 1, np.array([0.0, 0.25]), np.array([0.25, 0.5]))
    assert counts[:, 0].tolist() == [1, 1]


def test_bins_count_as_histogram_does():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(-1.0, 11.0, 500))
    labels = rng.integers(0, 2, 500)
    got = count_in_bins(times, labels, 2, start=0.0, rate=10.0, n_bins=100)
    for label in range(2):
        wanted, _ = np.histogram(times[labels == label], np.arange(101) / 10.0)
        np.testing.assert_array_equal(got[:, label], wanted)


def test_times_made_from_a_sample_index_fall_into_their_own_bin():
    samples = np.arange(600_000)
    counts = count_in_bins(
        samples / 500.0, np.zeros_like(samples), 1, start=0.0, rate=500.0, n_bins=len(samples)
    )
    assert (counts == 1).all()
