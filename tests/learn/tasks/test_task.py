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
    SoundLocalization(n_fibres=20),
    SoundLocalization(n_fibres=5, n_classes=3, duration_ms=30.0, phase="per_dataset"),
    PatternTiming(),
    PatternTiming(n_inputs=7, n_classes=5, n_spikes=3, jitter_ms=1.0, duration_ms=30.0, dt_ms=0.5),
    PoissonDigits(),
    PoissonDigits(part="test", duration_ms=30.0),
]
FROM = jax.random.key(0)


@partial(jax.jit, static_argnums=(0, 1))
def draw(task, n_trials, key, data_set=None):
    return task.draw(key, n_trials, data_set)


@pytest.fixture(params=TASKS, ids=lambda task: f"{type(task).__name__}-{task.n_ticks}")
def task(request):
    return request.param


def test_every_task_keeps_the_protocol(task):
    assert isinstance(task, Task)
    assert isinstance(task.value_unit, str)
    trials = draw(task, 40, FROM)
    assert trials.spikes.shape == (40, task.n_ticks, task.n_inputs)
    assert trials.spikes.dtype == np.float32
    assert set(np.unique(trials.spikes)) == {0, 1}
    assert trials.target.shape == trials.value.shape == (40,)
    assert task.class_values().shape == (task.n_classes,)


def test_every_class_is_as_likely_as_another_and_is_that_of_the_value(task):
    trials = draw(task, 6000, FROM)
    counts = np.bincount(trials.target, minlength=task.n_classes)
    assert len(counts) == task.n_classes
    # Digits are not quite as common as each other.
    share = 1 / task.n_classes
    tolerance = 0.03 if isinstance(task, PoissonDigits) else 5 * np.sqrt(share / 6000)
    np.testing.assert_allclose(counts / 6000, share, atol=tolerance)
    nearest = np.abs(np.asarray(trials.value)[:, None] - task.class_values()).argmin(axis=1)
    np.testing.assert_array_equal(nearest, trials.target)


def test_same_keys_give_same_trials_compiled_or_not(task):
    plain, compiled = task.draw(FROM, 8), draw(task, 8, FROM)
    # Sines differ in their last digits, which may turn a spike in a million.
    assert np.mean(np.asarray(plain.spikes) != compiled.spikes) < 1e-4
    np.testing.assert_array_equal(plain.target, compiled.target)
    np.testing.assert_array_equal(compiled.spikes, draw(task, 8, FROM).spikes)


def test_other_keys_give_other_trials(task):
    one, other = (draw(task, 200, jax.random.key(seed)) for seed in (0, 1))
    assert (np.asarray(one.target) != other.target).any()
    assert (np.asarray(one.spikes) != other.spikes).any(axis=(1, 2)).all()
    spikes = np.asarray(one.spikes)
    assert len(np.unique(spikes.reshape(200, -1), axis=0)) == 200


def test_only_a_shared_phase_depends_on_the_data_set(task):
    plain, within = draw(task, 20, FROM), draw(task, 20, FROM, jax.random.key(5))
    differs = (np.asarray(plain.spikes) != within.spikes).any()
    assert differs == (getattr(task, "phase", "") == "per_dataset")


def test_equal_tasks_are_compiled_once(task):
    kind, settings = type(task), vars(task)
    assert hash(kind(**settings)) == hash(task)
    draw(task, 8, FROM)
    n_compiled = draw._cache_size()
    draw(kind(**settings), 8, FROM)
    assert draw._cache_size() == n_compiled


def test_posterior_is_a_distribution_and_better_than_chance(task):
    trials = draw(task, 300, FROM)
    found = np.asarray(jax.jit(task.log_posterior)(trials.spikes))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, atol=1e-5)
    share = 1 / task.n_classes
    error = np.sqrt(share * (1 - share) / 300)
    assert (found.argmax(axis=1) == trials.target).mean() > share + 4 * error


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
