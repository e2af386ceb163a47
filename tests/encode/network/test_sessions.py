import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.data.checkpoint import Checkpoint
from spikeloop.encode.image_data import ImageData
from spikeloop.encode.network.epochs import epoch_compiler, shifted, train_epoch, validate
from spikeloop.encode.network.gabor_start import gabor_pairs
from spikeloop.encode.network.model import ConvolutionalNetwork, network_of_experiment_two
from spikeloop.encode.network.objective import Penalties
from spikeloop.encode.network.readouts import Factorized, GaussianPoint, PyramidPoint
from spikeloop.encode.network.sessions import train_sessions
from spikeloop.encode.network.settings import Training
from spikeloop.encode.network.stack import StackedCore
from spikeloop.errors import BadFileError, InvalidInputError, SpikeloopWarning

SMALL = ConvolutionalNetwork(
    core=StackedCore(channels=(4,), kernel_px=(5,), pooling=1),
    readout=PyramidPoint(n_levels=1, non_negative=False),
    training=Training(
        learning_rate=0.02,
        max_epochs=6,
        batch_size=50,
        schedule="plateau",
        patience=3,
        warm_up_epochs=0,
        averaging=0.9,
    ),
    n_seeds=2,
)
FACTORIZED = replace(
    SMALL, n_seeds=1, readout=Factorized(), training=replace(SMALL.training, max_epochs=15)
)
PLACES = [(4, 10), (6, 5)]


def planted(n_units=2, n_images=300, seed=0, side=(11, 15)):
    """Return sessions of LN units: a Gabor filter at a place, then an exponential."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(size=(n_images, *side)).astype(np.float32)
    pairs = gabor_pairs(5, 2)
    patches = np.lib.stride_tricks.sliding_window_view(pixels, (5, 5), axis=(1, 2))
    drives = [
        (patches[:, y - 2, x - 2] * pairs[unit, 0]).sum(axis=(1, 2))
        for unit, (y, x) in enumerate(PLACES[:n_units])
    ]
    counts = rng.poisson(np.exp(0.7 * np.stack(drives, axis=1)) * 6).astype(float)
    n_trials = np.ones(n_images, dtype=int)
    cut = n_images - 100
    return tuple(
        ImageData(pixels[part], counts[part], n_trials[part])
        for part in (slice(cut), slice(cut, None))
    )


@pytest.fixture(scope="module")
def small():
    """Return what two members learned together."""
    return SMALL.fit_images(*planted(), seed=3)


def test_member_is_what_its_seed_gives_alone_in_one_compilation(small):
    before, calls = epoch_compiler()._cache_size(), []
    alone = replace(SMALL, n_seeds=1).fit_images(
        *planted(), seed=4, progress=lambda *told: calls.append(told)
    )
    assert epoch_compiler()._cache_size() == before + 1
    assert [told[:2] for told in calls] == [(epoch, 6) for epoch in range(1, 7)]
    reached = alone.history["validation_correlation"][:, 0]
    np.testing.assert_allclose([told[2] for told in calls], reached)
    for name, value in alone.parameters.items():
        together = small.parameters[name]
        together = together if name.startswith("input.") else together[1:2]
        np.testing.assert_allclose(together, value, atol=1e-5, err_msg=name)
    for name, curve in alone.history.items():
        np.testing.assert_allclose(small.history[name][:, 1:], curve, atol=1e-4)


def test_members_trained_side_by_side_learn_what_they_learn_one_after_the_other(small, monkeypatch):
    """As on a GPU, where they are one batch; what is compiled is thrown away before and after."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for compiled in (epoch_compiler(), validate):
        compiled.clear_cache()
    together = SMALL.fit_images(*planted(), seed=3)
    for compiled in (epoch_compiler(), validate):
        compiled.clear_cache()
    for name, value in small.parameters.items():
        np.testing.assert_allclose(together.parameters[name], value, atol=1e-4, err_msg=name)


def test_prediction_is_the_mean_of_members_whatever_the_batch_and_the_units_asked_for(small):
    pixels = planted()[1].pixels[:7]
    together = SMALL.expected_counts(small.parameters, pixels)
    images = (pixels - small.parameters["input.mean"]) / small.parameters["input.sd"]
    members = [
        SMALL.member_counts(
            {k: v[m] for k, v in small.parameters.items() if not k.startswith("input.")}, images
        )
        for m in range(2)
    ]
    np.testing.assert_allclose(together, np.mean(members, axis=0), rtol=1e-5)
    alone = SMALL.expected_counts(small.parameters, pixels[2:3])
    np.testing.assert_allclose(alone, together[2:3], rtol=1e-5)
    one = SMALL.expected_counts(small.parameters, pixels, unit_index=jnp.array([1]))
    np.testing.assert_allclose(one, together[:, 1:], rtol=1e-5)


