"""Which units are worth modelling, judged on the training stimuli alone.

A unit chosen because it answered the test stimuli well would bias the score of every model tested
on them, so the held-out stimuli are set aside before anything is computed.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from spikeloop import evaluate
from spikeloop.characterize.reliability import repeats_or_refuse
from spikeloop.data import Responses
from spikeloop.data.checks import as_vector, require


@dataclass(frozen=True)
class UnitSelection:
    """Settings of `select_units`."""

    rule: Literal["percentiles", "significance"] = "significance"
    """``"percentiles"``: oracle and variance above a percentile of these units, which keeps some
    units even of pure noise. ``"significance"``: a floor of the signal-to-noise ratio, and p-values
    that control the false discovery rate."""
    oracle_percentile: float = 60.0
    """Percentile of the oracle to be passed, under the rule of percentiles."""
    variance_percentile: float = 50.0
    """Percentile of the variance of mean counts to be passed, under the rule of percentiles."""
    snr_floor: float = 0.01
    """Signal-to-noise ratio of single trials to be passed, under the rule of significance."""
    alpha: float = 0.05
    """Fraction of false discoveries allowed (Benjamini & Hochberg), under that rule."""
    n_permutations: int = 1000
    """Permutations of the trials for the p-values, at least; more are drawn where there are so many
    units that fewer could keep none."""
    test_fraction: float = 0.2
    """Fraction of the stimuli held out, drawn at random, where no training ids are given."""
    contamination: float | None = None
    """Fraction of units to call anomalies, in (0, 0.5]; None: the forest's own threshold."""
    n_trees: int = 100
    """Trees of the isolation forest that finds anomalies."""

    def __post_init__(self) -> None:
        require(
            self.rule in ("percentiles", "significance"),
            f"rule={self.rule!r}: it must be 'percentiles' or 'significance'.",
        )
        for name in ("oracle_percentile", "variance_percentile"):
            value = getattr(self, name)
            require(0 <= value <= 100, f"{name}={value}: it must lie in 0..100.")
        require(0 < self.alpha < 1, f"alpha={self.alpha}: it must lie between 0 and 1.")
        require(
            0 <= self.test_fraction < 1,
            f"test_fraction={self.test_fraction}: it must be at least 0 and below 1.",
        )
        require(
            self.contamination is None or 0 < self.contamination <= 0.5,
            f"contamination={self.contamination}: it must be above 0 and at most 0.5, or None.",
        )
        for name in ("n_permutations", "n_trees"):
            value = getattr(self, name)
            require(value >= 1, f"{name}={value}: it must be 1 or more.")


@dataclass(frozen=True, eq=False)
class SelectedUnits:
    """What the training stimuli tell of each unit, and which units are kept; arrays are (unit,)."""

    unit_ids: np.ndarray
    """As in the responses."""
    keep: np.ndarray
    """True where the unit is worth modelling, under the rule."""
    reason: np.ndarray
    """Why it was kept or dropped, in words."""
    entropy_bits: np.ndarray
    """Entropy of the mean counts, made a distribution over stimuli: log2 of their number for a unit
    that answers all alike, 0 for one that answers a single stimulus; NaN for a silent unit. It also
    depends on the rate: of two flat units the one with fewer spikes has the lower entropy."""
    variance: np.ndarray
    """Variance over stimuli of the mean counts, with n - 1, in squared spikes."""
    oracle: np.ndarray
    """Leave-one-out oracle correlation; NaN for a constant unit."""
    snr: np.ndarray
    """Signal-to-noise ratio of single trials; NaN for a constant unit."""
    p_value: np.ndarray
    """Permutation p-value of the signal power, not corrected for the number of units. It assumes
    that the stimuli were interleaved: see `spikeloop.evaluate.signal_p_value`."""
    anomaly: np.ndarray
    """True where an isolation forest finds (entropy, variance) unlike those of the other units: a
    ranking cut at a threshold, not a test."""
    most_correlated: np.ndarray
    """Row of the unit whose mean counts are most correlated with this one's; -1 for none."""
    most_correlation: np.ndarray
    """That correlation, of plain mean counts, so noise that is shared counts too; or NaN."""
    least_correlated: np.ndarray
    """Row of the unit with the lowest correlation, which may be negative; -1 for none."""
    least_correlation: np.ndarray
    """That correlation, or NaN."""
    training_ids: np.ndarray
    """(training stimulus,) what all of this was computed from, ascending."""
    test_ids: np.ndarray
    """(test stimulus,) what was held out, ascending."""

    def __repr__(self) -> str:
        return (
            f"SelectedUnits({int(self.keep.sum())} of {len(self.keep)} units kept, by "
            f"{len(self.training_ids)} stimuli; {len(self.test_ids)} held out)"
        )

    def columns(self) -> dict[str, np.ndarray]:
        """Return what is known of each unit as the columns of a table, partners by their ids."""
        table = {
            name: value
            for name, value in vars(self).items()
            if name not in ("training_ids", "test_ids")
        }
        names = np.append(self.unit_ids.astype(str), "")  # row -1 is nobody
        for name in ("most_correlated", "least_correlated"):
            table[name] = names[table[name]]
        return table


