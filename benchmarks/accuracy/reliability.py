"""Judge the scores of reliability: on macaque V4, where it is there, and on simulations."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop import evaluate

V4 = Path(__file__).parents[3] / "shared/data/v4_macaque/210325/responses_raw.npy"
N_UNITS = 2000


def v4_rows() -> list[Row]:
    """Return the Spearman-Brown reliability of random halves beside the values known."""
    if not V4.exists():
        print("the V4 recording is not here: its rows are left out", file=sys.stderr)
        return []
    repeats = np.load(V4, allow_pickle=False).transpose(1, 2, 0)
    random = evaluate.spearman_brown(evaluate.split_half_random(repeats, 100, seed=0))
    exact = evaluate.spearman_brown(evaluate.split_half(repeats))
    whole = evaluate.mean_reliability(repeats)
    rows = []
    for name, wanted, over in (
        ("mean", 0.73, np.mean),
        ("min", 0.51, np.min),
        ("median", 0.75, np.median),
        ("max", 0.93, np.max),
    ):
        got = float(over(random))
        row = Row(
            f"accuracy/v4_210325_spearman_brown_{name}",
            f"{wanted} +- 0.01",
            got,
            "",
            abs(got - wanted) <= 0.01,
            peers={
                "all splits in closed form": float(over(exact)),
                "all repeats": float(over(whole)),
            },
        )
        rows.append(row)
    return rows


def bias_row(name: str, estimates: np.ndarray, truth: np.ndarray | float) -> Row:
    """Return the mean error of an estimate in its own standard errors."""
    error = estimates - truth
    got = float(error.mean() / (error.std(ddof=1) / np.sqrt(error.size)))
    return Row(f"accuracy/bias_{name}", "|error| <= 4", got, "standard errors", abs(got) <= 4)


def simulated_rows() -> list[Row]:
    """Return biases where signal is 0.5 and noise 1, and the coverage of the interval of r2."""
    rng = np.random.default_rng(0)
    truth = np.sqrt(0.5) * rng.normal(size=(60, N_UNITS))
    repeats = truth[:, None] + rng.normal(size=(60, 6, N_UNITS))
    signal = truth.var(axis=0, ddof=1)
    predictions = truth + np.sqrt(0.5) * rng.normal(size=truth.shape)
    r2 = evaluate.pearson(predictions, truth) ** 2
    low, high = evaluate.r2_er_interval(repeats, predictions, n_draws=1000, seed=0)
    covered = float(np.mean((low <= r2) & (r2 <= high)))
    noise = repeats - truth[:, None]
    p_value = evaluate.signal_p_value(noise, 199, seed=0)
    false = float(np.mean(p_value <= 0.05))
    return [
        bias_row("signal_power", evaluate.signal_power(repeats), signal),
        bias_row("noise_power", evaluate.noise_power(repeats), 1.0),
        bias_row("snr", evaluate.signal_to_noise(repeats), signal * 59 / 60),
        Row("accuracy/r2_er_interval_coverage", "0.93..0.99", covered, "", 0.93 <= covered <= 0.99),
        Row(
            "accuracy/p_value_false_positives", "0.05 +- 0.02", false, "", abs(false - 0.05) <= 0.02
        ),
    ]


def main() -> None:
    publish(v4_rows() + simulated_rows())


if __name__ == "__main__":
    main()
