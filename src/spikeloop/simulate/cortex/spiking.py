"""From rates to spikes: Poisson, or over-dispersed by a gain that varies from trial to trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import Epochs, SpikeTrains
from spikeloop.data.checks import require, require_unique

if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

GAINS, SPIKES = 0, 1
"""What random numbers are for: the same seed gives gains and spikes that have nothing in common."""


def trial_gains(
    n_trials: int, n_units: int, *, shared_variance: float, private_variance: float, seed: int
) -> Float[np.ndarray, "trial unit"]:
    r"""Draw a factor on the rate for each trial and unit, with mean 1.

    The factor is the product of two gamma variables of mean 1: one that all units share in a trial,
    of variance :math:`v_s`, and one of each unit's own, of variance :math:`v_p`. A Poisson count of
    mean :math:`\mu` times that factor has the variance
    :math:`\mu + \mu^2 ((1 + v_s)(1 + v_p) - 1)`, and two units have the covariance
    :math:`\mu_1 \mu_2 v_s` (Goris et al. 2014, Nature Neuroscience 17:858). Variances of 0 leave
    the counts Poisson. Adding units does not change the factors of those before them.

    >>> trial_gains(2, 1, shared_variance=0.0, private_variance=0.0, seed=1).tolist()
    [[1.0], [1.0]]
    """
    require(
        min(shared_variance, private_variance) >= 0,
        f"shared_variance={shared_variance} and private_variance={private_variance}: a variance "
        "is 0 or more.",
    )
    shared = _gamma(np.random.default_rng(seed), shared_variance, n_trials)
    private = [
        _gamma(_unit_rng(seed, GAINS, unit), private_variance, n_trials) for unit in range(n_units)
    ]
    return shared[:, None] * np.reshape(private, (n_units, n_trials)).T


def spikes_from_rates(
    rates_hz: Float[np.ndarray, "interval unit"],
    edges_s: Float[np.ndarray, " edge"],
    unit_ids: Shaped[np.ndarray, " unit"],
    *,
    unit_table: Mapping[str, np.ndarray] | None = None,
    seed: int,
) -> SpikeTrains:
    """Draw Poisson spikes from rates that are constant in each interval, exactly.

    The number of spikes in an interval is a Poisson count of rate times duration, and their times
    are uniform in it. Each unit has its own random numbers, so that adding units does not change
    the spikes of those before them.

    Parameters
    ----------
    rates_hz
        Spikes per second of each unit in each interval.
    edges_s
        Where the intervals start and stop, in seconds, ascending: one more than intervals.
    unit_ids, unit_table
        Names of the units, and further columns, as in `SpikeTrains`.

    Raises
    ------
    InvalidInputError
        The shapes do not fit, the edges do not ascend, or a rate is negative or not finite.

    Examples
    --------
    >>> rates_hz = np.array([[100.0, 0.0], [0.0, 100.0]])
    >>> spikes = spikes_from_rates(rates_hz, np.array([0.0, 1.0, 2.0]), np.array([5, 6]), seed=1)
    >>> bool(spikes.of_unit(5).max() < 1.0 < spikes.of_unit(6).min())
    True
    """
    _check(rates_hz, edges_s, unit_ids)
    starts_s, stops_s = edges_s[:-1], edges_s[1:]
    expected = rates_hz * (stops_s - starts_s)[:, None]
    trains = {}
    for row, unit in enumerate(unit_ids.tolist()):
        rng = _unit_rng(seed, SPIKES, row)
        interval = np.repeat(np.arange(len(expected)), rng.poisson(expected[:, row]))
        lag_s = rng.random(len(interval)) * (stops_s - starts_s)[interval]
        last_s = np.nextafter(stops_s[interval], -np.inf)  # rounding may reach the next interval
        trains[unit] = np.sort(np.minimum(starts_s[interval] + lag_s, last_s))
    epochs = Epochs(edges_s[:1], edges_s[-1:])
    return SpikeTrains.from_units(trains, epochs, unit_table)


def _check(rates_hz: np.ndarray, edges_s: np.ndarray, unit_ids: np.ndarray) -> None:
    require_unique("unit_ids", unit_ids)
    wanted = (len(edges_s) - 1, len(unit_ids))
    require(
        rates_hz.shape == wanted,
        f"rates_hz has shape {rates_hz.shape}: {len(edges_s)} edges_s and {len(unit_ids)} unit_ids "
        f"want {wanted}.",
    )
    require(
        bool(np.all(np.diff(edges_s) > 0)), "edges_s is not ascending: sort it, and drop doubles."
    )
    require(
        bool(np.all(np.isfinite(rates_hz) & (rates_hz >= 0))),
        "rates_hz holds values below 0 or not finite: a rate is 0 or more.",
    )


def _unit_rng(seed: int, purpose: int, unit: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, unit)))


def _gamma(rng: np.random.Generator, variance: float, size: int) -> Float[np.ndarray, " trial"]:
    """Draw gamma variables of mean 1."""
    return rng.gamma(1 / variance, variance, size) if variance > 0 else np.ones(size)
