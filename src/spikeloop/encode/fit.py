"""The verb of this room: a model and an experiment in, a fitted model out."""

from __future__ import annotations

from collections.abc import Callable

from spikeloop.data import Images, Responses, SpikeTrains, TimeSeries
from spikeloop.data.checkpoint import Checkpoint
from spikeloop.data.checks import require, require_seed
from spikeloop.encode.fitted import FittedModel, ImageModel
from spikeloop.encode.image_data import image_data, require_fittable
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.splits import StimulusSplit, TimeSplit, split_stimuli
from spikeloop.encode.temporal.fit_series import fit_series
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel, SeriesModel


def fit(
    model: ImageModel | SeriesModel,
    responses: Responses | SpikeTrains,
    stimuli: Images | TimeSeries,
    *,
    split: StimulusSplit | TimeSplit | None = None,
    progress: Callable[[int, int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
    seed: int,
) -> FittedModel | FittedSeriesModel:
    """Fit a model to the responses of all units at once, to images or to a continuous stimulus.

    Parameters
    ----------
    model
        Settings. Of images: `Ridge`, `GaborBank`, `ScatteringKernel`, `ConvolutionalNetwork` ...
        Of a continuous stimulus: `PoissonGLM`, `MaximallyInformative`, `DilatedNetwork` ...
    responses
        `Responses` to images, whose mean over the trials of each is predicted; or `SpikeTrains`.
    stimuli
        `Images`, paired with the responses by their ids; or a `TimeSeries` on the clock of the
        spikes.
    split
        What to learn from; the test is not looked at. None, for images: learn from all, a twelfth
        of which is drawn for validation; for a continuous stimulus: as `fit_series` says.
    progress, checkpoint
        Of a `ConvolutionalNetwork`: what is called after each epoch, with its number, how many
        there may be and the validation correlation; and where the state of the training is kept.
    seed
        Start of all random numbers.

    Raises
    ------
    InvalidInputError
        The model is not one of such stimuli, a stimulus has no image, there are fewer than 20
        images, or all look the same; or as `fit_series` says.

    Examples
    --------
    >>> import numpy as np
    >>> from spikeloop.data import Trials
    >>> from spikeloop.encode import Ridge
    >>> rng = np.random.default_rng(0)
    >>> pixels = rng.normal(size=(200, 6, 6)).astype(np.float32)
    >>> counts = 5 + pixels[:, 2:3, 3] - pixels[:, 4:5, 3]
    >>> trials = Trials(stimulus_id=np.arange(200))
    >>> responses = Responses(counts, (0.0, 0.1), trials, unit_ids=["a"])
    >>> fitted = fit(Ridge(), responses, Images(pixels, np.arange(200)), seed=0)
    >>> fitted
    FittedModel(Ridge, 1 units, images of 6 x 6)
    >>> fitted.receptive_fields()[0, 2:5, 3].round(1).tolist()
    [1.0, 0.0, -1.0]
    """
    _require_nouns(model, responses, stimuli)
    _require_trainable(model, progress, checkpoint)
    require_seed(seed)
    if isinstance(stimuli, TimeSeries):
        return fit_series(model, responses, stimuli, split=split, seed=seed)
    if split is None:
        split = split_stimuli(responses.stimulus_ids, test_fraction=0.0, seed=seed)
    require(
        isinstance(split, StimulusSplit),
        f"split is a {type(split).__name__}: for images it must be a StimulusSplit.",
    )
    training = image_data(responses, stimuli, split.training_ids)
    validation = image_data(responses, stimuli, split.validation_ids)
    require_fittable(training.joined(validation), responses.unit_ids)
    hooks = {"progress": progress, "checkpoint": checkpoint} if progress or checkpoint else {}
    estimate = model.fit_images(training, validation, seed=seed, **hooks)
    return FittedModel.of(model, estimate, responses, training.joined(validation), split)


def _require_trainable(model: object, progress: object, checkpoint: object) -> None:
    """Refuse to watch what is not trained in epochs."""
    require(
        isinstance(model, ConvolutionalNetwork) or (progress is None and checkpoint is None),
        f"a {type(model).__name__} is not trained in epochs: leave out progress and checkpoint.",
    )
    require(
        checkpoint is None or isinstance(checkpoint, Checkpoint),
        f"checkpoint is a {type(checkpoint).__name__}: give a Checkpoint, which holds its path.",
    )


def _require_nouns(model: object, responses: object, stimuli: object) -> None:
    """Refuse what is not a model, with responses, of such stimuli."""
    require(
        isinstance(stimuli, (Images, TimeSeries)),
        f"stimuli is a {type(stimuli).__name__}: give Images or a TimeSeries.",
    )
    shows_images = isinstance(stimuli, Images)
    wanted = Responses if shows_images else SpikeTrains
    require(
        isinstance(responses, wanted),
        f"responses is a {type(responses).__name__}: {type(stimuli).__name__} want "
        f"{wanted.__name__}.",
    )
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    require(
        not isinstance(model, type),
        f"model is the class {name}: give its settings, such as {name}().",
    )
    require(
        hasattr(model, "fit_images" if shows_images else "fit_series"),
        f"a {name} models no {'images' if shows_images else 'time series'}. Try "
        f"{'GaborBank' if shows_images else 'PoissonGLM'}.",
    )
