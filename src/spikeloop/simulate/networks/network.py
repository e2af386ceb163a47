"""What a network is made of: populations, sources, and the projections between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikeloop.data.checks import as_array, require, require_finite
from spikeloop.neurons.model import NeuronModel, Value
from spikeloop.neurons.receptors import Receptor
from spikeloop.simulate.networks.connectivity import Rule
from spikeloop.simulate.networks.plasticity import STDP, ShortTerm
from spikeloop.simulate.networks.signals import Signal
from spikeloop.simulate.networks.sources import SpikeSource, as_source


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind.

    >>> from spikeloop.neurons import LIF, Exponential
    >>> Population("excitatory", 80, LIF(), {"ampa": Exponential(5.0, reversal=0.0)}).size
    80
    """

    name: str
    """What projections and results call it."""
    size: int
    """How many neurons."""
    neuron: NeuronModel
    """How each of them works."""
    receptors: Mapping[str, Receptor] = field(default_factory=dict)
    """Names of receptors, and how each turns arriving spikes into a current."""
    current: Signal = 0.0
    """Injected current: a number, one for each neuron, a `Step`, a `Ramp`, a `TimeSeries`, or a
    function of the time in ms."""
    start: Mapping[str, Value] = field(default_factory=dict)
    """Where state variables and receptors start, if not where the neuron says (receptors: 0)."""
    positions_um: np.ndarray | None = None
    """(neuron, axis) places, for connections by distance."""

    def __post_init__(self) -> None:
        _check_cells(self)
        require(
            not isinstance(self.neuron, type) and callable(getattr(self.neuron, "neuron", None)),
            f"{self.name}: neuron={self.neuron!r}: give a neuron, such as LIF() or a Neuron.",
        )
        for name in ("receptors", "start"):
            require(
                isinstance(getattr(self, name), Mapping),
                f"{self.name}: {name} must be a dictionary from names.",
            )
        state = list(self.neuron.neuron().state)
        for name, receptor in self.receptors.items():
            require(
                isinstance(receptor, Receptor),
                f"{self.name}: receptor {name!r} is {receptor!r}: give an Exponential, an Alpha or "
                "a Jump.",
            )
            require(
                isinstance(name, str) and name not in (*state, "current"),
                f"{self.name}: a receptor cannot be called {name!r}, as the current and the state "
                f"variables are: {', '.join(state)}. Choose another name.",
            )
        known = [*state, *self.receptors]
        for name in self.start:
            require(
                name in known,
                f"{self.name}: start names {name!r}, which is neither a state variable nor a "
                f"receptor: known are {', '.join(known)}.",
            )


@dataclass(frozen=True, eq=False)
class Source:
    """Spikes that come from outside the network.

    >>> from spikeloop.simulate import Poisson
    >>> Source("inputs", 100, Poisson(rate_hz=2.0)).name
    'inputs'
    """

    name: str
    """What projections and results call it."""
    size: int
    """How many trains of spikes."""
    spikes: SpikeSource
    """Where the spikes come from: `Poisson`, `Regular`, or given `SpikeTrains`."""
    positions_um: np.ndarray | None = None
    """(train, axis) places, for connections by distance."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "spikes", as_source(self.spikes))
        _check_cells(self)


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population, or source, to one receptor of another population.

    >>> from spikeloop.simulate import Probability
    >>> Projection("excitatory", "inhibitory", "ampa", Probability(0.1), weight=0.5).delay_ms
    """

    source: str
    """Name of the population or source whose spikes it carries."""
    target: str
    """Name of the population it ends in."""
    receptor: str
    """Name of the receptor there."""
    connect: Rule
    """Which neurons are connected."""
    weight: Value = 1.0
    """What a spike adds to the receptor: a number, a distribution, or one for each synapse, ordered
    by source neuron, then by target neuron."""
    delay_ms: Value | None = None
    """From spike to arrival; None for one tick. Like `weight`, for each synapse if need be."""
    plasticity: STDP | None = None
    """How pairs of spikes change the weights."""
    short_term: ShortTerm | None = None
    """How a train of spikes depresses or facilitates its own synapses."""

    def __post_init__(self) -> None:
        for name in ("source", "target", "receptor"):
            value = getattr(self, name)
            require(
                isinstance(value, str),
                f"{name} is of type {type(value).__name__}: give its name, a word.",
            )
        kinds = {"connect": Rule, "plasticity": STDP | None, "short_term": ShortTerm | None}
        for name, kind in kinds.items():
            value = getattr(self, name)
            require(
                isinstance(value, kind) and not isinstance(value, type),
                f"projection {self.source} -> {self.target}: {name}={value!r}: give "
                f"{_KINDS_OF[name]}.",
            )


