"""Time the scan engine: one network, many seeds, a batch of inputs, and a gradient.

Run alone: ``python benchmarks/speed/scan.py``. The event engine runs the same networks beside it.
"""

import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from record import measure

from spikeloop.neurons import LIF, Exponential, Izhikevich
from spikeloop.numerics.draws import Gamma, Normal
from spikeloop.simulate import (
    AllToAll,
    Network,
    Poisson,
    Population,
    Probability,
    Projection,
    Simulation,
    Source,
    Step,
)
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.scan_engine.engine import ScanEngine, run_many
from spikeloop.simulate.scan_engine.network_function import network_function

SEEDS = range(16)


def recurrent(n):
    """Return experiment 5's network of n neurons."""
    receptors = {
        "excitation": Exponential(10.0, reversal=0.0, integrator="euler"),
        "inhibition": Exponential(10.0, reversal=-85.0, integrator="euler"),
    }
    weight = Gamma(2.0, 3.0 / n)
    projections = [
        Projection("input", target, "excitation", Probability(0.1), 0.07) for target in "ei"
    ]
    projections += [
        Projection(source, target, receptor, Probability(0.1), weight)
        for source, receptor in (("e", "excitation"), ("i", "inhibition"))
        for target in "ei"
    ]
    return Network(
        [
            Population("e", 4 * n // 5, Izhikevich(), receptors),
            Population("i", n // 5, Izhikevich(a=0.1, d=2.0), receptors),
        ],
        projections,
        [Source("input", 100, Poisson(Step(2.0, 200.0, 700.0)))],
    )


def trained():
    """Return 200 inputs -> 30 -> 12, as a network that learns to locate sounds."""
    model = LIF(5.0, v_rest=0.0, v_reset=0.0, v_threshold=1.0)
    receptors = {"syn": Exponential(5.0)}
    return Network(
        [Population(name, size, model, receptors) for name, size in (("hidden", 30), ("out", 12))],
        [
            Projection("ears", "hidden", "syn", AllToAll(), Normal(0.1, 0.1)),
            Projection("hidden", "out", "syn", AllToAll(), Normal(0.1, 0.1)),
        ],
        [Source("ears", 200, Poisson(225.0))],
    )


def say(what, timing):
    print(f"{what}: {1e3 * timing.median_s:.2f} ms ({1e3 * timing.median_cpu_s:.2f} ms CPU)")


def one_network():
    method = Simulation(1.0, 0.5)
    for n in (200, 1000):
        for engine in (EventEngine, ScanEngine):
            ready = engine(recurrent(n), method, seed=0)
            say(f"{n} neurons, 1 s, {engine.__name__}", measure(ready.run))


def many_seeds():
    network, method = recurrent(200), Simulation(1.0, 0.5)
    engines = [ScanEngine(network, method, seed=seed) for seed in SEEDS]
    say("16 seeds of 200 neurons, one by one", measure(lambda: [e.run() for e in engines]))
    many = measure(lambda: run_many(network, method, seeds=SEEDS))
    say("16 seeds of 200 neurons, at once, with building", many)
    print(
        f"  of which {1e3 * run_many(network, method, seeds=SEEDS)[0].timings_s['run']:.2f} ms run"
    )


def batch_and_gradient():
    start, simulate = network_function(trained(), Simulation(0.1, 1.0), seed=0)
    events = np.random.default_rng(0).poisson(0.225, (64, 100, 200)).astype(np.float32)

    def loss(weights, events):
        def one(events):
            return simulate(start._replace(weights=weights, events=events)).spikes["out"].sum(0)

        return (jax.vmap(one)(events) ** 2).mean()

    forward, step = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    for what, function in (("forward", forward), ("forward and gradient", step)):
        single = measure(lambda f=function: jax.block_until_ready(f(start.weights, events[:1])))
        batch = measure(lambda f=function: jax.block_until_ready(f(start.weights, events)))
        say(f"200-30-12, 100 ticks, {what}, batch of 1", single)
        say(f"200-30-12, 100 ticks, {what}, batch of 64", batch)


if __name__ == "__main__":
    one_network()
    many_seeds()
    batch_and_gradient()
