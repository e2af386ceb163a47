"""The trial table: 135 units x 5,950 presentations, beside a loop over units and presentations.

The experiment has the size of one Allen Brain Observatory Neuropixels session (visual area VISam):
1,184,297 spikes and 118 images shown 50 times with 50 blanks, 0.25 s each. The peer slices each
unit's sorted spike times once per presentation, with two binary searches per slice.

    python benchmarks/speed/count_spikes.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, measure, publish, time_row

from spikeloop.characterize.counting import count_spikes
from spikeloop.data import Epochs, SpikeTrains, Trials

N_UNITS, N_TRIALS, N_SPIKES, TRIAL_S = 135, 5950, 1_184_297, 0.25


def make_session() -> tuple[SpikeTrains, Trials]:
    rng = np.random.default_rng(0)
    duration_s = N_TRIALS * TRIAL_S
    spikes = SpikeTrains(
        np.sort(rng.uniform(0, duration_s, N_SPIKES)),
        rng.choice(N_UNITS, N_SPIKES, p=rng.dirichlet(np.ones(N_UNITS))),
        np.arange(N_UNITS),
        Epochs([0.0], [duration_s]),
    )
    stimulus_id = rng.permutation(np.repeat(np.arange(-1, 118), 50))
    return spikes, Trials(stimulus_id, np.arange(N_TRIALS) * TRIAL_S, np.full(N_TRIALS, TRIAL_S))


def count_by_slices(trains: list[np.ndarray], onset_s: np.ndarray) -> np.ndarray:
    counts = np.empty((len(onset_s), len(trains)))
    for unit, train in enumerate(trains):
        for trial, onset in enumerate(onset_s):
            first, last = np.searchsorted(train, (onset, onset + TRIAL_S))
            counts[trial, unit] = len(train[first:last])
    return counts


def main() -> None:
    spikes, trials = make_session()
    trains = [spikes.of_unit(unit) for unit in spikes.unit_ids]
    ours = measure(lambda: count_spikes(spikes, trials, (0.0, TRIAL_S)), repeats=15)
    peer = measure(lambda: count_by_slices(trains, trials.onset_s), repeats=3, warmup=0)
    same = count_spikes(spikes, trials, (0.0, TRIAL_S)).counts
    np.testing.assert_array_equal(same, count_by_slices(trains, trials.onset_s))
    ratio = peer.median_s / ours.median_s
    publish(
        [
            time_row("speed/count_spikes", 0.15, ours, slicing_loop=peer.median_s),
            Row("speed/count_spikes_ratio", ">= 50", ratio, "times faster", ratio >= 50),
        ]
    )


if __name__ == "__main__":
    main()
