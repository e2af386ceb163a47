"""A spiking network learns to locate sounds under Dale's law. Writes sound_localization*.png."""

from spikeloop import learn, viz

task = learn.SoundLocalization()
network = learn.SpikingNetwork(constraint=learn.DalesLaw(inhibitory=0.5))
trained = learn.train(task, network, learn.Training(max_epochs=12), seed=0)

scores, ideal = learn.score(trained, seed=0), learn.ideal_scores(task, seed=0)
print(f"network {scores.accuracy:.1%}, error {scores.absolute_error:.1f} deg")
print(f"ideal observer of the same spikes {ideal.accuracy:.1%}")
lesions = {name: found.accuracies for name, found in learn.lesions(trained, seed=0).items()}
print(f"without inhibition {lesions['no inhibition'].mean():.1%}")

centres, label = task.class_values(), "IPD (deg)"
ears = [("left ear", task.n_fibres), ("right ear", task.n_fibres)]
before, after = (trained.weights(before=b)["hidden.0.input"] for b in (True, False))
pictures = {
    "": viz.plot_confusion(scores.confusion, centres, label=label).figure,
    "_answers": viz.plot_answers(
        scores.value.ravel(), scores.estimate.ravel(), centres, label=label
    ).figure,
    "_lesions": viz.plot_accuracies(lesions, ideal=ideal.accuracy, chance=1 / 12).figure,
    "_weights": viz.plot_weight_maps(before, after, ears),
}
for name, figure in pictures.items():
    figure.savefig(f"sound_localization{name}.png", dpi=150)
