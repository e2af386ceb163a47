import os
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from spikeloop.errors import InvalidInputError
from spikeloop.numerics.random import stream_key
from spikeloop.simulate.networks.connectivity import Between, connect
from spikeloop.simulate.networks.connectivity_kernels import FLAT, Chance, Rows
from spikeloop.simulate.networks.few_connections import draw_evenly
from spikeloop.simulate.networks.random_connections import (
    ByDistance,
    FixedInDegree,
    FixedOutDegree,
    Probability,
    _by_chance,
)

PLANE_UM = np.random.default_rng(0).uniform(0, 1000, (700, 2))
PLANE = Between(700, 700, same=True, source_um=PLANE_UM, target_um=PLANE_UM)


def dense(synapses, n_target):
    """How many synapses join each pair."""
    n_source = len(synapses.indptr) - 1
    table = np.zeros((n_source, n_target), int)
    np.add.at(
        table, (np.repeat(np.arange(n_source), np.diff(synapses.indptr)), synapses.targets), 1
    )
    return table


def ascends(synapses, *, strictly=True):
    steps = np.diff(synapses.targets)
    ends = synapses.indptr[1:-1]
    inside = np.ones(len(steps), bool)
    inside[ends[(ends > 0) & (ends <= len(steps))] - 1] = False
    return bool(np.all(steps[inside] > 0 if strictly else steps[inside] >= 0))


def subsets(rows):
    """Each row of bools as one whole number."""
    return rows.astype(bool) @ (1 << np.arange(rows.shape[1]))


@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_the_number_of_synapses_is_binomial(p):
    n = 600
    synapses = connect(Probability(p), Between(n, n, same=True), seed=1)
    n_pairs = n * (n - 1)
    assert abs(len(synapses.targets) - n_pairs * p) < 5 * np.sqrt(n_pairs * p * (1 - p))
    table = dense(synapses, n)
    assert table.max() == 1
    assert not table.diagonal().any()
    assert ascends(synapses)
    out, into = table.sum(axis=1), table.sum(axis=0)
    for degree in (out, into):
        z2 = (degree - (n - 1) * p) ** 2 / ((n - 1) * p * (1 - p))
        assert stats.chi2.sf(z2.sum(), n) > 1e-4
        assert stats.chi2.cdf(z2.sum(), n) > 1e-4


def test_each_set_of_targets_has_the_probability_of_independent_pairs():
    p, n_source = 0.3, 40_000
    found = subsets(dense(connect(Probability(p), Between(n_source, 4), seed=2), 4))
    n_bits = np.array([bin(number).count("1") for number in range(16)])
    wanted = n_source * p**n_bits * (1 - p) ** (4 - n_bits)
    assert stats.chisquare(np.bincount(found, minlength=16), wanted).pvalue > 1e-4


def test_probabilities_at_the_ends():
    between = Between(30, 20)
    assert len(connect(Probability(0), between, seed=0).targets) == 0
    assert len(connect(Probability(1e-300), between, seed=0).targets) == 0
    np.testing.assert_array_equal(dense(connect(Probability(1), between, seed=0), 20), 1)


@pytest.mark.parametrize("k", [0, 1, 7, 15, 16, 28, 29])
@pytest.mark.parametrize("rule", [FixedOutDegree, FixedInDegree])
@pytest.mark.parametrize("multapses", [False, True])
def test_degrees_are_exact_and_partners_differ(rule, k, multapses):
    n = 30
    synapses = connect(rule(k, multapses=multapses), Between(n, n, same=True), seed=3)
    table = dense(synapses, n)
    np.testing.assert_array_equal(table.sum(axis=1 if rule is FixedOutDegree else 0), k)
    assert not table.diagonal().any()
    assert ascends(synapses, strictly=not multapses)
    assert (table.max() <= 1) != (multapses and k > 6)


@pytest.mark.parametrize("rule", [FixedOutDegree, FixedInDegree])
def test_self_connections_happen_where_they_are_allowed(rule):
    between = Between(40, 40, same=True)
    allowed = dense(connect(rule(40, self_connections=True), between, seed=0), 40)
    np.testing.assert_array_equal(allowed, 1)
    other = dense(connect(rule(40), Between(40, 40), seed=0), 40)
    np.testing.assert_array_equal(other, 1)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rule", [FixedOutDegree, FixedInDegree])
