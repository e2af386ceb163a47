r"""The squared correlation of a model with a neuron's true means, without the bias of noise.

Source: Pospisil & Bair (2021), The unbiased estimation of the fraction of variance explained by a
model, PLoS Comput. Biol. 17:e1009212. Written from the paper, with two deviations:

* the error of each stimulus's mean is estimated from its own repeats, so numbers of repeats may
  differ and the estimate does not lean on a constant variance; the interval does;
* the interval inverts a test, as theirs does (ECCI), but draws the size of the signal from its
  approximate sampling distribution instead of sampling a posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spikeloop.data.checks import require, require_seed
from spikeloop.evaluate.draws import require_draws
from spikeloop.evaluate.moments import centred, ratio
from spikeloop.evaluate.prediction import moments_and_predictions

if TYPE_CHECKING:
    from jaxtyping import Float

Transform = Literal["none", "sqrt", "anscombe"]
_BISECTIONS = 14


def stabilize_variance(
    counts: Float[np.ndarray, "..."], transform: Transform
) -> Float[np.ndarray, "..."]:
    """Return counts on a scale where Poisson noise has nearly one variance whatever the mean.

    ``"sqrt"`` gives sqrt(x), with variance near 1/4; ``"anscombe"`` gives 2 sqrt(x + 3/8), with
    variance near 1 also for means of a few counts; ``"none"`` gives the counts. NaN stays NaN.

    Raises
    ------
    InvalidInputError
        The transform is not known, or a count is negative.

    Examples
    --------
    >>> stabilize_variance(np.array([0.0, 4.0]), "sqrt").tolist()
    [0.0, 2.0]
    """
    require(
        transform in ("none", "sqrt", "anscombe"),
        f"transform={transform!r}: it must be 'none', 'sqrt' or 'anscombe'.",
    )
    if transform == "none":
        return counts
    require(
        not np.any(counts < 0),
        f"transform={transform!r} wants counts of 0 or more, and some are negative. "
        "Use transform='none'.",
    )
    return np.sqrt(counts) if transform == "sqrt" else 2 * np.sqrt(counts + 3 / 8)


def r2_er(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
    *,
    transform: Transform = "none",
) -> Float[np.ndarray, " unit"]:
    r"""Estimate the squared correlation between predictions and the true means.

    With centred predictions :math:`x`, centred means :math:`y` and errors
    :math:`v_i = s_i^2 / n_i`,

    .. math:: \hat r^2_{ER} = \frac{(x \cdot y)^2 - \sum_i x_i^2 v_i}
                                   {|x|^2 (|y|^2 - \frac{m - 1}{m} \sum_i v_i)},

    whose numerator and denominator are unbiased. The ratio is nearly so for units with signal. For
    weak units and few stimuli the denominator is close to zero at times, and the mean over units is
    far too high (by 0.66 in simulations of 118 stimuli, 5 repeats and a signal-to-noise ratio of
    0.05, where the median is 0.02 too low): report medians.

    Values outside 0..1 occur. NaN where the denominator is not above zero: the responses then show
    no signal, or the prediction is constant.

    Parameters
    ----------
    repeats
        Responses, NaN where a trial is missing.
    predictions
        What a model predicts for each stimulus, in the unit of the repeats. It was not fitted to
        these responses.
    transform
        What is done to both before: see `stabilize_variance`.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [7.0]], [[4.0], [4.0]]])
    >>> r2_er(repeats, np.array([[0.0], [1.0], [1.0]])).round(4).tolist()
    [0.775]
    """
    return _components(repeats, predictions, transform).r2


def r2_er_interval(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    predictions: Float[np.ndarray, "stimulus unit"],
    *,
    transform: Transform = "none",
    confidence: float = 0.95,
    n_draws: int = 4000,
    seed: int,
) -> tuple[Float[np.ndarray, " unit"], Float[np.ndarray, " unit"]]:
    r"""Return a confidence interval of the true squared correlation, within 0..1.

    The lower end is the smallest :math:`r^2` under which an estimate at least as high as the one
    got has probability (1 - confidence) / 2; the upper end mirrors it. Estimates are simulated for
    Gaussian noise of one variance. NaN where `r2_er` is, and for fewer than 4 stimuli.

    Returns
    -------
    low, high
        (unit,) each.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=(50, 1))
    >>> repeats = truth[:, None] + rng.normal(size=(50, 8, 1))
    >>> low, high = r2_er_interval(repeats, truth, seed=0)
    >>> bool(low[0] > 0.8), float(high[0])
    (True, 1.0)
    """
    require_draws(n_draws, confidence)
    require_seed(seed)
    got = _components(repeats, predictions, transform)
    defined = np.isfinite(got.r2)
    low, high = np.full(got.r2.shape, np.nan), np.full(got.r2.shape, np.nan)
    if got.n_stimuli < 4 or not defined.any():
        return low, high
    estimates = _simulator(got, defined, n_draws, seed)
    observed, tail = got.r2[defined][:, None], (1 - confidence) / 2
    low[defined] = _crossing(lambda r2: _share(estimates(r2), observed) - tail, observed)
    high[defined] = _crossing(lambda r2: tail - _share(-estimates(r2), -observed), observed)
    return low, high


@dataclass(frozen=True, eq=False)
class _Components:
    """What the estimate is made of: one value per unit."""

    r2: np.ndarray
    signal: np.ndarray
    """Estimated |true means - their average|^2."""
    error: np.ndarray
    """Estimated variance of a stimulus's mean, averaged over stimuli."""
    n_stimuli: int
    n_free: int
    """Degrees of freedom of `error`."""


