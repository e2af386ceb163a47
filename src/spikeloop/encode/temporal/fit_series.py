"""Fit a model of a continuous stimulus to the spikes of all units."""

from __future__ import annotations

import numpy as np

from spikeloop.data import SpikeTrains, TimeSeries
from spikeloop.encode.splits import TimeSplit, split_time
from spikeloop.encode.temporal.fitted_series import FittedSeriesModel, SeriesModel
from spikeloop.encode.temporal.series_data import require_learnable, series_data


def fit_series(
    model: SeriesModel,
    spikes: SpikeTrains,
    stimulus: TimeSeries,
    *,
    split: TimeSplit | None = None,
    seed: int,
) -> FittedSeriesModel:
    """Fit a model of a continuous stimulus to the spikes of all units.

    Bins are those of the stimulus. A bin is learned from if its whole past was observed, outside
    the test: neither stimulus nor spikes of the test are looked at.

    Parameters
    ----------
    model
        Settings: `TemporalLinearNonlinear`, `PoissonGLM`, `MaximallyInformative`, `DilatedNetwork`.
    spikes, stimulus
        On one clock.
    split
        What to learn from. None: the last fifth of the observed time is left for a test, and a
        tenth before it is for validation.
    seed
        Start of all random numbers.

    Raises
    ------
    InvalidInputError
        The observed stretches are shorter than the past that the model looks at, the stimulus is
        constant, or there is no unit.

    Examples
    --------
    >>> from spikeloop.data import Epochs
    >>> from spikeloop.encode.temporal.poisson_glm import PoissonGLM
    >>> rng = np.random.default_rng(0)
    >>> noise = TimeSeries(rng.standard_normal((4000, 1)), sample_rate_hz=100.0)
    >>> fired = np.flatnonzero(rng.random(4000) < 0.1 * np.exp(noise.values[:, 0]))
    >>> spikes = SpikeTrains.from_units({"a": (fired + 0.5) / 100}, Epochs([0.0], [40.0]))
    >>> fitted = fit_series(PoissonGLM(), spikes, noise, seed=0)
    >>> fitted
    FittedSeriesModel(PoissonGLM, 1 units, 1 features, bins of 0.01 s)
    >>> fitted.receptive_fields()[0, -3:, 0].argmax()
    np.int64(2)
    """
    split = split_time(spikes.epochs) if split is None else split
    n_past = model.n_past(1 / stimulus.sample_rate_hz)
    seen = (split.training, split.validation)
    training, validation = (
        series_data(spikes, stimulus, counted=part, seen=seen, n_past=n_past) for part in seen
    )
    require_learnable(training, spikes.unit_ids)
    estimate = model.fit_series(training, validation, seed=seed)
    learned = training.used | validation.used
    return FittedSeriesModel(
        model=model,
        parameters=estimate.parameters,
        unit_ids=spikes.unit_ids,
        bin_s=training.bin_s,
        stimulus_mean=training.stimulus[learned].mean(axis=0, dtype=float),
        counts_mean=training.counts[learned].mean(axis=0, dtype=float),
        counts_most=np.maximum(training.counts[learned].max(axis=0), 1).astype(int),
        split=split,
        history=estimate.history,
    )
