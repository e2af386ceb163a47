"""Units as point currents along a dendrite, and the voltages that those make at contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Templates
from spikeloop.data.checks import as_array, as_vector, require, require_finite

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

CONDUCTIVITY_S_PER_M = 0.3
"""Of grey matter (Goto et al. 2010, Journal of Neurophysiology 104:3388)."""
_FAINT_UV = 0.4
"""Below this peak a channel is left out; up to twice this it fades."""


@dataclass(frozen=True, eq=False)
class CurrentSources:
    r"""Units whose currents are known everywhere, so that they can be moved exactly.

    The voltage of a unit at a contact is

    .. math:: V(t) = \sum_k \frac{i_k(t)}{4 \pi \sigma \sqrt{d_k^2 + r_k^2}},

    over sources k at the distances :math:`d_k`, with :math:`\sigma` = 0.3 S/m. A source is no
    point: nearer than its radius :math:`r_k` the voltage rises no more. Where what flows out flows
    in again, so that the currents of a unit add up to 0, the voltage falls faster than 1/distance.
    """

    currents_nA: np.ndarray
    """(unit, time, source) float32 current out of the cell."""
    sources_um: np.ndarray
    """(unit, source, 3) x and y along the probe, z away from it; the soma is source 0."""
    radii_um: np.ndarray
    """(source,) over which each source is spread."""
    sample_rate_hz: float
    """Samples per second."""
    peak_sample: int
    """The row of time at which the spike happens."""
    contacts_um: np.ndarray
    """(channel, 2) x and y; z is 0."""
    unit_ids: np.ndarray
    """(unit,) a number for each unit."""

    def __post_init__(self) -> None:
        axes = ("unit", "time", "source")
        currents_nA = as_array("currents_nA", self.currents_nA, axes, np.float32)
        sources_um = as_array("sources_um", self.sources_um, ("unit", "source", "x y z"), float)
        wanted = (len(currents_nA), currents_nA.shape[2], 3)
        require(
            sources_um.shape == wanted,
            f"sources_um has shape {sources_um.shape}: the currents want {wanted}.",
        )
        require_finite("currents_nA", currents_nA)
        require_finite("sources_um", sources_um)
        radii_um = as_vector("radii_um", self.radii_um, float)
        require(
            len(radii_um) == wanted[1] and radii_um.min() > 0,
            f"radii_um has {len(radii_um)} rows: give one above 0 for each of {wanted[1]} sources.",
        )
        object.__setattr__(self, "currents_nA", currents_nA)
        object.__setattr__(self, "sources_um", sources_um)
        object.__setattr__(self, "radii_um", radii_um)

    def __repr__(self) -> str:
        return (
            f"CurrentSources({self.n_units} units beside {len(self.contacts_um)} contacts, "
            f"{self.sample_rate_hz} Hz)"
        )

    @property
    def n_units(self) -> int:
        """How many units there are."""
        return len(self.currents_nA)

    @property
    def positions_um(self) -> Float[np.ndarray, "unit 3"]:
        """Where the somata rest: x, y, z."""
        return self.sources_um[:, 0]

    def waveforms_uV(
        self, displacement_um: float = 0.0
    ) -> Float32[np.ndarray, "unit time channel"]:
        """Return the voltages of a spike of each unit, the tissue being moved along y."""
        moved_um = self.sources_um + np.array([0.0, displacement_um, 0.0])
        gain = uV_per_nA(moved_um, self.radii_um, self.contacts_um).astype(np.float32)
        waveforms_uV = self.currents_nA @ gain
        peak_uV = np.abs(waveforms_uV).max(axis=1, keepdims=True)
        waveforms_uV *= np.clip(peak_uV / _FAINT_UV - 1, 0, 1)
        return waveforms_uV

    def templates(self, displacement_um: float = 0.0) -> Templates:
        """Return the voltages as `Templates`."""
        return Templates(
            self.waveforms_uV(displacement_um),
            self.sample_rate_hz,
            self.peak_sample,
            self.contacts_um,
            self.unit_ids,
        )


def uV_per_nA(
    sources_um: Float[np.ndarray, "*unit source 3"],
    radii_um: Float[np.ndarray, " source"],
    contacts_um: Float[np.ndarray, "channel 2"],
) -> Float[np.ndarray, "*unit source channel"]:
    """Return the voltage that 1 nA out of each source makes at each contact."""
    x_um, y_um, z_um = np.moveaxis(sources_um, -1, 0)[..., None]
    contact_x_um, contact_y_um = contacts_um.T
    squared = (x_um - contact_x_um) ** 2 + (y_um - contact_y_um) ** 2
    squared += z_um**2 + radii_um[:, None] ** 2
    return 1e3 / (4 * np.pi * CONDUCTIVITY_S_PER_M) / np.sqrt(squared)
