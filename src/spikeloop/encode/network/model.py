"""Convolutional networks: a core that all units share, and a readout of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.network.objective import Penalties
from spikeloop.encode.network.readouts import Factorized, PyramidPoint, Readout
from spikeloop.encode.network.settings import Training
from spikeloop.encode.network.stack import StackedCore

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, PRNGKeyArray

    from spikeloop.data.checkpoint import Checkpoint
    from spikeloop.encode.fitted import Estimate, Parameters
    from spikeloop.encode.image_data import ImageData

SOFTPLUS_OF_ONE = 0.5413248546
"""log(e - 1), where the softplus is 1."""


@dataclass(frozen=True)
class ConvolutionalNetwork:
    """Predict all units by one network: shared convolutions, then a readout of each unit.

    ``expected count = scale * output(readout(core(standardized image)))``, where the scale of a
    unit is its mean count over the training images, so that quiet units learn as fast as loud ones.
    """

    core: StackedCore = field(default_factory=StackedCore)
    """The convolutions."""
    readout: Readout = field(default_factory=PyramidPoint)
    """How a unit reads them."""
    output: Literal["elu_plus_one", "softplus"] = "elu_plus_one"
    """What keeps counts positive; the softplus has a learned sharpness for each unit."""
    loss: Literal["poisson", "negative_binomial", "gaussian"] = "poisson"
    """How counts scatter around what is expected."""
    penalties: Penalties = field(default_factory=Penalties)
    """What weights cost."""
    training: Training = field(default_factory=Training)
    """How the weights are found."""
    n_seeds: int = 1
    """Networks that differ in their random numbers alone, trained together; the mean of their
    predictions is taken. Member k is what seed + k gives alone."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(self.n_seeds >= 1, f"n_seeds={self.n_seeds}: it must be 1 or more.")

    def fit_images(
        self,
        training: ImageData,
        validation: ImageData,
        *,
        seed: int,
        progress: Callable[[int, int, float], None] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Estimate:
        """Train until the validation images are predicted no better.

        Parameters
        ----------
        training, validation
            What to learn from, and what to stop by.
        seed
            Decides where the weights start, and the order of the images.
        progress
            Called after each epoch: its number, how many there may be, the validation correlation.
        checkpoint
            Where the state of the training is kept, and taken up again.
        """
        from spikeloop.encode.network.sessions import train_sessions

        return train_sessions(
            self, [(training, validation)], seed=seed, progress=progress, checkpoint=checkpoint
        )[0]

    def expected_counts(
        self,
        parameters: Parameters,
        pixels: Float[Array, "image y x"],
        unit_index: Int[Array, " chosen"] | None = None,
    ) -> Float[Array, "image unit"]:
        """Return the mean over the members of the expected count of each unit.

        With `unit_index`, only of those units, at the cost of those units.
        """
        images = (pixels - parameters["input.mean"]) / parameters["input.sd"]
        weights = {key: value for key, value in parameters.items() if not key.startswith("input.")}
        if unit_index is not None:
            weights = {
                key: value if key.startswith("core.") else value[:, unit_index]
                for key, value in weights.items()
            }
        members = over_members(lambda member: self.member_counts(member, images), weights)
        return members.mean(axis=0)

    def begin(
        self, key: PRNGKeyArray, means: Float[np.ndarray, "image unit"], shape: tuple[int, int]
    ) -> Parameters:
        """Return the parameters of one member before training, for one session."""
        core_key, readout_key = jax.random.split(key)
        n_units = means.shape[1]
        readout = self.readout.begin(
            readout_key, n_units, self.core.n_features, self.core.map_shape(*shape)
        )
        scale = count_scale(means)
        variance = (means / scale).var(axis=0)
        output = {"scale": jnp.asarray(scale, dtype=jnp.float32)}
        if self.output == "softplus":
            output["log_sharpness"] = jnp.zeros(n_units)
            readout["bias"] = jnp.full(n_units, SOFTPLUS_OF_ONE)
        if self.loss == "negative_binomial":
            output["log_dispersion"] = jnp.ones(n_units)
        if self.loss == "gaussian":
            wide = np.where(variance > 0, variance, 1.0)
            output["variance"] = jnp.asarray(wide, dtype=jnp.float32)
        if self.penalties.adaptive_spread:
            output["log_factor"] = jnp.zeros(n_units)
        return (
            self.core.begin(core_key)
            | {f"readout.{key}": value for key, value in readout.items()}
            | {f"output.{key}": value for key, value in output.items()}
        )

    def member_counts(
        self, parameters: Parameters, images: Float[Array, "image y x"]
    ) -> Float[Array, "image unit"]:
        """Return the expected counts of one member for standardized images."""
        features, _ = self.core.features(parameters, images, training=False)
        scaled = self.read(parameters, features, key=None)
        return scaled * parameters["output.scale"]

    def read(
        self,
        parameters: Parameters,
        features: Float[Array, "image y x channel"],
        *,
        key: PRNGKeyArray | None,
    ) -> Float[Array, "image unit"]:
        """Return what the readout makes of features: expected counts over the unit's mean count."""
        part = named(parameters, "readout.")
        drive = self.readout.drive(part, features, key=key) + part["bias"]
        if self.output == "elu_plus_one":
            return jax.nn.elu(drive) + 1
        sharpness = jnp.exp(parameters["output.log_sharpness"])
        return jax.nn.softplus(sharpness * drive) / sharpness


def count_scale(means: Float[np.ndarray, "image unit"]) -> Float[np.ndarray, " unit"]:
    """Return the mean count of each unit; half a spike in all for one that never fires.

    What never fired is then expected to fire next to never, whatever the network makes of it.
    """
    return np.maximum(means.mean(axis=0), 0.5 / len(means))


def named(parameters: Parameters, prefix: str) -> dict[str, jax.Array]:
    """Return the parameters whose name begins so, without that beginning."""
    return {
        key.removeprefix(prefix): value
        for key, value in parameters.items()
        if key.startswith(prefix)
    }


def over_members(function: Callable, members: object) -> object:
    """Return `function` of each member, whose arrays have the member as first axis.

    On a CPU one after the other: each keeps all cores busy, while together their convolutions
    would become grouped ones, which XLA runs four times slower there.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(function, members)
    return jax.vmap(function)(members)


def network_of_experiment_two() -> ConvolutionalNetwork:
    """Return the network of the most-exciting-inputs experiment, for images of 60 x 96 pixels.

    Three layers of 64 channels (4 x 4, then average pooling by 2, then 3 x 3 and 3 x 3) with batch
    norm and ELU, smooth first kernels and sparse later ones, and for each unit one point on a
    three-level pyramid, with features that are not negative. ELU + 1, Poisson loss.
    """
    return ConvolutionalNetwork(
        core=StackedCore(channels=(64, 64, 64), kernel_px=(4, 3, 3), pooling=2),
        readout=PyramidPoint(n_levels=3, non_negative=True),
        output="elu_plus_one",
        loss="poisson",
        penalties=Penalties(smoothness=0.1, group=0.1),
    )


def energy_network() -> ConvolutionalNetwork:
    """Return a network for some hundreds of images, which starts from what is known of the cortex.

    The first layer starts as a bank of quadrature pairs of Gabors, gives their amplitudes, divided
    by those nearby, and is learned on; two small layers follow. Each unit reads a map of places
    times weights of channels. Chosen by the validation images of macaque V4, 56 x 56 pixels.
    """
    return ConvolutionalNetwork(
        core=StackedCore(
            channels=(32, 32, 32), kernel_px=(11, 3, 3), stride=2, first="energy", start="gabor"
        ),
        readout=Factorized(),
        training=Training(
            learning_rate=4e-3,
            max_epochs=35,
            patience=12,
            batch_size=50,
            weight_decay=0.1,
            averaging=0.98,
            shift_px=2,
            dropout=0.1,
        ),
    )
