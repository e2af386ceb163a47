import jax
import numpy as np
import pytest
from scipy.stats import ttest_1samp

from spikeloop.errors import BadFileError, InvalidInputError
from spikeloop.learn import (
    DalesLaw,
    FeedforwardInhibition,
    PoissonDigits,
    Scores,
    SoundLocalization,
    SpikingLayer,
    SpikingNetwork,
    Training,
    ideal_scores,
    lesions,
    load_network,
    save_network,
    score,
    train,
    tuning,
    unit_lesions,
    unit_lif,
    weight_summaries,
)
from spikeloop.learn.analysis import _ANALYSES
from spikeloop.learn.scores import student_interval

TASK = SoundLocalization(n_fibres=15, n_classes=3, duration_ms=50.0)
FEW = {"seed": 3, "n_draws": 2, "n_trials": 150}


@pytest.fixture(scope="module")
def trained():
    layers = (SpikingLayer(5, unit_lif(2.0), recurrent=True),)
    quick = Training(max_epochs=4, batches_per_epoch=16, n_validation=64)
    return train(TASK, SpikingNetwork(layers), quick, seed=0)


def test_scores_of_known_answers():
    task = SoundLocalization(n_classes=4, largest_ipd_deg=180.0)  # centres -135, -45, 45, 135
    target = np.array([[0, 1, 2, 3], [0, 0, 2, 2]])
    answer = np.array([[0, 1, 2, 0], [0, 1, 2, 1]])
    value = np.array([[-135.0, -45.0, 45.0, 135.0], [-100.0, -170.0, 50.0, 10.0]])
    found = Scores(task, target, value, answer)
    np.testing.assert_allclose(found.accuracies, [0.75, 0.5])
    assert found.accuracy == 0.625
    assert found.chance == 0.25
    errors = [0, 0, 0, 270, 35, 125, 5, 55]
    assert found.absolute_error == pytest.approx(np.mean(errors))
    assert found.circular_error == pytest.approx(np.mean([0, 0, 0, 90, 35, 125, 5, 55]))
    wanted = [[2 / 3, 1 / 3, 0, 0], [0, 1, 0, 0], [0, 1 / 3, 2 / 3, 0], [1, 0, 0, 0]]
    np.testing.assert_allclose(found.confusion, wanted)
    np.testing.assert_allclose(found.class_accuracy, [2 / 3, 1, 2 / 3, 0])


def test_class_that_never_came_has_no_accuracy():
    found = Scores(TASK, np.array([[0, 0]]), np.zeros((1, 2)), np.array([[0, 1]]))
    assert np.isnan(found.confusion[1:]).all()


def test_interval_is_that_of_students_t():
    values = np.array([0.8, 0.85, 0.83, 0.9])
    wanted = ttest_1samp(values, 0.0).confidence_interval(0.9)
    np.testing.assert_allclose(student_interval(values, 0.9), wanted)


def test_network_and_ideal_observer_see_the_same_trials(trained):
    own, ideal = score(trained, **FEW), ideal_scores(TASK, **FEW)
    np.testing.assert_array_equal(own.value, ideal.value)
    np.testing.assert_array_equal(own.target, ideal.target)
    assert 1 / 3 < own.accuracy < ideal.accuracy
    other = score(trained, **FEW | {"seed": 4})
    assert not np.array_equal(own.value, other.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"n_draws": 1}, "n_draws=1: it must be a whole number, 2 or more"),
        ({"n_trials": 0}, "n_trials=0"),
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_tests_that_make_no_sense_are_refused(trained, how, words):
    with pytest.raises(InvalidInputError, match=words):
        score(trained, **FEW | how)


def test_silenced_units_have_no_say_and_the_network_stays_as_it_is(trained):
    spikes = TASK.draw(jax.random.key(1), 20).spikes
    before = np.asarray(trained(spikes)[0])
    deaf = trained.silenced(inputs=np.ones(30, bool))
    assert (np.asarray(deaf(spikes)[0]) == 0).all()
    mute = trained.silenced(hidden_0=np.ones(5, bool))
    assert (np.asarray(mute(spikes)[0]) == 0).all()
    assert mute.weights()["hidden.0.recurrent"].any() == np.False_
    left_out = np.arange(30) < 15
    one_ear = spikes * ~left_out
    np.testing.assert_allclose(
        trained.silenced(inputs=left_out)(spikes)[0], trained(one_ear)[0], atol=1e-5
    )
    np.testing.assert_array_equal(trained(spikes)[0], before)
    with pytest.raises(InvalidInputError, match="each of 5 units"):
        trained.silenced(hidden_0=np.ones(4, bool))
    with pytest.raises(InvalidInputError, match="no units 'hidden_1'"):
        trained.silenced(hidden_1=np.ones(4, bool))


