"""1000 neurons that excite and inhibit each other. Writes recurrent_network.png."""

from spikeloop import simulate as sim
from spikeloop.neurons import Exponential, Izhikevich
from spikeloop.numerics.draws import Gamma
from spikeloop.viz import plot_network_raster

receptors = {"ampa": Exponential(10.0, reversal=0.0), "gaba": Exponential(10.0, reversal=-85.0)}
exc = sim.Population("excitatory", 800, Izhikevich(), receptors)
inh = sim.Population("inhibitory", 200, Izhikevich(a=0.1, d=2.0), receptors)
inputs = sim.Source("inputs", 100, sim.Poisson(sim.Step(2.0, start_ms=200, stop_ms=700)))
tenth, weak, strong = sim.Probability(0.1), Gamma(2.0, 0.003), Gamma(2.0, 0.006)
projections = [
    sim.Projection("inputs", "excitatory", "ampa", tenth, 0.07),
    sim.Projection("inputs", "inhibitory", "ampa", tenth, 0.07),
    sim.Projection("excitatory", "excitatory", "ampa", tenth, weak),
    sim.Projection("excitatory", "inhibitory", "ampa", tenth, weak),
    sim.Projection("inhibitory", "excitatory", "gaba", tenth, strong),
    sim.Projection("inhibitory", "inhibitory", "gaba", tenth, weak),
]
network = sim.Network([exc, inh], projections, [inputs])
activity = sim.simulate_network(network, sim.Simulation(duration_s=1.0, dt_ms=0.5), seed=0)
print(f"{len(activity.spikes.times_s)} spikes in {1e3 * activity.timings_s['run']:.1f} ms of work")
ax = plot_network_raster(activity.spikes, shaded_s=(0.2, 0.7))
ax.figure.savefig("recurrent_network.png", dpi=150)
