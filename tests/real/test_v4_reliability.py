"""The reliability of macaque V4 units, whose split-half reliability is known."""

from pathlib import Path

import numpy as np
import pytest

from spikeloop.characterize.reliability import Reliability, measure_reliability
from spikeloop.data import Responses, Trials
from spikeloop.evaluate import spearman_brown, split_half

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


@pytest.fixture(scope="module")
def responses() -> Responses:
    """Return session 210325: 50 units, 640 images, 6 to 10 repeats, spikes in 100 ms."""
    raw = np.load(DATA / "v4_macaque/210325/responses_raw.npy", allow_pickle=False)
    image, repeat = np.nonzero(np.isfinite(raw[0]))
    return Responses(raw[:, image, repeat].T, (0.0, 0.1), Trials(image), np.arange(len(raw)))


@pytest.fixture(scope="module")
def table(responses):
    return measure_reliability(responses, Reliability(n_permutations=200), seed=0)


def test_the_means_are_those_of_the_repository(responses):
    means = np.load(DATA / "v4_macaque/210325/responses_mean.npy", allow_pickle=False)
    np.testing.assert_allclose(responses.mean().T, means)


def test_spearman_brown_is_as_known(table, responses):
    exact = spearman_brown(split_half(responses.repeats()))
    for values in (table.random_halves_sb, exact):
        got = [values.mean(), values.min(), np.median(values), values.max()]
        np.testing.assert_allclose(got, [0.73, 0.51, 0.75, 0.93], atol=0.01)


def test_all_repeats_are_more_reliable_than_two_halves_of_an_odd_number(table):
    gain = table.split_half_sb - table.random_halves_sb
    assert (gain > 0).all()
    assert gain.max() < 0.03


def test_every_unit_has_a_signal(table):
    assert table.n_stimuli == 640
    assert (table.p_value <= 1 / 201 + 1e-12).all()
    assert (table.snr > 0.1).all()
    assert (table.oracle_low > 0.15).all()
