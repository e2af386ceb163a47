from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.data.checkpoint import Checkpoint
from spikeloop.errors import BadFileError, InvalidInputError, SpikeloopWarning
from spikeloop.learn import (
    AnySign,
    DalesLaw,
    FeedforwardInhibition,
    SoundLocalization,
    SpikingLayer,
    SpikingNetwork,
    Training,
    score,
    train,
    train_together,
    unit_lif,
)
from spikeloop.learn.epochs import NETWORKS_AT_ONCE, train_epoch

TASK = SoundLocalization(n_fibres=20, n_classes=2, duration_ms=50.0)
NETWORK = SpikingNetwork((SpikingLayer(8, unit_lif(2.0)),), constraint=DalesLaw(scale=3.0))
QUICK = Training(
    max_epochs=3, warm_up_epochs=1, batches_per_epoch=8, batch_size=32, n_validation=128
)


@pytest.fixture(scope="module")
def trained():
    return train(TASK, NETWORK, QUICK, seed=5)


def same(first, second):
    return all(np.array_equal(value, second.parameters[name]) for name, value in first.items())


def test_network_learns_to_tell_left_from_right():
    long = replace(QUICK, max_epochs=10, batches_per_epoch=16)
    found = train(TASK, NETWORK, long, seed=0)
    assert score(found, seed=0, n_draws=2, n_trials=500).accuracy > 0.85
    assert found.history["training_loss"][-1] < 0.6 * found.history["training_loss"][0]
    assert found.status == "done"


def test_same_seed_gives_the_same_bits_and_another_does_not(trained):
    again, other = (train(TASK, NETWORK, QUICK, seed=seed) for seed in (5, 6))
    assert same(trained.parameters, again)
    assert not same(trained.parameters, other)


