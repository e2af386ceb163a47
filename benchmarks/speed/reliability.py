"""Time the scores of reliability at 118 stimuli x 50 repeats x 135 units."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, measure, publish, time_row

from spikeloop.characterize.reliability import Reliability, measure_reliability
from spikeloop.data import Responses, Trials
from spikeloop.evaluate import leave_one_out_oracle, signal_p_value


def oracle_by_loops(repeats: np.ndarray) -> np.ndarray:
    """Return the oracle as it is most often written: a loop over units, stimuli and repeats."""
    scores = []
    for unit in range(repeats.shape[2]):
        left_out, others = [], []
        for row in repeats[:, :, unit]:
            for r in range(len(row)):
                left_out.append(row[r])
                others.append(np.delete(row, r).mean())
        scores.append(np.corrcoef(left_out, others)[0, 1])
    return np.array(scores)


def main() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 2.0, (118, 1, 135))
    repeats = rng.poisson(rates, (118, 50, 135)).astype(float)
    responses = Responses(
        repeats.reshape(-1, 135), (0.0, 0.25), Trials(np.repeat(np.arange(118), 50)), np.arange(135)
    )
    oracle = measure(lambda: leave_one_out_oracle(repeats), repeats=9)
    loops = measure(lambda: oracle_by_loops(repeats), repeats=1, warmup=0)
    error = float(np.abs(leave_one_out_oracle(repeats) - oracle_by_loops(repeats)).max())
    times = loops.median_s / oracle.median_s
    publish(
        [
            time_row("speed/oracle", 0.05, oracle, loops=loops.median_s),
            Row("speed/oracle_times_faster_than_loops", ">= 50", times, "times", times >= 50),
            Row("speed/oracle_error_against_loops", "<= 1e-12", error, "", error <= 1e-12),
            time_row(
                "speed/signal_p_value_1000_permutations",
                5.0,
                measure(lambda: signal_p_value(repeats, 1000, seed=0), repeats=3),
            ),
            time_row(
                "speed/measure_reliability",
                10.0,
                measure(lambda: measure_reliability(responses, Reliability(), seed=0), repeats=3),
            ),
        ]
    )


if __name__ == "__main__":
    main()
