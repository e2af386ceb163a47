"""How one step happens: models of neurons and receptors, written once for every engine.

In: settings. Out: a `Neuron`, which is a state, parameters and three pure functions that numba
compiles on scalars and JAX traces on arrays.
May import: `data`, `numerics`, `errors`.
Start reading in `model.py`, which states the order of a tick; then `lif.py`.
"""

from spikeloop.neurons.adaptive_lif import AdaptiveLIF
from spikeloop.neurons.adex import AdEx
from spikeloop.neurons.hodgkin_huxley import HodgkinHuxley
from spikeloop.neurons.izhikevich import Izhikevich
from spikeloop.neurons.lif import LIF
from spikeloop.neurons.model import Inputs, Neuron, NeuronModel, Value
from spikeloop.neurons.poisson_neuron import PoissonNeuron
from spikeloop.neurons.quadratic_if import QuadraticIF
from spikeloop.neurons.receptors import Alpha, Exponential, Jump, Receptor

__all__ = [
    "LIF",
    "AdEx",
    "AdaptiveLIF",
    "Alpha",
    "Exponential",
    "HodgkinHuxley",
    "Inputs",
    "Izhikevich",
    "Jump",
    "Neuron",
    "NeuronModel",
    "PoissonNeuron",
    "QuadraticIF",
    "Receptor",
    "Value",
]
