"""What a virtual visual cortex fires while it watches images, and networks fire, to be recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spikeloop.data import BLANK, Experiment, SpikeTrains, TimeSeries
from spikeloop.data.checks import require
from spikeloop.neurons import LIF
from spikeloop.numerics.draws import Uniform
from spikeloop.simulate import (
    Network,
    Population,
    SimulatedCortex,
    Simulation,
    simulate_network,
)

if TYPE_CHECKING:
    from jaxtyping import Float, Float32

RATE_CELL = LIF(tau_ms=200.0, refractory_ms=2.0)
"""A neuron that fires at a given rate down to about 1 Hz. At lower rates, which it reaches a few
time constants after a spike, the potential creeps up by less than single precision can tell."""
_CLOCK_HZ = 1000.0


def current_for_rate(rate_hz: Float[np.ndarray, "..."], neuron: LIF) -> Float32[np.ndarray, "..."]:
    r"""Return the constant current at which a leaky neuron fires at a rate: f-I curve inverted.

    .. math::
        R I = \frac{v_{th} - v_{reset}}{1 - e^{-(1/r - t_{ref}) / \tau}} + v_{reset} - v_{rest}

    At a rate of 0 it is 0.

    Raises
    ------
    InvalidInputError
        A rate is negative, or as high as the refractory time allows no neuron to fire.

    Examples
    --------
    >>> current_for_rate(np.array([0.0, 50.0]), LIF(tau_ms=20.0)).round(2).tolist()
    [0.0, 23.729999542236328]
    """
    rate_hz = np.asarray(rate_hz, dtype=float)
    highest_hz = 1000 / neuron.refractory_ms if neuron.refractory_ms > 0 else np.inf
    require(
        bool(np.all((rate_hz >= 0) & (rate_hz < highest_hz))),
        f"rate_hz runs from {rate_hz.min():g} to {rate_hz.max():g}: it must be 0 or more, and "
        f"below {highest_hz:g}, which is 1 / refractory_ms.",
    )
    with np.errstate(divide="ignore"):
        charging_ms = 1000 / rate_hz - neuron.refractory_ms
    climb = (neuron.v_threshold - neuron.v_reset) / -np.expm1(-charging_ms / neuron.tau_ms)
    current = (climb + neuron.v_reset - neuron.v_rest) / neuron.resistance
    return np.where(rate_hz > 0, current, 0.0).astype(np.float32)


def expected_rates(cortex: SimulatedCortex) -> TimeSeries:
    """Return the rate of each unit of a virtual cortex at each millisecond, (time, unit), in Hz.

    Factors that vary from trial to trial are left out.
    """
    trials, truth = cortex.experiment.trials, cortex.truth
    stop_s = float(cortex.experiment.spikes.epochs.stop_s[-1])
    rates_hz = np.tile(
        truth.model.baseline_hz.astype(np.float32), (round(stop_s * _CLOCK_HZ) + 1, 1)
    )
    row_of = {int(image): row for row, image in enumerate(truth.image_ids)}
    edges_s = trials.onset_s[:, None] + np.array(truth.window_s)
    for (first, stop), stimulus in zip(
        np.rint(edges_s * _CLOCK_HZ).astype(int), trials.stimulus_id, strict=True
    ):
        if stimulus != BLANK:
            rates_hz[first:stop] = truth.rates_hz[row_of[int(stimulus)]]
    return TimeSeries(rates_hz, _CLOCK_HZ)


def fire_leaky(cortex: SimulatedCortex, *, seed: int) -> Experiment:
    """Return the experiment with the spikes of leaky neurons, fed with what gives them their rates.

    Each unit of the virtual cortex becomes a `LIF` neuron, whose injected current is that of its
    expected rate. There is no noise but where the potential starts, so the neurons fire as evenly
    as their rates change.
    """
    rates_hz = expected_rates(cortex)
    current = TimeSeries(current_for_rate(rates_hz.values, RATE_CELL), rates_hz.sample_rate_hz)
    spikes = cortex.experiment.spikes
    start = {"v": Uniform(RATE_CELL.v_reset, RATE_CELL.v_threshold)}
    cells = Population("cells", spikes.n_units, RATE_CELL, current=current, start=start)
    method = Simulation(spikes.epochs.duration_s, dt_ms=0.5, progress=True)
    fired = simulate_network(Network([cells]), method, seed=seed).spikes
    same_units = SpikeTrains(
        fired.times_s, fired.unit_index, spikes.unit_ids, spikes.epochs, spikes.unit_table
    )
    return replace(cortex.experiment, spikes=same_units)


def some_units(spikes: SpikeTrains, n_units: int, *, seed: int) -> SpikeTrains:
    """Return that many of the units that fire, drawn at random: those that a probe has met.

    Raises
    ------
    InvalidInputError
        So many do not fire.
    """
    active = np.flatnonzero(spikes.counts())
    require(
        n_units <= len(active),
        f"n_units={n_units}: only {len(active)} of {spikes.n_units} units fire. Ask for as many, "
        "or fewer.",
    )
    keep = np.zeros(spikes.n_units, dtype=bool)
    keep[np.random.default_rng(seed).choice(active, n_units, replace=False)] = True
    return spikes.select(keep)
