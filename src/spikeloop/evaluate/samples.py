"""Responses beside their predictions: what scores over single samples start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite
from spikeloop.evaluate.moments import ratio

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def as_numbers(name: str, values: object) -> np.ndarray:
    """Return `values` as an array of real numbers, or say that they are none.

    >>> as_numbers("rates", [1, 2])
    array([1, 2])
    """
    try:
        array = np.asarray(values)
        readable = array.dtype.kind in "biuf"
    except ValueError:  # lists of different lengths
        readable = False
    require(
        readable,
        f"{name} is a {type(values).__name__} that cannot be read as an array of real numbers. "
        "Give a NumPy array.",
    )
    return array


def paired_samples(
    responses: Float[np.ndarray, "... unit"], predictions: Float[np.ndarray, "... unit"]
) -> tuple[
    Float[np.ndarray, "sample unit"],
    Float[np.ndarray, "sample unit"],
    Bool[np.ndarray, "sample unit"],
]:
    """Return responses and predictions with one axis of samples, and where there is a response.

    Predictions have the axes of the responses; an axis of length 1 stands for any length. Both are
    zero where a response is missing, which is where it is NaN.

    Raises
    ------
    InvalidInputError
        The shapes do not fit, either is no array of numbers, a response is infinite, there is none,
        or a prediction of one is not finite.

    Examples
    --------
    >>> repeats = np.array([[[1.0], [3.0]], [[5.0], [np.nan]]])
    >>> responses, predictions, present = paired_samples(repeats, np.array([[[2.0]], [[6.0]]]))
    >>> responses[:, 0].tolist(), predictions[:, 0].tolist(), present[:, 0].tolist()
    ([1.0, 3.0, 5.0, 0.0], [2.0, 2.0, 6.0, 0.0], [True, True, True, False])
    """
    responses = as_numbers("responses", responses).astype(np.float64, copy=False)
    predictions = as_numbers("predictions", predictions).astype(np.float64, copy=False)
    require(
        responses.ndim >= 2 and responses.size > 0,
        f"responses has shape {responses.shape}: units must stand on its last axis, samples on the "
        "others, and there must be some of both. Write one unit as responses[:, None].",
    )
    fits = predictions.ndim == responses.ndim and all(
        length in {wanted, 1}
        for length, wanted in zip(predictions.shape[:-1], responses.shape[:-1], strict=True)
    )
    require(
        fits and predictions.shape[-1] == responses.shape[-1],
        f"predictions has shape {predictions.shape}: the responses want {responses.shape}, or 1 "
        "where they are the same along an axis. Write a prediction of all repeats of a stimulus as "
        "predictions[:, None].",
    )
    missing, predictions = np.isnan(responses), np.broadcast_to(predictions, responses.shape)
    if missing.any():
        responses, predictions = (np.where(missing, 0.0, v) for v in (responses, predictions))
    require(bool(np.isfinite(responses).all()), "responses holds infinite values. Remove them.")
    finite = np.isfinite(predictions)
    require(
        bool(finite.all()),
        f"{int((~finite).sum())} predictions of responses that are there are not finite. Find out "
        "where they come from.",
    )
    shape = (-1, responses.shape[-1])
    return responses.reshape(shape), predictions.reshape(shape), ~missing.reshape(shape)


def predictions_of(
    repeats: np.ndarray, predictions: np.ndarray
) -> Float[np.ndarray, "stimulus unit"]:
    """Return predictions as float64, one row for each stimulus of the repeats.

    Raises
    ------
    InvalidInputError
        The predictions have not one row per stimulus and one column per unit, or are not finite.
    """
    predictions = as_array("predictions", predictions, ("stimulus", "unit"), np.float64)
    n_stimuli, _, n_units = np.shape(repeats)
    require(
        predictions.shape == (n_stimuli, n_units),
        f"predictions has shape {predictions.shape}: the repeats want ({n_stimuli}, {n_units}).",
    )
    require_finite("predictions", predictions)
    return predictions


def first_present(
    values: Float[np.ndarray, "sample unit"], present: Bool[np.ndarray, "sample unit"]
) -> Float[np.ndarray, " unit"]:
    """Return the first sample present of each unit.

    Counted from it, the values of a constant unit are exactly zero, and so is their variance.

    >>> first_present(np.array([[7.0], [5.0]]), np.array([[False], [True]]))
    array([5.])
    """
    return values[np.argmax(present, axis=0), np.arange(values.shape[1])]


def present_mean(
    values: Float[np.ndarray, "sample unit"], present: Bool[np.ndarray, "sample unit"]
) -> Float[np.ndarray, " unit"]:
    """Return the mean over the samples present: exactly their value where they are constant.

    NaN for a unit without samples.

    >>> present_mean(np.array([[0.1], [9.0], [0.1], [0.1]]), np.array([[1], [0], [1], [1]]) > 0)
    array([0.1])
    """
    first = first_present(values, present)
    excess = (values - first) * present
    return first + ratio(excess.sum(axis=0), np.count_nonzero(present, axis=0))


def present_centred(
    values: Float[np.ndarray, "sample unit"], present: Bool[np.ndarray, "sample unit"]
) -> Float[np.ndarray, "sample unit"]:
    """Return values less their mean over the samples present, and zero for the others.

    >>> present_centred(np.array([[1.0], [9.0], [3.0]]), np.array([[1], [0], [1]]) > 0)[:, 0]
    array([-1.,  0.,  1.])
    """
    return np.where(present, values - present_mean(values, present), 0.0)
