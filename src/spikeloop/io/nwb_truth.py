"""Ground truth as an NWB file: units with their spikes, mean waveforms and electrodes."""

from pathlib import Path

import numpy as np

from spikeloop.data import Experiment, GroundTruth
from spikeloop.io.atomic import whole_file
from spikeloop.io.ground_truth import require_truth
from spikeloop.io.nwb_write import (
    Session,
    Subject,
    indexed,
    name_objects,
    require_writable,
    vectors,
)

_V_PER_UV = 1e-6  # NWB fixes the unit of waveforms to volts


def write_truth_nwb(
    path: str | Path,
    truth: GroundTruth,
    *,
    subject: Subject,
    session: Session,
    location: str = "unknown",
) -> None:
    """Write spikes and templates to an NWB file, whole or not at all.

    Each unit has its ``spike_times``, its template as ``waveform_mean`` (time, channel) in volts,
    and all channels as ``electrodes``, whose ``rel_x`` and ``rel_y`` are the contacts in um. What
    is known of each spike becomes a ragged column ``spike_<name>``, if it is numbers. `read_nwb`
    reads the spikes again.

    Parameters
    ----------
    path
        Where to write; an existing file is replaced.
    truth
        With unit ids that are integers; of a simulated recording, ``truth.ground_truth()``.
    subject, session
        What NWB needs to know besides.
    location
        The brain area of the probe; for a mouse, as the Allen Institute's atlas calls it: VISp.

    Raises
    ------
    InvalidInputError
        The truth is something else, the unit ids are not integers, or the session has no time zone.
    BadFileError
        The file cannot be written.
    """
    import pynwb

    require_truth(truth)
    require_writable(Experiment("the truth", truth.spikes), session)
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
    _add_electrodes(nwbfile, truth, location)
    _add_units(nwbfile, truth, session)
    name_objects(nwbfile, session.identifier)
    with whole_file(Path(path)) as unfinished, pynwb.NWBHDF5IO(str(unfinished), "w") as io:
        io.write(nwbfile)


def _add_electrodes(nwbfile: object, truth: GroundTruth, location: str) -> None:
    device = nwbfile.create_device("probe", description="the probe of the recording")
    group = nwbfile.create_electrode_group(
        "probe", description="all contacts of the probe", location=location, device=device
    )
    for x_um, y_um in truth.templates.contacts_um.tolist():
        nwbfile.add_electrode(location=location, group=group, rel_x=x_um, rel_y=y_um)


def _add_units(nwbfile: object, truth: GroundTruth, session: Session) -> None:
    """Put the units in place, each ragged column at once: row by row, pynwb takes seconds."""
    from hdmf.common import VectorData
    from pynwb.misc import Units

    spikes, templates = truth.spikes, truth.templates
    ragged, lengths = _ragged(truth, nwbfile.electrodes)
    waveforms = VectorData(
        name="waveform_mean",
        data=(templates.waveforms_uV * _V_PER_UV).astype(np.float32),
        description="the template, (time, channel); the spike happens at sample "
        f"{templates.peak_sample}",
    )
    nwbfile.units = Units(
        name="units",
        description="units whose spikes are known",
        id=spikes.unit_ids,
        columns=[*indexed(ragged, lengths), waveforms, *vectors(spikes.unit_table)],
        colnames=[*(column.name for column in ragged), "waveform_mean", *spikes.unit_table],
        resolution=session.resolution_s,
        waveform_rate=templates.sample_rate_hz,
    )


def _ragged(truth: GroundTruth, electrodes: object) -> tuple[list[object], list[np.ndarray]]:
    """Return the columns with several values for each unit, and how many each unit has."""
    from hdmf.common import DynamicTableRegion, VectorData

    spikes, n_channels = truth.spikes, truth.templates.n_channels
    order = np.argsort(spikes.unit_index, kind="stable")  # by unit, and by time within each
    of_spikes = {"spike_times": spikes.times_s} | {
        f"spike_{name}": column
        for name, column in truth.spike_table.items()
        if column.dtype.kind in "biuf"
    }
    epochs = np.column_stack([spikes.epochs.start_s, spikes.epochs.stop_s])
    columns = [
        VectorData(name=name, data=column[order], description="of each spike")
        for name, column in of_spikes.items()
    ]
    observed = VectorData(
        name="obs_intervals",
        data=np.tile(epochs, (spikes.n_units, 1)),
        description="when the unit was observed, in seconds",
    )
    channels = DynamicTableRegion(
        name="electrodes",
        data=np.tile(np.arange(n_channels), spikes.n_units),
        description="the channels of waveform_mean",
        table=electrodes,
    )
    lengths = [spikes.counts()] * len(columns)
    lengths += [np.full(spikes.n_units, n) for n in (len(epochs), n_channels)]
    return [*columns, observed, channels], lengths