def test_all_sets_of_partners_are_equally_probable(rule, k):
    n_rows = 30_000
    between = Between(n_rows, 6) if rule is FixedOutDegree else Between(6, n_rows)
    table = dense(connect(rule(k), between, seed=4), between.n_target)
    found = subsets(table if rule is FixedOutDegree else table.T)
    possible = [sum(1 << place for place in places) for places in combinations(range(6), k)]
    counts = np.bincount(found, minlength=64)
    assert counts[possible].sum() == n_rows
    assert stats.chisquare(counts[possible]).pvalue > 1e-4


def test_numbers_of_numpy_do_not_run_over(monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: 1024, raising=False)
    n = np.int32(2**16)
    with pytest.raises(InvalidInputError, match=r"the rule makes 2\.15e\+09 synapses"):
        connect(FixedOutDegree(np.int32(2**15)), Between(n, n), seed=0)


def test_partners_of_a_large_population_are_uniform():
    n, k = 3_000_001, 500
    targets = connect(FixedOutDegree(k), Between(1000, n), seed=5).targets
    assert stats.kstest(targets / n, "uniform").pvalue > 1e-4
    assert stats.chisquare(np.bincount(targets % 7)).pvalue > 1e-4


def test_with_multapses_repeats_are_as_frequent_as_birthdays():
    n, k, n_rows = 365, 23, 20_000
    synapses = connect(FixedOutDegree(k, multapses=True), Between(n_rows, n), seed=6)
    same = np.diff(synapses.targets.reshape(n_rows, k), axis=1) == 0
    wanted = 1 - np.prod(1 - np.arange(k) / n)
    error = np.sqrt(wanted * (1 - wanted) / n_rows)
    assert abs(same.any(axis=1).mean() - wanted) < 5 * error


@pytest.mark.parametrize("profile", ["gaussian", "exponential"])
@pytest.mark.parametrize("period_um", [None, (1000.0, 0.0), (1000.0, 1000.0)])
def test_connections_fall_with_the_distance_as_the_profile(profile, period_um):
    rule = ByDistance(0.8, 150.0, profile, period_um)
    table = dense(connect(rule, PLANE, seed=7), 700)
    apart = np.abs(PLANE_UM[:, None] - PLANE_UM)
    for axis, period in enumerate(period_um or (0.0, 0.0)):
        if period:
            apart[..., axis] = np.minimum(apart[..., axis], period - apart[..., axis])
    distance = np.hypot(*np.moveaxis(apart, -1, 0)) / 150.0
    p = 0.8 * np.exp(-(distance**2) / 2 if profile == "gaussian" else -distance)
    np.fill_diagonal(p, 0.0)
    assert not table.diagonal().any()
    bins = np.digitize(distance, np.arange(0.2, 4, 0.2)).ravel()
    wanted = np.bincount(bins, p.ravel())
    variance = np.bincount(bins, (p * (1 - p)).ravel())
    found = np.bincount(bins, table.ravel())
    assert np.all(np.abs(found - wanted) < 4.5 * np.sqrt(variance) + 1)


def test_without_distance_it_is_a_probability():
    places_um = np.zeros((300, 3))
    between = Between(300, 200, source_um=places_um, target_um=places_um[:200])
    same = connect(ByDistance(0.3, 1.0), between, seed=8)
    flat = connect(Probability(0.3), between, seed=8)
    np.testing.assert_array_equal(same.targets, flat.targets)


RULES = [  # all but the in-degree make enough synapses for several threads
    Probability(0.6),
    FixedOutDegree(400),
    FixedOutDegree(400, multapses=True),
    FixedInDegree(20),
    ByDistance(0.6, 100.0),
]


