"""From projections to synapses in the order in which the event engine delivers them."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from spikeloop.errors import InvalidInputError, SpikeloopWarning
from spikeloop.numerics.draws import Distribution, values_of
from spikeloop.simulate.event_engine.kernel import Wiring
from spikeloop.simulate.event_engine.memory import Memory
from spikeloop.simulate.networks.connectivity import Between, Synapses, connect
from spikeloop.simulate.networks.groups import NeuronGroup, stream
from spikeloop.simulate.networks.network import Network, Population, Projection

MOST_TICKS = 2**16 - 1
"""The longest delay in ticks: those of single synapses are kept in 16 bits."""


@dataclass(frozen=True, eq=False)
class Cable:
    """The synapses of one projection."""

    synapses: Synapses
    weights: np.ndarray
    """float32: one for all, or one for each synapse."""
    delay_ticks: np.ndarray
    """int64 for all, or uint16 for each synapse."""
    first_source: int
    """Number of the first neuron, or train of a source, that it starts from."""
    place: int
    """Where in memory the row begins that it ends in."""
    group: int
    """The group of the target."""
    first_target: int
    """The number of the target population's first neuron in its group."""
    n_targets: int
    projection: Projection

    @property
    def changes(self) -> bool:
        """Whether its synapses change."""
        return self.projection.plasticity is not None or self.projection.short_term is not None

    def without_synapses(self) -> "Cable":
        """Return the cable without what is there for each synapse, and `wire` has copied."""
        own_delays = self.delay_ticks.ndim > 0
        return replace(
            self,
            synapses=Synapses(self.synapses.indptr, np.empty(0, np.int32)),
            weights=np.empty(0, np.float32),
            delay_ticks=np.empty(0, np.uint16) if own_delays else self.delay_ticks,
        )


def numbering(network: Network, groups: Sequence[NeuronGroup]) -> dict[str, int]:
    """Return the number of the first neuron, or train, of each population and source."""
    firsts = {m.population.name: m.first for group in groups for m in group.members}
    end = network.n_neurons
    for source in network.sources:
        firsts[source.name] = end
        end += source.size
    return firsts


def cables(
    network: Network, groups: Sequence[NeuronGroup], memory: Memory, dt_ms: float, *, seed: int
) -> list[Cable]:
    """Return the synapses of each projection, drawn with random numbers of its own."""
    firsts = numbering(network, groups)
    homes = {m.population.name: g for g, group in enumerate(groups) for m in group.members}
    parts = {part.name: part for part in (*network.populations, *network.sources)}
    found = []
    earlier = Counter()
    for projection in network.projections:
        source, target = parts[projection.source], parts[projection.target]
        home = homes[target.name]
        first_target = firsts[target.name] - groups[home].first
        receptor = list(target.receptors).index(projection.receptor)
        between = (source.name, target.name, projection.receptor)
        names = (*between, str(earlier[between]))
        earlier[between] += 1
        connect_seed = int(stream(seed, *names, "connect").integers(2**63))
        synapses = _connect(projection, source, target, seed=connect_seed)
        found.append(
            Cable(
                synapses,
                _weights(projection, target, synapses, stream(seed, *names, "weight")),
                _delays(projection, len(synapses.targets), dt_ms, stream(seed, *names, "delay")),
                firsts[source.name],
                memory.places[home, f"receptor {receptor} row"] + first_target,
                home,
                first_target,
                target.size,
                projection,
            )
        )
        _check_changes(found[-1])
    return found


def _check_changes(cable: Cable) -> None:
    projection = cable.projection
    if cable.changes and cable.delay_ticks.ndim:
        raise InvalidInputError(
            f"projection {projection.source} -> {projection.target}: synapses that change have one "
            "delay together, and delay_ms gives each its own. Give one number, or one projection "
            "for each delay."
        )


def paths_of(cables: Sequence[Cable]) -> tuple[list[list[Cable]], list[int]]:
    """Return the cables of each path, and its delay in ticks.

    Cables of one delay share a path, but those whose synapses change have their own. Delays of
    single synapses come last, in a path of delay 0.
    """
    own = [cable for cable in cables if cable.delay_ticks.ndim]
    shared = [cable for cable in cables if not cable.delay_ticks.ndim]
    fixed = [cable for cable in shared if not cable.changes]
    delays = sorted({int(cable.delay_ticks) for cable in fixed})
    paths = [[cable for cable in fixed if cable.delay_ticks == delay] for delay in delays]
    changing = [cable for cable in shared if cable.changes]
    paths += [[cable] for cable in changing] + ([own] if own else [])
    delays += [int(cable.delay_ticks) for cable in changing] + ([0] if own else [])
    return paths, delays


def wire(cables: Sequence[Cable], n_sources: int, bounds: Sequence[np.ndarray]) -> Wiring:
    """Return all synapses in the order of path, part and source.

    Parameters
    ----------
    cables
        The synapses of each projection.
    n_sources
        How many neurons and trains of sources there are.
    bounds
        For each group, (part + 1,) where its parts begin.
    """
    paths, delays = paths_of(cables)
    own = [cable for cable in cables if cable.delay_ticks.ndim]
    n_own = sum(len(cable.synapses.targets) for cable in own)
    n_synapses = sum(len(cable.synapses.targets) for cable in cables)
    wiring = Wiring(
        delays=np.array(delays, np.int64),
        starts=np.zeros((len(paths), len(bounds[0]) - 1, n_sources + 1), np.int64),
        targets=np.empty(n_synapses, np.uint32),
        weights=np.empty(n_synapses, np.float32),
        own_delays=np.empty(n_own, np.uint16),
        own_from=n_synapses - n_own,
    )
    begin = 0
    for together, starts in zip(paths, wiring.starts, strict=True):
        begin = _wire_path(together, bounds, wiring, starts, begin)
    return wiring


