"""Which units are kept, why, and that the held-out stimuli have no say in it."""

import numpy as np
import pytest
from scipy.stats import entropy

from spikeloop.characterize.selection import UnitSelection, select_units
from spikeloop.data import BLANK, Responses, Trials
from spikeloop.errors import InvalidInputError
from spikeloop.evaluate import leave_one_out_oracle

PERCENTILES = UnitSelection(rule="percentiles", n_permutations=99, n_trees=20)
SIGNIFICANCE = UnitSelection(rule="significance", n_permutations=999, n_trees=20)


def recorded(rates: np.ndarray, n_repeats: int, seed: int) -> Responses:
    """Return Poisson counts of `rates` (stimulus, unit), each stimulus shown `n_repeats` times."""
    rng = np.random.default_rng(seed)
    shown = rng.permutation(np.repeat(np.arange(len(rates)), n_repeats))
    return Responses(
        rng.poisson(rates[shown]), (0.0, 0.25), Trials(shown), np.arange(rates.shape[1])
    )


def mixed(seed: int) -> Responses:
    """Return ten tuned units, ten flat ones and a silent one."""
    rng = np.random.default_rng(seed)
    rates = np.full((30, 21), 3.0)
    rates[:, :10] = rng.gamma(1.0, 3.0, (30, 10))
    rates[:, 20] = 0.0
    return recorded(rates, 8, seed)


@pytest.mark.parametrize("method", [PERCENTILES, SIGNIFICANCE])
def test_held_out_stimuli_have_no_say(method):
    responses = mixed(0)
    first = select_units(responses, method, seed=1)
    assert len(first.test_ids) == 6
    held_out = np.isin(responses.trials.stimulus_id, first.test_ids)
    counts = responses.counts.copy()
    counts[held_out] = np.random.default_rng(9).poisson(20.0, counts[held_out].shape)
    changed = Responses(counts, responses.window_s, responses.trials, responses.unit_ids)
    second = select_units(changed, method, seed=1)
    for name, value in vars(first).items():
        np.testing.assert_array_equal(getattr(second, name), value)


def test_training_ids_can_be_given():
    responses = mixed(1)
    given = np.arange(5, 25)
    selected = select_units(responses, SIGNIFICANCE, seed=0, training_ids=given[::-1])
    assert selected.training_ids.tolist() == given.tolist()
    assert selected.test_ids.tolist() == [0, 1, 2, 3, 4, *range(25, 30)]
    repeats = responses.repeats()[given]
    np.testing.assert_array_equal(selected.oracle, leave_one_out_oracle(repeats))
    np.testing.assert_allclose(selected.variance, repeats.mean(axis=1).var(axis=0, ddof=1))


def test_every_stimulus_can_be_used_for_training():
    selected = select_units(mixed(1), UnitSelection(test_fraction=0.0, n_trees=5), seed=0)
    assert len(selected.training_ids) == 30
    assert len(selected.test_ids) == 0


def test_significance_keeps_the_tuned_units_and_says_why():
    selected = select_units(mixed(2), SIGNIFICANCE, seed=0)
    assert selected.keep[:10].all()
    assert selected.keep[10:].sum() <= 1
    assert selected.reason[0].startswith("kept: snr ")
    assert selected.reason[20] == "dropped: snr nan is not > 0.01; corrected p 1 is not <= 0.05"
    assert repr(selected) == (
        f"SelectedUnits({selected.keep.sum()} of 21 units kept, by 24 stimuli; 6 held out)"
    )


def test_percentiles_keep_what_passes_both_limits():
    selected = select_units(mixed(3), PERCENTILES, seed=0)
    wanted = (selected.oracle > np.nanpercentile(selected.oracle, 60)) & (
        selected.variance > np.percentile(selected.variance, 50)
    )
    np.testing.assert_array_equal(selected.keep, wanted)
    assert selected.reason[np.argmax(wanted)].startswith("kept: oracle ")
    assert selected.reason[20].startswith("dropped: oracle nan is not > ")


def test_in_pure_noise_percentiles_keep_some_units_and_significance_none():
    noise = recorded(np.full((30, 100), 2.0), 8, seed=4)
    assert select_units(noise, PERCENTILES, seed=0).keep.sum() >= 15
    assert select_units(noise, SIGNIFICANCE, seed=0).keep.sum() <= 1


def test_one_good_unit_among_500_without_signal_is_kept():
    rates = np.full((30, 500), 2.0)
    rates[:, 123] = np.random.default_rng(10).gamma(1.0, 4.0, 30)
    selected = select_units(recorded(rates, 6, seed=10), UnitSelection(n_trees=5), seed=0)
    assert selected.p_value[123] == 1 / 10001
    assert selected.keep[123]
    assert selected.keep.sum() <= 2


def test_the_table_begins_with_the_verdict():
    selected = select_units(mixed(2), SIGNIFICANCE, seed=0)
    assert list(selected.columns())[:3] == ["unit_ids", "keep", "reason"]


