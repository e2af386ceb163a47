r"""How much of a unit's responses depends on the stimulus, and how much is noise.

With :math:`R_{ir} = f_i + \epsilon_{ir}`, the signal power S is the variance over stimuli of the
true means :math:`f_i`, and the noise power N the variance over repeats, averaged over stimuli. Both
are estimated without bias, from the stimuli shown at least twice, each counting once however often
it was shown. Nothing is clipped: a unit without signal has a signal power around zero, below it
half of the time. All are NaN where fewer than two stimuli have repeats (the noise power: none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require_seed
from spikeloop.evaluate.draws import require_count
from spikeloop.evaluate.moments import RepeatMoments, centred, ratio, repeat_moments

if TYPE_CHECKING:
    from jaxtyping import Float, Int

_BLOCK = 32
FEW_REACHING = 10
"""Units whose measured signal this many permutations reached, or fewer, are given more of them."""


def signal_power(repeats: Float[np.ndarray, "stimulus repeat unit"]) -> Float[np.ndarray, " unit"]:
    r"""Return the variance of the true means: that of the measured ones, less their error.

    .. math:: S = \mathrm{Var}_i(\bar R_i) - \mathrm{mean}_i (s_i^2 / n_i)

    This is unbiased for any numbers of repeats and any noise that is independent between trials.
    Averaged over all orders of each stimulus's repeats, the formula of Sahani & Linden (2003),
    used by Schoppe et al. (2016), gives the same; unlike it, this does not depend on their order.
    Stimuli must be interleaved: if each is shown in one block, slow drift counts as signal.

    >>> signal_power(np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).tolist()
    [7.0]
    """
    return _signal_power(repeat_moments(repeats))


def noise_power(repeats: Float[np.ndarray, "stimulus repeat unit"]) -> Float[np.ndarray, " unit"]:
    """Return the variance over the repeats of a stimulus (n - 1), averaged over stimuli.

    >>> noise_power(np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).tolist()
    [2.0]
    """
    return _noise_power(repeat_moments(repeats))


def signal_to_noise(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, " unit"]:
    r"""Return the signal-to-noise ratio of single trials, unbiased for Gaussian noise.

    .. math:: \mathrm{SNR} = \frac{m - 1}{m} \left(
                  \frac{\nu - 2}{\nu} \frac{\mathrm{Var}_i(\bar R_i)}{N}
                  - \mathrm{mean}_i \frac{1}{n_i} \right)

    It estimates :math:`\sum_i (f_i - \bar f)^2 / (m N)`. The factor with the
    :math:`\nu = \sum_i (n_i - 1)` degrees of freedom of the noise removes the bias of dividing by
    an estimate: exactly for Gaussian noise of one variance and equal numbers of repeats. Responses
    with a variance that grows with the mean want `stabilize_variance` first.

    NaN for a unit without noise, and where :math:`\nu \le 2`.

    Source: Pospisil & Bair (2021), PLoS Comput. Biol. 17:e1009212.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [7.0]], [[1.0], [3.0]]])
    >>> signal_to_noise(repeats).round(4).tolist()
    [0.2593]
    """
    moments = repeat_moments(repeats)
    n_stimuli, n_units = moments.mean.shape
    n_free = np.sum(moments.n_repeats - 1)
    if n_stimuli < 2 or n_free <= 2:
        return np.full(n_units, np.nan)
    relative = ratio(moments.mean.var(axis=0, ddof=1), _noise_power(moments))
    unbiased = relative * (n_free - 2) / n_free - np.mean(1 / moments.n_repeats)
    return unbiased * (n_stimuli - 1) / n_stimuli


def fraction_explainable(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, " unit"]:
    """Return the fraction of explainable variance (FEV): S / (S + N), below zero where S is.

    The total variance is taken without bias as S + N. Cadena et al. (2019) take the plain variance
    of all trials, which is lower by one part in the number of stimuli. NaN for a constant unit.

    >>> fraction_explainable(np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).round(4).tolist()
    [0.7778]
    """
    moments = repeat_moments(repeats)
    signal = _signal_power(moments)
    return ratio(signal, signal + _noise_power(moments))


def mean_reliability(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
) -> Float[np.ndarray, " unit"]:
    r"""Return the reliability of the mean over all repeats: S / Var(means).

    .. math:: \frac{S}{S + \mathrm{mean}_i (s_i^2 / n_i)}

    It is the correlation to expect between the means of two such experiments. For equal numbers of
    repeats it equals the Spearman-Brown value of `split_half` with the factor n / floor(n / 2),
    which is 2 only where n is even. Below zero where S is; NaN for a constant unit, and where fewer
    than two stimuli have repeats.

    Examples
    --------
    >>> mean_reliability(np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).round(4).tolist()
    [0.875]
    """
    moments = repeat_moments(repeats)
    signal = _signal_power(moments)
    if len(moments.stimulus) < 2:
        return signal
    return ratio(signal, moments.mean.var(axis=0, ddof=1))


def cc_max(repeats: Float[np.ndarray, "stimulus repeat unit"]) -> Float[np.ndarray, " unit"]:
    r"""Return the correlation of a perfect model with the measured means: sqrt(S / Var(means)).

    This is the square root of `mean_reliability`; NaN where the signal power is not above zero.

    Source: Schoppe et al. (2016), Front. Comput. Neurosci. 10:10.

    Examples
    --------
    >>> cc_max(np.array([[[1.0], [3.0]], [[5.0], [7.0]]])).round(4).tolist()
    [0.9354]
    """
    reliability = mean_reliability(repeats)
    return np.sqrt(np.where(reliability > 0, reliability, np.nan))


def signal_p_value(
    repeats: Float[np.ndarray, "stimulus repeat unit"],
    n_permutations: int = 1000,
    *,
    n_if_small: int = 0,
    seed: int,
) -> Float[np.ndarray, " unit"]:
    """Return the probability of so much variance between stimuli if the stimulus did not matter.

    Trials are shuffled between the stimuli, in the same way for all units; p = (1 + the number of
    permutations with at least the measured sum of squares between stimuli) / (1 + the number of
    permutations). For equal numbers of repeats that sum orders the permutations as the signal power
    does. A constant unit has p = 1.

    The test assumes that the stimuli were interleaved in random order. If each stimulus was shown
    in one block, a slow drift of the firing rate differs between stimuli as a signal does, and most
    units that only drift come out significant.

    Parameters
    ----------
    repeats
        Responses, NaN where a trial is missing.
    n_permutations
        Permutations for every unit.
    n_if_small
        Permutations in all for units whose measured sum at most `FEW_REACHING` of the first
        `n_permutations` reached. The p-values stay valid: a unit that stops early stops with a
        p-value above those that the others can have had at that point.
    seed
        Start of the random numbers.

    Examples
    --------
    >>> repeats = np.arange(8.0)[:, None, None] + np.array([0.0, 0.1, 0.2])[:, None]
    >>> signal_p_value(repeats, 999, seed=0).tolist()
    [0.001]
    >>> signal_p_value(repeats, 999, n_if_small=9999, seed=0).tolist()
    [0.0001]
    """
    require_count("n_permutations", n_permutations)
    require_seed(seed)
    moments = repeat_moments(repeats)
    responses = centred((moments.mean[:, None] + moments.residual)[moments.present])
    if not len(responses):
        return np.ones(repeats.shape[2])
    order = np.arange(len(responses))[None]
    measured = _between(responses, order, moments.n_repeats)[0]
    # sums of the same numbers in another order differ by rounding and count as equal
    measured -= 1e-12 * np.sum(responses**2, axis=0)
    rng = np.random.default_rng(seed)

    def count(n: int, units: np.ndarray) -> np.ndarray:
        """Return how many of `n` permutations reach what was measured in these units."""
        n_reaching, values = np.zeros(len(units)), responses[:, units]
        for start in range(0, n, _BLOCK):
            orders = rng.permuted(np.tile(order, (min(_BLOCK, n - start), 1)), axis=1)
            sums = _between(values, orders, moments.n_repeats)
            n_reaching += np.sum(sums >= measured[units], axis=0)
        return n_reaching

    n_reaching = count(n_permutations, np.arange(repeats.shape[2]))
    n_drawn = np.full(n_reaching.shape, n_permutations)
    small = np.flatnonzero(n_reaching <= FEW_REACHING)
    if n_if_small > n_permutations and small.size:
        n_reaching[small] += count(n_if_small - n_permutations, small)
        n_drawn[small] = n_if_small
    return (1 + n_reaching) / (1 + n_drawn)


def _between(
    responses: Float[np.ndarray, "trial unit"],
    orders: Int[np.ndarray, "permutation trial"],
    n_repeats: Float[np.ndarray, " used"],
) -> Float[np.ndarray, "permutation unit"]:
    """Return the sum of squares between stimuli when they get the trials in these `orders`."""
    from scipy.sparse import csr_array

    n_orders, n_trials = orders.shape
    row_ends = np.append(0, np.cumsum(np.tile(n_repeats.astype(np.int64), n_orders)))
    membership = csr_array(
        (np.ones(orders.size), orders.ravel(), row_ends),
        shape=(n_orders * len(n_repeats), n_trials),
    )
    sums = (membership @ responses).reshape(n_orders, len(n_repeats), -1)
    return np.einsum("piu,piu,i->pu", sums, sums, 1 / n_repeats)


def _signal_power(moments: RepeatMoments) -> Float[np.ndarray, " unit"]:
    if len(moments.stimulus) < 2:
        return np.full(moments.mean.shape[1], np.nan)
    return moments.mean.var(axis=0, ddof=1) - moments.squared_error.mean(axis=0)


def _noise_power(moments: RepeatMoments) -> Float[np.ndarray, " unit"]:
    if not len(moments.stimulus):
        return np.full(moments.mean.shape[1], np.nan)
    return moments.variance.mean(axis=0)
