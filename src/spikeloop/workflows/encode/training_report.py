"""The curves of a training, and a warning where it ended too early."""

import warnings
from collections.abc import Mapping

import numpy as np

from spikeloop.encode import ConvolutionalNetwork, FittedModel
from spikeloop.encode.temporal.dilated_network import DilatedNetwork
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel
from spikeloop.errors import SpikeloopWarning
from spikeloop.viz import ReportFigure, plot_training

_END, _LEAST_GAIN = 0.1, 0.02
_SERIES_CURVES = ("training_loss", "validation_loss")


def training_figure(name: str, fitted: FittedModel | FittedSeriesModel) -> ReportFigure | None:
    """Return how the training of a network went; None for any other model."""
    model = fitted.model
    if isinstance(model, ConvolutionalNetwork):
        loss = f"{model.loss.replace('_', ' ')} loss".capitalize()
        label, words = f"{loss}, sum of {len(fitted.unit_ids)} units", _image_words(model)
        curves = dict(fitted.history)
    elif isinstance(model, DilatedNetwork):
        label, words = "Poisson loss (nats per bin)", _SERIES_WORDS
        curves = {key: fitted.history[key] for key in _SERIES_CURVES}
    else:
        return None
    figure = plot_training(curves, labels=(label, "correlation"))
    return ReportFigure(f"Training of {name}", figure, words)


def warn_of_early_ends(fitted: Mapping[str, FittedModel | FittedSeriesModel]) -> None:
    """Warn of each network that would have gone on learning."""
    for name, of in fitted.items():
        model, history = of.model, of.history
        if isinstance(model, ConvolutionalNetwork):
            score, most = history["validation_correlation"], model.training.max_epochs
        elif isinstance(model, DilatedNetwork):
            score, most = -history["validation_loss"][:, None], model.training.n_epochs
        else:
            continue
        if len(score) >= most and still_improving(score):
            epochs = "1 epoch" if len(score) == 1 else f"{len(score)} epochs"
            warnings.warn(
                f"{name} was still improving when its training ended after {epochs}: it can "
                "predict better than these scores say. Raise max_epochs.",
                SpikeloopWarning,
                stacklevel=2,
            )


def still_improving(score: np.ndarray) -> bool:
    """Return whether a score was still rising at its end, in any of the members.

    The last tenth of the epochs must have brought more than a fiftieth of the rise of the best so
    far: where the learning rate falls to zero, the best epoch is among the last in any case.

    Parameters
    ----------
    score
        (epoch, member), NaN after a member has stopped.

    Examples
    --------
    >>> epoch = np.arange(30.0)[:, None]
    >>> still_improving(epoch), still_improving(1 - np.exp(-epoch / 3))
    (True, False)
    """
    n_last = max(1, round(_END * len(score)))
    score = np.where(np.isfinite(score), score, -np.inf)
    if len(score) == n_last:
        return True
    before, best = score[:-n_last].max(axis=0), score.max(axis=0)
    return bool(np.any(best - before > _LEAST_GAIN * (best - score[0])))


_SERIES_WORDS = (
    "Loss: the negative log-likelihood of a bin, up to a constant, all units added. That of "
    "training is taken while the weights change, that of validation by their average over steps. "
    "The weights kept are those of the epoch with the least validation loss."
)


def _image_words(model: ConvolutionalNetwork) -> str:
    """Return what the curves of a network of images are."""
    training, penalties = model.training, model.penalties
    also = [
        *(["images shifted"] if training.shift_px else []),
        *(["channels left out"] if training.dropout else []),
        *(["penalties of weights added"] if penalties != type(penalties)() else []),
    ]
    of = "" if model.loss == "negative_binomial" else "as fractions of the mean of their unit, "
    return (
        f"Loss: the negative log-likelihood of the mean counts, {of}up to a constant, averaged "
        "over images and summed over units"
        + (
            ": a unit adds 1 where it is predicted by its mean. "
            if model.loss == "poisson"
            else ". "
        )
        + "That of training is taken while the weights change"
        + (f", with {' and '.join(also)}. " if also else ". ")
        + "The weights kept are those of the epoch with the highest validation correlation."
        + (" Thin lines: further networks." if model.n_seeds > 1 else "")
    )
