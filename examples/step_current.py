"""One Izhikevich neuron and a step of current. Writes step_current.png."""

from spikeloop import simulate as sim
from spikeloop.neurons import Izhikevich
from spikeloop.viz import plot_voltage

step = sim.Step(7.0, start_ms=200, stop_ms=700)
network = sim.Network([sim.Population("cell", 1, Izhikevich(v_start=-65.0), current=step)])
method = sim.Simulation(duration_s=1.0, dt_ms=0.5, record=[sim.Record("cell", "v")])
activity = sim.simulate_network(network, method, seed=0)

spikes_s = activity.of("cell").times_s
print(f"{len(spikes_s)} spikes, at {(1e3 * spikes_s).round().astype(int)} ms")
ax = plot_voltage(activity.trace("cell", "v"), spikes_s, shaded_s=(0.2, 0.7))
ax.figure.savefig("step_current.png", dpi=150)
