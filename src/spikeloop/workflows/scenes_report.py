"""The chapters of a report on images shown in trials."""

import numpy as np

from spikeloop.characterize import ReliabilityTable, SelectedUnits
from spikeloop.data import Images, Trials
from spikeloop.viz import (
    Block,
    KeyNumber,
    ReportFigure,
    ReportTable,
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
        sections.append(_reliability_section(findings, order))
    if findings.selected is not None:
        sections.append(_selection_section(findings.selected))
    return sections


def scene_numbers(findings: SceneFindings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    responses = findings.responses
    n_stimuli, n_blanks = len(responses.stimulus_ids), len(responses.blanks())
    n_shown = len(responses.counts) - n_blanks
    note = "mean responses, no repeats" if n_shown == n_stimuli else f"{n_shown:,} trials"
    numbers = [KeyNumber("stimuli", n_stimuli, note + (f", {n_blanks} blanks" * (n_blanks > 0)))]
    if findings.reliability is not None:
        median = _median(findings.reliability.oracle)
        numbers.append(KeyNumber("median oracle", median, "trial against mean of the others"))
        median = _median(findings.reliability.split_half_sb)
        numbers.append(KeyNumber("median reliability", median, "of mean responses"))
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
    return Section("Sorted activity", "", figures)


P_VALUE = "p-value (permutation test)"


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
        "What drives each unit", _field_words(findings), figures, _field_tables(findings)
    )


def _field_words(findings: SceneFindings) -> str:
    ridge = findings.image_average.ridge
    whitened = (
        "It is not corrected for the correlations of the pixels of the images, and so smoother "
        "than the receptive field. "
        if ridge is None
        else f"The correlations of the pixels were removed by ridge regression (ridge {ridge:.3g} "
        "times the mean variance of a pixel), which makes the weights too small. "
    )
    return (
        "The mean of the images weighted by the unit's responses, minus the plain mean. "
        f"{whitened}It is the receptive field of a unit that sums light linearly; a complex cell "
        "shows little or none, however well it responds. All images were used, those held out "
        "below too."
    )


def _field_tables(findings: SceneFindings) -> list[ReportTable]:
    average = findings.image_average
    if average.p_value is None:
        return []
    columns = {
        "unit_ids": findings.responses.unit_ids,
        "peak_over_limit": findings.field_strength,
        "p_value": average.p_value,
    }
    return [
        unit_table(
            "Receptive fields",
            columns,
            "peak over limit: as in the figure. p value: permutation test of the average before "
            "the correlations of the pixels are removed.",
        )
    ]


def _fields_figure(findings: SceneFindings, images: Images) -> ReportFigure:
    significant = findings.field_strength > 1
    n_units = len(significant)
    return ReportFigure(
        "Receptive fields",
        plot_receptive_fields(
            findings.fields,
            findings.responses.unit_ids,
            extent_deg=images.extent_deg,
            significant=significant,
            scores={"peak / limit": findings.field_strength},
        ),
        "Red: brighter pixels excite; blue: they inhibit. Each map has its own scale. Number: its "
        "strongest weight divided by the limit that the strongest weight of 95 % of maps from "
        f"shuffled images stays below; * above 1: {int(significant.sum())} of {n_units} units, "
        f"where {0.05 * n_units:.1f} are expected by chance. The strongest maps are drawn.",
    )


def _reliability_section(findings: SceneFindings, order: np.ndarray | None) -> Section:
    table = findings.reliability
    start_s, stop_s = findings.responses.window_s
    figures = [_reliability_figure(table)]
    if order is not None:
        figures.append(_correlation_figure(table, order))
    return Section(
        "How reliable each unit is",
        f"Spikes were counted from {1000 * start_s:g} to {1000 * stop_s:g} ms after onset. "
        f"{table.n_stimuli} stimuli were shown {table.mean_repeats:.3g} times on average. The "
        "oracle correlates each trial with the mean of the other repeats of its stimulus. The "
        "noise ceiling is the correlation that a perfect model would have with the mean responses. "
        "The p-value tests whether the mean responses differ more between stimuli than shuffled "
        "trials do; it takes for granted that the stimuli were interleaved.",
        figures,
        [
            unit_table(
                "Reliability",
                table.columns(),
                "Powers are variances of counts over stimuli (signal) and over repeats (noise). "
                "SNR and explainable fraction are those of single trials. Oracle low and high: "
                "interval from resampling stimuli.",
            )
        ],
    )


def _reliability_figure(table: ReliabilityTable) -> ReportFigure:
    return ReportFigure(
        "Reliability of the units",
        plot_reliability_histograms(
            {
                "oracle correlation": table.oracle,
                "reliability of mean responses": table.split_half_sb,
                "noise ceiling of the mean": table.cc_max,
                "signal-to-noise ratio": table.snr,
                "explainable fraction": table.fev,
                P_VALUE: table.p_value,
            },
            limits={P_VALUE: (0.0, 1.0)},
        ),
        "None of the scores is clipped: estimates of units without signal scatter about zero.",
    )


def _correlation_figure(table: ReliabilityTable, order: np.ndarray) -> ReportFigure:
    return ReportFigure(
        "Signal and noise correlations",
        plot_signal_and_noise(table.signal_correlation, table.noise_correlation, order=order),
        "Left: how alike the true mean responses of two units are, from different repeats, so that "
        "shared noise does not count. Right: how alike they deviate from their means in single "
        "trials; slow drifts count too.",
    )


def _selection_section(selected: SelectedUnits) -> Section:
    scores = UnitScores(
        selected.entropy_bits, selected.variance, selected.oracle, selected.anomaly, selected.keep
    )
    return Section(
        "Which units are worth modelling",
        f"Judged on {len(selected.training_ids)} training stimuli alone; the other "
        f"{len(selected.test_ids)} are held out for the test of models, and were not used to "
        "select units. The reason of each choice stands in the table.",
        [
            ReportFigure(
                "Selection",
                plot_selection_scatter(scores),
                "Filled: kept. Ringed: the units that an isolation forest ranks as most unlike the "
                "others in entropy and variance; some always are. Entropy is low for units that "
                "respond to few stimuli, and also for units that fire few spikes.",
            )
        ],
        [
            unit_table(
                "Selection",
                selected.columns(),
                "Entropy is that of the mean responses as a distribution over stimuli. Most and "
                "least correlated: the partner with the highest and the lowest correlation of mean "
                "responses, to which shared noise contributes.",
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
