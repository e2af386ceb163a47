"""Spikes and a continuous stimulus: what the stimulus was before a spike."""

from dataclasses import dataclass

import numpy as np

from spikeloop.characterize import (
    SpikeTriggeredAverage,
    SpikeTriggeredCovariance,
    TriggeredAverage,
    TriggeredCovariance,
    triggered_average,
    triggered_covariance,
)
from spikeloop.data import Experiment
from spikeloop.viz import (
    AverageBands,
    KeyNumber,
    ReportFigure,
    ReportTable,
    Section,
    plot_covariance_filters,
    plot_triggered_average_panels,
    plot_triggered_averages,
)
from spikeloop.workflows.job import Job

LARGEST_COVARIANCE = 400
"""Lags x features up to which the covariance is found too: a matter of seconds for each unit."""


@dataclass(frozen=True, eq=False)
class SweepFindings:
    """What a continuous stimulus told of each unit."""

    average: TriggeredAverage
    covariance: TriggeredCovariance | None
    """None where the window holds too many numbers."""


def analyse_sweep(
    job: Job,
    experiment: Experiment,
    average: SpikeTriggeredAverage,
    covariance: SpikeTriggeredCovariance,
    *,
    seed: int,
) -> SweepFindings:
    """Find the triggered average and, for narrow stimuli, the triggered covariance."""
    spikes, stimulus = experiment.spikes, experiment.stimulus
    found = job.step(
        "triggered_average",
        TriggeredAverage,
        lambda: triggered_average(spikes, stimulus, average, seed=seed),
    )
    if found.average[0].size > LARGEST_COVARIANCE:
        return SweepFindings(found, None)
    if found.average.shape[2] > 1:
        job.remark(
            "The spike-triggered covariance of a stimulus with several features is stored in "
            "triggered_covariance.npz and not drawn."
        )
    spread = job.step(
        "triggered_covariance",
        TriggeredCovariance,
        lambda: triggered_covariance(spikes, stimulus, covariance, seed=seed),
    )
    return SweepFindings(found, spread)


def sweep_sections(findings: SweepFindings) -> list[Section]:
    """Return the chapters of the report."""
    sections = [_average_section(findings.average)]
    if findings.covariance is not None and findings.average.average.shape[2] == 1:
        sections.append(_covariance_section(findings.average, findings.covariance))
    return sections


def sweep_numbers(findings: SweepFindings) -> list[KeyNumber]:
    """Return what stands at the head of the report."""
    average = findings.average
    numbers = [KeyNumber("windows averaged", int(average.n_spikes.sum()), "spikes with a window")]
    if average.p_value is not None:
        driven = int(np.sum(average.p_value < 0.05))
        chance = 0.05 * len(average.unit_ids)
        note = f"p < 0.05, circular shifts; {chance:.2g} by chance"
        numbers.append(KeyNumber("units driven", f"{driven} of {len(average.unit_ids)}", note))
    best = _strongest(average)
    if best is not None:
        unit, lag, feature = best
        peak = average.average[unit, lag, feature] - average.stimulus_mean[feature]
        when = "at the spike"
        if lag_ms := round(-1000 * average.lags_s[lag], 3):
            when = f"{abs(lag_ms):g} ms {'before' if lag_ms > 0 else 'after'} the spike"
        note = f"from the mean stimulus, {when}, unit {average.unit_ids[unit]}"
        numbers.append(KeyNumber("largest deviation", float(peak), note))
    return numbers


def _strongest(average: TriggeredAverage) -> tuple[int, ...] | None:
    deviation = np.abs(average.average - average.stimulus_mean)
    if np.isnan(deviation).all():
        return None
    return np.unravel_index(np.nanargmax(deviation), deviation.shape)


def _average_section(average: TriggeredAverage) -> Section:
    best = _strongest(average)
    figures = []
    if best is not None:
        figures.append(_one_average(average, best[0], best[2]))
    if best is not None and len(average.unit_ids) > 1:
        figures.append(_all_averages(average, best[2]))
    return Section(
        "What the stimulus was before a spike",
        "Each window of the stimulus that precedes a spike is averaged. Spikes whose window leaves "
        "the stimulus are skipped, and the divisor counts only those used.",
        figures,
        [_average_table(average)],
    )