@pytest.mark.parametrize("readout", [PyramidPoint(n_levels=1), GaussianPoint(), Factorized()])
def test_units_that_are_not_asked_for_cost_nothing(readout):
    """No array that is computed has the length of all units, a number that occurs nowhere else."""
    n_units = 37
    model = replace(SMALL, readout=readout, n_seeds=1)
    drawn = model.begin(jax.random.key(0), np.ones((5, n_units)), (11, 15))
    drawn = {key: value[None] for key, value in drawn.items()}
    parameters = drawn | {"input.mean": jnp.zeros(()), "input.sd": jnp.ones(())}

    def shapes(unit_index):
        jaxpr = jax.make_jaxpr(
            lambda pixels: model.expected_counts(parameters, pixels, unit_index)
        )(jnp.zeros((2, 11, 15)))
        return set(re.findall(r"f32\[([\d,]+)\] = ", str(jaxpr)))

    def with_all(found):
        return {shape for shape in found if str(n_units) in shape.split(",")}

    assert with_all(shapes(None))
    assert not with_all(shapes(jnp.array([3, 5])))


def test_interrupted_training_ends_with_the_same_bits(small, tmp_path):
    checkpoint = Checkpoint(tmp_path / "state.safetensors", every_epochs=2)

    class InterruptedError(Exception):
        pass

    def interrupt(epoch, of, correlation):
        if epoch == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        SMALL.fit_images(*planted(), seed=3, checkpoint=checkpoint, progress=interrupt)
    epochs = []
    resumed = SMALL.fit_images(
        *planted(), seed=3, checkpoint=checkpoint, progress=lambda *told: epochs.append(told[0])
    )
    assert epochs == [5, 6]
    for name, value in small.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value, err_msg=name)
    for name, curve in small.history.items():
        np.testing.assert_array_equal(resumed.history[name], curve, err_msg=name)

    other = replace(SMALL, core=replace(SMALL.core, channels=(6,)))
    with pytest.raises(InvalidInputError, match="another training: its model is Convolutional"):
        other.fit_images(*planted(), seed=3, checkpoint=checkpoint)
    with pytest.raises(InvalidInputError, match="its seed is 3, not 4"):
        SMALL.fit_images(*planted(), seed=4, checkpoint=checkpoint)
    with pytest.raises(InvalidInputError, match="its data is"):
        SMALL.fit_images(*planted(seed=1), seed=3, checkpoint=checkpoint)
    whole = checkpoint.path.read_bytes()
    for kept in (len(whole) // 2, 4):
        checkpoint.path.write_bytes(whole[:kept])
        with pytest.raises(BadFileError, match=r"damaged, or no checkpoint.*Delete it"):
            SMALL.fit_images(*planted(), seed=3, checkpoint=checkpoint)


def test_a_checkpoint_without_a_folder_is_refused_before_the_training(tmp_path):
    nowhere = Checkpoint(tmp_path / "none" / "training.safetensors")
    with pytest.raises(InvalidInputError, match="is no folder: make it before the training"):
        train_sessions(SMALL, [planted()], seed=0, checkpoint=nowhere)


def test_checkpoint_is_written_at_times():
    with pytest.raises(InvalidInputError, match="every_epochs=0: it must be 1 or more"):
        Checkpoint("state", every_epochs=0)


def test_where_memory_is_short_batches_get_smaller(monkeypatch, tmp_path):
    """A training that was cut off after that ends with the same bits too."""
    sessions = [planted()]
    model = replace(SMALL, n_seeds=1)
    wanted = train_sessions(
        replace(model, training=replace(SMALL.training, batch_size=25)), sessions, seed=0
    )[0]

    def of_small_memory(plan, weights, shown, schedule):
        if schedule["order"][0].shape[-1] > 25:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return train_epoch(plan, weights, shown, schedule)

    def interrupt(epoch, of, correlation):
        if epoch == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("spikeloop.encode.network.sessions.train_epoch", of_small_memory)
    kept = Checkpoint(tmp_path / "training.safetensors", every_epochs=2)
    warned = pytest.warns(SpikeloopWarning, match="batches of 50 images do not fit the memory")
    with warned, pytest.raises(KeyboardInterrupt):
        train_sessions(model, sessions, seed=0, progress=interrupt, checkpoint=kept)
    with warned:
        found = train_sessions(model, sessions, seed=0, checkpoint=kept)[0]
    for name, value in wanted.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], value)


