"""A recording with its truth in one call, from a probe's name, and from spikes if there are any."""

from dataclasses import dataclass, field, replace

import numpy as np

from spikeloop.data import SpikeTrains
from spikeloop.data.checks import require
from spikeloop.data.recording import as_contacts
from spikeloop.simulate.recordings.drift import Drift, DriftModel, simulate_drift
from spikeloop.simulate.recordings.probes import probe_contacts
from spikeloop.simulate.recordings.recording import RecordingModel, SimulatedRecording, record
from spikeloop.simulate.recordings.renewal_spikes import Firing, renewal_spikes
from spikeloop.simulate.recordings.unit_templates import TemplateGenerator, generate_templates


@dataclass(frozen=True)
class RecordingConfig:
    """Everything that a simulated recording is made of."""

    probe: str = "linear_32"
    """tetrode, neuropixels, neuropixels_2, linear_32 or grid_64."""
    duration_s: float = 60.0
    """How long the recording lasts."""
    units: TemplateGenerator = field(default_factory=TemplateGenerator)
    """Which units there are, and what their spikes look like."""
    spiking: Firing = field(default_factory=Firing)
    """How often they fire."""
    drift: DriftModel = field(default_factory=DriftModel)
    """How the tissue moves."""
    model: RecordingModel = field(default_factory=RecordingModel)
    """Noise, background, variability."""


def simulate_recording(
    config: RecordingConfig, *, contacts_um: np.ndarray | None = None, seed: int
) -> SimulatedRecording:
    """Place units beside a probe, let them fire, and record them.

    Parameters
    ----------
    config
        What to simulate.
    contacts_um
        (channel, 2) contacts of a probe of your own, in place of ``config.probe``.
    seed
        The seed of everything.

    Returns
    -------
    The lazy recording, and what is true of it.

    Raises
    ------
    InvalidInputError
        The probe is not known, the units do not fit beside it, or a setting cannot be right.

    Examples
    --------
    >>> config = RecordingConfig("tetrode", 2.0, TemplateGenerator(n_units=3))
    >>> done = simulate_recording(config, seed=1)
    >>> done.recording
    Recording(60000 samples x 4 channels, 30000.0 Hz, 2 s)
    >>> done.truth.templates.n_units
    3
    """
    contacts_um = as_contacts(probe_contacts(config.probe) if contacts_um is None else contacts_um)
    require(
        config.duration_s is not None and 0 < config.duration_s < np.inf,
        f"duration_s={config.duration_s}: it must be above 0.",
    )
    units = generate_templates(contacts_um, config.units, seed=seed)
    spikes = renewal_spikes(units.n_units, config.duration_s, config.spiking, seed=seed)
    drift = _drift(contacts_um, config.duration_s, config.drift, seed=seed)
    return record(spikes, units, config.model, drift=drift, seed=seed)


def record_spikes(
    spikes: SpikeTrains,
    config: RecordingConfig,
    *,
    contacts_um: np.ndarray | None = None,
    seed: int,
) -> SimulatedRecording:
    """Place a unit beside a probe for each unit of given spikes, and record them.

    As `simulate_recording`, but how many units there are and how long the recording lasts is said
    by the spikes: ``units.n_units``, ``duration_s`` and ``spiking`` of `config` are not used. To
    record units with templates of your own, use `record`.

    Parameters
    ----------
    spikes
        When each unit spikes, from 0 s on. Silent units get a template too.
    config
        What to simulate besides.
    contacts_um
        (channel, 2) contacts of a probe of your own, in place of ``config.probe``.
    seed
        The seed of everything.

    Returns
    -------
    The lazy recording, and what is true of it; units keep their ids.

    Raises
    ------
    InvalidInputError
        The probe is not known, the units do not fit beside it, or spikes lie before 0 s.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({"a": [0.1, 0.5], "b": [0.3]}, Epochs([0.0], [2.0]))
    >>> done = record_spikes(spikes, RecordingConfig("tetrode"), seed=1)
    >>> done.truth
    RecordingTruth(2 units, 3 spikes, 4 channels, no drift, 0 artefacts)
    """
    require(
        isinstance(spikes, SpikeTrains),
        f"spikes is a {type(spikes).__name__}: give SpikeTrains, such as the spikes of an Activity "
        "or an Experiment.",
    )
    require(spikes.n_units > 0, "spikes have no units: give at least one.")
    contacts_um = as_contacts(probe_contacts(config.probe) if contacts_um is None else contacts_um)
    method = replace(config.units, n_units=spikes.n_units)
    units = generate_templates(contacts_um, method, seed=seed)
    units = replace(units, unit_ids=spikes.unit_ids)
    drift = _drift(contacts_um, float(spikes.epochs.stop_s[-1]), config.drift, seed=seed)
    return record(spikes, units, config.model, drift=drift, seed=seed)


def _drift(contacts_um: np.ndarray, duration_s: float, method: DriftModel, *, seed: int) -> Drift:
    """Return how the tissue moves along a probe."""
    depths_um = contacts_um[:, 1]
    span_um = (float(depths_um.min()), float(depths_um.max()))
    return simulate_drift(duration_s, span_um, method, seed=seed)
