"""Templates of units, from the files that others publish and from our own, and to our own.

What the files that are known say, with the units, samples and channels of the published ones:

* ``.npz`` of `save_templates`: rate, contacts, uV
* ``.mat`` with ``waves, fs, xc, yc`` (eMouse; 76, 82, 32): rate, contacts, waveforms of norm 1
* ``.mat`` with ``W, d, fac`` (retina; 7, 147, 7): rate, contacts in pitches, no unit of voltage
* ``.mda``, axes (channel, time, unit) (retina; 7, 49, 7): nothing besides
* ``.mat`` with ``s.mean`` (neocortex; 137, 32, 16 or 14): nothing besides
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from spikeloop.data import Templates
from spikeloop.data.checks import require
from spikeloop.errors import BadFileError, InvalidInputError, MissingVariableError
from spikeloop.io.atomic import whole_file
from spikeloop.io.guard import listing, reading, require_file
from spikeloop.io.mat5 import Variable, cells_of, fields_of, list_variables, values_of
from spikeloop.io.mda import read_mda
from spikeloop.io.npz import load_variable, npz_headers, storable

PITCH_UM = 60.0
"""Distance of neighbours on the 512-electrode array of the retina file (Litke et al. 2004)."""


def save_templates(path: str | Path, templates: Templates) -> None:
    """Write templates to an .npz file, whole or not at all.

    Raises
    ------
    InvalidInputError
        They are no `Templates`, or the unit ids are neither numbers nor words.
    BadFileError
        The file cannot be written.
    """
    require(
        isinstance(templates, Templates),
        f"templates is a {type(templates).__name__}: give Templates; of units from "
        "generate_templates, units.templates().",
    )
    arrays = template_arrays(templates)
    with whole_file(Path(path)) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **arrays)


def read_templates(
    path: str | Path,
    *,
    sample_rate_hz: float | None = None,
    contacts_um: np.ndarray | None = None,
    scale_uV: float = 1.0,
) -> Templates:
    """Read the mean waveforms of units from one of the kinds of file listed above.

    The peak sample is the one at which most units have the trough of their largest channel. Ids are
    the places of the units in the file.

    Parameters
    ----------
    path
        The file.
    sample_rate_hz
        Samples per second, for a file that does not tell; it goes before what the file tells.
    contacts_um
        (channel, 2) likewise. In the neocortex file it chooses the units with so many channels.
    scale_uV
        What 1 in the file is, in uV. Leave it at 1 where the file is in uV, or to get its numbers.

    Raises
    ------
    BadFileError
        The file is missing, damaged, or none of these kinds.
    InvalidInputError
        The file does not tell the rate or the contacts, and they were not given.
    """
    path = Path(path)
    require_file(path)
    require(
        bool(np.isfinite(scale_uV)) and scale_uV != 0,
        f"scale_uV={scale_uV}: give what 1 in the file is, in uV.",
    )
    readers: dict[str, Callable[[Path], _Found]] = {
        ".npz": _read_npz,
        ".mda": lambda path: _Found(read_mda(path).T),
        ".mat": lambda path: _read_mat(path, contacts_um),
    }
    if path.suffix not in readers:
        raise BadFileError(
            f"{path} is not known to hold templates: it must be {', '.join(readers)}. Save them "
            "with save_templates."
        )
    return readers[path.suffix](path).templates(path, sample_rate_hz, contacts_um, scale_uV)


def template_arrays(templates: Templates, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of templates under the names of their fields, for an .npz file."""
    arrays = {
        f"{prefix}{f.name}": np.asarray(getattr(templates, f.name)) for f in fields(Templates)
    }
    return {name: storable(name, array) for name, array in arrays.items()}


def load_templates(path: Path, prefix: str = "") -> Templates:
    """Return the templates that `template_arrays` put into an .npz file."""
    names = npz_headers(path)
    wanted = [field.name for field in fields(Templates)]
    missing = [f"{prefix}{name}" for name in wanted if f"{prefix}{name}" not in names]
    if missing:
        shapes = {name: shape for name, (shape, _) in names.items()}
        raise MissingVariableError(
            f"{path} lacks {', '.join(missing)}: it holds {listing(shapes)}. Save the templates "
            "again."
        )
    with reading(path, "templates"):
        return Templates(**{name: load_variable(path, f"{prefix}{name}")[()] for name in wanted})


