"""Build one COBA network in a process of its own: how long that takes, and how much memory.

    python benchmarks/speed/simulate_size.py '{"n_neurons": 1000000, "synapses_per_neuron": 100}'

prints JSON. Memory is that of the whole process: at its peak, and what is left when the network is
ready to run.
"""

import ctypes
import json
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from spikeloop.numerics.draws import Uniform
from spikeloop.simulate import Simulation
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.benchmark_networks import coba


@dataclass(frozen=True)
class Size:
    """What to build, and for how long to run it."""

    n_neurons: int
    synapses_per_neuron: float
    own_delays: bool = False
    """Whether each synapse has a delay of its own, of 0.1 to 2 ms."""
    duration_s: float = 0.1


def resident_bytes() -> int:
    """Return how much memory this process needs now: what glibc keeps for later is given back."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def measure_size(size: Size) -> dict[str, float]:
    """Build the network of that size, and run it."""
    delay_ms = Uniform(0.1, 2.0) if size.own_delays else None
    # What it takes to compile is no part of the network; so compile for a small one before.
    few = coba(100, synapses_per_neuron=10, delay_ms=delay_ms)
    EventEngine(few, Simulation(size.duration_s), seed=0).run()
    network = coba(size.n_neurons, synapses_per_neuron=size.synapses_per_neuron, delay_ms=delay_ms)
    started = time.perf_counter()
    engine = EventEngine(network, Simulation(size.duration_s), seed=0)
    built_s = time.perf_counter() - started
    resident = resident_bytes()
    wiring = engine.wiring
    activity = engine.run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "build_s": built_s,
        "run_s": activity.timings_s["run"],
        "resident_bytes": resident,
        "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024),
        "n_synapses": len(wiring.targets),
        "array_bytes": sum(
            part.nbytes
            for part in (wiring.targets, wiring.weights, wiring.own_delays, wiring.starts)
        ),
        "rate_hz": len(activity.spikes.times_s) / size.n_neurons / size.duration_s,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_size(Size(**json.loads(sys.argv[1])))) + "\n")
