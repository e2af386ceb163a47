"""The reliability table, and what it makes of units and stimuli that tell nothing."""

import numpy as np
import pytest

from spikeloop import evaluate
from spikeloop.characterize.reliability import Reliability, measure_reliability
from spikeloop.data import BLANK, Responses, Trials
from spikeloop.errors import InvalidInputError

QUICK = Reliability(n_permutations=99, n_splits=10, n_draws=50)


def recorded(seed: int, n_units: int = 4, n_stimuli: int = 20) -> Responses:
    """Return Poisson counts in random order: 2 to 6 repeats, one stimulus shown once, blanks."""
    rng = np.random.default_rng(seed)
    n_repeats = rng.integers(2, 7, n_stimuli)
    n_repeats[0] = 1
    shown = np.repeat(np.arange(n_stimuli) + 10, n_repeats)
    shown = rng.permutation(np.concatenate([shown, np.full(8, BLANK)]))
    rates = rng.gamma(1.5, 2.0, (n_stimuli, n_units))
    rates = np.concatenate([rates, np.full((11, n_units), 50.0)])  # row -1 is the blank
    counts = rng.poisson(rates[np.where(shown == BLANK, -1, shown - 10)])
    return Responses(counts, (0.0, 0.25), Trials(shown), np.arange(n_units) + 100)


def with_counts(responses: Responses, counts: np.ndarray) -> Responses:
    return Responses(counts, responses.window_s, responses.trials, responses.unit_ids)


def test_each_column_is_its_score():
    responses = recorded(0)
    repeats = responses.repeats()
    table = measure_reliability(responses, QUICK, seed=0)
    for name, score in {
        "oracle": evaluate.leave_one_out_oracle,
        "signal_power": evaluate.signal_power,
        "noise_power": evaluate.noise_power,
        "snr": evaluate.signal_to_noise,
        "fev": evaluate.fraction_explainable,
        "cc_max": evaluate.cc_max,
        "split_half_sb": evaluate.mean_reliability,
        "signal_correlation": evaluate.signal_correlation,
        "noise_correlation": evaluate.noise_correlation,
    }.items():
        np.testing.assert_array_equal(getattr(table, name), score(repeats))
    halves = evaluate.spearman_brown(evaluate.split_half(repeats))
    np.testing.assert_allclose(table.random_halves_sb, halves, atol=0.1)
    assert ((table.oracle_low < table.oracle) & (table.oracle < table.oracle_high)).all()
    assert (table.p_value <= 0.05).all()


def test_numbers_of_stimuli_repeats_and_spikes_are_those_shown():
    responses = recorded(1)
    table = measure_reliability(responses, QUICK, seed=0)
    shown = responses.trials.stimulus_id
    _, n_repeats = np.unique(shown[shown != BLANK], return_counts=True)
    assert table.n_stimuli == 19
    assert table.mean_repeats == pytest.approx(n_repeats[n_repeats >= 2].mean())
    np.testing.assert_allclose(table.mean_count, responses.counts[shown != BLANK].mean(axis=0))
    assert repr(table).startswith("ReliabilityTable(4 units, 19 stimuli x ")


def test_the_columns_are_those_of_units():
    columns = measure_reliability(recorded(2), QUICK, seed=0).columns()
    assert columns["unit_ids"].tolist() == [100, 101, 102, 103]
    assert {len(column) for column in columns.values()} == {4}
    assert "oracle" in columns
    assert "signal_correlation" not in columns


def test_the_seed_alone_decides_what_is_random():
    responses = recorded(3)
    first, again, other = (
        measure_reliability(responses, QUICK, seed=seed).columns() for seed in (5, 5, 6)
    )
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["random_halves_sb"] != other["random_halves_sb"]).any()


def test_a_silent_unit_has_nan_and_p_of_1_and_leaves_the_others_alone():
    responses = recorded(4)
    counts = responses.counts.copy()
    counts[:, 1] = 0.0
    whole = measure_reliability(responses, QUICK, seed=0).columns()
    table = measure_reliability(with_counts(responses, counts), QUICK, seed=0)
    columns = table.columns()
    assert columns["p_value"][1] == 1
    assert columns["signal_power"][1] == columns["noise_power"][1] == columns["mean_count"][1] == 0
    for name in ("oracle", "oracle_low", "split_half_sb", "random_halves_sb", "snr", "cc_max"):
        assert np.isnan(columns[name][1]), name
    for name, column in columns.items():
        np.testing.assert_allclose(np.delete(column, 1), np.delete(whole[name], 1), rtol=1e-9)
    assert np.isnan(table.signal_correlation[1]).all()


def test_one_unit_works():
    table = measure_reliability(recorded(5, n_units=1), QUICK, seed=0)
    assert table.oracle.shape == (1,)
    assert table.signal_correlation[0, 0] == pytest.approx(1.0)


def test_two_stimuli_work():
    table = measure_reliability(recorded(6, n_stimuli=3), QUICK, seed=0)
    assert table.n_stimuli == 2
    assert np.isfinite(table.oracle).all()


def test_means_of_repeats_are_refused_with_advice():
    trials = Trials(np.arange(5))
    responses = Responses(np.ones((5, 2)), (0.0, 0.1), trials, [1, 2])
    with pytest.raises(InvalidInputError, match="Of 5 stimuli 0 were shown twice or more") as error:
        measure_reliability(responses, QUICK, seed=0)
    assert "leave reliability out" in str(error.value)


def test_blanks_alone_are_refused():
    responses = Responses(np.ones((3, 1)), (0.0, 0.1), Trials([BLANK] * 3), [1])
    with pytest.raises(InvalidInputError, match="Of 0 stimuli 0 were shown twice"):
        measure_reliability(responses, QUICK, seed=0)


def test_no_units_are_refused():
    responses = Responses(np.ones((2, 0)), (0.0, 0.1), Trials([1, 1]), np.array([], dtype=int))
    with pytest.raises(InvalidInputError, match="hold no units"):
        measure_reliability(responses, QUICK, seed=0)


@pytest.mark.parametrize("name", ["n_permutations", "n_splits", "n_draws"])
def test_numbers_of_draws_must_be_positive(name):
    with pytest.raises(InvalidInputError, match=f"{name}=0: it must be 1 or more"):
        Reliability(**{name: 0})


def test_the_confidence_is_a_fraction():
    with pytest.raises(InvalidInputError, match="confidence=95: it must lie between 0 and 1"):
        Reliability(confidence=95)
