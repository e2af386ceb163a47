"""Response-triggered averages of images that were flashed one at a time."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spikeloop.characterize.spike_windows import check_null, check_ridge
from spikeloop.data import BLANK, Images, Responses, TimeSeries, Trials
from spikeloop.errors import InvalidInputError
from spikeloop.numerics.null import null_p_value, null_threshold
from spikeloop.numerics.parallel import one_blas_thread
from spikeloop.numerics.triggered import centre
from spikeloop.numerics.whitening import leave_one_out_ridge, ridge_whitened_rows

LEAVE_ONE_OUT = "leave_one_out"
RIDGES = np.geomspace(0.001, 1000.0, 25)
"""Among these `LEAVE_ONE_OUT` chooses: four to a factor of ten."""


@dataclass(frozen=True)
class ImageTriggeredAverage:
    """How to average the images by the responses to them."""

    whitening_ridge: float | Literal["leave_one_out"] | None = "leave_one_out"
    """Undo the images' own correlations, with this ridge in units of the mean variance of a pixel;
    leave_one_out: one for all units, the largest that predicts the responses to an image left out
    about best; None to leave them."""
    n_permutations: int = 200
    """How often the images are shuffled against the responses for the null; 0 for no null."""
    confidence: float = 0.95
    """The probability that an average of shuffled images stays within the null band."""

    def __post_init__(self) -> None:
        check_null("n_permutations", self.n_permutations, self.confidence)
        if self.whitening_ridge != LEAVE_ONE_OUT:
            check_ridge(self.whitening_ridge)


@dataclass(frozen=True, eq=False)
class ImageAverage:
    """What the images that drive each unit have in common.

    A unit that never responded has NaN everywhere.
    """

    unit_ids: np.ndarray
    """(unit,) as in the responses."""
    mean_image: np.ndarray
    """(y, x) the mean of the images shown, each counted once."""
    difference: np.ndarray
    """(unit, y, x) mean of the images weighted by the response to each, minus `mean_image`."""
    ensemble_sd: np.ndarray
    """(unit, y, x) weighted standard deviation of single images about the weighted mean: their
    spread, not the uncertainty of the average."""
    null_band: np.ndarray | None
    """(unit,) if the images are shuffled against the responses, the largest magnitude of
    `difference` over all pixels exceeds this with a probability of 1 - confidence at most."""
    p_value: np.ndarray | None
    """(unit,) of `difference`, not of `whitened`: (1 + permutations whose largest magnitude reaches
    the unit's own) / (1 + permutations)."""
    whitened: np.ndarray | None
    """(unit, y, x) inverse of the regularized covariance of the images times `difference`: the
    linear filter, as the relative change of the response per unit of a pixel. The ridge shrinks it,
    so its size is too small; the larger the ridge, the more."""
    whitened_null_band: np.ndarray | None
    """(unit,) as `null_band`, for the largest magnitude of `whitened` instead of `difference`."""
    ridge: float | None
    """The ridge of the whitening, given or chosen."""

    def __repr__(self) -> str:
        n_units, height, width = self.difference.shape
        ridge = "not whitened" if self.ridge is None else f"whitened with ridge {self.ridge:.3g}"
        return f"ImageAverage({n_units} units, {height} x {width} pixels, {ridge})"


def image_triggered_average(
    responses: Responses, images: Images, method: ImageTriggeredAverage, *, seed: int
) -> ImageAverage:
    """Average the images, weighted by each unit's mean response to them.

        difference[u] = sum over i of r[i, u] (x_i - mean of x) / sum over i of r[i, u]

    Images and responses are paired by their ids. With whitening, the difference is multiplied by
    (C + ridge)^-1, C the covariance of the images: one solution for all units, of the size of the
    pixels or of the images, whichever are fewer. The ridge shrinks the filter, so compare its shape
    with other filters, not its size. `p_value` and `null_band` test the difference;
    `whitened_null_band` is for the whitened filter.

    Parameters
    ----------
    responses
        Their mean over repeats is the weight; blanks are left out.
    images
        At least those shown.
    method
        The whitening and the null.
    seed
        Draws the permutations, the same for every unit.

    Raises
    ------
    InvalidInputError
        An image is missing, fewer than two images were shown, or a response is negative.

    Examples
    --------
    >>> images = Images([[[0.0, 1.0]], [[2.0, 1.0]]], image_ids=[7, 9])
    >>> responses = Responses([[3.0], [1.0]], (0.0, 0.1), Trials([9, 7]), unit_ids=["a"])
    >>> method = ImageTriggeredAverage(n_permutations=0)
    >>> image_triggered_average(responses, images, method, seed=0).difference.tolist()
    [[[0.5, 0.0]]]
    """
    pixels = images.of_ids(responses.stimulus_ids)
    weights = responses.mean()
    _require_weights(weights, responses)
    rows = pixels.reshape(len(pixels), -1)
    mean = centre(rows)
    rows = rows - mean
    total = weights.sum(axis=0)
    # Summing to 1 keeps the products in the range of the pixels, so float32 is enough.
    shares = (weights / np.where(total > 0, total, np.nan)).astype(rows.dtype)
    difference = shares.T @ rows
    spread = np.sqrt(np.maximum(shares.T @ rows**2 - difference**2, 0))
    ridge = method.whitening_ridge
    if ridge == LEAVE_ONE_OUT:
        ridge = leave_one_out_ridge(rows, weights, RIDGES)
    whitening = ridge is not None
    filters = ridge_whitened_rows(rows, ridge) if whitening else None
    whitened = shares.T @ filters if whitening else None
    null_band, p_value, whitened_null_band = None, None, None
    if method.n_permutations:
        extremes = _permuted_extremes(shares, rows, method.n_permutations, seed)
        null_band = null_threshold(extremes, method.confidence)
        p_value = null_p_value(np.abs(difference).max(axis=1), extremes)
    if method.n_permutations and whitening:
        extremes = _permuted_extremes(shares, filters, method.n_permutations, seed)
        whitened_null_band = null_threshold(extremes, method.confidence)
    shape = (len(total), *pixels.shape[1:])
    return ImageAverage(
        unit_ids=responses.unit_ids,
        mean_image=mean.reshape(pixels.shape[1:]),
        difference=difference.reshape(shape),
        ensemble_sd=spread.reshape(shape),
        null_band=null_band,
        p_value=p_value,
        whitened=whitened.reshape(shape) if whitening else None,
        whitened_null_band=whitened_null_band,
        ridge=ridge,
    )


def frames(images: Images, trials: Trials) -> TimeSeries:
    """Return images shown one after another as a stimulus: a sample per trial, a feature per pixel.

    Pixels stand in the order y, x. A blank is shown as the mean grey of all pixels of all images:
    it is not known how bright the empty screen was. The clock is the mean pace of the onsets.

    Parameters
    ----------
    images
        At least those shown.
    trials
        Their onsets must be regular: each step within a tenth of the median step.

    Raises
    ------
    InvalidInputError
        There are no onsets, fewer than two, or they are not regular; or an image is missing.

    Examples
    --------
    >>> images = Images([[[0.0, 1.0]], [[2.0, 1.0]]], image_ids=[7, 9])
    >>> stimulus = frames(images, Trials([9, -1, 7], onset_s=[5.0, 5.25, 5.5]))
    >>> stimulus.values.tolist(), stimulus.start_s
    ([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]], 5.0)
    """
    if trials.onset_s is None or len(trials) < 2:
        raise InvalidInputError(
            f"{len(trials)} trials with onset_s "
            f"{'missing' if trials.onset_s is None else 'given'}: frames need two onsets or more."
        )
    step_s = _regular_step(trials.onset_s)
    shown = trials.stimulus_id != BLANK
    values = np.full((len(trials), images.pixels[0].size), images.pixels.mean(), np.float32)
    pixels = images.of_ids(trials.stimulus_id[shown])
    values[shown] = pixels.reshape(len(pixels), -1)
    return TimeSeries(values, sample_rate_hz=1 / step_s, start_s=float(trials.onset_s[0]))


def _require_weights(weights: np.ndarray, responses: Responses) -> None:
    if len(weights) < 2:
        raise InvalidInputError(
            f"Responses to {len(weights)} images: an average over images takes two or more."
        )
    negative = np.argwhere(weights < 0)
    if negative.size:
        image, unit = negative[0]
        raise InvalidInputError(
            f"{len(negative)} mean responses are negative, the first {weights[image, unit]:.4g} of "
            f"unit {responses.unit_ids[unit]} to image {responses.stimulus_ids[image]}: weights "
            "must be 0 or more. Take each unit's smallest response off."
        )


def _permuted_extremes(
    shares: np.ndarray, rows: np.ndarray, n_permutations: int, seed: int
) -> np.ndarray:
    """Return the largest magnitude over pixels of each average of shuffled images."""
    rng = np.random.default_rng(seed)
    extremes = np.empty((shares.shape[1], n_permutations), rows.dtype)
    with one_blas_thread():
        for i in range(n_permutations):
            shuffled = shares[rng.permutation(len(shares))]
            extremes[:, i] = np.abs(shuffled.T @ rows).max(axis=1)
    return extremes


def _regular_step(onset_s: np.ndarray) -> float:
    """Return the mean step between onsets, or say where they are not regular."""
    steps_s = np.diff(onset_s)
    usual_s = float(np.median(steps_s))
    irregular = (steps_s <= 0) | (np.abs(steps_s - usual_s) > 0.1 * abs(usual_s))
    for i in np.flatnonzero(irregular)[:1]:
        raise InvalidInputError(
            f"Onsets are not regular: trial {i + 1} starts {steps_s[i]:.6g} s after trial {i}, and "
            f"the median step is {usual_s:.6g} s. Give each unbroken block of trials on its own."
        )
    step_s = float(np.mean(steps_s))
    drift_s = onset_s - (onset_s[0] + step_s * np.arange(len(onset_s)))
    for i in np.flatnonzero(np.abs(drift_s) > 0.5 * step_s)[:1]:
        raise InvalidInputError(
            f"Onsets drift: trial {i} starts {drift_s[i]:.6g} s off a steady clock of "
            f"{step_s:.6g} s. Give shorter blocks of trials."
        )
    return step_s
