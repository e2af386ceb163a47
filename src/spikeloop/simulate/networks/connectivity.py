"""Which neurons are connected: what a rule is, what it makes, and the rules without chance."""

import os
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from spikeloop.data.checks import as_array, as_vector, require, require_finite
from spikeloop.errors import InvalidInputError

Key = tuple[np.uint32, np.uint32]  # of random numbers, from numerics.random.stream_key


@dataclass(frozen=True, eq=False)
class Synapses:
    """Connections in the order of their sources, like the rows of a sparse matrix.

    >>> synapses = Synapses(np.array([0, 2, 2]), np.array([0, 3], np.int32))
    >>> synapses.targets[synapses.indptr[0] : synapses.indptr[1]]
    array([0, 3], dtype=int32)
    """

    indptr: np.ndarray
    """(source + 1,) int64: source s has the synapses indptr[s] .. indptr[s + 1] - 1."""
    targets: np.ndarray
    """(synapse,) int32: where each ends, ascending for each source."""
    weights: np.ndarray | None = None
    """(synapse,) float32, where the rule carries weights."""


@dataclass(frozen=True, eq=False)
class Between:
    """The two populations to connect.

    >>> Between(80, 20).n_target
    20
    """

    n_source: int
    """How many neurons send."""
    n_target: int
    """How many receive."""
    same: bool = False
    """Whether they are one and the same population."""
    source_um: np.ndarray | None = None
    """(source, axis) places, for connections by distance."""
    target_um: np.ndarray | None = None
    """(target, axis) places."""

    def __post_init__(self) -> None:
        for name in ("n_source", "n_target"):
            object.__setattr__(self, name, as_whole(name, getattr(self, name), 1))
        require(
            not self.same or self.n_source == self.n_target,
            f"n_source={self.n_source} and n_target={self.n_target} of the same population: they "
            "must be equal.",
        )

    def n_partners(self, n: int, self_connections: bool) -> int:
        """Return how many of the `n` on one side a neuron on the other can be connected to."""
        return n - (self.same and not self_connections)


@runtime_checkable
class Rule(Protocol):
    """Settings that say which neurons are connected."""

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses, which depend on nothing but the arguments."""


def connect(rule: Rule, between: Between, *, seed: int) -> Synapses:
    """Return the synapses that a rule makes; the same ones whatever the number of threads.

    Parameters
    ----------
    rule
        `Probability`, `FixedInDegree`, `FixedOutDegree`, `AllToAll`, `OneToOne`, `ByDistance`,
        `Pairs`, `Matrix`, or a rule of your own: anything with the method of `Rule`.
    between
        The two populations.
    seed
        Of all that is random, 0 to 2^63 - 1.

    Raises
    ------
    InvalidInputError
        The rule does not fit the populations, or makes more synapses than memory holds.

    Examples
    --------
    >>> from spikeloop.simulate.networks.random_connections import FixedOutDegree
    >>> synapses = connect(FixedOutDegree(2), Between(1000, 1000, same=True), seed=0)
    >>> synapses.indptr[:4].tolist(), len(synapses.targets)
    ([0, 2, 4, 6], 2000)
    """
    from spikeloop.numerics.random import stream_key

    require(
        isinstance(rule, Rule) and not isinstance(rule, type),
        f"{rule!r} is no rule of connection. Try Probability(0.1).",
    )
    return rule.synapses(between, stream_key(seed))


@dataclass(frozen=True)
class AllToAll:
    """Every source is connected to every target.

    >>> connect(AllToAll(), Between(3, 3, same=True), seed=0).targets
    array([1, 2, 0, 2, 0, 1], dtype=int32)
    """

    self_connections: bool = False
    """Whether a neuron is connected to itself."""

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        n_partners = between.n_partners(between.n_target, self.self_connections)
        targets = empty_targets(between.n_source * n_partners)
        rows = targets.reshape(between.n_source, n_partners)
        rows[:] = np.arange(n_partners)
        if n_partners < between.n_target:
            for source, row in enumerate(rows):
                row[source:] += 1
        return Synapses(np.arange(between.n_source + 1, dtype=np.int64) * n_partners, targets)


@dataclass(frozen=True)
class OneToOne:
    """Source i is connected to target i; there are as many of both.

    >>> connect(OneToOne(), Between(3, 3), seed=0).targets
    array([0, 1, 2], dtype=int32)
    """

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        require(
            between.n_source == between.n_target,
            f"OneToOne: {between.n_source} sources and {between.n_target} targets: there must be "
            "as many of both.",
        )
        numbers = np.arange(between.n_source + 1, dtype=np.int64)
        return Synapses(numbers, numbers[:-1].astype(np.int32))


@dataclass(frozen=True, eq=False)
class Pairs:
    """The synapses in a list, of which several may join the same pair.

    >>> synapses = connect(Pairs([1, 0, 1], [2, 0, 1]), Between(2, 3), seed=0)
    >>> synapses.indptr.tolist(), synapses.targets.tolist()
    ([0, 1, 3], [0, 1, 2])
    """

    source: np.ndarray
    """(synapse,) where each begins, in any order."""
    target: np.ndarray
    """(synapse,) where each ends."""
    weights: np.ndarray | None = None
    """(synapse,) in the same order, or None. They multiply the weight of the projection, whose own
    array would have to be in the order of `Synapses`."""

    def __post_init__(self) -> None:
        for name, dtype in (("source", np.int64), ("target", np.int64), ("weights", np.float32)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_vector(name, getattr(self, name), dtype))
        require(
            len(self.source) == len(self.target),
            f"{len(self.source)} in source and {len(self.target)} in target: give one of each for "
            "a synapse.",
        )
        if self.weights is not None:
            require_finite("weights", self.weights)
            require(
                len(self.weights) == len(self.source),
                f"{len(self.weights)} weights for {len(self.source)} synapses.",
            )

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses, sorted; those of a pair stay in their order."""
        for name, n in (("source", between.n_source), ("target", between.n_target)):
            index = getattr(self, name)
            for bad in np.flatnonzero((index < 0) | (index >= n)):
                raise InvalidInputError(
                    f"{name}[{bad}] is {index[bad]}: there are {n}, numbered from 0."
                )
        order = np.lexsort((self.target, self.source))
        indptr = np.zeros(between.n_source + 1, np.int64)
        np.cumsum(np.bincount(self.source, minlength=between.n_source), out=indptr[1:])
        weights = None if self.weights is None else self.weights[order]
        return Synapses(indptr, self.target[order].astype(np.int32), weights)