def test_lesions_are_scores_of_silenced_copies(trained):
    found = lesions(trained, **FEW)
    inhibits = trained.signs("readout.input") < 0
    by_hand = score(trained.silenced(hidden_0=inhibits), **FEW)
    np.testing.assert_array_equal(found["no inhibition from layer 0"].answer, by_hand.answer)
    assert len(found) == 7
    alone = unit_lesions(trained, seed=3, n_trials=300)
    assert alone.shape == (5,)
    assert (alone <= score(trained, **FEW).accuracy + 0.12).all()


def test_without_inhibition_nothing_inhibits_in_any_layer():
    layers = (SpikingLayer(6, recurrent=True), SpikingLayer(5))
    quick = Training(max_epochs=1, batches_per_epoch=1, n_validation=16)
    deep = train(TASK, SpikingNetwork(layers), quick, seed=0)
    found = lesions(deep, layer=1, **FEW)
    lost = {name: deep.signs(deep.sent_by(name)[0]) < 0 for name in ("hidden_0", "hidden_1")}
    mute = deep.silenced(inputs=deep.signs() < 0, **lost)
    assert all((weights >= 0).all() for weights in mute.weights().values())
    np.testing.assert_array_equal(found["no inhibition"].answer, score(mute, **FEW).answer)
    few = train(TASK, SpikingNetwork((SpikingLayer(4),), constraint=DalesLaw(0.1)), quick, seed=0)
    names = [name for name in lesions(few, **FEW) if "inhibition" in name]
    assert names == ["no inhibition from inputs", "no inhibition"]  # of 4 units none inhibits


def test_excitation_and_inhibition_of_interneurons_are_told_apart():
    network = SpikingNetwork((SpikingLayer(6),), constraint=FeedforwardInhibition(0.5))
    quick = Training(max_epochs=1, batches_per_epoch=4, n_validation=16)
    trained = train(TASK, network, quick, seed=0)
    part = weight_summaries(trained, seed=3)[0]
    trials = TASK.draw(jax.random.fold_in(jax.random.key(3), _ANALYSES), 512)
    spikes, target = np.asarray(trials.spikes).mean(axis=1), np.asarray(trials.target)
    sent = np.mean([spikes[target == k].mean(axis=0) for k in range(3)], axis=0)
    theta = np.asarray(trained.parameters["hidden.0.input"], float)
    inhibition = sent @ theta[:30, 6:] @ theta[30:, :6]
    wanted = inhibition.sum() / (sent @ theta[:30, :6]).sum()
    assert part.inhibition_over_excitation == pytest.approx(wanted, rel=1e-3)


def test_images_of_tests_were_not_learned_from():
    quick = Training(max_epochs=1, batches_per_epoch=1, n_validation=16)
    trained = train(PoissonDigits(), SpikingNetwork((SpikingLayer(4),)), quick, seed=0)
    found = score(trained, seed=0, n_draws=2, n_trials=50)
    assert found.task == PoissonDigits(part="test")
    assert ideal_scores(PoissonDigits(), seed=0, n_draws=2, n_trials=50).task.part == "test"
    with pytest.raises(InvalidInputError, match="only degrees lie on a circle"):
        _ = found.circular_error


def test_classes_that_never_came_have_no_tuning(trained):
    found = tuning(trained, seed=3, n_trials=1)
    assert np.isnan(found.rates_hz).all(axis=1).sum() == 2
    for layer in (-1, 1, 0.0, "a"):
        for of in (tuning, unit_lesions, lesions):
            with pytest.raises(InvalidInputError, match="layers go from 0 to 0"):
                of(trained, seed=0, layer=layer)


def test_interval_stays_within_0_and_1():
    right = np.array([[0] * 10, [0] * 10, [0] * 9 + [1]])
    found = Scores(TASK, np.zeros_like(right), np.zeros(right.shape), right)
    low, high = found.accuracy_interval
    assert 0.5 < low < 1
    assert high == 1


