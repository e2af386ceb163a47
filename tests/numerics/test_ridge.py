"""Ridge regression of many targets, against the same written out row by row."""

import numpy as np
import pytest

from spikeloop.numerics.ridge import (
    PENALTIES,
    kernel_ridge_regression,
    ridge_regression,
    ridge_regression_with,
)

PENALTY = 0.1
SHAPES = [(30, 8), (12, 40)]


def problem(n_rows, n_features, seed=0):
    """Return rows far from the origin, three targets, and whole weights of the rows."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_rows, n_features)) + 3
    signal = rows[:, :3] @ rng.normal(size=(3, 3))
    return rows, signal + rng.normal(size=(n_rows, 3)), rng.integers(1, 5, n_rows).astype(float)


def solved(rows, targets, weight, penalty):
    """Return weights and intercept by the normal equations."""
    centre = np.average(rows, axis=0, weights=weight)
    level = np.average(targets, axis=0, weights=weight)
    scatter = (rows - centre).T @ (weight[:, None] * (rows - centre))
    product = (rows - centre).T @ (weight[:, None] * (targets - level))
    found = np.linalg.solve(scatter + penalty * np.eye(len(scatter)), product)
    return found, level - centre @ found


def absolute(rows, weight, penalty=PENALTY):
    """Return a penalty in units of the mean eigenvalue as a number."""
    centred = rows - np.average(rows, axis=0, weights=weight)
    scatter = np.sum(weight[:, None] * centred**2)
    return penalty * scatter / min(len(rows) - 1, rows.shape[1])


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_are_those_of_the_normal_equations(shape):
    rows, targets, weight = problem(*shape)
    fitted = ridge_regression(rows, targets, weight, np.array([PENALTY]))
    share = weight / weight.mean()
    weights, intercept = solved(rows, targets, share, absolute(rows, share))
    np.testing.assert_allclose(fitted.weights, weights, atol=1e-10)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_leaving_a_row_out_is_what_fitting_without_it_gives(shape):
    rows, targets, weight = problem(*shape)
    fitted = ridge_regression(rows, targets, weight, np.array([PENALTY]))
    share = weight / weight.mean()
    penalty = absolute(rows, share)
    for row in range(len(rows)):
        kept = np.arange(len(rows)) != row
        weights, intercept = solved(rows[kept], targets[kept], share[kept], penalty)
        np.testing.assert_allclose(fitted.left_out[row], rows[row] @ weights + intercept, atol=1e-9)
    error = np.average((targets - fitted.left_out) ** 2, axis=0, weights=weight)
    np.testing.assert_allclose(fitted.error, error, rtol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_target_gets_the_penalty_that_leaves_rows_out_best(shape):
    rows, targets, weight = problem(*shape)
    targets[:, 2] = np.random.default_rng(5).normal(size=len(rows))
    penalties = np.array([1e-3, 1e-1, 1e1, 1e3])
    fitted = ridge_regression(rows, targets, weight, penalties)
    alone = [ridge_regression(rows, targets, weight, penalties[[i]]) for i in range(4)]
    best = np.array([one.error for one in alone]).argmin(axis=0)
    np.testing.assert_array_equal(fitted.penalty, penalties[best])
    assert len(set(best)) > 1
    for target, i in enumerate(best):
        np.testing.assert_allclose(fitted.weights[:, target], alone[i].weights[:, target])
        np.testing.assert_allclose(fitted.left_out[:, target], alone[i].left_out[:, target])


def test_a_row_of_weight_three_is_a_row_that_stands_there_three_times():
    rows, targets, weight = problem(30, 8)
    again = np.repeat(np.arange(30), weight.astype(int))
    share = weight / weight.mean()
    fitted = ridge_regression(rows, targets, weight, np.array([PENALTY]))
    # Weights are taken relative to their mean, so that the scatter of repeated rows is larger.
    weights, intercept = solved(
        rows[again], targets[again], np.ones(len(again)), absolute(rows, share) * weight.mean()
    )
    np.testing.assert_allclose(fitted.weights, weights, atol=1e-10)
    np.testing.assert_allclose(fitted.intercept, intercept, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_absolute_penalty_is_what_the_normal_equations_add(shape):
    rows, targets, weight = problem(*shape)
    fitted = ridge_regression(rows, targets, weight)
    share = weight / weight.mean()
    for target, penalty in enumerate(fitted.absolute_penalty):
        weights, _ = solved(rows, targets, share, penalty)
        np.testing.assert_allclose(fitted.weights[:, target], weights[:, target], atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_known_penalties_give_the_weights_that_choosing_them_gives(shape, precision):
    rows, targets, weight = (x.astype(precision) for x in problem(*shape))
    double = [x.astype(float) for x in (rows, targets, weight)]
    alone = [ridge_regression(*double, np.array([penalty])) for penalty in (1e-6, 1e-1, 1e1)]
    penalty = np.array([one.absolute_penalty[0] for one in alone], dtype=precision)
    weights, intercept = ridge_regression_with(rows, targets, weight, penalty)
    assert weights.dtype == precision
    tolerance = 1e-8 if precision == np.float64 else 1e-4
    for target, one in enumerate(alone):
        expected = one.weights[:, target]
        np.testing.assert_allclose(weights[:, target], expected, atol=tolerance)
        np.testing.assert_allclose(intercept[target], one.intercept[target], atol=10 * tolerance)


@pytest.mark.parametrize("shape", SHAPES)
def test_scikit_learn_finds_the_same(shape):
    from sklearn.linear_model import Ridge

    rows, targets, weight = problem(*shape)
    fitted = ridge_regression(rows, targets, weight, np.array([PENALTY]))
    share = weight / weight.mean()
    other = Ridge(alpha=absolute(rows, share)).fit(rows, targets, sample_weight=share)
    np.testing.assert_allclose(fitted.weights, other.coef_.T, atol=1e-8)
    np.testing.assert_allclose(fitted.intercept, other.intercept_, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_units_of_rows_and_targets_do_not_matter(shape):
    rows, targets, weight = problem(*shape)
    fitted = ridge_regression(rows, targets, weight)
    other = ridge_regression(100 * rows - 7, 0.01 * targets + 5, 3 * weight)
    np.testing.assert_array_equal(other.penalty, fitted.penalty)
    np.testing.assert_allclose(other.weights, 1e-4 * fitted.weights, atol=1e-12)
    np.testing.assert_allclose(other.left_out, 0.01 * fitted.left_out + 5, atol=1e-9)


def test_features_that_tell_the_same_share_the_weight():
    rows, targets, weight = problem(30, 4)
    twice = np.hstack([rows, rows])
    fitted = ridge_regression(twice, targets, weight, np.array([PENALTY]))
    np.testing.assert_allclose(fitted.weights[:4], fitted.weights[4:], atol=1e-12)
    share = weight / weight.mean()
    weights, _ = solved(rows, targets, share, absolute(twice, share) / 2)
    np.testing.assert_allclose(2 * fitted.weights[:4], weights, atol=1e-10)


def test_rows_that_are_all_alike_tell_the_mean():
    targets = np.arange(12.0).reshape(6, 2)
    fitted = ridge_regression(np.ones((6, 3)), targets, np.ones(6))
    np.testing.assert_allclose(fitted.weights, 0)
    np.testing.assert_allclose(fitted.intercept, targets.mean(axis=0))
    np.testing.assert_allclose(fitted.left_out[0], targets[1:].mean(axis=0))


def test_regressions_of_some_targets_are_those_of_all():
    rows, targets, weight = problem(30, 8)
    fitted = ridge_regression(rows, targets, weight)
    alone = ridge_regression(rows, targets[:, [2, 0]], weight)
    for name, value in vars(fitted.of(np.array([2, 0]))).items():
        np.testing.assert_allclose(value, getattr(alone, name), atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_kernel_of_products_is_linear_regression(shape):
    rows, targets, weight = problem(*shape)
    linear = ridge_regression(rows, targets, weight)
    # A kernel does not tell how many features it is made of: it takes n rows to have rank n - 1.
    rank = min(len(rows) - 1, rows.shape[1])
    same = PENALTIES * (len(rows) - 1) / rank
    kernel = kernel_ridge_regression(rows @ rows.T, targets, weight, same)
    new = problem(*shape, seed=1)[0]
    np.testing.assert_allclose(
        new @ rows.T @ kernel.weights + kernel.intercept,
        new @ linear.weights + linear.intercept,
        atol=1e-9,
    )
    np.testing.assert_allclose(kernel.penalty * rank / (len(rows) - 1), linear.penalty)
    np.testing.assert_allclose(kernel.left_out, linear.left_out, atol=1e-9)
    np.testing.assert_allclose(kernel.error, linear.error, rtol=1e-9)


def test_a_constant_added_to_a_kernel_changes_nothing():
    rows, targets, weight = problem(30, 8)
    distance = ((rows[:, None] - rows) ** 2).sum(axis=2)
    kernel = np.exp(-distance / distance.mean())
    plain = kernel_ridge_regression(kernel, targets, weight)
    lifted = kernel_ridge_regression(kernel + 4, targets, weight)
    np.testing.assert_allclose(lifted.weights, plain.weights, atol=1e-8)
    np.testing.assert_allclose(
        (kernel + 4) @ lifted.weights + lifted.intercept,
        kernel @ plain.weights + plain.intercept,
        atol=1e-8,
    )


def test_single_precision_gives_nearly_the_same():
    rows, targets, weight = problem(30, 8)
    double = ridge_regression(rows, targets, weight)
    single = ridge_regression(*(x.astype(np.float32) for x in (rows, targets, weight)))
    np.testing.assert_array_equal(single.penalty, double.penalty)
    np.testing.assert_allclose(single.weights, double.weights, atol=1e-4)
