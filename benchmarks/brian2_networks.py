"""The networks of `simulate.networks.benchmark_networks` written for Brian2, and ways to run them.

Each is written as Brian2's users write it: connections drawn by Brian2, float64, a monitor of all
spikes. Brian2 delivers a spike without delay at the end of the tick, which is spikeloop's one tick;
its refractory neuron is held for one tick less (see `brian2_neurons.py`).

    python benchmarks/brian2_networks.py build '{"name": "coba", "n_neurons": 4000}' FOLDER
    python benchmarks/brian2_networks.py cython '{"name": "izhikevich"}'

prints JSON: ``build`` makes the C++ program FOLDER/main, ``cython`` runs the network here.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

COBA = """
dv/dt = ((ge * (0*mV - v) + gi * (-80*mV - v)) / gl + El - v) / (20*ms) : volt (unless refractory)
dge/dt = -ge / (5*ms) : siemens
dgi/dt = -gi / (10*ms) : siemens
"""
IZHIKEVICH = """
dv/dt = (0.04 * v**2 + 5 * v + 140 - u + ge * (0 - v) + gi * (-85 - v)) / ms : 1
du/dt = a * (0.2 * v - u) / ms : 1
dge/dt = -ge / (10*ms) : 1
dgi/dt = -gi / (10*ms) : 1
a : 1 (constant)
d : 1 (constant)
"""


@dataclass(frozen=True)
class Peer:
    """A network for Brian2 to build and run."""

    name: str = "coba"
    """``coba`` or ``izhikevich``."""
    n_neurons: int = 4000
    duration_s: float = 1.0
    method: str = "exponential_euler"
    """Of the integration."""
    threads: int = 1
    """Of the C++ program."""
    bits: int = 64
    """Of a floating-point number."""

    def as_json(self) -> str:
        """Return what the command line takes."""
        return json.dumps(asdict(self))


def network(peer: Peer):
    """Return Brian2's network, of which the monitor of spikes is called ``spikes``."""
    import brian2

    brian2.defaultclock.dt = (0.1 if peer.name == "coba" else 0.5) * brian2.ms
    parts = coba(peer) if peer.name == "coba" else izhikevich(peer)
    return brian2.Network(*parts, brian2.SpikeMonitor(parts[0], name="spikes"))


def coba_neurons(n_neurons: int, method: str, refractory_ms: float = 5.0):
    """Return the neurons of COBA, as yet without a state."""
    import brian2

    return brian2.NeuronGroup(
        n_neurons,
        COBA,
        threshold="v >= -50*mV",
        reset="v = El",
        refractory=refractory_ms * brian2.ms,
        method=method,
        namespace={"El": -60 * brian2.mV, "gl": 10 * brian2.nS},
    )


def coba(peer: Peer) -> list:
    import brian2

    cells = coba_neurons(peer.n_neurons, peer.method)
    n_excitatory = round(0.8 * peer.n_neurons)
    cells.v = "(-65 + 5 * randn()) * mV"
    cells.ge = "(40 + 15 * randn()) * nS"
    cells.gi = "(200 + 120 * randn()) * nS"
    excitatory = brian2.Synapses(cells[:n_excitatory], cells, on_pre="ge += 6*nS")
    inhibitory = brian2.Synapses(cells[n_excitatory:], cells, on_pre="gi += 67*nS")
    for synapses in (excitatory, inhibitory):
        synapses.connect(p=80 / peer.n_neurons)
    return [cells, excitatory, inhibitory]


def izhikevich(peer: Peer) -> list:
    import brian2

    n_excitatory = round(0.8 * peer.n_neurons)
    cells = brian2.NeuronGroup(
        peer.n_neurons,
        IZHIKEVICH,
        threshold="v >= 35",
        reset="v = -65; u += d",
        method=peer.method,
    )
    cells.v, cells.u = -70, -14
    cells.a, cells.d = (
        f"0.02 + 0.08 * int(i >= {n_excitatory})",
        f"8 - 6 * int(i >= {n_excitatory})",
    )
    rate = brian2.TimedArray([0, 0, 2, 2, 2, 2, 2, 0] * brian2.Hz, dt=100 * brian2.ms)
    inputs = brian2.PoissonGroup(100, rates="rate(t)", namespace={"rate": rate})
    feed = brian2.Synapses(inputs, cells, on_pre="ge += 0.07")
    excitatory = brian2.Synapses(cells[:n_excitatory], cells, "w : 1", on_pre="ge += w")
    inhibitory = brian2.Synapses(cells[n_excitatory:], cells, "w : 1", on_pre="gi += w")
    for synapses in (feed, excitatory, inhibitory):
        synapses.connect(p=0.1)
    for synapses in (excitatory, inhibitory):
        synapses.w = "rand()"  # a gamma variable of shape 2 is the sum of two exponentials
        synapses.w = "-0.003 * log(w * rand())"
    inhibitory.w = f"w * (1 + int(j < {n_excitatory}))"
    return [cells, inputs, feed, excitatory, inhibitory]


def build(peer: Peer, folder: Path) -> dict[str, float]:
    """Make the C++ program of a network; return the seconds that this took, imports apart."""
    import brian2

    started = time.perf_counter()
    brian2.set_device("cpp_standalone", build_on_run=False)
    brian2.prefs.devices.cpp_standalone.openmp_threads = peer.threads if peer.threads > 1 else 0
    _set_precision(peer)
    net = network(peer)
    net.run(peer.duration_s * brian2.second)
    brian2.device.build(directory=str(folder), run=False)
    return {"build_s": time.perf_counter() - started}


def run_here(peer: Peer) -> dict[str, float]:
    """Run a network by compiled Cython; return the seconds of its loop over time."""
    import brian2

    brian2.prefs.codegen.target = "cython"
    _set_precision(peer)
    net = network(peer)
    net.run(0 * brian2.second)
    started = time.process_time()
    net.run(peer.duration_s * brian2.second)
    return {
        "run_s": brian2.device._last_run_time,
        "cpu_s": time.process_time() - started,
        "rate_hz": net["spikes"].num_spikes / peer.n_neurons / peer.duration_s,
    }


def _set_precision(peer: Peer) -> None:
    import brian2
    import numpy as np

    brian2.prefs.core.default_float_dtype = np.float32 if peer.bits == 32 else np.float64


if __name__ == "__main__":
    wanted = Peer(**json.loads(sys.argv[2]))
    done = build(wanted, Path(sys.argv[3])) if sys.argv[1] == "build" else run_here(wanted)
    sys.stdout.write(json.dumps(done) + "\n")
