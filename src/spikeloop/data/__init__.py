"""The nouns: frozen, validated when made, and shared by every room.

In: NumPy arrays. Out: `Epochs`, `SpikeTrains`, `TimeSeries`, `Images`, `Trials`, `Responses`, and
`Experiment`, which holds those that one recording gave.
May import: `spikeloop.errors` alone.
Axes: trial, time, unit, y, x; time comes before space. Units are in the names: `_s`, `_hz`, `_deg`.
Start reading in `spike_trains.py`.
"""

from spikeloop.data.epochs import Epochs
from spikeloop.data.experiment import Experiment
from spikeloop.data.images import Images
from spikeloop.data.responses import Responses
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.data.time_series import TimeSeries
from spikeloop.data.trials import BLANK, Trials

__all__ = [
    "BLANK",
    "Epochs",
    "Experiment",
    "Images",
    "Responses",
    "SpikeTrains",
    "TimeSeries",
    "Trials",
]
