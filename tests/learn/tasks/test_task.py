"""What every task promises."""

from functools import partial

import jax
import numpy as np
import pytest

from spikeloop.learn.tasks.digits import PoissonDigits
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.tasks.task import Task
from spikeloop.learn.tasks.timing import PatternTiming

TASKS = [
    SoundLocalization(n_fibres=5, n_classes=3, duration_ms=50.0, phase="per_dataset"),
    PatternTiming(n_classes=5, n_spikes=2, jitter_ms=2.0, duration_ms=40.0, dt_ms=0.5),
    PoissonDigits(part="test", duration_ms=30.0),
]
N = 3000


@partial(jax.jit, static_argnums=0)
def draw(task, key, data_set):
    return task.draw(key, N, data_set)


@pytest.fixture(params=TASKS, ids=lambda task: type(task).__name__)
def task(request):
    return request.param


def trials_of(task, seed=0, data_set=0):
    keys = jax.random.key(seed), jax.random.key(data_set)
    return jax.tree.map(np.asarray, draw(task, *keys))


def test_every_task_keeps_the_protocol(task):
    assert isinstance(task, Task)
    assert isinstance(task.value_unit, str)
    trials = trials_of(task)
    assert trials.spikes.shape == (N, task.n_ticks, task.n_inputs)
    assert trials.spikes.dtype == np.float32
    assert set(np.unique(trials.spikes)) == {0, 1}
    assert trials.target.shape == trials.value.shape == (N,)
    assert task.class_values().shape == (task.n_classes,)


def test_every_class_is_as_likely_as_another_and_is_that_of_the_value(task):
    trials = trials_of(task)
    counts = np.bincount(trials.target, minlength=task.n_classes)
    assert len(counts) == task.n_classes
    # Digits are not quite as common as each other.
    share = 1 / task.n_classes
    tolerance = 0.03 if isinstance(task, PoissonDigits) else 4.5 * np.sqrt(share / N)
    np.testing.assert_allclose(counts / N, share, atol=tolerance)
    nearest = np.abs(trials.value[:, None] - task.class_values()).argmin(axis=1)
    np.testing.assert_array_equal(nearest, trials.target)


def test_same_keys_give_same_trials_compiled_or_not(task):
    plain, compiled = task.draw(jax.random.key(0), N, jax.random.key(0)), trials_of(task)
    # Sines differ in their last digits, which may turn a spike in a million.
    assert np.mean(np.asarray(plain.spikes) != compiled.spikes) < 1e-5
    np.testing.assert_array_equal(plain.target, compiled.target)
    np.testing.assert_array_equal(compiled.spikes, trials_of(task).spikes)


def test_other_keys_give_other_trials(task):
    one, other = trials_of(task), trials_of(task, seed=1)
    assert (one.target != other.target).any()
    assert (one.spikes != other.spikes).any(axis=(1, 2)).all()
    assert len(np.unique(one.spikes.reshape(N, -1), axis=0)) == N


def test_only_a_shared_phase_depends_on_the_data_set(task):
    differs = (trials_of(task).spikes != trials_of(task, data_set=1).spikes).any()
    assert differs == isinstance(task, SoundLocalization)


def test_equal_tasks_are_compiled_once(task):
    trials_of(task)
    n_compiled = draw._cache_size()
    trials_of(type(task)(**vars(task)))
    assert draw._cache_size() == n_compiled


def test_posterior_is_a_distribution_and_better_than_chance(task):
    trials = trials_of(task)
    found = np.asarray(jax.jit(task.log_posterior)(trials.spikes[:500]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
    assert (found.argmax(axis=1) == trials.target[:500]).mean() > 2 / task.n_classes


def test_silence_and_spikes_everywhere_give_a_finite_posterior(task):
    spikes = np.zeros((2, task.n_ticks, task.n_inputs), np.float32)
    spikes[1] = 1
    found = jax.jit(task.log_posterior)(spikes)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", [SoundLocalization, PatternTiming, PoissonDigits])
def test_times_that_make_no_sense_are_refused(kind):
    with pytest.raises(ValueError, match=r"dt_ms=0\.0: it must be above 0"):
        kind(dt_ms=0.0)
    with pytest.raises(ValueError, match=r"duration_ms=0\.5: it must hold a tick, of 1\.0 ms"):
        kind(duration_ms=0.5)
    with pytest.raises(ValueError, match=r"duration_ms='long': it must be a finite number"):
        kind(duration_ms="long")


@pytest.mark.parametrize("kind", [SoundLocalization, PoissonDigits])
def test_rates_that_cannot_be_are_refused(kind):
    with pytest.raises(ValueError, match=r"peak_rate_hz=0\.0: it must be above 0"):
        kind(peak_rate_hz=0.0)
    with pytest.raises(ValueError, match=r"peak_rate_hz=600\.0: .* 500 Hz at dt_ms=2\.0\. Lower"):
        kind(peak_rate_hz=600.0, dt_ms=2.0)


@pytest.mark.parametrize("kind", [SoundLocalization, PatternTiming])
def test_one_class_is_no_task(kind):
    with pytest.raises(ValueError, match="n_classes=1: it must be 2 or more"):
        kind(n_classes=1)
