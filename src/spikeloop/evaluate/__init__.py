"""Scores: how reliable a unit is, how good a prediction can be, how near an estimate is to truth.

In: plain arrays, most often repeats (stimulus, repeat, unit) padded with NaN. Out: arrays of
scores (unit,). None is clipped: a score outside its range is news.
May import: `data`, `numerics`, `errors`.
Start reading in `signal_power.py`; `moments.py` is what the others stand on.
"""

from spikeloop.evaluate.bootstrap import (
    BootstrapScores,
    PairedBootstrap,
    ScoreInterval,
    bootstrap_scores,
    paired_bootstrap,
)
from spikeloop.evaluate.correlation import (
    correlation_matrix,
    noise_correlation,
    pearson,
    pooled_correlation,
    signal_correlation,
    single_trial_correlation,
)
from spikeloop.evaluate.likelihood import bits_per_spike, poisson_deviance_explained
from spikeloop.evaluate.oracle import (
    leave_one_out_oracle,
    leave_one_out_oracle_interval,
    random_trial_oracle,
)
from spikeloop.evaluate.prediction import (
    ExplainedAbove,
    cc_norm,
    fraction_explained,
    fraction_explained_above,
)
from spikeloop.evaluate.r2_er import r2_er, r2_er_interval, stabilize_variance
from spikeloop.evaluate.signal_power import (
    cc_max,
    fraction_explainable,
    mean_reliability,
    noise_power,
    signal_p_value,
    signal_power,
    signal_to_noise,
)
from spikeloop.evaluate.split_half import (
    spearman_brown,
    split_half,
    split_half_enumerated,
    split_half_random,
)

__all__ = [
    "BootstrapScores",
    "ExplainedAbove",
    "PairedBootstrap",
    "ScoreInterval",
    "bits_per_spike",
    "bootstrap_scores",
    "cc_max",
    "cc_norm",
    "correlation_matrix",
    "fraction_explainable",
    "fraction_explained",
    "fraction_explained_above",
    "leave_one_out_oracle",
    "leave_one_out_oracle_interval",
    "mean_reliability",
    "noise_correlation",
    "noise_power",
    "paired_bootstrap",
    "pearson",
    "poisson_deviance_explained",
    "pooled_correlation",
    "r2_er",
    "r2_er_interval",
    "random_trial_oracle",
    "signal_correlation",
    "signal_p_value",
    "signal_power",
    "signal_to_noise",
    "single_trial_correlation",
    "spearman_brown",
    "split_half",
    "split_half_enumerated",
    "split_half_random",
    "stabilize_variance",
]
