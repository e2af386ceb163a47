"""How well fitted models predict stimuli that they have not seen."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spikeloop import evaluate
from spikeloop.data import Images, Responses
from spikeloop.data.checks import require, require_seed
from spikeloop.data.settings import require_settings
from spikeloop.encode.fitted import FittedModel
from spikeloop.encode.image_data import image_data
from spikeloop.encode.splits import StimulusSplit, alike
from spikeloop.errors import SpikeloopWarning

if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped

LEAST_SHARE = 0.01
"""Likelihoods take no prediction below this share of a unit's mean: a linear model predicts
less than no spikes at times, of which no Poisson count can come."""


@dataclass(frozen=True)
class Evaluation:
    """Settings of `evaluate_models`."""

    n_draws: int = 1000
    """How many times the test stimuli are drawn again, for intervals and comparisons."""
    confidence: float = 0.95
    """Probability that an interval aims to cover."""
    fev_threshold: float = 0.15
    """Units whose fraction of explainable variance is below this are left out of mean FEVE."""

    def __post_init__(self) -> None:
        require_settings(self)


@dataclass(frozen=True, eq=False)
class ModelScores:
    """How well one model predicts the test stimuli; NaN where a score has no meaning."""

    name: str
    """What the model is called."""
    predictions: Float[np.ndarray, "stimulus unit"]
    """(stimulus, unit) expected counts of the test stimuli."""
    correlation: evaluate.BootstrapScores
    """With the mean response to each stimulus: each unit's, and their mean and median. 0, as are
    the other correlations, for a prediction that is the same for all stimuli: all models are
    averaged over the same units."""
    cc_norm: Float[np.ndarray, " unit"]
    """That correlation, divided by the most that noise lets a model reach; needs repeats."""
    fraction_explained: Float[np.ndarray, " unit"]
    """Fraction of the explainable variance explained (FEVE), unclipped; needs repeats."""
    single_trial_correlation: Float[np.ndarray, " unit"]
    """With the counts of single trials."""
    deviance_explained: Float[np.ndarray, " unit"]
    """Fraction of the Poisson deviance of the mean responses explained, beyond the mean of what was
    learned from; it rises with the number of repeats. NaN where a response is negative."""
    bits_per_spike: Float[np.ndarray, " unit"]
    """Information beyond the mean of what was learned from; NaN where responses are not counts."""

    def columns(self) -> dict[str, np.ndarray]:
        """Return the scores of units as columns of a table."""
        correlation = self.correlation.units
        return {
            "correlation": correlation.score,
            "correlation_low": correlation.low,
            "correlation_high": correlation.high,
            "cc_norm": self.cc_norm,
            "feve": self.fraction_explained,
            "single_trial_correlation": self.single_trial_correlation,
            "deviance_explained": self.deviance_explained,
            "bits_per_spike": self.bits_per_spike,
        }


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Several models on the same test stimuli, which none of them learned from."""

    unit_ids: Shaped[np.ndarray, " unit"]
    """(unit,) as in the responses."""
    test_ids: Int[np.ndarray, " stimulus"]
    """(stimulus,) what they were tested on."""
    means: Float[np.ndarray, "stimulus unit"]
    """(stimulus, unit) what the units answered on average."""
    n_trials: Int[np.ndarray, " stimulus"]
    """(stimulus,) how many trials showed each."""
    fraction_explainable: Float[np.ndarray, " unit"]
    """(unit,) FEV of the test stimuli: how much of their variance is not noise; NaN unrepeated."""
    models: Sequence[ModelScores]
    """One for each model, in the order given."""
    differences: Mapping[tuple[str, str], evaluate.PairedBootstrap]
    """Mean correlation of the first less that of the second model, the same stimuli drawn."""

    def __repr__(self) -> str:
        told = (f"{scores.name} {scores.correlation.mean.score:.3f}" for scores in self.models)
        return (
            f"ModelComparison({len(self.unit_ids)} units, {len(self.test_ids)} test stimuli; mean "
            f"correlation: {', '.join(told)})"
        )

    def __getitem__(self, name: str) -> ModelScores:
        """Return the scores of one model, by its name."""
        return {scores.name: scores for scores in self.models}[name]


def evaluate_models(
    fitted: Mapping[str, FittedModel],
    responses: Responses,
    images: Images,
    method: Evaluation,
    *,
    seed: int,
) -> ModelComparison:
    """Score models on the test stimuli of their split, and compare each two.

    Parameters
    ----------
    fitted
        Models by their names, all fitted with the same split, to these units.
    responses, images
        What they were fitted to, with the test stimuli.
    method
        Settings.
    seed
        Start of the random numbers of the bootstrap.

    Raises
    ------
    InvalidInputError
        The models were fitted with different splits, to other units or counts of another window, or
        nothing was held out.
    """
    require_seed(seed)
    split = _shared_split(fitted, responses)
    truth = _Truth.of(responses, images, split.fitting_ids, split.test_ids)
    models = [
        _score(name, model.predict(truth.pixels).astype(float), truth, method, seed=seed)
        for name, model in fitted.items()
    ]
    return ModelComparison(
        unit_ids=responses.unit_ids,
        test_ids=split.test_ids,
        means=truth.means,
        n_trials=truth.n_trials,
        fraction_explainable=_where_repeated(evaluate.fraction_explainable, truth),
        models=models,
        differences=_differences(models, truth.means, method, seed=seed),
    )