def test_tuning_and_weights_are_what_a_plain_calculation_says(trained):
    found = tuning(trained, seed=3, n_trials=256)
    trials = TASK.draw(jax.random.fold_in(jax.random.key(3), _ANALYSES), 256)
    spikes = np.asarray(trained.answer(trials.spikes).spikes[0])  # (time, trial, unit)
    target = np.asarray(trials.target)
    wanted = [1000 * spikes[:, target == k].mean(axis=(0, 1)) for k in range(3)]
    np.testing.assert_allclose(found.rates_hz, wanted, rtol=1e-4, atol=1e-3)
    assert found.preferred[0] == TASK.class_values()[found.rates_hz[:, 0].argmax()]
    summary = {part.name: part for part in weight_summaries(trained, seed=3)}
    weights = trained.weights()
    assert summary.keys() == weights.keys()
    part, matrix = summary["readout.input"], weights["readout.input"]
    largest = abs(matrix).max()
    assert part.near_zero == np.mean([abs(w) < 0.01 * largest for w in matrix.ravel()])
    values = np.sqrt(np.linalg.eigvalsh(matrix.T.astype(float) @ matrix)[::-1])
    np.testing.assert_allclose(part.singular_values, values, rtol=1e-3)
    share = values**2 / (values**2).sum()
    assert part.entropy == pytest.approx(-(share * np.log(share)).sum() / np.log(3), abs=1e-3)
    trials = TASK.draw(jax.random.fold_in(jax.random.key(3), _ANALYSES), 512)
    target = np.asarray(trials.target)
    spikes = np.asarray(trained.answer(trials.spikes).spikes[0]).mean(axis=0)
    rates = np.mean([spikes[target == k].mean(axis=0) for k in range(3)], axis=0)
    flow = matrix * rates[:, None]
    wanted = -flow[flow < 0].sum() / flow[flow > 0].sum()
    assert part.inhibition_over_excitation == pytest.approx(wanted, rel=1e-3)


def test_file_gives_back_the_same_network(trained, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(path, trained)
    again = load_network(path)
    assert (again.network, again.task, again.status) == (trained.network, TASK, "done")
    np.testing.assert_array_equal(score(again, **FEW).answer, score(trained, **FEW).answer)
    for name, curve in trained.history.items():
        np.testing.assert_array_equal(again.history[name], curve)
    np.testing.assert_array_equal(again.rates_hz[0], trained.rates_hz[0])
    other = tmp_path / "again.safetensors"
    save_network(other, again)
    assert other.read_bytes() == path.read_bytes()
    with pytest.raises(InvalidInputError, match=r"is no folder|is no file"):
        save_network(tmp_path / "nowhere" / "x.safetensors", trained)
    with pytest.raises(InvalidInputError, match="is no file"):
        load_network(tmp_path / "nothing.safetensors")


def _damage(path, change):
    """Write a file again with other settings in its header."""
    import json

    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["spikeloop"])
        arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(header, arrays)
    save_file(arrays, path, {"spikeloop": json.dumps(header)})


def _layer(**fields):
    return lambda header, arrays: header["network"]["fields"]["layers"][0]["fields"].update(fields)


def _set(name, place, value):
    return lambda header, arrays: arrays[name].__setitem__(place, value)


def _add(name, value):
    return lambda header, arrays: arrays.update({name: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda header, arrays: header.update(format="other"), "its format is 'other'"),
        (lambda header, arrays: header["network"].update(kind="eval"), "KeyError"),
        (lambda header, arrays: header["network"]["fields"].update(layers=7), "damaged"),
        (lambda header, arrays: header["task"]["fields"].update(n_fibres=5), "are wanted"),
        (lambda header, arrays: header["task"]["fields"].update(n_fibres=10**9), "too few"),
        (_layer(size=10**18), "too few"),
        (_set("constants.hidden.0.input.signs", 0, -5.0), "breaks the law"),
        (_set("constants.hidden.0.input.signs", 0, 0.0), "breaks the law"),
        (_set("constants.hidden.0.neuron.v_threshold", 0, 50.0), "differs from its settings"),
        (_add("constants.readout.input.mask", -np.ones((1, 1), np.float32)), "0 and 1"),
        (_add("parameters.readout.input.mask", np.ones((1, 1), np.float32)), "is odd"),
        (_add("parameters.readout.input", np.ones((1, 1))), "holds float64"),
        (lambda header, arrays: header["task"]["fields"].update(n_fibres=-1), "n_fibres=-1"),
        (lambda header, arrays: arrays.pop("parameters.readout.input"), "are wanted"),
        (
            lambda header, arrays: arrays.update(
                {"parameters.readout.input": np.full((5, 3), np.nan, np.float32)}
            ),
            "is not finite",
        ),
        (lambda header, arrays: header.update(task={"kind": "LIF", "fields": {}}), "damaged"),
    ],
)
def test_file_of_something_else_is_refused(trained, tmp_path, change, words):
    path = tmp_path / "network.safetensors"
    save_network(path, trained)
    _damage(path, change)
    with pytest.raises(BadFileError, match=words):
        load_network(path)


def test_truncated_file_is_refused(trained, tmp_path):
    path = tmp_path / "network.safetensors"
    save_network(path, trained)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(BadFileError, match="is damaged"):
        load_network(path)