def test_errors_that_are_not_of_memory_are_not_hidden(monkeypatch):
    def broken(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr("spikeloop.encode.network.sessions.train_epoch", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        train_sessions(SMALL, [planted()], seed=0)


def test_planted_place_and_filter_are_found():
    training, validation = planted(n_images=1000)
    found = FACTORIZED.fit_images(training, validation, seed=0)
    grey = jnp.zeros((1, 11, 15))
    slopes = jax.jacrev(lambda pixels: FACTORIZED.expected_counts(found.parameters, pixels)[0])(
        grey
    )
    pairs = gabor_pairs(5, 2)
    for unit, (y, x) in enumerate(PLACES):
        field = np.zeros((11, 15))
        field[y - 2 : y + 3, x - 2 : x + 3] = pairs[unit, 0]
        cosine = (slopes[unit, 0] * field).sum() / np.linalg.norm(slopes[unit, 0])
        assert cosine > 0.9
    predicted = np.asarray(FACTORIZED.expected_counts(found.parameters, validation.pixels))
    for unit in range(2):
        assert np.corrcoef(predicted[:, unit], validation.means[:, unit])[0, 1] > 0.75


def test_all_that_may_be_asked_for_trains_together():
    training, validation = planted(n_images=200)
    model = replace(
        SMALL,
        n_seeds=1,
        readout=GaussianPoint(),
        output="softplus",
        loss="gaussian",
        penalties=Penalties(0.1, 0.1, 0.01, adaptive_spread=0.1),
        training=Training(max_epochs=2, shift_px=1, dropout=0.1, clip_norm=10.0),
    )
    fitted = model.fit_images(training, validation, seed=0)
    assert np.isfinite(list(fitted.history.values())).all()
    assert {"output.log_sharpness", "output.log_factor", "output.variance"} < {*fitted.parameters}
    expected = np.asarray(model.expected_counts(fitted.parameters, validation.pixels))
    assert (expected > 0).all()
    assert expected.mean() == pytest.approx(training.means.mean(), rel=0.3)


def test_an_energy_core_with_separable_layers_learns_dispersed_counts():
    training, validation = planted()
    model = replace(
        SMALL,
        core=StackedCore((4, 4), (5, 3), pooling=1, separable=True, first="energy", start="gabor"),
        readout=Factorized(),
        loss="negative_binomial",
        n_seeds=1,
        training=Training(max_epochs=6, batch_size=50, learning_rate=0.02, warm_up_epochs=0),
    )
    fitted = model.fit_images(training, validation, seed=0)
    reached = fitted.history["validation_correlation"][:, 0]
    assert reached.max() > reached[0] + 0.02
    expected = np.asarray(model.expected_counts(fitted.parameters, validation.pixels))
    assert expected.mean() == pytest.approx(training.means.mean(), rel=0.2)
    assert np.isfinite(fitted.parameters["output.log_dispersion"]).all()


def test_sessions_share_a_core_and_keep_their_own_units():
    first, second = planted(n_images=260), planted(n_units=1, n_images=230, seed=1)
    model = replace(SMALL, n_seeds=1, training=replace(SMALL.training, max_epochs=2))
    one, two = train_sessions(model, [first, second], seed=0)
    for name in one.parameters:
        if name.startswith("core."):
            np.testing.assert_array_equal(one.parameters[name], two.parameters[name])
    for estimate, data in ((one, first[1]), (two, second[1])):
        expected = model.expected_counts(estimate.parameters, data.pixels)
        assert expected.shape == data.means.shape

    moved = train_sessions(model, [second], seed=1, start_core=one.parameters, freeze_core=True)
    for name, value in one.parameters.items():
        if name.startswith("core."):
            np.testing.assert_array_equal(moved[0].parameters[name], value, err_msg=name)
    with pytest.raises(InvalidInputError, match="Give parameters of a network with the same core"):
        train_sessions(SMALL, [second], seed=1, start_core={"core.0.kernel": jnp.zeros((1, 2))})


def test_images_with_more_trials_weigh_more():
    training, validation = planted(n_images=1000)
    wrong = np.arange(900) % 2 == 0
    means = np.where(wrong[:, None], 40.0, training.means)
    levels = []
    for n_trials in (np.ones(900), np.where(wrong, 1e-3, 1.0)):
        data = ImageData(training.pixels, means, n_trials)
        fitted = FACTORIZED.fit_images(data, validation, seed=0)
        levels.append(np.mean(FACTORIZED.expected_counts(fitted.parameters, validation.pixels)))
    assert levels[0] == pytest.approx(means.mean(), rel=0.2)
    assert levels[1] == pytest.approx(training.means[~wrong].mean(), rel=0.2)


def test_training_that_is_lost_at_once_is_refused():
    steep = replace(SMALL, training=replace(SMALL.training, learning_rate=1e30))
    lost = pytest.warns(SpikeloopWarning, match="is not finite")
    with lost, pytest.raises(InvalidInputError, match="nothing was learned"):
        steep.fit_images(*planted(), seed=0)


def test_responses_below_zero_are_refused():
    training, validation = planted()
    below = replace(training, means=training.means - 5)
    with pytest.raises(InvalidInputError, match="reach down to -5: a network predicts counts"):
        SMALL.fit_images(below, validation, seed=0)


def test_a_unit_that_never_fires_is_predicted_to_be_silent():
    silent = [replace(data, means=data.means * [1, 0]) for data in planted()]
    model = replace(SMALL, n_seeds=1)
    fitted = model.fit_images(*silent, seed=0)
    counts = model.expected_counts(fitted.parameters, silent[1].pixels)
    assert counts[:, 1].max() < 0.01 < 1 < counts[:, 0].mean()


def test_lost_training_keeps_its_best_weights_and_says_so(monkeypatch):
    def lost_later(plan, weights, shown, schedule):
        weights, loss = train_epoch(plan, weights, shown, schedule)
        return weights, jnp.where(schedule["done"] > 0, jnp.nan, loss)

    monkeypatch.setattr("spikeloop.encode.network.sessions.train_epoch", lost_later)
    with pytest.warns(SpikeloopWarning, match=r"not finite in epoch 2: its best.*Lower learning"):
        fitted = SMALL.fit_images(*planted(), seed=0)
    assert len(fitted.history["training_loss"]) == 2
    assert all(np.isfinite(value).all() for value in fitted.parameters.values())


def test_training_that_gets_no_better_ends():
    training, validation = planted()
    constant = replace(validation, means=np.ones_like(validation.means))
    fitted = SMALL.fit_images(training, constant, seed=0)
    assert fitted.history["validation_correlation"].tolist() == [[0.0, 0.0]] * 4


def test_shifted_images_are_windows_of_the_image_with_its_edges_repeated():
    images = np.random.default_rng(0).normal(size=(40, 5, 6)).astype(np.float32)
    found = np.asarray(shifted(images, 2, jax.random.key(0)))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 6), axis=(1, 2))
    seen = {
        tuple(np.argwhere((windows[i] == found[i]).all(axis=(2, 3)))[0]) for i in range(len(images))
    }
    assert {y for y, _ in seen} == {x for _, x in seen} == {0, 1, 2, 3, 4}


