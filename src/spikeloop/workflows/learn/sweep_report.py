"""What Dale's law costs, told in a report."""

import numpy as np

from spikeloop.viz import (
    KeyNumber,
    Report,
    ReportFigure,
    ReportTable,
    Section,
    plot_accuracy_by_inhibition,
)
from spikeloop.workflows.job import Job
from spikeloop.workflows.learn.sweep import SweepFindings, SweepPoint


def sweep_report(found: SweepFindings, job: Job) -> Report:
    """Return the report of one sweep."""
    section = Section(
        "Accuracy by the share of inhibitory units",
        "All networks of one membrane time constant were trained at once, on the same trials.",
        [_figure(found)],
        [_table(found, tau_ms) for tau_ms in found.config.taus_ms],
    )
    return Report(
        "What Dale's law costs",
        [section],
        subtitle="sound localization by a spiking network",
        key_numbers=_key_numbers(found),
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _key_numbers(found: SweepFindings) -> list[KeyNumber]:
    numbers = []
    for is_free, label in ((False, "best under Dale's law"), (True, "best without constraint")):
        points = [point for point in found.points if (point.ie_ratio is None) == is_free]
        if points:
            best = max(points, key=lambda point: point.accuracies.mean())
            words = f"membrane {best.tau_ms:g} ms"
            words = words if is_free else f"{best.ie_ratio:.0%} inhibitory, {words}"
            numbers.append(KeyNumber(label, f"{best.accuracies.mean():.1%}", words))
    n_classes = found.config.task.n_classes
    return [
        *numbers,
        KeyNumber("ideal observer", f"{found.ideal.accuracy:.1%}", "of the same spikes"),
        KeyNumber("chance", f"{1 / n_classes:.1%}", f"{n_classes} classes"),
        KeyNumber("networks", len(found.points) * found.config.n_networks, "trained"),
    ]


def _points(found: SweepFindings, tau_ms: float) -> list[SweepPoint]:
    """Return the points of one time constant, those without a constraint last."""
    points = [point for point in found.points if point.tau_ms == tau_ms]
    return sorted(points, key=lambda point: np.inf if point.ie_ratio is None else point.ie_ratio)


def _table(found: SweepFindings, tau_ms: float) -> ReportTable:
    config = found.config
    columns = ["inhibitory units", "accuracy", "from", "to", "error (deg)"]
    rows = [
        (
            "no constraint" if point.ie_ratio is None else f"{point.ie_ratio:.0%}",
            float(point.accuracies.mean()),
            *_interval(point, config.confidence),
            float(point.absolute_errors.mean()),
        )
        for point in _points(found, tau_ms)
    ]
    words = (
        f"Mean share of right answers of {config.n_networks} networks, the ends of its "
        f"{config.confidence:.0%} interval, and the mean absolute error."
    )
    return ReportTable(f"Accuracy, membrane {tau_ms:g} ms", columns, rows, words)


def _interval(point: SweepPoint, confidence: float) -> list[float]:
    """Return the interval of the mean accuracy; where it is wide, it stops at 0 and 1."""
    return np.clip(point.interval(confidence), 0, 1).tolist()


def _figure(found: SweepFindings) -> ReportFigure:
    config = found.config
    lines, ends = {}, {}
    for tau_ms in config.taus_ms:
        points = _points(found, tau_ms)
        name = f"membrane {tau_ms:g} ms"
        lines[name] = np.stack([point.accuracies for point in points])
        ends[name] = np.array([_interval(point, config.confidence) for point in points])
    shares = [*np.sort(config.ie_ratios), *([np.nan] if config.unconstrained else [])]
    ax = plot_accuracy_by_inhibition(
        np.array(shares),
        lines,
        ends=ends,
        ideal=found.ideal.accuracy,
        chance=1 / config.task.n_classes,
    )
    words = (
        f"Small dots are networks that differ in where their weights began, large ones the means "
        f"of {config.n_networks}; bands are {config.confidence:.0%} intervals of the means."
    )
    if config.unconstrained:
        words += " Level lines are networks without a constraint."
    if ax.get_yscale() != "linear":
        words += " The axis is broken where nothing lies; both parts of it have one scale."
    return ReportFigure("Sweep", ax.figure, words)
