"""The search for a subspace: starts from moments, Newton for the surface, L-BFGS for everything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.encode.temporal.poisson_regression import half_spike_drive, poisson_regression

if TYPE_CHECKING:
    from jaxtyping import Array, Float

_REACH = 3.0  # standard deviations that the bumps cover
_BINS_TO_TRY = 60_000
_HISTORY_PENALTY = 1e-4
_SLOPE_SHARE = 0.01  # of the penalty that first differences have, beside second ones
_LEAST = 1e-12  # of an expected count, whose logarithm is taken


@dataclass(frozen=True, eq=False)
class Bins:
    """What one unit's rate is explained by, and its counts."""

    shown: Float[np.ndarray, "time basis"]
    """(time, basis) features of the stimulus, centred."""
    heard: Float[np.ndarray, "time history_basis"]
    """(time, basis) features of past spikes, perhaps none."""
    counts: Float[np.ndarray, " time"]
    """(time,) spikes in each bin."""

    def some(self, places: np.ndarray | slice) -> Bins:
        """Return the bins at these places."""
        return Bins(self.shown[places], self.heard[places], self.counts[places])


@dataclass(frozen=True)
class Search:
    """Settings of the search."""

    n_filters: int
    n_centres: int
    roughness: float
    n_starts: int


@dataclass(frozen=True, eq=False)
class Surface:
    """A subspace, a function of it, and weights of past spikes."""

    weights: Float[np.ndarray, "basis filter"]
    """(basis, filter) so scaled that each filter gives unit variance."""
    values: Float[np.ndarray, "..."]
    """(centre, ...) one axis for each filter: the drive at each bump."""
    heard: Float[np.ndarray, " history_basis"]
    """(history basis,) weights of past spikes."""


def surface(along: Float[Array, "time filter"], values: Float[Array, "..."]) -> Array:
    """Return the function of the filtered stimuli: values of bumps, weighted by nearness.

    Along each filter the weights are Gaussians of the distance to the centres, in units of their
    spacing, divided by their sum; far beyond the outermost centre the function is constant.

    >>> values = jnp.array([0.0, 1.0, 4.0])
    >>> np.asarray(surface(jnp.array([[-40.0], [0.0], [40.0]]), values)).round(2)
    array([0.  , 1.55, 4.  ], dtype=float32)
    """
    bumps = _bumps(along, values.shape[0])
    values = jnp.tensordot(bumps[:, 0], values, axes=1)
    for i in range(1, along.shape[1]):
        values = jnp.einsum("tk,tk...->t...", bumps[:, i], values)
    return values


def best_subspace(
    training: Bins, validation: Bins, search: Search, rng: np.random.Generator
) -> tuple[Surface, Float[np.ndarray, " start"]]:
    """Try several starts on a share of the bins, and go on from the best with all of them.

    Returns the best, and the validation loss after each try. A unit without a spike has no filter.
    """
    n_bins = len(training.counts)
    if not training.counts.any():
        return _flat(training, search), np.full(search.n_starts, np.nan)
    some = training.some(np.sort(rng.permutation(n_bins)[:_BINS_TO_TRY]))
    held = _arrays(validation)
    tried, losses = [], []
    for weights in _starts(training, search, rng):
        climbed = _climbed(some, _surface_on(some, weights, search), search, n_steps=40)
        tried.append(climbed)
        losses.append(float(_loss(_vector(climbed), held, search)))
    best = tried[int(np.argmin(losses))]
    everything = Bins(
        *(
            np.concatenate([getattr(training, name), getattr(validation, name)])
            for name in ("shown", "heard", "counts")
        )
    )
    return _climbed(everything, best, search, n_steps=100), np.array(losses)


def _flat(bins: Bins, search: Search) -> Surface:
    drive = half_spike_drive(0, len(bins.counts), "softplus")
    shape = (search.n_centres,) * search.n_filters
    weights = np.zeros((bins.shown.shape[1], search.n_filters))
    return Surface(weights, np.full(shape, drive), np.zeros(bins.heard.shape[1]))


def _starts(bins: Bins, search: Search, rng: np.random.Generator):
    """Yield weights (basis, filter) to start from.

    The first are the spike-triggered average and the directions of the largest change of variance
    around spikes; the second these directions alone; further ones are drawn at random. All in the
    space where the features are white.
    """
    counts = bins.counts.astype(float)
    covariance = np.cov(bins.shown.T.astype(float), bias=True).reshape(bins.shown.shape[1], -1)
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-6 * values[-1]
    whitener = vectors[:, kept] / np.sqrt(values[kept])
    average = whitener.T @ (counts @ bins.shown) / counts.sum()
    fired = bins.shown[counts > 0].astype(float) @ whitener - average
    change = (fired * counts[counts > 0, None]).T @ fired / counts.sum() - np.eye(len(average))
    changes, directions = np.linalg.eigh(change)
    directions = directions[:, np.argsort(-np.abs(changes))]
    first = np.column_stack([average, directions])
    guesses = [first, directions]
    for i in range(search.n_starts):
        guess = guesses[i] if i < len(guesses) else rng.standard_normal(directions.shape)
        basis = np.linalg.qr(guess[:, : max(1, search.n_filters)])[0]
        missing = search.n_filters - basis.shape[1]
        yield whitener @ np.pad(basis, ((0, 0), (0, missing)))


