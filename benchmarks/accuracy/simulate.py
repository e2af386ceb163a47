"""The engines beside Brian2: single neurons tick by tick, and COBA on the very same network.

Of COBA (4,000 neurons, exponential Euler), Brian2 gets the synapses and the state at the start that
the event engine has. It computes in float64, spikeloop in float32. All spikes are the same until
rounding moves the first of them by a tick; from then on only what is typical of the network is.
Compared are the neurons' rates, the coefficients of variation of their intervals, and the
correlations of disjoint pairs (counts in 5 ms): the means over several networks, and the
distributions by the distance of Kolmogorov and Smirnov. It has no probability here, for neurons of
one network wax and wane together; so it is held against the distance between two runs of spikeloop
itself, in one of which all neurons start 0.01 mV higher.

    python benchmarks/accuracy/simulate.py [--quick]
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.stats import ks_2samp

sys.path.insert(0, str(Path(__file__).parents[1]))
from brian2_networks import coba_neurons
from brian2_neurons import CASES, run_in_double, run_ours, run_theirs
from record import Row, publish

from spikeloop.simulate import Simulation
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.benchmark_networks import coba

N_NEURONS, SKIPPED_S, BIN_MS, DT_MS = 4000, 0.5, 5.0, 0.1
DURATION_S, N_NETWORKS = (2.0, 2) if "--quick" in sys.argv else (10.0, 6)
MEASURES = ("rate_hz", "cv_of_intervals", "pair_correlation")

Spikes = tuple[np.ndarray, np.ndarray]
"""Ticks, ascending, and neurons."""


def run_engine(engine: EventEngine) -> Spikes:
    spikes = engine.run().spikes
    return np.rint(spikes.times_s * 1000 / DT_MS).astype(int), spikes.unit_index


def run_brian2(engine: EventEngine) -> Spikes:
    """Run the network of `engine` by Brian2."""
    import brian2

    brian2.prefs.codegen.target = "auto"
    brian2.defaultclock.dt = DT_MS * brian2.ms
    cells = coba_neurons(N_NEURONS, "exponential_euler", refractory_ms=5.0 + DT_MS)
    memory, wiring = engine.memory, engine.wiring
    rows = ["receptor 0 row", "receptor 1 row"]
    for name, row, unit in zip(
        ("v", "ge", "gi"), ("state v", *rows), (brian2.mV, brian2.nS, brian2.nS), strict=True
    ):
        start = memory.column(memory.flat, 0, row, N_NEURONS)[:N_NEURONS]
        setattr(cells, name, start.astype(float) * unit)
    counts = np.diff(wiring.starts[0, 0])
    source = np.repeat(np.arange(len(counts)), counts)
    synapses = []
    for row, effect in zip(rows, ("ge += 6*nS", "gi += 67*nS"), strict=True):
        target = wiring.targets.astype(int) - memory.places[0, row]
        ours = (target >= 0) & (target < N_NEURONS)
        synapses.append(brian2.Synapses(cells, cells, on_pre=effect))
        synapses[-1].connect(i=source[ours], j=target[ours])
    spikes = brian2.SpikeMonitor(cells)
    brian2.Network(cells, synapses, spikes).run(DURATION_S * brian2.second)
    return np.rint(spikes.t / brian2.ms / DT_MS).astype(int), np.asarray(spikes.i)


def same_until_ms(one: Spikes, other: Spikes) -> float:
    """Return when, for the first time, not the same neurons fire."""
    a, b = (np.sort(ticks * N_NEURONS + neurons) for ticks, neurons in (one, other))
    n = min(len(a), len(b))
    differ = np.flatnonzero(a[:n] != b[:n])
    if differ.size == 0:
        return DURATION_S * 1000
    return float(min(a[differ[0]], b[differ[0]]) // N_NEURONS * DT_MS)


def measures(spikes: Spikes) -> dict[str, np.ndarray]:
    """Return the rate and the CV of neurons, and the correlation of pairs of them."""
    ticks, neurons = spikes
    late = ticks >= SKIPPED_S * 1000 / DT_MS
    ticks, neurons = ticks[late], neurons[late]
    rate_hz = np.bincount(neurons, minlength=N_NEURONS) / (DURATION_S - SKIPPED_S)
    order = np.lexsort((ticks, neurons))
    interval = np.diff(ticks[order])[np.diff(neurons[order]) == 0]
    owner = neurons[order][1:][np.diff(neurons[order]) == 0]
    n, total, squares = (
        np.bincount(owner, weights, N_NEURONS) for weights in (None, interval, interval**2.0)
    )
    enough = n >= 5
    mean = total[enough] / n[enough]
    cv = np.sqrt(np.maximum(squares[enough] / n[enough] - mean**2, 0)) / mean
    return {
        "rate_hz": rate_hz,
        "cv_of_intervals": cv,
        "pair_correlation": correlations(ticks, neurons),
    }


def correlations(ticks: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    """Return the correlations of the counts of disjoint pairs of neurons, the same each time."""
    n_bins = round((DURATION_S - SKIPPED_S) * 1000 / BIN_MS)
    which = ((ticks * DT_MS - SKIPPED_S * 1000 + DT_MS / 2) // BIN_MS).astype(int)
    counts = np.bincount(neurons * n_bins + which, minlength=N_NEURONS * n_bins)
    counts = counts.reshape(N_NEURONS, n_bins).astype(float)
    counts -= counts.mean(axis=1, keepdims=True)
    one, other = counts[np.random.default_rng(0).permutation(N_NEURONS).reshape(2, -1)]
    scale = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    return (one * other).sum(1)[scale > 0] / scale[scale > 0]


def coba_rows() -> list[Row]:
    network, method = coba(N_NEURONS), Simulation(DURATION_S, DT_MS, threads=1)
    found, same_ms = [], []
    for seed in range(N_NETWORKS):
        engine = EventEngine(network, method, seed=seed)
        ours, theirs = run_engine(engine), run_brian2(engine)
        engine.memory.column(engine.memory.flat, 0, "state v", N_NEURONS)[:] += 0.01
        found.append([measures(spikes) for spikes in (ours, theirs, run_engine(engine))])
        same_ms.append(same_until_ms(ours, theirs))
        print(
            f"network {seed}: {len(ours[0])} and {len(theirs[0])} spikes, the same for "
            f"{same_ms[-1]:.1f} ms",
            flush=True,
        )
    rows = [row for name in MEASURES for row in measure_rows(name, found)]
    rows[0].peers |= {"all spikes the same for ms, from": min(same_ms), "to": max(same_ms)}
    return rows


def measure_rows(name: str, found: list[list[dict[str, np.ndarray]]]) -> list[Row]:
    """Return how far the means, and the distributions, of one measure are apart."""
    means = np.array([[runs[name].mean() for runs in network] for network in found])
    apart = abs(_in_standard_errors(means[:, 0] - means[:, 1]))
    distance, itself = (
        np.array([ks_2samp(network[0][name], network[k][name]).statistic for network in found])
        for k in (1, 2)
    )
    excess = _in_standard_errors(distance - itself)
    mean_row = Row(
        f"accuracy/simulate_coba_{name}_mean",
        "<= 3",
        apart,
        "standard errors",
        apart <= 3,
        peers={"mean, spikeloop": means[:, 0].mean(), "mean, Brian2": means[:, 1].mean()},
    )
    distribution_row = Row(
        f"accuracy/simulate_coba_{name}_distance",
        "<= 3",
        excess,
        "standard errors above spikeloop and itself",
        excess <= 3,
        peers={"distance": distance.mean(), "of spikeloop and itself": itself.mean()},
    )
    return [mean_row, distribution_row]


def _in_standard_errors(differences: np.ndarray) -> float:
    """Return the mean over networks in units of its standard error."""
    return float(differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences))))


def neuron_rows() -> list[Row]:
    """Return how far single neurons are from Brian2's numpy target, tick by tick."""
    rows = []
    for name, case in CASES.items():
        theirs = run_theirs(case)
        ours = {engine: run_ours(case, engine) for engine in ("event", "scan")}
        apart = {engine: run.farthest(theirs, case.upswing_ticks) for engine, run in ours.items()}
        n_spikes = sum(map(len, theirs.ticks))
        peers = {"scan engine": apart["scan"], "spikes": n_spikes}
        if case.upswing_ticks:
            peers["event engine, with the upswing"] = ours["event"].farthest(theirs)
        if case.upswing_ticks and not case.receptors:
            peers["in float64, with the upswing"] = run_in_double(case).farthest(theirs)
        met = max(apart.values()) <= 1e-4 and all(run.same_spikes(theirs) for run in ours.values())
        rows.append(
            Row(
                f"accuracy/simulate_neuron_{name.lower().replace(',', '').replace(' ', '_')}",
                "<= 0.0001, same spikes",
                apart["event"],
                "of the range",
                met,
                peers=peers,
            )
        )
    return rows


def main() -> None:
    if not find_spec("brian2"):
        print("Brian2 is not installed, and all of this is a comparison with it: nothing done")
        return
    publish(neuron_rows() + coba_rows())


if __name__ == "__main__":
    main()
