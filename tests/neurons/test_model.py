"""What a neuron refuses to be made of."""

import pytest

from spikeloop.errors import InvalidInputError
from spikeloop.neurons import (
    LIF,
    AdaptiveLIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    Neuron,
    PoissonNeuron,
    QuadraticIF,
)

MODELS = (LIF, AdaptiveLIF, AdEx, HodgkinHuxley, Izhikevich, PoissonNeuron, QuadraticIF)


def made_of(**changes):
    parts = {
        "state": {"v": 0.0},
        "parameters": {"tau_ms": 1.0},
        "step": lambda state, inputs, p, dt_ms: state,
        "spiked": lambda state, p: state[0] > 1,
        "reset": lambda state, p: state,
    }
    return Neuron(**(parts | changes))


REFUSED = [
    ({"state": {}}, "state is empty: a neuron has at least one state variable"),
    ({"state": {"2v": 0.0}}, "'2v' cannot name a state variable or a parameter: use a Python"),
    ({"parameters": {"_tau": 0.0}}, "'_tau' cannot name a state variable or a parameter"),
    ({"step": 3}, "step is no function"),
    ({"spiked": None}, "spiked is no function"),
    ({"refractory_ms": -1.0}, r"refractory_ms=-1\.0: it must be 0 or more"),
    ({"refractory_ms": float("nan")}, "refractory_ms=nan: it must be 0 or more"),
    ({"spike_lag": 2}, "spike_lag=2: it must be 0 or 1"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_refusals(changes, message):
    with pytest.raises(InvalidInputError, match=message):
        made_of(**changes)


def test_a_neuron_is_its_own_model():
    neuron = made_of()
    assert neuron.neuron() is neuron


@pytest.mark.parametrize("model", MODELS)
def test_models_make_neurons_with_what_the_settings_say(model):
    neuron = model().neuron()
    assert neuron.refractory_ms == 0
    assert all(getattr(model(), name) == value for name, value in neuron.parameters.items())


@pytest.mark.parametrize("model", [LIF, AdaptiveLIF, AdEx, PoissonNeuron, QuadraticIF])
def test_refractory_times_reach_the_neuron(model):
    assert model(refractory_ms=2.0).neuron().refractory_ms == 2


@pytest.mark.parametrize("model", [LIF, AdaptiveLIF])
def test_spike_lags_reach_the_neuron(model):
    assert model(spike_lag=1).neuron().spike_lag == 1
