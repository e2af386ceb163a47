"""What was found, against what is true: possible only where the experiment was simulated."""

from dataclasses import dataclass

import numpy as np

from spikeloop.evaluate.recovery import filter_correlation, subspace_overlap
from spikeloop.simulate import CorticalTruth, SimulatedCortex
from spikeloop.viz import (
    KeyNumber,
    LoopOverview,
    ReportFigure,
    ReportTable,
    Section,
    plot_filter_correlations,
    plot_loop_overview,
    plot_receptive_fields,
    plot_truth_comparison,
)
from spikeloop.workflows.job import unit_table
from spikeloop.workflows.scenes import Raster, SceneFindings


@dataclass(frozen=True, eq=False)
class Verdict:
    """How near each estimate came to the truth; all (unit,) unless they say otherwise."""

    unit_ids: np.ndarray
    cell_type: np.ndarray
    """simple, complex or unresponsive."""
    recovery: np.ndarray
    """Correlation of the estimated receptive field with the true filter; for complex cells, which
    have two and no linear field, how much of the estimate lies in their plane. NaN: no truth."""
    true_ceiling: np.ndarray
    """Correlation that the true rates have with the mean responses, on average."""
    estimated_ceiling: np.ndarray
    """The same as estimated from the repeats: `cc_max`; NaN where no signal was found."""
    kept: np.ndarray
    """Whether the unit was selected for modelling."""
    fields: np.ndarray
    """(unit, y, x) the estimated receptive fields."""
    true_fields: np.ndarray
    """(unit, y, x) the true filters, the first of two for complex cells."""

    @property
    def simple_recovery(self) -> float:
        """Median over simple cells of `recovery`."""
        return known_median(self.recovery[self.cell_type == "simple"])

    @property
    def ceiling_error(self) -> float:
        """Median over responsive units of the absolute error of the noise ceiling."""
        responsive = self.cell_type != "unresponsive"
        return known_median(np.abs(self.estimated_ceiling - self.true_ceiling)[responsive])


def judge(truth: CorticalTruth, scenes: SceneFindings) -> Verdict:
    """Compare what was found with the truth, unit by unit, paired by their ids."""
    unit_ids = scenes.responses.unit_ids
    row = rows_of(truth.model.unit_ids, unit_ids)
    filters, cell_type = truth.filters[row], truth.cell_type[row]
    recovery = filter_correlation(scenes.fields, filters[:, 0])
    overlap = subspace_overlap(scenes.fields[:, None], filters)
    recovery = np.where(cell_type == "complex", overlap, recovery)
    recovery[cell_type == "unresponsive"] = np.nan
    reliability, selected = scenes.reliability, scenes.selected
    n_repeats = 1 if reliability is None else reliability.mean_repeats
    nothing = np.full(len(unit_ids), np.nan)
    return Verdict(
        unit_ids=unit_ids,
        cell_type=cell_type,
        recovery=recovery,
        true_ceiling=truth.noise_ceiling(n_repeats)[row],
        estimated_ceiling=nothing if reliability is None else reliability.cc_max,
        kept=np.isfinite(nothing) if selected is None else selected.keep,
        fields=scenes.fields,
        true_fields=filters[:, 0],
    )


def truth_arrays(truth: CorticalTruth) -> dict[str, np.ndarray]:
    """Return the truth as arrays to store."""
    return {
        "filters": truth.filters,
        "cell_type": truth.cell_type,
        "image_ids": truth.image_ids,
        "photograph": truth.photograph,
        "box": truth.box,
        "rates_hz": truth.rates_hz,
        "window_s": np.asarray(truth.window_s),
        "signal_variance": truth.signal_variance,
        "noise_variance": truth.noise_variance,
    }


def verdict_numbers(verdict: Verdict) -> list[KeyNumber]:
    """Return what stands at the very head of the report."""
    kept_wrongly = int(np.sum(verdict.kept & (verdict.cell_type == "unresponsive")))
    return [
        KeyNumber(
            "receptive fields recovered",
            verdict.simple_recovery,
            "median correlation with the true filter, simple cells",
        ),
        KeyNumber("error of noise ceilings", verdict.ceiling_error, "median |estimated − true|"),
        KeyNumber("selected by mistake", kept_wrongly, "unresponsive units"),
    ]


