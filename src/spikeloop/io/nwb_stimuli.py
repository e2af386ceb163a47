"""What an NWB file says was shown: presentation tables, image templates, continuous stimuli."""

import re

import numpy as np

from spikeloop.data import BLANK, Images, TimeSeries, Trials
from spikeloop.data.checks import require, require_finite
from spikeloop.errors import InvalidInputError, MissingVariableError
from spikeloop.io.guard import listing
from spikeloop.io.hdf5 import Hdf5File
from spikeloop.io.nwb_tables import numbers_of, scalar_columns
from spikeloop.io.options import ReadOptions

_SUFFIX = "_presentations"
_TEMPLATES = "stimulus/templates"
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue look

# Columns that number or time a presentation; all others describe what was shown.
_BOOKKEEPING = {
    *("id", "start_time", "stop_time", "duration", "stimulus_name", "stimulus_block"),
    *("stimulus_index", "stimulus_presentation_id", "is_change", "omitted", "trials_id"),
}


def find_presentations(file: Hdf5File, options: ReadOptions) -> str | None:
    """Return the name of the presentation table to read; None where the file has none.

    Raises
    ------
    MissingVariableError
        The table asked for is not there.
    InvalidInputError
        There are several tables, and none was asked for.
    """
    tables = file.names("intervals")
    wanted = options.nwb_stimulus
    if wanted is not None:
        for name in (wanted, wanted + _SUFFIX):
            if name in tables:
                return name
        raise MissingVariableError(
            f"{file.path} has no table of presentations {wanted!r}: it has "
            f"{', '.join(tables) or 'none'}. Give one of these as nwb_stimulus."
        )
    tables = [name for name in tables if name.endswith(_SUFFIX)]
    if len(tables) > 1 and options.stimulus is None:
        raise InvalidInputError(
            f"{file.path} has {len(tables)} tables of presentations ({', '.join(tables)}). Give "
            "one of them as nwb_stimulus."
        )
    return tables[0] if len(tables) == 1 else None


def read_trials(file: Hdf5File, table: str) -> Trials:
    """Return a presentation table as trials.

    The stimulus id is the column `frame`, with NaN, "null" and -1 for a blank. A table without
    frames (gratings, Gabors) has its distinct stimuli numbered in order of their parameters, blank
    where all of these are missing.
    """
    columns = scalar_columns(file, f"intervals/{table}", needed=("start_time", "stop_time"))
    onset_s = columns.pop("start_time")
    require(
        len(onset_s) > 0,
        f"{file.path}: {table} has no rows. Choose another table as nwb_stimulus, or export the "
        "file again.",
    )
    duration_s = columns.pop("stop_time") - onset_s
    if "frame" in columns:
        stimulus_id = _frames(numbers_of(columns.pop("frame")), table)
    else:
        stimulus_id = _distinct(columns, len(onset_s))
    columns = {k: v for k, v in columns.items() if k not in ("id", "stimulus_name")}
    return Trials(stimulus_id, onset_s, duration_s, columns)


def _frames(frame: np.ndarray, table: str) -> np.ndarray:
    require(frame.dtype.kind in "iuf", f"the frames of {table} are words: they must be numbers.")
    blank = np.isnan(frame)
    whole = np.where(blank, BLANK, frame)
    odd = whole[whole != np.floor(whole)]
    require(odd.size == 0, f"the frames of {table} must be whole numbers, unlike {odd[:3]}.")
    return whole.astype(np.int64)


def _distinct(columns: dict[str, np.ndarray], n_trials: int) -> np.ndarray:
    parameters = [column for name, column in columns.items() if name not in _BOOKKEEPING]
    if not parameters:
        return np.zeros(n_trials, dtype=np.int64)
    ranks = np.column_stack([np.unique(p, return_inverse=True)[1] for p in parameters])
    blank = np.logical_and.reduce([_is_missing(p) for p in parameters])
    stimulus_id = np.full(n_trials, BLANK)
    stimulus_id[~blank] = np.unique(ranks[~blank], axis=0, return_inverse=True)[1].ravel()
    return stimulus_id


def _is_missing(column: np.ndarray) -> np.ndarray:
    return np.isnan(column) if column.dtype.kind == "f" else np.isin(column, ["null", "", "N/A"])


def read_images(file: Hdf5File, table: str | None, options: ReadOptions) -> Images | None:
    """Return the image templates that a presentation table showed; None where there are none.

    Templates belong to a table when they bear its name, or are the only ones that begin with it.
    They may be a stack (ImageSeries, with ids 0, 1, ... or those in `control`) or single images.

    Raises
    ------
    MissingVariableError
        The templates asked for are not there.
    InvalidInputError
        Several templates begin with the name of the table.
    """
    templates = file.names(_TEMPLATES)
    name = options.nwb_images or _match(templates, (table or "").removesuffix(_SUFFIX))
    if name is None:
        return None
    if name not in templates:
        raise MissingVariableError(
            f"{file.path} has no image templates {name!r}: it has {', '.join(templates) or 'none'}."
            " Give one of these as nwb_images."
        )
    place = f"{_TEMPLATES}/{name}"
    if file.shape(f"{place}/data") is not None:
        pixels, image_ids = _stack(file, place)
    else:
        pixels, image_ids = _single_images(file, place)
    return Images(pixels, image_ids, _extent_deg(str(file.attribute(place, "description"))))


