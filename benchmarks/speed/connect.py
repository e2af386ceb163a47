"""The synapses of 1,000,000 neurons, 100 each, beside NumPy drawing them row by row.

Memory is what the process holds at most while it connects, above what it held before, over the
bytes of the result. The peers draw 1,000 rows with a `numpy.random.Generator`, in seconds for all.

    python benchmarks/speed/connect.py
"""

import resource
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, measure, publish, time_row

from spikeloop.simulate.networks.connectivity import Between, connect
from spikeloop.simulate.networks.random_connections import (
    ByDistance,
    FixedInDegree,
    FixedOutDegree,
    Probability,
)

N, DEGREE, N_PEER = 1_000_000, 100, 1000
ALL = Between(N, N, same=True)
TENTH = Between(N // 10, N // 10, same=True)


def sheet(n: int) -> Between:
    places_um = np.random.default_rng(0).uniform(0, 1000, (n, 2))
    return Between(n, n, same=True, source_um=places_um, target_um=places_um)


def by_binomial(rng: np.random.Generator) -> None:
    for n_targets in rng.binomial(N, DEGREE / N, N_PEER):
        np.sort(rng.choice(N, n_targets, replace=False, shuffle=False))


def by_degree(rng: np.random.Generator) -> None:
    for _ in range(N_PEER):
        np.sort(rng.choice(N, DEGREE, replace=False, shuffle=False))


def peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory_row() -> Row:
    before = peak_bytes()
    synapses = connect(Probability(DEGREE / N), ALL, seed=0)
    size = synapses.indptr.nbytes + synapses.targets.nbytes
    ratio = (peak_bytes() - before) / size
    return Row("speed/connect_memory", "<= 1.2", ratio, "times the result", ratio <= 1.2)


def main() -> None:
    for rule in (Probability(0.1), FixedOutDegree(5), FixedInDegree(5)):
        connect(rule, Between(50, 50), seed=0)  # compiles, or reads what was compiled
    memory = memory_row()
    rng = np.random.default_rng(0)
    peers = [N / N_PEER * measure(lambda d=d: d(rng)).median_s for d in (by_binomial, by_degree)]
    cases = {
        "probability": (Probability(DEGREE / N), ALL, 15),
        "out_degree": (FixedOutDegree(DEGREE), ALL, 15),
        "in_degree": (FixedInDegree(DEGREE), TENTH, 10),
        "distance": (ByDistance(1.0, 100.0), sheet(10_000), 15),
    }
    named = {"probability": peers[0], "out_degree": peers[1]}
    rows = [memory]
    for name, (rule, between, limit_s) in cases.items():
        timing = measure(lambda r=rule, b=between: connect(r, b, seed=0), repeats=3)
        peer = {"numpy_rows": named[name]} if name in named else {}
        rows.append(time_row(f"speed/connect_{name}", limit_s, timing, **peer))
    publish(rows)


if __name__ == "__main__":
    main()
