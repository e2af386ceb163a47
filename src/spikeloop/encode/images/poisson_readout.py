"""Poisson regression of many units on the same features, each with the penalty that suits it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import optax

from spikeloop.data.checks import require
from spikeloop.evaluate import poisson_deviance_explained

if TYPE_CHECKING:
    from jaxtyping import Array, Float

STRENGTHS = (0.25, 1.0, 4.0, 16.0)
"""Penalties to try, in units of that which ridge regression chose."""
N_STEPS = 150
"""Steps of L-BFGS."""
LOWEST = -12.0
"""Below this the logarithm of a softplus is, in single precision, its argument."""


def expected(drive: Float[Array, "image unit"], level: Float[Array, " unit"]) -> Array:
    """Return the expected counts: a softplus that is about linear above a unit's mean count."""
    return level * jax.nn.softplus(drive / level)


def poisson_regression(
    features: Float[np.ndarray, "image feature"],
    means: Float[np.ndarray, "image unit"],
    n_trials: Float[np.ndarray, " image"],
    penalty: Float[np.ndarray, "feature unit"],
    n_validation: int,
) -> dict[str, np.ndarray]:
    r"""Return the most probable weights under a Gaussian prior, with counts that are Poisson.

    Minimizes, for each unit,
    :math:`\sum_i n_i (\mu_i - \bar y_i \ln \mu_i) + \sum_j \lambda_j w_j^2 / 2` with
    :math:`\mu = m \, \mathrm{softplus}((b + w \cdot x) / m)` and the mean count m. It is
    convex. The penalty is chosen among multiples of that given, by the deviance of the last
    `n_validation` images, and the regression done again on all.

    Parameters
    ----------
    features
        Of each image, centred.
    means, n_trials
        Mean counts, and over how many trials.
    penalty
        What to start from, for each weight: the inverse of its prior variance; infinite where a
        weight must be zero.
    n_validation
        How many images, the last, choose the penalty; 0: the penalty given is taken.

    Raises
    ------
    InvalidInputError
        A mean count is negative.
    """
    require(
        bool(means.min() >= 0),
        f"responses reach down to {means.min():.3g}: no Poisson count is negative. Use a model "
        "without a Poisson likelihood.",
    )
    level = np.maximum(np.average(means, axis=0, weights=n_trials), 1e-3)
    strength = np.ones(means.shape[1])
    if n_validation:
        kept = slice(None, -n_validation)
        held = slice(-n_validation, None)
        scores = []
        for times in STRENGTHS:
            found = _minimum(features[kept], means[kept], n_trials[kept], level, times * penalty)
            predicted = expected(features[held] @ found["weights"] + found["intercept"], level)
            scores.append(poisson_deviance_explained(means[held], np.asarray(predicted), level))
        best = np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=0)
        strength = np.asarray(STRENGTHS)[best]
    found = _minimum(features, means, n_trials, level, strength * penalty)
    return {**found, "level": level, "penalty": strength * penalty}


def _minimum(
    features: np.ndarray,
    means: np.ndarray,
    n_trials: np.ndarray,
    level: np.ndarray,
    penalty: np.ndarray,
) -> dict[str, np.ndarray]:
    single = (
        jnp.asarray(x, dtype=jnp.float32) for x in (features, means, n_trials, level, penalty)
    )
    return {name: np.asarray(value) for name, value in _descend(*single).items()}


@jax.jit
def _descend(features, means, n_trials, level, penalty):
    """Minimize the sum over units by L-BFGS, in units that make quiet and loud units alike.

    Weights are in units of their prior deviation, intercepts in units of the root of the count.
    """
    deviation = 1 / jnp.sqrt(penalty)
    start = {
        "weights": jnp.zeros(penalty.shape),
        "intercept": jnp.sqrt(level) * jnp.log(jnp.expm1(1.0)),
    }
    cost = partial(_cost, features, means, n_trials, level, deviation)
    solver = optax.lbfgs(memory_size=10)
    value_and_gradient = optax.value_and_grad_from_state(cost)

    def step(carry, _):
        parameters, state = carry
        value, gradient = value_and_gradient(parameters, state=state)
        update, state = solver.update(
            gradient, state, parameters, value=value, grad=gradient, value_fn=cost
        )
        return (optax.apply_updates(parameters, update), state), value

    (found, _), _ = jax.lax.scan(step, (start, solver.init(start)), length=N_STEPS)
    return {
        "weights": found["weights"] * deviation,
        "intercept": found["intercept"] * jnp.sqrt(level),
    }


def _cost(features, means, n_trials, level, deviation, parameters):
    weights = parameters["weights"] * deviation
    drive = features @ weights / level + parameters["intercept"] / jnp.sqrt(level)
    rate = level * jax.nn.softplus(drive)
    # Far below the threshold the softplus is an exponential: a gradient leads back from there.
    near = jnp.log(jax.nn.softplus(jnp.maximum(drive, LOWEST)))
    log_rate = jnp.log(level) + jnp.where(drive > LOWEST, near, drive)
    fit = n_trials[:, None] * (rate - means * log_rate)
    return fit.sum() + 0.5 * (parameters["weights"] ** 2).sum()
