"""What the report on models says of pairs of models, and of how networks were trained."""

from types import SimpleNamespace

import numpy as np
import pytest

from spikeloop import encode
from spikeloop.encode.network.stack import StackedCore
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.network_training import SeriesTraining
from spikeloop.errors import SpikeloopWarning
from spikeloop.evaluate import ScoreInterval
from spikeloop.workflows.encode.image_filters import _start_words
from spikeloop.workflows.encode.model_pairs import interval_words, told_apart
from spikeloop.workflows.encode.training_report import (
    still_improving,
    training_figure,
    warn_of_early_ends,
)

EPOCH = np.arange(40.0)[:, None]


def pair(low, high):
    mean = ScoreInterval((low + high) / 2, low, high)
    return SimpleNamespace(difference=SimpleNamespace(mean=mean))


def trained(score, max_epochs):
    """Return a network of images whose validation correlation went so."""
    network = encode.ConvolutionalNetwork(training=encode.Training(max_epochs=max_epochs))
    history = {"training_loss": 50 - score, "validation_correlation": score}
    return SimpleNamespace(model=network, history=history, unit_ids=np.arange(50))


@pytest.mark.parametrize(
    ("score", "improving"),
    [
        (EPOCH[:1], True),  # of one epoch nothing else is known
        (EPOCH, True),
        (1 - np.exp(-EPOCH / 5), False),  # the best is the last, by next to nothing
        (1 - np.exp(-EPOCH / 20), True),
        (-np.abs(EPOCH - 30), False),  # the best lies ten epochs back
        (np.hstack([-EPOCH, EPOCH]), True),  # the second member
        (np.hstack([-EPOCH, np.where(EPOCH < 20, EPOCH, np.nan)]), False),  # it had stopped
    ],
)
def test_a_score_that_still_rises_is_told_from_one_that_does_not(score, improving):
    assert still_improving(score) is improving


def test_networks_that_were_cut_off_are_warned_of():
    warn_of_early_ends({"network": trained(EPOCH, 50)})  # patience ended it
    with pytest.warns(SpikeloopWarning, match="network was still improving .* after 40 epochs"):
        warn_of_early_ends({"network": trained(EPOCH, 40)})
    dilated = SimpleNamespace(
        model=DilatedNetwork(training=SeriesTraining(n_epochs=1)),
        history={"validation_loss": np.array([0.2])},
    )
    with pytest.warns(SpikeloopWarning, match=r"dilated .* after 1 epoch: .* Raise max_epochs"):
        warn_of_early_ends(
            {"ridge": SimpleNamespace(model=encode.Ridge(), history={}), "dilated": dilated}
        )


def test_the_loss_is_named_for_what_it_is():
    figure = training_figure("network", trained(EPOCH, 40))
    assert [ax.get_ylabel() for ax in figure.figure.axes] == [
        "Poisson loss, sum of 50 units",
        "correlation",
    ]
    history = {"training_loss": EPOCH[:, 0], "validation_loss": EPOCH[:, 0], "best_epoch": 0}
    dilated = SimpleNamespace(model=DilatedNetwork(), history=history)
    (ax,) = training_figure("dilated", dilated).figure.axes
    assert ax.get_ylabel() == "Poisson loss (nats per bin)"
    assert training_figure("ridge", SimpleNamespace(model=encode.Ridge())) is None


def test_kernels_that_began_as_gabors_are_said_to():
    import jax

    core = StackedCore(channels=(4,), kernel_px=(7,), start="gabor")
    kernel = np.array(core.begin(jax.random.key(0))["core.0.kernel"])[:, :, 0]
    words = _start_words(encode.ConvolutionalNetwork(core=core), kernel)
    assert "is 1.00 to 1.00, with a median of 1.00;" in words
    kernel[:, :, 0] *= -1
    words = _start_words(encode.ConvolutionalNetwork(core=core), kernel)
    assert "is −1.00 to 1.00" in words


def test_models_that_the_best_is_not_told_apart_from_are_named():
    pairs = {("a", "mean"): pair(0.1, 0.2), ("best", "a"): pair(-0.1, 0.2), ("b", "a"): pair(-1, 1)}
    assert told_apart(pairs, "best") == "; not told apart from a"
    assert told_apart(pairs, "mean") == ""
    many = {(name, "best"): pair(-1, 1) for name in "abcd"}
    assert told_apart(many, "best") == "; not told apart from 4 others"
    assert told_apart({("best", "a"): pair(np.nan, np.nan)}, "best") == ""


def test_the_ends_of_an_interval_have_as_many_decimals():
    assert interval_words(ScoreInterval(0.95, 0.9, 0.9876)) == "0.900 to 0.988"