def verdict_section(verdict: Verdict, overview: ReportFigure | None) -> Section:
    """Return the chapter that judges the rest."""
    return Section(
        "Judged by the truth",
        "The experiment was simulated, so its truth is known. The recording was written to an NWB "
        "file, and all estimates were made from the spikes, trials and images in that file. One "
        "thing was given: the window after onset in which the units respond.",
        [
            *([] if overview is None else [overview]),
            *_figures(verdict),
        ],
        [_table(verdict)],
    )


def draw_overview(
    cortex: SimulatedCortex, raster: Raster | None, verdict: Verdict
) -> ReportFigure | None:
    """Draw the loop in one picture, with simple cells from the worst recovered to the best.

    None where there are no simple cells, or no other units to sort the raster by.
    """
    simple = np.flatnonzero(verdict.cell_type == "simple")
    if raster is None or not len(simple):
        return None
    simple = simple[np.argsort(verdict.recovery[simple])]
    drawn = simple[np.linspace(0, len(simple) - 1, min(5, len(simple))).round().astype(int)]
    known = np.isfinite(verdict.estimated_ceiling)
    figure = plot_loop_overview(
        LoopOverview(
            images=cortex.experiment.images.pixels[:6],
            true_fields=verdict.true_fields[drawn],
            estimated_fields=verdict.fields[drawn],
            field_scores=verdict.recovery[drawn],
            fields_head="3  characterize: receptive fields, from the worst to the best",
            activity=raster.activity,
            order=raster.ordered.order,
            bin_s=raster.bin_s,
            true_ceiling=verdict.true_ceiling[known],
            estimated_ceiling=verdict.estimated_ceiling[known],
        )
    )
    return ReportFigure(
        "The loop at a glance",
        figure,
        "Images are shown and units respond. Receptive fields and noise ceilings are estimated "
        "from the spikes and compared with the true ones. The receptive fields are those of five "
        "simple cells, from the worst recovered to the best.",
    )


def _figures(verdict: Verdict) -> list[ReportFigure]:
    responsive = verdict.cell_type != "unresponsive"
    return [
        ReportFigure(
            "True filters found again",
            plot_filter_correlations(
                verdict.recovery[responsive], verdict.cell_type[responsive].tolist()
            ).figure,
            "Simple cells: correlation of the estimated receptive field with the true filter. "
            "Complex cells respond to both signs of their two filters, so a linear estimate cannot "
            "find them; their score is the length of the part of the estimate that lies in the "
            "plane of the two filters, which is above zero by chance.",
        ),
        ReportFigure(
            "True and estimated receptive fields of simple cells",
            plot_receptive_fields(
                verdict.fields[verdict.cell_type == "simple"],
                verdict.unit_ids[verdict.cell_type == "simple"],
                truth=verdict.true_fields[verdict.cell_type == "simple"],
                scores={"correlation": verdict.recovery[verdict.cell_type == "simple"]},
                most=12,
            ),
            "Beside each true filter the estimate from the spikes, the best first.",
        ),
        ReportFigure(
            "True and estimated noise ceilings",
            plot_truth_comparison(
                verdict.true_ceiling,
                verdict.estimated_ceiling,
                label="noise ceiling",
                groups=verdict.cell_type.tolist(),
            ).figure,
            "The correlation that a perfect model would have with the mean responses: true, and "
            "estimated from the repeats. A unit whose estimated signal power is not above zero has "
            "no estimate; half of the unresponsive units, whose true ceiling is 0, have none.",
        ),
    ]


def _table(verdict: Verdict) -> ReportTable:
    columns = {
        "unit_ids": verdict.unit_ids,
        "type": verdict.cell_type,
        "filter recovered": verdict.recovery,
        "true ceiling": verdict.true_ceiling,
        "estimated ceiling": verdict.estimated_ceiling,
        "selected": verdict.kept,
    }
    return unit_table("Verdict", columns, "filter recovered: as in the histogram above.")


def rows_of(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the row of each wanted id."""
    sorter = np.argsort(ids)
    return sorter[np.searchsorted(ids, wanted, sorter=sorter)]


def known_median(values: np.ndarray) -> float:
    """Return the median of the values that are finite, NaN where there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
