"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import optax

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.numerics.learning_rate import warmed_cosine


@dataclass(frozen=True)
class Training:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019), until validation says stop."""

    learning_rate: float = 3e-3
    """Of the first epoch after warming up."""
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    """`cosine`: falls to 0 over `max_epochs`. `plateau`: a third, whenever the validation
    correlation has not risen for a third of `patience`."""
    warm_up_epochs: int = 3
    """Over how many epochs the rate rises to its height."""
    batch_size: int = 64
    """Images of each session in a step."""
    max_epochs: int = 100
    """When to stop at the latest."""
    patience: int = 20
    """Stop after so many epochs without a better validation correlation."""
    weight_decay: float = 0.0
    """How much of a weight is taken off in a step, times the learning rate."""
    clip_norm: float = 0.0
    """Gradients longer than this are shortened to it; 0: none are."""
    averaging: float = 0.0
    """How much of the running average of the weights a step keeps, such as 0.99; the average is
    what is validated and kept. 0: the weights themselves."""
    shift_px: int = 0
    """Training images are shifted at random by up to so many pixels, along y and along x."""
    dropout: float = 0.0
    """Share of the channels that a step of training hides from the readouts."""

    def __post_init__(self) -> None:
        require_settings(self)
        for name in ("batch_size", "max_epochs", "patience"):
            value = getattr(self, name)
            require(value >= 1, f"{name}={value}: it must be 1 or more.")
        for name in ("warm_up_epochs", "weight_decay", "clip_norm", "shift_px"):
            value = getattr(self, name)
            require(value >= 0, f"{name}={value}: it must be 0 or more.")
        for name in ("averaging", "dropout"):
            value = getattr(self, name)
            require(0 <= value < 1, f"{name}={value}: it must be 0 or more, and below 1.")
        require(
            self.learning_rate > 0,
            f"learning_rate={self.learning_rate}: it must be above 0. Try 0.003.",
        )

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0, before any plateau.

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

    def optimizer(self) -> optax.GradientTransformation:
        """Return what turns gradients into steps of a learning rate of 1."""
        clip = [optax.clip_by_global_norm(self.clip_norm)] if self.clip_norm else []
        decay = optax.add_decayed_weights(self.weight_decay, mask=_decayed)
        return optax.chain(*clip, optax.scale_by_adam(), decay)


def _decayed(parameters: dict) -> dict:
    """Say which weights decay: those that multiply, and no biases, scales or places."""
    return {
        key: key.endswith((".kernel", ".depthwise", ".features", ".mask")) for key in parameters
    }
