import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import laplace
from scipy.stats import nbinom, poisson

from spikeloop.encode.network.epochs import _mean_surprise
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.network.objective import Penalties, roughness, surprise
from spikeloop.errors import InvalidInputError

EXPECTED = jnp.array([[0.5, 2.0], [3.0, 7.0]])
COUNTS = np.array([[0, 3], [2, 9]])


def test_differences_of_poisson_surprise_are_those_of_the_likelihood():
    found = np.asarray(surprise("poisson", {}, EXPECTED, COUNTS))
    wanted = -poisson.logpmf(COUNTS, EXPECTED) - _factorial(COUNTS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_differences_of_negative_binomial_surprise_are_those_of_the_likelihood():
    r = np.array([0.7, 5.0])
    parameters = {"log_dispersion": jnp.log(r)}
    found = np.asarray(surprise("negative_binomial", parameters, EXPECTED, COUNTS))
    wanted = -nbinom.logpmf(COUNTS, r, r / (r + EXPECTED)) - _factorial(COUNTS)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def _factorial(counts):
    from scipy.special import gammaln

    return gammaln(counts + 1.0)


def test_gaussian_surprise_is_in_units_of_the_variance():
    parameters = {"variance": jnp.array([2.0, 8.0])}
    found = surprise("gaussian", parameters, EXPECTED, COUNTS)
    assert np.asarray(found)[:, 1].tolist() == [1 / 16, 4 / 16]


def test_silence_expected_is_surprised_by_a_spike_but_not_without_limit():
    found = surprise("poisson", {}, jnp.zeros((1, 2)), jnp.array([[0.0, 1.0]]))
    assert float(found[0, 0]) == pytest.approx(0, abs=1e-5)
    assert np.isfinite(found).all()


def test_roughness_is_the_mean_square_of_the_laplacian():
    kernel = np.random.default_rng(0).normal(size=(5, 4, 1, 3)).astype(np.float32)
    wanted = [laplace(kernel[..., 0, out], mode="constant") ** 2 for out in range(3)]
    assert float(roughness(kernel)) == pytest.approx(np.mean(wanted) / 2, rel=1e-5)


def test_core_pays_for_rough_first_kernels_and_for_groups_of_later_ones():
    first, later = jnp.ones((1, 1, 1, 2)), jnp.stack([jnp.zeros((3, 3, 2)), jnp.ones((3, 3, 2))], 3)
    parameters = {"core.0.kernel": first, "core.1.kernel": later, "core.1.shift": jnp.ones(9)}
    assert float(Penalties(smoothness=0.1).of_core(parameters)) == pytest.approx(0.8)
    assert float(Penalties(group=0.1).of_core(parameters)) == pytest.approx(0.1 * 3 / 2, rel=1e-5)
    assert float(Penalties().of_core(parameters)) == 0


def test_readout_pays_for_magnitudes_each_unit_at_its_own_price():
    magnitudes, log_factor = jnp.array([2.0, 4.0]), jnp.log(jnp.array([1.0, 3.0]))
    assert float(Penalties(sparsity=0.5).of_readout(magnitudes, log_factor)) == 3
    adaptive = Penalties(sparsity=0.5, adaptive_spread=0.2).of_readout(magnitudes, log_factor)
    assert float(adaptive) == pytest.approx(0.5 * (2 + 12) + np.log(3) ** 2 / (2 * 0.04), rel=1e-5)


def test_negative_penalty():
    with pytest.raises(InvalidInputError, match="group=-1: a penalty must be 0 or more"):
        Penalties(group=-1)


def test_dispersion_is_of_counts_and_not_of_their_share_of_the_mean():
    """At the true means, the derivative by the true dispersion is zero but for chance."""
    rng = np.random.default_rng(0)
    mean, dispersion, n = np.array([0.3, 3.0, 30.0]), 2.0, 40_000
    counts = nbinom.rvs(dispersion, dispersion / (dispersion + mean), size=(n, 3), random_state=rng)
    model = ConvolutionalNetwork(loss="negative_binomial")

    def loss(log_dispersion):
        part = {"output.scale": jnp.asarray(mean), "output.log_dispersion": log_dispersion}
        return _mean_surprise(model, part, jnp.ones((n, 3)), counts / mean, jnp.ones(n))

    slopes = [jax.grad(loss)(jnp.full(3, jnp.log(dispersion * times))) for times in (0.5, 1, 2)]
    assert (np.minimum(-slopes[0], slopes[2]) > 5 * np.abs(slopes[1])).all()
