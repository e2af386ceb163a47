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
    best = max(found.points, key=lambda point: point.accuracies.mean())
    config = found.config
    numbers = [
        KeyNumber("best", f"{best.accuracies.mean():.1%}", _words(best)),
        KeyNumber("ideal observer", f"{found.ideal.accuracy:.1%}", "of the same spikes"),
        KeyNumber("networks", len(found.points) * config.n_networks, "trained"),
    ]
    columns = ["membrane", "inhibitory units", "accuracy", "low", "high", "mean error (deg)"]
    rows = [
        (
            f"{point.tau_ms:g} ms",
            "no constraint" if point.ie_ratio is None else f"{point.ie_ratio:.0%}",
            float(point.accuracies.mean()),
            *point.interval(config.confidence),
            float(point.absolute_errors.mean()),
        )
        for point in found.points
    ]
    words = (
        f"Mean of {config.n_networks} networks that differ in where their weights began, with the "
        f"{config.confidence:.0%} interval of the mean."
    )
    section = Section(
        "Accuracy by the share of inhibitory units",
        "All networks of one membrane time constant were trained at once, on the same trials.",
        [ReportFigure("Sweep", _figure(found), words)],
        [ReportTable("Accuracy", columns, rows, words)],
    )
    return Report(
        "What Dale's law costs",
        [section],
        subtitle="sound localization by a spiking network",
        key_numbers=numbers,
        warnings=job.notes,
        provenance=job.provenance(),
    )


def _words(point: SweepPoint) -> str:
    share = "no constraint" if point.ie_ratio is None else f"{point.ie_ratio:.0%} inhibitory"
    return f"{share}, membrane {point.tau_ms:g} ms"


def _figure(found: SweepFindings) -> object:
    config = found.config
    order = np.argsort(config.ie_ratios)
    lines, ends = {}, {}
    for tau_ms in config.taus_ms:
        points = [point for point in found.points if point.tau_ms == tau_ms]
        lawful = [point for point in points if point.ie_ratio is not None]
        name = f"membrane {tau_ms:g} ms"
        lines[name] = np.stack([lawful[index].accuracies for index in order])
        ends[name] = np.array([lawful[index].interval(config.confidence) for index in order])
        for point in points:
            if point.ie_ratio is None:
                name = f"membrane {tau_ms:g} ms, no constraint"
                lines[name] = np.stack([point.accuracies] * len(order))
                ends[name] = np.array([point.interval(config.confidence)] * len(order))
    return plot_accuracy_by_inhibition(
        np.sort(config.ie_ratios),
        lines,
        ends=ends,
        ideal=found.ideal.accuracy,
        chance=1 / config.task.n_classes,
    ).figure
