"""Networks beside Brian2, in one run: 1000 Izhikevich neurons, and COBA from 4,000 to 1,000,000.

The two take turns, with other random numbers each time; medians and ranges are of the loop over
time alone. Brian2's are its own count, which its C++ program takes of CPU time where it has one
thread; the row of how many times faster spikeloop is holds our wall-clock time against that, which
flatters Brian2. A first call is a whole process: import, build, compile, run. Brian2 runs where it
is installed, with the options that it comes with, in float64; spikeloop computes in float32, so
that Brian2 is also timed with floats of 32 bits. What others published for COBA with 4,000 neurons,
on other machines, is quoted in seconds per second of the network.

    python benchmarks/speed/simulate.py [--quick] [--no-peer]
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from brian2_networks import Peer
from record import Row, publish
from simulate_size import Size

from spikeloop.simulate import Network, Simulation
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.benchmark_networks import coba, izhikevich_network

HERE = Path(__file__).parent
QUICK, PEERS = "--quick" in sys.argv, "--no-peer" not in sys.argv and bool(find_spec("brian2"))
REPEATS = 3 if QUICK else 9
PUBLISHED = {
    "published, Spike (GPU)": 0.037,
    "published, GeNN (GTX 1070)": 0.084,
    "published, Brian2 C++": 0.24,
    "published, BrainPy (CPU)": 0.44,
}
FIRST_CALL = """
from spikeloop.simulate import Simulation, simulate_network
from spikeloop.simulate.networks.benchmark_networks import izhikevich_network
simulate_network(izhikevich_network(), Simulation(1.0, dt_ms=0.5), seed=0)
"""


class Lap(NamedTuple):
    """One run: seconds per second of the network, and spikes per neuron and second."""

    wall: float
    cpu: float
    rate_hz: float


def our_lap(network: Network, method: Simulation, seed: int) -> Lap:
    engine = EventEngine(network, method, seed=seed)
    started = time.process_time()
    activity = engine.run()
    cpu_s = time.process_time() - started
    n_spikes = len(activity.spikes.times_s)
    return Lap(
        activity.timings_s["run"] / method.duration_s,
        cpu_s / method.duration_s,
        n_spikes / network.n_neurons / method.duration_s,
    )


def program_lap(peer: Peer, folder: Path, seed: int) -> Lap:
    """Run the C++ program that Brian2 made; it seeds itself."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(folder / "main"), "--results_dir", str(folder / "results") + "/"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_s = float((folder / "results" / "last_run_info.txt").read_text().split()[0])
    (counted,) = (folder / "results").glob("_array_spikes_N_*")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    n_spikes = int(np.fromfile(counted, np.int32)[0])
    return Lap(
        run_s / peer.duration_s,
        cpu_s / peer.duration_s,
        n_spikes / peer.n_neurons / peer.duration_s,
    )


def run_python(*arguments: str, environment: dict[str, str] | None = None) -> tuple[float, str]:
    """Run a Python of its own; return its seconds from start to end, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | (environment or {}),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return time.perf_counter() - started, done.stdout


def build_program(peer: Peer, folder: Path) -> float:
    """Make Brian2's program; return the seconds of the whole process."""
    print(f"Brian2 builds {peer}", flush=True)
    script = str(HERE.parent / "brian2_networks.py")
    return run_python(script, "build", peer.as_json(), str(folder))[0]


def cython_lap(peer: Peer) -> float:
    """Return Brian2's seconds per second of the network by its Cython target."""
    script = str(HERE.parent / "brian2_networks.py")
    return json.loads(run_python(script, "cython", peer.as_json())[1])["run_s"] / peer.duration_s


def race(runners: dict[str, Callable[[int], Lap]], repeats: int) -> dict[str, list[Lap]]:
    """Let all take turns, after a lap to warm up."""
    laps = {name: [] for name in runners}
    for turn in range(repeats + 1):
        for name, run in runners.items():
            laps[name].append(run(turn))
    return {name: found[1:] for name, found in laps.items()}


def median(laps: list[Lap]) -> Lap:
    return Lap(*map(statistics.median, zip(*laps, strict=True)))


def row(name: str, limit: float, laps: dict[str, list[Lap]], unit: str, **more: float) -> Row:
    """Return the row of a race that spikeloop shall win within `limit`."""
    ours = median(laps["spikeloop"])
    peers = {f"{who}: loop": median(found).wall for who, found in laps.items()}
    peers |= {f"{who}: CPU": median(found).cpu for who, found in laps.items()}
    peers |= {f"{who}: spikes per neuron and s": median(f).rate_hz for who, f in laps.items()}
    del peers["spikeloop: loop"], peers["spikeloop: CPU"]
    walls = [lap.wall for lap in laps["spikeloop"]]
    return Row(
        f"speed/simulate_{name}",
        f"<= {limit:g}",
        ours.wall,
        unit,
        ours.wall <= limit,
        (min(walls), max(walls)),
        ours.cpu,
        peers | more,
    )


def times_faster(name: str, wanted: float, ours: float, theirs: float) -> Row:
    got = theirs / ours
    return Row(f"speed/simulate_{name}", f">= {wanted:g}", got, "times faster", got >= wanted)


