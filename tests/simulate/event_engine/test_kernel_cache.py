"""Compiled kernels come back from the disk in another process: the right one, whoever wrote it."""

import os
import subprocess
import sys

import pytest

from spikeloop.neurons.single_precision import single_precision
from spikeloop.simulate import Simulation
from spikeloop.simulate.event_engine.columns import in_place, inlined
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.benchmark_networks import coba

INTEGRATOR_NAMES = ("euler", "exponential_euler")
OWN_NEURON = """
import sys
from spikeloop.neurons import Neuron
from spikeloop.simulate import Network, Population, Simulation, simulate_network

def step(state, inputs, p, dt_ms):
    return (state[0] + dt_ms * (inputs.current - state[0]) / p.tau,)

neuron = Neuron({"v": 0.0}, {"tau": 5.0}, step, lambda s, p: s[0] > 1.0, lambda s, p: (0.0,))
network = Network([Population("a", 1, neuron, current=2.0)])
print(len(simulate_network(network, Simulation(0.1, 0.5), seed=0).spikes.times_s))
"""
OF_A_MODULE_THAT_IS_GONE = f"exec({OWN_NEURON!r}, {{'__name__': 'gone'}})"
EVERY_7TH_OF_200_TICKS = "28\n"  # v grows to 2 (1 - 0.9^n), and so beyond 1 in 7 ticks
INTEGRATORS = """
import sys
from spikeloop.simulate import Simulation, simulate_network
from spikeloop.simulate.networks.benchmark_networks import coba

for integrator in sys.argv[1:]:
    network = coba(4000, integrator=integrator)
    print(len(simulate_network(network, Simulation(0.2), seed=0).spikes.times_s))
"""


def run(folder, script, *words):
    """Return what a process of its own prints, and the kernels that are on disk then."""
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=os.environ | {"NUMBA_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kernels = sorted(folder.rglob("kernel.*.nbc"))
    return done.stdout, {kernel: kernel.stat().st_mtime_ns for kernel in kernels}


def test_no_two_processes_give_compiled_code_the_same_name():
    # What is called is linked by name; whether a mix-up shows depends on what LLVM puts in place.
    process = f"_{os.getpid()}_"
    for compile_it in (inlined, in_place, single_precision):
        assert process in compile_it(lambda x: x).py_func.__qualname__
    networks = [coba(100, synapses_per_neuron=5.0, integrator=i) for i in INTEGRATOR_NAMES]
    kernels = [EventEngine(network, Simulation(0.001), seed=0).kernel for network in networks]
    names = [kernel.py_func.__qualname__ for kernel in kernels]
    assert len(set(names)) == len(INTEGRATOR_NAMES)
    assert all(
        name.endswith(kernel._cache._fingerprint[:16])
        for name, kernel in zip(names, kernels, strict=True)
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder with the kernel of our own neuron, and with all other compiled code of a network."""
    folder = tmp_path_factory.mktemp("cache")
    run(folder, INTEGRATORS, "euler")
    for kernel in folder.rglob("kernel.*"):
        kernel.unlink()
    spikes, kernels = run(folder, OF_A_MODULE_THAT_IS_GONE)
    assert spikes == EVERY_7TH_OF_200_TICKS
    assert len(kernels) == 1
    return folder, kernels


def test_another_process_finds_the_kernel(cache):
    folder, kernels = cache
    assert run(folder, OF_A_MODULE_THAT_IS_GONE) == (EVERY_7TH_OF_200_TICKS, kernels)


def test_a_damaged_kernel_is_made_anew(cache):
    folder, kernels = cache
    (kernel,) = kernels
    kernel.write_bytes(kernel.read_bytes()[:1000])
    assert run(folder, OF_A_MODULE_THAT_IS_GONE)[0] == EVERY_7TH_OF_200_TICKS
    assert kernel.stat().st_size > 1000


def test_kernels_that_were_each_the_first_of_a_process_are_not_mixed_up(cache):
    folder, _ = cache
    euler, _ = run(folder, INTEGRATORS, "euler")
    both, kernels = run(folder, INTEGRATORS, "euler", "exponential_euler")
    assert both.startswith(euler)
    assert len(set(both.split())) == 2
    assert run(folder, INTEGRATORS, "euler", "exponential_euler") == (both, kernels)