def _one_average(average: TriggeredAverage, unit: int, feature: int) -> ReportFigure:
    name = f"Unit {average.unit_ids[unit]}"
    if average.average.shape[2] > 1:
        name += f", feature {feature}"
    bands = _bands(average, unit, feature)
    return ReportFigure(
        f"Spike-triggered average: {name}",
        plot_triggered_average_panels(average.lags_s, average.average[unit, :, feature], bands),
        "First: the mean stimulus around a spike, with its standard error. Grey: the limits within "
        "which the average of 95 % of trains stays at all lags if they are shifted in time against "
        "the stimulus (or of the confidence set). Second: the same average with one standard "
        "deviation of the single windows: the spread of the stimuli before a spike, not the "
        "uncertainty of their mean.",
    )


def _all_averages(average: TriggeredAverage, feature: int) -> ReportFigure:
    bands = average.null_band
    if bands is not None:
        bands = np.stack([-bands, bands], axis=1)[:, :, None] * np.ones(len(average.lags_s))
    return ReportFigure(
        "Spike-triggered averages of the units",
        plot_triggered_averages(
            average.lags_s,
            average.average[:, :, feature] - average.stimulus_mean[feature],
            average.unit_ids,
            null_bands=bands,
        ),
        "The strongest first, as deviations from the mean of the stimulus; grey: the null band.",
    )


def _bands(average: TriggeredAverage, unit: int, feature: int) -> AverageBands:
    mean = float(average.stimulus_mean[feature])
    null = None
    if average.null_band is not None:
        ones = np.ones(len(average.lags_s))
        null = np.stack([(mean + side * average.null_band[unit]) * ones for side in (-1, 1)])
    error, spread = average.standard_error, average.ensemble_sd
    return AverageBands(
        standard_error=None if error is None else error[unit, :, feature],
        null_band=null,
        ensemble_sd=None if spread is None else spread[unit, :, feature],
        stimulus_mean=mean,
    )


def _average_table(average: TriggeredAverage) -> ReportTable:
    deviation = np.abs(average.average - average.stimulus_mean).max(axis=2)
    rows = []
    for unit, unit_id in enumerate(average.unit_ids.astype(str)):
        seen = np.isfinite(deviation[unit]).all()
        lag = int(np.argmax(deviation[unit])) if seen else None
        rows.append(
            (
                unit_id,
                average.n_spikes[unit],
                None if lag is None else float(deviation[unit, lag]),
                None if lag is None else 1000 * average.lags_s[lag],
                None if average.null_band is None else average.null_band[unit],
                None if average.p_value is None else average.p_value[unit],
            )
        )
    return ReportTable(
        "Triggered averages",
        ["unit", "spikes used", "largest deviation", "at lag (ms)", "null band", "p"],
        rows,
        "The largest deviation of the average from the mean stimulus, in the stimulus's unit.",
    )


def _covariance_section(average: TriggeredAverage, covariance: TriggeredCovariance) -> Section:
    unit = int(np.argmax(average.n_spikes))
    null_range = covariance.null_range
    figure = plot_covariance_filters(
        covariance.lags_s,
        covariance.eigenvalues[unit],
        covariance.filters[unit, :, :, 0],
        filter_eigenvalues=covariance.filter_eigenvalues[unit],
        null_range=None if null_range is None else null_range[unit],
    )
    return Section(
        "Spike-triggered covariance",
        "The covariance of the stimulus before a spike, minus that of the whole stimulus. Along "
        "eigenvectors with large eigenvalues the stimulus varies more before a spike, as for a "
        "unit that responds to both signs of a pattern; along those with strongly negative ones "
        "it varies less. That suppression is certain only for a Gaussian stimulus: with another, "
        "or with a correlated one that is not whitened (--covariance.whitening-ridge), a unit with "
        "a single filter can show negative eigenvalues too.",
        [
            ReportFigure(
                f"Spike-triggered covariance: unit {average.unit_ids[unit]}",
                figure,
                "Eigenvalues outside the grey range are larger or smaller than those of shifted "
                "trains. Right: the filters of the most extreme ones.",
            )
        ],
    )
