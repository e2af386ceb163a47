"""Dale's law by interneurons: all units excite, and what inhibits stands between the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float


@dataclass(frozen=True)
class FeedforwardInhibition:
    r"""Units excite; interneurons, which hear the same spikes, inhibit in the same tick.

    Between senders and the units that hear them stand interneurons, linear and without delay. With
    excitation :math:`E`, weights :math:`A` from senders to interneurons, and :math:`B` from these
    to the units, none of them below 0, what a spike does is

    .. math:: W = E - A B

    so that a unit may excite some and, through others, inhibit some: Dale's law holds and costs
    little. What training changes is one matrix, of senders and interneurons by units and
    interneurons,

    .. math:: \theta = \begin{pmatrix} E & A \\ B & 0 \end{pmatrix} \qquad
              \theta \leftarrow \max(\theta + b \delta, 0)

    with :math:`\delta` the step of the optimizer and :math:`b` one over the root of the number of
    rows. It begins with inhibition that cancels excitation: the weights of each sender sum to 0.

    This is the subtractive part of the networks of the source (DANN); their divisive part would
    divide by 0 in ticks without spikes.

    Source: Cornford, Kalajdzievski, Leite et al. 2021, Learning to live with Dale's principle:
    ANNs with separate excitatory and inhibitory units, ICLR.

    Examples
    --------
    >>> inhibition = FeedforwardInhibition(interneurons=0.5)
    >>> signs = inhibition.signs(4)
    >>> theta = inhibition.begin(np.random.default_rng(0), signs, 6)
    >>> theta.shape
    (7, 9)
    >>> bool(abs(inhibition.weights(theta, signs).sum(axis=1)).max() < 1e-12)
    True
    """

    interneurons: float = 0.1
    """How many there are for each unit that they inhibit; one at least."""
    scale: float = 3.0
    """Weights before training are uniform within plus and minus this over the root of senders."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            0 < self.interneurons <= 1,
            f"interneurons={self.interneurons}: it must be above 0, and 1 at most.",
        )
        require(self.scale > 0, f"scale={self.scale}: it must be above 0.")

    def once_begun(self) -> FeedforwardInhibition:
        """Return the constraint without what only matters where weights begin."""
        return FeedforwardInhibition(self.interneurons)

    def signs(self, n_units: int) -> Float[np.ndarray, " unit"]:
        """Return 1 for each unit: all excite."""
        return np.ones(n_units, np.float32)

    def begin(
        self, rng: np.random.Generator, signs: Float[np.ndarray, " unit"], n_to: int
    ) -> Float[np.ndarray, "rows columns"]:
        """Return what training changes, before it."""
        n_between = max(1, round(self.interneurons * n_to))
        largest = 2 * self.scale / math.sqrt(len(signs))
        excitation = rng.uniform(0, largest, (len(signs), n_to))
        # Interneurons hear the same, and share out what they do, so that they sum to the mean.
        heard = np.repeat(excitation.mean(axis=1, keepdims=True), n_between, axis=1)
        shares = rng.uniform(0.5, 1, (n_between, n_to))
        shares /= shares.sum(axis=0)
        return np.block([[excitation, heard], [shares, np.zeros((n_between, n_between))]])

    def parts(
        self, theta: Float[Array, "rows columns"], n_from: int
    ) -> tuple[Float[Array, "from to"], Float[Array, "from between"], Float[Array, "between to"]]:
        """Return the weights to units, to interneurons, and from these: each 0 or more."""
        n_to = theta.shape[-1] - (theta.shape[-2] - n_from)
        return theta[..., :n_from, :n_to], theta[..., :n_from, n_to:], theta[..., n_from:, :n_to]

    def split(
        self, theta: Float[Array, "rows columns"], signs: Float[Array, " from"]
    ) -> tuple[Float[Array, "from to"], Float[Array, "from to"]]:
        """Return excitation and inhibition, each 0 or more."""
        excitation, heard, shares = self.parts(theta, signs.shape[-1])
        return excitation, heard @ shares

    def uninhibited(
        self, theta: Float[Array, "rows columns"], n_from: int
    ) -> Float[Array, "rows columns"]:
        """Return `theta` with interneurons that say nothing."""
        return theta.at[..., n_from:, :].set(0)

    def weights(
        self, theta: Float[Array, "rows columns"], signs: Float[Array, " from"]
    ) -> Float[Array, "from to"]:
        """Return what a spike of each sender does to each unit, of either sign."""
        excitation, heard, shares = self.parts(theta, signs.shape[-1])
        return excitation - heard @ shares

    def keeps(
        self, theta: Float[Array, "rows columns"], signs: Float[Array, " from"]
    ) -> Bool[Array, ""]:
        """Return whether nothing is below 0, and all senders excite."""
        return (theta >= 0).all() & (signs == 1).all()

    def moved(
        self, theta: Float[Array, "rows columns"], step: Float[Array, "rows columns"]
    ) -> Float[Array, "rows columns"]:
        """Return what training changes, after a step of the optimizer."""
        return jnp.maximum(theta + step / math.sqrt(theta.shape[-2]), 0)
