"""Networks trained on trials of one's own."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy.stats import binom

from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.learn import (
    RecordedTrials,
    SpikingLayer,
    SpikingNetwork,
    Training,
    load_network,
    save_network,
    score,
    train,
)


@pytest.fixture(scope="module")
def trained():
    """A network that learned four classes, of which the last two are alike."""
    rng = np.random.default_rng(0)
    target = np.repeat(np.arange(4), 150)
    rates = np.array([[0.4, 0.1, 0.1], [0.1, 0.4, 0.1], [0.1, 0.1, 0.4], [0.1, 0.1, 0.4]])
    chance = np.repeat(rates[target], 4, axis=1)[:, None]
    task = RecordedTrials(rng.random((600, 25, 12)) < chance, target, test_share=0.4)
    quick = Training(max_epochs=6, batches_per_epoch=16, warm_up_epochs=1, n_validation=60)
    return train(task, SpikingNetwork((SpikingLayer(12),)), quick, seed=0)


def test_network_learns_what_recorded_trials_tell_and_nothing_else(trained):
    task = replace(trained.task, part="test")
    shown = task.rows
    answer = np.asarray(trained(task.spikes[shown])[0]).argmax(axis=1)
    target = task.target[shown]
    assert len(shown) == 240
    told = target < 2
    assert (answer[told] == target[told]).mean() > 0.95
    assert (answer[~told] >= 2).mean() > 0.95
    n_right = np.count_nonzero(answer[~told] == target[~told])
    assert 1e-3 < binom(120, 0.5).cdf(n_right) < 1 - 1e-3
    # A quarter of 0.95 for each class that can be told, and half of that for each that cannot.
    found = score(replace(trained, task=task), seed=0, n_draws=2, n_trials=400)
    assert 0.65 < found.accuracy < 0.85


def test_file_of_a_network_leaves_the_recorded_data_to_be_given_again(trained, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(path, trained)
    assert b"digest" not in path.read_bytes()
    with pytest.raises(InvalidInputError, match="not its task: give it"):
        load_network(path)
    again = load_network(path, trained.task)
    spikes = trained.task.draw(jax.random.key(0), 5).spikes
    np.testing.assert_array_equal(again(spikes)[0], trained(spikes)[0])
    other = RecordedTrials(np.zeros((20, 25, 13)), np.arange(20) % 4)
    with pytest.raises(BadFileError, match="are wanted"):
        load_network(path, other)


def test_training_is_watched_by_trials_it_does_not_learn_from():
    rng = np.random.default_rng(0)
    task = RecordedTrials(rng.random((100, 20, 30)) < 0.3, np.arange(100) % 2)
    training = Training(max_epochs=4, batches_per_epoch=32, n_validation=256, warm_up_epochs=0)
    trained = train(task, SpikingNetwork((SpikingLayer(30),)), training, seed=0)
    assert trained.history["training_accuracy"][-1] > 0.9  # noise, learned by heart
    assert trained.history["validation_accuracy"].max() < 0.75
    assert task.watched().part == "validation"
    alone = replace(task, validation_share=0.0)
    assert alone.watched() is alone
    test = replace(task, part="test")
    assert test.watched() is test
