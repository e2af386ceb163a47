"""Three models learn the rate of a neuron like the fly's H1. Writes fly_models.png."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikeloop import encode
from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.viz.temporal import plot_predicted_rates

rng, lag = np.random.default_rng(0), np.arange(60)
velocity = gaussian_filter1d(rng.standard_normal(25_000), 3.0)
moved = np.convolve(velocity, lag * np.exp(-lag / 8))[:25_000]
fired = np.zeros(25_000, dtype=bool)
for t in range(1, 25_000):  # it saturates, and is refractory for a bin of 2 ms
    fired[t] = not fired[t - 1] and rng.random() < 0.6 / (1 + np.exp(2 - moved[t] / 20))
spikes = SpikeTrains.from_units({"h1": np.flatnonzero(fired) / 500}, Epochs([0.0], [50.0]))
stimulus = TimeSeries(velocity[:, None], sample_rate_hz=500.0)
training = encode.SeriesTraining(n_epochs=6, chunk_bins=256)
models = {
    "linear-nonlinear": encode.TemporalLinearNonlinear(window_s=0.12),
    "GLM with history": encode.PoissonGLM(penalties=(1e-4,)),
    "dilated network": encode.DilatedNetwork(6, 8, training=training),
}
fit = {name: encode.fit(model, spikes, stimulus, seed=0) for name, model in models.items()}
rates_hz = {name: of.rates(stimulus, spikes).values[24_000:24_250, 0] for name, of in fit.items()}
ax = plot_predicted_rates(48 + np.arange(250) / 500, rates_hz, spikes.of_unit("h1"))
ax.figure.savefig("fly_models.png", dpi=150)
