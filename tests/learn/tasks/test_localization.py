from functools import partial

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chi2, kstest

from spikeloop.learn.tasks.localization import SoundLocalization


@partial(jax.jit, static_argnums=(0, 2))
def draw(task, key, n_trials, data_set=None):
    return task.draw(key, n_trials, data_set)


observe = partial(jax.jit, static_argnums=0)(SoundLocalization.log_posterior)
OTHER = SoundLocalization(
    n_fibres=6,
    largest_lag_deg=60.0,
    frequency_hz=40.0,
    peak_rate_hz=900.0,
    envelope_power=3.0,
    duration_ms=50.0,
    dt_ms=0.5,
    n_classes=5,
    largest_ipd_deg=120.0,
    phase="per_dataset",
)


def trials_of(task, n_trials, seed=0, data_set=None):
    return jax.tree.map(np.asarray, draw(task, jax.random.key(seed), n_trials, data_set))


def angles_of(task):
    """Return the angle of the left ear at phase 0: (time, fibre)."""
    seconds = np.arange(task.n_ticks) * task.dt_ms / 1000
    lags = np.deg2rad(task.largest_lag_deg) * np.arange(task.n_fibres) / (task.n_fibres - 1)
    return 2 * np.pi * task.frequency_hz * seconds[:, None] + lags


def chance_of(task, angle):
    """Return how likely a spike is in a tick."""
    raised = (0.5 * (1 + np.sin(angle))) ** task.envelope_power
    return task.peak_rate_hz * task.dt_ms / 1000 * raised


def phases_of(task, spikes):
    """Return the phase of the left ear in each trial, where a trial holds whole cycles.

    Spikes times exp(-i angle) leave nothing of the rate but its first harmonic, at the phase.
    """
    turned = np.exp(-1j * angles_of(task))
    return np.angle(1j * np.einsum("ntf,tf->n", spikes[..., : task.n_fibres], turned))


def phase_of(task, spikes):
    """Return the phase that all trials share."""
    return phases_of(task, spikes.mean(axis=0, keepdims=True, dtype=float))[0]


def apart(phases, others):
    """Return by how much phases differ."""
    return np.abs((phases - others + np.pi) % (2 * np.pi) - np.pi)


def too_far(z):
    """Return whether numbers are no draw from a standard normal distribution, by their squares."""
    return not 1e-4 < chi2(z.size).cdf((z**2).sum()) < 1 - 1e-4


def test_rate_is_the_closed_form_of_the_default():
    spikes = trials_of(SoundLocalization(), 400).spikes
    # 600 Hz times the mean of ((1 + sin) / 2)^2, which is 3 / 8, in ticks of 1 ms.
    error = np.sqrt(0.225 * 0.775 / spikes.size)
    assert abs(spikes.mean(dtype=float) - 0.225) < 4 * error
    by_ear = spikes.reshape(-1, 2, 100).mean(axis=(0, 2), dtype=float)
    np.testing.assert_allclose(by_ear, 0.225, atol=6 * error)


def test_phase_of_a_trial_is_its_own():
    task = SoundLocalization(n_fibres=2, largest_lag_deg=0.0, dt_ms=5.0, peak_rate_hz=200.0)
    trials = trials_of(task, 20_000)
    # At every tick all phases occur: averaged over trials, the tone cannot be heard.
    z = (trials.spikes.mean(axis=0) - 0.375) / np.sqrt(0.375 * 0.625 / 20_000)
    assert np.abs(z.mean(axis=1)).max() < 4.5


def test_each_fibre_fires_in_each_tick_as_often_as_the_formula_says():
    trials = trials_of(OTHER, 8000)
    angle = angles_of(OTHER) + phase_of(OTHER, trials.spikes)
    p = np.repeat(chance_of(OTHER, angle)[None], 8000, axis=0)
    p_right = chance_of(OTHER, angle + np.deg2rad(trials.value)[:, None, None])
    p = np.concatenate([p, p_right], axis=2)
    variance = (p * (1 - p)).sum(axis=0)
    z = ((trials.spikes - p).sum(axis=0) / np.sqrt(np.maximum(variance, 1e-12)))[variance > 5]
    assert z.size > 900
    assert not too_far(z)
    # The same test tells where the second ear is off by 2 degrees.
    wrong = chance_of(OTHER, angle + np.deg2rad(trials.value + 2)[:, None, None])
    z = (trials.spikes[..., 6:] - wrong).sum(axis=0) / np.sqrt((wrong * (1 - wrong)).sum(axis=0))
    assert too_far(z)


def test_trials_of_a_data_set_share_a_phase_and_other_data_sets_have_others():
    first, second, third = jax.random.split(jax.random.key(3), 3)
    phases = [
        phase_of(OTHER, trials_of(OTHER, 500, seed, data_set).spikes)
        for seed, data_set in [(0, first), (1, first), (2, second), (3, second), (4, third)]
    ]
    far = apart(np.array(phases)[:, None], phases)
    data_set = np.array([0, 0, 1, 1, 2])
    same = data_set == data_set[:, None]
    assert far[same].max() < np.deg2rad(2)
    assert far[~same].min() > np.deg2rad(10)


def test_every_trial_of_a_data_set_has_the_shared_phase():
    task = SoundLocalization(phase="per_dataset")
    spikes = trials_of(task, 50).spikes
    # One trial tells its phase to about 2 degrees.
    far = apart(phases_of(task, spikes), phase_of(task, spikes))
    assert far.max() < np.deg2rad(7)
    assert np.sqrt((far**2).mean()) < np.deg2rad(2.5)


