"""What a spiking network learned, told in a report."""

import numpy as np

from spikeloop import learn
from spikeloop.viz import (
    KeyNumber,
    Report,
    ReportFigure,
    ReportTable,
    Section,
    plot_accuracies,
    plot_answers,
    plot_confusion,
    plot_delays,
    plot_singular_values,
    plot_training,
    plot_trial,
    plot_tuning,
    plot_weight_maps,
    plot_weights_by_lag,
)
from spikeloop.workflows.job import Job
from spikeloop.workflows.learn.activity import input_groups, trial_activity
from spikeloop.workflows.learn.run import Findings

_TITLES = {
    learn.SoundLocalization: "A spiking network that locates sounds",
    learn.PatternTiming: "A spiking network that tells patterns in time",
    learn.PoissonDigits: "A spiking network that reads digits",
}
_VALUES = {
    learn.SoundLocalization: "IPD (deg)",
    learn.PatternTiming: "pattern",
    learn.PoissonDigits: "digit",
}
_N_LAG_PANELS = 6
_SILENT_HZ = 1.0
_INPUTS = "hidden.0.input"
_PLAIN = {
    _INPUTS: "input to hidden",
    "hidden.0.recurrent": "within hidden",
    "readout.input": "hidden to readout",
}
_TO = {_INPUTS: "hidden", "hidden.0.recurrent": "within", "readout.input": "readout"}

_TRIALS_WORDS = (
    "No trial of these tests was seen in training. The ideal observer weighs the same spikes by "
    "their exact probabilities: no network can do better, but for chance."
)
_IMAGES_WORDS = (
    "No image of these tests was seen in training. The observer beside the network knows the "
    "images of training, and weighs by exact probabilities from which of these the spikes might "
    "have come. It has not seen those of the tests: a network that generalizes may do better."
)