def first_calls_s() -> tuple[list[float], list[float]]:
    """Return the seconds of whole processes that have to compile, and of those that need not."""
    compiling, cached = [], []
    for _ in range(2 if QUICK else 3):
        with tempfile.TemporaryDirectory() as cache:
            for found in (compiling, cached):
                environment = {"NUMBA_CACHE_DIR": cache}
                found.append(run_python("-c", FIRST_CALL, environment=environment)[0])
    return compiling, cached


def izhikevich_rows(scratch: Path) -> list[Row]:
    peer = Peer("izhikevich", 1000, method="euler")
    runners = {"spikeloop": partial(our_lap, izhikevich_network(), Simulation(1.0, dt_ms=0.5))}
    build_s, more = None, {}
    if PEERS:
        build_s = build_program(peer, scratch / "izhikevich")
        runners["Brian2 C++"] = partial(program_lap, peer, scratch / "izhikevich")
        more["Brian2 Cython: loop"] = cython_lap(peer)
    laps = race(runners, 2 * REPEATS)
    rows = [row("izhikevich_1000", 0.003, laps, "s", **more)]
    for name, limit, found in zip(
        ("compiling", "cached"), (3.0, 1.0), first_calls_s(), strict=True
    ):
        got = statistics.median(found)
        call = Row(
            f"speed/simulate_izhikevich_1000_first_call_{name}",
            f"<= {limit:g}",
            got,
            "s",
            got <= limit,
            (min(found), max(found)),
        )
        rows.append(call)
        if build_s is not None:
            call.peers["Brian2 C++: import, build, compile, run"] = build_s
    if build_s is not None:
        theirs = median(laps["Brian2 C++"])
        rows += [
            times_faster("izhikevich_1000_loop_beside_brian2", 2, rows[0].got, theirs.wall),
            times_faster("izhikevich_1000_process_beside_brian2", 10, rows[2].got, build_s),
        ]
        rows[-1].peers["where both have to compile"] = build_s / rows[1].got
    return rows


def coba_row(
    scratch: Path, n_neurons: int, limit: float, integrator: str, threads: int, duration_s: float
) -> Row:
    network = coba(n_neurons, integrator=integrator)
    method = Simulation(duration_s, threads=threads)
    runners = {"spikeloop": partial(our_lap, network, method)}
    more = dict(PUBLISHED) if n_neurons == 4000 else {}
    peer = Peer("coba", n_neurons, duration_s, integrator, threads)
    if PEERS:
        folder = scratch / f"coba_{n_neurons}_{integrator}_{threads}"
        build_program(peer, folder)
        runners["Brian2 C++"] = partial(program_lap, peer, folder)
    if PEERS and n_neurons == 4000:
        more["Brian2 Cython: loop"] = cython_lap(peer)
        single, folder = replace(peer, bits=32), scratch / f"coba_{integrator}_32_bits"
        build_program(single, folder)
        runners["Brian2 C++, 32 bits"] = partial(program_lap, single, folder)
    laps = race(runners, REPEATS if n_neurons == 4000 else 3 if n_neurons == 40_000 else 1)
    cores = "" if threads == 1 else f"_{threads}_threads"
    return row(f"coba_{n_neurons}_{integrator}{cores}", limit, laps, "s per s", **more)


def size_of(**size: float) -> dict[str, float]:
    wanted = json.dumps(asdict(Size(**size)))
    print(f"building {wanted}", flush=True)
    return json.loads(run_python(str(HERE / "simulate_size.py"), wanted)[1])


def memory_row(name: str, limit: float, own_delays: bool) -> Row:
    """Return the bytes that a synapse adds to a process that is ready to run."""
    size = {"n_neurons": 400_000, "own_delays": own_delays, "duration_s": 0.001}
    none, some = (size_of(synapses_per_neuron=k, **size) for k in (0, 80))
    got = (some["resident_bytes"] - none["resident_bytes"]) / some["n_synapses"]
    in_arrays = some["array_bytes"] / some["n_synapses"]
    return Row(
        f"speed/simulate_{name}",
        f"<= {limit:g}",
        got,
        "bytes per synapse",
        got <= limit,
        peers={"in the arrays of synapses": in_arrays},
    )


def million_rows() -> list[Row]:
    """Return how a million neurons with a hundred million synapses are built, and run."""
    big = size_of(n_neurons=1_000_000, synapses_per_neuron=100, duration_s=0.1)
    build_s, peak_gb = big["build_s"], big["peak_bytes"] / 1e9
    pace = {"run, s per s": big["run_s"] / 0.1, "spikes per neuron and s": big["rate_hz"]}
    return [
        Row("speed/simulate_million_build", "<= 60", build_s, "s", build_s <= 60, peers=pace),
        Row("speed/simulate_million_memory", "<= 6", peak_gb, "GB at the peak", peak_gb <= 6),
    ]


def main() -> None:
    if not PEERS:
        print("Brian2 is not installed, or not wanted: rows have no peers of this run")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        rows = izhikevich_rows(scratch)
        for integrator in ("euler", "exponential_euler"):
            rows.append(coba_row(scratch, 4000, 0.02, integrator, 1, 1.0))
        if not QUICK:
            for threads in (1, 2):
                rows.append(coba_row(scratch, 40_000, 0.35, "euler", threads, 0.5))
            rows.append(coba_row(scratch, 400_000, 5.0, "euler", 2, 0.2))
            rows.append(memory_row("bytes_per_synapse", 9, False))
            rows.append(memory_row("bytes_per_synapse_own_delays", 11, True))
            rows += million_rows()
    publish(rows)


if __name__ == "__main__":
    main()
