"""Templates at every displacement of the tissue, each on the channels that it reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Templates
from spikeloop.data.checks import require

if TYPE_CHECKING:
    from jaxtyping import Float

WaveformsAt = Callable[[float], np.ndarray]
"""Gives the waveforms of all units in uV, the tissue being displaced by so many um."""

DRIFT_STEP_UM = 4.0
"""Templates of near units are made at such steps; between them they change linearly."""
_SMOOTH_UM = 40.0
_FAINT = 0.003
"""Channels with less than this share of a unit's peak are left out; up to twice this they fade."""


@dataclass(frozen=True, eq=False)
class TemplateBank:
    """Waveforms (unit, displacement, time, channel) in one list, silent channels left out."""

    waveforms: np.ndarray
    """(value,) float32: one unit after the other, each (displacement, time, channel), in uV."""
    offset: np.ndarray
    """(unit,) where each unit begins in `waveforms`."""
    first_channel: np.ndarray
    """(unit,) the first channel that each unit reaches."""
    n_channels: np.ndarray
    """(unit,) how many channels from there on it has."""
    n_times: int
    """Samples of a waveform."""
    least_um: float
    """The first displacement."""
    step_um: float
    """How far apart two displacements are."""

    @classmethod
    def of(
        cls, waveforms_at: WaveformsAt, span_um: tuple[float, float], step_um: float
    ) -> "TemplateBank":
        """Make the waveforms of the displacements from ``span_um[0]`` to ``span_um[1]``."""
        steps = np.arange(np.floor(span_um[0] / step_um), np.ceil(span_um[1] / step_um) + 1)
        moved = [_Packed.of(waveforms_at(step * step_um)) for step in steps]
        first = np.min([packed.first for packed in moved], axis=0)
        n_channels = np.maximum(np.max([packed.stop for packed in moved], axis=0) - first, 0)
        n_times = moved[0].n_times
        sizes = len(steps) * n_times * n_channels
        offset = np.cumsum(sizes) - sizes
        waveforms = np.zeros(sizes.sum(), dtype=np.float32)
        for unit, (start, size) in enumerate(zip(offset, sizes, strict=True)):
            shape = (len(steps), n_times, n_channels[unit])
            table = waveforms[start : start + size].reshape(shape)
            for row, packed in zip(table, moved, strict=True):
                begin = packed.first[unit] - first[unit]
                part = packed.parts[unit]
                row[:, begin : begin + part.shape[1]] = part
        return cls(waveforms, offset, first, n_channels, n_times, steps[0] * step_um, step_um)

    def place(self, displacement_um: Float[np.ndarray, " spike"]) -> Float[np.ndarray, " spike"]:
        """Return how many steps each displacement lies from the first."""
        return np.maximum((displacement_um - self.least_um) / self.step_um, 0.0)


@dataclass(frozen=True, eq=False)
class _Packed:
    """Waveforms of all units at one displacement, each on the channels from first to stop."""

    parts: list[np.ndarray]
    first: np.ndarray
    stop: np.ndarray
    n_times: int

    @classmethod
    def of(cls, waveforms_uV: np.ndarray) -> "_Packed":
        heard = np.any(waveforms_uV, axis=1)  # (unit, channel)
        n_channels = heard.shape[1]
        silent = ~heard.any(axis=1)
        first = np.where(silent, n_channels, heard.argmax(axis=1))
        stop = np.where(silent, 0, n_channels - heard[:, ::-1].argmax(axis=1))
        parts = [
            uV[:, begin:end].copy()
            for uV, begin, end in zip(waveforms_uV, first, stop, strict=True)
        ]
        return cls(parts, first, stop, waveforms_uV.shape[1])


def between_contacts(templates: Templates, span_um: tuple[float, float]) -> WaveformsAt:
    r"""Return templates that are moved along the probe by interpolation between its contacts.

    What a contact at y sees of tissue moved by d is what a contact at y - d saw before. Between
    contacts the voltage is predicted from all of them (simple kriging), with the correlation

    .. math:: (1 + a + a^2/3)\, e^{-a}, \qquad a = \sqrt{5}\, r / 40 um,

    and beyond the probe it falls to 0. Channels with less than 0.3 % of a unit's peak are left out.

    Where nothing moves, the templates stay exactly as they are.

    Raises
    ------
    InvalidInputError
        The templates would be moved by more than half of the stretch where they are known.
    """
    if span_um == (0.0, 0.0):
        return lambda _: templates.waveforms_uV
    contacts_um = templates.contacts_um
    reach_um = np.ptp(contacts_um[:, 1]) / 2
    farthest_um = max(abs(span_um[0]), abs(span_um[1]))
    require(
        farthest_um <= reach_um,
        f"the drift reaches {farthest_um:g} um: templates known over {2 * reach_um:g} um along the "
        f"probe can be moved by {reach_um:g} um. Use a smaller drift, or units whose currents are "
        "known (generate_templates).",
    )
    known = _correlation(contacts_um, contacts_um)
    known[np.diag_indices(len(known))] += 1e-3

    def moved(displacement_um: float) -> np.ndarray:
        seen_um = contacts_um - np.array([0.0, displacement_um])
        weights = np.linalg.solve(known, _correlation(contacts_um, seen_um)).astype(np.float32)
        waveforms_uV = templates.waveforms_uV @ weights
        peak_uV = np.abs(waveforms_uV).max(axis=1, keepdims=True)
        faint_uV = _FAINT * peak_uV.max(axis=2, keepdims=True)
        return waveforms_uV * np.clip(peak_uV / np.maximum(faint_uV, 1e-30) - 1, 0, 1)

    return moved


def _correlation(here_um: np.ndarray, there_um: np.ndarray) -> Float[np.ndarray, "here there"]:
    distance_um = np.linalg.norm(here_um[:, None] - there_um[None], axis=2)
    a = np.sqrt(5) * distance_um / _SMOOTH_UM
    return (1 + a + a**2 / 3) * np.exp(-a)