def _match(templates: list[str], stimulus: str) -> str | None:
    fitting = [name for name in templates if stimulus and name.startswith(stimulus)]
    if stimulus in fitting:
        return stimulus
    if len(fitting) > 1:
        raise InvalidInputError(
            f"several image templates could be those of {stimulus}: {', '.join(fitting)}. Give one "
            "of them as nwb_images."
        )
    return fitting[0] if fitting else None


def _stack(file: Hdf5File, place: str) -> tuple[np.ndarray, np.ndarray]:
    pixels = _brightness(_scaled(file, place))
    image_ids = np.arange(len(pixels))
    if file.shape(f"{place}/control") == image_ids.shape:
        image_ids = file.numbers(f"{place}/control", 1)
    return pixels, image_ids


def _brightness(pixels: np.ndarray) -> np.ndarray:
    """Return (image, y, x) of such an array, or of one with red, green, blue and perhaps alpha."""
    if pixels.ndim == 4 and pixels.shape[-1] in (3, 4):
        return pixels[..., :3] @ np.array(_GREY)
    return pixels


def _single_images(file: Hdf5File, place: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images stored one by one: in the order given, or by name; ids from `image_id_N`."""
    order = f"{place}/order_of_images"
    if file.shape(order) is not None:
        places = file.targets(order)
    else:
        names = [name for name in file.names(place) if file.dtype_kind(f"{place}/{name}") != "O"]
        places = [f"{place}/{name}" for name in sorted(names)]
    require(bool(places), f"{file.path}: {place} holds no images.")
    pictures = [file.numbers(one, len(file.shape(one) or ())) for one in places]
    shapes = {picture.shape for picture in pictures}
    require(
        len(shapes) == 1,
        f"{file.path}: the images of {place} have different sizes {sorted(shapes)}: they must have "
        "one. Resize them.",
    )
    pixels = _brightness(np.stack(pictures))
    numbers = [re.search(r"/image_id_(\d+)$", one) for one in places]
    named = all(numbers)
    return pixels, np.array([int(n[1]) for n in numbers] if named else range(len(pixels)))


def _extent_deg(words: str) -> tuple[float, float] | None:
    number = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    found = re.search(rf"extent_deg: {number} x {number}", words)
    extent_deg = (float(found[1]), float(found[2])) if found else (np.inf, np.inf)
    return extent_deg if np.isfinite(extent_deg).all() else None


def read_series(file: Hdf5File, name: str) -> TimeSeries:
    """Return a continuous stimulus, sampled at a rate or at regular timestamps.

    Axes after the first are joined into features.

    Raises
    ------
    MissingVariableError
        There is no such series.
    InvalidInputError
        Its timestamps are not regular.
    """
    groups = ("stimulus/presentation", "acquisition")
    places = [f"{group}/{name}" for group in groups if name in file.names(group)]
    if not places or file.shape(f"{places[0]}/data") is None:
        there = {n: file.shape(f"{g}/{n}/data") for g in groups for n in file.names(g)}
        raise MissingVariableError(
            f"{file.path} has no continuous stimulus {name!r}: it has {listing(there)}. Give one "
            "of these as stimulus."
        )
    values = _scaled(file, places[0])
    values = values.reshape(len(values), -1) if values.size else values.reshape(0, 1)
    rate_hz = file.number(f"{places[0]}/starting_time", "rate")
    if rate_hz is not None:
        return TimeSeries(values, rate_hz, float(file.numbers(f"{places[0]}/starting_time", 0)))
    times_s = file.numbers(f"{places[0]}/timestamps", 1)
    require(
        len(times_s) == len(values),
        f"{name} has {len(values)} samples and {len(times_s)} timestamps. Export it again.",
    )
    return TimeSeries(values, *_regular(times_s, name))


def _regular(times_s: np.ndarray, name: str) -> tuple[float, float]:
    require_finite(f"timestamps of {name}", times_s)
    n_samples = len(times_s)
    step_s = (times_s[-1] - times_s[0]) / (n_samples - 1) if n_samples > 1 else 0.0
    require(step_s > 0, f"the timestamps of {name} do not ascend: it cannot be a stimulus.")
    error_s = np.abs(times_s - (times_s[0] + step_s * np.arange(n_samples))).max()
    require(
        error_s < 0.1 * step_s,
        f"the timestamps of {name} are not regular: they differ by {error_s:.3g} s from a clock of "
        f"{step_s:.3g} s a sample. Resample it to a constant rate.",
    )
    return 1 / step_s, float(times_s[0])


def _scaled(file: Hdf5File, place: str) -> np.ndarray:
    """Return the data of a series in its own unit: stored * conversion + offset."""
    data = file.numbers(f"{place}/data", len(file.shape(f"{place}/data") or (0,)))
    factor = file.number(f"{place}/data", "conversion")
    offset = file.number(f"{place}/data", "offset")
    if factor in (None, 1.0) and offset in (None, 0.0):
        return data
    return data * (1.0 if factor is None else factor) + (offset or 0.0)
