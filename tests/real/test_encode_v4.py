"""Models of macaque V4 units, on the split on which others were measured."""

from pathlib import Path

import numpy as np
import pytest

from spikeloop.encode import Evaluation, GaborBank, Ridge, evaluate_models, fit, split_stimuli
from spikeloop.encode.images.bank_features import BankFeatures
from spikeloop.encode.images.windows import Windows
from spikeloop.io import ReadOptions, read_experiment

DATA = Path(__file__).parents[3] / "shared" / "data" / "v4_macaque"
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="real recordings are not here: ../shared/data"
)


def compared(session, side_px, models):
    """Return the scores of models on the test images, one sixth of all."""
    experiment = read_experiment(DATA / session, ReadOptions(image_side_px=side_px))
    split = split_stimuli(experiment.responses.stimulus_ids, seed=0)
    given = (experiment.responses, experiment.images)
    fitted = {name: fit(model, *given, split=split, seed=0) for name, model in models.items()}
    return evaluate_models(fitted, *given, Evaluation(n_draws=100), seed=0)


@pytest.mark.slow
def test_linear_models_and_the_bank_reach_what_was_measured():
    found = compared("201025", 56, {"ridge": Ridge(), "bank": GaborBank()})
    assert len(found.unit_ids) == 89
    assert found["ridge"].correlation.mean.score == pytest.approx(0.178, abs=0.005)
    assert found["bank"].correlation.mean.score > 0.44
    assert found.differences["bank", "ridge"].difference.mean.low > 0.2


def test_a_small_bank_explains_units_that_a_line_does_not():
    """Half the pixels and few places, to be quick: 50 units, 640 images, 6 to 10 repeats."""
    small = GaborBank(BankFeatures(n_places=4), Windows(n_centres=2, size=0.2))
    found = compared("210325", 28, {"ridge": Ridge(), "bank": small})
    bank, ridge = found["bank"], found["ridge"]
    assert bank.correlation.mean.score > 0.4
    assert found.differences["bank", "ridge"].difference.mean.low > 0.1
    assert np.nanmedian(bank.cc_norm) > np.nanmedian(bank.correlation.units.score)
    assert np.nanmedian(bank.fraction_explained) > 0.1
    assert np.nanmean(bank.bits_per_spike) > np.nanmean(ridge.bits_per_spike)
