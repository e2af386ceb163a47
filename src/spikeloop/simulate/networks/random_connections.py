"""Rules of connection that chance has a part in."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from spikeloop.data.checks import as_array, as_vector, require, require_finite
from spikeloop.numerics.parallel import available_cpus
from spikeloop.simulate.networks.connectivity import (
    Between,
    Key,
    Synapses,
    as_whole,
    empty_targets,
    require_room,
)

if TYPE_CHECKING:
    from spikeloop.simulate.networks.connectivity_kernels import Chance

_FEW = 2**18  # synapses that one thread makes before another has started


@dataclass(frozen=True)
class Probability:
    """Each pair is connected with the same probability, whatever the others do.

    >>> from spikeloop.simulate.networks.connectivity import connect
    >>> len(connect(Probability(1.0), Between(4, 4, same=True), seed=0).targets)
    12
    """

    p: float
    """From 0 to 1."""
    self_connections: bool = False
    """Whether a neuron may be connected to itself."""

    def __post_init__(self) -> None:
        _require_probability("p", self.p)

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        from spikeloop.simulate.networks.connectivity_kernels import FLAT, Chance, Rows

        n_partners = between.n_partners(between.n_target, self.self_connections)
        if self.p * between.n_source * n_partners <= _FEW:
            from spikeloop.simulate.networks.few_connections import draw_evenly

            rows = Rows(key, n_partners, n_partners < between.n_target)
            return draw_evenly(rows, float(self.p), between.n_source)
        nowhere = np.empty((0, 0))
        chance = Chance(float(self.p), FLAT, 1.0, np.empty(0), nowhere, nowhere)
        return _by_chance(between, key, chance, self.self_connections)


@dataclass(frozen=True)
class ByDistance:
    r"""Near pairs are connected with a higher probability than far ones.

    At distance :math:`d`, :math:`p_{max} e^{-d^2 / 2 \lambda^2}` (gaussian) or
    :math:`p_{max} e^{-d / \lambda}` (exponential), in a space of any number of axes.

    >>> from spikeloop.simulate.networks.connectivity import connect
    >>> places_um = np.array([[0.0, 0.0], [0.0, 1000.0]])
    >>> between = Between(2, 2, source_um=places_um, target_um=places_um)
    >>> connect(ByDistance(1.0, length_um=10.0), between, seed=0).targets
    array([0, 1], dtype=int32)
    """

    p_max: float
    """Probability at no distance."""
    length_um: float
    r""":math:`\lambda`, in um."""
    profile: Literal["gaussian", "exponential"] = "gaussian"
    """How the probability falls with the distance."""
    period_um: Sequence[float] | None = None
    """For each axis, after how many um it begins again, as on a torus (0: never); None for no
    axis."""
    self_connections: bool = False
    """Whether a neuron may be connected to itself."""

    def __post_init__(self) -> None:
        _require_probability("p_max", self.p_max)
        require(
            isinstance(self.length_um, Real) and 0 < self.length_um < np.inf,
            f"length_um={self.length_um}: it must be a number above 0.",
        )
        require(
            self.profile in ("gaussian", "exponential"),
            f"profile={self.profile!r}: choose gaussian or exponential.",
        )

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        from spikeloop.simulate.networks.connectivity_kernels import EXPONENTIAL, GAUSSIAN, Chance

        places_um = [
            _places(name, getattr(between, name), n)
            for name, n in (("source_um", between.n_source), ("target_um", between.n_target))
        ]
        n_axes, n_others = (places.shape[1] for places in places_um)
        require(
            n_axes == n_others,
            f"source_um has {n_axes} axes and target_um {n_others}: they must have the same.",
        )
        period_um = as_vector(
            "period_um", np.zeros(n_axes) if self.period_um is None else self.period_um, float
        )
        require_finite("period_um", period_um)
        require(
            len(period_um) == n_axes and bool((period_um >= 0).all()),
            f"period_um={self.period_um}: give one for each of {n_axes} axes, 0 or more.",
        )
        profile = GAUSSIAN if self.profile == "gaussian" else EXPONENTIAL
        chance = Chance(
            float(self.p_max), profile, float(self.length_um), np.array(period_um), *places_um
        )
        return _by_chance(between, key, chance, self.self_connections)


@dataclass(frozen=True)
class FixedOutDegree:
    """Each source has the same number of targets, drawn evenly.

    >>> from spikeloop.simulate.networks.connectivity import connect
    >>> connect(FixedOutDegree(3), Between(2, 3), seed=0).targets
    array([0, 1, 2, 0, 1, 2], dtype=int32)
    """

    k: int
    """How many targets a source has."""
    multapses: bool = False
    """Whether two synapses may join the same pair; if not, the targets are all different."""
    self_connections: bool = False
    """Whether a neuron may be connected to itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_whole("k", self.k, 0))

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        from spikeloop.simulate.networks.connectivity_kernels import Rows, draw_out, scratch_for

        n_partners = between.n_partners(between.n_target, self.self_connections)
        _require_partners(self, n_partners)
        n_synapses = between.n_source * self.k
        targets = empty_targets(n_synapses)
        each = targets.reshape(between.n_source, self.k)
        rows = Rows(key, n_partners, n_partners < between.n_target)

        def draw(span: tuple[int, int]) -> None:
            scratch = scratch_for(n_partners, self.k, self.multapses)
            draw_out(rows, span, each, scratch, self.multapses)
            if self.multapses:
                each[slice(*span)].sort(axis=1)

        _in_threads(draw, between.n_source, n_synapses)
        return Synapses(np.arange(between.n_source + 1, dtype=np.int64) * self.k, targets)


