"""1000 neurons that each hear a tenth of 100 inputs. Writes shared_input.png."""

from spikeloop import simulate as sim
from spikeloop.neurons import Exponential, Izhikevich
from spikeloop.viz import plot_network_raster

receptors = {"ampa": Exponential(tau_ms=10.0, reversal=0.0)}
network = sim.Network(
    [
        sim.Population("excitatory", 800, Izhikevich(), receptors),
        sim.Population("inhibitory", 200, Izhikevich(a=0.1, d=2.0), receptors),
    ],
    [
        sim.Projection("inputs", "excitatory", "ampa", sim.Probability(0.1), weight=0.07),
        sim.Projection("inputs", "inhibitory", "ampa", sim.Probability(0.1), weight=0.07),
    ],
    [sim.Source("inputs", 100, sim.Poisson(sim.Step(2.0, start_ms=200, stop_ms=700)))],
)
activity = sim.simulate_network(network, sim.Simulation(duration_s=1.0, dt_ms=0.5), seed=0)

for name in ("excitatory", "inhibitory"):
    print(name, f"{activity.of(name).rates_hz().mean():.2f} spikes per second")
ax = plot_network_raster(activity.spikes, shaded_s=(0.2, 0.7))
ax.figure.savefig("shared_input.png", dpi=150)