def _components(repeats: np.ndarray, predictions: np.ndarray, transform: Transform) -> _Components:
    moments, predicted = moments_and_predictions(
        stabilize_variance(repeats, transform), stabilize_variance(predictions, transform)
    )
    n_stimuli = len(moments.stimulus)
    n_free = int(np.sum(moments.n_repeats - 1))
    if n_stimuli < 2:
        unknown = np.full(moments.mean.shape[1], np.nan)
        return _Components(unknown, unknown, unknown, n_stimuli, n_free)
    x, y = centred(predicted), centred(moments.mean)
    error = moments.squared_error.mean(axis=0)
    signal = np.sum(y**2, axis=0) - (n_stimuli - 1) * error
    explained = np.sum(x * y, axis=0) ** 2 - np.sum(x**2 * moments.squared_error, axis=0)
    r2 = ratio(explained, np.sum(x**2, axis=0) * signal)
    return _Components(r2, signal, error, n_stimuli, n_free)


def _simulator(got: _Components, defined: np.ndarray, n_draws: int, seed: int):
    """Return a function from true r2 (unit, 1) to simulated estimates (unit, draw).

    The estimate depends on the means only through their component along the prediction and their
    squared length across it, so three random numbers stand for all stimuli. The same draws serve
    every r2, which makes the estimates rise smoothly with it.
    """
    rng = np.random.default_rng(seed)
    along, across, size = rng.standard_normal((3, n_draws))
    rest = rng.chisquare(got.n_stimuli - 3, n_draws)
    scale = rng.chisquare(got.n_free, n_draws) / got.n_free
    m, signal, error = got.n_stimuli, got.signal[defined][:, None], got.error[defined][:, None]
    # variance of the estimated signal: noncentral chi-squared with m - 1 degrees of freedom
    spread = np.sqrt(2 * (m - 1) * error**2 + 4 * error * signal)
    signal = np.maximum(signal + spread * size, 0.0)

    def estimates(r2: np.ndarray) -> np.ndarray:
        explained = (np.sqrt(r2 * signal) + np.sqrt(error) * along) ** 2
        unexplained = (np.sqrt((1 - r2) * signal) + np.sqrt(error) * across) ** 2 + error * rest
        total = explained + unexplained - (m - 1) * error * scale
        # NaN where no signal would have been seen: such an estimate would not have been reported
        return ratio(explained - error * scale, total)

    return estimates


def _share(estimates: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the share of each unit's estimates, NaN apart, that reach the observed one."""
    return ratio(np.sum(estimates >= observed, axis=1), np.sum(np.isfinite(estimates), axis=1))


def _crossing(rising, like: np.ndarray) -> np.ndarray:
    """Return where in 0..1 a rising function (unit, 1) -> (unit,) crosses zero: an end if never."""
    low, high = np.zeros_like(like), np.ones_like(like)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = (rising(middle) < 0)[:, None]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(low == 0, 0.0, np.where(high == 1, 1.0, (low + high) / 2))[:, 0]
