"""Experiments whose truth is known.

In: a method with its settings, and a seed. Out: an `Experiment` as a recording would give it, and
the truth behind it.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `virtual_cortex.py`.
"""

from spikeloop.simulate.natural_patches import natural_patches
from spikeloop.simulate.receptive_fields import Gabors
from spikeloop.simulate.response_model import VirtualResponseModel
from spikeloop.simulate.spiking import spikes_from_rates, trial_gains
from spikeloop.simulate.virtual_cortex import (
    CorticalTruth,
    SimulatedCortex,
    VirtualCortex,
    simulate_cortex,
)

__all__ = [
    "CorticalTruth",
    "Gabors",
    "SimulatedCortex",
    "VirtualCortex",
    "VirtualResponseModel",
    "natural_patches",
    "simulate_cortex",
    "spikes_from_rates",
    "trial_gains",
]
