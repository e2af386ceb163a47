import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import bernoulli, chisquare, kstest

from spikeloop.learn.spike_draws import draw_spikes, quick_uniform, spike_logits

N = 200_000


def uniform(key, n=N):
    return np.asarray(quick_uniform(key, (n,)), np.float64)


def p_of_pairs(one, other, n_bins=16):
    """Return how likely pairs of independent uniform numbers fall so unevenly into squares."""
    square = (one * n_bins).astype(int) * n_bins + (other * n_bins).astype(int)
    return chisquare(np.bincount(square, minlength=n_bins**2)).pvalue


def test_numbers_are_uniform_for_every_key():
    p = [
        chisquare(np.bincount((uniform(jax.random.key(seed)) * 500).astype(int), minlength=500))
        for seed in range(40)
    ]
    assert kstest([each.pvalue for each in p], "uniform").pvalue > 0.01
    assert min(each.pvalue for each in p) > 1e-4


def test_last_bits_are_uniform_too():
    p = []
    for seed in range(20):
        whole = uniform(jax.random.key(seed)) * 2**24
        assert (whole == np.trunc(whole)).all()
        assert (whole >= 0).all()
        assert (whole < 2**24).all()
        p.append(chisquare(np.bincount(whole.astype(int) % 256, minlength=256)).pvalue)
    assert kstest(p, "uniform").pvalue > 0.01


def test_mean_and_variance_are_those_of_a_uniform_distribution():
    numbers = uniform(jax.random.key(7), 4_000_000)
    error = np.sqrt(len(numbers))
    assert abs(numbers.mean() - 1 / 2) < 4 * np.sqrt(1 / 12) / error
    assert abs(numbers.var() - 1 / 12) < 4 * np.sqrt(1 / 180) / error


@pytest.mark.parametrize("lag", [1, 2, 3, 64, 200, 256, 6400, 20_000, 65_536])
def test_a_number_tells_nothing_about_a_later_one(lag):
    p = []
    for seed in range(10):
        numbers = uniform(jax.random.key(seed))
        p.append(p_of_pairs(numbers[:-lag], numbers[lag:]))
        correlation = np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]
        assert abs(correlation) < 5 / np.sqrt(N - lag)
    assert kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "related",
    [
        lambda seed: (jax.random.key(seed), jax.random.key(seed + 1)),
        lambda seed: tuple(jax.random.split(jax.random.key(seed))),
        lambda seed: tuple(jax.random.fold_in(jax.random.key(0), seed + i) for i in (0, 1)),
        lambda seed: (jax.random.key(seed), jax.random.key(seed + 2**16)),
        lambda seed: (jax.random.key(seed), jax.random.key(seed ^ 2**31)),
    ],
    ids=["next seed", "split", "fold_in", "far seed", "highest bit"],
)
def test_numbers_of_one_key_tell_nothing_about_those_of_another(related):
    p = [p_of_pairs(*(uniform(key) for key in related(seed))) for seed in range(20)]
    assert kstest(p, "uniform").pvalue > 1e-3
    assert min(p) > 1e-4


def test_numbers_at_one_place_are_uniform_over_keys():
    draw = jax.jit(jax.vmap(lambda key: quick_uniform(key, (5, 4))))
    in_a_row = jax.vmap(jax.random.key)(jnp.arange(50_000))
    for keys in (in_a_row, jax.random.split(jax.random.key(1), 50_000)):
        numbers = np.asarray(draw(keys), np.float64).reshape(len(keys), -1)
        p = [kstest(column, "uniform").pvalue for column in numbers.T]
        assert kstest(p, "uniform").pvalue > 1e-3
        assert p_of_pairs(numbers[:-1, 0], numbers[1:, 0]) > 1e-3


def test_other_shapes_hold_the_same_numbers():
    key = jax.random.key(3)
    np.testing.assert_array_equal(
        quick_uniform(key, (4, 5, 6)), quick_uniform(key, (120,)).reshape(4, 5, 6)
    )
    assert quick_uniform(key, (0, 3)).shape == (0, 3)


def test_numbers_are_the_same_in_compiled_code_and_for_many_keys_at_once():
    keys = jax.random.split(jax.random.key(4), 6)
    alone = np.stack([quick_uniform(key, (7, 9)) for key in keys])
    together = jax.vmap(lambda key: quick_uniform(key, (7, 9)))(keys)
    compiled = jax.jit(jax.vmap(lambda key: quick_uniform(key, (7, 9))))(keys)
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(alone, compiled)
    assert len(np.unique(alone[:, 0, 0])) == 6


@pytest.mark.parametrize("probability", [1e-4, 0.1, 0.5, 0.9])
def test_spikes_come_as_often_as_wanted(probability):
    n = 4_000_000
    spikes = np.asarray(draw_spikes(jax.random.key(5), jnp.full(n, probability)), np.float64)
    error = np.sqrt(probability * (1 - probability) / n)
    assert set(np.unique(spikes)) == {0, 1}
    assert abs(spikes.mean() - probability) < 4 * error


def test_what_is_certain_is_certain():
    n = 2_000_000
    key = jax.random.key(51)
    assert uniform(key, n).min() == 0, "the test wants a key that draws a zero"
    assert np.asarray(draw_spikes(key, jnp.zeros(n))).max() == 0
    assert np.asarray(draw_spikes(key, jnp.ones(n))).min() == 1


def test_spikes_are_weighed_by_the_bernoulli_distribution():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.001, 0.999, 300)
    spikes = rng.integers(0, 2, 300)
    odds, silence = spike_logits(jnp.asarray(probability, jnp.float32))
    found = float(spikes @ odds + silence.sum())
    wanted = bernoulli.logpmf(spikes, probability).sum()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_weights_of_what_is_certain_are_finite():
    odds, silence = spike_logits(jnp.array([0.0, 1.0]))
    assert np.isfinite(odds).all()
    assert np.isfinite(silence).all()
    assert silence[0] == pytest.approx(0, abs=1e-6)
    assert odds[1] + silence[1] == pytest.approx(0, abs=1e-5)
