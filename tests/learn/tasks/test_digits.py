from functools import partial

import jax
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import binom, chi2, chisquare
from sklearn.datasets import load_digits

from spikeloop.learn.tasks.digits import PoissonDigits, images_of

draw = partial(jax.jit, static_argnums=(0, 2))(lambda task, key, n_trials: task.draw(key, n_trials))
observe = partial(jax.jit, static_argnums=0)(PoissonDigits.log_posterior)
PIXELS, DIGITS = load_digits(return_X_y=True)
RATES_HZ = 5 + 45 * PIXELS / 16
"""Of the default task."""


def trials_of(task, n_trials, seed=0):
    return jax.tree.map(np.asarray, draw(task, jax.random.key(seed), n_trials))


def places_of(part, test_share=0.2, split_seed=0):
    """Return where the images of a part stand in the file, and require their digits."""
    place = {row.tobytes(): index for index, row in enumerate(PIXELS)}
    assert len(place) == len(PIXELS)
    pixels, digits = images_of(part, test_share, split_seed)
    found = np.array([place[row.tobytes()] for row in 16.0 * pixels.astype(float)])
    np.testing.assert_array_equal(DIGITS[found], digits)
    return found


@pytest.mark.parametrize("test_share", [0.2, 0.5])
def test_parts_share_no_image_and_leave_none_out(test_share):
    train, test = (places_of(part, test_share) for part in ("train", "test"))
    assert len(test) == round(test_share * len(PIXELS))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(PIXELS)))


def test_split_belongs_to_its_seed():
    one, other = (places_of("test", split_seed=seed) for seed in (0, 1))
    assert len(np.intersect1d(one, other)) < len(one) / 2
    np.testing.assert_array_equal(one, places_of("test"))


@pytest.mark.parametrize("part", ["train", "test"])
def test_long_trials_show_images_of_their_part_with_their_digits(part):
    task = PoissonDigits(part=part, duration_ms=20_000.0)
    trials = trials_of(task, 12)
    mean_hz = trials.spikes.mean(axis=1) * 1000
    nearest = ((mean_hz[:, None] - RATES_HZ) ** 2).sum(axis=2).argmin(axis=1)
    assert np.isin(nearest, places_of(part)).all()
    assert len(np.unique(nearest)) > 8
    np.testing.assert_array_equal(trials.target, DIGITS[nearest])
    # 20 s of spikes tell each rate up to chance: the sum of squared errors is that of chance.
    p = RATES_HZ[nearest] / 1000
    z = (trials.spikes.mean(axis=1) - p) / np.sqrt(p * (1 - p) / task.n_ticks)
    assert 1e-4 < chi2(z.size).cdf((z**2).sum()) < 1 - 1e-4


def test_spikes_of_a_trial_are_as_frequent_early_as_late():
    spikes = trials_of(PoissonDigits(), 4000).spikes
    by_tick = spikes.sum(axis=(0, 2))
    expected = by_tick.mean()
    assert 1e-4 < chi2(99).cdf(((by_tick - expected) ** 2 / expected).sum()) < 1 - 1e-4


def test_images_are_drawn_alike():
    settings = {"part": "test", "test_share": 0.05}
    task = PoissonDigits(peak_rate_hz=1000.0, duration_ms=200.0, **settings)
    share = trials_of(task, 2000).spikes.mean(axis=1)
    images = PIXELS[places_of(**settings)] / 16
    nearest = ((share[:, None] - images) ** 2).sum(axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(images))
    assert len(images) == 90
    assert chisquare(counts).pvalue > 1e-3


def test_black_is_silent_without_a_base_rate_and_white_fires_in_each_tick_at_most():
    task = PoissonDigits(base_rate_hz=0.0, peak_rate_hz=1000.0)
    trials = trials_of(task, 100)
    share = trials.spikes.mean(axis=1)
    images = PIXELS[places_of("train")] / 16
    for row in share:
        shown = images[((images - row) ** 2).sum(axis=1).argmin()]
        assert (row[shown == 0] == 0).all()
        assert (row[shown == 1] == 1).all()


@pytest.mark.parametrize("part", ["train", "test"])
def test_observer_is_bayes_rule_spelled_out(part):
    task = PoissonDigits(part=part, peak_rate_hz=40.0, base_rate_hz=3.0, duration_ms=60.0)
    trials = trials_of(task, 15)
    found = observe(task, trials.spikes)
    stored = places_of("train")
    p = (3 + 37 * PIXELS[stored] / 16) / 1000
    for trial, spikes in enumerate(trials.spikes):
        likely = binom.logpmf(spikes.sum(axis=0), 60, p).sum(axis=1)
        by_digit = np.array([logsumexp(likely[DIGITS[stored] == digit]) for digit in range(10)])
        wanted = by_digit - logsumexp(by_digit)
        np.testing.assert_allclose(found[trial], wanted, atol=2e-3)


def test_observer_is_right_as_often_as_it_says_where_it_knows_the_images():
    task = PoissonDigits(peak_rate_hz=25.0)
    trials = trials_of(task, 5000, seed=1)
    posterior = np.exp(observe(task, trials.spikes))
    right = posterior.argmax(axis=1) == trials.target
    claimed = posterior.max(axis=1)
    error = np.sqrt((claimed * (1 - claimed)).sum()) / len(claimed)
    assert 0.6 < right.mean() < 0.95
    assert abs(right.mean() - claimed.mean()) < 3.5 * error


def test_images_that_were_never_seen_are_harder():
    scores = []
    for part in ("train", "test"):
        task = PoissonDigits(part=part)
        trials = trials_of(task, 3000)
        scores.append((observe(task, trials.spikes).argmax(axis=1) == trials.target).mean())
    assert scores[0] > 0.985
    assert 0.93 < scores[1] < 0.965


def test_images_cannot_be_written_over():
    for array in images_of("train", 0.2, 0):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_rate_hz": -1.0}, r"base_rate_hz=-1\.0: it must be 0 or more"),
        ({"base_rate_hz": 50.0}, r"base_rate_hz=50\.0: .* below peak_rate_hz=50\.0"),
        ({"test_share": 0.0}, r"test_share=0\.0: it must lie within 0\.01 and 0\.9"),
        ({"test_share": 1.0}, r"test_share=1\.0: it must lie within"),
        ({"part": "validation"}, "part='validation': it must be one of 'train', 'test'"),
        ({"split_seed": -1}, "seed=-1: it must be a whole number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PoissonDigits(**settings)
