"""One neuron and 100 Poisson inputs that are on from 200 to 700 ms. Writes synaptic_input.png."""

from spikeloop import simulate as sim
from spikeloop.neurons import Exponential, Izhikevich
from spikeloop.viz import CurvePanel, RasterPanel, VoltagePanel, plot_panels

ampa = Exponential(tau_ms=10.0, reversal=0.0)
network = sim.Network(
    [sim.Population("cell", 1, Izhikevich(), {"ampa": ampa})],
    [sim.Projection("inputs", "cell", "ampa", sim.AllToAll(), weight=0.07)],
    [sim.Source("inputs", 100, sim.Poisson(sim.Step(2.0, start_ms=200, stop_ms=700)))],
)
method = sim.Simulation(1.0, 0.5, record=[sim.Record("cell", "v"), sim.Record("cell", "ampa")])
activity = sim.simulate_network(network, method, seed=0)

panels = [
    RasterPanel(activity.inputs, "input"),
    CurvePanel({"ampa": activity.trace("cell", "ampa")}, "conductance"),
    VoltagePanel(activity.trace("cell", "v"), activity.of("cell").times_s),
]
plot_panels(panels, shaded_s=(0.2, 0.7)).savefig("synaptic_input.png", dpi=150)
