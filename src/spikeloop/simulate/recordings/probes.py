"""Where the contacts of common probes lie. Nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require

if TYPE_CHECKING:
    from jaxtyping import Float

_COLUMNS = {
    "neuropixels": (4, 96, 16.0, 40.0, [20.0, 0.0, 20.0, 0.0]),
    "neuropixels_2": (2, 192, 32.0, 15.0, [0.0] * 2),
    "linear_32": (1, 32, 0.0, 25.0, [0.0]),
    "grid_64": (8, 8, 30.0, 30.0, [0.0] * 8),
}
"""Columns, contacts in each, steps in x and y, and how far each column is shifted in y (um)."""

PROBES = ("tetrode", *_COLUMNS)
"""The names that `probe_contacts` knows."""


def probe_contacts(name: str) -> Float[np.ndarray, "channel 2"]:
    """Return x and y of the contacts of a probe in um, from the tip (smallest y) upwards.

    ``neuropixels`` has 384 contacts in rows of two, 20 um apart, staggered to four columns;
    ``neuropixels_2`` has 384 in two straight columns, 32 um apart, and rows of 15 um; ``linear_32``
    one column of 32, 25 um apart; ``tetrode`` four wires at the corners of a square of 25 um;
    ``grid_64`` eight by eight, 30 um apart. For any other probe, make it with probeinterface and
    give its ``contact_positions``.

    Raises
    ------
    InvalidInputError
        The name is not known.

    Examples
    --------
    >>> probe_contacts("neuropixels")[:4].tolist()
    [[16.0, 0.0], [48.0, 0.0], [0.0, 20.0], [32.0, 20.0]]
    """
    require(name in PROBES, f"probe {name!r} is not known: choose one of {', '.join(PROBES)}.")
    from probeinterface import generate_multi_columns_probe, generate_tetrode

    if name == "tetrode":
        probe = generate_tetrode(r=12.5 * np.sqrt(2))
        probe.rotate(45.0)
    else:
        columns, rows, x_um, y_um, shifts_um = _COLUMNS[name]
        probe = generate_multi_columns_probe(
            num_columns=columns,
            num_contact_per_column=rows,
            xpitch=x_um,
            ypitch=y_um,
            y_shift_per_column=shifts_um,
        )
    contacts_um = np.asarray(probe.contact_positions, dtype=float)
    contacts_um = (contacts_um - contacts_um.min(axis=0)).round(9)
    return contacts_um[np.lexsort(contacts_um.T)]
