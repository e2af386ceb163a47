from functools import partial

import jax
import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare, norm

from spikeloop.learn.tasks.timing import PatternTiming

draw = partial(jax.jit, static_argnums=(0, 2))(lambda task, key, n_trials: task.draw(key, n_trials))
observe = partial(jax.jit, static_argnums=0)(PatternTiming.log_posterior)


def trials_of(task, n_trials, seed=0):
    return jax.tree.map(np.asarray, draw(task, jax.random.key(seed), n_trials))


def pattern_of(task):
    """Return when inputs fire in each class, found in trials without jitter: (class, input)."""
    settings = vars(task) | {"jitter_ms": 0.0, "noise": 0.0}
    trials = trials_of(PatternTiming(**settings), 200)
    found = []
    for own in range(task.n_classes):
        spikes = trials.spikes[trials.target == own]
        assert (spikes == spikes[0]).all()
        found.append(spikes[0].argmax(axis=0))
    return np.stack(found)


def chance_of(task, late_ticks):
    """Return how likely a spike comes so many ticks late, in a trial of one part."""
    n, turns = task.n_ticks, np.arange(-20, 21)[:, None]
    off_ms = (np.atleast_1d(late_ticks) + n * turns) * task.dt_ms
    half = task.dt_ms / 2
    cdf = norm(scale=task.jitter_ms).cdf
    wrapped = (cdf(off_ms + half) - cdf(off_ms - half)).sum(axis=0)
    return (1 - task.noise) * wrapped + task.noise / n


@pytest.mark.parametrize("n_spikes", [1, 5])
def test_counts_are_the_same_in_all_trials(n_spikes):
    task = PatternTiming(n_spikes=n_spikes, duration_ms=50.0)
    spikes = trials_of(task, 500).spikes
    by_part = spikes.reshape(500, n_spikes, -1, task.n_inputs).sum(axis=2)
    assert (by_part == 1).all()


def test_times_of_all_classes_are_the_same_ones_handed_out_otherwise():
    patterns = pattern_of(PatternTiming(n_inputs=40, n_classes=6))
    assert (np.sort(patterns) == np.arange(40) * 100 // 40).all()
    for one in range(6):
        for other in range(one):
            # Random orders of 40 have one time in common on average.
            assert (patterns[one] == patterns[other]).sum() < 8


def test_neither_tick_nor_input_alone_tells_the_class_but_both_together_do():
    task = PatternTiming(n_inputs=10)
    trials = trials_of(task, 8000)
    by_class = np.stack([trials.spikes[trials.target == own].sum(axis=0) for own in range(4)])
    over_inputs = by_class.sum(axis=2).reshape(4, 20, 5).sum(axis=2)
    assert chi2_contingency(over_inputs).pvalue > 1e-3
    assert chi2_contingency(by_class[:, :, 3].reshape(4, 20, 5).sum(axis=2)).pvalue < 1e-100


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"jitter_ms": 30.0, "noise": 0.0},
        {"duration_ms": 20.0, "dt_ms": 0.5, "jitter_ms": 8.0, "noise": 0.1},
    ],
)
def test_spikes_come_as_late_as_a_wrapped_normal_distribution_with_noise_says(settings):
    task = PatternTiming(**settings)
    trials = trials_of(task, 5000)
    times = trials.spikes.argmax(axis=1)
    late = (times - pattern_of(task)[trials.target]) % task.n_ticks
    counts = np.bincount(late.ravel(), minlength=task.n_ticks)
    wanted = chance_of(task, np.arange(task.n_ticks)) * late.size
    assert wanted.sum() == pytest.approx(late.size)
    rare = wanted < 5
    assert counts[rare].sum() <= 5 * wanted[rare].sum() + 5
    often = ~rare
    scale = counts[often].sum() / wanted[often].sum()
    assert chisquare(counts[often], wanted[often] * scale).pvalue > 1e-3


def test_spikes_of_different_inputs_are_jittered_independently():
    task = PatternTiming(n_inputs=4, jitter_ms=10.0, noise=0.0)
    trials = trials_of(task, 8000)
    late = (trials.spikes.argmax(axis=1) - pattern_of(task)[trials.target] + 50) % 100
    correlation = np.corrcoef(late.T)[np.triu_indices(4, 1)]
    assert np.abs(correlation).max() < 4.5 / np.sqrt(8000)


