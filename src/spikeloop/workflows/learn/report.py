"""What a spiking network learned, told in a report."""

import jax
import numpy as np

from spikeloop import learn
from spikeloop.viz import (
    KeyNumber,
    Report,
    ReportFigure,
    ReportTable,
    Section,
    TrialActivity,
    plot_accuracies,
    plot_answers,
    plot_confusion,
    plot_singular_values,
    plot_training,
    plot_trial,
    plot_tuning,
    plot_weight_maps,
    plot_weights_by_lag,
)
from spikeloop.workflows.job import Job
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
        subtitle=_constraint(found),
        key_numbers=_key_numbers(found),
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _constraint(found: Findings) -> str:
    ratio = found.config.ie_ratio
    if ratio is None:
        return "weights of either sign"
    if found.config.form == "interneurons":
        return f"under Dale's law, all units excite and {ratio:.0%} as many interneurons inhibit"
    return f"under Dale's law, {ratio:.0%} of the units inhibit"


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
        list(zip(centres.tolist(), scores.class_accuracy, found.ideal.class_accuracy, strict=True)),
        "Share of right answers for each true class.",
    )
    return Section(
        "How well it does on new trials",
        "No trial of these tests was seen in training. The ideal observer weighs the same spikes "
        "by their exact probabilities: no network can do better, but for chance.",
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
    ideal, chance = found.ideal.accuracy, found.scores.chance
    figure = plot_accuracies(
        {name: scores.accuracies for name, scores in found.lesions.items()},
        ends={name: scores.accuracy_interval for name, scores in found.lesions.items()},
        ideal=ideal,
        chance=chance,
    ).figure
    intact = found.lesions["intact"].accuracy
    lost = intact - found.without_unit
    order = np.argsort(-lost)
    rates = found.trained.rates_hz[0]
    table = ReportTable(
        "Hidden units by what is lost without them",
        ["unit", "accuracy without it", "mean rate (Hz)", f"preferred {_label(found)}"],
        [
            (str(unit), found.without_unit[unit], rates[unit], found.tuning.preferred[unit])
            for unit in order
        ],
        "Each unit is silenced alone.",
    )
    return Section(
        "What it cannot do without",
        "Units are silenced in a copy of the trained network: what they send is lost, and nothing "
        "is trained again.",
        [
            ReportFigure(
                "Lesions",
                figure,
                "Small dots are data sets of new trials, the large dot their mean with its "
                f"{found.config.confidence:.0%} interval.",
            )
        ],
        [table],
    )


def _inside(found: Findings) -> Section:
    tuned = plot_tuning(
        found.tuning.rates_hz, found.tuning.class_values, label=_label(found)
    ).figure
    trial = plot_trial(trial_activity(found.trained, found.config.seed), label=_label(found))
    rates = found.trained.rates_hz[0]
    n_silent = int((rates < _SILENT_HZ).sum())
    return Section(
        "What its units do",
        f"{n_silent} of {len(rates)} hidden units are silent: they fire less than once in a second "
        "on average. The others fire at "
        f"{np.median(rates[rates >= _SILENT_HZ]) if n_silent < len(rates) else 0:.0f} Hz (median).",
        [
            ReportFigure(
                "One trial",
                trial,
                "From the spikes of the inputs to the answer, on a trial that was not trained on.",
            ),
            ReportFigure(
                "Tuning", tuned, "Mean rate of each hidden unit for each class, on new trials."
            ),
        ],
    )


def trial_activity(trained: learn.TrainedNetwork, seed: int) -> TrialActivity:
    """Return what a network does on one new trial."""
    task = trained.task
    trials = task.draw(jax.random.fold_in(jax.random.key(seed), 19), 1)
    answer = trained.answer(trials.spikes)
    signs = {"input": trained.signs("hidden.0.input")}
    hidden = {}
    for index, spikes in enumerate(answer.spikes):
        above = trained.sent_by(f"hidden_{index}")[0]
        name = "hidden" if len(answer.spikes) == 1 else f"hidden {index}"
        hidden[name] = np.asarray(spikes[:, 0])
        signs[name] = trained.signs(above)
    traces = trained.plan.trace(trained.numbers, answer.spikes[-1])
    return TrialActivity(
        np.asarray(trials.spikes[0]),
        hidden,
        np.asarray(traces[:, 0]),
        task.class_values(),
        int(trials.target[0]),
        int(answer.output[0].argmax()),
        dt_ms=task.dt_ms,
        groups=_groups(task),
        signs={name: sign for name, sign in signs.items() if sign.any() and name in hidden},
    )


def _groups(task: learn.Task) -> list[tuple[str, int]]:
    if isinstance(task, learn.SoundLocalization):
        return [("left ear", task.n_fibres), ("right ear", task.n_fibres)]
    return [("inputs", task.n_inputs)]


def _weights(found: Findings) -> Section:
    figures = [_weight_map(found)]
    after = found.trained.weights()
    if isinstance(found.config.task, learn.SoundLocalization):
        needed = np.argsort(found.without_unit)[:_N_LAG_PANELS]
        figures.append(
            ReportFigure(
                "Weights by ear and lag",
                plot_weights_by_lag(
                    after["hidden.0.input"],
                    found.config.task.lags_deg,
                    units=[int(unit) for unit in needed],
                ),
                f"The {len(needed)} hidden units that are missed most when they are silenced.",
            )
        )
    before = found.trained.weights(before=True)
    spectra = {
        _plain(part.name): (
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
    return Section("What its weights became", "", figures, [_weight_table(found)])


def _weight_map(found: Findings) -> ReportFigure:
    """Return the weights of the inputs, the rows sorted by ear and sign, as signs are spread."""
    name = "hidden.0.input"
    trained = found.trained
    signs = trained.signs(name)
    rows, groups, start = [], [], 0
    for ear, size in _groups(found.config.task):
        own = np.arange(start, start + size)
        start += size
        for sign, word in ((1, ", exc."), (-1, ", inh."), (0, "")):
            chosen = own[signs[own] == sign]
            if len(chosen):
                rows.append(chosen)
                groups.append((ear + word, len(chosen)))
    kept = np.concatenate(rows)
    figure = plot_weight_maps(
        trained.weights(before=True)[name][kept],
        trained.weights()[name][kept],
        groups,
        order=np.argsort(found.tuning.preferred, kind="stable"),
    )
    words = (
        "Rows are inputs, from the first to the last of each group; columns are hidden units, "
        "sorted by the class that they prefer."
    )
    return ReportFigure("Weights of the inputs", figure, words)


def _weight_table(found: Findings) -> ReportTable:
    rows = [
        (
            _plain(part.name),
            part.near_zero_before,
            part.near_zero,
            part.entropy_before,
            part.entropy,
            part.inhibition_over_excitation,
        )
        for part in found.weights
    ]
    columns = [
        "weights",
        "near zero before",
        "near zero",
        "spectral entropy before",
        "spectral entropy",
        "inhibition / excitation",
    ]
    words = (
        "Near zero: below a hundredth of the largest weight. Spectral entropy: 1 where all modes "
        "are equally strong. Inhibition over excitation: summed weights times the mean rates of "
        "the units that they come from."
    )
    return ReportTable("Weights", columns, rows, words)


def _plain(name: str) -> str:
    """Return the name of some weights as words: ``hidden.0.input`` is "input to hidden 0"."""
    kind, *rest = name.split(".")
    if kind == "readout":
        return "hidden to readout"
    layer, part = rest
    return f"within hidden {layer}" if part == "recurrent" else f"input to hidden {layer}"


def _training(found: Findings) -> Section:
    curves = dict(found.trained.history)
    figure = plot_training(curves, labels=("cross-entropy (nats)", "accuracy"))
    words = (
        "Each epoch brings new trials, so that there is nothing to learn by heart."
        if found.config.fresh
        else "Each epoch brings the same trials, noise and all."
    )
    return Section("How it was trained", words, [ReportFigure("Training", figure, "")])
