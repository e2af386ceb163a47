"""The verb of this room: a model and an experiment in, a fitted model out."""

from __future__ import annotations

from spikeloop.data import Images, Responses
from spikeloop.encode.fitted import FittedModel, ImageModel
from spikeloop.encode.image_data import image_data, require_fittable
from spikeloop.encode.splits import StimulusSplit, split_stimuli


def fit(
    model: ImageModel,
    responses: Responses,
    images: Images,
    *,
    split: StimulusSplit | None = None,
    seed: int,
) -> FittedModel:
    """Fit a model of images to the responses of all units at once.

    Parameters
    ----------
    model
        Settings: `Ridge`, `GaborBank`, `ConvolutionalNetwork` ...
    responses
        Counts; the mean over the trials of each image is what is predicted.
    images
        What was shown, paired with the responses by their ids.
    split
        What to learn from. The test stimuli are not looked at. None: learn from all, a twelfth of
        which is drawn for validation.
    seed
        Start of all random numbers.

    Raises
    ------
    InvalidInputError
        A stimulus has no image, there are fewer than 20 images, or all look the same.

    Examples
    --------
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
    if split is None:
        split = split_stimuli(responses.stimulus_ids, test_fraction=0.0, seed=seed)
    training = image_data(responses, images, split.training_ids)
    validation = image_data(responses, images, split.validation_ids)
    require_fittable(training, responses.unit_ids)
    estimate = model.fit_images(training, validation, seed=seed)
    return FittedModel(
        model=model,
        parameters=estimate.parameters,
        unit_ids=responses.unit_ids,
        window_s=responses.window_s,
        mean_image=training.joined(validation).pixels.mean(axis=0),
        split=split,
        history=estimate.history,
    )
