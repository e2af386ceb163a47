"""What one recording session gave."""

from dataclasses import dataclass

import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.images import Images
from spikeloop.data.responses import Responses
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.data.time_series import TimeSeries
from spikeloop.data.trials import Trials


@dataclass(frozen=True, eq=False)
class Experiment:
    """The nouns that one file, folder or simulation gave; None for those that it lacks.

    A sweep experiment has `spikes` and `stimulus`; an image experiment has `spikes`, `trials` and
    perhaps `images`; a published table of counts has `responses` alone.
    """

    name: str
    """What to call it in a report."""
    spikes: SpikeTrains | None = None
    stimulus: TimeSeries | None = None
    """A continuous stimulus, on the clock of the spikes."""
    trials: Trials | None = None
    """Presentations of `images`, on the clock of the spikes."""
    images: Images | None = None
    responses: Responses | None = None
    """Counts that were given as such, where the spikes are not to be had."""

    def __post_init__(self) -> None:
        require(
            self.spikes is not None or self.responses is not None,
            f"{self.name} has neither spikes nor responses: there is nothing to characterize.",
        )
        if self.spikes is not None and self.responses is not None:
            require(
                np.array_equal(self.spikes.unit_ids, self.responses.unit_ids),
                f"{self.name} has spikes and responses of different unit_ids. Give both for the "
                "same units, in the same order.",
            )
