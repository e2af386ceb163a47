"""A network of dilated causal convolutions: its receptive field doubles at each layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from spikeloop.data.checks import require
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import Estimate, Parameters
from spikeloop.encode.temporal.filtering import moved_on
from spikeloop.encode.temporal.network_training import SeriesTraining, train_on_chunks
from spikeloop.encode.temporal.poisson_regression import half_spike_drive
from spikeloop.encode.temporal.series_data import SeriesData

if TYPE_CHECKING:
    from jaxtyping import Array, Float


@dataclass(frozen=True)
class DilatedNetwork:
    """Poisson spikes whose rate a stack of dilated causal convolutions reads from the past.

    Layer i joins each bin with the one 2^i bins before (two taps), passes the pair through a gate,
    tanh(a) sigmoid(b), and adds the result to its input and to the output. Stacked, the layers see
    2^n_layers bins. The stimulus of the bin itself is seen, and the spikes of all units up to the
    bin before.

    Source: van den Oord et al. (2016) WaveNet, arXiv:1609.03499.
    """

    n_layers: int = 8
    """The last bin of the receptive field lies 2^n_layers - 1 bins back."""
    n_channels: int = 16
    """Width of each layer."""
    hears_spikes: bool = True
    """Whether past spikes are an input beside the stimulus."""
    training: SeriesTraining = field(default_factory=SeriesTraining)
    """How the weights are learned."""

    def __post_init__(self) -> None:
        require_settings(self)
        require(
            1 <= self.n_layers <= 16,
            f"n_layers={self.n_layers}: between 1 and 16, as 16 layers see 65536 bins.",
        )
        require(self.n_channels >= 1, f"n_channels={self.n_channels}: it must be 1 or more.")

    @property
    def receptive_field_bins(self) -> int:
        """How many bins of the stimulus the rate depends on: 1, and 1 + 2 + 4 ... before it."""
        return 2**self.n_layers

    @property
    def uses_spikes(self) -> bool:
        """Whether the rate depends on past spikes."""
        return self.hears_spikes

    def n_past(self, bin_s: float) -> int:
        """Return how many bins before its own a rate depends on, of spikes one more than others."""
        return self.receptive_field_bins - 1 + self.hears_spikes

    def fit_series(self, training: SeriesData, validation: SeriesData, *, seed: int) -> Estimate:
        """Train from a random start; keep the averaged weights with the best validation loss."""
        start = self._start(training, seed)
        return train_on_chunks(start, self, (training, validation), seed=seed)

    def _start(self, data: SeriesData, seed: int) -> Parameters:
        """Return random weights, with which the rates begin near their means."""
        rng = np.random.default_rng(seed)
        mean, spread = data.moments()
        n_units, width, depth = data.counts.shape[1], self.n_channels, self.n_layers
        n_inputs = len(mean) + n_units * self.hears_spikes
        heard = data.counts[data.used].std(axis=0, dtype=float)

        def random(*shape: int) -> np.ndarray:
            return rng.standard_normal(shape) / np.sqrt(np.prod(shape[-3:-1]))

        drives = [half_spike_drive(n, data.used.sum(), "softplus") for n in data.n_spikes]
        parameters = {
            "stimulus.mean": mean,
            "stimulus.spread": spread,
            "spikes.spread": np.where(heard > 0, heard, 1.0),
            "input.weights": rng.standard_normal((n_inputs, width)) / np.sqrt(n_inputs),
            "input.bias": np.zeros(width),
            "layers.kernel": random(depth, 2, width, 2 * width),
            "layers.bias": np.zeros((depth, 2 * width)),
            "layers.mix": random(depth, 1, width, 2 * width)[:, 0],
            "output.hidden": random(1, width, width)[0],
            "output.hidden_bias": np.zeros(width),
            "output.weights": 0.1 * random(1, width, n_units)[0],
            "output.bias": np.array(drives),
        }
        return {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}

    def expected_counts(
        self,
        parameters: Parameters,
        stimulus: Float[Array, "time feature"],
        counts: Float[Array, "time unit"],
    ) -> Float[Array, "time unit"]:
        """Return the expected count of each bin, all bins at once."""
        before = jnp.concatenate([jnp.zeros_like(counts[:1]), counts[:-1]])
        inputs = self._inputs(parameters, self.drive(parameters, stimulus), before)
        padded = jnp.pad(inputs, ((self.receptive_field_bins - 1, 0), (0, 0)))
        hidden = padded @ parameters["input.weights"] + parameters["input.bias"]
        skipped = 0.0
        for i in range(self.n_layers):
            # One convolution with two taps is as quick as two products of shifted slices.
            joined = lax.conv_general_dilated(
                hidden[None],
                parameters["layers.kernel"][i],
                window_strides=(1,),
                padding="VALID",
                rhs_dilation=(2**i,),
                dimension_numbers=("NWC", "WIO", "NWC"),
            )[0]
            kept, skip = self._mixed(parameters, i, joined)
            hidden = hidden[2**i :] + kept
            skipped = skipped + skip[-len(stimulus) :]
        return self._read_out(parameters, skipped)

    def drive(
        self, parameters: Parameters, stimulus: Float[Array, "time feature"]
    ) -> Float[Array, "time feature"]:
        """Return the stimulus in units of its standard deviation, around its mean."""
        return (stimulus - parameters["stimulus.mean"]) / parameters["stimulus.spread"]

    def begin(self, parameters: Parameters) -> tuple[Float[Array, "lag channel"], ...]:
        """Return what each layer has seen after a long time of nothing: its last 2^i inputs."""
        hidden, seen = parameters["input.bias"], []
        for i in range(self.n_layers):
            seen.append(jnp.tile(hidden, (2**i, 1)))
            joined = hidden @ parameters["layers.kernel"][i].sum(axis=0)
            hidden = hidden + self._mixed(parameters, i, joined)[0]
        return tuple(seen)

    def step(
        self,
        parameters: Parameters,
        state: tuple[Float[Array, "lag channel"], ...],
        drive: Float[Array, " feature"],
        before: Float[Array, " unit"],
    ) -> tuple[tuple[Float[Array, "lag channel"], ...], Float[Array, " unit"]]:
        """Return the next state and the expected counts: `expected_counts`, a bin at a time."""
        inputs = self._inputs(parameters, drive, before)
        hidden = inputs @ parameters["input.weights"] + parameters["input.bias"]
        seen, skipped = [], 0.0
        for i, past in enumerate(state):
            older, newer = parameters["layers.kernel"][i]
            kept, skip = self._mixed(parameters, i, past[0] @ older + hidden @ newer)
            seen.append(moved_on(past, hidden))
            hidden, skipped = hidden + kept, skipped + skip
        return tuple(seen), self._read_out(parameters, skipped)

    def _inputs(self, parameters: Parameters, drive: jax.Array, before: jax.Array) -> jax.Array:
        if not self.hears_spikes:
            return drive
        return jnp.concatenate([drive, before / parameters["spikes.spread"]], axis=-1)

    def _mixed(self, parameters: Parameters, i: int, joined: jax.Array):
        """Return what layer i adds to its input, and what it adds to the output."""
        values, gates = jnp.split(joined + parameters["layers.bias"][i], 2, axis=-1)
        gated = jnp.tanh(values) * jax.nn.sigmoid(gates)
        return jnp.split(gated @ parameters["layers.mix"][i], 2, axis=-1)

    def _read_out(self, parameters: Parameters, skipped: jax.Array) -> jax.Array:
        hidden = jax.nn.elu(skipped) @ parameters["output.hidden"]
        hidden = jax.nn.elu(hidden + parameters["output.hidden_bias"])
        return jax.nn.softplus(hidden @ parameters["output.weights"] + parameters["output.bias"])