def select_units(
    responses: Responses,
    method: UnitSelection,
    *,
    seed: int,
    training_ids: np.ndarray | None = None,
) -> SelectedUnits:
    """Describe each unit by its responses to the training stimuli, and say which are worth a model.

    Parameters
    ----------
    responses
        Counts with repeats. Blanks are not used.
    method
        Settings.
    seed
        Start of the random numbers of the split, the permutations and the forest.
    training_ids
        The stimuli to judge by; None: all but a random `method.test_fraction`.

    Raises
    ------
    InvalidInputError
        Training ids were not shown, or fewer than two training stimuli were shown at least twice.

    Examples
    --------
    >>> from spikeloop.data import Trials
    >>> trials = Trials(stimulus_id=np.repeat(np.arange(20), 5))
    >>> rng = np.random.default_rng(0)
    >>> rates = np.stack([rng.gamma(1.0, 4.0, 20), np.full(20, 4.0)], axis=1)
    >>> counts = rng.poisson(np.repeat(rates, 5, axis=0))
    >>> responses = Responses(counts, (0.0, 0.25), trials, unit_ids=["tuned", "flat"])
    >>> selected = select_units(responses, UnitSelection(), seed=0)
    >>> selected
    SelectedUnits(1 of 2 units kept, by 16 stimuli; 4 held out)
    >>> selected.keep.tolist()
    [True, False]
    """
    split_seed, shuffle_seed, forest_seed = np.random.SeedSequence(seed).generate_state(3).tolist()
    training_ids, test_ids = _split(responses.stimulus_ids, training_ids, method, split_seed)
    training = responses.select(trials=np.isin(responses.trials.stimulus_id, training_ids))
    repeats, means = repeats_or_refuse(training), training.mean()
    entropy_bits, variance = _entropy_bits(means), _variance(means)
    oracle, snr = evaluate.leave_one_out_oracle(repeats), evaluate.signal_to_noise(repeats)
    p_value = _p_values(repeats, method, shuffle_seed)
    if method.rule == "percentiles":
        keep, reason = _by_percentiles(oracle, variance, method)
    else:
        keep, reason = _by_significance(snr, p_value, method)
    correlation = evaluate.correlation_matrix(means)
    most, most_correlation = _partner(correlation)
    least, negated = _partner(-correlation)
    return SelectedUnits(
        unit_ids=responses.unit_ids,
        keep=keep,
        reason=reason,
        entropy_bits=entropy_bits,
        variance=variance,
        oracle=oracle,
        snr=snr,
        p_value=p_value,
        anomaly=_anomalies(np.stack([entropy_bits, variance], axis=1), method, forest_seed),
        most_correlated=most,
        most_correlation=most_correlation,
        least_correlated=least,
        least_correlation=-negated,
        training_ids=training_ids,
        test_ids=test_ids,
    )


