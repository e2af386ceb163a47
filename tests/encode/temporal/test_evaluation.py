"""Models of a continuous stimulus side by side, against scores computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloop import evaluate
from spikeloop.data import Epochs, SpikeTrains, TimeSeries
from spikeloop.encode import Evaluation, PoissonGLM, Ridge, evaluate_series, fit, split_time
from spikeloop.encode.temporal.filtering import RaisedCosines
from spikeloop.errors import InvalidInputError

RATE_HZ = 50.0
RNG = np.random.default_rng(0)
STIMULUS = TimeSeries(RNG.standard_normal((10_000, 1)), RATE_HZ)
FIRED = np.flatnonzero(RNG.random(10_000) < 0.1 * np.exp(0.8 * STIMULUS.values[:, 0]))
SPIKES = SpikeTrains.from_units({"a": (FIRED + 0.5) / RATE_HZ}, Epochs([0.0], [200.0]))
PLAIN = PoissonGLM(RaisedCosines(3, 0.1, 0.02), history_basis=None, penalties=(1e-4,))
METHOD = Evaluation(n_draws=100)


@pytest.fixture(scope="module")
def fitted():
    heard = replace(PLAIN, history_basis=RaisedCosines(2, 0.1, 0.02))
    return {
        name: fit(m, SPIKES, STIMULUS, seed=0) for name, m in (("plain", PLAIN), ("glm", heard))
    }


def test_scores_are_those_computed_by_hand(fitted):
    named = []
    found = evaluate_series(fitted, SPIKES, STIMULUS, METHOD, progress=named.append, seed=0)
    assert named == ["plain", "glm"]
    counts = np.bincount(FIRED, minlength=10_000).astype(float)[:, None]
    null = counts[:8000].mean(axis=0)
    for name, model in fitted.items():
        expected = model.rates(STIMULUS, SPIKES).values[8000:] / RATE_HZ
        np.testing.assert_allclose(found.expected[name], expected)
        floored = np.maximum(expected, 0.01 * null)
        bits = evaluate.bits_per_spike(counts[8000:], floored, null)
        np.testing.assert_allclose(found[name].bits.units.score, bits)
    assert found["mean"].bits.units.score[0] == pytest.approx(0, abs=1e-12)
    assert found["plain"].bits.mean.low > 0.2
    assert list(found.differences) == [("plain", "mean"), ("glm", "mean"), ("glm", "plain")]
    gained = found["glm"].bits.mean.score - found["plain"].bits.mean.score
    assert found.differences["glm", "plain"].bits.difference.mean.score == pytest.approx(gained)
    assert "plain: 0." in repr(found)


def test_what_cannot_be_compared_is_refused(fitted):
    other = fit(PLAIN, SPIKES, STIMULUS, split=split_time(SPIKES.epochs, test_fraction=0.3), seed=0)
    renamed = replace(fitted["plain"], unit_ids=np.array(["b"]))
    for models, message in (
        ({}, "models by their names, one at least"),
        (fitted["plain"], "models by their names"),
        ({"mean": fitted["plain"]}, "'mean' is the mean rate here"),
        ({"a": fitted["plain"], "b": other}, "b learned from other time"),
        ({"a": renamed}, "a was fitted to other units"),
        ({"a": Ridge()}, "a is a Ridge: give FittedSeriesModels"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            evaluate_series(models, SPIKES, STIMULUS, METHOD, seed=0)
