"""Plasticity, against sums over all pairs of spikes and against the published recurrences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy.sparse import csr_array

from spikeloop.errors import InvalidInputError
from spikeloop.simulate.event_engine.plasticity_kernels import (
    TargetSpan,
    plastic_synapses,
    resources,
    short_term_factor,
    stdp_arrivals,
    stdp_spikes,
    transpose,
)
from spikeloop.simulate.networks.plasticity import STDP, ShortTerm


def random_network(rng, n_rows=6, n_targets=5, n_ticks=400, rate=0.03):
    """Return starts, targets, and whether each row's spike arrives, or target fires, in a tick."""
    linked = rng.random((n_rows, n_targets)) < 0.6
    starts = np.concatenate([[0], np.cumsum(linked.sum(1))])
    targets = np.nonzero(linked)[1].astype(np.uint32)
    arrives, fires = (rng.random((n_ticks, n)) < rate for n in (n_rows, n_targets))
    return starts, targets, arrives, fires


def play(plastic, arrives, fires, first_unit=0, ticks=None):
    for n, tick in enumerate(range(len(arrives)) if ticks is None else ticks):
        stdp_arrivals(plastic, np.flatnonzero(arrives[n]).astype(np.int32), tick)
        stdp_spikes(plastic, np.flatnonzero(fires[n]).astype(np.int32) + first_unit, tick)


def pair_sums(method, arrived, fired, dt_ms):
    """Return the summed strengthening and weakening of all pairs of spikes, in float64."""
    lag_ms = (fired[:, None] - arrived) * dt_ms
    plus = np.exp(-lag_ms[lag_ms >= 0] / method.tau_plus_ms).sum()
    minus = np.exp(lag_ms[lag_ms < 0] / method.tau_minus_ms).sum()
    return method.w_max * (method.a_plus * plus - method.a_minus * minus)


def brute_force(method, weight, arrives, fires, dt_ms):
    """Return the weight after each spike changed it by its pairs with all spikes before."""
    for tick in range(len(arrives)):
        if arrives[tick]:
            trace = np.exp(-(tick - np.flatnonzero(fires[:tick])) * dt_ms / method.tau_minus_ms)
            scale = method.w_max if method.rule == "additive" else weight
            weight = max(weight - method.a_minus * scale * trace.sum(), 0.0)
        if fires[tick]:
            before = np.flatnonzero(arrives[: tick + 1])
            trace = np.exp(-(tick - before) * dt_ms / method.tau_plus_ms)
            scale = method.w_max if method.rule == "additive" else method.w_max - weight
            weight = min(weight + method.a_plus * scale * trace.sum(), method.w_max)
    return weight


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 5.0]))
def test_additive_changes_are_the_sum_over_all_pairs(seed, dt_ms):
    rng = np.random.default_rng(seed)
    starts, targets, arrives, fires = random_network(rng)
    method = STDP(tau_plus_ms=17.0, tau_minus_ms=34.0, a_plus=1e-4, a_minus=2e-4, w_max=2.0)
    weights = np.ones(len(targets), np.float32)
    span = TargetSpan(fires.shape[1])
    play(plastic_synapses(method, starts, targets, weights, span, dt_ms=dt_ms), arrives, fires)
    for row in range(len(starts) - 1):
        for synapse in range(starts[row], starts[row + 1]):
            arrived = np.flatnonzero(arrives[:, row])
            fired = np.flatnonzero(fires[:, targets[synapse]])
            wanted = 1 + pair_sums(method, arrived, fired, dt_ms)
            assert weights[synapse] == pytest.approx(wanted, abs=3e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["additive", "multiplicative"]))
