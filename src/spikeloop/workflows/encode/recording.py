"""From a file to models that predict its units, and how well: ``spikeloop encode``."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from spikeloop.data import Experiment
from spikeloop.data.checks import require
from spikeloop.errors import InvalidInputError
from spikeloop.io import read_experiment
from spikeloop.io.results import Run, sha256_of, write_text
from spikeloop.io.v4 import image_shape, is_v4_folder
from spikeloop.viz import Report, render_report
from spikeloop.workflows.encode.settings import (
    IMAGE_BASELINES,
    IMAGE_MODELS,
    SERIES_BASELINES,
    SERIES_MODELS,
    EncodeConfig,
)
from spikeloop.workflows.job import Job, collected_notes, open_job, require_outside

IMAGES, SERIES = "images", "a continuous stimulus"
V4_SIDE_PX = 56
"""Side of the images of a V4 folder, where nothing is said; smaller ones make models quicker.
Images that are smaller already are kept."""


@dataclass(frozen=True)
class Kind:
    """The models that predict from one kind of stimulus."""

    models: tuple[str, ...]
    baselines: tuple[str, ...]

    def to_fit(self, asked: str) -> list[str]:
        """Return the models asked for with the baselines beside them, from the simplest."""
        return [name for name in self.models if asked in (name, "all") or name in self.baselines]


KINDS = {
    IMAGES: Kind(IMAGE_MODELS, IMAGE_BASELINES),
    SERIES: Kind(SERIES_MODELS, SERIES_BASELINES),
}


def encode_file(
    path: str | Path,
    out: str | Path,
    config: EncodeConfig,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
) -> Path:
    """Read a recording, fit models to its units, test them, and make a results folder.

    Parameters
    ----------
    path
        A .nwb, .mat or .npz file, or a folder of V4 responses.
    out
        The results folder to make.
    config
        What to read, which models to fit, and the seed.
    overwrite, resume, command
        As in `spikeloop.io.results.open_results`. A model whose file an earlier run left is not
        fitted again, and a network that was cut off is trained on.

    Raises
    ------
    BadFileError, InvalidInputError
        The file or the settings cannot be used, or the folder is in the way. Nothing is left.
    """
    path, out = Path(path), Path(out)
    side_px = config.read.image_side_px or _default_side_px(path)
    resized = side_px != config.read.image_side_px
    config = replace(config, read=replace(config.read, image_side_px=side_px))
    with collected_notes() as notes:
        experiment = read_experiment(path, config.read)
    require_outside(path, out)
    kind = _kind_to_fit(experiment, config.model)
    _require_window(experiment, kind, config.window_s)
    require(
        kind == IMAGES or config.n_seeds == 1,
        f"n_seeds={config.n_seeds} does not apply to a continuous stimulus. Leave it out.",
    )
    names = KINDS[kind].to_fit(config.model)
    run = Run("encode", config, {path.name: sha256_of(path)}, command)
    with open_job(out, run, n_steps=len(names) + 3, overwrite=overwrite, resume=resume) as job:
        job.notes.extend(notes)
        if resized:
            job.remark(
                f"The images were resized to {side_px} x {side_px} pixels by averaging; "
                "--image-side-px sets another side."
            )
        report = _encode(job, experiment, config, names, kind=kind)
        write_text(job.folder.path / "report.html", render_report(report))
    return out


def _encode(
    job: Job, experiment: Experiment, config: EncodeConfig, names: list[str], *, kind: str
) -> Report:
    """Fit and test the models of one kind, and return the report."""
    # Imported here, as JAX takes a second to load, and a file that cannot be used needs none.
    if kind == IMAGES:
        from spikeloop.workflows.encode.image_report import image_numbers, image_sections
        from spikeloop.workflows.encode.images import encode_images

        found = encode_images(job, experiment, config, names)
        with job.doing("report"):
            sections, numbers = image_sections(job, found), image_numbers(found)
    else:
        from spikeloop.workflows.encode.series import encode_series
        from spikeloop.workflows.encode.series_report import series_numbers, series_sections

        found = encode_series(job, experiment, config, names)
        with job.doing("report"):
            sections, numbers = series_sections(found), series_numbers(found)
    return Report(
        f"Models of the units of {experiment.name}",
        sections,
        subtitle="fitted and tested by spikeloop",
        key_numbers=numbers,
        warnings=list(dict.fromkeys(job.notes)),
        provenance=job.provenance(),
    )


def _default_side_px(path: Path) -> int | None:
    """Return what the images of a V4 folder are resized to; None keeps them."""
    if not is_v4_folder(path):
        return None
    shape = image_shape(path)
    return min(V4_SIDE_PX, *shape) if max(shape) > V4_SIDE_PX else None


def _require_window(
    experiment: Experiment, kind: str, window_s: tuple[float, float] | None
) -> None:
    """Refuse a counting window that is not finite, or where nothing is left to be counted."""
    if window_s is None:
        return
    require(
        all(map(math.isfinite, window_s)),
        f"window_s={window_s}: start and stop must be finite numbers. Give both in seconds.",
    )
    require(
        kind == IMAGES,
        f"window_s={window_s} does not apply to a continuous stimulus: spikes are counted in its "
        "bins. Leave it out.",
    )
    counted_s = window_s if experiment.responses is None else experiment.responses.window_s
    require(
        tuple(window_s) == tuple(counted_s),
        f"window_s={window_s} does not apply to {experiment.name}: its spikes are counted already, "
        f"in {counted_s} s after onset. Leave it out.",
    )


def _kind_to_fit(experiment: Experiment, asked: str) -> str:
    """Return what the models asked for predict from, images first where there are both."""
    shown = []
    if experiment.images is not None and (experiment.responses or experiment.trials) is not None:
        shown.append(IMAGES)
    if experiment.stimulus is not None and experiment.spikes is not None:
        shown.append(SERIES)
    if not shown:
        raise InvalidInputError(
            f"{experiment.name} has neither images with responses nor a continuous stimulus with "
            "spikes: there is nothing to predict from. Name a continuous stimulus (--stimulus) or, "
            "in an NWB file, a table of presentations and its images (--nwb-stimulus, "
            "--nwb-images)."
        )
    for kind in shown:
        if asked in (*KINDS[kind].models, "all"):
            return kind
    other = SERIES if shown == [IMAGES] else IMAGES
    raise InvalidInputError(
        f"model={asked!r} predicts spikes from {other}, and {experiment.name} has {shown[0]}. "
        f"Choose one of {', '.join(KINDS[shown[0]].models)}, or all."
    )