def test_training_that_was_cut_off_goes_on_to_the_same_bits(trained, tmp_path):
    def interrupt(epoch, of, accuracy):
        if epoch == 2:
            raise KeyboardInterrupt

    kept = Checkpoint(tmp_path / "training.safetensors", every_epochs=1)
    with pytest.raises(KeyboardInterrupt):
        train(TASK, NETWORK, QUICK, seed=5, progress=interrupt, checkpoint=kept)
    epochs = []
    resumed = train(
        TASK,
        NETWORK,
        QUICK,
        seed=5,
        progress=lambda epoch, of, accuracy: epochs.append(epoch),
        checkpoint=kept,
    )
    assert epochs == [2, 3]
    assert same(trained.parameters, resumed)
    for name, curve in trained.history.items():
        np.testing.assert_array_equal(resumed.history[name], curve)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return the checkpoint of a training of three epochs."""
    kept = Checkpoint(tmp_path_factory.mktemp("kept") / "training.safetensors")
    train(TASK, NETWORK, QUICK, seed=5, checkpoint=kept)
    return kept


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 6},
        {"network": replace(NETWORK, constraint=DalesLaw(0.2))},
        {"training": replace(QUICK, learning_rate=0.2)},
        {"task": replace(TASK, frequency_hz=30.0)},
    ],
)
def test_checkpoint_of_another_training_is_refused(kept, other):
    own = {"task": TASK, "network": NETWORK, "training": QUICK, "seed": 5}
    with pytest.raises(InvalidInputError, match="the checkpoint of another training"):
        train(**own | other, checkpoint=kept)


def test_checkpoint_names_nothing_that_differs_between_processes(kept):
    assert b" at 0x" not in kept.path.read_bytes()


def test_damaged_checkpoint_is_refused(kept, tmp_path):
    path = tmp_path / "training.safetensors"
    path.write_bytes(kept.path.read_bytes()[:-7])
    with pytest.raises(BadFileError, match="is damaged"):
        train(TASK, NETWORK, QUICK, seed=5, checkpoint=Checkpoint(path))


def test_first_of_many_learns_what_it_learns_alone_and_all_are_compiled_once(trained):
    others = [replace(NETWORK, constraint=DalesLaw(share, scale=3.0)) for share in (0.2, 0.9)]
    before = train_epoch._cache_size()
    together = train_together(TASK, [NETWORK, *others], QUICK, seed=5)
    train_together(TASK, [others[0], NETWORK, NETWORK], QUICK, seed=6)
    assert train_epoch._cache_size() == before + 1
    for name, value in trained.parameters.items():
        np.testing.assert_allclose(together[0].parameters[name], value, atol=2e-3, err_msg=name)
    assert [int((one.signs() < 0).sum()) for one in together] == [20, 8, 36]


def test_networks_of_another_build_are_not_trained_in_one_batch():
    free = replace(NETWORK, constraint=AnySign())
    with pytest.raises(InvalidInputError, match="differ in their build"):
        train_together(TASK, [NETWORK, free], QUICK, seed=0)
    sparse, dense = (
        replace(NETWORK, layers=(replace(NETWORK.layers[0], connection_probability=p),))
        for p in (0.2, 1.0)
    )
    between = [replace(NETWORK, constraint=FeedforwardInhibition(p)) for p in (0.1, 1.0)]
    for networks in ([dense, sparse], [sparse, dense], between):
        with pytest.raises(InvalidInputError, match="differ in their build"):
            train_together(TASK, networks, QUICK, seed=0)
    for networks in ([], NETWORK, iter([NETWORK])):
        with pytest.raises(InvalidInputError, match="give a list of one SpikingNetwork"):
            train_together(TASK, networks, QUICK, seed=0)


def test_more_networks_than_learn_side_by_side_learn_what_they_learn_alone():
    n_networks = NETWORKS_AT_ONCE + 2
    training = replace(QUICK, max_epochs=1)
    many = train_together(TASK, [NETWORK] * n_networks, training, seed=5)
    few = train_together(TASK, [NETWORK] * 2, training, seed=5)
    for one, other in zip(many[:2], few, strict=True):
        for name, value in one.parameters.items():
            np.testing.assert_allclose(other.parameters[name], value, atol=2e-3, err_msg=name)
    first, last = many[0].weights()["hidden.0.input"], many[-1].weights()["hidden.0.input"]
    assert abs(first - last).max() > 0.01


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"task": None}, "task is a NoneType, None: it must be a Task"),
        ({"network": [NETWORK]}, "network is a list"),
        ({"training": {}}, "training is a dict"),
        ({"checkpoint": "kept.safetensors"}, "checkpoint is a str"),
    ],
)
def test_arguments_of_a_wrong_kind_are_refused(given, words):
    own = {"task": TASK, "network": NETWORK, "training": QUICK, "seed": 0}
    with pytest.raises(InvalidInputError, match=words):
        train(**own | given)


def test_seeds_that_differ_far_to_the_left_are_others():
    first, second = (
        train(TASK, NETWORK, replace(QUICK, max_epochs=1), seed=seed) for seed in (3, 2**32 + 3)
    )
    gap = first.begun["hidden.0.input"] - second.begun["hidden.0.input"]
    assert abs(np.asarray(gap)).max() > 0.1


@pytest.mark.parametrize("fresh", [True, False])
def test_frozen_trials_come_again_in_each_epoch(fresh):
    still = replace(QUICK, learning_rate=1e-12, fresh=fresh, schedule="constant")
    losses = train(TASK, NETWORK, still, seed=0).history["training_loss"]
    assert (np.ptp(losses) < 1e-6) == (not fresh)


@pytest.mark.parametrize("form", ["softplus", "exponentiated_gradient", None])
def test_no_weight_ever_has_the_wrong_sign(form):
    constraint = AnySign() if form is None else DalesLaw(0.5, form, scale=3.0)
    layer = SpikingLayer(6, unit_lif(2.0), recurrent=True)
    network = SpikingNetwork((layer,), constraint=constraint)
    found = train(TASK, network, replace(QUICK, learning_rate=1.0), seed=0)
    for name, weights in found.weights().items():
        signs = found.signs(name)[:, None]
        if form is None:
            assert ((weights > 0).any(axis=1) & (weights < 0).any(axis=1)).any()
        else:
            assert (weights * signs >= 0).all(), name
            assert not np.array_equal(weights, found.weights(before=True)[name])


def test_loss_that_is_not_finite_ends_a_training_with_the_last_good_weights(monkeypatch):
    calls = []

    def lost(plan, learned, constants, keys, rate):
        learned, loss, accuracy = train_epoch(plan, learned, constants, keys, rate)
        calls.append({name: np.asarray(value[0]) for name, value in learned.parameters.items()})
        if len(calls) == 2:
            broken = {name: value * jnp.nan for name, value in learned.parameters.items()}
            return learned._replace(parameters=broken), loss * jnp.nan, accuracy
        return learned, loss, accuracy

    monkeypatch.setattr("spikeloop.learn.trainer.train_epoch", lost)
    with pytest.warns(SpikeloopWarning, match="not finite in epoch 2"):
        found = train(TASK, NETWORK, QUICK, seed=5)
    assert len(calls) == 2
    assert found.status.startswith("stopped in epoch 2")
    for name, value in calls[0].items():
        np.testing.assert_array_equal(found.parameters[name], value)


def test_training_stops_when_its_patience_is_at_an_end():
    still = replace(QUICK, learning_rate=1e-12, max_epochs=50, patience=2)
    assert len(train(TASK, NETWORK, still, seed=0).history["validation_loss"]) == 3


def test_all_inhibitory_network_is_at_chance_and_says_so():
    found = train(TASK, replace(NETWORK, constraint=DalesLaw(1.0)), QUICK, seed=0)
    assert "all units inhibit" in found.advice[0]
    assert (found.rates_hz[0] == 0).all()
    assert abs(score(found, seed=0, n_draws=2, n_trials=500).accuracy - 0.5) < 0.06


@pytest.mark.parametrize(
    ("threshold", "words"), [(1e3, "are silent"), (1e-6, "fire in more than half of the ticks")]
)
def test_silent_and_saturated_layers_are_told_of(threshold, words):
    cell = replace(unit_lif(2.0), v_threshold=threshold)
    network = SpikingNetwork((SpikingLayer(6, cell),), constraint=DalesLaw(0.0))
    found = train(TASK, network, replace(QUICK, max_epochs=1), seed=0)
    assert words in " ".join(found.advice)


def test_rates_are_pushed_within_their_bounds():
    def rate_hz(**bounds):
        training = replace(QUICK, max_epochs=6, rate_weight=1.0, **bounds)
        return train(TASK, NETWORK, training, seed=0).rates_hz[0].mean()

    assert rate_hz(highest_rate_hz=20.0) < 40 < 200 < rate_hz(lowest_rate_hz=400.0)


def test_batch_of_one_trial_can_be_learned_from():
    found = train(TASK, NETWORK, replace(QUICK, batch_size=1), seed=0)
    assert np.isfinite(found.history["training_loss"]).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0: it must be above 0"),
        ({"batch_size": 0}, "batch_size=0: it must be 1 or more"),
        ({"max_epochs": 2.5}, "max_epochs=2.5: it must be a whole number"),
        ({"schedule": "linear"}, "schedule='linear': it must be one of"),
        ({"clip_norm": -1.0}, "clip_norm=-1.0: it must be 0 or more"),
        ({"lowest_rate_hz": 9.0, "highest_rate_hz": 3.0}, "the highest must be above the lowest"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(InvalidInputError, match=words):
        Training(**settings)


def test_spikes_that_are_none_are_refused(trained):
    good = TASK.draw(jax.random.key(0), 2).spikes
    assert trained(good)[0].shape == (2, 2)
    with pytest.raises(InvalidInputError, match="numbers other than 0 and 1"):
        trained(good * 0.5)
    with pytest.raises(InvalidInputError, match="with 40 inputs"):
        trained(good[..., :7])


def test_state_goes_on_where_the_last_call_ended(trained):
    spikes = TASK.draw(jax.random.key(0), 3).spikes
    whole, _ = trained(spikes)
    first, state = trained(spikes[:, :20])
    second, _ = trained(spikes[:, 20:], state)
    np.testing.assert_allclose(0.4 * first + 0.6 * second, whole, atol=1e-5)
    np.testing.assert_array_equal(trained(spikes)[0], whole)


def test_state_of_another_network_or_of_other_trials_is_refused(trained):
    spikes = TASK.draw(jax.random.key(0), 3).spikes
    deep = SpikingNetwork((SpikingLayer(7, recurrent=True),))
    other = train(TASK, deep, replace(QUICK, max_epochs=1), seed=0)
    for wrong in (other(spikes)[1], trained(spikes[:2])[1]):
        with pytest.raises(InvalidInputError, match="not one of this network after 3 trials"):
            trained(spikes, wrong)
    for wrong in ((), "state"):
        with pytest.raises(InvalidInputError, match="it must be a"):
            trained(spikes, wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda spikes: None, "are a NoneType|other than 0 and 1|shape"),
        (lambda spikes: "spikes", "spikes are a str: give an array"),
        (lambda spikes: spikes[:, :0], "a trial and a tick at least"),
        (lambda spikes: spikes * np.nan, "other than 0 and 1"),
        (lambda spikes: TASK.draw(jax.random.key(0), 3), "of trials that a task drew"),
    ],
)
def test_what_is_no_spikes_is_refused(trained, make, words):
    with pytest.raises(InvalidInputError, match=words):
        trained(make(np.asarray(TASK.draw(jax.random.key(0), 3).spikes)))


def test_only_true_and_false_silence_units(trained):
    for lost in (trained.signs("readout.input"), np.ones(4, bool)):
        with pytest.raises(InvalidInputError, match="give True or False for each of"):
            trained.silenced(hidden_0=lost)
    with pytest.raises(InvalidInputError, match="there are no weights 'hidden_0'"):
        trained.signs("hidden_0")
    for layer in (1, -1, 0.5, None):
        with pytest.raises(InvalidInputError, match="layers go from 0 to 0"):
            trained.delays_ms(layer)
