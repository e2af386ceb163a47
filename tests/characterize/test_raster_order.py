import numpy as np
import pytest

from spikeloop.characterize.raster_order import RasterOrder, order_raster
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.seriation import order_objective


def bumps(n_units=12, n_bins=400, seed=0):
    """Return units tuned to places of a walk, in random order, and their places."""
    rng = np.random.default_rng(seed)
    place = rng.permutation(n_units)
    walk = (n_units - 1) * (1 + np.sin(np.arange(n_bins) / 30)) / 2
    return np.exp(-((walk[:, None] - place) ** 2) / 4), place


def correlation_by_hand(activity, i, j, lag):
    z = (activity - activity.mean(axis=0)) / activity.std(axis=0)
    return sum(z[t, i] * z[t + lag, j] for t in range(len(z) - lag)) / len(z)


def test_similarity_is_the_largest_lagged_correlation():
    activity = np.random.default_rng(0).poisson(1.0, size=(60, 4)).astype(float)
    raster = order_raster(activity, RasterOrder(max_lag_bins=4, lag_step_bins=2), seed=0)
    for i in range(4):
        for j in range(4):
            by_hand = max(correlation_by_hand(activity, i, j, lag) for lag in (0, 2, 4))
            assert raster.similarity[i, j] == pytest.approx(by_hand, abs=1e-5)
    assert raster.objective == pytest.approx(
        order_objective(raster.similarity, raster.order), rel=1e-6
    )


def test_without_lags_it_is_the_correlation_and_neighbours_are_found():
    activity, place = bumps()
    raster = order_raster(activity, RasterOrder(), seed=0)
    assert raster.similarity == pytest.approx(np.corrcoef(activity.T), abs=1e-5)
    assert np.abs(np.diff(place[raster.order])).tolist() == [1] * 11
    assert raster.objective >= raster.start_objective


def test_all_components_change_nothing_and_few_keep_the_line():
    activity, place = bumps()
    exact = order_raster(activity, RasterOrder(max_lag_bins=3), seed=0)
    whole = order_raster(activity, RasterOrder(max_lag_bins=3, n_components=12), seed=0)
    assert whole.similarity == pytest.approx(exact.similarity, abs=1e-5)
    few = order_raster(activity, RasterOrder(n_components=4), seed=0)
    assert (np.diag(few.similarity) < 1.0).all()
    assert abs(np.corrcoef(place[few.order], np.arange(12))[0, 1]) > 0.95


def test_components_give_the_correlation_of_the_activity_rebuilt_from_them():
    activity = np.random.default_rng(1).normal(size=(200, 6))
    z = (activity - activity.mean(axis=0)) / activity.std(axis=0)
    u, s, vt = np.linalg.svd(z, full_matrices=False)
    rebuilt = (u[:, :2] * s[:2]) @ vt[:2]
    raster = order_raster(activity, RasterOrder(max_lag_bins=1, n_components=2), seed=0)
    lagged = rebuilt[:-1].T @ rebuilt[1:]
    wanted = np.maximum(rebuilt.T @ rebuilt, lagged) / 200
    assert raster.similarity == pytest.approx(wanted, abs=1e-5)


def test_numbering_scale_and_offset_of_units_make_no_difference():
    activity, _ = bumps(seed=2)
    activity = np.random.default_rng(3).poisson(3 * activity).astype(float)
    method = RasterOrder(max_lag_bins=5, n_kicks=2)
    first = order_raster(activity, method, seed=0)
    relabelled = np.random.default_rng(4).permutation(activity.shape[1])
    second = order_raster(np.asfortranarray(activity[:, relabelled]), method, seed=0)
    assert relabelled[second.order].tolist() == first.order.tolist()
    assert second.objective == first.objective
    scaled = order_raster(activity * 2.0 + 8.0, method, seed=0)
    assert scaled.order.tolist() == first.order.tolist()


def test_same_seed_same_answer():
    activity = np.random.default_rng(5).normal(size=(100, 20)).astype(np.float32)
    method = RasterOrder(n_kicks=3)
    first, second = (order_raster(activity, method, seed=9) for _ in range(2))
    assert first.order.tolist() == second.order.tolist()


def test_units_that_never_change_come_last_and_change_nothing():
    activity, _ = bumps()
    alone = order_raster(activity, RasterOrder(), seed=0)
    silent = np.insert(activity, [0, 5], [0.0, 0.1], axis=1)
    raster = order_raster(silent, RasterOrder(), seed=0)
    kept = np.delete(np.arange(14), [0, 6])
    assert raster.order.tolist() == [*kept[alone.order], 0, 6]
    assert raster.objective == alone.objective
    assert (raster.similarity[[0, 6]] == 0).all()


@pytest.mark.parametrize("n_units", [1, 2, 3])
def test_few_units(n_units):
    activity = np.random.default_rng(6).normal(size=(50, n_units))
    assert sorted(order_raster(activity, RasterOrder(), seed=0).order) == list(range(n_units))
    silent = order_raster(np.zeros((50, n_units)), RasterOrder(n_components=1), seed=0)
    assert silent.order.tolist() == list(range(n_units))
    assert silent.objective == 0.0


def test_extreme_magnitudes_are_no_obstacle():
    activity, _ = bumps()
    expected = order_raster(activity, RasterOrder(), seed=0).objective
    for scale in (2.0**-900, 2.0**900):
        assert order_raster(activity * scale, RasterOrder(), seed=0).objective == expected


@pytest.mark.parametrize(
    ("activity", "message"),
    [
        (np.zeros(5), r"activity has shape \(5,\): its axes must be \(bin, unit\)"),
        (np.zeros((5, 0)), r"activity has shape \(5, 0\): it needs bins and units"),
        (np.array([[0.0], [np.nan]]), r"activity holds 1 values that are not finite"),
        (np.zeros((3, 2)), r"max_lag_bins=3: it must be below the 3 bins"),
    ],
)
def test_bad_activity_is_refused(activity, message):
    with pytest.raises(InvalidInputError, match=message):
        order_raster(activity, RasterOrder(max_lag_bins=3), seed=0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_lag_bins": -1}, r"max_lag_bins=-1: it must be 0 or more"),
        ({"lag_step_bins": 0}, r"lag_step_bins=0: it must be 1 or more"),
        ({"n_components": 0}, r"n_components=0: it must be 1 or more"),
        ({"n_sweeps": -1}, r"n_sweeps=-1: it must be 0 or more"),
        ({"n_kicks": -1}, r"n_kicks=-1: it must be 0 or more"),
    ],
)
def test_bad_settings_are_refused(setting, message):
    with pytest.raises(InvalidInputError, match=message):
        RasterOrder(**setting)


def test_a_raster_prints_on_one_line():
    activity = np.random.default_rng(0).normal(size=(50, 6))
    ordered = order_raster(activity, RasterOrder(), seed=0)
    assert repr(ordered).startswith(f"OrderedRaster(6 units, objective {ordered.objective:.3g}, ")
    assert "\n" not in repr(ordered)
