"""NWB files out, in the shape of the Allen Institute's sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from spikeloop.data import Experiment, Images, SpikeTrains, TimeSeries, Trials
from spikeloop.data.checks import require
from spikeloop.io.atomic import whole_file

_COLUMN_WORDS = {
    "amplitude_cutoff": "estimated fraction of spikes missed",
    "presence_ratio": "fraction of the session in which the unit fired",
    "isi_violations": "relative rate of refractory period violations",
    "peak_channel_id": "id of the electrode with the largest waveform",
    "location": "brain area of the unit",
}


@dataclass(frozen=True)
class Subject:
    """The animal, real or virtual, in the words that NWB needs."""

    subject_id: str
    """A name of its own, without slashes."""
    species: str
    """Latin binomial, like Mus musculus."""
    age: str
    """ISO 8601 duration, like P90D."""
    sex: str = "U"
    """M, F, O (other) or U (unknown)."""
    description: str = "no description"


@dataclass(frozen=True)
class Session:
    """The recording session, in the words that NWB needs."""

    identifier: str
    """A name of its own among all files; the file's object ids are made from it."""
    start_time: datetime
    """When the clock of the spikes stood at 0 s, with its time zone."""
    description: str
    """What was done."""
    experimenter: str
    """Family name, comma, given name."""
    institution: str
    """Where it was done."""
    stimulus_name: str = "natural_scenes"
    """Presentations are stored as NAME_presentations, images as NAME."""
    series_name: str = "stimulus"
    """The continuous stimulus is stored under this name."""
    keywords: tuple[str, ...] = ("electrophysiology",)
    resolution_s: float = 1e-6
    """The smallest difference between two spike times that is not noise, in seconds."""


def write_nwb(
    path: str | Path, experiment: Experiment, *, subject: Subject, session: Session
) -> None:
    """Write spikes, presentations, images and continuous stimulus, whole or not at all.

    The same experiment, subject and session give the same bytes, with the same versions of the
    libraries. `read_nwb` gives the same nouns back, durations to within rounding.

    Parameters
    ----------
    path
        Where to write; an existing file is replaced.
    experiment
        With spikes, whose unit ids are integers; trials need onsets and durations.
    subject, session
        What NWB needs to know besides.

    Raises
    ------
    InvalidInputError
        There is something that NWB has no place for.
    BadFileError
        The file cannot be written.
    """
    import pynwb

    require_writable(experiment, session)
    nwbfile = pynwb.NWBFile(
        session_description=session.description,
        identifier=session.identifier,
        session_start_time=session.start_time,
        file_create_date=session.start_time,
        experimenter=session.experimenter,
        institution=session.institution,
        experiment_description=session.description,
        keywords=list(session.keywords),
        subject=pynwb.file.Subject(**vars(subject)),
    )
    _add_units(nwbfile, experiment.spikes, session)
    if experiment.trials is not None:
        nwbfile.add_time_intervals(_presentations(experiment.trials, session))
    if experiment.images is not None:
        nwbfile.add_stimulus_template(_templates(experiment.images, session))
    if experiment.stimulus is not None:
        nwbfile.add_stimulus(_series(experiment.stimulus, session))
    name_objects(nwbfile, session.identifier)
    with whole_file(Path(path)) as unfinished, pynwb.NWBHDF5IO(str(unfinished), "w") as io:
        io.write(nwbfile)


def require_writable(experiment: Experiment, session: Session) -> None:
    """Refuse what NWB files cannot hold."""
    require(
        experiment.spikes is not None and experiment.responses is None,
        f"{experiment.name} has responses given as counts, or no spikes: NWB has no place for "
        "that. Use save_npz.",
    )
    ids = experiment.spikes.unit_ids
    require(
        ids.dtype.kind in "iu" and len(ids) > 0,
        f"unit_ids is of type {ids.dtype} with {len(ids)} units: NWB needs integers, and at least "
        "one. Number the units, and keep their names as a column of unit_table.",
    )
    trials = experiment.trials
    require(
        trials is None or (trials.onset_s is not None and trials.duration_s is not None),
        "the trials have no onset_s or no duration_s: NWB needs both. Use save_npz.",
    )
    require(
        session.start_time.tzinfo is not None,
        f"start_time={session.start_time} has no time zone. Add one, such as timezone.utc.",
    )


def _add_units(nwbfile: object, spikes: SpikeTrains, session: Session) -> None:
    """Put the units in place, each ragged column at once: row by row, pynwb takes seconds."""
    from hdmf.common import DynamicTableRegion, VectorData
    from pynwb.misc import Units

    table = dict(spikes.unit_table)
    order = np.argsort(spikes.unit_index, kind="stable")  # by unit, and by time within each
    epochs = np.column_stack([spikes.epochs.start_s, spikes.epochs.stop_s])
    ragged = [
        VectorData(name="spike_times", data=spikes.times_s[order], description="in seconds"),
        VectorData(
            name="obs_intervals",
            data=np.tile(epochs, (spikes.n_units, 1)),
            description="when the unit was observed, in seconds",
        ),
    ]
    lengths = [spikes.counts(), np.full(spikes.n_units, len(epochs))]
    if "location" in table:
        rows = _add_electrodes(nwbfile, table)
        del table["location"]  # read from the electrodes again
        ragged.append(
            DynamicTableRegion(
                name="electrodes", data=rows, description="of the peak", table=nwbfile.electrodes
            )
        )
        lengths.append(np.ones(spikes.n_units, dtype=np.int64))
    nwbfile.units = Units(
        name="units",
        description="sorted units",
        id=spikes.unit_ids,
        columns=[*indexed(ragged, lengths), *vectors(table)],
        colnames=[*(column.name for column in ragged), *table],
        resolution=session.resolution_s,
    )


