"""Causal filters and raised cosines."""

import jax.numpy as jnp
import numpy as np
import pytest

from spikeloop.encode.temporal.filtering import (
    RaisedCosines,
    basis_features,
    causal_filter,
    delayed,
    history_drive,
    history_step,
)
from spikeloop.errors import InvalidInputError


def test_bumps_between_the_outer_ones_add_up_to_a_constant():
    basis = RaisedCosines(n_bases=8, span_s=0.2, spacing_s=0.01)
    lag_s = np.arange(100) * 0.002
    warped = np.log(lag_s + 0.01)
    centres = np.linspace(warped[0], warped[-1], 8)
    matrix = basis.matrix(0.002)[::-1]
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=0), 1.0)
    # Undo the scaling: a bump that covers its centre on the grid reaches nearly 1 there.
    sums = (matrix / matrix.max(axis=0)).sum(axis=1)
    inside = (warped > centres[1]) & (warped < centres[-2])
    np.testing.assert_allclose(sums[inside], 2.0, rtol=0.02)


def test_features_and_filters_agree_with_a_loop():
    rng = np.random.default_rng(0)
    signal, basis = rng.standard_normal((40, 2)), rng.standard_normal((5, 3))
    features = basis_features(signal, basis).reshape(40, 2, 3)
    loop = np.zeros((40, 2, 3))
    for t in range(40):
        for lag in range(min(5, t + 1)):
            loop[t] += np.outer(signal[t - lag], basis[-1 - lag])
    np.testing.assert_allclose(features, loop, atol=1e-5)
    weights = rng.standard_normal((4, 2, 3))
    filters = np.einsum("lb,ufb->ulf", basis, weights)
    filtered = causal_filter(jnp.asarray(signal, jnp.float32), jnp.asarray(filters, jnp.float32))
    np.testing.assert_allclose(filtered, np.einsum("tfb,ufb->tu", loop, weights), atol=1e-4)


@pytest.mark.parametrize("n_sources", [1, 3])
def test_history_of_all_bins_is_that_of_each_bin(n_sources):
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (30, 3)).astype(np.float32)
    filters = jnp.asarray(rng.standard_normal((3, 6, n_sources)), jnp.float32)
    drive = np.asarray(history_drive(jnp.asarray(counts), filters))
    np.testing.assert_allclose(
        drive[12], history_step(jnp.asarray(counts[6:12]), filters), rtol=1e-4
    )
    assert not drive[0].any()


def test_delayed_counts_are_those_of_the_bin_before():
    assert delayed(np.array([[1.0], [2.0], [3.0]]))[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_bins_longer_than_bumps_leave_bumps_out():
    assert RaisedCosines(n_bases=10, span_s=0.2, spacing_s=0.002).matrix(0.05).shape[0] == 4


def test_settings_are_checked():
    with pytest.raises(InvalidInputError, match="n_bases=1: a filter takes 2 or more bumps"):
        RaisedCosines(n_bases=1)
    with pytest.raises(
        InvalidInputError, match=r"span_s=0.0, spacing_s=0.02: both must be above 0"
    ):
        RaisedCosines(span_s=0.0)
