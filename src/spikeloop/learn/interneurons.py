"""Dale's law by interneurons: all units excite, and what inhibits stands between the layers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, PRNGKeyArray


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
    senders. It begins with inhibition that cancels excitation: the weights of each sender sum to 0.

    This is the subtractive part of the networks of the source (DANN); their divisive part would
    divide by 0 in ticks without spikes.

    Source: Cornford, Kalajdzievski, Leite et al. 2021, Learning to live with Dale's principle:
    ANNs with separate excitatory and inhibitory units, ICLR.

    Examples
    --------
    >>> inhibition = FeedforwardInhibition(interneurons=0.5)
    >>> signs = inhibition.signs(4)
    >>> theta = inhibition.begin(jax.random.key(0), signs, 6)
    >>> theta.shape
    (7, 9)
    >>> bool(abs(inhibition.weights(theta, signs).sum(axis=1)).max() < 1e-5)
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
        return FeedforwardInhibition()

    def signs(self, n_units: int) -> Float[np.ndarray, " unit"]:
        """Return 1 for each unit: all excite."""
        return np.ones(n_units, np.float32)

    def begin(self, key: PRNGKeyArray, signs: Array, n_to: int) -> Float[Array, "rows columns"]:
        """Return what training changes, before it."""
        n_between = max(1, round(self.interneurons * n_to))
        excite_key, inhibit_key = jax.random.split(key)
        largest = 2 * self.scale / math.sqrt(len(signs))
        excitation = jax.random.uniform(excite_key, (len(signs), n_to), maxval=largest)
        # Interneurons hear the same, and share out what they do, so that they sum to the mean.
        heard = jnp.broadcast_to(excitation.mean(axis=1, keepdims=True), (len(signs), n_between))
        shares = jax.random.uniform(inhibit_key, (n_between, n_to), minval=0.5)
        shares /= shares.sum(axis=0)
        unused = jnp.zeros((n_between, n_between))
        return jnp.block([[excitation, heard], [shares, unused]])

    def parts(
        self, theta: Float[Array, "rows columns"], n_from: int
    ) -> tuple[Float[Array, "from to"], Float[Array, "from between"], Float[Array, "between to"]]:
        """Return the weights to units, to interneurons, and from these: each 0 or more."""
        n_to = theta.shape[-1] - (theta.shape[-2] - n_from)
        return theta[..., :n_from, :n_to], theta[..., :n_from, n_to:], theta[..., n_from:, :n_to]

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
        """Return whether nothing is below 0."""
        return (theta >= 0).all()

    def moved(
        self, theta: Float[Array, "rows columns"], step: Float[Array, "rows columns"]
    ) -> Float[Array, "rows columns"]:
        """Return what training changes, after a step of the optimizer."""
        return jnp.maximum(theta + step / math.sqrt(theta.shape[-2]), 0)
