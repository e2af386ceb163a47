"""What is known of the spikes in a recording that was made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloop.data.checks import as_table, require
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.data.templates import Templates


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The spikes that a simulated or hybrid recording holds, and what they look like.

    >>> from spikeloop.data import Epochs
    >>> spikes = SpikeTrains.from_units({"a": [0.1, 0.5]}, Epochs([0.0], [2.0]))
    >>> templates = Templates(np.ones((1, 3, 2)), 30000.0, 1, [[0, 0], [0, 20]], ["a"])
    >>> GroundTruth(spikes, templates, {"amplitude": [1.0, 0.9]})
    GroundTruth(1 units, 2 spikes, 2 channels; of each spike: amplitude)
    """

    spikes: SpikeTrains
    """Who fired when; what is known of each unit, such as its place, stands in its `unit_table`."""
    templates: Templates
    """The waveforms of the same units, in the same order."""
    spike_table: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Columns with a row for each spike: amplitude (factor of the template), drift_um ..."""

    def __post_init__(self) -> None:
        for name, noun in (("spikes", SpikeTrains), ("templates", Templates)):
            given = getattr(self, name)
            require(
                isinstance(given, noun),
                f"{name} is a {type(given).__name__}: give {noun.__name__}.",
            )
        require(
            np.array_equal(self.spikes.unit_ids, self.templates.unit_ids),
            f"spikes have {self.spikes.n_units} units and templates {self.templates.n_units}, or "
            "their unit_ids differ. Give both for the same units, in the same order.",
        )
        table = as_table("spike_table", self.spike_table, len(self.spikes.times_s))
        object.__setattr__(self, "spike_table", table)

    def __repr__(self) -> str:
        known = f"; of each spike: {', '.join(self.spike_table)}" if self.spike_table else ""
        return (
            f"GroundTruth({self.spikes.n_units} units, {len(self.spikes.times_s)} spikes, "
            f"{self.templates.n_channels} channels{known})"
        )
