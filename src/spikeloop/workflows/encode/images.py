"""Images and counts: fit models, keep them, and compare them on images that none has seen."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spikeloop import encode
from spikeloop.data import Experiment, Images, Responses
from spikeloop.data.checks import require
from spikeloop.encode.network.model import energy_network, network_of_experiment_two
from spikeloop.io.results import write_arrays, write_text
from spikeloop.viz.tables import to_csv
from spikeloop.workflows.encode.fits import fit_each
from spikeloop.workflows.encode.settings import IMAGE_BASELINES, EncodeConfig
from spikeloop.workflows.job import Job
from spikeloop.workflows.scenes import SceneMethods, counted

VALIDATION_FRACTION, TEST_FRACTION = 1 / 12, 1 / 6

_SIMPLE = {
    "mean": encode.MeanResponse,
    "ridge": encode.Ridge,
    "smooth": encode.SmoothRidge,
    "ln": encode.LinearNonlinear,
    "lnp": encode.LinearNonlinearPoisson,
    "gabor": encode.GaborBank,
    "scattering": encode.ScatteringKernel,
}
_NETWORKS = {"network": energy_network, "experiment2": network_of_experiment_two}


@dataclass(frozen=True, eq=False)
class ImageFindings:
    """What models made of the responses to images."""

    responses: Responses
    images: Images
    split: encode.StimulusSplit
    fitted: dict[str, encode.FittedModel]
    comparison: encode.ModelComparison
    evaluation: encode.Evaluation

    @property
    def best(self) -> str:
        """Name of the model with the highest mean correlation."""
        mean = [scores.correlation.mean.score for scores in self.comparison.models]
        return self.comparison.models[int(np.argmax(np.nan_to_num(mean, nan=-1.0)))].name

    @property
    def order(self) -> np.ndarray:
        """(unit,) the units that the best model predicts, from the best to the worst, NaN last."""
        score = self.comparison[self.best].correlation.units.score
        return np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")


def encode_images(
    job: Job, experiment: Experiment, config: EncodeConfig, names: list[str]
) -> ImageFindings:
    """Split the images, fit the models, and test them.

    Raises
    ------
    InvalidInputError
        There are fewer than 20 images, they all look the same, or an image is missing.
    """
    with job.doing("responses"):
        methods = SceneMethods(window_s=config.window_s)
        responses = experiment.responses or counted(experiment, methods)
        images = experiment.images
        require(
            len(responses.unit_ids) > 0,
            f"{experiment.name} has no units: there is nothing to predict. Loosen the quality "
            "limits, or check the file.",
        )
        groups = _groups(job, responses, images)
        split = job.folder.result(
            "split", encode.StimulusSplit, lambda: _split(responses, groups, config)
        )
    fitted = fit_each(
        job,
        names,
        IMAGE_BASELINES,
        lambda name: _kept(job, name, responses, images, split, config),
    )
    evaluation = encode.Evaluation(config.n_draws, config.confidence, config.fev_threshold)
    with job.doing("test"):
        comparison = encode.evaluate_models(fitted, responses, images, evaluation, seed=config.seed)
        _write(job.folder.path, comparison)
    return ImageFindings(responses, images, split, fitted, comparison, evaluation)


def _groups(job: Job, responses: Responses, images: Images) -> np.ndarray | None:
    """Return which stimuli show the same image, and remark on it; None where there are none.

    Neither are there any where all images are the same, which is refused later.
    """
    groups = encode.alike(images, responses.stimulus_ids)
    n_images = len(np.unique(groups))
    if n_images in (1, len(groups)):
        return None
    job.remark(
        f"{len(groups) - n_images} of {len(groups)} stimuli show an image that another id shows "
        "too. Images that are the same were kept on one side of the split."
    )
    return groups


def _split(
    responses: Responses, groups: np.ndarray | None, config: EncodeConfig
) -> encode.StimulusSplit:
    validation, test = config.validation_fraction, config.test_fraction
    return encode.split_stimuli(
        responses.stimulus_ids,
        validation_fraction=VALIDATION_FRACTION if validation is None else validation,
        test_fraction=TEST_FRACTION if test is None else test,
        groups=groups,
        seed=config.seed,
    )


def _kept(
    job: Job,
    name: str,
    responses: Responses,
    images: Images,
    split: encode.StimulusSplit,
    config: EncodeConfig,
) -> encode.FittedModel:
    """Return the fitted model, from its file where an earlier run of this job left one."""
    made: list[encode.FittedModel] = []

    def write(path: Path) -> None:
        if name in _NETWORKS:
            made.append(_trained(job, name, responses, images, split, config))
        else:
            made.append(
                encode.fit(_SIMPLE[name](), responses, images, split=split, seed=config.seed)
            )
        encode.save_model(path, made[0])

    path = job.folder.file(f"{name}.safetensors", write)
    return made[0] if made else encode.load_model(path)


def _trained(
    job: Job,
    name: str,
    responses: Responses,
    images: Images,
    split: encode.StimulusSplit,
    config: EncodeConfig,
) -> encode.FittedModel:
    """Return a trained network; its state is kept meanwhile, so that it can be trained on."""
    network = replace(_NETWORKS[name](), n_seeds=config.n_seeds)
    if config.max_epochs is not None:
        training = replace(network.training, max_epochs=config.max_epochs)
        network = replace(network, training=training)

    def show(epoch: int, of: int, correlation: float) -> None:
        job.bar.set_description(
            f"{name}: epoch {epoch} of {of}, validation correlation {correlation:.3f}"
        )

    state = job.folder.path / f"{name}-training.safetensors"

    fitted = encode.fit(
        network,
        responses,
        images,
        split=split,
        progress=show,
        checkpoint=encode.Checkpoint(state),
        seed=config.seed,
    )
    state.unlink(missing_ok=True)
    return fitted


def _write(folder: Path, comparison: encode.ModelComparison) -> None:
    """Write the scores of units as a table, and scores, comparisons and predictions as arrays."""
    models, pairs = comparison.models, comparison.differences
    columns = ["unit", "model", *models[0].columns()]
    rows = [
        (str(unit), scores.name, *values)
        for scores in models
        for unit, *values in zip(comparison.unit_ids, *scores.columns().values(), strict=True)
    ]
    write_text(folder / "scores.csv", to_csv(columns, rows))
    means = [scores.correlation.mean for scores in models]
    differences = [pair.difference.mean for pair in pairs.values()]
    arrays = {
        "unit_ids": comparison.unit_ids,
        "models": np.array([scores.name for scores in models]),
        "mean_correlation": np.array([(m.score, m.low, m.high) for m in means]),
        "fraction_explainable": comparison.fraction_explainable,
        "compared": np.array(list(pairs), dtype=str).reshape(-1, 2),
        "mean_difference": np.array([(d.score, d.low, d.high) for d in differences]),
        "p_value": np.array([pair.p_value for pair in pairs.values()]),
    }
    arrays |= {
        name: np.stack([scores.columns()[name] for scores in models])
        for name in models[0].columns()
    }
    write_arrays(folder / "comparison.npz", arrays)
    predictions = {f"predicted.{scores.name}": scores.predictions for scores in models}
    measured = {
        "test_ids": comparison.test_ids,
        "n_trials": comparison.n_trials,
        "measured": comparison.means,
        "unit_ids": comparison.unit_ids,
    }
    write_arrays(folder / "predictions.npz", measured | predictions)
