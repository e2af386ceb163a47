"""Fitted models come back from their files to the bit, and a file that is none is refused."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode.checkpoints import load_model, save_model
from spikeloop.encode.splits import split_time
from spikeloop.encode.temporal.checkpoints import MODELS
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.linear_nonlinear import TemporalLinearNonlinear
from spikeloop.encode.temporal.maximally_informative import MaximallyInformative
from spikeloop.encode.temporal.network_training import SeriesTraining
from spikeloop.encode.temporal.poisson_glm import PoissonGLM
from spikeloop.errors import BadFileError

GLM = json.loads(json.dumps(asdict(PoissonGLM())))
RNG = np.random.default_rng(0)
STIMULUS = TimeSeries(RNG.standard_normal((3000, 2)), 100.0)
FIRED = np.flatnonzero(RNG.random(3000) < 0.1 * np.exp(STIMULUS.values[:, 0]))
SPIKES = SpikeTrains.from_units({"a": (FIRED + 0.5) / 100}, Epochs([0.0], [30.0]))
EACH = [
    TemporalLinearNonlinear(window_s=0.05),
    PoissonGLM(penalties=(1e-3,)),
    MaximallyInformative(n_filters=1, n_starts=1),
    DilatedNetwork(n_layers=2, n_channels=2, training=SeriesTraining(n_epochs=1, chunk_bins=64)),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "ln.safetensors"
    save_model(path, fit_series(EACH[0], SPIKES, STIMULUS, seed=0))
    return path


def test_every_model_is_tried():
    assert {type(model).__name__ for model in EACH} == set(MODELS)


@pytest.mark.parametrize("model", EACH, ids=lambda model: type(model).__name__)
def test_a_model_comes_back(model, tmp_path):
    fitted = fit_series(model, SPIKES, STIMULUS, split=split_time(SPIKES.epochs), seed=0)
    save_model(tmp_path / "m.safetensors", fitted)
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]
    again = load_model(tmp_path / "m.safetensors")
    assert again.model == model
    assert repr(again) == repr(fitted)
    rates = (one.rates(STIMULUS, SPIKES).values for one in (fitted, again))
    np.testing.assert_array_equal(*rates)
    np.testing.assert_array_equal(again.split.test.start_s, fitted.split.test.start_s)
    np.testing.assert_array_equal(again.counts_most, fitted.counts_most)
    assert set(again.history) == set(fitted.history)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused(share, file, tmp_path):
    content = file.read_bytes()
    (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
    with pytest.raises(BadFileError, match="cannot be read as a model"):
        load_model(tmp_path / "cut")


def changed(file, path, drop=(), **header):
    """Write the file again with another header, or without some of its arrays."""
    with safe_open(file, framework="numpy") as opened:
        before = json.loads(opened.metadata()["spikeloop"])
    arrays = {name: values for name, values in load_file(file).items() if name not in drop}
    save_file(arrays, path, {"spikeloop": json.dumps({**before, **header})})
    return path


def test_the_same_model_gives_the_same_bytes(file, tmp_path):
    save_model(tmp_path / "again", load_model(file))
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is no spikeloop image model"),
        ({"model": "Ridge"}, "holds a Ridge, which is none of TemporalLinearNonlinear"),
        ({"settings": {"n_knots": 1}}, "is not what it claims"),
        ({"settings": None}, "is not what it claims"),
        ({"unit_ids": ["a", "b"]}, "do not fit the architecture"),
        ({"model": "PoissonGLM", "settings": {}}, "its settings are not those of a PoissonGLM"),
        ({"model": "PoissonGLM", "settings": GLM}, "do not fit the architecture"),
        ({"drop": ["stimulus_mean"]}, "is not what it claims: 'stimulus_mean'"),
        ({"drop": ["split.test"]}, "is not what it claims"),
        ({"drop": ["parameters.stimulus.filter"]}, "do not fit the architecture"),
    ],
)
def test_a_file_of_something_else_is_refused(change, message, file, tmp_path):
    with pytest.raises(BadFileError, match=message):
        load_model(changed(file, tmp_path / "other", **change))


def test_a_file_of_another_program_is_refused(tmp_path):
    save_file({"a": np.ones(2)}, tmp_path / "other", {"spikeloop": "[1]"})
    with pytest.raises(BadFileError, match="is no spikeloop image model"):
        load_model(tmp_path / "other")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadFileError, match=r"none\.safetensors: there is no such file"):
        load_model(tmp_path / "none.safetensors")