_KINDS_OF = {
    "connect": "a rule, such as Probability(0.1)",
    "plasticity": "an STDP, or None",
    "short_term": "a ShortTerm, or None",
}


@dataclass(frozen=True, eq=False)
class Network:
    """A network of spiking neurons, described; `simulate_network` runs it.

    >>> from spikeloop.neurons import LIF
    >>> Network([Population("cells", 10, LIF())]).n_neurons
    10
    """

    populations: Sequence[Population]
    """At least one."""
    projections: Sequence[Projection] = ()
    """In any order: the weights that reach a receptor add up."""
    sources: Sequence[Source] = ()
    """Spikes from outside."""

    def __post_init__(self) -> None:
        kinds = {"populations": Population, "projections": Projection, "sources": Source}
        for name, kind in kinds.items():
            parts = getattr(self, name)
            require(
                isinstance(parts, Sequence) and all(isinstance(part, kind) for part in parts),
                f"{name} must be a list of {kind.__name__} objects.",
            )
            object.__setattr__(self, name, tuple(parts))
        require(len(self.populations) > 0, "populations is empty: a network has at least one.")
        names = [part.name for part in (*self.populations, *self.sources)]
        twice = sorted({name for name in names if names.count(name) > 1})
        require(
            not twice,
            f"{', '.join(twice)}: two populations or sources have this name. Give each its own.",
        )
        for projection in self.projections:
            self._check_projection(projection)

    def __repr__(self) -> str:
        parts = [f"{part.name}: {part.size}" for part in (*self.populations, *self.sources)]
        return f"Network({', '.join(parts)}; {len(self.projections)} projections)"

    @property
    def n_neurons(self) -> int:
        """How many neurons the populations have together."""
        return sum(population.size for population in self.populations)

    def population(self, name: str) -> Population:
        """Return the population of that name."""
        found = {population.name: population for population in self.populations}
        require(
            name in found,
            f"there is no population {name!r}: the network has {', '.join(found)}.",
        )
        return found[name]

    def _check_projection(self, projection: Projection) -> None:
        where = f"projection {projection.source} -> {projection.target}"
        senders = [part.name for part in (*self.populations, *self.sources)]
        require(
            projection.source in senders,
            f"{where}: there is no population or source {projection.source!r}: the network has "
            f"{', '.join(senders)}.",
        )
        targets = {population.name: population for population in self.populations}
        require(
            projection.target in targets,
            f"{where}: there is no population {projection.target!r}: the network has "
            f"{', '.join(targets)}.",
        )
        receptors = targets[projection.target].receptors
        require(
            projection.receptor in receptors,
            f"{where}: {projection.target} has no receptor {projection.receptor!r}: it has "
            f"{', '.join(receptors) or 'none'}.",
        )


def _check_cells(part: Population | Source) -> None:
    require(isinstance(part.name, str) and part.name != "", f"name={part.name!r}: give it a name.")
    require(
        isinstance(part.size, int | np.integer) and part.size > 0,
        f"{part.name}: size={part.size}: it must be a whole number above 0.",
    )
    if part.positions_um is not None:
        positions_um = as_array(
            f"{part.name}: positions_um", part.positions_um, ("neuron", "axis"), float
        )
        require_finite(f"{part.name}: positions_um", positions_um)
        require(
            len(positions_um) == part.size,
            f"{part.name}: {len(positions_um)} positions_um for {part.size} neurons.",
        )
        object.__setattr__(part, "positions_um", positions_um)
