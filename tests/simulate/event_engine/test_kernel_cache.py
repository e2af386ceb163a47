"""Compiled kernels come back from the disk in another process, whoever wrote the neuron."""

import os
import subprocess
import sys

import pytest

OWN_NEURON = """
from spikeloop.neurons import Neuron
from spikeloop.simulate import Network, Population, Simulation, simulate_network

def step(state, inputs, p, dt_ms):
    return (state[0] + dt_ms * (inputs.current - state[0]) / p.tau,)

neuron = Neuron({"v": 0.0}, {"tau": 5.0}, step, lambda s, p: s[0] > 1.0, lambda s, p: (0.0,))
network = Network([Population("a", 1, neuron, current=2.0)])
print(len(simulate_network(network, Simulation(0.1, 0.5), seed=0).spikes.times_s))
"""
SCRIPT = f"exec({OWN_NEURON!r}, {{'__name__': 'a_module_that_is_gone'}})"


def run(folder):
    """Run the script in a process of its own; return what it printed, and when kernels were made."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    kernels = sorted(folder.rglob("kernel.*.nbc"))
    return int(done.stdout), {path: path.stat().st_mtime_ns for path in kernels}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    return folder, *run(folder)


def test_another_process_finds_the_kernel(compiled):
    folder, n_spikes, kernels = compiled
    assert n_spikes == 28  # every 7 ticks: 1 - 0.9^7 > 1/2, and 0.1 s are 200 ticks
    assert len(kernels) == 1
    assert run(folder) == (n_spikes, kernels)


def test_a_damaged_kernel_is_made_anew(compiled):
    folder, n_spikes, kernels = compiled
    (kernel,) = kernels
    kernel.write_bytes(kernel.read_bytes()[:1000])
    again, anew = run(folder)
    assert again == n_spikes
    assert anew[kernel] > kernels[kernel]