def test_weights_follow_every_spike_and_stay_within_their_limits(seed, rule):
    rng = np.random.default_rng(seed)
    starts, targets, arrives, fires = random_network(rng, n_rows=4, n_targets=3)
    method = STDP(a_plus=0.2, a_minus=0.25, w_max=0.5, rule=rule)
    weights = rng.uniform(0, 0.5, len(targets)).astype(np.float32)
    start = weights.astype(float)
    span = TargetSpan(fires.shape[1])
    play(plastic_synapses(method, starts, targets, weights, span, dt_ms=1.0), arrives, fires)
    assert weights.min() >= 0
    assert weights.max() <= np.float32(0.5)
    for row in range(len(starts) - 1):
        for synapse in range(starts[row], starts[row + 1]):
            trains = (arrives[:, row], fires[:, targets[synapse]])
            wanted = brute_force(method, start[synapse], *trains, 1.0)
            assert weights[synapse] == pytest.approx(wanted, abs=1e-5)


def one_synapse(method, start=0.5, dt_ms=1.0):
    weights = np.array([start], np.float32)
    ends = (np.array([0, 1]), np.array([0]))
    return weights, plastic_synapses(method, *ends, weights, TargetSpan(1), dt_ms=dt_ms)


@pytest.mark.parametrize("lag", [-200, -7, -1, 0, 1, 9, 200])
def test_one_pair_gives_the_window_of_the_rule(lag):
    method = STDP(tau_plus_ms=10.0, tau_minus_ms=30.0, a_plus=0.02, a_minus=0.03)
    weights, plastic = one_synapse(method, dt_ms=0.5)
    arrives, fires = np.zeros((401, 1), bool), np.zeros((401, 1), bool)
    arrives[200], fires[200 + lag] = True, True
    play(plastic, arrives, fires)
    wanted = 0.02 * np.exp(-lag / 20) if lag >= 0 else -0.03 * np.exp(lag / 60)
    assert weights[0] - 0.5 == pytest.approx(wanted, abs=1e-7)


def test_traces_decay_exactly_however_far_apart_the_spikes_are():
    method = STDP(tau_plus_ms=1000.0, tau_minus_ms=1000.0, a_plus=0.5)
    weights, plastic = one_synapse(method, start=0.0, dt_ms=0.1)
    at = np.array([0])
    stdp_arrivals(plastic, at, 2_000_000_000)
    stdp_arrivals(plastic, at, 2_000_000_000 + 150_000)
    stdp_spikes(plastic, at, 2_000_000_000 + 200_001)
    assert plastic.arrivals.origin[0] > 2_000_000_000
    wanted = 0.5 * (np.exp(-20.0001) + np.exp(-5.0001))
    assert weights[0] == pytest.approx(wanted, rel=1e-6)


def test_two_arrivals_in_a_tick_count_twice():
    weights, plastic = one_synapse(STDP(a_plus=0.1))
    stdp_arrivals(plastic, np.array([0, 0]), 3)
    stdp_spikes(plastic, np.array([0]), 3)
    assert weights[0] == pytest.approx(0.7)


def test_poisson_trains_drift_as_the_areas_of_the_window_say():
    """Uncorrelated trains drift by r1 r2 (A+ tau+ - A- tau-), here in sums over whole ticks."""
    rng = np.random.default_rng(3)
    rate, n_ticks, n = 0.02, 5000, 60
    method = STDP(a_plus=2e-4, a_minus=1e-4, tau_plus_ms=20.0, tau_minus_ms=10.0)
    starts, targets = np.arange(0, n * n + 1, n), np.tile(np.arange(n), n)
    weights = np.full(n * n, 0.5, np.float32)
    plastic = plastic_synapses(method, starts, targets, weights, TargetSpan(n), dt_ms=1.0)
    arrives, fires = (rng.random((n_ticks, n)) < rate for _ in range(2))
    play(plastic, arrives, fires)
    plus = 1 / (1 - np.exp(-1 / 20))
    minus = np.exp(-1 / 10) / (1 - np.exp(-1 / 10))
    wanted = n_ticks * arrives.mean() * fires.mean() * (2e-4 * plus - 1e-4 * minus)
    assert weights.mean() - 0.5 == pytest.approx(wanted, rel=0.03)


