"""Reliable units are chosen, and models compared on images none has seen. Writes v4_models.png."""

from spikeloop import encode
from spikeloop.characterize import UnitSelection, count_spikes, select_units
from spikeloop.io import ReadOptions, read_experiment
from spikeloop.simulate import VirtualCortex, simulate_cortex
from spikeloop.viz import plot_model_scores

V4_FOLDER = None  # such as "v4_macaque/210325"; without it a virtual cortex is recorded
if V4_FOLDER:
    experiment = read_experiment(V4_FOLDER, ReadOptions(image_side_px=56))
    responses = experiment.responses
else:
    cortex = VirtualCortex(n_simple=10, n_complex=10, n_images=240, n_repeats=4, n_pixels=16)
    experiment = simulate_cortex(cortex, seed=0).experiment
    responses = count_spikes(experiment.spikes, experiment.trials, (0.05, 0.30))
chosen = select_units(responses, UnitSelection(n_permutations=200), seed=0)
data = responses.select(units=chosen.keep), experiment.images
held = encode.split_stimuli(chosen.training_ids, test_fraction=0.0, seed=0)
split = encode.StimulusSplit(held.training_ids, held.validation_ids, chosen.test_ids)
network = encode.ConvolutionalNetwork(training=encode.Training(max_epochs=6))
models = {"ridge": encode.Ridge(), "gabor": encode.GaborBank(), "network": network}
fit = {name: encode.fit(model, *data, split=split, seed=0) for name, model in models.items()}
compared = encode.evaluate_models(fit, *data, encode.Evaluation(), seed=0)
means = [(m.score, m.low, m.high) for m in (s.correlation.mean for s in compared.models)]
ax = plot_model_scores(list(fit), means, label="mean test correlation")
ax.figure.savefig("v4_models.png", dpi=150)
