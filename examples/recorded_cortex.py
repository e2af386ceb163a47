"""A virtual visual cortex watches images, beside a tetrode. Writes recorded_cortex.png."""

from spikeloop import simulate as sim
from spikeloop.viz import plot_traces

cortex = sim.VirtualCortex(n_simple=5, n_complex=3, n_images=20, n_repeats=2, pause_s=1.0)
spikes = sim.simulate_cortex(cortex, seed=1).experiment.spikes
made = sim.record_spikes(spikes, sim.RecordingConfig(probe="tetrode"), seed=1)

print(made.recording)
print(made.truth.templates)
first_s = float(spikes.times_s[spikes.times_s > 1.0][0])
channels = made.truth.templates.peak_channel
ax = plot_traces(
    made.recording, first_s - 0.01, first_s + 0.04, spikes=spikes, spike_channels=channels
)
ax.figure.savefig("recorded_cortex.png", dpi=150)
