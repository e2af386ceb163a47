"""Units beside a probe, with the currents of their spikes: templates from nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.recording import as_contacts, as_rate
from spikeloop.errors import InvalidInputError
from spikeloop.simulate.recordings.current_sources import CurrentSources, uV_per_nA

if TYPE_CHECKING:
    from jaxtyping import Float

_SPACING_UM = 10.0
_N_APICAL, _N_BASAL = 20, 8
_SOMA_RADIUS_UM = 8.0
_FAN = 0.4  # how much wider a dendrite's tree of branches becomes with distance from the soma
_TRIES = 500

_Flow = Callable[[np.ndarray], np.ndarray]  # times (time,) in s to currents (time, source) in nA


@dataclass(frozen=True)
class TemplateGenerator:
    """Which units there are, and what their spikes look like."""

    n_units: int = 30
    """How many units. `record_spikes` does not use it: it takes as many as its spikes have."""
    sample_rate_hz: float = 30000.0
    """Samples per second."""
    window_s: tuple[float, float] = (-0.001, 0.002)
    """Start and stop of a template relative to its spike."""
    depth_um: tuple[float, float] = (10.0, 60.0)
    """Least and greatest distance of a soma from the plane of the contacts."""
    margin_um: float = 20.0
    """How far beyond the outermost contacts somata lie."""
    min_spacing_um: float = 15.0
    """Least distance between two somata."""
    current_nA: float = 20.0
    """Median over units of the greatest current of the soma."""
    current_spread: float = 0.4
    """Standard deviation of the logarithm of that current."""
    narrow_share: float = 0.25
    """Share of units with narrow spikes and short dendrites, as of interneurons."""
    narrow_s: tuple[float, float] = (0.0002, 0.00035)
    """Least and greatest time from trough to peak of the soma's current, for narrow units."""
    wide_s: tuple[float, float] = (0.0005, 0.0009)
    """The same for the others."""
    positive_share: float = 0.03
    """Share of units whose spikes are upside down: positive first."""
    speed_m_per_s: float = 0.5
    """How fast a spike runs along the dendrites."""

    def __post_init__(self) -> None:
        require(self.n_units >= 1, f"n_units={self.n_units}: there must be at least one.")
        as_rate(self.sample_rate_hz)
        start_s, stop_s = self.window_s
        require(
            start_s < 0 < stop_s,
            f"window_s={self.window_s}: it must hold the spike, at 0 s. Start below 0, stop above.",
        )
        for name in ("depth_um", "narrow_s", "wide_s"):
            low, high = getattr(self, name)
            require(
                0 < low <= high,
                f"{name}=({low}, {high}): give the least and the greatest, both above 0.",
            )
        for name in ("narrow_share", "positive_share"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"{name}={value}: a share lies in 0..1.")
        for name in ("margin_um", "min_spacing_um", "current_spread"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value >= 0, f"{name}={value}: give 0 or more.")
        for name in ("current_nA", "speed_m_per_s"):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and value > 0, f"{name}={value}: give more than 0.")


def generate_templates(
    contacts_um: Float[np.ndarray, "channel 2"], method: TemplateGenerator, *, seed: int
) -> CurrentSources:
    r"""Place units beside a probe and give each the currents of its spike.

    The soma's current f, a sharp sink and then a broader source, flows along two opposite
    dendrites. At the distance s from the soma, what still flows inside is

    .. math:: I(s, t) = -w\, e^{-s/\lambda}\, f(t - s / v),

    and what leaves there is the difference of that between neighbouring points, 10 um apart; the
    rest leaves at the end. So the sum of all currents is 0 at each time, the dendrite is a source
    while the soma is a sink, and the spike reaches far contacts later.

    The time of a spike is that of the trough at the contact where the unit at rest is largest peak
    to peak (its peak where the spike is upside down), which comes somewhat after the sink at the
    soma: there lies ``peak_sample``.

    Parameters
    ----------
    contacts_um
        Where the contacts lie.
    method
        How many units, where, and of which shapes.

    Returns
    -------
    Units that can be moved; ``.templates()`` gives their `Templates` at rest.

    Raises
    ------
    InvalidInputError
        So many units do not fit beside the probe.

    Examples
    --------
    >>> contacts_um = np.array([[0.0, 0.0], [0.0, 25.0], [0.0, 50.0]])
    >>> units = generate_templates(contacts_um, TemplateGenerator(n_units=4), seed=1)
    >>> units.templates().waveforms_uV.shape
    (4, 91, 3)
    >>> bool(np.allclose(units.currents_nA.sum(axis=2), 0, atol=1e-4))
    True
    """
    contacts_um = as_contacts(contacts_um)
    rng = np.random.default_rng(seed)
    somata_um = _place(contacts_um, method, rng)
    is_narrow = rng.random(method.n_units) < method.narrow_share
    before = round(-method.window_s[0] * method.sample_rate_hz)
    after = round(method.window_s[1] * method.sample_rate_hz)
    times_s = np.arange(-before, after + 1) / method.sample_rate_hz
    flows, offsets_um = zip(*(_unit(narrow, method, rng) for narrow in is_narrow), strict=True)
    sources_um = somata_um[:, None] + np.stack(offsets_um)
    radii_um = _SOMA_RADIUS_UM + _FAN * _SPACING_UM * np.r_[0, 1 : _N_APICAL + 1, 1 : _N_BASAL + 1]
    taper = _taper(times_s)[:, None]
    currents_nA = []
    for flow, of_unit_um in zip(flows, sources_um, strict=True):
        gain = uV_per_nA(of_unit_um, radii_um, contacts_um)
        trough_s = _trough_s(flow, gain, times_s, 1 / method.sample_rate_hz)
        currents_nA.append(flow(times_s + trough_s) * taper)
    return CurrentSources(
        np.stack(currents_nA),
        sources_um,
        radii_um,
        method.sample_rate_hz,
        before,
        contacts_um,
        np.arange(method.n_units),
    )


