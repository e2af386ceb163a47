"""Raster order: 135 units x 26,597 bins, beside Rastermap where it is installed; then 2,000 units.

The spike counts are Poisson: each unit has a place in one of four waves that come round at uneven
speeds, with amplitudes that wax and wane, and all share a slow gain. They are z-scored, as for a
raster. The best objective is the largest found by sweeps that try every block, of any length, at
every place, to convergence from ten starts, and by all others shown. Rastermap searches for minutes
with n_clusters=None, meant for populations this small; its own objective is another one.

    python benchmarks/speed/raster_order.py [--no-peer]
"""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import Row, measure, publish, time_row

from spikeloop.characterize.raster_order import OrderedRaster, RasterOrder, order_raster
from spikeloop.numerics.seriation import distance_weights, order_objective
from spikeloop.numerics.seriation_kernels import sweep

N_BINS, N_WAVES, N_RANDOM_STARTS = 26_597, 4, 8
FIRST_CALL = """
import time
import numpy as np
from spikeloop.characterize.raster_order import RasterOrder, order_raster
start = time.perf_counter()
order_raster(np.random.default_rng(0).normal(size=(100, 12)), RasterOrder(), seed=0)
print(time.perf_counter() - start)
"""


def simulate(n_units: int, seed: int) -> np.ndarray:
    """Return z-scored spike counts, (bin, unit) float32."""
    rng = np.random.default_rng(seed)
    smooth = lambda n: np.convolve(rng.normal(size=N_BINS), np.ones(n) / np.sqrt(n), "same")  # noqa: E731
    phase = [np.cumsum(np.abs(rng.normal(0.02, 0.02, N_BINS))) for _ in range(N_WAVES)]
    strength = [np.exp(0.4 * smooth(50)) for _ in range(N_WAVES)]
    gain = np.exp(0.3 * smooth(200))
    counts = np.empty((N_BINS, n_units), dtype=np.float32)
    for unit, wave in enumerate(rng.integers(0, N_WAVES, n_units)):
        away = (phase[wave] - rng.uniform() + 0.5) % 1 - 0.5
        rate = strength[wave] * rng.gamma(2, 0.5) * np.exp(-(away**2) / (2 * 0.08**2))
        counts[:, unit] = rng.poisson(gain * (0.2 + rate))
    return (counts - counts.mean(axis=0)) / counts.std(axis=0)


def search_every_block(similarity: np.ndarray, order: np.ndarray) -> float:
    """Return the objective where no block, of any length, gains by moving, turned or not."""
    n_units = len(order)
    w, nothing = np.zeros(4 * n_units + 1), np.zeros((n_units, n_units))
    w[2 * n_units : 3 * n_units] = distance_weights(n_units)
    n_quiet = 0
    while n_quiet < 2:
        order, similarity = order[::-1], similarity.T  # the same problem, read backward
        line = np.ascontiguousarray(similarity[np.ix_(order, order)])
        moved, gained = sweep(line, nothing, w, np.arange(1, n_units), 1e-12)
        order, n_quiet = order[moved], 0 if gained > 0 else n_quiet + 1
    return order_objective(similarity, order)


def best_of_many(ours: OrderedRaster) -> float:
    similarity = ours.similarity.astype(float)
    np.fill_diagonal(similarity, 0.0)
    rng = np.random.default_rng(1)
    starts = [ours.order, np.arange(len(ours.order))]
    starts += [rng.permutation(len(ours.order)) for _ in range(N_RANDOM_STARTS)]
    best = -np.inf
    for number, start in enumerate(starts, 1):
        objective = search_every_block(similarity, start)
        best = max(best, objective)
        print(f"exhaustive search {number} of {len(starts)}: {objective:.6f}", flush=True)
    return best


def first_calls_s() -> tuple[float, float]:
    """Return the seconds of a first call that has to compile, and of one that finds that done."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        command = [sys.executable, "-c", FIRST_CALL]
        compiling, cached = (
            float(subprocess.run(command, env=environment, check=True, stdout=-1).stdout)
            for _ in range(2)
        )
    return compiling, cached


def neighbour_correlation(similarity: np.ndarray, order: np.ndarray) -> float:
    return float(similarity[order[:-1], order[1:]].mean())


def order_by_rastermap(activity: np.ndarray) -> tuple[np.ndarray, float]:
    from rastermap import Rastermap

    print("Rastermap with n_clusters=None: this takes minutes", flush=True)
    start = time.perf_counter()
    model = Rastermap(n_clusters=None, n_PCs=64, locality=0.0, time_lag_window=0, verbose=False)
    order = model.fit(np.ascontiguousarray(activity.T)).isort
    return np.asarray(order), time.perf_counter() - start


def main() -> None:
    activity = simulate(135, seed=0)
    ours = order_raster(activity, RasterOrder(), seed=0)
    timing = measure(lambda: order_raster(activity, RasterOrder(), seed=0))
    compiling_s, cached_s = first_calls_s()
    speed = time_row("speed/raster_order_135", 1.0, timing)
    speed.peers |= {"first call compiling": compiling_s, "first call of a process": cached_s}
    best, peers = best_of_many(ours), {}
    neighbours = {"spikeloop": neighbour_correlation(ours.similarity, ours.order)}
    if "--no-peer" not in sys.argv and find_spec("rastermap"):
        theirs, peer_s = order_by_rastermap(activity)
        objective = order_objective(ours.similarity, theirs)
        best = max(best, objective)
        speed.peers["rastermap"], peers["rastermap"] = peer_s, objective / best
        neighbours["rastermap"] = neighbour_correlation(ours.similarity, theirs)
    fraction = ours.objective / best
    peers |= {"start": ours.start_objective / best}
    peers |= {f"neighbours' correlation, {name}": value for name, value in neighbours.items()}
    accuracy = Row(
        "accuracy/raster_order_135_fraction_of_best",
        ">= 0.99",
        fraction,
        "of best",
        fraction >= 0.99,
        peers=peers,
    )
    large = simulate(2000, seed=1)
    slow = measure(lambda: order_raster(large, RasterOrder(), seed=0), repeats=1, warmup=0)
    publish([speed, accuracy, time_row("speed/raster_order_2000", 60.0, slow)])


if __name__ == "__main__":
    main()
