"""The convex solver against other solvers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

from spikeloop.encode.temporal.poisson_regression import mean_loss, poisson_regression


def design_and_counts():
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((500, 4)).astype(np.float32)
    design = np.concatenate([np.ones((500, 1), np.float32), columns], axis=1)
    return design, rng.poisson(np.exp(design @ [-1.0, 0.8, -0.5, 0.0, 0.3])).astype(float)


def test_it_agrees_with_scikit_learn():
    design, counts = design_and_counts()
    penalty = np.diag([0.0, 0.1, 0.1, 0.1, 0.1])
    weights = poisson_regression(design, counts, penalty, start=np.zeros(5), tolerance=1e-14)
    other = PoissonRegressor(alpha=0.1, tol=1e-10, max_iter=1000).fit(design[:, 1:], counts)
    np.testing.assert_allclose(weights, [other.intercept_, *other.coef_], atol=1e-5)


@pytest.mark.parametrize("link", ["exp", "softplus"])
def test_the_gradient_vanishes_at_the_solution(link):
    design, counts = design_and_counts()
    penalty = np.diag([0.0, *np.full(4, 1e-3)])
    weights = poisson_regression(design, counts, penalty, start=np.zeros(5), link=link)

    def cost(weights):
        drive = design @ weights
        expected = jnp.exp(drive) if link == "exp" else jax.nn.softplus(drive)
        return jnp.mean(expected - counts * jnp.log(expected)) + weights @ penalty @ weights / 2

    slope = jax.grad(cost)(jnp.asarray(weights, jnp.float32))
    np.testing.assert_allclose(slope, 0, atol=2e-5)
    assert np.abs(jax.grad(cost)(jnp.zeros(5))).max() > 0.1


def test_the_answer_does_not_depend_on_the_start():
    design, counts = design_and_counts()
    starts = np.random.default_rng(1).standard_normal((3, 5)) * 3
    answers = [
        poisson_regression(design, counts, 1e-6 * np.eye(5), start=start, link="softplus")
        for start in starts
    ]
    np.testing.assert_allclose(answers[1:], [answers[0]] * 2, atol=1e-4)


def test_a_column_that_no_spike_ever_shared_stays_finite():
    fired = np.array([0.0, 1.0] * 50)
    design = np.stack([np.ones(100), 1 - fired], axis=1).astype(np.float32)
    weights = poisson_regression(design, fired, 1e-4 * np.eye(2), start=np.zeros(2))
    assert np.isfinite(weights).all()
    assert weights[1] < -3


def test_loss_is_of_far_negative_drives_too():
    design = np.array([[-80.0]], np.float32)
    # Softplus of -80 is exp(-80): its logarithm is -80.
    assert mean_loss(design, np.array([1.0]), np.array([1.0]), "softplus") == pytest.approx(80.0)