def test_synapses_elsewhere_in_the_arrays_and_units_elsewhere_in_the_network():
    starts, targets, arrives, fires = random_network(np.random.default_rng(5))
    plain, shifted = (np.full(len(targets) + extra, 0.5, np.float32) for extra in (0, 20))
    span = TargetSpan(fires.shape[1])
    play(plastic_synapses(STDP(), starts, targets, plain, span, dt_ms=1.0), arrives, fires)
    elsewhere = np.concatenate([np.full(7, 9), targets + 1000, np.full(13, 9)]).astype(np.uint32)
    plastic = plastic_synapses(
        STDP(),
        starts + 7,
        elsewhere,
        shifted,
        TargetSpan(fires.shape[1], first_place=1000, first_unit=50),
        dt_ms=1.0,
    )
    others = np.array([0, 49, 50 + fires.shape[1], 2000], np.int32)
    for tick in range(len(arrives)):
        stdp_arrivals(plastic, np.flatnonzero(arrives[tick]), tick)
        stdp_spikes(plastic, np.append(np.flatnonzero(fires[tick]) + 50, others), tick)
    assert np.array_equal(shifted[7:-13], plain)
    assert (shifted[:7] == 0.5).all()
    assert (shifted[-13:] == 0.5).all()


def test_the_transpose_is_that_of_a_sparse_matrix():
    rng = np.random.default_rng(2)
    starts, targets, *_ = random_network(rng, n_rows=50, n_targets=30)
    matrix = csr_array((np.arange(len(targets)), targets.astype(int), starts), shape=(50, 30))
    by_target = matrix.tocsc()
    begins, synapses, rows = transpose(starts, targets, 30, 0)
    assert np.array_equal(begins, by_target.indptr)
    assert np.array_equal(synapses, by_target.data)
    assert np.array_equal(rows, by_target.indices)


def test_targets_without_synapses_and_rows_without_targets():
    begins, synapses, rows = transpose(np.array([0, 0, 2, 2]), np.array([3, 1]), 5, 0)
    assert begins.tolist() == [0, 0, 1, 1, 2, 2]
    assert synapses.tolist() == [1, 0]
    assert rows.tolist() == [1, 1]
    weights = np.empty(0, np.float32)
    none = (np.zeros(4, np.int64), np.empty(0, np.int32), weights)
    plastic = plastic_synapses(STDP(), *none, TargetSpan(5), dt_ms=1.0)
    play(plastic, np.ones((3, 3), bool), np.ones((3, 5), bool))


def recurrences(method, times_ms):
    """Return u R of each spike, as published: R recovers from R (1 - u), and u from u."""
    u, r, factors = method.u, 1.0, []
    for before, now in zip([None, *times_ms], times_ms, strict=False):
        if before is not None:
            lag = now - before
            r = 1 - (1 - r * (1 - u)) * np.exp(-lag / method.tau_recovery_ms)
            if method.tau_facilitation_ms:
                kept = u * np.exp(-lag / method.tau_facilitation_ms)
                u = kept + method.u * (1 - kept)
        factors.append(u * r)
    return factors


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=40),
    st.floats(0.01, 1.0),
    st.floats(5.0, 2000.0),
    st.sampled_from([0.0, 10.0, 700.0]),
)
def test_short_term_factors_are_those_of_the_recurrences(gaps, u, recovery_ms, facilitation_ms):
    method = ShortTerm(u, recovery_ms, facilitation_ms)
    state = resources(method, 3, dt_ms=0.1)
    ticks = np.cumsum(gaps)
    factors = [short_term_factor(state, 1, tick) for tick in ticks]
    np.testing.assert_allclose(factors, recurrences(method, ticks * 0.1), rtol=2e-5)
    assert state.u.tolist()[::2] == [0, 0]
    assert state.x.tolist()[::2] == [1, 1]