def _split(
    shown: np.ndarray, training_ids: np.ndarray | None, method: UnitSelection, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of training and test stimuli."""
    if training_ids is None:
        n_test = round(method.test_fraction * len(shown))
        test_ids = np.sort(np.random.default_rng(seed).permutation(shown)[:n_test])
        return np.setdiff1d(shown, test_ids), test_ids
    training_ids = np.unique(as_vector("training_ids", training_ids, np.int64))
    unknown = np.setdiff1d(training_ids, shown)
    require(
        not unknown.size,
        f"training_ids holds {unknown.size} ids that were not shown, the first {unknown[:1]}. "
        "Take them from responses.stimulus_ids.",
    )
    return training_ids, np.setdiff1d(shown, training_ids)


def _p_values(repeats: np.ndarray, method: UnitSelection, seed: int) -> np.ndarray:
    """Return p-values that can be as small as alpha / n_units, which a single unit needs."""
    n_if_small = ceil(repeats.shape[2] / method.alpha) if method.rule == "significance" else 0
    return evaluate.signal_p_value(repeats, method.n_permutations, n_if_small=n_if_small, seed=seed)


def _variance(means: np.ndarray) -> np.ndarray:
    return np.var(means - means[:1], axis=0, ddof=1)


def _entropy_bits(means: np.ndarray) -> np.ndarray:
    """Return -sum p log2 p of p = means / sum(means) for each unit, NaN where p is none."""
    total = means.sum(axis=0)
    valid = (total > 0) & (means >= 0).all(axis=0)
    share = np.where(valid, means, 1.0) / np.where(valid, total, 1.0)
    bits = -np.sum(share * np.log2(np.where(share > 0, share, 1.0)), axis=0)
    return np.where(valid, bits, np.nan)


def _anomalies(features: np.ndarray, method: UnitSelection, seed: int) -> np.ndarray:
    """Return which units an isolation forest sets apart; units without features are not judged."""
    from sklearn.ensemble import IsolationForest

    judged = np.isfinite(features).all(axis=1)
    anomaly = np.zeros(len(features), dtype=bool)
    if judged.sum() >= 2:
        forest = IsolationForest(
            n_estimators=method.n_trees,
            contamination=method.contamination or "auto",
            random_state=seed,
        )
        anomaly[judged] = forest.fit_predict(features[judged]) == -1
    return anomaly


def _partner(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of the highest correlation of each unit with another, and its value."""
    others = np.where(np.isnan(correlation), -np.inf, correlation)
    np.fill_diagonal(others, -np.inf)
    row = others.argmax(axis=1)
    best = others[np.arange(len(row)), row]
    found = np.isfinite(best)
    return np.where(found, row, -1), np.where(found, best, np.nan)


def _by_percentiles(
    oracle: np.ndarray, variance: np.ndarray, method: UnitSelection
) -> tuple[np.ndarray, np.ndarray]:
    defined = np.isfinite(oracle)
    if not defined.any():
        return defined, np.full(len(oracle), "dropped: no oracle")
    limits = (
        np.percentile(oracle[defined], method.oracle_percentile),
        np.percentile(variance, method.variance_percentile),
    )
    return _judge(("oracle", oracle, ">", limits[0]), ("variance", variance, ">", limits[1]))


def _by_significance(
    snr: np.ndarray, p_value: np.ndarray, method: UnitSelection
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.stats import false_discovery_control

    corrected = false_discovery_control(p_value, method="bh")
    return _judge(
        ("snr", snr, ">", method.snr_floor), ("corrected p", corrected, "<=", method.alpha)
    )


def _judge(*claims: tuple[str, np.ndarray, str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return which units pass all claims (name, values, sign, limit), and the words for it."""
    passed = np.array([v > limit if sign == ">" else v <= limit for _, v, sign, limit in claims])
    keep = passed.all(axis=0)
    words = []
    for unit in range(len(keep)):
        told = [
            f"{name} {values[unit]:.3g} is{'' if passed[i, unit] else ' not'} {sign} {limit:.3g}"
            for i, (name, values, sign, limit) in enumerate(claims)
            if keep[unit] or not passed[i, unit]
        ]
        words.append(("kept: " if keep[unit] else "dropped: ") + "; ".join(told))
    return keep, np.array(words)
