"""Models that predict the responses of units: from a linear filter to a network of many sessions.

In: `Images` with `Responses`, or a `TimeSeries` with `SpikeTrains`, and a model: a frozen dataclass
of settings. Out: a `FittedModel`, which predicts all units for any image, differentiably.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `fit.py`; `images/linear.py` is the simplest model.
"""

from spikeloop.data.checkpoint import Checkpoint
from spikeloop.encode.checkpoints import load_model, save_model
from spikeloop.encode.evaluation import Evaluation, ModelComparison, ModelScores, evaluate_models
from spikeloop.encode.fit import fit
from spikeloop.encode.fitted import FittedModel
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.gabor_bank import GaborBank
from spikeloop.encode.images.linear import Ridge, SmoothRidge
from spikeloop.encode.images.linear_nonlinear import LinearNonlinear
from spikeloop.encode.images.linear_nonlinear_poisson import LinearNonlinearPoisson
from spikeloop.encode.images.mean_response import MeanResponse
from spikeloop.encode.images.scattering_kernel import ScatteringKernel
from spikeloop.encode.images.second_order import SecondOrder
from spikeloop.encode.images.windows import Windows
from spikeloop.encode.network.fit_sessions import fit_sessions
from spikeloop.encode.network.model import (
    ConvolutionalNetwork,
    energy_network,
    network_of_experiment_two,
)
from spikeloop.encode.network.objective import Penalties
from spikeloop.encode.network.readouts import Factorized, GaussianPoint, PyramidPoint
from spikeloop.encode.network.settings import Training
from spikeloop.encode.network.stack import StackedCore
from spikeloop.encode.splits import StimulusSplit, TimeSplit, alike, split_stimuli, split_time
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.evaluation import SeriesComparison, evaluate_series
from spikeloop.encode.temporal.filtering import RaisedCosines
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.network_training import SeriesTraining
from spikeloop.encode.temporal.poisson_glm import PoissonGLM, quadratic_glm

__all__ = [
    "BankFeatures",
    "Checkpoint",
    "ConvolutionalNetwork",
    "DilatedNetwork",
    "Evaluation",
    "Factorized",
    "FilterBank",
    "FittedModel",
    "FittedSeriesModel",
    "GaborBank",
    "GaussianPoint",
    "LinearNonlinear",
    "LinearNonlinearPoisson",
    "MaximallyInformative",
    "MeanResponse",
    "ModelComparison",
    "ModelScores",
    "Penalties",
    "PoissonGLM",
    "PyramidPoint",
    "RaisedCosines",
    "Ridge",
    "ScatteringKernel",
    "SecondOrder",
    "SeriesComparison",
    "SeriesTraining",
    "SmoothRidge",
    "StackedCore",
    "StimulusSplit",
    "TemporalLinearNonlinear",
    "TimeSplit",
    "Training",
    "Windows",
    "alike",
    "energy_network",
    "evaluate_models",
    "evaluate_series",
    "fit",
    "fit_sessions",
    "load_model",
    "network_of_experiment_two",
    "quadratic_glm",
    "save_model",
    "split_stimuli",
    "split_time",
]