@pytest.mark.parametrize(("u", "facilitation_ms"), [(0.5, 0.0), (0.05, 600.0), (0.3, 50.0)])
def test_a_regular_train_reaches_the_steady_state(u, facilitation_ms):
    method = ShortTerm(u, 200.0, facilitation_ms)
    state = resources(method, 1, dt_ms=1.0)
    for tick in range(0, 10_000, 40):
        factor = short_term_factor(state, 0, tick)
    facilitated = np.exp(-40 / facilitation_ms) if facilitation_ms else 0.0
    recovered = np.exp(-40 / 200)
    u_steady = u / (1 - (1 - u) * facilitated)
    x_steady = (1 - recovered) / (1 - (1 - u_steady) * recovered)
    assert factor == pytest.approx(u_steady * x_steady, rel=1e-5)


def test_two_spikes_in_a_tick_share_the_resources():
    state = resources(ShortTerm(0.4, 100.0, 50.0), 1, dt_ms=1.0)
    assert short_term_factor(state, 0, 9) == pytest.approx(0.4)
    assert short_term_factor(state, 0, 9) == pytest.approx((0.4 + 0.4 * 0.6) * 0.6)


def test_the_kernels_run_inside_a_compiled_loop():
    @njit
    def run(plastic, state, rows, units):
        total = np.float32(0)
        for tick in range(5):
            for row in rows:
                total += short_term_factor(state, row, tick)
            stdp_arrivals(plastic, rows, tick)
            stdp_spikes(plastic, units[:1], tick)
        return total

    weights, plastic = one_synapse(STDP())
    at = np.zeros(1, np.int32)
    assert 0.5 < run(plastic, resources(ShortTerm(), 1, dt_ms=1.0), at, at) < 2.5
    arrived = np.arange(5)
    assert weights[0] == pytest.approx(0.5 + pair_sums(STDP(), arrived, arrived, 1.0))


SETTINGS = {
    "tau_plus_ms": (lambda: STDP(tau_plus_ms=0.0), "tau_plus_ms=0.0: it must be above 0"),
    "tau_minus_ms": (lambda: STDP(tau_minus_ms=np.inf), "tau_minus_ms=inf: it must be above 0"),
    "w_max": (lambda: STDP(w_max=-1.0), "w_max=-1.0: it must be above 0"),
    "a_plus": (lambda: STDP(a_plus=-0.1), "a_plus=-0.1: it must be 0 or more"),
    "a_minus": (lambda: STDP(a_minus=np.nan), "a_minus=nan: it must be 0 or more"),
    "rule": (lambda: STDP(rule="triplet"), "rule='triplet': choose additive or multiplicative"),
    "u": (lambda: ShortTerm(u=1.1), "u=1.1: it must be above 0 and at most 1"),
    "tau_recovery_ms": (lambda: ShortTerm(tau_recovery_ms=0), "tau_recovery_ms=0: it must be ab"),
    "tau_facilitation_ms": (
        lambda: ShortTerm(tau_facilitation_ms=-1.0),
        "tau_facilitation_ms=-1.0: it must be 0 or more",
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_cannot_be_are_refused(name):
    make, message = SETTINGS[name]
    with pytest.raises(InvalidInputError, match=message):
        make()


@pytest.mark.parametrize("start", [-0.1, 1.5, np.nan])
def test_weights_beyond_their_limits_are_refused(start):
    with pytest.raises(InvalidInputError, match=r"weights reach from .* within 0\.\.w_max=1\.0"):
        one_synapse(STDP(), start=start)


def test_too_many_synapses_are_refused():
    starts, nothing = np.array([0, 2**32]), np.empty(0)
    with pytest.raises(InvalidInputError, match="4294967296 plastic synapses: there may be"):
        plastic_synapses(STDP(), starts, nothing, nothing, TargetSpan(1), dt_ms=1.0)
