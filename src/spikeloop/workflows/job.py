"""One run: its results folder, its progress bar, and what it had to remark."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from spikeloop.errors import ResultsFolderError, SpikeloopWarning
from spikeloop.io.config import plain
from spikeloop.io.results import ResultsFolder, Run, open_results, versions
from spikeloop.numerics.parallel import one_blas_thread
from spikeloop.viz import ReportTable

Result = TypeVar("Result")


HEADINGS = {
    "split_half_sb": "reliability of the mean",
    "random_halves_sb": "split halves, Spearman-Brown",
    "signal_power": "signal power (spikes²)",
    "noise_power": "noise power (spikes²)",
    "variance": "variance (spikes²)",
    "entropy_bits": "entropy (bits)",
    "snr": "SNR",
    "fev": "explainable fraction",
    "cc_max": "noise ceiling",
    "p_value": "p-value",
    "preferred_orientation_deg": "preferred orientation (deg)",
    "spatial_frequency_cpd": "spatial frequency (cycles/deg)",
}
"""What a column is called in a report, where its name is not enough."""


@dataclass(frozen=True, eq=False)
class Job:
    """A run that is going on; made by `open_job`."""

    folder: ResultsFolder
    notes: list[str]
    """What was mended in the input, for the report."""
    bar: tqdm

    def step(self, name: str, result_type: type[Result], make: Callable[[], Result]) -> Result:
        """Return ``make()``, kept in the folder, or what an earlier run of this job kept."""
        with self.doing(name.replace("_", " ")):
            return self.folder.result(name, result_type, make)

    @contextmanager
    def doing(self, words: str) -> Iterator[None]:
        """Show `words` beside the bar, and move it on when they are done."""
        self.bar.set_description(words)
        yield
        self.bar.update()

    def remark(self, words: str) -> None:
        """Note something for the reader of the report."""
        self.notes.append(words)

    def provenance(self) -> dict[str, object]:
        """Return how the results are made, for the report."""
        run = self.folder.run
        return {
            "command": run.command or "called from Python",
            "inputs (sha256)": dict(run.inputs),
            "settings": plain(run.config),
            "versions": versions(),
        }


def unit_table(
    name: str, columns: Mapping[str, Sequence[object]], caption: str = ""
) -> ReportTable:
    """Return the columns of a result with a row for each unit as a table of the report.

    The ids in the column `unit_ids` are names, not numbers to be added.
    """
    named = {key: column for key, column in columns.items() if key != "unit_ids"}
    ids = [str(unit) for unit in columns["unit_ids"]]
    rows = list(zip(ids, *named.values(), strict=True))
    headings = [HEADINGS.get(key, key.replace("_", " ")) for key in named]
    return ReportTable(name, ["unit", *headings], rows, caption)


def require_outside(path: Path, out: Path) -> None:
    """Refuse to make a results folder around the file that it is made from."""
    if path.resolve().is_relative_to(out.resolve()):
        raise ResultsFolderError(
            f"{path} lies inside {out}, which would be overwritten. Choose another --out."
        )


@contextmanager
def open_job(
    out: Path, run: Run, *, n_steps: int, overwrite: bool = False, resume: bool = False
) -> Iterator[Job]:
    """Open the results folder of a run, with a progress bar where there is a terminal.

    Linear algebra keeps to one thread, so that the results are the same on any number of cores.
    """
    with (
        one_blas_thread(),
        collected_notes() as notes,
        open_results(out, run, overwrite=overwrite, resume=resume) as folder,
        tqdm(total=n_steps, disable=not sys.stderr.isatty(), leave=False, unit="step") as bar,
    ):
        yield Job(folder, notes, bar)


@contextmanager
def collected_notes() -> Iterator[list[str]]:
    """Collect what spikeloop warns of, besides showing it."""
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", SpikeloopWarning)
        show = warnings.showwarning

        def note(message, category, *place) -> None:
            if issubclass(category, SpikeloopWarning):
                notes.append(str(message))
            show(message, category, *place)

        warnings.showwarning = note
        yield notes
