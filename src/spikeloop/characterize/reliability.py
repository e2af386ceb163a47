"""How reliably each unit answers: every score of `spikeloop.evaluate`, in one table."""

from dataclasses import dataclass

import numpy as np

from spikeloop import evaluate
from spikeloop.data import Responses
from spikeloop.data.checks import require


@dataclass(frozen=True)
class Reliability:
    """Settings of `measure_reliability`."""

    n_permutations: int = 1000
    """Permutations of the trials for the p-value, whose smallest value is 1 / (1 + this)."""
    n_splits: int = 100
    """Random halves for the published form of the split-half reliability."""
    n_draws: int = 1000
    """Sets of stimuli drawn for the interval of the oracle."""
    confidence: float = 0.95
    """Probability that the interval of the oracle aims to cover."""

    def __post_init__(self) -> None:
        for name in ("n_permutations", "n_splits", "n_draws"):
            value = getattr(self, name)
            require(value >= 1, f"{name}={value}: it must be 1 or more.")
        require(
            0 < self.confidence < 1,
            f"confidence={self.confidence}: it must lie between 0 and 1.",
        )


@dataclass(frozen=True, eq=False)
class ReliabilityTable:
    """The scores of each unit, (unit,) unless they say otherwise. None is clipped.

    A silent unit, or one that answers every trial alike, has powers of 0, p = 1, and NaN elsewhere.
    """

    unit_ids: np.ndarray
    """As in the responses."""
    n_stimuli: int
    """Stimuli shown at least twice: the others are left out of all but `mean_count`."""
    mean_repeats: float
    """Mean number of repeats of those stimuli."""
    mean_count: np.ndarray
    """Mean spike count of all trials that showed a stimulus."""
    oracle: np.ndarray
    """Correlation of each trial with the mean of the other repeats of its stimulus."""
    oracle_low: np.ndarray
    """Lower end of the oracle's interval, from resampling stimuli; too narrow for few stimuli."""
    oracle_high: np.ndarray
    """Upper end of the oracle's interval."""
    split_half_sb: np.ndarray
    """Spearman-Brown reliability of the mean over all repeats, in closed form; also for odd
    numbers of repeats."""
    random_halves_sb: np.ndarray
    """Spearman-Brown value (factor 2) of the mean correlation of random halves, as it is published
    most often. It describes 2 floor(n / 2) of n repeats, so it is too low for odd n."""
    signal_power: np.ndarray
    """Variance of the true means over stimuli, in squared counts; around 0 without signal."""
    noise_power: np.ndarray
    """Variance over the repeats of a stimulus, in squared counts."""
    snr: np.ndarray
    """Signal-to-noise ratio of single trials; NaN without noise."""
    fev: np.ndarray
    """Fraction of explainable variance of single trials: S / (S + N)."""
    cc_max: np.ndarray
    """Correlation of a perfect model with the mean responses; NaN where signal_power <= 0."""
    p_value: np.ndarray
    """Probability of as much variance between stimuli if the stimulus did not matter. It assumes
    interleaved stimuli: with one block per stimulus, slow drift makes it small without signal."""
    signal_correlation: np.ndarray
    """(unit, unit) correlation of true means; NaN where signal_power <= 0, may pass 1 by noise."""
    noise_correlation: np.ndarray
    """(unit, unit) correlation over the repeats of a stimulus."""

    def __repr__(self) -> str:
        return (
            f"ReliabilityTable({len(self.unit_ids)} units, {self.n_stimuli} stimuli x "
            f"{self.mean_repeats:.3g} repeats)"
        )

    def columns(self) -> dict[str, np.ndarray]:
        """Return what is known of each unit as the columns of a table."""
        values = {name: value for name, value in vars(self).items() if np.shape(value) != ()}
        return {name: value for name, value in values.items() if value.ndim == 1}


def measure_reliability(
    responses: Responses, method: Reliability, *, seed: int
) -> ReliabilityTable:
    """Score how reliably each unit answers repeats of the same stimulus.

    Parameters
    ----------
    responses
        Counts with repeats; numbers of repeats may differ. Blanks are not used.
    method
        Settings.
    seed
        Start of the random numbers of the permutations, the random halves and the interval.

    Raises
    ------
    InvalidInputError
        There is no unit, or fewer than two stimuli were shown at least twice.

    Examples
    --------
    >>> from spikeloop.data import Trials
    >>> trials = Trials(stimulus_id=[0, 0, 1, 1, 2, 2])
    >>> counts = np.array([[0.0], [1.0], [4.0], [5.0], [2.0], [2.0]])
    >>> responses = Responses(counts, (0.0, 0.25), trials, unit_ids=[7])
    >>> table = measure_reliability(responses, Reliability(n_permutations=100), seed=0)
    >>> table
    ReliabilityTable(1 units, 3 stimuli x 2 repeats)
    >>> table.split_half_sb.round(3).tolist()
    [0.959]
    """
    repeats = repeats_or_refuse(responses)
    shown = ~np.isnan(repeats[:, :, 0])
    n_repeats = shown.sum(axis=1)
    halves, deal, draw = np.random.SeedSequence(seed).generate_state(3).tolist()
    low, high = evaluate.leave_one_out_oracle_interval(
        repeats, n_draws=method.n_draws, confidence=method.confidence, seed=draw
    )
    return ReliabilityTable(
        unit_ids=responses.unit_ids,
        n_stimuli=int(np.sum(n_repeats >= 2)),
        mean_repeats=float(n_repeats[n_repeats >= 2].mean()),
        mean_count=repeats[shown].mean(axis=0),
        oracle=evaluate.leave_one_out_oracle(repeats),
        oracle_low=low,
        oracle_high=high,
        split_half_sb=evaluate.mean_reliability(repeats),
        random_halves_sb=evaluate.spearman_brown(
            evaluate.split_half_random(repeats, method.n_splits, seed=halves)
        ),
        signal_power=evaluate.signal_power(repeats),
        noise_power=evaluate.noise_power(repeats),
        snr=evaluate.signal_to_noise(repeats),
        fev=evaluate.fraction_explainable(repeats),
        cc_max=evaluate.cc_max(repeats),
        p_value=evaluate.signal_p_value(repeats, method.n_permutations, seed=deal),
        signal_correlation=evaluate.signal_correlation(repeats),
        noise_correlation=evaluate.noise_correlation(repeats),
    )


def repeats_or_refuse(responses: Responses) -> np.ndarray:
    """Return (stimulus, repeat, unit), or refuse responses that cannot tell signal from noise."""
    require(len(responses.unit_ids) > 0, "The responses hold no units: give at least one.")
    repeats = responses.repeats()
    n_repeated = int(np.sum(np.sum(~np.isnan(repeats[:, :, 0]), axis=1) >= 2))
    require(
        n_repeated >= 2,
        f"Of {len(repeats)} stimuli {n_repeated} were shown twice or more: reliability wants at "
        "least 2 with repeats. Give single trials instead of means, or leave reliability out.",
    )
    return repeats
