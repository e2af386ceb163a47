import numpy as np
import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.numerics.binning import count_in_windows
from spikeloop.simulate import spikes_from_rates, trial_gains

N_TRIALS = 20_000
EDGES_S = np.arange(N_TRIALS + 1) * 0.25


def counts(rates_hz, shared, private, seed):
    gains = trial_gains(
        *rates_hz.shape, shared_variance=shared, private_variance=private, seed=seed
    )
    spikes = spikes_from_rates(rates_hz * gains, EDGES_S, np.arange(rates_hz.shape[1]), seed=seed)
    return count_in_windows(
        spikes.times_s, spikes.unit_index, spikes.n_units, EDGES_S[:-1], EDGES_S[1:]
    )


def test_poisson_counts_have_the_mean_and_a_fano_factor_of_one():
    mean = np.array([0.5, 4.0, 20.0])
    drawn = counts(np.tile(mean / 0.25, (N_TRIALS, 1)), 0.0, 0.0, seed=1)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5 * np.sqrt(20 / N_TRIALS))
    fano = drawn.var(axis=0, ddof=1) / drawn.mean(axis=0)
    np.testing.assert_allclose(fano, 1.0, atol=5 * np.sqrt(2 / N_TRIALS))


def test_gains_add_the_variance_and_the_covariance_of_the_formula():
    mean = np.array([2.0, 8.0])
    drawn = counts(np.tile(mean / 0.25, (N_TRIALS, 1)), 0.1, 0.2, seed=2)
    variance = mean + mean**2 * (1.1 * 1.2 - 1)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, rtol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0, ddof=1), variance, rtol=0.06)
    assert np.cov(drawn.T)[0, 1] == pytest.approx(0.1 * 2.0 * 8.0, abs=0.25)


def test_intervals_between_spikes_are_exponential():
    from scipy.stats import kstest

    spikes = spikes_from_rates(
        np.full((100, 1), 20.0), np.linspace(0, 200, 101), np.array([0]), seed=3
    )
    assert kstest(np.diff(spikes.times_s), "expon", args=(0, 1 / 20)).pvalue > 0.01


def test_spikes_stay_in_the_intervals_that_have_a_rate():
    rates_hz = np.array([[0.0], [200.0], [0.0], [50.0], [0.0]])
    spikes = spikes_from_rates(
        rates_hz, np.array([0.0, 1.0, 2.0, 5.0, 6.0, 7.0]), np.array([3]), seed=4
    )
    t = spikes.times_s
    assert np.all(((t >= 1) & (t < 2)) | ((t >= 5) & (t < 6)))
    assert spikes.epochs.duration_s == 7.0


def test_units_do_not_depend_on_how_many_there_are():
    rates_hz = np.random.default_rng(0).random((50, 4)) * 30
    edges_s = np.arange(51.0)
    few = spikes_from_rates(rates_hz[:, :2], edges_s, np.array([8, 9]), seed=5)
    many = spikes_from_rates(rates_hz, edges_s, np.array([8, 9, 1, 2]), seed=5)
    np.testing.assert_array_equal(few.of_unit(9), many.of_unit(9))
    variances = {"shared_variance": 0.1, "private_variance": 0.1}
    few_gains, many_gains = (trial_gains(7, n, **variances, seed=5) for n in (2, 4))
    np.testing.assert_array_equal(few_gains, many_gains[:, :2])


def test_the_same_seed_gives_the_same_spikes_and_another_does_not():
    rates_hz, edges_s = np.full((10, 2), 40.0), np.arange(11.0)
    first, again, other = (
        spikes_from_rates(rates_hz, edges_s, np.arange(2), seed=seed).times_s for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_silent_unit_is_kept():
    spikes = spikes_from_rates(
        np.array([[0.0, 30.0]]), np.array([0.0, 2.0]), np.array(["a", "b"]), seed=1
    )
    assert spikes.counts()[0] == 0
    assert spikes.n_units == 2


@pytest.mark.parametrize(
    ("rates_hz", "edges_s", "unit_ids", "message"),
    [
        (
            np.ones((2, 1)),
            [0.0, 1.0],
            [1],
            r"shape \(2, 1\): 2 edges_s and 1 unit_ids want \(1, 1\)",
        ),
        (np.ones((2, 1)), [0.0, 1.0, 1.0], [1], "edges_s is not ascending"),
        (np.array([[-1.0]]), [0.0, 1.0], [1], "rates_hz holds values below 0 or not finite"),
        (np.array([[np.nan]]), [0.0, 1.0], [1], "rates_hz holds values below 0 or not finite"),
        (np.ones((1, 2)), [0.0, 1.0], [1, 1], "unit_ids holds 1 ids more than once"),
    ],
)
def test_what_cannot_be_right_is_refused(rates_hz, edges_s, unit_ids, message):
    with pytest.raises(InvalidInputError, match=message):
        spikes_from_rates(rates_hz, np.array(edges_s), np.array(unit_ids), seed=1)


def test_a_negative_variance_is_refused():
    with pytest.raises(InvalidInputError, match=r"private_variance=-0\.1: a variance is 0 or more"):
        trial_gains(2, 2, shared_variance=0.0, private_variance=-0.1, seed=1)
