"""A recording with its truth from nothing: one call from a probe's name to the traces."""

from dataclasses import dataclass, field

import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.recording import as_contacts
from spikeloop.simulate.recordings.drift import DriftModel, simulate_drift
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
        bool(np.isfinite(config.duration_s)) and config.duration_s > 0,
        f"duration_s={config.duration_s}: it must be above 0.",
    )
    units = generate_templates(contacts_um, config.units, seed=seed)
    spikes = renewal_spikes(units.n_units, config.duration_s, config.spiking, seed=seed)
    depths_um = contacts_um[:, 1]
    span_um = (float(depths_um.min()), float(depths_um.max()))
    drift = simulate_drift(config.duration_s, span_um, config.drift, seed=seed)
    return record(spikes, units, config.model, drift=drift, seed=seed)
