"""Models of the virtual cortex, judged by its true rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloop import encode, evaluate
from spikeloop.data import Experiment, Images, Responses
from spikeloop.evaluate.recovery import filter_correlation
from spikeloop.simulate import CorticalTruth
from spikeloop.viz import (
    KeyNumber,
    ReportFigure,
    ReportTable,
    Section,
    plot_filter_correlations,
    plot_model_scatter,
)
from spikeloop.workflows.job import Job, unit_table
from spikeloop.workflows.verdict import known_median, rows_of

LINEAR, BANK = "smooth", "gabor"  # as in `spikeloop encode`
MODELS = {LINEAR: encode.SmoothRidge(), BANK: encode.GaborBank()}
TEST_SHARE, VALIDATION_SHARE = 0.25, 0.1
"""Parts of the width of each photograph, from the right, whose patches are held out."""


@dataclass(frozen=True, eq=False)
class ModelVerdict:
    """How near models come to the true rates of images that they have not seen."""

    unit_ids: np.ndarray
    """(unit,) as in the responses."""
    cell_type: np.ndarray
    """(unit,) simple, complex or unresponsive."""
    correlation: Mapping[str, np.ndarray]
    """(unit,) for each model: of predicted with true rates; NaN where these are flat."""
    filter_correlation: np.ndarray
    """(unit,) correlation of the linear filter with the true one; NaN but for simple cells."""
    n_training: int
    """How many images were learned from."""
    n_test: int
    """How many images were predicted."""

    def median(self, name: str, cell_type: str) -> float:
        """Return the median correlation with the true rates over units of one type."""
        return known_median(self.correlation[name][self.cell_type == cell_type])


def judge_models(
    job: Job, truth: CorticalTruth, experiment: Experiment, responses: Responses, *, seed: int
) -> ModelVerdict | None:
    """Fit models to one part of the photographs, and compare them with the truth on another.

    None where there are too few images to learn from or to test on.
    """
    split = split_by_place(truth)
    if len(split.fitting_ids) < 50 or len(split.test_ids) < 10:
        return None
    row = rows_of(truth.model.unit_ids, responses.unit_ids)
    cell_type = truth.cell_type[row]
    pixels = experiment.images.of_ids(split.test_ids)
    true_hz = truth.rates_hz[rows_of(truth.image_ids, split.test_ids)][:, row]
    correlation, filters = {}, np.full(len(row), np.nan)
    for name, model in MODELS.items():
        with job.doing(name):
            fitted = _kept(job, name, model, responses, experiment.images, split, seed)
        correlation[name] = evaluate.pearson(fitted.predict(pixels).astype(float), true_hz)
        if name == LINEAR:
            filters = filter_correlation(fitted.receptive_fields(), truth.filters[row, 0])
    return ModelVerdict(
        unit_ids=responses.unit_ids,
        cell_type=cell_type,
        correlation=correlation,
        filter_correlation=np.where(cell_type == "simple", filters, np.nan),
        n_training=len(split.fitting_ids),
        n_test=len(split.test_ids),
    )


def _kept(
    job: Job,
    name: str,
    model: encode.SmoothRidge | encode.GaborBank,
    responses: Responses,
    images: Images,
    split: encode.StimulusSplit,
    seed: int,
) -> encode.FittedModel:
    """Return the fitted model, from its file where an earlier run of this job left one."""

    def write(path: Path) -> None:
        fitted = encode.fit(model, responses, images, split=split, seed=seed)
        encode.save_model(path, fitted)

    return encode.load_model(job.folder.file(f"{name}.safetensors", write))


def split_by_place(truth: CorticalTruth) -> encode.StimulusSplit:
    """Hold out the right of each photograph for the test, and the part beside it for validation.

    Patches overlap, at all magnifications: those that lie across a border are left out.
    """
    left, right = truth.box[:, 1], truth.box[:, 3]
    test_from, validation_from = 1 - TEST_SHARE, 1 - TEST_SHARE - VALIDATION_SHARE
    return encode.StimulusSplit(
        training_ids=truth.image_ids[right <= validation_from],
        validation_ids=truth.image_ids[(left >= validation_from) & (right <= test_from)],
        test_ids=truth.image_ids[left >= test_from],
    )


def model_numbers(verdict: ModelVerdict) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    return [
        KeyNumber(
            f"{name}, {kind} cells",
            verdict.median(name, kind),
            "median correlation with true rates of new images",
        )
        for name, kind in ((LINEAR, "simple"), (BANK, "complex"))
        if np.any(verdict.cell_type == kind)
    ]


def model_section(verdict: ModelVerdict) -> Section:
    """Return the chapter on models."""
    return Section(
        "Models judged by the truth",
        f"Two models of spikeloop encode, {LINEAR} (a linear filter with a smooth prior) and "
        f"{BANK} (a bank of Gabor filters with normalization), learned from {verdict.n_training} "
        f"images and predicted {verdict.n_test} others, cut from another part of the photographs, "
        "so that none shows what was learned from. Predictions are compared with the true rates, "
        "which have no noise: 1 is perfect. Complex cells answer both signs of a pattern alike, "
        "which no linear filter can do.",
        _figures(verdict),
        [_table(verdict)],
    )


def _figures(verdict: ModelVerdict) -> list[ReportFigure]:
    responsive = verdict.cell_type != "unresponsive"
    simple = verdict.cell_type == "simple"
    return [
        ReportFigure(
            "A linear model and a bank of filters",
            plot_model_scatter(
                verdict.correlation[LINEAR][responsive],
                verdict.correlation[BANK][responsive],
                names=(LINEAR, BANK),
                label="correlation with true rates",
                groups=verdict.cell_type[responsive].tolist(),
            ).figure,
            f"Each point is a unit: above the line, {BANK} predicts it better.",
        ),
        ReportFigure(
            f"Filters of {LINEAR}",
            plot_filter_correlations(
                verdict.filter_correlation[simple], verdict.cell_type[simple].tolist()
            ).figure,
            f"Correlation of the filter of {LINEAR} with the true filter of each simple cell.",
        ),
    ]


def _table(verdict: ModelVerdict) -> ReportTable:
    columns = {
        "unit_ids": verdict.unit_ids,
        "type": verdict.cell_type,
        **{f"{name}: rates": values for name, values in verdict.correlation.items()},
        f"{LINEAR}: filter": verdict.filter_correlation,
    }
    return unit_table(
        "Models",
        columns,
        "Correlations: of predicted with true rates, and of the filter with the true one, which is "
        "compared for simple cells alone.",
    )
