"""Spiking networks that learn a task, with or without Dale's law, beside the ideal observer.

In: a task that draws trials, a network, and a seed. Out: a trained network, and how well it does.
May import: `neurons`, `evaluate`, `data`, `numerics`, `errors`.
Start reading in `trainer.py`, then `network.py`; what is compiled is in `plan.py` and `tick.py`.
"""

from spikeloop.learn.analysis import (
    Tuning,
    WeightSummary,
    lesions,
    tuning,
    unit_lesions,
    weight_summaries,
)
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.layers import LeakyReadout, SpikingLayer, unit_lif
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.network_file import load_network, save_network
from spikeloop.learn.nir_file import network_from_nir, network_to_nir
from spikeloop.learn.plan import Answer, Constraint, NetworkState
from spikeloop.learn.scores import Scores, ideal_scores, score
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.learn.tasks.digits import PoissonDigits
from spikeloop.learn.tasks.localization import SoundLocalization
from spikeloop.learn.tasks.recorded import RecordedTrials
from spikeloop.learn.tasks.task import Task, TaskTrials
from spikeloop.learn.tasks.timing import PatternTiming
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.learn.trainer import train, train_together
from spikeloop.learn.training import Training

__all__ = [
    "Answer",
    "AnySign",
    "Constraint",
    "DalesLaw",
    "FeedforwardInhibition",
    "LeakyReadout",
    "NetworkState",
    "PatternTiming",
    "PoissonDigits",
    "RecordedTrials",
    "Scores",
    "SoundLocalization",
    "SpikingLayer",
    "SpikingNetwork",
    "Task",
    "TaskTrials",
    "TrainedNetwork",
    "Training",
    "Tuning",
    "WeightSummary",
    "ideal_scores",
    "lesions",
    "load_network",
    "network_from_nir",
    "network_to_nir",
    "save_network",
    "score",
    "train",
    "train_together",
    "tuning",
    "unit_lesions",
    "unit_lif",
    "weight_summaries",
]
