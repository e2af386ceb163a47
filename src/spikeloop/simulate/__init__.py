"""Networks that fire, recordings of them, a cortex that sees: experiments whose truth is known.

In: a method with its settings, and a seed. Out: spikes, a `Recording` or an `Experiment` as an
instrument would give it, and the truth behind it.
May import: `neurons`, `evaluate`, `data`, `numerics`, `errors`.
Start reading in `networks/network.py`, `recordings/recording.py` or `cortex/virtual_cortex.py`.
"""

from spikeloop.simulate.cortex.natural_patches import NaturalPatches, natural_patches
from spikeloop.simulate.cortex.receptive_fields import Gabors
from spikeloop.simulate.cortex.response_model import VirtualResponseModel
from spikeloop.simulate.cortex.spiking import spikes_from_rates, trial_gains
from spikeloop.simulate.cortex.virtual_cortex import (
    CorticalTruth,
    SimulatedCortex,
    VirtualCortex,
    simulate_cortex,
)
from spikeloop.simulate.networks.activity import Activity
from spikeloop.simulate.networks.connectivity import AllToAll, Matrix, OneToOne, Pairs
from spikeloop.simulate.networks.drawn_synapses import DrawnSynapses, draw_synapses
from spikeloop.simulate.networks.network import Network, Population, Projection, Source
from spikeloop.simulate.networks.nir_export import to_nir
from spikeloop.simulate.networks.plasticity import STDP, ShortTerm
from spikeloop.simulate.networks.random_connections import (
    ByDistance,
    FixedInDegree,
    FixedOutDegree,
    Probability,
)
from spikeloop.simulate.networks.signals import Grid, Ramp, Signal, Sine, Step
from spikeloop.simulate.networks.simulate_network import simulate_network
from spikeloop.simulate.networks.simulation import Record, Simulation
from spikeloop.simulate.networks.sources import Given, Poisson, Regular, SpikeSource
from spikeloop.simulate.networks.sweep import simulate_many
from spikeloop.simulate.recordings.background import Background
from spikeloop.simulate.recordings.current_sources import CurrentSources
from spikeloop.simulate.recordings.drift import Drift, DriftModel, simulate_drift
from spikeloop.simulate.recordings.hybrid import Injection, inject, noise_levels_uV, scaled_to_snr
from spikeloop.simulate.recordings.interference import Interference
from spikeloop.simulate.recordings.probes import PROBES, probe_contacts
from spikeloop.simulate.recordings.recording import (
    RecordingModel,
    RecordingTruth,
    SimulatedRecording,
    record,
)
from spikeloop.simulate.recordings.recording_noise import Noise, noise_power
from spikeloop.simulate.recordings.renewal_spikes import Firing, renewal_spikes
from spikeloop.simulate.recordings.spike_amplitudes import AmplitudeModel, spike_amplitudes
from spikeloop.simulate.recordings.unit_templates import TemplateGenerator, generate_templates
from spikeloop.simulate.recordings.whole_recording import (
    RecordingConfig,
    record_spikes,
    simulate_recording,
)

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
    "DrawnSynapses",
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
    "NaturalPatches",
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
    "draw_synapses",
    "generate_templates",
    "inject",
    "natural_patches",
    "noise_levels_uV",
    "noise_power",
    "probe_contacts",
    "record",
    "record_spikes",
    "renewal_spikes",
    "scaled_to_snr",
    "simulate_cortex",
    "simulate_drift",
    "simulate_many",
    "simulate_network",
    "simulate_recording",
    "spike_amplitudes",
    "spikes_from_rates",
    "to_nir",
    "trial_gains",
]
