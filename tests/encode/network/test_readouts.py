import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.encode.network.readouts import (
    Factorized,
    GaussianPoint,
    PyramidPoint,
    gaussian_pyramid,
)
from spikeloop.errors import InvalidInputError

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(3, 9, 13, 2)).astype(np.float32)
POINTS = [PyramidPoint(n_levels=1), GaussianPoint()]


def at(places_px, shape=(9, 13)):
    return 2 * np.array(places_px, dtype=np.float32) / (np.array(shape) - 1) - 1


def reading(readout, places_px, key=None, **changes):
    n_units = len(places_px)
    parameters = readout.begin(jax.random.key(0), n_units, 2, (9, 13))
    n_weights = parameters["features"].shape[1]
    parameters |= {"position": at(places_px), "features": jnp.ones((n_units, n_weights))} | changes
    return np.asarray(readout.drive(parameters, FEATURES, key=key))


@pytest.mark.parametrize("readout", POINTS)
def test_whole_positions_pick_their_pixel_with_y_before_x(readout):
    # More columns than rows: a readout that mixes up the axes reads elsewhere.
    places = [(0, 0), (8, 12), (2, 11), (7, 3)]
    found = reading(readout, places)
    wanted = np.stack([FEATURES[:, y, x].sum(axis=-1) for y, x in places], axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("readout", POINTS)
def test_between_pixels_the_reading_is_bilinear(readout):
    corners = FEATURES[:, 3:5, 6:8].sum(axis=-1)
    wanted = np.einsum("byx,y,x->b", corners, [0.75, 0.25], [0.4, 0.6])
    np.testing.assert_allclose(reading(readout, [(3.25, 6.6)])[:, 0], wanted, atol=1e-5)


def test_levels_are_a_gaussian_pyramid_of_the_same_place():
    constant = list(gaussian_pyramid(jnp.ones((1, 9, 13, 1)), 3))
    for level in constant:
        np.testing.assert_allclose(level, 1, atol=1e-6)
    ramp = jnp.broadcast_to(jnp.arange(33.0)[None, :, None, None], (1, 33, 9, 1))
    for depth, level in enumerate(gaussian_pyramid(ramp, 3)):
        inner = slice(2, -2)
        wanted = np.arange(level.shape[1])[inner] * 2**depth
        np.testing.assert_allclose(level[0, inner, 2, 0], wanted, atol=1e-4)
    parameters = {"position": at([(16, 4)], (33, 9)), "features": jnp.eye(3)[:1] * 0 + 1.0}
    found = PyramidPoint(n_levels=3).drive(parameters, ramp, key=None)
    np.testing.assert_allclose(found, 3 * 16.0, rtol=1e-5)


def test_allowed_parameters_stay_inside_and_predictions_change_none():
    readout = PyramidPoint(n_levels=1)
    parameters = {
        "position": jnp.array([[-3.0, 0.5], [0.0, 9.0]]),
        "features": jnp.array([[-1.0, 2.0], [0.5, -0.1]]),
        "bias": jnp.zeros(2),
    }
    allowed = readout.project(parameters)
    assert np.asarray(allowed["position"]).tolist() == [[-1.0, 0.5], [0.0, 1.0]]
    assert np.asarray(allowed["features"]).tolist() == [[0.0, 2.0], [0.5, 0.0]]
    assert float(parameters["position"][0, 0]) == -3.0
    signed = PyramidPoint(n_levels=1, non_negative=False).project(parameters)
    assert float(signed["features"][0, 0]) == -1.0


def test_gradient_moves_a_point_towards_what_excites_it():
    bump = -((jnp.arange(13.0) - 9) ** 2)[None, None, :, None] * jnp.ones((1, 9, 1, 1))
    readout = PyramidPoint(n_levels=2)

    def drive(position):
        parameters = {"position": position, "features": jnp.ones((1, 2))}
        return readout.drive(parameters, bump, key=None).sum()

    slope = jax.grad(drive)(jnp.array([[0.05, -0.05]]))
    assert float(slope[0, 1]) > 1
    assert abs(float(slope[0, 0])) < 1e-4


def test_point_is_drawn_around_its_mean_while_training_only():
    readout = GaussianPoint(start_spread=0.2)
    ramp = np.broadcast_to(np.arange(41.0, dtype=np.float32)[:, None, None], (20000, 41, 3, 1))
    parameters = readout.begin(jax.random.key(0), 1, 1, (41, 3))
    parameters |= {"position": jnp.zeros((1, 2)), "features": jnp.ones((1, 1))}
    drawn = np.asarray(readout.drive(parameters, ramp, key=jax.random.key(1)))
    assert drawn.mean() == pytest.approx(20, abs=0.15)
    assert drawn.std() == pytest.approx(0.2 * 20, rel=0.03)
    assert np.ptp(np.asarray(readout.drive(parameters, ramp[:5], key=None))) == 0


def test_factorized_is_a_sum_over_places_and_channels():
    readout = Factorized(rank=2)
    parameters = readout.begin(jax.random.key(0), 4, 2, (9, 13))
    found = readout.drive(parameters, FEATURES, key=None)
    wanted = np.einsum("bhwc,urhw,urc->bu", FEATURES, parameters["mask"], parameters["features"])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    one = Factorized().begin(jax.random.key(0), 4, 2, (9, 13))
    product = np.einsum("urhw,urc->uhwc", one["mask"], one["features"])
    np.testing.assert_allclose(Factorized().l1(one), np.abs(product).sum(axis=(1, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PyramidPoint(n_levels=0), "n_levels=0: it must be 1 or more"),
        (lambda: GaussianPoint(start_spread=0.0), "start_spread=0.0: it must be above 0"),
        (lambda: Factorized(rank=0), "rank=0: it must be 1 or more"),
        (
            lambda: PyramidPoint(n_levels=4).begin(jax.random.key(0), 1, 1, (7, 20)),
            "7 x 20 cannot be halved 3 times",
        ),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()