@dataclass(frozen=True)
class FixedInDegree:
    """Each target has the same number of sources, drawn evenly.

    >>> from spikeloop.simulate.networks.connectivity import connect
    >>> np.bincount(connect(FixedInDegree(3), Between(50, 4), seed=0).targets)
    array([3, 3, 3, 3])
    """

    k: int
    """How many sources a target has."""
    multapses: bool = False
    """Whether two synapses may join the same pair; if not, the sources are all different."""
    self_connections: bool = False
    """Whether a neuron may be connected to itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_whole("k", self.k, 0))

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        from spikeloop.simulate.networks.connectivity_kernels import Rows, draw_in, scratch_for

        n_partners = between.n_partners(between.n_source, self.self_connections)
        _require_partners(self, n_partners)
        targets = empty_targets(between.n_target * self.k)
        indptr = np.zeros(between.n_source + 2, np.int64)
        rows = Rows(key, n_partners, n_partners < between.n_source)
        sources = np.empty(self.k, np.int32)
        scratch = scratch_for(n_partners, self.k, self.multapses)
        draw_in(rows, indptr, targets, scratch, sources, self.multapses)
        return Synapses(indptr[:-1], targets)


def _by_chance(between: Between, key: Key, chance: "Chance", self_connections: bool) -> Synapses:
    """Count the synapses of each source, then write them."""
    from spikeloop.simulate.networks.connectivity_kernels import FLAT, Rows, draw_by_chance

    n_partners = between.n_partners(between.n_target, self_connections)
    rows = Rows(key, n_partners, n_partners < between.n_target)
    n_candidates = chance.p_max * between.n_source * n_partners
    if chance.profile == FLAT:
        require_room(n_candidates)
    indptr = np.zeros(between.n_source + 1, np.int64)

    def draw(targets: np.ndarray, fills: bool) -> None:
        _in_threads(
            lambda span: draw_by_chance(rows, chance, span, indptr, targets, fills),
            between.n_source,
            n_candidates,
        )

    draw(np.empty(0, np.int32), False)
    np.cumsum(indptr, out=indptr)
    targets = empty_targets(int(indptr[-1]))
    draw(targets, True)
    return Synapses(indptr, targets)


def _in_threads(draw: Callable[[tuple[int, int]], None], n_rows: int, n_draws: float) -> None:
    """Call `draw` for spans of rows, which do not depend on each other."""
    n_threads = available_cpus()
    if n_threads == 1 or n_draws <= _FEW:
        draw((0, n_rows))
        return
    # Several spans for each thread, for they may take different times.
    edges = np.linspace(0, n_rows, 8 * n_threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(draw, pairwise(edges)))


def _places(name: str, places_um: np.ndarray | None, n: int) -> np.ndarray:
    require(
        places_um is not None,
        f"{name} is None: ByDistance needs the places of both populations. Give positions_um.",
    )
    places_um = as_array(name, places_um, ("neuron", "axis"), float)
    require_finite(name, places_um)
    require(len(places_um) == n, f"{name} has {len(places_um)} rows: there are {n} neurons.")
    return np.array(places_um, order="C")


def _require_probability(name: str, p: float) -> None:
    require(
        isinstance(p, Real) and 0 <= p <= 1,
        f"{name}={p!r}: a probability must lie in 0..1.",
    )


def _require_partners(rule: FixedOutDegree | FixedInDegree, n_partners: int) -> None:
    enough = n_partners > 0 or rule.k == 0 if rule.multapses else rule.k <= n_partners
    require(
        enough,
        f"{type(rule).__name__}: k={rule.k}, and there are {n_partners} neurons to be connected "
        f"to. Lower k{'' if rule.multapses else ', or allow multapses'}.",
    )
