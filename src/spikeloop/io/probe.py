"""Probes in the format of probeinterface: where the contact of each channel lies."""

from pathlib import Path

import numpy as np

from spikeloop.errors import BadFileError
from spikeloop.io.guard import reading, require_bytes, require_file

MAX_JSON_BYTES = 64 * 2**20
"""Room for some hundred thousand contacts."""

_UM = {"um": 1.0, "mm": 1e3, "m": 1e6}


def read_probe(path: str | Path) -> np.ndarray:
    """Return where the contact of each channel lies, (channel, 2), x and y in um.

    Contacts stand in the order of their channels, where the file says which channel each is wired
    to (``device_channel_indices``), and else in the order of the file.

    Raises
    ------
    BadFileError
        The file is missing or damaged, is not flat, or wires a channel twice or not at all.
    """
    import probeinterface

    path = Path(path)
    require_file(path)
    require_bytes(path.stat().st_size, str(path), MAX_JSON_BYTES)
    with reading(path, "a probeinterface file"):
        probes = probeinterface.read_probeinterface(path).probes
        contacts_um = np.concatenate([p.contact_positions * _UM[p.si_units] for p in probes])
        wired = [probe.device_channel_indices for probe in probes]
    if contacts_um.shape[1] != 2:
        raise BadFileError(f"{path} gives contacts in {contacts_um.shape[1]} axes: give x and y.")
    if any(channels is None for channels in wired):
        return contacts_um
    channels = np.concatenate(wired)
    contacts_um, channels = contacts_um[channels >= 0], channels[channels >= 0]  # -1: not wired
    order = np.argsort(channels, kind="stable")
    if not np.array_equal(channels[order], np.arange(len(channels))):
        raise BadFileError(
            f"{path} wires {len(channels)} contacts, but not to the channels 0 to "
            f"{len(channels) - 1}, each once. Correct device_channel_indices."
        )
    return contacts_um[order]


def write_probe(path: Path, contacts_um: np.ndarray) -> None:
    """Write contacts as one probe, contact i wired to channel i; the shape of a contact is a guess.

    The format asks for a shape: it is a disc of 5 um, which nothing here depends on.
    """
    import probeinterface

    probe = probeinterface.Probe(ndim=2, si_units="um")
    probe.set_contacts(positions=contacts_um, shapes="circle", shape_params={"radius": 5.0})
    probe.set_device_channel_indices(np.arange(len(contacts_um)))
    probeinterface.write_probeinterface(path, probe)
