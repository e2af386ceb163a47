"""Two networks that simulators are compared by: COBA, and a thousand Izhikevich neurons."""

from typing import Literal

from spikeloop.data.checks import require
from spikeloop.neurons.izhikevich import Izhikevich
from spikeloop.neurons.lif import LIF
from spikeloop.neurons.model import Value
from spikeloop.neurons.receptors import Exponential
from spikeloop.numerics.draws import Gamma, Normal
from spikeloop.simulate.networks.network import Network, Population, Projection, Source
from spikeloop.simulate.networks.random_connections import Probability
from spikeloop.simulate.networks.signals import Step
from spikeloop.simulate.networks.sources import Poisson

EXCITATORY_SHARE = 0.8
"""Of the neurons, as in cortex."""


def coba(
    n_neurons: int = 4000,
    *,
    synapses_per_neuron: float = 80.0,
    delay_ms: Value | None = None,
    integrator: Literal["euler", "exponential_euler"] = "exponential_euler",
) -> Network:
    """Return the conductance-based network of Vogels and Abbott, which keeps itself awake.

    Leaky neurons of 10 nS and 20 ms, 4 of 5 excitatory, with threshold -50 mV, reset and rest at
    -60 mV, and 5 ms of refractory time; excitation of 6 nS and 5 ms to 0 mV, inhibition of 67 nS
    and 10 ms to -80 mV. Meant for a tick of 0.1 ms. No input: the state at the start (v: -65 +- 5
    mV, conductances: 40 +- 15 and 200 +- 120 nS, normal, so that a few start below 0) sets it off,
    and at the size of the paper it fires irregularly at about 20 Hz for seconds to hours.

    Source: Vogels and Abbott 2005, Journal of Neuroscience 25:10786; as benchmark 1 of Brette et
    al. 2007, Journal of Computational Neuroscience 23:349.

    Parameters
    ----------
    n_neurons
        How many there are; 4000 in the papers.
    synapses_per_neuron
        How many a neuron receives, and sends, on average, whatever the size of the network: 80 is
        the connection probability 0.02 of the papers.
    delay_ms
        From spike to arrival; None for one tick.
    integrator
        Of the potential and of the conductances.

    Examples
    --------
    >>> coba(4000).population("excitatory").size
    3200
    """
    require(
        0 <= synapses_per_neuron <= n_neurons,
        f"{synapses_per_neuron:g} synapses of each of {n_neurons} neurons: give no more than there "
        "are neurons.",
    )
    cell = LIF(
        tau_ms=20.0,
        v_rest=-60.0,
        v_threshold=-50.0,
        v_reset=-60.0,
        resistance=1 / 10.0,  # of the leak, for conductances in nS
        refractory_ms=5.0,
        integrator=integrator,
    )
    decay = "euler" if integrator == "euler" else "exact"
    receptors = {"ampa": Exponential(5.0, 0.0, decay), "gaba": Exponential(10.0, -80.0, decay)}
    start = {"v": Normal(-65.0, 5.0), "ampa": Normal(40.0, 15.0), "gaba": Normal(200.0, 120.0)}
    n_excitatory = round(EXCITATORY_SHARE * n_neurons)
    populations = [
        Population("excitatory", n_excitatory, cell, receptors, start=start),
        Population("inhibitory", n_neurons - n_excitatory, cell, receptors, start=start),
    ]
    rule = Probability(synapses_per_neuron / n_neurons)
    projections = [
        Projection(source, target.name, receptor, rule, weight, delay_ms)
        for source, receptor, weight in (("excitatory", "ampa", 6.0), ("inhibitory", "gaba", 67.0))
        for target in populations
    ]
    return Network(populations, projections)


def izhikevich_network(
    n_neurons: int = 1000,
    *,
    n_inputs: int = 100,
    probability: float = 0.1,
    recurrent: bool = True,
) -> Network:
    """Return Izhikevich neurons that Poisson spikes drive from 200 to 700 ms, and they each other.

    4 of 5 are regular spiking, the others fast spiking. Each hears a tenth of the inputs, which
    fire at 2 Hz, with weight 0.07. Recurrent weights have a gamma distribution of shape 2 and scale
    0.003, and twice that from inhibitory to excitatory neurons. Conductances decay within 10 ms, by
    the factor 1 - dt / tau, towards 0 mV and -85 mV. Meant for a tick of 0.5 ms.

    Source: the neurons are those of Izhikevich 2003, IEEE Transactions on Neural Networks 14:1569.

    Parameters
    ----------
    n_neurons, n_inputs
        How many neurons and how many trains of input there are.
    probability
        Of each pair to be connected.
    recurrent
        Whether neurons are connected to each other, and not to the inputs alone.

    Examples
    --------
    >>> len(izhikevich_network().projections), len(izhikevich_network(recurrent=False).projections)
    (6, 2)
    """
    receptors = {
        "ampa": Exponential(10.0, reversal=0.0, integrator="euler"),
        "gaba": Exponential(10.0, reversal=-85.0, integrator="euler"),
    }
    n_excitatory = round(EXCITATORY_SHARE * n_neurons)
    populations = [
        Population("excitatory", n_excitatory, Izhikevich(), receptors),
        Population("inhibitory", n_neurons - n_excitatory, Izhikevich(a=0.1, d=2.0), receptors),
    ]
    rule = Probability(probability)
    projections = [Projection("inputs", part.name, "ampa", rule, 0.07) for part in populations]
    if recurrent:
        weak, strong = Gamma(shape=2.0, scale=0.003), Gamma(shape=2.0, scale=0.006)
        projections += [
            Projection("excitatory", "excitatory", "ampa", rule, weak),
            Projection("excitatory", "inhibitory", "ampa", rule, weak),
            Projection("inhibitory", "excitatory", "gaba", rule, strong),
            Projection("inhibitory", "inhibitory", "gaba", rule, weak),
        ]
    drive = Poisson(Step(2.0, start_ms=200.0, stop_ms=700.0))
    return Network(populations, projections, [Source("inputs", n_inputs, drive)])
