"""What models of images have learned: filters, kernels, and weights of a bank."""

from functools import partial

import jax
import numpy as np

from spikeloop.encode import ConvolutionalNetwork, FittedModel, GaborBank
from spikeloop.encode.images.bank_features import bank_features
from spikeloop.evaluate.recovery import filter_correlation
from spikeloop.viz import (
    ReportFigure,
    Section,
    plot_bank_weights,
    plot_receptive_fields,
)
from spikeloop.workflows.encode.images import ImageFindings
from spikeloop.workflows.encode.training_report import training_figure

MOST_FILTERS = 16
MOST_KERNELS = 32
MOST_BANKS = 8
_SOME_IMAGES = 200
_FILTER_WORDS = {
    "ridge": "Linear filters (ridge)",
    "smooth": "Linear filters with a smooth prior (smooth)",
    "lnp": "Linear filters before a soft threshold (lnp)",
}


def learned_section(found: ImageFindings) -> Section:
    """Return the chapter on what each model has learned, as far as it can be drawn."""
    units = found.order
    figures = []
    for name, fitted in found.fitted.items():
        if name in _FILTER_WORDS:
            figures.append(_filters_figure(found, name, units[:MOST_FILTERS]))
        if isinstance(fitted.model, GaborBank):
            figures.append(_bank_figure(found, fitted, units[:MOST_BANKS]))
        if isinstance(fitted.model, ConvolutionalNetwork):
            figures += [_kernel_figure(name, fitted), training_figure(name, fitted)]
    return Section(
        "What the models learned",
        "Drawn for the units that the best model predicts best.",
        figures,
    )


def _filters_figure(found: ImageFindings, name: str, units: np.ndarray) -> ReportFigure:
    filters = np.asarray(found.fitted[name].parameters["filters"])
    score = found.comparison[name].correlation.units.score
    return ReportFigure(
        _FILTER_WORDS[name],
        plot_receptive_fields(
            filters[units],
            found.comparison.unit_ids[units],
            extent_deg=found.images.extent_deg,
            scores={f"test correlation by {name}": score[units]},
        ),
        "Weights of the pixels; each map has its own scale.",
    )


def _bank_figure(found: ImageFindings, fitted: FittedModel, units: np.ndarray) -> ReportFigure:
    by_filter, by_place = bank_maps(fitted, found.images.of_ids(found.split.training_ids))
    bank = fitted.model.features.bank
    return ReportFigure(
        "Which filters of the bank drive each unit",
        plot_bank_weights(
            by_filter[units],
            by_place[units],
            [f"unit {unit}" for unit in found.comparison.unit_ids[units]],
            wavelengths_px=bank.wavelengths_px(*fitted.mean_image.shape),
        ),
        "Left of each pair: weights of the filters times the spread of what they say of training "
        "images, summed over places; red excites, blue inhibits. Wavelengths are in pixels of the "
        "image. Direction is that in which the "
        "pattern of a filter repeats: 0 for vertical stripes, 90 for horizontal ones. Right: where "
        "the weights are (root of the summed squares), black for most; the top of the map is the "
        "top of the image.",
    )


def bank_maps(fitted: FittedModel, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a bank as (unit, scale, orientation) and as (unit, y, x).

    Weights are multiplied by the standard deviation of their feature over some images, so that they
    tell what moves a response; without it fine filters, which say little, would look strongest.
    """
    settings = fitted.model.features
    features = jax.jit(partial(bank_features, settings))(
        pixels[:_SOME_IMAGES], fitted.parameters["mean_amplitude"]
    )
    spread = np.asarray(features).std(axis=0)
    weights = (np.asarray(fitted.parameters["weights"]) * spread)[:, :-1]  # the last is luminance
    bank = settings.bank
    shape = (len(bank.wavelengths_px(*fitted.mean_image.shape)), bank.n_orientations)
    # All powers of an amplitude rise with it, so that their weights add up.
    by_filter = weights.sum(axis=(2, 3)).reshape(len(weights), -1, *shape).sum(axis=1)
    return by_filter, np.sqrt((weights**2).sum(axis=1))


def _kernel_figure(name: str, fitted: FittedModel) -> ReportFigure:
    kernel = np.asarray(fitted.parameters["core.0.kernel"])[0, :, :, 0]
    kernels = np.moveaxis(kernel, -1, 0)[:MOST_KERNELS]
    return ReportFigure(
        f"First kernels of {name}",
        plot_receptive_fields(kernels, np.arange(len(kernels)), most=MOST_KERNELS),
        f"What {len(kernels)} of the {kernel.shape[-1]} kernels of the first layer look for; each "
        f"has its own scale. {_start_words(fitted.model, kernel)}"
        + (" Of several networks the first is drawn." if fitted.model.n_seeds > 1 else ""),
    )


def _start_words(network: ConvolutionalNetwork, kernel: np.ndarray) -> str:
    """Return what the kernels (y, x, channel) were before training, and how far they moved."""
    if network.core.start == "random":
        return "They began as noise."
    start = np.asarray(network.core.begin(jax.random.key(0))["core.0.kernel"])[:, :, 0]
    same = filter_correlation(np.moveaxis(kernel, -1, 0), np.moveaxis(start, -1, 0))
    low, middle, high = (
        f"{value:.2f}".replace("-", "−") for value in np.nanpercentile(same, [0, 50, 100])
    )
    return (
        "They began as Gabor filters. The correlation of each with its start is "
        f"{low} to {high}, with a median of {middle}; at 1 its shape was not learned."
    )