def test_network_of_experiment_two_has_its_layers():
    model = network_of_experiment_two()
    parameters = model.begin(jax.random.key(0), np.ones((3, 5)), (60, 96))
    assert parameters["core.0.kernel"].shape == (4, 4, 1, 64)
    assert parameters["core.2.kernel"].shape == (3, 3, 64, 64)
    assert model.core.map_shape(60, 96) == (30, 48)
    assert parameters["readout.features"].shape == (5, 3 * 64)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SMALL, n_seeds=0), "n_seeds=0: it must be 1 or more"),
        (lambda: Training(batch_size=0), "batch_size=0: it must be 1 or more"),
        (lambda: Training(shift_px=-1), "shift_px=-1: it must be 0 or more"),
        (lambda: Training(dropout=1.0), "dropout=1.0: it must be 0 or more, and below 1"),
        (lambda: Training(learning_rate=0.0), "learning_rate=0.0: it must be above 0"),
        (lambda: train_sessions(SMALL, [], seed=0), "no sessions: give one at least"),
        (lambda: SMALL.fit_images(*planted(), seed=-1), "seed=-1: it must be a whole number"),
        (
            lambda: train_sessions(SMALL, [planted(), planted(side=(12, 15))], seed=0),
            "images of 2 sizes",
        ),
        (
            lambda: SMALL.fit_images(
                planted()[0], ImageData(np.ones((1, 11, 15)), np.ones((1, 2)), np.ones(1)), seed=0
            ),
            "200 images to train on and 1 for validation: at least 3",
        ),
    ],
)
def test_what_cannot_be_trained(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()