def _surface_on(bins: Bins, weights: np.ndarray, search: Search) -> Surface:
    """Return the best surface on given filters: a convex problem."""
    shape = (search.n_centres,) * search.n_filters
    n_values = search.n_centres**search.n_filters
    along = bins.shown @ weights
    along = along / np.maximum(along.std(axis=0), _LEAST)
    columns = np.ones((len(along), 1), np.float32)
    for bumps in np.asarray(_bumps(jnp.asarray(along), search.n_centres)).transpose(1, 0, 2):
        columns = (columns[:, :, None] * bumps[:, None, :]).reshape(len(along), -1)
    design = np.concatenate([columns, bins.heard], axis=1)
    penalty = np.diag(np.r_[np.zeros(n_values), np.full(bins.heard.shape[1], _HISTORY_PENALTY)])
    corners = np.eye(n_values).reshape(n_values, *shape)
    # A quadratic form is known from its differences of all corners.
    for axis in range(search.n_filters):
        for order, share in ((2, 1.0), (1, _SLOPE_SHARE)):
            change = np.diff(corners, n=order, axis=1 + axis).reshape(n_values, -1)
            penalty[:n_values, :n_values] += search.roughness * share * change @ change.T
    counts = bins.counts.astype(float)
    start = np.zeros(design.shape[1])
    start[:n_values] = half_spike_drive(counts.sum(), len(counts), "softplus")
    found = poisson_regression(
        design, counts, penalty, start=start, link="softplus", tolerance=1e-6
    )
    return Surface(weights, found[:n_values].reshape(shape), found[n_values:])


def _climbed(bins: Bins, start: Surface, search: Search, *, n_steps: int) -> Surface:
    """Improve filters, surface and history weights together by L-BFGS."""
    from scipy.optimize import minimize

    arrays = _arrays(bins)

    def cost(vector: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _penalized(vector.astype(np.float32), arrays, search)
        return float(value), np.asarray(slope, dtype=float)

    options = {"maxiter": n_steps, "ftol": 1e-8, "gtol": 1e-6}
    found = minimize(cost, _vector(start), jac=True, method="L-BFGS-B", options=options).x
    weights, values, heard = _parts(found, arrays, search)
    spread = np.asarray(_spread(weights, arrays[-1]))
    return Surface(np.asarray(weights) / spread, np.asarray(values), np.asarray(heard))


def _arrays(bins: Bins) -> tuple[jax.Array, ...]:
    covariance = bins.shown.T @ bins.shown / np.float32(len(bins.shown))
    return tuple(jnp.asarray(a) for a in (bins.shown, bins.heard, bins.counts, covariance))


def _vector(surface: Surface) -> np.ndarray:
    return np.concatenate([surface.weights.ravel(), surface.values.ravel(), surface.heard])


def _parts(vector, arrays, search: Search):
    n_weights = arrays[0].shape[1] * search.n_filters
    n_values = search.n_centres**search.n_filters
    weights, values, heard = jnp.split(jnp.asarray(vector), [n_weights, n_weights + n_values])
    shape = (search.n_centres,) * search.n_filters
    return weights.reshape(-1, search.n_filters), values.reshape(shape), heard


def _spread(weights, covariance):
    """Return the standard deviation of what each filter gives."""
    return jnp.sqrt(jnp.maximum(jnp.sum(weights * (covariance @ weights), axis=0), _LEAST))


@partial(jax.jit, static_argnums=2)
def _loss(vector, arrays, search: Search):
    """Return the mean Poisson loss; filters are scaled to unit variance first."""
    shown, heard, counts, covariance = arrays
    weights, values, history = _parts(vector, arrays, search)
    along = shown @ (weights / _spread(weights, covariance))
    expected = jnp.maximum(jax.nn.softplus(surface(along, values) + heard @ history), _LEAST)
    return jnp.mean(expected - counts * jnp.log(expected))


@partial(jax.jit, static_argnums=2)
def _penalized(vector, arrays, search: Search):
    """Return the penalized loss and its gradient."""

    def penalized(vector):
        _, values, history = _parts(vector, arrays, search)
        smooth = search.roughness * _roughness(values)
        return _loss(vector, arrays, search) + smooth + _HISTORY_PENALTY * jnp.sum(history**2) / 2

    return jax.value_and_grad(penalized)(vector)


def _roughness(values: jax.Array) -> jax.Array:
    """Return half the squared second differences along each axis, and a trace of the first ones."""
    return sum(
        jnp.sum(jnp.diff(values, n=2, axis=axis) ** 2) / 2
        + _SLOPE_SHARE * jnp.sum(jnp.diff(values, axis=axis) ** 2) / 2
        for axis in range(values.ndim)
    )


@partial(jax.jit, static_argnums=1)
def _bumps(along: jax.Array, n_centres: int) -> jax.Array:
    """Return the weight of each centre, (time, filter, centre)."""
    centres = jnp.linspace(-_REACH, _REACH, n_centres)
    spacing = 2 * _REACH / (n_centres - 1)
    return jax.nn.softmax(-(((along[..., None] - centres) / spacing) ** 2) / 2, axis=-1)