def _wire_path(
    cables: list[Cable], bounds: list[np.ndarray], wiring: Wiring, starts: np.ndarray, begin: int
) -> int:
    """Place the synapses of one path from `begin` on; return where they end."""
    counts = np.zeros((starts.shape[0], starts.shape[1] - 1), np.int64)
    for cable in cables:
        _place_each(*_rows(cable, bounds), counts, wiring, False)
    ends = begin + np.cumsum(counts).reshape(counts.shape)
    next_free = ends - counts
    starts[:, :-1], starts[:, -1] = next_free, ends[:, -1]
    for cable in cables:
        _place_each(*_rows(cable, bounds), next_free, wiring, True)
    return int(ends[-1, -1])


def _rows(cable: Cable, bounds: list[np.ndarray]) -> tuple:
    """Return the synapses of a projection, where they go, and the bounds of the parts there."""
    rows = (
        cable.synapses.indptr,
        cable.synapses.targets,
        np.atleast_1d(cable.weights),
        np.atleast_1d(cable.delay_ticks).astype(np.uint16),
    )
    return rows, (cable.first_source, cable.first_target, cable.place), bounds[cable.group]


def _connect(projection: Projection, source, target: Population, *, seed: int) -> Synapses:
    between = Between(
        source.size,
        target.size,
        same=source is target,
        source_um=source.positions_um,
        target_um=target.positions_um,
    )
    return connect(projection.connect, between, seed=seed)


def _weights(
    projection: Projection, target: Population, synapses: Synapses, rng: np.random.Generator
) -> np.ndarray:
    where = f"projection {projection.source} -> {projection.target}"
    weights = values_of(f"{where}: weight", projection.weight, len(synapses.targets), rng)
    if synapses.weights is not None:
        weights = synapses.weights * weights
    receptor = target.receptors[projection.receptor]
    if receptor.is_conductance and weights.size and weights.min() < 0:
        raise InvalidInputError(
            f"{where}: a weight is {weights.min()}, and {projection.receptor} is a conductance, "
            "which cannot be negative. Inhibition is a reversal potential below rest."
        )
    return weights


def _delays(
    projection: Projection, n_synapses: int, dt_ms: float, rng: np.random.Generator
) -> np.ndarray:
    """Return delays in ticks: one for all, or one for each synapse."""
    where = f"projection {projection.source} -> {projection.target}: delay_ms"
    if projection.delay_ms is None:
        return np.int64(1)
    delays_ms = values_of(where, projection.delay_ms, n_synapses, rng).astype(float)
    drawn = isinstance(projection.delay_ms, Distribution)
    ticks = (_drawn_ticks if drawn else _given_ticks)(where, delays_ms, dt_ms)
    if ticks.size and ticks.max() > MOST_TICKS:
        raise InvalidInputError(
            f"{where}: {delays_ms.max():g} ms are {ticks.max():.0f} ticks, and {MOST_TICKS} is the "
            "most. Choose a shorter delay or a longer dt_ms."
        )
    return ticks.astype(np.uint16) if ticks.ndim else np.int64(ticks)


def _drawn_ticks(where: str, delays_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """Return drawn delays in ticks: those that round to none are raised to one, and told of."""
    ticks = np.rint(delays_ms / dt_ms)
    share = float((ticks < 1).mean()) if ticks.size else 0.0
    if share == 1:
        raise InvalidInputError(
            f"{where}: all that was drawn is shorter than a tick, dt_ms={dt_ms}. Choose a smaller "
            "dt_ms or longer delays."
        )
    if share > 0:
        _warn(f"{where}: {share:.1%} of the drawn delays round to no tick, and were raised to one.")
    return np.maximum(ticks, 1)


def _given_ticks(where: str, delays_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """Return given delays in ticks: none may be shorter than one, and rounding is told of."""
    if delays_ms.size and delays_ms.min() < dt_ms * (1 - 1e-6):
        raise InvalidInputError(
            f"{where}={delays_ms.min():g} is shorter than a tick, dt_ms={dt_ms}. Choose a smaller "
            "dt_ms or a longer delay."
        )
    ticks = np.rint(delays_ms / dt_ms)
    off = np.abs(ticks * dt_ms - delays_ms)
    if off.size and off.max() > 1e-4 * dt_ms:
        worst = np.argmax(off)
        _warn(
            f"{where}={np.ravel(delays_ms)[worst]:g} is no multiple of dt_ms={dt_ms}: it was "
            f"rounded to {np.ravel(ticks)[worst] * dt_ms:g}."
        )
    return ticks


def _warn(words: str) -> None:
    warnings.warn(words, SpikeloopWarning, stacklevel=2)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def _place_each(rows, numbers, bounds, next_free, wiring, writes):
    """Move `next_free` (part, source) on by each synapse; if `writes`, write that there."""
    indptr, targets, weights, delays = rows
    first_source, first_target, place = numbers
    for source in range(indptr.size - 1):
        for synapse in range(indptr[source], indptr[source + 1]):
            part = 0
            while first_target + targets[synapse] >= bounds[part + 1]:
                part += 1
            at = next_free[part, first_source + source]
            next_free[part, first_source + source] = at + 1
            if writes:
                wiring.targets[at] = place + targets[synapse]
                wiring.weights[at] = weights[synapse if weights.size > 1 else 0]
                if at >= wiring.own_from:
                    wiring.own_delays[at - wiring.own_from] = delays[synapse]
