"""Models that predict the responses of units: from a linear filter to a network of many sessions.

In: `Images` with `Responses`, or a `TimeSeries` with `SpikeTrains`, and a model: a frozen dataclass
of settings. Out: a `FittedModel`, which predicts all units for any image, differentiably.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `fit.py`; `images/linear.py` is the simplest model.
"""

from spikeloop.encode.checkpoints import load_model, save_model
from spikeloop.encode.evaluation import Evaluation, ModelComparison, ModelScores, evaluate_models
from spikeloop.encode.fit import fit
from spikeloop.encode.fitted import FittedModel
from spikeloop.encode.images.gabor_bank import GaborBank
from spikeloop.encode.images.linear import Ridge, SmoothRidge
from spikeloop.encode.images.linear_nonlinear import LinearNonlinear
from spikeloop.encode.images.linear_nonlinear_poisson import LinearNonlinearPoisson
from spikeloop.encode.images.mean_response import MeanResponse
from spikeloop.encode.images.scattering_kernel import ScatteringKernel
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.splits import StimulusSplit, TimeSplit, split_stimuli, split_time

__all__ = [
    "ConvolutionalNetwork",
    "Evaluation",
    "FittedModel",
    "GaborBank",
    "LinearNonlinear",
    "LinearNonlinearPoisson",
    "MeanResponse",
    "ModelComparison",
    "ModelScores",
    "Ridge",
    "ScatteringKernel",
    "SmoothRidge",
    "StimulusSplit",
    "TimeSplit",
    "evaluate_models",
    "fit",
    "load_model",
    "save_model",
    "split_stimuli",
    "split_time",
]
