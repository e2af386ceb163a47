import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.encode.network.convolution import convolve, same_padding
from spikeloop.encode.network.stack import StackedCore
from spikeloop.errors import InvalidInputError

IMAGES = np.random.default_rng(0).normal(size=(6, 10, 14)).astype(np.float32)


def features(core, *, training=False, **changes):
    parameters = dict(core.begin(jax.random.key(0))) | changes
    return parameters, *core.features(parameters, IMAGES, training=training)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_each_layer_has_a_bias_of_its_own_once(batch_norm):
    # A convolution before batch norm has none: the norm would take it away again.
    parameters, *_ = features(StackedCore((4, 3), (3, 3), batch_norm=batch_norm))
    names = {key.rsplit(".", 1)[1] for key in parameters}
    norms = {"gain", "running_mean", "running_variance"} if batch_norm else set()
    assert names == {"kernel", "shift"} | norms
    _, found, _ = features(
        StackedCore((4, 3), (3, 3), batch_norm=batch_norm, nonlinearity="none"),
        **{"core.1.shift": jnp.array([5.0, 0.0, 0.0])},
    )
    _, without, _ = features(
        StackedCore((4, 3), (3, 3), batch_norm=batch_norm, nonlinearity="none")
    )
    np.testing.assert_allclose(found - without, np.broadcast_to([5, 0, 0], found.shape), atol=1e-5)


def test_batch_norm_standardizes_while_training_and_remembers():
    core = StackedCore((4,), (3,), nonlinearity="none")
    _, found, running = features(core, training=True)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.var(axis=(0, 1, 2)), 1, rtol=1e-3)
    _, plain, _ = features(core)
    plain = np.asarray(plain) * np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(
        running["core.0.running_mean"], 0.1 * plain.mean(axis=(0, 1, 2)), atol=1e-5
    )
    np.testing.assert_allclose(
        running["core.0.running_variance"], 0.9 + 0.1 * plain.var(axis=(0, 1, 2)), rtol=1e-4
    )


def test_prediction_does_not_depend_on_the_other_images():
    core = StackedCore((4, 3), (3, 3))
    parameters = core.begin(jax.random.key(0))
    together, _ = core.features(parameters, IMAGES, training=False)
    alone, _ = core.features(parameters, IMAGES[2:3], training=False)
    np.testing.assert_allclose(together[2:3], alone, atol=1e-5)


def test_separable_layer_is_a_full_one_with_a_kernel_of_rank_one():
    core = StackedCore((2, 3), (1, 3), pooling=1, separable=True, batch_norm=False)
    parameters, found, _ = features(core)
    first, _ = StackedCore((2,), (1,), pooling=1, batch_norm=False).features(
        parameters, IMAGES, training=False
    )
    full = parameters["core.1.depthwise"][..., None] * parameters["core.1.kernel"]
    wanted = jax.nn.elu(convolve(first, full, same_padding(full)))
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_energy_layer_is_normalized_so_contrast_hardly_matters():
    core = StackedCore((8,), (5,), pooling=2, first="energy", start="gabor", batch_norm=False)
    parameters = core.begin(jax.random.key(0)) | {"core.0.log_constant": jnp.array([-9.0])}
    weak, _ = core.features(parameters, IMAGES, training=False)
    strong, _ = core.features(parameters, 3 * IMAGES, training=False)
    assert weak.shape == (6, 5, 7, core.n_features)
    np.testing.assert_allclose(strong, weak, rtol=2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": (4, 4)}, "give both for each layer"),
        ({"pooling": 0}, "both must be 1 or more"),
        ({"channels": (5, 4, 4), "first": "energy"}, "even number in the first layer. Set 6"),
        ({"channels": (5, 4, 4), "start": "gabor"}, "even number in the first layer. Set 6"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        StackedCore(**settings)


def test_images_too_small_for_the_pooling():
    with pytest.raises(InvalidInputError, match="leave nothing after stride=1 and pooling=8"):
        StackedCore(pooling=8).map_shape(6, 60)