def test_phases_of_data_sets_are_uniform():
    task = SoundLocalization(n_fibres=2, peak_rate_hz=1000.0, phase="per_dataset")
    keys = jax.random.split(jax.random.key(8), 1000)
    spikes = np.asarray(jax.jit(jax.vmap(lambda key: task.draw(key, 2).spikes))(keys))
    phases = phases_of(task, spikes.mean(axis=1))
    assert kstest(phases / (2 * np.pi) % 1, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("task", [SoundLocalization(n_fibres=2), OTHER])
def test_targets_are_the_parts_in_which_the_values_lie(task):
    trials = trials_of(task, 20_000)
    widest, n = task.largest_ipd_deg, task.n_classes
    assert kstest((trials.value + widest) / (2 * widest), "uniform").pvalue > 1e-3
    edges = np.linspace(-widest, widest, n + 1)
    off = np.maximum(edges[trials.target] - trials.value, trials.value - edges[trials.target + 1])
    assert off.max() < 1e-4
    np.testing.assert_allclose(task.class_values(), edges[:-1] + widest / n)


def test_default_classes_are_15_degrees_wide():
    wanted = [-82.5, -67.5, -52.5, -37.5, -22.5, -7.5, 7.5, 22.5, 37.5, 52.5, 67.5, 82.5]
    np.testing.assert_allclose(SoundLocalization().class_values(), wanted)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_classes": 3},
        {"n_classes": 2, "largest_ipd_deg": 180.0, "envelope_power": 1.0},
        {"n_classes": 4, "largest_ipd_deg": 60.0, "largest_lag_deg": 40.0, "frequency_hz": 55.0},
    ],
)
def test_observer_is_bayes_rule_spelled_out(settings):
    task = SoundLocalization(n_fibres=3, duration_ms=24.0, **settings)
    trials = trials_of(task, 12)
    heard, n_phases, n_ipds = trials.spikes.astype(float), 120, 90
    widest = np.deg2rad(task.largest_ipd_deg)
    ipds = widest * ((2 * np.arange(task.n_classes * n_ipds) + 1) / (task.n_classes * n_ipds) - 1)
    phases = 2 * np.pi * np.arange(n_phases) / n_phases

    def log_likelihood(spikes, angle):
        p = np.clip(chance_of(task, angle), 1e-12, None)
        return np.einsum("ntf,ptf->np", spikes, np.log(p / (1 - p))) + np.log1p(-p).sum((1, 2))

    angles = angles_of(task) + phases[:, None, None]
    left = log_likelihood(heard[..., :3], angles)
    by_ipd = [
        logsumexp(left + log_likelihood(heard[..., 3:], angles + ipd), axis=1) for ipd in ipds
    ]
    by_class = logsumexp(np.reshape(by_ipd, (task.n_classes, n_ipds, -1)), axis=1).T
    wanted = by_class - logsumexp(by_class, axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(observe(task, trials.spikes)), np.exp(wanted), atol=2e-4)


def score(task, n_trials):
    """Return how often the observer is right, how often it says so, and how far off it is."""
    right, claimed, off_deg = [], [], []
    for seed in range(n_trials // 500):
        trials = trials_of(task, 500, seed)
        posterior = np.exp(observe(task, trials.spikes))
        chosen = posterior.argmax(axis=1)
        right.append((chosen == trials.target).mean())
        claimed.append(posterior.max(axis=1).mean())
        off_deg.append(np.abs(task.class_values()[chosen] - trials.value).mean())
    return np.mean(right), np.mean(claimed), np.mean(off_deg)


def test_observer_tells_most_of_the_12_classes():
    right, claimed, off_deg = score(SoundLocalization(), 1000)
    assert right == pytest.approx(0.937, abs=0.03)
    assert claimed == pytest.approx(0.937, abs=0.02)
    assert off_deg == pytest.approx(3.85, abs=0.2)


@pytest.mark.slow
def test_observer_tells_937_of_1000_trials_and_knows_it():
    right, claimed, off_deg = score(SoundLocalization(), 12_000)
    assert right == pytest.approx(0.937, abs=0.005)
    assert claimed == pytest.approx(right, abs=0.006)
    assert off_deg == pytest.approx(3.85, abs=0.05)


def test_observer_is_right_as_often_as_it_says_where_much_is_unsure():
    task = SoundLocalization(n_fibres=4, duration_ms=50.0, n_classes=6)
    right, claimed, _ = score(task, 10_000)
    assert 0.25 < right < 0.9
    assert right == pytest.approx(claimed, abs=3.5 * np.sqrt(0.25 / 10_000))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_fibres": 1}, "n_fibres=1: it must be 2 or more"),
        ({"frequency_hz": 0.0}, r"frequency_hz=0\.0: it must be above 0"),
        ({"envelope_power": -1.0}, r"envelope_power=-1\.0: it must be above 0"),
        ({"largest_ipd_deg": 0.0}, r"largest_ipd_deg=0\.0: it must be above 0 and at most 180"),
        ({"largest_ipd_deg": 181.0}, r"largest_ipd_deg=181\.0: it must be above 0 and at most 180"),
        ({"phase": "none"}, "phase='none': it must be one of 'per_trial', 'per_dataset'"),
        ({"n_fibres": 2.5}, r"n_fibres=2\.5: it must be a whole number"),
        ({"largest_lag_deg": float("nan")}, "largest_lag_deg=nan: it must be a finite number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        SoundLocalization(**settings)
