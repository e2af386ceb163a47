"""Dale's law holds whatever the steps, and each form of it has a true gradient."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeloop.errors import InvalidInputError
from spikeloop.learn.signs import AnySign, DalesLaw

FORMS = ("softplus", "absolute", "projection", "exponentiated_gradient")
N_FROM, N_TO = 12, 7


@pytest.mark.parametrize("placed", ["spread", "first"])
@pytest.mark.parametrize("inhibitory", [0, 0.2, 0.5, 1])
@pytest.mark.parametrize("form", FORMS)
def test_no_step_ever_changes_a_sign(form, inhibitory, placed):
    law = DalesLaw(inhibitory, form, placed)
    signs = jnp.asarray(law.signs(N_FROM))
    theta = law.begin(np.random.default_rng(0), signs, N_TO)
    assert ((signs[:, None] * law.weights(theta, signs)) > 0).all()
    rng = np.random.default_rng(1)
    for _ in range(200):
        theta = law.moved(theta, jnp.asarray(rng.normal(0, 3, theta.shape), jnp.float32))
        weights = law.weights(theta, signs)
        assert np.isfinite(weights).all()
        assert (signs[:, None] * weights >= 0).all()
    assert np.unique(weights).size > N_FROM  # they moved, each by itself


@given(st.floats(0, 1), st.integers(1, 300), st.sampled_from(["spread", "first"]))
def test_so_many_units_inhibit_as_the_share_says(inhibitory, n_units, placed):
    signs = DalesLaw(inhibitory, placed=placed).signs(n_units)
    assert set(signs) <= {-1.0, 1.0}
    n_inhibitory = round(inhibitory * n_units)
    assert (signs < 0).sum() == n_inhibitory
    if placed == "first":
        assert (signs[:n_inhibitory] < 0).all()
    else:  # in each stretch the share is the same, up to one unit
        for stop in (n_units // 3, n_units // 2):
            assert abs((signs[:stop] < 0).sum() - stop * n_inhibitory / n_units) < 1


def test_inhibition_is_in_both_ears_where_it_is_spread():
    for inhibitory in (0.01, 0.2, 0.5, 0.9):
        left, right = DalesLaw(inhibitory).signs(200).reshape(2, 100)
        assert (left < 0).sum() == (right < 0).sum() == round(100 * inhibitory)
    left, right = DalesLaw(0.5, placed="first").signs(200).reshape(2, 100)
    assert (left < 0).all()
    assert (right > 0).all()


@pytest.mark.parametrize("inhibitory", [0.1, 0.2, 0.5, 0.75])
@pytest.mark.parametrize("form", FORMS)
def test_excitation_and_inhibition_are_equal_on_average_where_balanced(form, inhibitory):
    sums = {}
    for balanced in (True, False):
        law = DalesLaw(inhibitory, form, balanced=balanced, scale=1.0)
        signs = jnp.asarray(law.signs(40))
        weights = law.weights(law.begin(np.random.default_rng(3), signs, 4000), signs)
        sums[balanced] = np.asarray(weights.sum(axis=0))
    error = sums[True].std() / math.sqrt(4000)
    assert abs(sums[True].mean()) < 4 * error
    # Without balance the magnitudes have the mean 1 / (2 sqrt(n)), whatever their sign.
    wanted = (1 - 2 * inhibitory) * 40 / (2 * math.sqrt(40))
    assert sums[False].mean() == pytest.approx(wanted, abs=0.02)


def test_magnitudes_before_training_do_not_depend_on_the_form():
    signs = jnp.asarray(DalesLaw(0.3).signs(N_FROM))
    drawn = [
        DalesLaw(0.3, form).magnitudes(
            DalesLaw(0.3, form).begin(np.random.default_rng(1), signs, N_TO)
        )
        for form in FORMS
    ]
    for other in drawn[1:]:
        np.testing.assert_allclose(other, drawn[0], rtol=1e-4)


@pytest.mark.parametrize("form", [*FORMS, "any"])
def test_weights_before_training_are_so_many_times_larger_as_the_scale_says(form):
    once, more = (
        AnySign(scale=scale) if form == "any" else DalesLaw(0.3, form, scale=scale)
        for scale in (1.0, 200.0)
    )
    signs = jnp.asarray(once.signs(N_FROM))
    small, large = (
        law.weights(law.begin(np.random.default_rng(2), signs, N_TO), signs) for law in (once, more)
    )
    np.testing.assert_allclose(large, 200 * small, rtol=1e-4)


@pytest.mark.parametrize("inhibitory", [0, 1])
def test_units_of_one_kind_are_not_scaled(inhibitory):
    law = DalesLaw(inhibitory, scale=1.0)
    signs = jnp.asarray(law.signs(100))
    magnitudes = law.magnitudes(law.begin(np.random.default_rng(0), signs, 300))
    assert 0.09 < magnitudes.max() <= 0.1 * (1 + 1e-6)
    assert magnitudes.min() > 0


@pytest.mark.parametrize("form", FORMS)
def test_a_single_inhibitory_unit_among_many_has_finite_weights(form):
    law = DalesLaw(0.002, form)
    signs = jnp.asarray(law.signs(500))
    weights = law.weights(law.begin(np.random.default_rng(0), signs, 50), signs)
    assert np.isfinite(weights).all()
    assert weights.min() < -5  # up to 250 times 1 / sqrt(500)


@pytest.mark.parametrize("form", [*FORMS, "any"])
def test_gradient_of_weights_is_that_of_finite_differences(form):
    law = AnySign() if form == "any" else DalesLaw(0.5, form)
    rng = np.random.default_rng(0)
    signs = jnp.asarray(law.signs(N_FROM))
    theta = rng.uniform(0.2, 2.0, (N_FROM, N_TO)).astype(np.float32)
    if form in {"softplus", "absolute", "any"}:
        theta *= rng.choice([-1, 1], theta.shape)
    scale = rng.normal(size=theta.shape)
    slope = jax.grad(lambda theta: (law.weights(theta, signs) * scale).sum())(jnp.asarray(theta))
    step = 0.05
    above, below = (np.asarray(law.weights(theta + d, signs), float) for d in (step, -step))
    np.testing.assert_allclose(slope, scale * (above - below) / (2 * step), rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("softplus", [0.6, 0.5, -2.5]),
        ("absolute", [0.35, 0.5, -1.0]),
        ("projection", [0.35, 0.5, 0.0]),
        ("exponentiated_gradient", [0.1 * math.exp(0.5), 0.5, 0.5 * math.exp(-1)]),
    ],
)
def test_a_step_is_the_one_of_the_table(form, wanted):
    theta = jnp.full((4, 3), 0.5).at[:, 0].set(0.1)
    step = jnp.array([0.5, 0.0, -3.0])
    moved = DalesLaw(0.5, form).moved(theta, jnp.broadcast_to(step, theta.shape))
    np.testing.assert_allclose(moved, np.broadcast_to(wanted, (4, 3)), rtol=1e-6)


def test_without_a_constraint_weights_have_either_sign_and_may_cross_0():
    law = AnySign(scale=1.0)
    signs = jnp.asarray(law.signs(N_FROM))
    theta = law.begin(np.random.default_rng(0), signs, 500)
    assert abs(theta).max() <= 1 / math.sqrt(N_FROM)
    assert abs(theta.mean()) < 4 * theta.std() / math.sqrt(theta.size)
    np.testing.assert_array_equal(law.weights(theta, signs), theta)
    moved = law.moved(theta, -2 * math.sqrt(N_FROM) * theta)
    np.testing.assert_allclose(law.weights(moved, signs), -theta, rtol=1e-5)


def test_settings_that_make_no_sense_are_refused():
    for inhibitory in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInputError, match="inhibitory"):
            DalesLaw(inhibitory)
    with pytest.raises(InvalidInputError, match="form"):
        DalesLaw(form="square")
    for law in (AnySign, DalesLaw):
        with pytest.raises(InvalidInputError, match="scale"):
            law(scale=0.0)


def test_exponentiated_gradients_never_lose_a_weight_for_good():
    law = DalesLaw(0.5, "exponentiated_gradient")
    theta = law.begin(np.random.default_rng(0), jnp.asarray(law.signs(N_FROM)), N_TO)
    for step in [-1.0] * 300 + [1.0] * 20:
        theta = law.moved(theta, jnp.full_like(theta, step))
    assert (theta > 1).all()
