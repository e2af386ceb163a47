"""Train the networks of the sound localization task, and test them beside the ideal observer.

Run alone: ``python benchmarks/accuracy/learn.py``. Five networks of each kind, which differ in
where their weights began, each tested on five data sets of 2000 new trials.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, publish

from spikeloop import learn
from spikeloop.learn.original import original_experiment

N_NETWORKS, SEED = 5, 0
TESTS = {"seed": SEED, "n_draws": 5, "n_trials": 2000}
WANTED = {
    "dale_0.5": (learn.DalesLaw(0.5), 0.88),
    "dale_0.2": (learn.DalesLaw(0.2), 0.84),
    "dale_none": (learn.AnySign(), 0.90),
    "interneurons_0.1": (learn.FeedforwardInhibition(0.1), 0.88),
}
GOAL = 0.91


def share(name, wanted, values, *, low=None, high=None, peers=None):
    """Return the row of a mean share, whose spread is that over networks."""
    got = float(np.mean(values))
    met = (low is None or got >= low) and (high is None or got <= high)
    spread = float(np.min(values)), float(np.max(values))
    return Row(f"accuracy/learn_{name}", wanted, got, "", met, spread, peers=peers or {})


def trained(constraint):
    """Return networks of the default kind, trained at once, and the seconds that took."""
    start = time.perf_counter()
    network = learn.SpikingNetwork(constraint=constraint)
    found = learn.train_together(
        learn.SoundLocalization(), [network] * N_NETWORKS, learn.Training(), seed=SEED
    )
    return found, time.perf_counter() - start


def default_rows():
    ideal = learn.ideal_scores(learn.SoundLocalization(), **TESTS)
    rows = [
        share("ideal_observer", "0.937 +- 0.005", ideal.accuracies, low=0.932, high=0.942),
    ]
    for name, (constraint, bar) in WANTED.items():
        found, seconds = trained(constraint)
        accuracies = [learn.score(one, **TESTS).accuracy for one in found]
        print(name, np.round(accuracies, 4), f"{seconds:.0f} s", flush=True)
        rows.append(share(name, f">= {bar}", accuracies, low=bar))
        if name in {"dale_0.5", "interneurons_0.1"}:
            rows.append(share(f"{name}_goal", f"goal {GOAL}", accuracies, low=GOAL))
        if name == "dale_0.5":
            rows.append(Row("speed/learn_five_networks", "report", seconds, "s", True))
    start = time.perf_counter()
    one = learn.train(
        learn.SoundLocalization(), learn.SpikingNetwork(), learn.Training(), seed=SEED + 1
    )
    seconds = time.perf_counter() - start
    accuracy = learn.score(one, **TESTS).accuracy
    met = seconds <= 180 and accuracy >= WANTED["dale_0.5"][1]
    rows.append(
        Row(
            "speed/learn_training_to_the_bar",
            "<= 180",
            seconds,
            "s",
            met,
            peers={"accuracy reached": accuracy},
        )
    )
    return rows


def delay_rows():
    task, training = learn.PatternTiming(), learn.Training(max_epochs=40)
    rows = [share("timing_ideal_observer", "report", learn.ideal_scores(task, **TESTS).accuracies)]
    for longest_ms in (0.0, 40.0):
        layer = learn.SpikingLayer(30, learn.unit_lif(2.0), longest_delay_ms=longest_ms)
        network = learn.SpikingNetwork((layer,), constraint=learn.AnySign())
        found = learn.train_together(task, [network] * 3, training, seed=SEED)
        accuracies = [learn.score(one, **TESTS).accuracy for one in found]
        print("delays", longest_ms, np.round(accuracies, 4), flush=True)
        rows.append(share(f"timing_delays_up_to_{longest_ms:g}_ms", "report", accuracies))
    return rows


def original_rows():
    task, network, training = original_experiment()
    found = learn.train_together(task, [network] * N_NETWORKS, training, seed=SEED)
    last = [one.history["training_accuracy"][-1] for one in found]
    tests = np.array([learn.score(one, **TESTS).accuracies for one in found])
    lost = [learn.lesions(one, **TESTS)["no inhibition"].accuracy for one in found]
    return [
        share("original_train", "0.85..0.93", last, low=0.85, high=0.93),
        share("original_test", "0.69..0.86", tests, low=0.69, high=0.86),
        share("original_without_inhibition", "chance, 0.083 +- 0.02", lost, low=0.063, high=0.103),
    ]


if __name__ == "__main__":
    publish(default_rows() + delay_rows() + original_rows())
