import numpy as np
import pytest
from scipy import stats

from spikeloop.errors import InvalidInputError
from spikeloop.numerics.draws import (
    Distribution,
    Gamma,
    LogNormal,
    Normal,
    Uniform,
    values_of,
)

N = 200_000


def lognormal(mean, sd):
    variance = np.log(1 + sd**2 / mean**2)
    return stats.lognorm(np.sqrt(variance), scale=mean * np.exp(-variance / 2))


# What to draw from, its closed form in SciPy, its mean, its SD and its fourth central moment.
CASES = {
    "normal": (Normal(-3.0, 2.0), stats.norm(-3.0, 2.0), -3.0, 2.0),
    "lognormal": (LogNormal(0.5, 0.3), lognormal(0.5, 0.3), 0.5, 0.3),
    "gamma": (Gamma(2.0, 0.003), stats.gamma(2.0, scale=0.003), 0.006, 0.003 * 2**0.5),
    "gamma below 1": (Gamma(0.3, 2.0), stats.gamma(0.3, scale=2.0), 0.6, 2 * 0.3**0.5),
    "uniform": (Uniform(-1.0, 5.0), stats.uniform(-1.0, 6.0), 2.0, 6 / 12**0.5),
}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("case", CASES)
def test_moments_and_shape_are_those_of_the_closed_form(case):
    distribution, form, mean, sd = CASES[case]
    drawn = distribution.draw(rng(), N)
    assert drawn.shape == (N,)
    assert drawn.dtype == np.float32
    drawn = drawn.astype(float)
    assert abs(drawn.mean() - mean) < 5 * sd / np.sqrt(N)
    # The standard error of a variance follows from the fourth moment.
    kurtosis = float(form.stats("k")) + 3
    assert abs(drawn.var() - sd**2) < 5 * sd**2 * np.sqrt((kurtosis - 1) / N)
    assert stats.kstest(drawn[:20_000], form.cdf).pvalue > 1e-3


@pytest.mark.parametrize("case", CASES)
def test_the_same_generator_draws_the_same(case):
    distribution = CASES[case][0]
    assert isinstance(distribution, Distribution)
    np.testing.assert_array_equal(distribution.draw(rng(3), 9), distribution.draw(rng(3), 9))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, -1.0), r"Normal: sd=-1\.0: it must be 0 or more"),
        (lambda: Normal(np.nan, 1.0), "Normal: mean=nan: it must be a finite number"),
        (lambda: Normal("0", 1.0), "Normal: mean='0': it must be a finite number"),
        (lambda: LogNormal(0.0, 1.0), r"LogNormal: mean=0\.0: it must be above 0"),
        (lambda: LogNormal(1.0, -1.0), r"LogNormal: sd=-1\.0: it must be 0 or more"),
        (lambda: Gamma(0.0, 1.0), r"Gamma: shape=0\.0: it must be above 0"),
        (lambda: Gamma(1.0, -2.0), r"Gamma: scale=-2\.0: it must be above 0"),
        (lambda: Uniform(2.0, 1.0), r"Uniform: low=2\.0 lies above high=1\.0\. Swap them"),
        (lambda: Uniform(0.0, np.inf), "Uniform: high=inf: it must be a finite number"),
    ],
)
def test_impossible_distributions_are_refused(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()


def test_a_number_stays_one_number():
    for value in (2, 2.0, np.float64(2.0), np.int32(2), np.array(2.0)):
        values = values_of("weight", value, 5, rng())
        assert values.shape == ()
        assert values.dtype == np.float32
        assert values == 2.0


def test_an_array_is_copied():
    given = np.arange(3, dtype=np.float32)
    values = values_of("weight", given, 3, rng())
    values[:] = 7.0
    assert given.tolist() == [0.0, 1.0, 2.0]
    assert values_of("weight", [], 0, rng()).shape == (0,)


def test_a_distribution_is_drawn_from():
    values = values_of("weight", Normal(0.0, 1.0), 4, rng())
    np.testing.assert_array_equal(values, Normal(0.0, 1.0).draw(rng(), 4))


class Doubling:
    """A distribution of a user, which is wrong."""

    def draw(self, rng, size):
        return rng.random(2 * size)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0], r"weight has shape \(2,\): give one number, or 3"),
        ([[1.0, 2.0, 3.0]], r"weight has shape \(1, 3\): give one number, or 3"),
        (Doubling(), r"weight has shape \(6,\): give one number, or 3"),
        ([1.0, np.nan, 2.0], "weight holds nan at index 1: give finite numbers"),
        (np.inf, "weight holds inf at index 0"),
        (1e39, r"weight holds 1e\+39 at index 0: give finite numbers, of magnitudes up to 3e38"),
        ("strong", "weight='strong': give a number, an array of numbers or a distribution"),
        (["a", "b", "c"], r"weight=\['a', 'b', 'c'\]: give a number"),
        (None, "weight=None: give a number"),
        (Normal, "weight=<class .*Normal'>: give a number"),
        (True, "weight=True: give a number"),
        (1j, "weight=1j: give a number"),
        ({"mean": 1.0}, "give a number"),
        ([[1.0], [1.0, 2.0]], "give a number"),
    ],
)
def test_what_gives_no_numbers_is_refused(value, message):
    with pytest.raises(InvalidInputError, match=message):
        values_of("weight", value, 3, rng())
