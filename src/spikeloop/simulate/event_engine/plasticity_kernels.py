"""Compiled plasticity: each spike costs as much as it has synapses, and no tick costs anything.

A trace that decays by exp(-dt / tau) per tick is kept as

    scaled = trace * exp((tick - origin) dt / tau),

which does not change between spikes. Before the exponential grows too large the origin is moved to
the present, once in `REACH` time constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from spikeloop.data.checks import require
from spikeloop.simulate.networks.plasticity import STDP, ShortTerm

if TYPE_CHECKING:
    from jaxtyping import Float32, Int

REACH = 20.0
"""How many time constants a scaled trace may lie from its origin: exp(20) is 5e8."""

_compiled = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)


class Traces(NamedTuple):
    """Exponential traces of spikes."""

    scaled: np.ndarray
    """(train,) float32."""
    origin: np.ndarray
    """(1,) int64: the tick at which the scale is 1."""
    decay: float
    """dt / tau."""


class TargetSpan(NamedTuple):
    """Which neurons the synapses end on."""

    size: int
    """How many there are."""
    first_place: int = 0
    """What a synapse calls the first of them."""
    first_unit: int = 0
    """What a spike calls the first of them."""


class PairRule(NamedTuple):
    """`STDP` in numbers."""

    a_plus: np.float32
    a_minus: np.float32
    w_max: np.float32
    multiplicative: bool


class Plastic(NamedTuple):
    """Synapses that change by pairs of spikes. Threads share none: give each its own."""

    starts: np.ndarray
    """(row + 1,) where the synapses of each row begin: those of one source with one delay."""
    targets: np.ndarray
    """(synapse,) what each ends on, counted from `TargetSpan.first_place`."""
    weights: np.ndarray
    """(synapse,) float32, changed in place."""
    target_starts: np.ndarray
    """(target + 1,) int64: where the synapses of each target begin in the next two."""
    synapses: np.ndarray
    """(synapse,) uint32: their places in `weights`, in the order of targets, then rows."""
    rows: np.ndarray
    """(synapse,) int32: their rows."""
    arrivals: Traces
    """x, of each row."""
    spikes: Traces
    """y, of each target."""
    rule: PairRule
    span: TargetSpan


class Resources(NamedTuple):
    """The state of short-term plasticity, and its numbers."""

    u: np.ndarray
    """(source,) float32: u just after the last spike."""
    x: np.ndarray
    """(source,) float32: x just after the last spike."""
    last: np.ndarray
    """(source,) int64: the tick of the last spike."""
    use: float
    """What a first spike uses."""
    recovery: float
    """dt / tau_recovery."""
    facilitation: float
    """dt / tau_facilitation; infinite where there is none."""


def plastic_synapses(
    method: STDP,
    starts: Int[np.ndarray, " row+1"],
    targets: Int[np.ndarray, " synapse"],
    weights: Float32[np.ndarray, " synapse"],
    span: TargetSpan,
    *,
    dt_ms: float,
) -> Plastic:
    """Return synapses that `stdp_arrivals` and `stdp_spikes` change, before any spike.

    Parameters
    ----------
    method
        The rule.
    starts
        Where the synapses of each row begin in `targets` and `weights`; need not start at 0.
    targets, weights
        Of each synapse; `weights` is not copied, and changes.
    span
        Which neurons the synapses end on.
    dt_ms
        How long a tick lasts.

    Raises
    ------
    InvalidInputError
        A weight lies outside 0..w_max, or there are too many synapses.

    Examples
    --------
    One synapse, a spike of its target at tick 0, and an arrival at tick 10:

    >>> weights = np.array([0.5], dtype=np.float32)
    >>> plastic = plastic_synapses(
    ...     STDP(), np.array([0, 1]), np.array([0]), weights, TargetSpan(1), dt_ms=1.0
    ... )
    >>> stdp_spikes(plastic, np.array([0]), 0)
    >>> stdp_arrivals(plastic, np.array([0]), 10)
    >>> bool(np.isclose(weights[0], 0.5 - 0.012 * np.exp(-10 / 20)))
    True
    """
    require(
        starts[-1] <= np.iinfo(np.uint32).max,
        f"{starts[-1]} plastic synapses: there may be {np.iinfo(np.uint32).max}.",
    )
    used = weights[starts[0] : starts[-1]]
    require(
        used.size == 0 or (used.min() >= 0 and used.max() <= method.w_max),
        f"weights reach from {used.min(initial=np.inf):.6g} to {used.max(initial=-np.inf):.6g}: "
        f"plastic ones must start within 0..w_max={method.w_max}.",
    )
    return Plastic(
        starts,
        targets,
        weights,
        *transpose(starts, targets, span.size, span.first_place),
        _no_traces(len(starts) - 1, dt_ms / method.tau_plus_ms),
        _no_traces(span.size, dt_ms / method.tau_minus_ms),
        PairRule(
            np.float32(method.a_plus),
            np.float32(method.a_minus),
            np.float32(method.w_max),
            method.rule == "multiplicative",
        ),
        span,
    )


def resources(method: ShortTerm, n_sources: int, *, dt_ms: float) -> Resources:
    """Return the state of short-term plasticity before any spike.

    >>> state = resources(ShortTerm(u=0.5, tau_recovery_ms=100.0), 1, dt_ms=1.0)
    >>> float(short_term_factor(state, 0, 7)), float(short_term_factor(state, 0, 7))
    (0.5, 0.25)
    """
    facilitation = dt_ms / method.tau_facilitation_ms if method.tau_facilitation_ms else np.inf
    return Resources(
        u=np.zeros(n_sources, dtype=np.float32),
        x=np.ones(n_sources, dtype=np.float32),
        last=np.zeros(n_sources, dtype=np.int64),
        use=float(method.u),
        recovery=dt_ms / method.tau_recovery_ms,
        facilitation=facilitation,
    )


@_compiled
def transpose(starts, targets, n_targets, first_place):
    """Return where the synapses of each target begin, their places, and their rows, in O(n)."""
    begins = np.zeros(n_targets + 1, dtype=np.int64)
    for synapse in range(starts[0], starts[-1]):
        begins[targets[synapse] - first_place + 1] += 1
    begins = np.cumsum(begins)
    free = begins.copy()
    synapses = np.empty(begins[-1], dtype=np.uint32)
    rows = np.empty(begins[-1], dtype=np.int32)
    for row in range(len(starts) - 1):
        for synapse in range(starts[row], starts[row + 1]):
            target = targets[synapse] - first_place
            synapses[free[target]] = synapse
            rows[free[target]] = row
            free[target] += 1
    return begins, synapses, rows


@_compiled
def stdp_arrivals(plastic, rows, tick):
    """Weaken the synapses of `rows`, whose spikes arrive at `tick`, and remember the arrivals.

    Call it after the spikes were delivered, and before `stdp_spikes` of the same tick.
    """
    rule, weights, y = plastic.rule, plastic.weights, plastic.spikes.scaled
    growth = _growth(plastic.arrivals, tick)
    step = rule.a_minus / _growth(plastic.spikes, tick)
    for row in rows:
        for synapse in range(plastic.starts[row], plastic.starts[row + 1]):
            weight = weights[synapse]
            scale = weight if rule.multiplicative else rule.w_max
            trace = y[plastic.targets[synapse] - plastic.span.first_place]
            weights[synapse] = max(weight - step * scale * trace, np.float32(0))
        plastic.arrivals.scaled[row] += growth


@_compiled
def stdp_spikes(plastic, units, tick):
    """Strengthen the synapses on `units`, which fire at `tick`, and remember the spikes.

    Units outside the span are passed over.
    """
    rule, weights, x = plastic.rule, plastic.weights, plastic.arrivals.scaled
    growth = _growth(plastic.spikes, tick)
    step = rule.a_plus / _growth(plastic.arrivals, tick)
    for unit in units:
        target = unit - plastic.span.first_unit
        if target < 0 or target >= plastic.span.size:
            continue
        for k in range(plastic.target_starts[target], plastic.target_starts[target + 1]):
            weight = weights[plastic.synapses[k]]
            scale = rule.w_max - weight if rule.multiplicative else rule.w_max
            stronger = weight + step * scale * x[plastic.rows[k]]
            weights[plastic.synapses[k]] = min(stronger, rule.w_max)
        plastic.spikes.scaled[target] += growth


@_compiled
def short_term_factor(state, source, tick):
    """Return the factor on the weights of a spike that `source` emits at `tick`, and use it up."""
    elapsed = tick - state.last[source]
    kept = 0.0
    if state.facilitation < np.inf:
        kept = state.u[source] * np.exp(-elapsed * state.facilitation)
    u = kept + state.use * (1 - kept)
    x = 1 - (1 - state.x[source]) * np.exp(-elapsed * state.recovery)
    state.u[source], state.x[source], state.last[source] = u, x - u * x, tick
    return np.float32(u * x)


@_compiled
def _growth(traces, tick):
    """Return the scale of the traces at `tick`, having moved the origin if need be."""
    apart = (tick - traces.origin[0]) * traces.decay
    if apart > REACH:
        shrink = np.float32(np.exp(-apart))
        for train in range(traces.scaled.size):
            traces.scaled[train] *= shrink
        traces.origin[0] = tick
        apart = 0.0
    return np.float32(np.exp(apart))


def _no_traces(n_trains: int, decay: float) -> Traces:
    return Traces(np.zeros(n_trains, dtype=np.float32), np.zeros(1, dtype=np.int64), decay)
