"""Settings are what their fields say they are, of every method that has any."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pytest

from spikeloop import encode
from spikeloop.data.settings import require_settings
from spikeloop.encode.network.objective import Penalties
from spikeloop.encode.network.readouts import Factorized
from spikeloop.encode.network.settings import Training
from spikeloop.encode.network.stack import StackedCore
from spikeloop.errors import InvalidInputError


@dataclass(frozen=True)
class Inner:
    width: float = 1.0


@dataclass(frozen=True)
class Method:
    n: int = 1
    size: float = 2.0
    clean: bool = False
    name: str = "a"
    mode: Literal["fast", "slow"] = "fast"
    lengths: tuple[float, ...] = (1.0, 2.0)
    pair: tuple[int, float] = (1, 0.5)
    inner: Inner = field(default_factory=Inner)
    maybe: Inner | None = None

    def __post_init__(self):
        require_settings(self)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 2.5}, "n=2.5: it must be a whole number"),
        ({"n": True}, "n=True: it must be a whole number"),
        ({"size": float("inf")}, "size=inf: it must be a finite number"),
        ({"size": "2"}, "size='2': it must be a finite number"),
        ({"size": None}, "size=None: it must be a finite number"),
        ({"clean": 1}, "clean=1: it must be True or False"),
        ({"name": 3}, "name=3: it must be a word"),
        ({"mode": "Fast"}, "mode='Fast': it must be one of 'fast', 'slow'"),
        ({"mode": ["fast"]}, "it must be one of 'fast', 'slow'"),
        ({"lengths": [1.0]}, r"lengths=\[1.0\]: it must be a tuple, each of it a finite number"),
        ({"lengths": (1.0, float("nan"))}, "it must be a tuple, each of it a finite number"),
        ({"pair": (1, 2, 3)}, "it must be a tuple, each of it a whole number and a finite"),
        ({"pair": (0.5, 0.5)}, "it must be a tuple"),
        ({"inner": 3}, "inner=3: it must be a Inner"),
        ({"maybe": 3}, "maybe=3: it must be a Inner or None"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(InvalidInputError, match=message):
        Method(**given)


def test_what_fits_is_taken():
    Method(np.int64(3), np.float32(2), True, "b", "slow", (), (1, 2), Inner(3), Inner())
    Method(size=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Training(schedule="Cosine"),
        lambda: StackedCore(start="Gabor"),
        lambda: StackedCore(nonlinearity="tanh"),
        lambda: encode.ConvolutionalNetwork(output="Softplus"),
        lambda: encode.ConvolutionalNetwork(loss="possion"),
        lambda: encode.ConvolutionalNetwork(n_seeds=2.5),
        lambda: StackedCore(channels=[4]),
        lambda: Penalties(group=float("nan")),
        lambda: Factorized(rank=1.5),
        lambda: encode.BankFeatures(exponents=(0.5, float("nan"))),
        lambda: encode.BankFeatures(shading=float("inf")),
        lambda: encode.FilterBank(n_scales=10**9),
        lambda: encode.ScatteringKernel(sharpness=float("inf")),
        lambda: encode.SmoothRidge(lengths_px=(1.0, float("nan"))),
        lambda: encode.Windows(size="a"),
        lambda: encode.Evaluation(fev_threshold=float("nan")),
        lambda: encode.RaisedCosines(16, float("inf"), 0.03),
        lambda: encode.PoissonGLM(penalties=(float("inf"),)),
        lambda: encode.DilatedNetwork(n_layers=2.5),
        lambda: encode.MaximallyInformative(n_filters=1.5),
        lambda: encode.TemporalLinearNonlinear(window_s=float("inf")),
    ],
)
def test_methods_of_encode_check_their_settings(make):
    with pytest.raises(InvalidInputError):
        make()
