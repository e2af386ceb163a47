"""What a trained network is like: its weights, its tuning, and what it cannot do without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require_seed
from spikeloop.evaluate.draws import require_count
from spikeloop.learn.interneurons import FeedforwardInhibition
from spikeloop.learn.plan import NetworkPlan
from spikeloop.learn.scores import Scores, score
from spikeloop.learn.tasks.task import Task, tested
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.numerics.keys import key_of

if TYPE_CHECKING:
    from jaxtyping import Float

NEAR_ZERO = 0.01
"""A weight is near zero below this share of the largest one of its matrix."""
_ANALYSES = 18
"""Sets the keys of analyses apart from those of trainings and tests."""


@dataclass(frozen=True, eq=False)
class WeightSummary:
    """What one matrix of weights is like."""

    name: str
    """``hidden.0.input``, ``hidden.0.recurrent``, ..., ``readout.input``."""
    near_zero: float
    """Share of the weights that do nearly nothing; of what is left of excitation after inhibition,
    where that is by interneurons."""
    near_zero_before: float
    """The same before training."""
    singular_values: Float[np.ndarray, " mode"]
    """Descending."""
    entropy: float
    r"""How evenly modes share: :math:`-\sum p \ln p / \ln n` of the squared singular values'
    shares :math:`p`, from 0 for a single mode to 1 (as in Li et al. 2023, NeurIPS 36)."""
    entropy_before: float
    """The same before training."""
    inhibition_over_excitation: float
    """Ratio of the summed weights that inhibit to those that excite, each times the mean rate of
    the unit that it comes from; NaN where nothing excites."""


@dataclass(frozen=True, eq=False)
class Tuning:
    """How units of a layer fire, depending on the value to be told."""

    rates_hz: Float[np.ndarray, "class unit"]
    """Mean rate for each true class; NaN for one that never came."""
    class_values: Float[np.ndarray, " class"]
    """The value in the middle of each class."""

    @property
    def preferred(self) -> Float[np.ndarray, " unit"]:
        """The value at which each unit fires most."""
        return self.class_values[np.nanargmax(self.rates_hz, axis=0)]


def weight_summaries(trained: TrainedNetwork, *, seed: int) -> list[WeightSummary]:
    """Return what each matrix of weights is like; rates are those on new trials.

    Examples
    --------
    ``weight_summaries(trained, seed=0)[0].near_zero``
    """
    rates = _class_rates(trained, seed, 512)
    n_layers = len(trained.network.layers)
    after, before = trained.weights(), trained.weights(before=True)
    found = []
    for name, weights in after.items():
        kind, *_ = name.split(".")
        level = n_layers if kind == "readout" else int(name.split(".")[1])
        sent = rates[level + name.endswith("recurrent")].mean(axis=0)
        singular, entropy = _spectrum(weights)
        split = trained.network.constraint.split(trained.parameters[name], trained.signs(name))
        excitation, inhibition = (float((sent @ np.asarray(part)).sum()) for part in split)
        found.append(
            WeightSummary(
                name,
                _near_zero(weights),
                _near_zero(before[name]),
                singular,
                entropy,
                _spectrum(before[name])[1],
                inhibition / excitation if excitation > 0 else float("nan"),
            )
        )
    return found


def tuning(trained: TrainedNetwork, *, seed: int, layer: int = 0, n_trials: int = 4096) -> Tuning:
    """Return how each unit of a layer fires for each class, on new trials.

    Examples
    --------
    ``tuning(trained, seed=0).rates_hz``
    """
    require_count("n_trials", n_trials)
    trained.require_layer(layer)
    rates = _class_rates(trained, seed, n_trials)[layer + 1]
    return Tuning(rates, trained.task.class_values())


def lesions(
    trained: TrainedNetwork, *, seed: int, layer: int = 0, n_draws: int = 5, n_trials: int = 1000
) -> Mapping[str, Scores]:
    """Return the scores without some units, on the same trials; the network stays as it is.

    Silenced are, in turn: nothing; the units of the layer that inhibit, or that excite; the inputs
    that do; and all inhibition, or excitation, of inputs and all layers. Where inhibition is that
    of interneurons, all of these are silenced. What a network has none of is left out.

    Examples
    --------
    ``lesions(trained, seed=0)["no inhibition"].accuracy``
    """
    trained.require_layer(layer)
    copies = {"intact": trained}
    if isinstance(trained.network.constraint, FeedforwardInhibition):
        copies["no inhibition"] = trained.uninhibited()
    else:
        for word, sign in (("inhibition", -1), ("excitation", 1)):
            copies |= _without(trained, layer, word, sign)
    return {
        name: score(copy, seed=seed, n_draws=n_draws, n_trials=n_trials)
        for name, copy in copies.items()
    }


def _without(
    trained: TrainedNetwork, layer: int, word: str, sign: int
) -> dict[str, TrainedNetwork]:
    """Return copies without the units of one sign, in the layer, in the inputs, and in all."""
    lost = {
        name: trained.signs(trained.sent_by(name)[0]) == sign
        for name in ("inputs", *(f"hidden_{i}" for i in range(len(trained.network.layers))))
    }
    lost = {name: units for name, units in lost.items() if units.any()}
    chosen = {f"layer {layer}": f"hidden_{layer}", "inputs": "inputs"}
    copies = {
        f"no {word} from {place}": trained.silenced(**{name: lost[name]})
        for place, name in chosen.items()
        if name in lost
    }
    return copies | ({f"no {word}": trained.silenced(**lost)} if lost else {})


def unit_lesions(
    trained: TrainedNetwork, *, seed: int, layer: int = 0, n_trials: int = 2000
) -> Float[np.ndarray, " unit"]:
    """Return the accuracy without each unit of a layer, alone, all on the same new trials.

    Examples
    --------
    ``unit_lesions(trained, seed=0).min()``
    """
    require_seed(seed)
    require_count("n_trials", n_trials)
    trained.require_layer(layer)
    size = trained.network.layers[layer].size
    lost = np.eye(size, dtype=bool)
    copies = [trained.silenced(**{f"hidden_{layer}": one}).numbers for one in lost]
    stacked = {name: jnp.stack([copy[name] for copy in copies]) for name in copies[0]}
    key = jax.random.fold_in(key_of(seed), _ANALYSES)
    return np.asarray(_accuracies(trained.plan, tested(trained.task), n_trials, stacked, key))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _accuracies(
    plan: NetworkPlan, task: Task, n_trials: int, numbers: dict, key: jax.Array
) -> jax.Array:
    trials = task.draw(key, n_trials)

    def of(own: dict) -> jax.Array:
        return (plan.run(own, trials.spikes).output.argmax(axis=-1) == trials.target).mean()

    return jax.lax.map(of, numbers)


def _class_rates(trained: TrainedNetwork, seed: int, n_trials: int) -> list[np.ndarray]:
    """Return (class, unit) mean rates of the inputs and of each layer, in Hz."""
    require_seed(seed)
    key = jax.random.fold_in(key_of(seed), _ANALYSES)
    means, target = _mean_spikes(trained.plan, tested(trained.task), n_trials, trained.numbers, key)
    of_class = np.asarray(target) == np.arange(trained.task.n_classes)[:, None]
    totals = of_class.sum(axis=1, keepdims=True)
    share = np.where(totals > 0, of_class / np.maximum(totals, 1), np.nan)
    return [share @ np.asarray(mean) * (1000 / trained.task.dt_ms) for mean in means]


@partial(jax.jit, static_argnums=(0, 1, 2))
def _mean_spikes(
    plan: NetworkPlan, task: Task, n_trials: int, numbers: dict, key: jax.Array
) -> tuple[list[jax.Array], jax.Array]:
    trials = task.draw(key, n_trials)
    heard = plan.run(numbers, trials.spikes).spikes
    return [trials.spikes.mean(axis=1), *(sent.mean(axis=0) for sent in heard)], trials.target


def _near_zero(weights: np.ndarray) -> float:
    largest = np.abs(weights).max()
    return float((np.abs(weights) < NEAR_ZERO * largest).mean()) if largest > 0 else 1.0


def _spectrum(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the singular values, and how evenly they share."""
    singular = np.linalg.svd(weights, compute_uv=False)
    share = singular**2 / max(float((singular**2).sum()), 1e-30)
    share = share[share > 0]
    n = min(weights.shape)
    entropy = float(-(share * np.log(share)).sum() / np.log(n)) if n > 1 else 0.0
    return singular, entropy
