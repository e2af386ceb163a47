"""Which digit was it? Handwritten ones, each pixel a Poisson input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import frozen, require, require_seed
from spikeloop.data.settings import require_settings
from spikeloop.learn.spike_draws import draw_spikes, spike_logits
from spikeloop.learn.tasks.task import TaskTrials, require_duration, require_peak_rate

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, PRNGKeyArray

N_DIGITS = 10
BRIGHTEST = 16
"""Value of a white pixel in the files of scikit-learn."""


@dataclass(frozen=True)
class PoissonDigits:
    """Tell handwritten digits, of 8 x 8 pixels, from the spikes of one input for each pixel.

    An input fires in a tick with a probability that rises with its pixel, from that of the base
    rate where the pixel is black to that of the peak rate where it is white. Some of the 1797
    images are kept apart for testing; a trial shows any image of its part.

    Source: Kaynak 1995, optical recognition of handwritten digits, UCI machine learning repository;
    it comes with scikit-learn.

    Examples
    --------
    >>> task = PoissonDigits()
    >>> trials = task.draw(jax.random.key(0), 64)
    >>> trials.spikes.shape, int(trials.target.max())
    ((64, 100, 64), 9)
    """

    peak_rate_hz: float = 50.0
    """How fast the input of a white pixel fires."""
    base_rate_hz: float = 5.0
    """How fast the input of a black pixel fires."""
    duration_ms: float = 100.0
    """Of a trial."""
    dt_ms: float = 1.0
    """Of a tick."""
    part: Literal["train", "test"] = "train"
    """Which images are shown; a network is always tested on those kept apart."""
    test_share: float = 0.2
    """Of the images that are kept apart for testing."""
    split_seed: int = 0
    """Of the lot that keeps them apart."""

    def __post_init__(self) -> None:
        require_settings(self)
        require_seed(self.split_seed)
        require_duration(self.duration_ms, self.dt_ms)
        require_peak_rate(self.peak_rate_hz, self.dt_ms)
        require(
            0 <= self.base_rate_hz < self.peak_rate_hz,
            f"base_rate_hz={self.base_rate_hz}: it must be 0 or more, and below peak_rate_hz="
            f"{self.peak_rate_hz}.",
        )
        require(
            0.01 <= self.test_share <= 0.9,
            f"test_share={self.test_share}: it must lie within 0.01 and 0.9, so that either part "
            "has images of all digits.",
        )

    @property
    def n_inputs(self) -> int:
        """One for each pixel, row by row from the top."""
        return 64

    @property
    def n_ticks(self) -> int:
        """How many ticks a trial lasts."""
        return round(self.duration_ms / self.dt_ms)

    @property
    def n_classes(self) -> int:
        """Digits."""
        return N_DIGITS

    @property
    def value_unit(self) -> str:
        """None: the value is the digit."""
        return ""

    def class_values(self) -> Float[np.ndarray, " class"]:
        """Return the digits."""
        return np.arange(N_DIGITS, dtype=float)

    def draw(
        self, key: PRNGKeyArray, n_trials: int, data_set: PRNGKeyArray | None = None
    ) -> TaskTrials:
        """Return new trials, always the same for the same key; data sets share but the images."""
        image_key, spike_key = jax.random.split(key)
        pixels, digits = images_of(self.part, self.test_share, self.split_seed)
        shown = jax.random.randint(image_key, (n_trials,), 0, len(digits))
        probability = self._probability(jnp.asarray(pixels)[shown])[:, None]
        probability = jnp.broadcast_to(probability, (n_trials, self.n_ticks, self.n_inputs))
        target = jnp.asarray(digits)[shown]
        return TaskTrials(draw_spikes(spike_key, probability), target, target.astype(jnp.float32))

    def tested(self) -> PoissonDigits:
        """Return the images that were kept apart."""
        return replace(self, part="test")

    def _probability(self, pixels: Float[Array, "image pixel"]) -> Float[Array, "image pixel"]:
        """Return the probability of a spike in a tick."""
        rise_hz = self.peak_rate_hz - self.base_rate_hz
        return (self.base_rate_hz + rise_hz * pixels) * (self.dt_ms / 1000)

    def log_posterior(self, spikes: Float[Array, "trial time input"]) -> jax.Array:
        r"""Return the log probability of each class, given all spikes: (trial, class).

        The likelihood of a digit is the sum of those of the images of the training part that show
        it. Trials of the training part show just these images, so that this is their ideal
        observer. It has never seen an image of the test part, and looks for stored images that
        might have been shown instead: a network that generalizes may do better.
        """
        pixels, digits = images_of("train", self.test_share, self.split_seed)
        odds, silence = spike_logits(self._probability(jnp.asarray(pixels)))
        # The rate stays the same all along, so that counts tell as much as spikes.
        likely = odds @ spikes.sum(axis=1).T + self.n_ticks * silence.sum(axis=1)[:, None]
        best = jax.ops.segment_max(likely, digits, N_DIGITS)
        rest = jax.ops.segment_sum(jnp.exp(likely - best[digits]), digits, N_DIGITS)
        return jax.nn.log_softmax((best + jnp.log(rest)).T)


@cache
def images_of(
    part: str, test_share: float, split_seed: int
) -> tuple[Float[np.ndarray, "image pixel"], Int[np.ndarray, " image"]]:
    """Return the images of a part of the data, from 0 (black) to 1 (white), and their digits."""
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(split_seed).permutation(len(digits))
    n_test = round(test_share * len(digits))
    chosen = order[:n_test] if part == "test" else order[n_test:]
    return (
        frozen((pixels[chosen] / BRIGHTEST).astype(np.float32)),
        frozen(digits[chosen].astype(np.int32)),
    )
