"""Fitted models in files: the same bits again, and no harm from files that are something else."""

import json
import pickle
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from spikeloop.data import Images, Responses, Trials
from spikeloop.encode import (
    ConvolutionalNetwork,
    GaborBank,
    LinearNonlinear,
    LinearNonlinearPoisson,
    MeanResponse,
    Ridge,
    ScatteringKernel,
    SmoothRidge,
    fit,
    load_model,
    save_model,
)
from spikeloop.encode.checkpoints import MODELS
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.filter_bank import FilterBank
from spikeloop.encode.images.second_order import SecondOrder
from spikeloop.encode.images.windows import Windows
from spikeloop.encode.network.settings import Training
from spikeloop.encode.network.stack import StackedCore
from spikeloop.errors import BadFileError, InvalidInputError

FEATURES = BankFeatures(FilterBank(n_scales=1, n_orientations=3), n_places=2)
WINDOWS = Windows(size=1 / 3, n_centres=1)
EVERY = [
    MeanResponse(),
    Ridge(),
    SmoothRidge(lengths_px=(0.7, 1.9), windows=WINDOWS),
    LinearNonlinear(),
    LinearNonlinearPoisson(),
    GaborBank(FEATURES, WINDOWS),
    ScatteringKernel(FEATURES, SecondOrder(1), sharpness=0.1 + 0.2, windows=WINDOWS),
    ConvolutionalNetwork(
        core=StackedCore(channels=(2,), kernel_px=(3,), pooling=1),
        training=Training(max_epochs=1, batch_size=8),
    ),
]
BANK, NETWORK = (
    json.loads(json.dumps(asdict(model()))) for model in (GaborBank, ConvolutionalNetwork)
)
PIXELS = np.random.default_rng(0).normal(size=(48, 7, 6)).astype(np.float32)


def fitted_to(model, unit_ids=("a", "b")):
    counts = np.random.default_rng(1).poisson(np.exp(PIXELS[:, 2, 1:3])).astype(float)
    ids = np.arange(48)
    responses = Responses(counts, (0.05, 0.3), Trials(ids), unit_ids)
    return fit(model, responses, Images(PIXELS, ids), seed=0)


def test_every_model_is_tried():
    assert [type(model) for model in EVERY] == list(MODELS.values())


def with_parameters(model):
    """Return a fitted model; where fitting takes long, with parameters as before the fit."""
    if isinstance(model, LinearNonlinearPoisson):
        ridge = fitted_to(Ridge())
        level = {"level": jnp.array([1.5, 0.1])}
        return replace(ridge, model=model, parameters=dict(ridge.parameters) | level)
    if isinstance(model, ConvolutionalNetwork):
        means = np.ones((48, 2))
        started = model.begin(jax.random.key(0), means, PIXELS.shape[1:])
        parameters = {name: jnp.asarray(value)[None] for name, value in started.items()}
        parameters |= {"input.mean": jnp.float32(0.1), "input.sd": jnp.float32(1.1)}
        loss = {"training_loss": np.arange(3.0)}
        return replace(fitted_to(Ridge()), model=model, parameters=parameters, history=loss)
    return fitted_to(model)


@pytest.mark.parametrize("model", EVERY, ids=lambda model: type(model).__name__)
def test_a_model_comes_back_to_the_same_bits(model, tmp_path):
    fitted = with_parameters(model)
    save_model(tmp_path / "model.safetensors", fitted)
    again = load_model(tmp_path / "model.safetensors")
    assert again.model == model
    for name in ("parameters", "history"):
        here, there = getattr(fitted, name), getattr(again, name)
        assert here.keys() == there.keys()
        for key in here:
            assert np.asarray(there[key]).dtype == np.asarray(here[key]).dtype
            np.testing.assert_array_equal(there[key], here[key])
    for part in ("training_ids", "validation_ids", "test_ids"):
        np.testing.assert_array_equal(getattr(again.split, part), getattr(fitted.split, part))
    np.testing.assert_array_equal(again.unit_ids, fitted.unit_ids)
    np.testing.assert_array_equal(again.mean_image, fitted.mean_image)
    assert again.window_s == (0.05, 0.3)
    np.testing.assert_array_equal(again.predict(PIXELS), fitted.predict(PIXELS))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.fixture(scope="module")