def test_a_count_of_zero_is_a_count():
    rates = np.random.default_rng(5).gamma(1.0, 0.5, (60, 30))
    responses = recorded(rates, 40, seed=5)
    repeats = responses.repeats()
    spiking = np.where(repeats[:, :, :1] > 0, repeats[:, :, :1], np.nan)
    assert np.nanmean(spiking) > 2 * repeats[:, :, 0].mean()
    method = UnitSelection(test_fraction=0.0, n_permutations=9, n_trees=5)
    selected = select_units(responses, method, seed=0)
    with_zeros = repeats.mean(axis=1)
    np.testing.assert_allclose(selected.variance, with_zeros.var(axis=0, ddof=1))
    np.testing.assert_allclose(selected.entropy_bits, entropy(with_zeros, base=2, axis=0))
    rates_entropy = entropy(rates, base=2, axis=0)
    without = np.array([
        entropy(np.nanmean(np.where(column > 0, column, np.nan)[rows], axis=1), base=2)
        for column in repeats.transpose(2, 0, 1)
        for rows in [(column > 0).any(axis=1)]
    ])  # fmt: skip
    assert np.abs(selected.entropy_bits - rates_entropy).mean() < 0.2
    assert (without - rates_entropy).mean() > 0.4


def test_entropy_runs_from_one_stimulus_to_all():
    counts = np.tile([[4.0, 2.0, 0.0]], (16, 1))
    counts[2:, 0] = 0.0
    trials = Trials(np.repeat(np.arange(8), 2))
    responses = Responses(counts, (0.0, 0.1), trials, ["one", "all", "none"])
    method = UnitSelection(test_fraction=0.0, n_permutations=9)
    selected = select_units(responses, method, seed=0)
    np.testing.assert_allclose(selected.entropy_bits, [0.0, 3.0, np.nan])
    assert selected.anomaly[2] == np.False_


def test_partners_are_the_most_and_the_least_correlated():
    x = np.random.default_rng(6).normal(size=20)
    y = np.random.default_rng(7).normal(size=20)
    means = 10 + np.stack([x, x + 0.1 * y, -x, np.zeros(20)], axis=1)
    responses = Responses(
        np.repeat(means, 2, axis=0), (0, 1), Trials(np.repeat(range(20), 2)), list("abcd")
    )
    method = UnitSelection(test_fraction=0.0, n_permutations=9)
    selected = select_units(responses, method, seed=0)
    assert selected.most_correlated.tolist() == [1, 0, 1, -1]
    assert selected.least_correlated.tolist() == [2, 2, 0, -1]
    columns = selected.columns()
    assert columns["most_correlated"].tolist() == ["b", "a", "b", ""]
    assert columns["least_correlated"].tolist() == ["c", "c", "a", ""]
    assert selected.least_correlation[0] == pytest.approx(-1.0)
    assert selected.most_correlation[0] == pytest.approx(np.corrcoef(means[:, :2].T)[0, 1])
    assert np.isnan(selected.most_correlation[3])
    assert np.isnan(selected.least_correlation[3])
    assert "training_ids" not in columns


def test_the_unit_unlike_the_others_is_an_anomaly():
    rates = np.full((30, 40), 5.0)
    rates[3, 17] = 200.0
    method = UnitSelection(contamination=1 / 40, n_permutations=9)
    selected = select_units(recorded(rates, 5, seed=8), method, seed=0, training_ids=range(20))
    assert np.flatnonzero(selected.anomaly).tolist() == [17]


def test_one_unit_has_no_partner_and_is_no_anomaly():
    responses = recorded(np.random.default_rng(9).gamma(1.0, 4.0, (20, 1)), 5, seed=9)
    for method in (PERCENTILES, SIGNIFICANCE):
        selected = select_units(responses, method, seed=0)
        assert selected.most_correlated.tolist() == [-1]
        assert selected.columns()["least_correlated"].tolist() == [""]
        assert not selected.anomaly.any()
    assert selected.keep.all()


def test_silent_units_alone_are_all_dropped():
    responses = recorded(np.zeros((10, 2)), 3, seed=0)
    for method in (PERCENTILES, SIGNIFICANCE):
        selected = select_units(responses, method, seed=0)
        assert not selected.keep.any()
    assert (
        select_units(responses, PERCENTILES, seed=0).reason.tolist() == ["dropped: no oracle"] * 2
    )


def test_ids_that_were_not_shown_are_refused():
    with pytest.raises(InvalidInputError, match="training_ids holds 2 ids that were not shown"):
        select_units(mixed(0), PERCENTILES, seed=0, training_ids=[1, 2, 98, BLANK])


def test_training_stimuli_without_repeats_are_refused():
    responses = Responses(np.ones((4, 1)), (0.0, 0.1), Trials([0, 1, 2, 3]), [5])
    with pytest.raises(InvalidInputError, match="Of 3 stimuli 0 were shown twice or more"):
        select_units(responses, PERCENTILES, seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "best"}, "rule='best': it must be 'percentiles' or 'significance'"),
        ({"oracle_percentile": 101.0}, "oracle_percentile=101.0: it must lie in 0..100"),
        ({"variance_percentile": -1.0}, "variance_percentile=-1.0: it must lie in 0..100"),
        ({"alpha": 0.0}, "alpha=0.0: it must lie between 0 and 1"),
        ({"test_fraction": 1.0}, "test_fraction=1.0: it must be at least 0 and below 1"),
        ({"contamination": 0.6}, "contamination=0.6: it must be above 0 and at most 0.5"),
        ({"n_trees": 0}, "n_trees=0: it must be 1 or more"),
        ({"n_permutations": 0}, "n_permutations=0: it must be 1 or more"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings, message):
    with pytest.raises(InvalidInputError, match=message):
        UnitSelection(**settings)