def test_observer_is_bayes_rule_spelled_out():
    task = PatternTiming(n_inputs=6, n_classes=3, jitter_ms=9.0, noise=0.3, duration_ms=40.0)
    patterns, trials = pattern_of(task), trials_of(task, 30)
    found = observe(task, trials.spikes)
    for trial, spikes in enumerate(trials.spikes):
        likely = np.ones(3)
        for tick, fibre in np.argwhere(spikes):
            late = (tick - patterns[:, fibre]) % task.n_ticks
            likely *= chance_of(task, late)
        np.testing.assert_allclose(np.exp(found[trial]), likely / likely.sum(), atol=1e-5)


def test_parts_of_a_trial_add_their_evidence():
    # With two spikes, the two halves are two trials of the same class with patterns of their own.
    task = PatternTiming(n_inputs=5, n_spikes=2, duration_ms=60.0, noise=0.6)
    half = PatternTiming(n_inputs=5, duration_ms=30.0, noise=0.6)
    trials = trials_of(task, 50)
    clean = trials_of(PatternTiming(**vars(task) | {"jitter_ms": 0.0, "noise": 0.0}), 100)
    likely = np.zeros((50, 4))
    for part in (slice(0, 30), slice(30, 60)):
        times = trials.spikes[:, part].argmax(axis=1)
        for own in range(4):
            pattern = clean.spikes[clean.target == own][0, part].argmax(axis=0)
            late = (times - pattern) % 30
            likely[:, own] += np.log(chance_of(half, late.ravel())).reshape(50, 5).sum(axis=1)
    wanted = np.exp(likely - likely.max(axis=1, keepdims=True))
    wanted /= wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(observe(task, trials.spikes)), wanted, atol=1e-5)


@pytest.mark.parametrize("settings", [{"noise": 0.8}, {"n_spikes": 4, "noise": 0.8}])
def test_observer_is_right_as_often_as_it_says(settings):
    task = PatternTiming(**settings)
    trials = trials_of(task, 5000, seed=1)
    posterior = np.exp(observe(task, trials.spikes))
    right = posterior.argmax(axis=1) == trials.target
    claimed = posterior.max(axis=1)
    error = np.sqrt((claimed * (1 - claimed)).sum()) / len(claimed)
    assert abs(right.mean() - claimed.mean()) < 3.5 * error + 1e-4


def test_the_default_can_be_solved_nearly_always_but_not_by_single_inputs():
    task = PatternTiming()
    trials = trials_of(task, 5000)
    scores = [(observe(task, trials.spikes).argmax(axis=1) == trials.target).mean()]
    for first in (0, 10, 19):
        heard = trials.spikes * (np.arange(task.n_inputs) == first)
        scores.append((observe(task, heard).argmax(axis=1) == trials.target).mean())
    assert 0.98 < scores[0] < 0.995
    assert max(scores[1:]) < 0.6


def test_nothing_can_be_told_where_jitter_is_as_long_as_many_trials():
    task = PatternTiming(jitter_ms=1000.0, noise=0.0)
    posterior = np.exp(observe(task, trials_of(task, 20).spikes))
    np.testing.assert_allclose(posterior, 0.25, atol=1e-4)


def test_patterns_belong_to_the_pattern_seed_alone():
    np.testing.assert_array_equal(pattern_of(PatternTiming()), pattern_of(PatternTiming(noise=0.8)))
    one, other = (pattern_of(PatternTiming(pattern_seed=seed)) for seed in (0, 1))
    assert (one != other).any(axis=1).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_inputs": 1}, "n_inputs=1: it must be 2 or more"),
        ({"n_spikes": 0}, "n_spikes=0: it must be 1 or more"),
        ({"n_spikes": 3}, "n_spikes=3: a trial of 100 ticks cannot be cut .* Choose a divisor"),
        ({"n_spikes": 100}, "n_spikes=100: a trial of 100 ticks cannot be cut"),
        ({"jitter_ms": -1.0}, r"jitter_ms=-1\.0: it must be 0 or more"),
        ({"noise": 1.0}, r"noise=1\.0: it is a share, from 0 to below 1"),
        ({"noise": -0.1}, r"noise=-0\.1: it is a share"),
        ({"pattern_seed": -1}, "seed=-1: it must be a whole number"),
        ({"n_inputs": 2, "n_classes": 3}, "only [12] of 3 patterns differ. Try another, or raise"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PatternTiming(**settings)