def ridge():
    return fitted_to(Ridge())


@pytest.fixture
def saved(ridge, tmp_path):
    path = tmp_path / "ridge.safetensors"
    save_model(path, ridge)
    return path


def rewritten(path, header=(), **arrays):
    """Write the file again with other words in its header, or other arrays; None: without it."""
    words = header_of(path) | dict(header)
    words = {name: word for name, word in words.items() if word is not None}
    found = load_file(path) | {name.replace("__", "."): value for name, value in arrays.items()}
    found = {name: value for name, value in found.items() if value is not None}
    save_file(found, path, {"spikeloop": json.dumps(words)})


def header_of(path):
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["spikeloop"])


def test_the_same_model_gives_the_same_bytes_in_another_process(saved, tmp_path):
    code = (
        "import sys; from spikeloop.encode import load_model, save_model; "
        "save_model(sys.argv[2], load_model(sys.argv[1]))"
    )
    again = tmp_path / "again.safetensors"
    subprocess.run([sys.executable, "-c", code, saved, again], check=True)
    assert again.read_bytes() == saved.read_bytes()


def test_integer_ids_of_units_stay_integers(tmp_path):
    save_model(tmp_path / "m", fitted_to(MeanResponse(), unit_ids=[7, 3]))
    assert load_model(tmp_path / "m").unit_ids.tolist() == [7, 3]


def test_a_file_cut_off_anywhere_is_refused(saved):
    whole = saved.read_bytes()
    cuts = [0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1]
    for length in [*cuts, *np.random.default_rng(0).integers(0, len(whole), 12)]:
        saved.write_bytes(whole[:length])
        with pytest.raises(BadFileError, match=r"cannot be read as a model.*cut off"):
            load_model(saved)
    saved.write_bytes(whole + b"more")
    with pytest.raises(BadFileError, match="cannot be read as a model"):
        load_model(saved)


def test_files_of_another_kind_are_refused_and_not_run(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(BadFileError, match="there is no such file"):
        load_model(path)
    with pytest.raises(BadFileError, match="is a folder, and no model"):
        load_model(tmp_path)

    class Trap:
        def __reduce__(self):
            return (path.with_name("sprung").touch, ())

    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BadFileError, match="cannot be read as a model"):
        load_model(path)
    assert not path.with_name("sprung").exists()
    save_file({"filters": np.zeros((2, 3))}, path, {"format": "pt"})
    with pytest.raises(BadFileError, match="is no spikeloop image model, version 1"):
        load_model(path)
    save_file({"filters": np.zeros((2, 3))}, path)
    with pytest.raises(BadFileError, match="is no spikeloop image model, version 1"):
        load_model(path)