def indexed(ragged: list[object], lengths: list[np.ndarray]) -> list[object]:
    """Return ragged columns, each followed by the index of where its rows stop."""
    from hdmf.common import VectorIndex

    pairs = [
        (column, VectorIndex(name=f"{column.name}_index", data=np.cumsum(n), target=column))
        for column, n in zip(ragged, lengths, strict=True)
    ]
    return [column for pair in pairs for column in pair]


def _add_electrodes(nwbfile: object, table: Mapping[str, np.ndarray]) -> np.ndarray:
    """Add one electrode per peak channel, or else per brain area; return the row of each unit."""
    location = table["location"].astype(str)
    key = table.get("peak_channel_id", location)
    keys, first, rows = np.unique(key, return_index=True, return_inverse=True)
    clash = np.flatnonzero(location != location[first][rows])
    require(
        clash.size == 0,
        f"unit {clash[:1]} lies at {location[clash[:1]]}, but another unit with its "
        "peak_channel_id elsewhere. Correct peak_channel_id or location.",
    )
    device = nwbfile.create_device("probe", description="electrodes")
    group = nwbfile.create_electrode_group(
        "probe", description="electrodes", location="see electrodes", device=device
    )
    ids = keys.tolist() if "peak_channel_id" in table else range(len(keys))
    for electrode, area in zip(ids, location[first], strict=True):
        nwbfile.add_electrode(id=int(electrode), location=str(area), group=group)
    return rows


def vectors(table: Mapping[str, np.ndarray]) -> list[object]:
    """Return the columns of a table for NWB."""
    from hdmf.common import VectorData

    vectors = []
    for name, column in table.items():
        words = _COLUMN_WORDS.get(name, name.replace("_", " "))
        data = column.astype(str).tolist() if column.dtype.kind in "OUT" else column
        vectors.append(VectorData(name=name, description=words, data=data))
    return vectors


def _presentations(trials: Trials, session: Session) -> object:
    from pynwb.epoch import TimeIntervals

    columns = {
        "start_time": trials.onset_s,
        "stop_time": trials.onset_s + trials.duration_s,
        "stimulus_name": np.full(len(trials), session.stimulus_name),
        "frame": trials.stimulus_id,
        **trials.conditions,
    }
    return TimeIntervals(
        name=f"{session.stimulus_name}_presentations",
        description="one row a presentation; frame is the number of the image, -1 a blank screen",
        columns=vectors(columns),
        colnames=list(columns),
        id=np.arange(len(trials)),
    )


def _templates(images: Images, session: Session) -> object:
    """Return a stack as the Allen Institute's; single images where the stack is wider than long.

    Inspectors take a stack for a series in time, and one wider than long for one on its side.
    """
    from pynwb.base import ImageReferences
    from pynwb.image import GrayscaleImage, ImageSeries
    from pynwb.image import Images as SingleImages

    words = "images shown; axes are image, y (row 0 is the top), x"
    if images.extent_deg is not None:
        words += "; extent_deg: {!r} x {!r}".format(*images.extent_deg)
    if len(images) >= max(images.pixels.shape[1:]):
        return ImageSeries(
            name=session.stimulus_name,
            data=images.pixels,
            unit="brightness",
            format="raw",
            rate=1.0,
            control=images.image_ids.astype(np.uint64),
            control_description=["the number of the image, frame in the presentations"],
            description=words,
        )
    singles = [
        GrayscaleImage(name=f"image_id_{i}", data=picture, description="one image shown")
        for i, picture in zip(images.image_ids, images.pixels, strict=True)
    ]
    return SingleImages(
        name=session.stimulus_name,
        images=singles,
        description=words,
        order_of_images=ImageReferences(name="order_of_images", data=singles),
    )


def _series(stimulus: TimeSeries, session: Session) -> object:
    import pynwb

    return pynwb.TimeSeries(
        name=session.series_name,
        data=stimulus.values,
        unit="arbitrary",
        rate=stimulus.sample_rate_hz,
        starting_time=stimulus.start_s,
        description="continuous stimulus; axes are time, feature",
    )


def name_objects(nwbfile: object, identifier: str) -> None:
    """Give the objects of a file ids made from `identifier`, in place of random ones."""
    for i, thing in enumerate(list(nwbfile.objects.values())):
        # hdmf has no public way to choose an id, and ids that differ make files that differ.
        thing._AbstractContainer__object_id = str(uuid5(NAMESPACE_URL, f"{identifier}/{i}"))