def learn_report(found: Findings, job: Job) -> Report:
    """Return the report of one training."""
    return Report(
        _TITLES[type(found.config.task)],
        [
            _tests(found),
            _lesions(found),
            _inside(found),
            _weights(found),
            _training(found),
        ],
        subtitle=_subtitle(found),
        key_numbers=_key_numbers(found),
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _subtitle(found: Findings) -> str:
    longest_ms = _longest_delay_ms(found)
    return _constraint(found) + (f"; delays up to {longest_ms:g} ms" if longest_ms else "")


def _shows_images(found: Findings) -> bool:
    return isinstance(found.config.task, learn.PoissonDigits)


def _constraint(found: Findings) -> str:
    ratio = found.config.ie_ratio
    if ratio is None:
        return "weights of either sign"
    if found.config.form == "interneurons":
        return f"under Dale's law, all units excite and {ratio:.0%} as many interneurons inhibit"
    return f"under Dale's law, {ratio:.0%} of the units inhibit"


def _longest_delay_ms(found: Findings) -> float:
    """Return the longest delay of a synapse from the inputs, in whole ticks; 0 without delays."""
    return found.trained.plan.layers[0].n_late * found.config.task.dt_ms


def _values(found: Findings) -> list[float] | list[int]:
    """Return what the classes stand for; digits are no fractions."""
    values = found.config.task.class_values()
    is_whole = (values == np.round(values)).all()
    return values.astype(int).tolist() if is_whole else values.tolist()


def _label(found: Findings) -> str:
    return _VALUES[type(found.config.task)]


def _key_numbers(found: Findings) -> list[KeyNumber]:
    low, high = found.scores.accuracy_interval
    numbers = [
        KeyNumber(
            "accuracy",
            f"{found.scores.accuracy:.1%}",
            f"{low:.1%} to {high:.1%} over {len(found.scores.accuracies)} new data sets",
        ),
        KeyNumber("ideal observer", f"{found.ideal.accuracy:.1%}", "of the same spikes"),
        KeyNumber("chance", f"{found.scores.chance:.1%}", f"{found.config.task.n_classes} classes"),
    ]
    if found.config.task.value_unit:
        numbers.append(
            KeyNumber(
                "mean absolute error",
                f"{found.scores.absolute_error:.1f} {found.config.task.value_unit}",
                f"ideal observer {found.ideal.absolute_error:.1f}",
            )
        )
    return numbers


def _tests(found: Findings) -> Section:
    label, centres = _label(found), found.config.task.class_values()
    scores = found.scores
    confusion = plot_confusion(scores.confusion, centres, label=label).figure
    answers = plot_answers(
        scores.value.ravel(), scores.estimate.ravel(), centres, label=label
    ).figure
    per_class = ReportTable(
        "Accuracy by class",
        [label, "network", "ideal observer"],
        list(zip(_values(found), scores.class_accuracy, found.ideal.class_accuracy, strict=True)),
        "Share of right answers for each true class.",
    )
    return Section(
        "How well it does on new trials",
        _IMAGES_WORDS if _shows_images(found) else _TRIALS_WORDS,
        [
            ReportFigure(
                "Answers to each class",
                confusion,
                "Each column is a true class; its colours add up to 1.",
            ),
            ReportFigure(
                "True and answered values",
                answers,
                "How often each value was true, and how often it was answered.",
            ),
        ],
        [per_class],
    )


def _lesions(found: Findings) -> Section:
    values, tuned = _values(found), found.tuning.rates_hz
    rates = found.trained.rates_hz[0]
    # A unit that never fires prefers nothing.
    preferred = [values[one.argmax()] if one.any() else None for one in tuned.T]
    table = ReportTable(
        "Hidden units by what is lost without them",
        ["unit", "accuracy without it", "mean rate (Hz)", f"preferred {_label(found)}"],
        [
            (str(unit), found.without_unit[unit], rates[unit], preferred[unit])
            for unit in np.argsort(found.without_unit)
        ],
        "Each unit is silenced alone: shares of right answers. With all of them it is "
        f"{found.lesions['intact'].accuracy:.3f}.",
    )
    return Section(
        "What it cannot do without",
        "Units are silenced in a copy of the trained network: what they send is lost, and nothing "
        "is trained again.",
        # Without signs there is nothing to silence but single units.
        [_lesion_figure(found)] if len(found.lesions) > 1 else [],
        [table],
    )


def _lesion_figure(found: Findings) -> ReportFigure:
    named = {
        name.replace("layer 0", "hidden units"): scores for name, scores in found.lesions.items()
    }
    figure = plot_accuracies(
        {name: scores.accuracies for name, scores in named.items()},
        ends={name: scores.accuracy_interval for name, scores in named.items()},
        ideal=found.ideal.accuracy,
        chance=found.scores.chance,
    ).figure
    words = (
        "Small dots are data sets of new trials, the large dot their mean with its "
        f"{found.config.confidence:.0%} interval."
    )
    if _has_interneurons(found):
        words += " Without inhibition, interneurons are silent."
    return ReportFigure("Lesions", figure, words)


def _has_interneurons(found: Findings) -> bool:
    return isinstance(found.trained.network.constraint, learn.FeedforwardInhibition)


def _inside(found: Findings) -> Section:
    tuned = plot_tuning(
        found.tuning.rates_hz, found.tuning.class_values, label=_label(found)
    ).figure
    trial = plot_trial(trial_activity(found.trained, found.config.seed), label=_label(found))
    rates = found.trained.rates_hz[0]
    fires = rates >= _SILENT_HZ
    words = (
        f"Silent, below {_SILENT_HZ:g} Hz on average: {(~fires).sum()} of {len(rates)} hidden "
        "units."
    )
    if fires.any():
        words += f" Median rate of the others: {np.median(rates[fires]):.0f} Hz."
    return Section(
        "What its units do",
        words,
        [
            ReportFigure(
                "One trial",
                trial,
                "From the spikes of the inputs to the answer, on a trial that was not trained on: "
                "the class of the largest mean potential, which are the dots on the right.",
            ),
            ReportFigure(
                "Tuning", tuned, "Mean rate of each hidden unit for each class, on new trials."
            ),
        ],
    )


def _weights(found: Findings) -> Section:
    figures = [_weight_map(found)]
    words = []
    if _has_interneurons(found):
        words.append(
            "A weight is what a spike does to a unit, directly and by way of interneurons: so it "
            "may be of either sign, though all that send excite."
        )
    if isinstance(found.config.task, learn.SoundLocalization):
        figures.append(_lag_figure(found))
    if _longest_delay_ms(found):
        figures.append(_delay_figure(found))
        moved_ms = np.abs(found.trained.delays_ms() - found.trained.delays_ms(before=True))
        words.append(
            f"Each synapse from the inputs has a delay of its own, from 0 to "
            f"{_longest_delay_ms(found):g} ms; training moved it by {moved_ms.mean():.1f} ms on "
            "average."
        )
    before = found.trained.weights(before=True)
    spectra = {
        _PLAIN[part.name]: (
            np.linalg.svd(before[part.name], compute_uv=False),
            part.singular_values,
        )
        for part in found.weights
    }
    figures.append(
        ReportFigure(
            "Singular values",
            plot_singular_values(spectra),
            "How many patterns of activity each matrix of weights passes on, and how strongly.",
        )
    )
    return Section("What its weights became", " ".join(words), figures, [_weight_table(found)])


def _weight_map(found: Findings) -> ReportFigure:
    """Return the weights of the inputs, the rows sorted by ear and sign, as signs are spread."""
    trained = found.trained
    signs = trained.signs(_INPUTS)
    if _has_interneurons(found):
        signs = np.zeros_like(signs)  # What sends says nothing of the sign of a weight.
    rows, groups, start = [], [], 0
    for ear, size in input_groups(found.config.task):
        own = np.arange(start, start + size)
        start += size
        for sign, word in ((1, ", exc."), (-1, ", inh."), (0, "")):
            chosen = own[signs[own] == sign]
            if len(chosen):
                rows.append(chosen)
                groups.append((ear + word, len(chosen)))
    kept = np.concatenate(rows)
    figure = plot_weight_maps(
        trained.weights(before=True)[_INPUTS][kept],
        trained.weights()[_INPUTS][kept],
        groups,
        order=np.argsort(found.tuning.preferred, kind="stable"),
    )
    words = (
        "Rows are inputs, from the first to the last of each group; columns are hidden units, "
        "sorted by the class that they prefer. A weight of 1 takes a unit from rest to threshold."
    )
    return ReportFigure("Weights of the inputs", figure, words)


def _lag_figure(found: Findings) -> ReportFigure:
    needed = [int(unit) for unit in np.argsort(found.without_unit)[:_N_LAG_PANELS]]
    figure = plot_weights_by_lag(
        found.trained.weights()[_INPUTS], found.config.task.lags_deg, units=needed
    )
    words = f"The {len(needed)} hidden units that are missed most when they are silenced."
    return ReportFigure("Weights by ear and lag", figure, words)


def _delay_figure(found: Findings) -> ReportFigure:
    figure = plot_delays(
        found.trained.delays_ms(before=True),
        found.trained.delays_ms(),
        found.trained.weights()[_INPUTS],
        longest_ms=_longest_delay_ms(found),
    )
    words = (
        "Of synapses from the inputs, each counted as much as it weighs after training. Before it, "
        "delays were drawn evenly; where the grey area leans to one side, it is synapses with such "
        "delays that grew."
    )
    return ReportFigure("Delays", figure, words)


def _weight_table(found: Findings) -> ReportTable:
    rows = [
        (
            _TO[part.name],
            100 * part.near_zero_before,
            100 * part.near_zero,
            part.entropy_before,
            part.entropy,
            part.inhibition_over_excitation,
        )
        for part in found.weights
    ]
    columns = [
        "to",
        "near zero before (%)",
        "near zero after (%)",
        "entropy before",
        "entropy after",
        "I/E",
    ]
    words = (
        "Near zero: weights below a hundredth of the largest one, before and after training. "
        "Entropy of the singular values: 1 where all modes are equally strong. I/E, inhibition "
        "over excitation after training: summed weights times the mean rates of the units that "
        "they come from."
    )
    return ReportTable("Weights", columns, rows, words)


def _training(found: Findings) -> Section:
    curves = {
        name: curve if name.endswith("loss") else 100 * curve
        for name, curve in found.trained.history.items()
    }
    figure = plot_training(curves, labels=("cross-entropy (nats)", "accuracy (%)"))
    words = "Each epoch brings the same trials, noise and all."
    if found.config.fresh and _shows_images(found):
        words = "Each epoch brings new spikes of the same images."
    elif found.config.fresh:
        words = "Each epoch brings new trials, so that there is nothing to learn by heart."
    caption = (
        "Validation is on trials of its own, after each epoch; what is of training is the mean "
        "over the epoch, in which the network changes."
    )
    return Section("How it was trained", words, [ReportFigure("Training", figure, caption)])