def test_a_model_that_nobody_knows_is_refused(saved):
    rewritten(saved, {"model": "Oracle"})
    with pytest.raises(BadFileError, match="holds a Oracle, which is none of MeanResponse, Ridge"):
        load_model(saved)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"settings": 7}, "is not what it claims"),
        ({"settings": None}, "is not what it claims: 'settings'"),
        ({"model": "SmoothRidge", "settings": {"lengths_px": [-1.0]}}, "is not what it claims"),
        ({"window_s": [1.0]}, "is not what it claims"),
        ({"window_s": [0.3, 0.05]}, "is not what it claims.*stop must be after start"),
        ({"unit_ids": ["a", "b", "c"]}, "do not fit the architecture"),
        ({"unit_ids": 7}, "is not what it claims: unit_ids has shape"),
        ({"unit_ids": [7, 7]}, "is not what it claims: unit_ids holds 1 ids more than once"),
        ({"window_s": [0.0, float("inf")]}, "is not what it claims: window_s"),
        ({"settings": {"nonsense": 5}}, "its settings are not those of a Ridge"),
        ({"model": [1]}, r"holds a \[1\], which is none of"),
        ({"unit_ids": None}, "is not what it claims: 'unit_ids'"),
        ({"model": "MeanResponse"}, "do not fit the architecture"),
        ({"model": "GaborBank"}, "its settings are not those of a GaborBank"),
        ({"model": "GaborBank", "settings": BANK}, "do not fit the architecture"),
        ({"model": "ConvolutionalNetwork", "settings": NETWORK}, "do not fit the architecture"),
    ],
)
def test_a_header_of_another_architecture_is_refused(saved, header, message):
    rewritten(saved, header)
    with pytest.raises(BadFileError, match=message):
        load_model(saved)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"parameters__filters": np.zeros((2, 6, 7), np.float32)}, "do not fit the architecture"),
        ({"parameters__filters": np.zeros((3, 7, 6), np.float32)}, "do not fit the architecture"),
        ({"parameters__filters": None}, "do not fit the architecture"),
        ({"parameters__intercept": np.zeros(3, np.float32)}, "do not fit the architecture"),
        ({"mean_image": np.zeros((6, 7), np.float32)}, "do not fit the architecture"),
        ({"mean_image": np.zeros(42, np.float32)}, "mean_image has shape"),
        (
            {"parameters__filters": np.full((2, 7, 6), np.nan, np.float32)},
            "filters holds 84 values",
        ),
        ({"parameters__filters": np.zeros((2, 7, 6), bool)}, "filters holds bool, not float32"),
        ({"mean_image": None}, "is not what it claims: 'mean_image'"),
        ({"split__test_ids": None}, "is not what it claims.*test_ids"),
        ({"split__test_ids": np.array([1])}, "is not what it claims.*more than once"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, arrays, message):
    rewritten(saved, **arrays)
    with pytest.raises(BadFileError, match=message):
        load_model(saved)


def test_settings_that_ask_for_too_much_memory_are_refused(tmp_path):
    path = tmp_path / "bank.safetensors"
    save_model(path, fitted_to(EVERY[5]))
    settings = header_of(path)["settings"]
    settings["features"]["n_places"] = 10**12
    rewritten(path, {"settings": settings})
    with pytest.raises(BadFileError, match="do not fit the architecture"):
        load_model(path)


def test_what_could_not_be_read_again_is_not_written(ridge, tmp_path):
    class Own(Ridge):
        pass

    path = tmp_path / "model.safetensors"
    with pytest.raises(InvalidInputError, match="a Own cannot be saved: only MeanResponse"):
        save_model(path, replace(ridge, model=Own()))
    odd = BankFeatures(FEATURES.bank, n_places=np.int64(2))
    with pytest.raises(InvalidInputError, match=r"GaborBank cannot be told in JSON\. Use plain"):
        save_model(path, replace(ridge, model=GaborBank(odd)))
    with pytest.raises(InvalidInputError, match="unit ids of this Ridge cannot be told in JSON"):
        save_model(path, replace(ridge, unit_ids=np.array([b"a", b"b"])))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays_whole_when_writing_fails(saved, ridge, monkeypatch):
    before = saved.read_bytes()

    def full(path, content):
        path.touch()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(saved, ridge)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_places_where_no_file_can_be_are_refused(ridge, tmp_path):
    with pytest.raises(InvalidInputError, match="is a folder: give the name of a file"):
        save_model(tmp_path, ridge)
    with pytest.raises(InvalidInputError, match="is no folder: make it"):
        save_model(tmp_path / "none" / "ridge.safetensors", ridge)
    assert list(tmp_path.iterdir()) == []
