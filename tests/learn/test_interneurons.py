"""Interneurons: nothing falls below 0, and weights are what spikes do through them."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.learn import (
    AnySign,
    FeedforwardInhibition,
    SoundLocalization,
    SpikingLayer,
    SpikingNetwork,
    Training,
    lesions,
    load_network,
    save_network,
    train,
)

N_FROM, N_TO, N_BETWEEN = 12, 8, 4
TASK = SoundLocalization(n_fibres=10, n_classes=2)
LAW = FeedforwardInhibition(interneurons=N_BETWEEN / N_TO)
SIGNS = jnp.asarray(LAW.signs(N_FROM))


@pytest.fixture(scope="module")
def trained():
    layers = (SpikingLayer(8, recurrent=True), SpikingLayer(6))
    training = Training(max_epochs=4, batches_per_epoch=16, warm_up_epochs=0, n_validation=256)
    return train(TASK, SpikingNetwork(layers, constraint=LAW), training, seed=0)


def test_no_step_makes_excitation_or_inhibition_negative():
    theta = LAW.begin(np.random.default_rng(0), SIGNS, N_TO)
    rng = np.random.default_rng(1)
    for _ in range(200):
        theta = LAW.moved(theta, jnp.asarray(rng.normal(0, 3, theta.shape), jnp.float32))
        assert all((part >= 0).all() for part in LAW.parts(theta, N_FROM))
    assert np.unique(theta).size > N_FROM


def test_a_spike_does_what_the_interneurons_make_of_it():
    rng = np.random.default_rng(2)
    theta = rng.random((N_FROM + N_BETWEEN, N_TO + N_BETWEEN)).astype(np.float32)
    spikes = rng.random((5, N_FROM)) < 0.4
    wanted = np.zeros((5, N_TO))
    for trial, unit in np.ndindex(5, N_TO):
        for sender in range(N_FROM):
            wanted[trial, unit] += spikes[trial, sender] * theta[sender, unit]
        for between in range(N_BETWEEN):
            heard = sum(spikes[trial, i] * theta[i, N_TO + between] for i in range(N_FROM))
            wanted[trial, unit] -= heard * theta[N_FROM + between, unit]
    np.testing.assert_allclose(spikes @ LAW.weights(jnp.asarray(theta), SIGNS), wanted, rtol=1e-5)


def test_inhibition_cancels_the_excitation_of_each_sender_at_first():
    theta = LAW.begin(np.random.default_rng(3), SIGNS, N_TO)
    excitation, heard, shares = LAW.parts(theta, N_FROM)
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(heard, excitation.mean(axis=1)[:, None].repeat(N_BETWEEN, 1))
    np.testing.assert_allclose(LAW.weights(theta, SIGNS).sum(axis=1), 0, atol=1e-5)
    assert len(np.unique(np.asarray(shares), axis=0)) == N_BETWEEN  # or they would stay alike


def test_weights_at_first_are_as_large_as_those_without_a_constraint():
    n_from, n_to = 400, 300
    signs = jnp.ones(n_from)
    spreads = [
        float(law.weights(law.begin(np.random.default_rng(4), signs, n_to), signs).std())
        for law in (LAW, AnySign(scale=LAW.scale))
    ]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.02)


def test_one_interneuron_at_least():
    assert FeedforwardInhibition(0.01).begin(np.random.default_rng(0), SIGNS, 8).shape == (13, 9)


def test_training_keeps_the_law_and_learns(trained):
    assert trained.history["validation_accuracy"].max() > 0.85
    for name, value in trained.parameters.items():
        if name.endswith(("input", "recurrent")):
            assert (value >= 0).all(), name
            assert (value > 0).any(), name
    weights = trained.weights()["hidden.0.input"]
    assert weights.shape == (TASK.n_inputs, 8)
    assert (weights < 0).any()
    assert (weights > 0).any()


def test_without_interneurons_only_excitation_is_left(trained):
    silent = trained.uninhibited()
    for name, weights in silent.weights().items():
        n_from = len(trained.signs(name))
        excitation, *_ = LAW.parts(trained.parameters[name], n_from)
        np.testing.assert_array_equal(weights, excitation)
    assert (trained.weights()["hidden.0.input"] < 0).any()  # a copy: this one stays as it is
    found = lesions(trained, seed=0, n_draws=2, n_trials=200)
    assert set(found) == {"intact", "no inhibition"}
    assert found["no inhibition"].accuracy < found["intact"].accuracy - 0.2


def test_units_are_silenced_with_what_they_do_through_interneurons(trained):
    lost = np.arange(TASK.n_inputs) < 5
    weights = trained.silenced(inputs=lost).weights()["hidden.0.input"]
    assert (weights[:5] == 0).all()
    np.testing.assert_array_equal(weights[5:], trained.weights()["hidden.0.input"][5:])


def test_network_is_the_same_from_a_file(trained, tmp_path):
    save_network(tmp_path / "a.safetensors", trained)
    again = load_network(tmp_path / "a.safetensors")
    assert again.network == trained.network
    spikes = TASK.draw(jax.random.key(1), 20).spikes
    np.testing.assert_array_equal(again(spikes)[0], trained(spikes)[0])
    name = "hidden.0.input"
    broken = trained.parameters | {name: trained.parameters[name].at[0, 0].set(-1.0)}
    save_network(tmp_path / "b.safetensors", replace(trained, parameters=broken))
    with pytest.raises(BadFileError, match="breaks the law"):
        load_network(tmp_path / "b.safetensors")


def test_settings_that_make_no_sense_are_refused(trained):
    for share in (0.0, -0.1, 1.5, float("nan")):
        with pytest.raises(InvalidInputError, match="interneurons"):
            FeedforwardInhibition(share)
    with pytest.raises(InvalidInputError, match="scale"):
        FeedforwardInhibition(scale=0.0)
    sparse = (SpikingLayer(8, connection_probability=0.5),)
    with pytest.raises(InvalidInputError, match="connection_probability is below 1"):
        SpikingNetwork(sparse, constraint=LAW)
    free = train(
        TASK,
        SpikingNetwork((SpikingLayer(4),), constraint=AnySign()),
        Training(max_epochs=1, batches_per_epoch=1, n_validation=16),
        seed=0,
    )
    with pytest.raises(InvalidInputError, match="no interneurons, but AnySign"):
        free.uninhibited()
