"""``spikeloop simulate WHAT --out DIR``."""

import sys

from spikeloop.cli.kinds import Kind, KindsCommand
from spikeloop.errors import SpikeloopError

_SETTINGS = "spikeloop.workflows.network_settings"
_RUN = "spikeloop.workflows.simulate_network:run_network"

KINDS = {
    "step": Kind(
        "one neuron, and a step of current",
        "Show how an Izhikevich neuron answers a step of current: potential, recovery and spikes.",
        f"{_SETTINGS}:StepConfig",
        _RUN,
    ),
    "synapses": Kind(
        "one neuron, and synapses from Poisson inputs",
        "Drive an Izhikevich neuron by Poisson inputs: their spikes, the conductance and current "
        "of its synapses, and its potential.",
        f"{_SETTINGS}:SynapsesConfig",
        _RUN,
    ),
    "population": Kind(
        "1000 neurons that share their inputs",
        "Drive unconnected neurons, 4 of 5 excitatory, by random tenths of the same inputs.",
        f"{_SETTINGS}:PopulationConfig",
        _RUN,
    ),
    "network": Kind(
        "1000 neurons that excite and inhibit each other too",
        "Drive a recurrent network of Izhikevich neurons, 4 of 5 excitatory, by Poisson inputs.",
        f"{_SETTINGS}:NetworkConfig",
        _RUN,
    ),
    "coba": Kind(
        "4000 neurons that keep each other awake",
        "Simulate the network of Vogels and Abbott (2005), on which simulators are compared: "
        "rates, intervals and correlations, and how fast it runs.",
        f"{_SETTINGS}:CobaConfig",
        _RUN,
    ),
    "recording": Kind(
        "an extracellular recording, with its ground truth",
        "Make a recording whose spikes are known: units beside a probe, drift, noise and a "
        "background of far units. The folder opens in spikeloop and in SpikeInterface.",
        "spikeloop.workflows.recording_settings:RecordingJob",
        "spikeloop.workflows.simulate_recording:run_recording",
    ),
}
"""What follows ``spikeloop simulate``."""

COMMAND = KindsCommand(
    "simulate",
    about="Simulate neurons, networks and recordings; each makes a results folder with a report.",
    noun="what",
    verb="simulate",
    example="spikeloop simulate network --out network",
    kinds=KINDS,
)


def main(words: list[str]) -> int:
    """Simulate something; the path of the results folder goes to stdout."""
    code, finished = COMMAND.run(words)
    if finished is None:
        return code
    sys.stdout.write(f"{finished.out}\n")
    if finished.status != "done":
        raise SpikeloopError(f"the simulation {finished.status} What it did is in {finished.out}.")
    return 0
