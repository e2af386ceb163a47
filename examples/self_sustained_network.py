"""4000 neurons that keep each other awake. Writes self_sustained_network.png."""

from spikeloop import simulate as sim
from spikeloop.simulate.networks.benchmark_networks import coba
from spikeloop.viz import plot_network_raster

activity = sim.simulate_network(coba(), sim.Simulation(duration_s=1.0, dt_ms=0.1), seed=0)

spikes = activity.spikes
print(f"{spikes.rates_hz().mean():.1f} spikes per second of a neuron, on average")
print(f"{activity.timings_s['run']:.2f} s of work for 1 s of the network")
ax = plot_network_raster(spikes, most_units=500)
ax.figure.savefig("self_sustained_network.png", dpi=150)
