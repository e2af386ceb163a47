"""``spikeloop simulate WHAT --out DIR``."""

import difflib
import shlex
import sys
from dataclasses import dataclass, make_dataclass
from importlib import import_module

from spikeloop.errors import SpikeloopError

_SETTINGS = "spikeloop.workflows.network_settings"


@dataclass(frozen=True)
class Kind:
    """Something that can be simulated, and where its settings and its workflow are."""

    what: str
    """A line for the list."""
    about: str
    """More, for its own help."""
    config: str
    """Name of its settings."""
    module: str = _SETTINGS
    """Where they are defined."""
    run: str = "spikeloop.workflows.simulate_network:run_network"
    """The workflow: (out, config, ...) -> `Finished`."""


KINDS = {
    "step": Kind(
        "one neuron, and a step of current",
        "Show how an Izhikevich neuron answers a step of current: potential, recovery and spikes.",
        "StepConfig",
    ),
    "synapses": Kind(
        "one neuron, and synapses from Poisson inputs",
        "Drive an Izhikevich neuron by Poisson inputs: their spikes, the conductance and current "
        "of its synapses, and its potential.",
        "SynapsesConfig",
    ),
    "population": Kind(
        "1000 neurons that share their inputs",
        "Drive unconnected neurons, 4 of 5 excitatory, by random tenths of the same inputs.",
        "PopulationConfig",
    ),
    "network": Kind(
        "1000 neurons that excite and inhibit each other too",
        "Drive a recurrent network of Izhikevich neurons, 4 of 5 excitatory, by Poisson inputs.",
        "NetworkConfig",
    ),
    "coba": Kind(
        "4000 neurons that keep each other awake",
        "Simulate the network of Vogels and Abbott (2005), on which simulators are compared: "
        "rates, intervals and correlations, and how fast it runs.",
        "CobaConfig",
    ),
    "recording": Kind(
        "an extracellular recording, with its ground truth",
        "Make a recording whose spikes are known: units beside a probe, drift, noise and a "
        "background of far units. The folder opens in spikeloop and in SpikeInterface.",
        "RecordingJob",
        "spikeloop.workflows.recording_settings",
        "spikeloop.workflows.simulate_recording:run_recording",
    ),
}
"""What follows ``spikeloop simulate``."""

_HELP = """usage: spikeloop simulate [-h] {{{names}}} [OPTIONS]

Simulate neurons, networks and recordings; each makes a results folder with a report.

what:
{kinds}

options:
  -h, --help       show this text; spikeloop simulate WHAT --help tells the options of each

Example:
  spikeloop simulate network --out network
"""


def main(words: list[str]) -> int:
    """Simulate something; the path of the results folder goes to stdout."""
    name = words[0] if words else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(help_text())
        return 0
    if name not in KINDS:
        sys.stderr.write(f"spikeloop simulate: {_advice(name)}\n")
        return 2
    given, config = _parse(name, words[1:])
    module, run = KINDS[name].run.split(":")
    finished = getattr(import_module(module), run)(
        given.output.out,
        config,
        overwrite=given.output.overwrite,
        resume=given.output.resume,
        command=shlex.join(["spikeloop", "simulate", *words]),
    )
    sys.stdout.write(f"{finished.out}\n")
    if finished.status != "done":
        raise SpikeloopError(f"the simulation {finished.status} What it did is in {finished.out}.")
    return 0


def help_text() -> str:
    """Return what ``spikeloop simulate --help`` says."""
    kinds = "\n".join(f"  {name:<16} {kind.what}" for name, kind in KINDS.items())
    return _HELP.format(names=",".join(KINDS), kinds=kinds)


def _advice(name: str) -> str:
    if name.startswith("-"):
        return f"say what to simulate: {', '.join(KINDS)}; try spikeloop simulate --help"
    near = difflib.get_close_matches(name, KINDS, n=1)
    advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(KINDS)}"
    return f"there is no {name!r}; {advice}"


def _parse(name: str, words: list[str]) -> tuple:
    from spikeloop.cli.arguments import Command, Flags, Output, parse

    kind = KINDS[name]
    config_type = getattr(import_module(kind.module), kind.config)
    # The settings of the kind, and where the results go: all of them flags without a prefix.
    arguments_type = make_dataclass(
        "Arguments", [("output", Flags[Output])], bases=(config_type,), frozen=True, kw_only=True
    )
    example = f"spikeloop simulate {name} --out {name}-results"
    command = Command(f"simulate {name}", kind.about, example)
    return parse(words, command, arguments_type, config_type)
