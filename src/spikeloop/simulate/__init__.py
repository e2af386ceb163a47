"""Experiments whose truth is known.

In: a method with its settings, and a seed. Out: an `Experiment` as a recording would give it, and
the truth behind it.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `virtual_cortex.py`.
"""

from spikeloop.simulate.activity import Activity
from spikeloop.simulate.background import Background
from spikeloop.simulate.connectivity import AllToAll, Matrix, OneToOne, Pairs
from spikeloop.simulate.current_sources import CurrentSources
from spikeloop.simulate.drift import Drift, DriftModel, simulate_drift
from spikeloop.simulate.hybrid import Injection, inject, noise_levels_uV, scaled_to_snr
from spikeloop.simulate.interference import Interference
from spikeloop.simulate.natural_patches import natural_patches
from spikeloop.simulate.network import Network, Population, Projection, Source
from spikeloop.simulate.plasticity import STDP, ShortTerm
from spikeloop.simulate.probes import PROBES, probe_contacts
from spikeloop.simulate.random_connections import (
    ByDistance,
    FixedInDegree,
    FixedOutDegree,
    Probability,
)
from spikeloop.simulate.receptive_fields import Gabors
from spikeloop.simulate.recording import RecordingModel, RecordingTruth, SimulatedRecording, record
from spikeloop.simulate.recording_noise import Noise, noise_power
from spikeloop.simulate.renewal_spikes import Firing, renewal_spikes
from spikeloop.simulate.response_model import VirtualResponseModel
from spikeloop.simulate.signals import Grid, Ramp, Signal, Sine, Step
from spikeloop.simulate.simulation import Record, Simulation, simulate_network
from spikeloop.simulate.sources import Given, Poisson, Regular, SpikeSource
from spikeloop.simulate.spike_amplitudes import AmplitudeModel, spike_amplitudes
from spikeloop.simulate.spiking import spikes_from_rates, trial_gains
from spikeloop.simulate.sweep import simulate_many
from spikeloop.simulate.unit_templates import TemplateGenerator, generate_templates
from spikeloop.simulate.virtual_cortex import (
    CorticalTruth,
    SimulatedCortex,
    VirtualCortex,
    simulate_cortex,
)
from spikeloop.simulate.whole_recording import RecordingConfig, simulate_recording

__all__ = [
    "PROBES",
    "STDP",
    "Activity",
    "AllToAll",
    "AmplitudeModel",
    "Background",
    "ByDistance",
    "CorticalTruth",
    "CurrentSources",
    "Drift",
    "DriftModel",
    "Firing",
    "FixedInDegree",
    "FixedOutDegree",
    "Gabors",
    "Given",
    "Grid",
    "Injection",
    "Interference",
    "Matrix",
    "Network",
    "Noise",
    "OneToOne",
    "Pairs",
    "Poisson",
    "Population",
    "Probability",
    "Projection",
    "Ramp",
    "Record",
    "RecordingConfig",
    "RecordingModel",
    "RecordingTruth",
    "Regular",
    "ShortTerm",
    "Signal",
    "SimulatedCortex",
    "SimulatedRecording",
    "Simulation",
    "Sine",
    "Source",
    "SpikeSource",
    "Step",
    "TemplateGenerator",
    "VirtualCortex",
    "VirtualResponseModel",
    "generate_templates",
    "inject",
    "natural_patches",
    "noise_levels_uV",
    "noise_power",
    "probe_contacts",
    "record",
    "renewal_spikes",
    "scaled_to_snr",
    "simulate_cortex",
    "simulate_drift",
    "simulate_many",
    "simulate_network",
    "simulate_recording",
    "spike_amplitudes",
    "spikes_from_rates",
    "trial_gains",
]
