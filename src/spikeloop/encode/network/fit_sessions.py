"""One network for several recordings: one core, and a readout for the units of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from spikeloop.data import Images, Responses
from spikeloop.data.checkpoint import Checkpoint
from spikeloop.data.checks import require
from spikeloop.encode.fitted import FittedModel, Parameters
from spikeloop.encode.image_data import image_data, require_fittable
from spikeloop.encode.network.model import ConvolutionalNetwork
from spikeloop.encode.network.sessions import train_sessions
from spikeloop.encode.splits import StimulusSplit

Session = tuple[Responses, Images, StimulusSplit]


def fit_sessions(
    model: ConvolutionalNetwork,
    sessions: Sequence[Session],
    *,
    start: FittedModel | None = None,
    freeze_core: bool = False,
    progress: Callable[[int, int, float], None] | None = None,
    checkpoint: Checkpoint | None = None,
    seed: int,
) -> list[FittedModel]:
    """Fit one network to several recordings, which share its core.

    What is learned of one recording helps the others, most where they are short. With `start`, the
    core begins as that of a network that is trained: transfer to new units.

    Parameters
    ----------
    model
        The network.
    sessions
        Responses, images and split of each recording. Units and numbers of images may differ; the
        size of the images may not.
    start
        A fitted network with the same core; its readouts are not used.
    freeze_core
        Keep the core as it starts, and train the readouts alone.
    progress, checkpoint
        As in `fit`.
    seed
        Start of all random numbers.

    Returns
    -------
    fitted
        A model of the units of each recording, in the order given. The loss curves in `history`
        are those of all together.

    Raises
    ------
    InvalidInputError
        A recording cannot be learned from, the images differ in size, or the core of `start` is of
        another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from spikeloop.data import Trials
    >>> from spikeloop.encode import Factorized, StackedCore, Training, split_stimuli
    >>> rng = np.random.default_rng(0)
    >>> sessions = []
    >>> for n_images, n_units in ((60, 2), (80, 3)):
    ...     ids, pixels = np.arange(n_images), rng.normal(size=(n_images, 8, 8))
    ...     counts = rng.poisson(3.0, size=(n_images, n_units))
    ...     responses = Responses(counts, (0.0, 0.1), Trials(ids), np.arange(n_units))
    ...     sessions.append((responses, Images(pixels, ids), split_stimuli(ids, seed=0)))
    >>> network = ConvolutionalNetwork(
    ...     core=StackedCore(channels=(4,), kernel_px=(3,)),
    ...     readout=Factorized(),
    ...     training=Training(max_epochs=2),
    ... )
    >>> fit_sessions(network, sessions, seed=0)[1]
    FittedModel(ConvolutionalNetwork, 3 units, images of 8 x 8)
    """
    _require_nouns(model, sessions)
    pairs = [
        tuple(
            image_data(responses, images, ids) for ids in (split.training_ids, split.validation_ids)
        )
        for responses, images, split in sessions
    ]
    for (training, validation), (responses, _, _) in zip(pairs, sessions, strict=True):
        require_fittable(training.joined(validation), responses.unit_ids)
    estimates = train_sessions(
        model,
        pairs,
        seed=seed,
        start_core=None if start is None else _core(start),
        freeze_core=freeze_core,
        progress=progress,
        checkpoint=checkpoint,
    )
    return [
        FittedModel.of(model, estimate, responses, training.joined(validation), split)
        for estimate, (training, validation), (responses, _, split) in zip(
            estimates, pairs, sessions, strict=True
        )
    ]


def _require_nouns(model: object, sessions: Sequence[Session]) -> None:
    """Refuse what is no network, or no session."""
    require(
        isinstance(model, ConvolutionalNetwork),
        f"a {type(model).__name__} has no core to share: give a ConvolutionalNetwork.",
    )
    for session in sessions:
        kinds = tuple(type(part) for part in session)
        require(
            kinds == (Responses, Images, StimulusSplit),
            f"a session holds {', '.join(kind.__name__ for kind in kinds)}: give (Responses, "
            "Images, StimulusSplit).",
        )


def _core(start: FittedModel) -> Parameters:
    require(
        isinstance(start, FittedModel) and isinstance(start.model, ConvolutionalNetwork),
        f"start is a {type(getattr(start, 'model', start)).__name__}: give a fitted "
        "ConvolutionalNetwork.",
    )
    return start.parameters