@dataclass(frozen=True, eq=False)
class _Found:
    """What a file tells, None for what it does not."""

    waveforms: np.ndarray
    """(unit, time, channel), in the unit of the file."""
    sample_rate_hz: float | None = None
    contacts_um: np.ndarray | None = None
    unit_ids: np.ndarray | None = None
    peak_sample: int | None = None

    def templates(
        self,
        path: Path,
        sample_rate_hz: float | None,
        contacts_um: np.ndarray | None,
        scale_uV: float,
    ) -> Templates:
        require(
            self.waveforms.ndim == 3 and self.waveforms.size > 0,
            f"{path} holds waveforms of shape {self.waveforms.shape[::-1]}: they must have three "
            "axes, none of them empty.",
        )
        rate_hz = self.sample_rate_hz if sample_rate_hz is None else sample_rate_hz
        contacts_um = self.contacts_um if contacts_um is None else contacts_um
        if rate_hz is None:
            raise InvalidInputError(f"{path} does not tell its rate. Give sample_rate_hz.")
        if contacts_um is None:
            raise InvalidInputError(
                f"{path} does not tell where its {self.waveforms.shape[2]} contacts lie. Give "
                "contacts_um, a row of x and y for each."
            )
        ids = np.arange(len(self.waveforms)) if self.unit_ids is None else self.unit_ids
        peak = _trough(self.waveforms) if self.peak_sample is None else self.peak_sample
        return Templates(self.waveforms * scale_uV, rate_hz, peak, contacts_um, ids)


def _trough(waveforms: np.ndarray) -> int:
    """Return the sample at which most units have the trough of their largest channel."""
    largest = np.ptp(waveforms, axis=1).argmax(axis=1)
    troughs = waveforms[np.arange(len(waveforms)), :, largest].argmin(axis=1)
    return int(np.bincount(troughs).argmax())


def _read_npz(path: Path) -> _Found:
    saved = load_templates(path)
    return _Found(
        saved.waveforms_uV,
        saved.sample_rate_hz,
        saved.contacts_um,
        saved.unit_ids,
        saved.peak_sample,
    )


def _read_mat(path: Path, contacts_um: np.ndarray | None) -> _Found:
    variables = list_variables(path)
    if {"waves", "fs", "xc", "yc"} <= variables.keys():
        return _read_emouse(path, variables)
    if {"W", "d", "fac"} <= variables.keys():
        return _read_retina(path, variables)
    if "s" in variables:
        return _read_neocortex(path, variables["s"], contacts_um)
    shapes = {name: variable.shape for name, variable in variables.items()}
    raise MissingVariableError(
        f"{path} holds {listing(shapes)}: templates are waves, fs, xc and yc; or W, d and fac; or "
        "s. Save them with save_templates."
    )


def _read_emouse(path: Path, variables: dict[str, Variable]) -> _Found:
    waves, fs, x_um, y_um = (
        values_of(variables[name], f"{path}: {name}") for name in ("waves", "fs", "xc", "yc")
    )
    with reading(path, "templates"):
        contacts_um = np.column_stack([x_um.ravel(), y_um.ravel()])
        return _Found(waves.transpose(2, 0, 1), float(fs.item()), contacts_um)


def _read_retina(path: Path, variables: dict[str, Variable]) -> _Found:
    waves = values_of(variables["W"], f"{path}: W")
    finer = values_of(variables["fac"], f"{path}: fac")
    recording = fields_of(variables["d"], f"{path}: d")
    with reading(path, "templates"):
        rate_hz = values_of(recording["samplefreq"], f"{path}: d.samplefreq").item()
        pitches = values_of(recording["electrodelocs"], f"{path}: d.electrodelocs")
        return _Found(waves.transpose(2, 1, 0), rate_hz * finer.item(), pitches.T * PITCH_UM)


def _read_neocortex(path: Path, s: Variable, contacts_um: np.ndarray | None) -> _Found:
    """Return the units that have as many channels as there are contacts."""
    means = fields_of(s, f"{path}: s").get("mean")
    if means is None:
        raise MissingVariableError(f"{path}: s has no field mean. Fetch or export it again.")
    cells = cells_of(means, f"{path}: s.mean")
    n_channels = [cell.shape[0] for cell in cells]
    wanted = 0 if contacts_um is None else len(contacts_um)
    kept = np.flatnonzero(np.array(n_channels) == wanted)
    if not kept.size:
        there = ", ".join(f"{n_channels.count(n)} of {n}" for n in sorted(set(n_channels)))
        raise InvalidInputError(
            f"{path} does not tell where its contacts lie, and holds units of several numbers of "
            f"channels ({there}). Give contacts_um with a row for each channel of those you want."
        )
    waves = [values_of(cells[i], f"{path}: s.mean {i}") for i in kept]
    with reading(path, "templates"):
        return _Found(np.stack(waves).transpose(0, 2, 1), unit_ids=kept)
