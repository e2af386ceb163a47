"""A network as a graph of NIR, the interchange format of simulators and neuromorphic chips.

NIR writes neurons as equations in continuous time, and leaves open how a step is taken. What reads
it takes a spike as the value 1 that lasts a step, and Euler steps, so the gains here are those that
other simulators write: a spike of weight 1 moves what it reaches by 1.

Source: Pedersen et al. 2024, Neuromorphic intermediate representation: a unified instruction set
for interoperable brain-inspired computing, Nature Communications 15:8122.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spikeloop.data import TimeSeries
from spikeloop.data.checks import require
from spikeloop.errors import MissingExtraError
from spikeloop.neurons import Exponential, Jump
from spikeloop.neurons.nir_neuron import require_nir_neuron
from spikeloop.simulate.event_engine.memory import lay_out
from spikeloop.simulate.event_engine.wiring import Cable, cables
from spikeloop.simulate.networks.groups import constants, group_populations
from spikeloop.simulate.networks.network import Network, Population, Projection
from spikeloop.simulate.networks.signals import Grid, Ramp, Sine, Step, on_grid

if TYPE_CHECKING:
    import nir

MOST_WEIGHTS = 2**28
"""How many weights a graph may have: NIR has dense matrices alone, and these take 1 GiB."""


def to_nir(network: Network, dt_ms: float, *, seed: int) -> "nir.NIRGraph":
    r"""Return a network of current-based `LIF` neurons as a graph of NIR.

    A population whose only receptor is an `Exponential` current becomes a ``CubaLIF``; any other a
    ``LIF``, with an ``LI`` in front for each `Exponential` current. A projection becomes a
    ``Delay`` and a ``Linear`` with a (target, source) matrix. A source is an ``Input``, and each
    population has an ``Output``. With a tick of :math:`\Delta`, a membrane of
    :math:`\tau, R` and a projection of weights :math:`w`:

    * the gains are :math:`r = \tau / \Delta` and :math:`w_{in} = \tau_{syn} / \Delta`;
    * the matrix holds :math:`w` for a `Jump`, and :math:`w R \Delta / \tau` for a current: how far
      a spike moves the potential in the tick in which it arrives;
    * a constant injected current :math:`I` is part of the leak,
      :math:`v_{leak} = v_{rest} + R I`;
    * NIR fires above the threshold and `LIF` also at it: the threshold is the next float below.

    Read by Euler steps, the graph fires as `simulate_network` does where neurons and receptors have
    ``integrator="euler"``. Times are in seconds, potentials as you gave them. The metadata hold
    what NIR has no field for: ``dt`` of the graph, in seconds, and ``v_start`` of each population,
    the potentials at the start. The spikes of sources are not in the graph: they are what its
    inputs are fed.

    Parameters
    ----------
    network
        Of `LIF` neurons that reset to a value and have no refractory time. Receptors may be `Jump`,
        and `Exponential` without a reversal potential.
    dt_ms
        Duration of a tick.
    seed
        The one of `simulate_network`, for the same parameters, synapses and weights.

    Raises
    ------
    InvalidInputError
        NIR has no words for something; the message says for what.
    MissingExtraError
        The package ``nir`` is not installed.

    Examples
    --------
    >>> from spikeloop.neurons import LIF
    >>> from spikeloop.simulate import OneToOne, Poisson, Source
    >>> cells = Population("cells", 2, LIF(), {"in": Jump()})
    >>> wire = Projection("inputs", "cells", "in", OneToOne(), weight=3.0)
    >>> network = Network([cells], [wire], [Source("inputs", 2, Poisson(10.0))])
    >>> to_nir(network, dt_ms=0.5, seed=0).nodes["weight_0"].weight
    array([[3., 0.],
           [0., 3.]], dtype=float32)
    """
    try:
        import nir
    except ImportError:
        raise MissingExtraError.of("nir", "nir") from None
    for population in network.populations:
        _require_neuron(population)
        _require_receptors(population)
    _require_matrices(network)
    grid = Grid(1, dt_ms)
    groups = group_populations(network.populations, dt_ms)
    memory = lay_out(groups, seed=seed)
    parts = _Parts(nir)
    for source in network.sources:
        parts.add(source.name, nir.Input(np.array([source.size])))
    for g, group in enumerate(groups):
        columns = constants(group, dt_ms, seed=seed)
        columns["start"] = memory.column(memory.flat, g, "state v", group.size)
        for member in group.members:
            first = member.first - group.first
            parts.add_population(member.population, _part(columns, first, member.population), grid)
    for number, cable in enumerate(cables(network, groups, memory, dt_ms, seed=seed)):
        parts.add_projection(number, cable, network.population(cable.projection.target), dt_ms)
    parts.add_ways_in(network)
    return nir.NIRGraph(parts.nodes, parts.edges, metadata={"dt": dt_ms / 1000})


@dataclass(frozen=True)
class _Parts:
    """A graph in the making."""

    nir: Any
    """The module."""
    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    gains: dict[str, np.ndarray] = field(default_factory=dict)
    """Population -> (neuron,) by how much a unit of current moves the potential in a tick."""

    def add(self, name: str, node: Any) -> None:
        require(
            "/" not in name and name != ".",
            f"{name!r} cannot name a part of a NIR file. Choose a name without a slash.",
        )
        require(
            name not in self.nodes,
            f"two parts of the graph are called {name!r}. Rename a population, source or receptor.",
        )
        self.nodes[name] = node

    def add_population(
        self, population: Population, columns: dict[str, np.ndarray], grid: Grid
    ) -> None:
        """Add neurons, the currents of their receptors, and the way out."""
        name, size, dt_s = population.name, population.size, np.float32(grid.dt_ms / 1000)
        current = on_grid(f"{name}: current", population.current, grid, size)[0]
        tau_s, resistance = columns["tau_ms"] / np.float32(1000), columns["resistance"]
        membrane = {
            "r": tau_s / dt_s,
            "v_leak": columns["v_rest"] + resistance * current,
            "v_threshold": np.nextafter(columns["v_threshold"], np.float32(-np.inf)),
            "v_reset": columns["v_reset"],
            "metadata": {"v_start": columns["start"]},
        }
        taus_s = {
            key: np.full(size, receptor.tau_ms / 1000, np.float32)
            for key, receptor in population.receptors.items()
            if isinstance(receptor, Exponential)
        }
        if _is_cuba(population):
            (tau_syn,) = taus_s.values()
            cell = self.nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau_s, w_in=tau_syn / dt_s, **membrane)
        else:
            cell = self.nir.LIF(tau=tau_s, **membrane)
            for key, tau_syn in taus_s.items():
                zeros = np.zeros(size, np.float32)
                self.add(f"{name}_{key}", self.nir.LI(tau=tau_syn, r=tau_syn / dt_s, v_leak=zeros))
                self.edges.append((f"{name}_{key}", name))
        self.add(name, cell)
        self.add(f"output_{name}", self.nir.Output(np.array([size])))
        self.edges.append((name, f"output_{name}"))
        self.gains[name] = resistance * dt_s / tau_s

    def add_projection(self, number: int, cable: Cable, target: Population, dt_ms: float) -> None:
        """Add the delay of a projection, and its matrix of weights."""
        projection, receiver = cable.projection, target.name
        _require_one_delay(cable)
        weight = _matrix(cable)
        if isinstance(target.receptors[projection.receptor], Exponential):
            weight *= self.gains[target.name][:, None]
            receiver += "" if _is_cuba(target) else f"_{projection.receptor}"
        delay_s = np.full(weight.shape[1], cable.delay_ticks * dt_ms / 1000, np.float32)
        self.add(f"delay_{number}", self.nir.Delay(delay_s))
        self.add(f"weight_{number}", self.nir.Linear(weight))
        self.edges.append((projection.source, f"delay_{number}"))
        self.edges.append((f"delay_{number}", f"weight_{number}"))
        self.edges.append((f"weight_{number}", receiver))

    def add_ways_in(self, network: Network) -> None:
        """Add inputs to populations that nothing reaches: NIR wants a way in."""
        reached = {projection.target for projection in network.projections}
        senders = {projection.source for projection in network.projections}
        alone = [part.name for part in network.populations if part.name not in reached]
        if not alone and senders.isdisjoint(source.name for source in network.sources):
            alone = [network.populations[0].name]
        for name in alone:
            self.add(f"input_{name}", self.nir.Input(np.array([network.population(name).size])))
            self.edges.append((f"input_{name}", name))


def _part(
    columns: dict[str, np.ndarray], first: int, population: Population
) -> dict[str, np.ndarray]:
    """Return the values of one population of a group, (neuron,) each."""
    own = slice(first, first + population.size)
    return {
        name.removeprefix("parameter "): np.array(
            np.broadcast_to(column[own] if np.ndim(column) else column, population.size)
        )
        for name, column in columns.items()
    }


def _matrix(cable: Cable) -> np.ndarray:
    """Return the (target, source) weights; synapses that join the same pair add up."""
    synapses = cable.synapses
    n_sources = len(synapses.indptr) - 1
    weight = np.zeros((cable.n_targets, n_sources), np.float32)
    sources = np.repeat(np.arange(n_sources), np.diff(synapses.indptr))
    np.add.at(weight, (synapses.targets, sources), cable.weights)
    return weight


def _is_cuba(population: Population) -> bool:
    """Return whether one NIR node says both the neuron and its receptor."""
    kinds = [type(receptor) for receptor in population.receptors.values()]
    return kinds == [Exponential]


def _require_neuron(population: Population) -> None:
    name = population.name
    require_nir_neuron(name, population.neuron)
    changing = isinstance(population.current, Step | Ramp | Sine | TimeSeries)
    require(
        not changing and not callable(population.current),
        f"{name}: the current changes in time, and NIR holds constants alone. Give a number, or "
        "one for each neuron.",
    )


def _require_receptors(population: Population) -> None:
    for name, receptor in population.receptors.items():
        where = f"{population.name}: receptor {name!r}"
        require(
            not receptor.is_conductance,
            f"{where} is a conductance, and NIR has currents alone. Leave out the reversal "
            "potential.",
        )
        require(
            isinstance(receptor, Exponential | Jump),
            f"{where} is {type(receptor).__name__}, and NIR has none. Use Exponential or Jump.",
        )
        require(
            name not in population.start,
            f"{where} has a start, and currents of NIR start at 0. Take it out of start.",
        )


def _require_matrices(network: Network) -> None:
    sizes = {part.name: part.size for part in (*network.populations, *network.sources)}
    pairs = [
        (sizes[projection.source], sizes[projection.target]) for projection in network.projections
    ]
    n_weights = sum(n_sources * n_targets for n_sources, n_targets in pairs)
    require(
        n_weights <= MOST_WEIGHTS,
        f"NIR writes each projection as a dense matrix, here {n_weights:.3g} weights, and "
        f"{MOST_WEIGHTS:.3g} is the most. Export a smaller network.",
    )
    for projection in network.projections:
        _require_fixed(projection)


def _require_fixed(projection: Projection) -> None:
    require(
        projection.plasticity is None and projection.short_term is None,
        f"projection {projection.source} -> {projection.target}: its synapses change, and weights "
        "of NIR are constant. Leave out plasticity and short_term.",
    )


def _require_one_delay(cable: Cable) -> None:
    projection = cable.projection
    require(
        not cable.delay_ticks.ndim,
        f"projection {projection.source} -> {projection.target}: delay_ms gives each synapse its "
        "own, and NIR delays neurons. Give one number, or a projection for each delay.",
    )
