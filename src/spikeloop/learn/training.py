"""How a network is trained: settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import optax

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.learn.delays import NARROWEST_TICKS
from spikeloop.numerics.learning_rate import warmed_cosine


@dataclass(frozen=True)
class Training:
    """Adam on the cross-entropy of the classes, until validation says stop.

    Sources: Kingma and Ba 2015, ICLR; the bounds on rates as in Zenke and Vogels 2021, Neural
    Computation 33:899.
    """

    learning_rate: float = 0.1
    """Of the first epoch after warming up. A step changes a weight by about so much of 1 /
    sqrt(senders); 0.14 is 0.01 for the weights of 200 inputs."""
    schedule: Literal["cosine", "constant"] = "cosine"
    """`cosine`: the rate falls to 0 over `max_epochs`; `constant`: it does not."""
    warm_up_epochs: int = 8
    """Over how many epochs the rate rises to its height. If it is high at once, a third of the
    units fall silent for ever."""
    batch_size: int = 64
    """Trials in a step."""
    batches_per_epoch: int = 64
    """Steps in an epoch."""
    max_epochs: int = 100
    """When to stop at the latest."""
    patience: int = 100
    """Stop after so many epochs without a lower validation loss."""
    fresh: bool = True
    """Whether each epoch has new trials; if not the same ones come again, noise and all, and are
    learned by heart."""
    n_validation: int = 2048
    """Trials on which the loss of validation is measured, the same in each epoch."""
    clip_norm: float = 1.0
    """Gradients longer than this are shortened to it; 0: none are."""
    lowest_rate_hz: float = 5.0
    """Units that fire less on average over a batch are pushed up, so that none is silent."""
    highest_rate_hz: float | None = None
    """Units that fire more are pushed down; None: there is no bound."""
    rate_weight: float = 1e-3
    """Loss for each Hz beyond these bounds, squared, averaged over units."""
    narrowing_share: float = 0.5
    """Over which share of the epochs the bumps narrow by which delays are learned."""

    def __post_init__(self) -> None:
        require_settings(self)
        for name in ("batch_size", "batches_per_epoch", "max_epochs", "patience", "n_validation"):
            value = getattr(self, name)
            require(value >= 1, f"{name}={value}: it must be 1 or more.")
        require(
            0 < self.narrowing_share <= 1,
            f"narrowing_share={self.narrowing_share}: it must be above 0, and at most 1.",
        )
        for name in ("warm_up_epochs", "clip_norm", "lowest_rate_hz", "rate_weight"):
            value = getattr(self, name)
            require(value >= 0, f"{name}={value}: it must be 0 or more.")
        require(
            self.learning_rate > 0,
            f"learning_rate={self.learning_rate}: it must be above 0. Try 0.1.",
        )
        require(
            self.highest_rate_hz is None or self.highest_rate_hz > self.lowest_rate_hz,
            f"lowest_rate_hz={self.lowest_rate_hz}, highest_rate_hz={self.highest_rate_hz}: the "
            "highest must be above the lowest.",
        )

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0.

        Examples
        --------
        >>> training = Training(learning_rate=1.0, warm_up_epochs=2, max_epochs=10)
        >>> [round(training.rate(epoch), 2) for epoch in (0, 1, 2, 6, 9)]
        [0.5, 1.0, 1.0, 0.5, 0.04]
        """
        if self.schedule == "cosine" or epoch < self.warm_up_epochs:
            share = warmed_cosine(epoch, self.warm_up_epochs, self.max_epochs)
            return self.learning_rate * share
        return self.learning_rate

    def delay_width_ticks(self, epoch: int, n_late: int) -> float:
        """Return how wide the bumps around delays are in an epoch, for delays up to `n_late` ticks.

        From a quarter of that it falls exponentially to half a tick.

        Examples
        --------
        >>> training = Training(max_epochs=8)
        >>> [round(training.delay_width_ticks(epoch, 32), 2) for epoch in (0, 2, 4, 7)]
        [8.0, 2.0, 0.5, 0.5]
        """
        widest = max(n_late / 4, NARROWEST_TICKS)
        done = min(epoch / (self.narrowing_share * self.max_epochs), 1.0)
        return widest * (NARROWEST_TICKS / widest) ** done

    def optimizer(self) -> optax.GradientTransformation:
        """Return what turns gradients into steps of a learning rate of 1, uphill."""
        clip = [optax.clip_by_global_norm(self.clip_norm)] if self.clip_norm else []
        return optax.chain(*clip, optax.scale_by_adam())
