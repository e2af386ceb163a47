"""The chapters of a report on models of images."""

from dataclasses import dataclass

import numpy as np

from spikeloop import evaluate
from spikeloop.encode import ModelScores
from spikeloop.viz import (
    KeyNumber,
    PredictedImages,
    ReportFigure,
    ReportTable,
    Section,
    plot_model_scatter,
    plot_model_scores,
    plot_predicted_images,
    plot_receptive_fields,
)
from spikeloop.workflows.encode.image_filters import learned_section
from spikeloop.workflows.encode.images import ImageFindings
from spikeloop.workflows.encode.model_pairs import in_order, interval_words, told_apart
from spikeloop.workflows.encode.training_report import warn_of_early_ends
from spikeloop.workflows.job import Job, unit_table

MOST_FIELDS = 24
_EXTREMES = 3


@dataclass(frozen=True, eq=False)
class ReceptiveFields:
    """Gradients of the best model at the mean image."""

    unit_ids: np.ndarray
    """(unit,)."""
    fields: np.ndarray
    """(unit, y, x) change of the expected count for each unit of a pixel."""


def image_numbers(found: ImageFindings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    comparison, split = found.comparison, found.split
    best = comparison[found.best].correlation
    apart = told_apart(comparison.differences, found.best)
    numbers = [
        KeyNumber("units", len(comparison.unit_ids)),
        KeyNumber("test images", len(split.test_ids), f"of {len(found.responses.stimulus_ids)}"),
        KeyNumber("best model", found.best, f"of {len(comparison.models)}{apart}"),
        KeyNumber("its mean test correlation", best.mean.score, interval_words(best.mean)),
    ]
    ceiling = _ceiling(found)
    if ceiling is not None:
        numbers.append(KeyNumber("noise ceiling", ceiling, "mean correlation of a perfect model"))
    return numbers


def image_sections(job: Job, found: ImageFindings) -> list[Section]:
    """Return the chapters; what takes long is kept in the folder of the job."""
    warn_of_early_ends(found.fitted)
    return [
        _comparison_section(found),
        learned_section(found),
        _fields_section(job, found),
        _predictions_section(found),
        _split_section(found),
    ]


def _ceiling(found: ImageFindings) -> float | None:
    """Return the mean over units of the correlation that noise allows, or None without repeats."""
    if (found.comparison.n_trials >= 2).sum() < 2:
        return None
    rows = np.searchsorted(found.responses.stimulus_ids, found.comparison.test_ids)
    ceilings = evaluate.cc_max(found.responses.repeats()[rows])
    known = ceilings[np.isfinite(ceilings)]
    return float(known.mean()) if known.size else None


def _comparison_section(found: ImageFindings) -> Section:
    comparison = found.comparison
    percent = f"{100 * found.evaluation.confidence:g} %"
    ends = [scores.correlation.mean for scores in comparison.models]
    figures = [
        ReportFigure(
            "All models",
            plot_model_scores(
                [scores.name for scores in comparison.models],
                np.array([(mean.score, mean.low, mean.high) for mean in ends]),
                label="mean test correlation of the units",
                ceiling=_ceiling(found),
            ).figure,
            f"Lines: {percent} intervals, from drawing the test images again. They tell of other "
            "images, not of other units; two models may differ although their lines overlap. A "
            "prediction that is the same for all images, such as the mean, has a correlation of 0.",
        )
    ]
    if found.best not in ("mean", "ridge"):
        figures.append(_scatter_figure(found))
    return Section(
        "Models side by side",
        "Each model learned from the same images, and was tested once on images that it had not "
        "seen. Scores are computed for each unit and averaged. The correlation is with the mean "
        "response to each image. The best model was picked by these same test images, so its own "
        "score is a little flattered.",
        figures,
        [_model_table(found), _difference_table(found), _unit_table(found)],
    )


def _scatter_figure(found: ImageFindings) -> ReportFigure:
    linear, best = (
        found.comparison[name].correlation.units.score for name in ("ridge", found.best)
    )
    return ReportFigure(
        f"Linear model against {found.best}",
        plot_model_scatter(
            linear, best, names=("ridge", found.best), label="test correlation"
        ).figure,
        "A point is a unit; on the dotted line both models predict it equally well.",
    )


def _model_table(found: ImageFindings) -> ReportTable:
    threshold = found.evaluation.fev_threshold
    explainable = found.comparison.fraction_explainable
    rows = []
    for scores in found.comparison.models:
        included = np.isfinite(scores.fraction_explained) & (explainable > threshold)
        mean = scores.correlation.mean
        rows.append(
            (
                scores.name,
                mean.score,
                mean.low,
                mean.high,
                _mean(scores.single_trial_correlation),
                _median(scores.cc_norm),
                _mean(scores.fraction_explained[included]),
                len(included) - int(included.sum()) if np.isfinite(explainable).any() else None,
                _mean(scores.deviance_explained),
                _mean(scores.bits_per_spike),
            )
        )
    return ReportTable(
        "Models",
        [
            *("model", "correlation", "low", "high", "trials", "CCnorm", "FEVE", "left out"),
            *("deviance", "bits/spike"),
        ],
        rows,
        "Means over units. Trials: correlation with the counts of single trials. CCnorm: median of "
        "the correlation with what the responses would be without noise. FEVE: fraction of the "
        f"explainable variance that is explained, over units of which more than {threshold:g} is "
        "explainable; left out: how many are not. Both need repeats. Deviance: the fraction of the "
        "Poisson deviance of the mean responses that is explained; it rises with the number of "
        "repeats. It and bits per spike are counted from the mean response to the images that were "
        "learned from, and take no prediction below 1 % of that: a linear model predicts less than "
        "no spikes at times.",
    )


def _difference_table(found: ImageFindings) -> ReportTable:
    rows = []
    for (first, second), pair in in_order(found.comparison.differences, found.best):
        mean = pair.difference.mean
        if np.isfinite(mean.score):
            rows.append((first, second, mean.score, mean.low, mean.high, pair.p_value))
    return ReportTable(
        "Differences",
        ["model", "less", "difference", "low", "high", "p"],
        rows,
        "Of the mean test correlations, with intervals and two-sided p-values from drawing the "
        "same test images for both; those of the best model come first. From "
        "the mean, whose correlation is 0, each differs by its own. "
        f"{found.evaluation.n_draws:,} draws tell no p below "
        f"{2 / (found.evaluation.n_draws + 1):.1g}. Not corrected for the number of comparisons.",
    )


def _unit_table(found: ImageFindings) -> ReportTable:
    comparison = found.comparison
    best = comparison[found.best]
    columns = {
        "unit_ids": comparison.unit_ids,
        **{
            scores.name: scores.correlation.units.score
            for scores in comparison.models
            if scores.name != "mean"
        },
        f"low, {found.best}": best.correlation.units.low,
        f"high, {found.best}": best.correlation.units.high,
        "explainable": comparison.fraction_explainable,
        "mean count": comparison.means.mean(axis=0),
    }
    return unit_table(
        "Units",
        columns,
        "Test correlation by each model, with the interval of the best. Explainable: fraction of "
        "the variance of single trials that is not noise. All scores are in scores.csv.",
    )


def _fields_section(job: Job, found: ImageFindings) -> Section:
    fitted = found.fitted[found.best]
    fields = job.folder.result(
        "receptive_fields",
        ReceptiveFields,
        lambda: ReceptiveFields(found.comparison.unit_ids, fitted.receptive_fields()),
    ).fields
    units = found.order[:MOST_FIELDS]
    ids = found.comparison.unit_ids
    score = found.comparison[found.best].correlation.units.score
    return Section(
        "Receptive fields",
        f"The gradient of each unit's expected count by the pixels, at the mean image, of the "
        f"model {found.best}. It is the best linear description of the model around a grey image. "
        "A unit that answers both signs of a pattern alike, as complex cells do, has next to no "
        "gradient there, however well it responds; what is drawn is then noise. No image looked "
        "like the mean image, so models far from linear may be odd there.",
        [
            ReportFigure(
                "Receptive fields",
                plot_receptive_fields(
                    fields[units],
                    ids[units],
                    extent_deg=found.images.extent_deg,
                    scores={"test correlation": score[units]},
                ),
                "Red: brighter pixels raise the expected count; blue: they lower it. Each map has "
                "its own scale.",
            )
        ],
    )


def _predictions_section(found: ImageFindings) -> Section:
    comparison = found.comparison
    best: ModelScores = comparison[found.best]
    score = best.correlation.units.score
    known = [unit for unit in found.order if np.isfinite(score[unit])]
    units = known[:_EXTREMES] + known[_EXTREMES:][-_EXTREMES:]
    labels = [f"unit {comparison.unit_ids[unit]}: r = {score[unit]:.2f}" for unit in units]
    shown = PredictedImages(
        found.images.of_ids(comparison.test_ids), comparison.means, best.predictions
    )
    return Section(
        "Predicted and measured",
        f"Test images, by the model {found.best}: the {_EXTREMES} units that it predicts best, "
        f"then the {_EXTREMES} that it predicts worst.",
        [
            ReportFigure(
                "Best and worst units",
                plot_predicted_images(shown, units, labels),
                "Left: a point is a test image; counts in the window. Middle: the images predicted "
                "to be answered most, and the prediction. Right: the images answered most, and the "
                "mean response.",
            )
        ],
    )


def _split_section(found: ImageFindings) -> Section:
    split, responses = found.split, found.responses
    start_s, stop_s = responses.window_s
    side = " x ".join(str(n) for n in found.images.pixels.shape[1:])
    n_trials = found.comparison.n_trials
    return Section(
        "What was learned from",
        f"Of {len(responses.stimulus_ids)} images of {side} pixels, {len(split.training_ids)} were "
        f"for training, {len(split.validation_ids)} for choosing settings and for stopping, and "
        f"{len(split.test_ids)} for the test, drawn at random by their ids: all trials of an image "
        "are on one side. The ids are in split.npz. Images that look alike, such as parts of one "
        "photograph, may have come on both sides; then the scores are too good.\n\n"
        f"Responses are spikes from {1000 * start_s:g} to {1000 * stop_s:g} ms after onset, "
        f"averaged over the trials of an image. Test images were shown {n_trials.mean():.3g} times "
        "on average"
        + (
            "."
            if (n_trials >= 2).sum() >= 2
            else ": without repeats nothing tells noise from signal, so there is no noise ceiling, "
            "no CCnorm and no FEVE."
        ),
    )


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _median(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else None
