"""The chapters of a report on images shown in trials."""

import numpy as np

from spikeloop.characterize import ReliabilityTable, SelectedUnits
from spikeloop.data import Images, Trials
from spikeloop.viz import (
    Block,
    KeyNumber,
    ReportFigure,
    Section,
    UnitScores,
    plot_example_images,
    plot_raster,
    plot_raster_blocks,
    plot_receptive_fields,
    plot_reliability_histograms,
    plot_selection_scatter,
    plot_signal_and_noise,
)
from spikeloop.workflows.job import unit_table
from spikeloop.workflows.scenes import Raster, SceneFindings


def scene_sections(
    findings: SceneFindings, images: Images | None, order: np.ndarray | None
) -> list[Section]:
    """Return the chapters, without those that the experiment cannot tell.

    `order` (unit,) is that of the units in matrices; None where there is one unit.
    """
    sections = []
    if findings.fields is not None:
        sections.append(_fields_section(findings, images))
    if findings.reliability is not None:
        sections.append(_reliability_section(findings.reliability, order))
    if findings.selected is not None:
        sections.append(_selection_section(findings.selected))
    return sections


def scene_numbers(findings: SceneFindings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    responses = findings.responses
    numbers = [KeyNumber("stimuli", len(responses.stimulus_ids), f"{len(responses.counts)} trials")]
    if findings.reliability is not None:
        median = _median(findings.reliability.oracle)
        numbers.append(KeyNumber("median oracle", median, "trial against mean of the others"))
        median = _median(findings.reliability.random_halves_sb)
        numbers.append(KeyNumber("median reliability", median, "split halves, Spearman-Brown"))
    if findings.selected is not None:
        keep = findings.selected.keep
        numbers.append(
            KeyNumber("worth modelling", f"{int(keep.sum())} of {len(keep)}", "units selected")
        )
    return numbers


def raster_section(raster: Raster, trials: Trials | None) -> Section:
    """Return the chapter with the sorted raster, whole and for each block of stimuli."""
    blocks = _blocks(trials)
    order = raster.ordered.order
    whole = plot_raster(
        raster.activity, bin_s=raster.bin_s, order=order, start_s=raster.start_s, blocks=blocks
    ).figure
    figures = [
        ReportFigure(
            "Activity of all units, sorted",
            whole,
            f"Spike counts in bins of {1000 * raster.bin_s:g} ms, z-scored for each unit. Units "
            "that are active together stand near each other.",
        )
    ]
    if 1 < len(blocks) <= 8:
        figures.append(
            ReportFigure(
                "The same, block by block",
                plot_raster_blocks(
                    raster.activity,
                    blocks,
                    bin_s=raster.bin_s,
                    order=order,
                    start_s=raster.start_s,
                ),
                "The units stand in the same order in each block.",
            )
        )
    return Section("Who is active with whom", "", figures)


def _median(scores: np.ndarray) -> float | None:
    known = scores[np.isfinite(scores)]
    return float(np.median(known)) if known.size else None


def _fields_section(findings: SceneFindings, images: Images) -> Section:
    figures = []
    if np.isfinite(findings.fields).any():
        figures.append(_fields_figure(findings, images))
    n_shown = min(12, len(images))
    pixels, labels = images.pixels[:n_shown], images.image_ids[:n_shown]
    figures.append(
        ReportFigure(
            "Some of the images",
            plot_example_images(pixels, labels=labels, extent_deg=images.extent_deg),
            f"The first {n_shown} of {len(images)} images, with their ids.",
        )
    )
    return Section(
        "What drives each unit",
        "The mean of the images, each weighed by the unit's response, less the plain mean, with "
        "the correlations that the pixels of the images have among themselves undone by ridge "
        "regression. It is the receptive field of a unit that sums light linearly; a complex cell "
        "has none, however well it responds.",
        figures,
    )


def _fields_figure(findings: SceneFindings, images: Images) -> ReportFigure:
    return ReportFigure(
        "Receptive fields",
        plot_receptive_fields(
            findings.fields,
            findings.responses.unit_ids,
            extent_deg=images.extent_deg,
            significant=findings.field_strength > 1,
            scores=findings.field_strength,
        ),
        "Red pixels excite, blue ones inhibit; each map has its own scale. Beside the name of each "
        "unit: its strongest pixel, in units of what images dealt to the responses at random give "
        "anywhere in the map in 1 of 20 units. Marked: above 1.",
    )


def _reliability_section(table: ReliabilityTable, order: np.ndarray | None) -> Section:
    figures = [
        ReportFigure(
            "Reliability of the units",
            plot_reliability_histograms(
                {
                    "oracle correlation": table.oracle,
                    "split-half reliability": table.random_halves_sb,
                    "noise ceiling of the mean": table.cc_max,
                    "signal-to-noise ratio": table.snr,
                    "explainable fraction": table.fev,
                    "p of no signal": table.p_value,
                }
            ),
            "None of the scores is clipped: estimates of units without signal scatter about zero.",
        )
    ]
    if order is not None:
        figures.append(_correlation_figure(table, order))
    return Section(
        "How reliable each unit is",
        f"{table.n_stimuli} stimuli were shown {table.mean_repeats:.3g} times on average. The "
        "oracle correlates each trial with the mean of the other repeats of its stimulus. The "
        "noise ceiling is the correlation that a perfect model would have with the mean responses.",
        figures,
        [
            unit_table(
                "Reliability",
                table.columns(),
                "oracle low and high: interval from drawing stimuli anew; sb: Spearman-Brown; fev: "
                "fraction of explainable variance. Powers are in squared counts.",
            )
        ],
    )


def _correlation_figure(table: ReliabilityTable, order: np.ndarray) -> ReportFigure:
    return ReportFigure(
        "Signal and noise correlations",
        plot_signal_and_noise(table.signal_correlation, table.noise_correlation, order=order),
        "Left: how alike the true mean responses of two units are, from different repeats, so that "
        "shared noise does not count. Right: how alike they deviate from their means in single "
        "trials.",
    )


def _selection_section(selected: SelectedUnits) -> Section:
    scores = UnitScores(
        selected.entropy_bits, selected.variance, selected.oracle, selected.anomaly, selected.keep
    )
    return Section(
        "Which units are worth modelling",
        f"Judged on {len(selected.training_ids)} training stimuli alone; the other "
        f"{len(selected.test_ids)} are held out for the test of models, and chose nothing.",
        [
            ReportFigure(
                "Selection",
                plot_selection_scatter(scores),
                "Filled: kept. Ringed: anomalies found by an isolation forest from entropy and "
                "variance.",
            )
        ],
        [
            unit_table(
                "Selection",
                selected.columns(),
                "most and least correlated: the partner with the highest and the lowest "
                "correlation of mean responses.",
            )
        ],
    )


def _blocks(trials: Trials | None) -> list[Block]:
    """Return the stretches of trials that share a value of the column block or stimulus_block."""
    if trials is None or trials.onset_s is None or trials.duration_s is None:
        return []
    names = [name for name in ("block", "stimulus_block") if name in trials.conditions]
    if not names:
        return []
    order = np.argsort(trials.onset_s, kind="stable")
    label = trials.conditions[names[0]][order].astype(str)
    onset_s, stop_s = trials.onset_s[order], (trials.onset_s + trials.duration_s)[order]
    starts = np.flatnonzero(np.append(True, label[1:] != label[:-1]))
    stops = np.append(starts[1:], len(label)) - 1
    return [
        Block(f"block {label[first]}", float(onset_s[first]), float(stop_s[last]))
        for first, last in zip(starts, stops, strict=True)
    ]
