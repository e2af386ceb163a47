"""The nouns: frozen, validated when made, and shared by every room.

In: NumPy arrays. Out: `Epochs`, `SpikeTrains`, `TimeSeries`, `Images`, `Trials`, `Responses`,
`Recording`, `Templates`, `GroundTruth`, and `Experiment`, which holds those that one session gave.
May import: `spikeloop.errors` alone.
Axes: trial, time, unit or channel, y, x; time comes before space. A template's unit comes first.
Units are in the names: `_s`, `_hz`, `_uV`, `_um`, `_deg`.
Start reading in `spike_trains.py`.
"""

from spikeloop.data.epochs import Epochs
from spikeloop.data.experiment import Experiment
from spikeloop.data.ground_truth import GroundTruth
from spikeloop.data.images import Images
from spikeloop.data.recording import Recording
from spikeloop.data.responses import Responses
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.data.templates import Templates
from spikeloop.data.time_series import TimeSeries
from spikeloop.data.trials import BLANK, Trials

__all__ = [
    "BLANK",
    "Epochs",
    "Experiment",
    "GroundTruth",
    "Images",
    "Recording",
    "Responses",
    "SpikeTrains",
    "Templates",
    "TimeSeries",
    "Trials",
]