def _place(
    contacts_um: np.ndarray, method: TemplateGenerator, rng: np.random.Generator
) -> Float[np.ndarray, "unit 3"]:
    """Throw somata at random into the tissue; one that comes too near another is thrown again."""
    low = np.append(contacts_um.min(axis=0) - method.margin_um, method.depth_um[0])
    high = np.append(contacts_um.max(axis=0) + method.margin_um, method.depth_um[1])
    somata_um = np.empty((0, 3))
    for _ in range(method.n_units):
        for _ in range(_TRIES):
            thrown = rng.uniform(low, high)
            apart_um = np.linalg.norm(somata_um - thrown, axis=1)
            if apart_um.min(initial=np.inf) >= method.min_spacing_um:
                somata_um = np.vstack([somata_um, thrown])
                break
        else:
            raise InvalidInputError(
                f"{method.n_units} units at least {method.min_spacing_um} um apart do not fit "
                f"beside these contacts: {len(somata_um)} do. Take fewer units, lower "
                "min_spacing_um, or widen depth_um or margin_um."
            )
    return somata_um[np.argsort(somata_um[:, 1])]


def _unit(
    narrow: bool, method: TemplateGenerator, rng: np.random.Generator
) -> tuple[_Flow, Float[np.ndarray, "source 3"]]:
    """Return what gives the currents of one unit, and where its sources lie about its soma."""
    peak_s = rng.uniform(*(method.narrow_s if narrow else method.wide_s))
    trough_s = rng.uniform(0.00005, 0.00007) if narrow else rng.uniform(0.00008, 0.00012)
    height = rng.uniform(0.25, 0.6) if narrow else rng.uniform(0.15, 0.4)
    size_nA = method.current_nA * np.exp(method.current_spread * rng.normal())
    if rng.random() < method.positive_share:
        size_nA = -size_nA
    decay_um = rng.uniform(25, 45, 2) if narrow else rng.uniform((60, 30), (120, 50))
    apical = 0.5 if narrow else rng.uniform(0.55, 0.75)
    axis = rng.normal(size=3) if narrow else np.array([0.0, 1.0, 0.0]) + 0.3 * rng.normal(size=3)
    axis[2] *= 0.3  # dendrites that would run into the probe lie beside it
    axis /= np.linalg.norm(axis)
    branches = ((_N_APICAL, apical, decay_um[0]), (_N_BASAL, 1 - apical, decay_um[1]))

    def flow(times_s: np.ndarray) -> np.ndarray:
        currents = [np.zeros_like(times_s)]
        for n_points, share, length_um in branches:
            along_um = _SPACING_UM * np.arange(n_points)
            delay_s = along_um * 1e-6 / method.speed_m_per_s
            wave = _soma_current(times_s[:, None] - delay_s, trough_s, peak_s, height)
            inside = -share * size_nA * np.exp(-along_um / length_um) * wave
            currents[0] = currents[0] - inside[:, 0]
            currents.extend((inside - np.c_[inside[:, 1:], np.zeros(len(times_s))]).T)
        return np.stack(currents, axis=1)

    steps_um = np.r_[0, 1 : _N_APICAL + 1, -1 : -_N_BASAL - 1 : -1] * _SPACING_UM
    return flow, steps_um[:, None] * axis


def _trough_s(
    flow: _Flow,
    gain: Float[np.ndarray, "source channel"],
    times_s: Float[np.ndarray, " time"],
    sample_s: float,
) -> float:
    """Return when the voltage of the largest channel is farthest from 0, between samples too."""
    uV = flow(times_s) @ gain
    channel = np.argmax(np.ptp(uV, axis=0))
    near_s = times_s[np.argmax(np.abs(uV[:, channel]))]
    fine_s = near_s + np.linspace(-1.5, 1.5, 121) * sample_s
    return float(fine_s[np.argmax(np.abs(flow(fine_s) @ gain[:, channel]))])


def _soma_current(
    times_s: np.ndarray, trough_s: float, peak_s: float, height: float
) -> Float[np.ndarray, "time point"]:
    """Return a sink of depth 1 and width `trough_s` at 0, then a source of `height` at `peak_s`.

    The source rises faster than it falls, as the slow outward currents end.
    """
    late = times_s - peak_s
    width_s = np.where(late < 0, peak_s / 3, peak_s / 1.6)
    sink = np.exp(-0.5 * (times_s / trough_s) ** 2)
    return -sink + height * np.exp(-0.5 * (late / width_s) ** 2)


def _taper(times_s: np.ndarray) -> Float[np.ndarray, " time"]:
    """Return a window that is 1 but near the ends, where it falls to 0 within a tenth."""
    place = np.linspace(0, 1, len(times_s))
    edge = np.clip(np.minimum(place, 1 - place) / 0.1, 0, 1)
    return np.sin(np.pi / 2 * edge) ** 2