def _shared_split(fitted: Mapping[str, FittedModel], responses: Responses) -> StimulusSplit:
    """Return the split of all models, or say why they cannot be compared on these responses."""
    require(
        isinstance(fitted, Mapping) and len(fitted) > 0,
        "fitted must hold models by their names, one at least, such as {'ridge': fitted_ridge}.",
    )
    for name, model in fitted.items():
        require(
            isinstance(model, FittedModel),
            f"{name} is a {type(model).__name__}: give FittedModels, or call evaluate_series for "
            "models of a continuous stimulus.",
        )
    splits = [model.split for model in fitted.values()]
    test_ids = splits[0].test_ids
    require(
        all(np.array_equal(split.fitting_ids, splits[0].fitting_ids) for split in splits)
        and all(np.array_equal(split.test_ids, test_ids) for split in splits),
        "the models learned from different stimuli, so that their scores tell nothing of the "
        "models. Fit them with the same split.",
    )
    require(
        len(test_ids) > 1,
        f"{len(test_ids)} stimuli are held out for the test: at least 2 are needed. Give the split "
        "a test_fraction.",
    )
    for name, model in fitted.items():
        require(
            np.array_equal(model.unit_ids, responses.unit_ids),
            f"{name} was fitted to other units than those of the responses.",
        )
        require(
            model.window_s == responses.window_s,
            f"{name} was fitted to counts of the window {model.window_s}, and these are of "
            f"{responses.window_s}. Count the same window.",
        )
    return splits[0]


@dataclass(frozen=True, eq=False)
class _Truth:
    """What models are to predict."""

    pixels: np.ndarray
    means: np.ndarray
    n_trials: np.ndarray
    repeats: np.ndarray
    null: np.ndarray
    """(unit,) mean count over what was learned from."""

    @classmethod
    def of(
        cls, responses: Responses, images: Images, fitting_ids: np.ndarray, test_ids: np.ndarray
    ) -> _Truth:
        test = image_data(responses, images, test_ids)
        fitting = image_data(responses, images, fitting_ids)
        row = np.searchsorted(responses.stimulus_ids, test_ids)
        group = alike(images, np.concatenate([fitting_ids, test_ids]))
        n_known = int(np.isin(group[len(fitting_ids) :], group[: len(fitting_ids)]).sum())
        if n_known:
            warnings.warn(
                f"{n_known} of {len(test_ids)} test images were learned from under another id: "
                "scores may flatter the models. Split with groups=alike(images, stimulus_ids).",
                SpikeloopWarning,
                stacklevel=3,
            )
        return cls(
            pixels=test.pixels,
            means=test.means,
            n_trials=test.n_trials,
            repeats=responses.repeats()[row],
            null=np.average(fitting.means, axis=0, weights=fitting.n_trials),
        )


def _score(
    name: str, predictions: np.ndarray, truth: _Truth, method: Evaluation, *, seed: int
) -> ModelScores:
    draws = {"n_draws": method.n_draws, "confidence": method.confidence, "seed": seed}
    likely = np.maximum(predictions, np.maximum(LEAST_SHARE * truth.null, np.finfo(float).tiny))
    return ModelScores(
        name=name,
        predictions=predictions,
        correlation=evaluate.bootstrap_scores(_correlation, truth.means, predictions, **draws),
        cc_norm=_or_zero(partial(_where_repeated, evaluate.cc_norm, truth), predictions, truth),
        fraction_explained=_where_repeated(evaluate.fraction_explained, truth, predictions),
        single_trial_correlation=_or_zero(
            partial(evaluate.single_trial_correlation, truth.repeats), predictions, truth
        ),
        deviance_explained=_of_counts(evaluate.poisson_deviance_explained, truth, likely),
        bits_per_spike=_of_counts(evaluate.bits_per_spike, truth, likely),
    )


def _correlation(means: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return `evaluate.pearson`, which is 0 for a prediction that is the same for all stimuli.

    Models are compared over the same units, and one that has learned nothing of a unit has not
    earned that it is left out. A unit that answers all stimuli alike has none.
    """
    found = evaluate.pearson(means, predictions)
    constant = (np.ptp(predictions, axis=0) == 0) & (np.ptp(means, axis=0) > 0)
    return np.where(constant, 0.0, found)


def _or_zero(
    score: Callable[[np.ndarray], np.ndarray], predictions: np.ndarray, truth: _Truth
) -> np.ndarray:
    """Return a score that is 0 for a constant prediction, where another one would have a score."""
    found = score(predictions)
    constant = np.ptp(predictions, axis=0) == 0
    if not constant.any():
        return found
    return np.where(constant & np.isfinite(score(truth.means)), 0.0, found)


def _of_counts(
    score: Callable[..., np.ndarray], truth: _Truth, likely: np.ndarray
) -> Float[np.ndarray, " unit"]:
    """Return a score of likelihood, or NaN where a response is negative, as no count is."""
    possible = np.minimum(truth.means.min(axis=0), truth.null) >= 0
    found = np.full(len(possible), np.nan)
    if possible.any():
        found[possible] = score(truth.means[:, possible], likely[:, possible], truth.null[possible])
    return found


def _where_repeated(
    score: Callable[..., np.ndarray], truth: _Truth, *predictions: np.ndarray
) -> np.ndarray:
    """Return a score that needs repeats, or NaN where nothing was shown twice."""
    if (truth.n_trials >= 2).sum() < 2:
        return np.full(len(truth.null), np.nan)
    return score(truth.repeats, *predictions)


def _differences(
    models: Sequence[ModelScores], means: np.ndarray, method: Evaluation, *, seed: int
) -> dict[tuple[str, str], evaluate.PairedBootstrap]:
    compare = partial(
        evaluate.paired_bootstrap,
        _correlation,
        means,
        n_draws=method.n_draws,
        confidence=method.confidence,
        seed=seed,
    )
    return {
        (a.name, b.name): compare(a.predictions, b.predictions)
        for i, b in enumerate(models)
        for a in models[i + 1 :]
    }
