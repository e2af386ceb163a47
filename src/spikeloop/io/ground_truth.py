"""Ground truth beside a recording: who fired when, and what it looked like, in one .npz file.

Spikes are stored as `save_npz` does, so that `read_experiment` opens the file too; templates under
``templates.<field>``, and what is known of each spike under ``spike_table.<column>``.
"""

from pathlib import Path

import numpy as np

from spikeloop.data import GroundTruth
from spikeloop.data.checks import require
from spikeloop.io.guard import reading
from spikeloop.io.npz import load_npz, load_variable, npz_headers, storable
from spikeloop.io.templates import load_templates, template_arrays

FILE = "ground_truth.npz"


def read_ground_truth(folder: str | Path) -> GroundTruth:
    """Read the truth in the folder of a recording that `save_recording` wrote.

    Raises
    ------
    BadFileError
        There is none, or it is damaged.
    UnsafeFileError
        It holds pickled objects, or claims more bytes than are read.
    """
    path = Path(folder) / FILE
    spikes = load_npz(path).spikes
    templates = load_templates(path, "templates.")
    prefix = "spike_table."
    names = [name for name in npz_headers(path) if name.startswith(prefix)]
    with reading(path, "ground truth"):
        table = {name.removeprefix(prefix): load_variable(path, name) for name in names}
        return GroundTruth(spikes, templates, table)


def truth_arrays(truth: GroundTruth, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a truth under the names of the file; `name` is that of the recording."""
    spikes = truth.spikes
    arrays = {
        "name": np.array(name),
        "spikes.times_s": spikes.times_s,
        "spikes.unit_index": spikes.unit_index,
        "spikes.unit_ids": spikes.unit_ids,
        "spikes.epochs.start_s": spikes.epochs.start_s,
        "spikes.epochs.stop_s": spikes.epochs.stop_s,
        **{f"spikes.unit_table.{key}": column for key, column in spikes.unit_table.items()},
        **{f"spike_table.{key}": column for key, column in truth.spike_table.items()},
        **template_arrays(truth.templates, "templates."),
    }
    return {key: storable(key, array) for key, array in arrays.items()}


def require_truth(truth: object) -> None:
    """Refuse what is no `GroundTruth`."""
    require(
        isinstance(truth, GroundTruth),
        f"truth is a {type(truth).__name__}: give a GroundTruth; of a simulated recording, "
        "truth=made.truth.ground_truth().",
    )


def require_same_probe(truth: GroundTruth, n_channels: int, sample_rate_hz: float) -> None:
    """Refuse a truth whose templates are of another probe or rate than the recording."""
    templates = truth.templates
    require(
        (templates.n_channels, templates.sample_rate_hz) == (n_channels, sample_rate_hz),
        f"the templates have {templates.n_channels} channels at {templates.sample_rate_hz:g} Hz, "
        f"the recording {n_channels} at {sample_rate_hz:g} Hz. Give the truth of this recording.",
    )