@dataclass(frozen=True, eq=False)
class Matrix:
    """The synapses in a matrix, with their weights.

    A dense matrix has a synapse wherever it is not 0. A sparse one has a synapse wherever it holds
    an entry, even a 0, which plasticity may change; entries at the same place are added.

    >>> synapses = connect(Matrix([[0.0, 2.0], [3.0, 4.0]]), Between(2, 2), seed=0)
    >>> synapses.targets.tolist(), synapses.weights.tolist()
    ([1, 0, 1], [2.0, 3.0, 4.0])
    """

    matrix: Any
    """(source, target) array, or any sparse matrix or array of SciPy. Its values multiply the
    weight of the projection."""

    def synapses(self, between: Between, key: Key) -> Synapses:
        """Return the synapses."""
        from scipy import sparse

        matrix = self.matrix
        require(
            not isinstance(matrix, np.ma.MaskedArray),
            "matrix is a masked array: give matrix.filled(0), which has no synapse there.",
        )
        if not sparse.issparse(matrix):
            matrix = as_array("matrix", matrix, ("source", "target"), float)
        wanted = (between.n_source, between.n_target)
        require(
            matrix.shape == wanted,
            f"matrix has shape {matrix.shape}: it must be (source, target), here {wanted}.",
        )
        require(
            matrix.dtype.kind in "biuf",
            f"matrix holds {matrix.dtype}: it must hold real numbers.",
        )
        rows = sparse.csr_array(matrix)
        try:
            rows.check_format(full_check=True)
        except ValueError as error:
            raise InvalidInputError(f"matrix is damaged: {error}.") from None
        if not rows.has_canonical_format:
            rows = rows.copy()  # which may be the caller's still
            rows.sum_duplicates()
        with np.errstate(over="ignore"):
            weights = rows.data.astype(np.float32)
        require_finite("matrix", weights)
        return Synapses(rows.indptr.astype(np.int64), rows.indices.astype(np.int32), weights)


def as_whole(name: str, value: int, least: int) -> int:
    """Return a whole number that 32 bits hold, or say that it is not one."""
    require(
        isinstance(value, int | np.integer)
        and not isinstance(value, bool)
        and least <= value < 2**31,
        f"{name}={value!r}: it must be a whole number in {least}..{2**31 - 1}.",
    )
    return int(value)


def empty_targets(n_synapses: int) -> np.ndarray:
    """Return an array for the targets of so many synapses, if the computer has the memory."""
    require_room(n_synapses)
    return np.empty(n_synapses, np.int32)


def require_room(n_synapses: float) -> None:
    """Refuse more synapses than the computer has memory for, by their targets alone."""
    n_bytes = 4 * n_synapses
    memory_bytes = _memory_bytes()
    require(
        n_bytes <= memory_bytes,
        f"the rule makes {n_synapses:.3g} synapses, whose targets take {n_bytes / 1e9:.3g} GB: "
        f"there are {memory_bytes / 1e9:.3g} GB of memory. Make fewer.",
    )


def _memory_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows does not say
        return 2**40
