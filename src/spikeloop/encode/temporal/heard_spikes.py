"""What models with a filter of past spikes have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import jax.numpy as jnp

from spikeloop.encode.temporal.filtering import RaisedCosines, history_drive, history_step, moved_on

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from spikeloop.encode.fitted import Parameters


class HeardSpikes(ABC):
    """A model of Poisson spikes that may hear those before: expected count = f(drive + heard).

    Where `history_basis` is not None, the parameter ``history.filter`` (unit, lag, source) tells
    what is heard; it has one source, the unit itself, or all units.
    """

    history_basis: RaisedCosines | None

    @abstractmethod
    def drive(
        self, parameters: Parameters, stimulus: Float[Array, "time feature"]
    ) -> Float[Array, "time unit"]:
        """Return what the stimulus alone adds up to."""

    @abstractmethod
    def linked(self, drive: Float[Array, "..."]) -> Float[Array, "..."]:
        """Return the expected count for a drive."""

    @property
    def uses_spikes(self) -> bool:
        """Whether there is a filter of past spikes."""
        return self.history_basis is not None

    def expected_counts(
        self,
        parameters: Parameters,
        stimulus: Float[Array, "time feature"],
        counts: Float[Array, "time unit"],
    ) -> Float[Array, "time unit"]:
        """Return what each bin lets expect, given the stimulus and the spikes before."""
        drive = self.drive(parameters, stimulus)
        if self.uses_spikes:
            drive = drive + history_drive(counts, parameters["history.filter"])
        return self.linked(drive)

    def begin(self, parameters: Parameters) -> Float[Array, "lag unit"]:
        """Return the past without a spike."""
        n_units, n_lags, _ = parameters["history.filter"].shape
        return jnp.zeros((n_lags, n_units))

    def step(
        self,
        parameters: Parameters,
        state: Float[Array, "lag unit"],
        drive: Float[Array, " unit"],
        before: Float[Array, " unit"],
    ) -> tuple[Float[Array, "lag unit"], Float[Array, " unit"]]:
        """Return the past with the counts of the bin before, and what it lets expect."""
        past = moved_on(state, before)
        return past, self.linked(drive + history_step(past, parameters["history.filter"]))
