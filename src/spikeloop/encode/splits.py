"""Which stimuli, or which stretches of time, a model may learn from, and which it is tested on.

Images are split by identity: all trials of an image fall on one side. Images that show much the
same, such as overlapping patches of a photograph, are kept together by `groups`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, Images
from spikeloop.data.checks import (
    as_vector,
    require,
    require_finite,
    require_seed,
    require_unique,
)

if TYPE_CHECKING:
    from jaxtyping import Int, Shaped


@dataclass(frozen=True, eq=False)
class StimulusSplit:
    """Ids of stimuli for training, for validation and for the test: ascending, and disjoint."""

    training_ids: Int[np.ndarray, " training"]
    """(training,) what parameters are fitted to."""
    validation_ids: Int[np.ndarray, " validation"]
    """(validation,) what settings are chosen by, and when training stops."""
    test_ids: Int[np.ndarray, " test"]
    """(test,) what no fit ever sees."""

    def __post_init__(self) -> None:
        names = ("training_ids", "validation_ids", "test_ids")
        for name in names:
            ids = np.sort(as_vector(name, getattr(self, name), np.int64))
            ids.flags.writeable = False
            object.__setattr__(self, name, ids)
        together = np.concatenate([getattr(self, name) for name in names])
        require_unique("the three parts of a split together", together)

    def __repr__(self) -> str:
        return (
            f"StimulusSplit({len(self.training_ids)} for training, {len(self.validation_ids)} for "
            f"validation, {len(self.test_ids)} for the test)"
        )

    @property
    def fitting_ids(self) -> Int[np.ndarray, " fitting"]:
        """(fitting,) those of training and of validation, ascending."""
        return np.union1d(self.training_ids, self.validation_ids)


def split_stimuli(
    stimulus_ids: Int[np.ndarray, " stimulus"],
    *,
    validation_fraction: float = 1 / 12,
    test_fraction: float = 1 / 6,
    groups: Shaped[np.ndarray, " stimulus"] | None = None,
    seed: int,
) -> StimulusSplit:
    """Split stimuli at random: test and validation take their shares, training has the rest.

    Parameters
    ----------
    stimulus_ids
        What was shown, each id once, as in `Responses.stimulus_ids`.
    validation_fraction, test_fraction
        Shares of the stimuli, or of the groups; rounded down in sum, so that the parts fit.
    groups
        (stimulus,) stimuli of one group are never parted. None: each is a group of its own.
    seed
        Decides the split.

    Raises
    ------
    InvalidInputError
        The fractions leave nothing to learn from, or ids occur twice.

    Examples
    --------
    >>> split_stimuli(np.arange(120), seed=0)
    StimulusSplit(90 for training, 10 for validation, 20 for the test)
    """
    ids = as_vector("stimulus_ids", stimulus_ids, np.int64)
    require_unique("stimulus_ids", ids)
    require(
        min(validation_fraction, test_fraction) >= 0 and validation_fraction + test_fraction < 1,
        f"validation_fraction={validation_fraction}, test_fraction={test_fraction}: both must be 0 "
        "or more, and leave a share for training.",
    )
    labels = ids if groups is None else np.asarray(groups)
    require(
        labels.shape == ids.shape,
        f"groups has shape {labels.shape} for {len(ids)} stimuli: give each stimulus one.",
    )
    if labels.dtype.kind == "f":
        require_finite("groups", labels)
    require_seed(seed)
    names, group = np.unique(labels, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    n_test, n_held = (
        int(len(names) * share + 1e-9)
        for share in (test_fraction, test_fraction + validation_fraction)
    )
    for share, n in ((test_fraction, n_test), (validation_fraction, n_held - n_test)):
        require(
            groups is None or n > 0 or share == 0,
            f"{len(names)} groups are too few to hold out a share of {share:.3g}. Give smaller "
            "groups, or a larger share.",
        )
    rank = np.argsort(order)[group]
    return StimulusSplit(
        ids[rank >= n_held], ids[(rank >= n_test) & (rank < n_held)], ids[rank < n_test]
    )


def alike(images: Images, stimulus_ids: Int[np.ndarray, " stimulus"]) -> np.ndarray:
    """Return a group for each stimulus: those whose pixels are the same have the same.

    Some sets of stimuli show an image under several ids. For the `groups` of `split_stimuli`, so
    that no image is both learned from and tested on.

    Parameters
    ----------
    images
        What was shown.
    stimulus_ids
        Whose groups to return.

    Returns
    -------
    group
        (stimulus,) the first id, of those given, that has these pixels.

    Raises
    ------
    InvalidInputError
        A stimulus has no image.

    Examples
    --------
    >>> pixels = np.zeros((3, 4, 4))
    >>> pixels[1] = 1.0
    >>> alike(Images(pixels, [5, 6, 7]), np.array([5, 6, 7])).tolist()
    [5, 6, 5]
    """
    ids = as_vector("stimulus_ids", stimulus_ids, np.int64)
    first: dict[bytes, int] = {}
    shown = (sha256(np.ascontiguousarray(image)).digest() for image in images.of_ids(ids))
    return np.array([first.setdefault(seen, int(i)) for i, seen in zip(ids, shown, strict=True)])


@dataclass(frozen=True, eq=False)
class TimeSplit:
    """Stretches of an experiment for training, for validation and for the test: disjoint."""

    training: Epochs
    """What parameters are fitted to."""
    validation: Epochs
    """What settings are chosen by, and when training stops."""
    test: Epochs
    """What no fit ever sees."""

    def __post_init__(self) -> None:
        parts = {name: getattr(self, name) for name in ("training", "validation", "test")}
        for name, part in parts.items():
            require(isinstance(part, Epochs), f"{name} is {part!r}: give Epochs.")
        for first, second in combinations(parts, 2):
            a, b = parts[first], parts[second]
            overlap = (a.start_s[:, None] < b.stop_s) & (b.start_s < a.stop_s[:, None])
            require(
                not overlap.any(),
                f"{first} and {second} overlap in time: what is tested must not be learned from. "
                "Part them, or use split_time.",
            )


def split_time(
    epochs: Epochs, *, validation_fraction: float = 0.1, test_fraction: float = 0.2
) -> TimeSplit:
    """Split observed time in order: training first, then validation, and the test last.

    Parameters
    ----------
    epochs
        When the experiment was observed.
    validation_fraction, test_fraction
        Shares of the observed time.

    Raises
    ------
    InvalidInputError
        The fractions leave nothing to learn from.

    Examples
    --------
    >>> split = split_time(Epochs([0.0], [10.0]))
    >>> float(split.validation.start_s[0]), float(split.test.start_s[0])
    (7.0, 8.0)
    """
    require(
        validation_fraction > 0 and test_fraction > 0 and validation_fraction + test_fraction < 1,
        f"validation_fraction={validation_fraction}, test_fraction={test_fraction}: both must be "
        "above 0, and leave a share for training.",
    )
    observed_s = epochs.stop_s - epochs.start_s
    total_s = observed_s.sum()
    held = np.array([validation_fraction + test_fraction, test_fraction, 0.0])
    edges_s = np.concatenate([[0.0], total_s - held * total_s])
    parts = [_within(epochs, start_s, stop_s) for start_s, stop_s in pairwise(edges_s)]
    return TimeSplit(*parts)


def _within(epochs: Epochs, start_s: float, stop_s: float) -> Epochs:
    """Return what lies between two amounts of observed time, counted from the start."""
    length_s = epochs.stop_s - epochs.start_s
    before_s = np.cumsum(length_s) - length_s
    first_s = epochs.start_s + np.clip(start_s - before_s, 0.0, length_s)
    last_s = epochs.start_s + np.clip(stop_s - before_s, 0.0, length_s)
    kept = last_s > first_s
    return Epochs(first_s[kept], last_s[kept])
