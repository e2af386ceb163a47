"""Several recordings at once: the door to what `train_sessions` does, which is tested there."""

import numpy as np
import pytest

from spikeloop.data import Images, Responses, Trials
from spikeloop.encode import (
    ConvolutionalNetwork,
    Factorized,
    Ridge,
    StackedCore,
    Training,
    fit,
    fit_sessions,
    load_model,
    save_model,
    split_stimuli,
)
from spikeloop.encode.image_data import image_data
from spikeloop.encode.network.sessions import train_sessions
from spikeloop.errors import InvalidInputError

NETWORK = ConvolutionalNetwork(
    core=StackedCore(channels=(3,), kernel_px=(3,), pooling=1),
    readout=Factorized(),
    training=Training(max_epochs=2, batch_size=20),
)


def session(n_images, n_units, seed):
    rng = np.random.default_rng(seed)
    ids = rng.permutation(500)[:n_images]
    pixels = rng.normal(size=(n_images, 7, 8)).astype(np.float32)
    counts = rng.poisson(np.exp(pixels[:, 2, 3:4] * np.ones(n_units)))
    images = Images(pixels, ids)
    responses = Responses(counts, (0.0, 0.1), Trials(ids), np.arange(n_units) + 100 * seed)
    return responses, images, split_stimuli(np.sort(ids), seed=0)


SESSIONS = [session(60, 2, 1), session(90, 3, 2)]


@pytest.fixture(scope="module")
def together():
    return fit_sessions(NETWORK, SESSIONS, seed=0)


def test_each_recording_gets_its_model_of_one_training(together, tmp_path):
    pairs = [
        tuple(image_data(r, i, ids) for ids in (s.training_ids, s.validation_ids))
        for r, i, s in SESSIONS
    ]
    for one, estimate, (responses, images, split) in zip(
        together, train_sessions(NETWORK, pairs, seed=0), SESSIONS, strict=True
    ):
        for name, value in estimate.parameters.items():
            np.testing.assert_array_equal(one.parameters[name], value)
        np.testing.assert_array_equal(one.unit_ids, responses.unit_ids)
        assert one.split is split
        save_model(tmp_path / "one.safetensors", one)
        again = load_model(tmp_path / "one.safetensors")
        np.testing.assert_array_equal(again.predict(images.pixels), one.predict(images.pixels))


def test_one_recording_alone_is_what_fit_gives():
    responses, images, split = SESSIONS[0]
    (alone,) = fit_sessions(NETWORK, SESSIONS[:1], seed=3)
    fitted = fit(NETWORK, responses, images, split=split, seed=3)
    np.testing.assert_array_equal(alone.predict(images.pixels), fitted.predict(images.pixels))


def test_a_trained_core_can_be_kept_for_other_units(together):
    (moved,) = fit_sessions(NETWORK, SESSIONS[1:], start=together[0], freeze_core=True, seed=1)
    for name, value in together[0].parameters.items():
        if name.startswith("core."):
            np.testing.assert_array_equal(moved.parameters[name], value)


def test_what_shares_no_core_is_refused():
    ridge = fit(Ridge(), *SESSIONS[0][:2], seed=0)
    for given, message in (
        (lambda: fit_sessions(Ridge(), SESSIONS, seed=0), "a Ridge has no core to share"),
        (lambda: fit_sessions(NETWORK, [SESSIONS[0][:2]], seed=0), "holds Responses, Images: give"),
        (lambda: fit_sessions(NETWORK, SESSIONS, start=ridge, seed=0), "start is a Ridge"),
        (lambda: fit_sessions(NETWORK, [], seed=0), "no sessions: give one at least"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            given()
