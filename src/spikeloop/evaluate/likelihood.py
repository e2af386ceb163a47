r"""How likely counts are under predicted means, if they are Poisson.

All sums run over stimuli, trials or time bins: over all axes but the last, which holds units. A
count that is NaN is missing. Unlike a correlation these scores punish a wrong scale or offset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import as_vector, require, require_finite
from spikeloop.evaluate.moments import ratio
from spikeloop.evaluate.samples import paired_samples, present_mean

if TYPE_CHECKING:
    from jaxtyping import Float


def poisson_deviance_explained(
    counts: Float[np.ndarray, "... unit"],
    predictions: Float[np.ndarray, "... unit"],
    null: Float[np.ndarray, " unit"] | None = None,
) -> Float[np.ndarray, " unit"]:
    r"""Return the fraction of the Poisson deviance that predictions explain (pseudo R squared).

    .. math:: 1 - D(\hat y) / D(y_0), \qquad
              D(\hat y) = 2 \sum_i y_i \ln(y_i / \hat y_i) - y_i + \hat y_i

    with :math:`y \ln y = 0` for no spikes. 1 for predictions equal to the counts, which a true rate
    never reaches; 0 for the null; far below zero for bad predictions. -inf for a unit that was
    predicted to be silent where a spike came. NaN where the null fits exactly, as it does a
    constant unit, and where the null is 0 and the unit spikes.

    Source: Cameron & Windmeijer (1996), J. Bus. Econ. Stat. 14:209.

    Parameters
    ----------
    counts
        Counts, or means of counts; NaN where one is missing.
    predictions
        Expected counts, with the axes of `counts`; an axis of length 1 stands for any length.
    null
        What each unit is expected to do whatever is shown, such as its mean in training. None: its
        mean over `counts`, the best constant.

    Raises
    ------
    InvalidInputError
        Shapes do not fit, or a count, a prediction or a null is negative or not finite.

    Examples
    --------
    >>> counts = np.array([[0.0], [1.0], [5.0]])
    >>> poisson_deviance_explained(counts, np.array([[0.5], [1.0], [4.5]])).round(4).tolist()
    [0.8645]
    """
    deviance, null_deviance, _ = _deviances(counts, predictions, null)
    return 1 - ratio(deviance, null_deviance)


def bits_per_spike(
    counts: Float[np.ndarray, "... unit"],
    predictions: Float[np.ndarray, "... unit"],
    null: Float[np.ndarray, " unit"] | None = None,
) -> Float[np.ndarray, " unit"]:
    r"""Return how much more likely the predictions make the counts than the null does, per spike.

    .. math:: \frac{\ln p(y | \hat y) - \ln p(y | y_0)}{n_\mathrm{spikes} \ln 2}, \qquad
              \ln p(y | \hat y) = \sum_i y_i \ln \hat y_i - \hat y_i - \ln y_i!

    For true rates and short bins it estimates the information that a single spike carries about
    what was shown. Arguments, errors, and -inf as for `poisson_deviance_explained`. NaN for a
    silent unit, and where the null is 0 and the unit spikes.

    Source: Brenner et al. (2000), Neural Comput. 12:1531; Williamson, Sahani & Pillow (2015), PLoS
    Comput. Biol. 11:e1004141.

    Examples
    --------
    >>> counts = np.array([[0.0], [0.0], [0.0], [8.0]])
    >>> bits_per_spike(counts, counts).tolist()
    [2.0]
    """
    deviance, null_deviance, n_spikes = _deviances(counts, predictions, null)
    return ratio((null_deviance - deviance) / 2, n_spikes * np.log(2))


def _deviances(
    counts: np.ndarray, predictions: np.ndarray, null: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the deviance of the predictions, that of the null or NaN, and the number of spikes."""
    from scipy.special import kl_div  # y ln(y / z) - y + z, exactly zero where y = z

    counts, predictions, present = paired_samples(counts, predictions)
    for name, values in (("counts", counts), ("predictions", predictions)):
        require(
            bool(values.min() >= 0),
            f"{name} reaches down to {values.min():.3g}: Poisson counts and their means are 0 or "
            "more. Score responses of other kinds by a correlation.",
        )
    null = present_mean(counts, present) if null is None else _checked(null, counts.shape[1])
    deviance = 2 * kl_div(counts, predictions).sum(axis=0)
    null_deviance = 2 * np.where(present, kl_div(counts, null), 0.0).sum(axis=0)
    null_deviance[np.isinf(null_deviance)] = np.nan
    return deviance, null_deviance, counts.sum(axis=0)


def _checked(null: np.ndarray, n_units: int) -> np.ndarray:
    null = as_vector("null", null, np.float64)
    require_finite("null", null)
    require(
        len(null) == n_units and bool(null.min() >= 0),
        f"null has shape {null.shape} and reaches down to {null.min():.3g}: give each of "
        f"{n_units} units a mean count, 0 or more.",
    )
    return null