@pytest.mark.parametrize("rule", RULES)
def test_the_synapses_are_a_matter_of_the_seed_and_not_of_the_threads(rule, monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    wanted = connect(rule, PLANE, seed=9)
    other = connect(rule, PLANE, seed=10)
    assert not np.array_equal(wanted.targets[:100], other.targets[:100])
    for n_threads in "25":
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", n_threads)
        got = connect(rule, PLANE, seed=9)
        np.testing.assert_array_equal(got.indptr, wanted.indptr)
        np.testing.assert_array_equal(got.targets, wanted.targets)


@pytest.mark.parametrize("rule", [Probability(0.01), FixedOutDegree(100), FixedInDegree(100)])
def test_making_synapses_takes_little_more_memory_than_they_do(rule):
    between = Between(10_000, 10_000)
    tracemalloc.start()
    synapses = connect(rule, between, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * (synapses.targets.nbytes + synapses.indptr.nbytes)


def no_places():
    return connect(ByDistance(0.1, 100.0), Between(3, 3), seed=0)


def places(source_um, target_um, **settings):
    between = Between(2, 2, source_um=source_um, target_um=target_um)
    return connect(ByDistance(0.1, 100.0, **settings), between, seed=0)


ZEROS = np.zeros((2, 2))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Probability(1.1), r"p=1\.1: a probability must lie in 0\.\.1"),
        (lambda: Probability(np.nan), "p=nan: a probability"),
        (lambda: Probability("0.1"), r"p='0\.1': a probability"),
        (lambda: ByDistance(-0.1, 1.0), r"p_max=-0\.1: a probability"),
        (lambda: ByDistance(0.1, 0.0), r"length_um=0\.0: it must be a number above 0"),
        (lambda: ByDistance(0.1, 1.0, "linear"), "profile='linear': choose gaussian or exp"),
        (lambda: FixedOutDegree(-1), "k=-1: it must be a whole number"),
        (lambda: FixedInDegree(2.5), r"k=2\.5: it must be a whole number"),
        (lambda: FixedInDegree(True), "k=True: it must be a whole number"),
        (
            lambda: connect(FixedOutDegree(5), Between(5, 5, same=True), seed=0),
            "FixedOutDegree: k=5, and there are 4 neurons to be connected to. Lower k, or allow",
        ),
        (
            lambda: connect(FixedInDegree(10), Between(9, 5), seed=0),
            "FixedInDegree: k=10, and there are 9 neurons",
        ),
        (
            lambda: connect(FixedInDegree(1, multapses=True), Between(1, 1, same=True), seed=0),
            r"k=1, and there are 0 neurons to be connected to\. Lower k\.$",
        ),
        (no_places, "source_um is None: ByDistance needs the places of both populations"),
        (lambda: places(ZEROS, None), "target_um is None"),
        (lambda: places(ZEROS, np.zeros((2, 3))), "source_um has 2 axes and target_um 3"),
        (lambda: places(ZEROS, np.zeros((3, 2))), "target_um has 3 rows: there are 2 neurons"),
        (lambda: places(ZEROS, ZEROS * np.nan), "target_um holds 4 values that are not finite"),
        (lambda: places(ZEROS, ZEROS, period_um=(1.0,)), "give one for each of 2 axes, 0 or more"),
        (lambda: places(ZEROS, ZEROS, period_um=(1.0, -1.0)), r"period_um=\(1\.0, -1\.0\): give"),
        (
            lambda: connect(Probability(0.5), Between(2**30, 2**30), seed=0),
            r"the rule makes 5\.76e\+17 synapses, whose targets take 2\.31e\+09 GB",
        ),
        (
            lambda: connect(FixedOutDegree(2**30), Between(2**30, 2**30), seed=0),
            r"the rule makes 1\.15e\+18 synapses",
        ),
        (
            lambda: connect(FixedInDegree(2**30), Between(2**30, 2**30), seed=0),
            r"the rule makes 1\.15e\+18 synapses",
        ),
    ],
)
def test_what_cannot_be_connected_is_refused(act, message):
    with pytest.raises(InvalidInputError, match=message):
        act()


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("p", [0.0, 1e-3, 0.1, 0.9, 1.0])
def test_few_connections_are_those_that_the_compiled_loop_draws(p, same):
    between = Between(211, 211 if same else 300, same=same)
    key, nowhere = stream_key(5, 1), np.empty((0, 0))
    chance = Chance(p, FLAT, 1.0, np.empty(0), nowhere, nowhere)
    n_partners = between.n_partners(between.n_target, False)
    few = draw_evenly(Rows(key, n_partners, same), p, between.n_source)
    many = _by_chance(between, key, chance, False)
    np.testing.assert_array_equal(few.indptr, many.indptr)
    np.testing.assert_array_equal(few.targets, many.targets)
    assert (few.indptr.dtype, few.targets.dtype) == (many.indptr.dtype, many.targets.dtype)
