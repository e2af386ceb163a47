"""A network as a pure function of its numbers, to be differentiated and batched by JAX."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.errors import InvalidInputError
from spikeloop.neurons.spike_gradient import SpikeGradient
from spikeloop.simulate.networks.groups import Member
from spikeloop.simulate.networks.network import Network
from spikeloop.simulate.networks.signals import Grid, on_grid
from spikeloop.simulate.networks.simulation import Simulation
from spikeloop.simulate.scan_engine.plan import Plan, Prepared, prepare, require_room
from spikeloop.simulate.scan_engine.step import Result, run
from spikeloop.simulate.scan_engine.synapses import SynapseList, Synapses, synapse_list


class Parameters(NamedTuple):
    """The numbers of a network, by which its function is differentiated. All are float32."""

    weights: tuple[Any, ...]
    """For each projection, () or (synapse,), ordered by source neuron, then by target neuron."""
    neurons: dict[str, dict[str, Any]]
    """population -> name of a parameter -> () or (neuron,)."""
    currents: dict[str, Any]
    """population -> (tick or 1, neuron or 1) injected current."""
    events: Any
    """(tick, train) how many spikes each train of each source sends."""


class Outcome(NamedTuple):
    """What a network did."""

    spikes: dict[str, Any]
    """population -> (tick, neuron) float32: 1.0 for a spike, and 0.0 for none."""
    traces: dict[tuple[str, str], Any]
    """(population, variable) -> (tick, neuron) values at the start of each tick."""
    overflowed: Any
    """() whether a potential overflowed: then nothing here means anything."""


def network_function(
    network: Network, method: Simulation, *, seed: int, gradient: SpikeGradient | None = None
) -> tuple[Parameters, Callable[..., Outcome]]:
    """Return the numbers of a network, and the function of them that simulates it.

    The function takes `Parameters` and, where neurons are random and only there, as second argument
    a key of random numbers, (2,) uint32, such as ``jax.random.key_data(key)``. It may be given to
    ``jax.jit``, ``jax.vmap`` and ``jax.grad``. Connections and delays are fixed. Its spikes are
    those of `simulate_network` but for rounding: sums are taken in another order.

    Parameters
    ----------
    network
        Populations, sources and projections, without plasticity.
    method
        Duration, tick, and what to record; `engine` is not looked at.
    seed
        As for `simulate_network`.
    gradient
        How gradients pass through spikes; None for `SpikeGradient()`.

    Raises
    ------
    InvalidInputError
        What `simulate_network` raises; the function itself raises it where a key is missing.

    Examples
    --------
    How many more spikes there are per unit of current, by a surrogate gradient:

    >>> from spikeloop.neurons import LIF
    >>> from spikeloop.simulate import Network, Population
    >>> network = Network([Population("cell", 3, LIF(), current=16.0)])
    >>> start, simulate = network_function(network, Simulation(0.1), seed=0)
    >>> def n_spikes(current):
    ...     numbers = start._replace(currents={"cell": current})
    ...     return simulate(numbers).spikes["cell"].sum()
    >>> bool(jax.grad(n_spikes)(16.0 * np.ones((1, 3), np.float32)).min() > 0)
    True
    """
    prepared = prepare(network, method, seed=seed)
    require_room([prepared])
    members = [(g, m) for g, group in enumerate(prepared.groups) for m in group.members]
    plan = replace(
        prepared.plan,
        gradient=SpikeGradient() if gradient is None else gradient,
        currents=tuple(_span(prepared, g, member) for g, member in members),
    )

    wire = _wiring(prepared)

    def simulate(parameters: Parameters, *key) -> Outcome:
        arrays = prepared.arrays._replace(
            key=_key(plan, key),
            constants=tuple(_constants(prepared, g, parameters) for g in range(len(plan.groups))),
            currents=tuple(
                _every_tick(parameters.currents[member.population.name], method.n_ticks)
                for _, member in members
            ),
            events=parameters.events,
            **wire(parameters.weights),
        )
        return _outcome(prepared, run(plan, jax.tree.map(jnp.asarray, arrays)))

    return _start(network, method, prepared), simulate


def _key(plan: Plan, given: tuple):
    """Return the key of the random numbers: given where there are any, and only there."""
    if any(group.shape.random for group in plan.groups) != (len(given) == 1):
        raise InvalidInputError(
            "the function of a network takes its parameters and, if and only if some neurons are"
            f" random, one key of random numbers; it got {len(given)} keys"
        )
    return jnp.asarray(given[0], jnp.uint32) if given else jnp.zeros(2, jnp.uint32)


def _start(network: Network, method: Simulation, prepared: Prepared) -> Parameters:
    """Return the numbers that the network was described with."""
    grid = Grid(method.n_ticks, method.dt_ms)
    neurons = {}
    for group, columns in zip(prepared.groups, prepared.arrays.constants, strict=True):
        for member in group.members:
            own = _span_in(group.first, member)
            neurons[member.population.name] = {
                name: column[own] if np.ndim(column) else column
                for name in group.shape.parameters
                for column in [columns[f"parameter {name}"]]
            }
    return Parameters(
        tuple(np.asarray(cable.weights, np.float32) for cable in prepared.cables),
        neurons,
        {
            part.name: on_grid(f"{part.name}: current", part.current, grid, part.size)
            for part in network.populations
        },
        prepared.arrays.events.astype(np.float32),
    )


def _span_in(first: int, member: Member) -> slice:
    """Return which neurons are the member's, counted from `first`."""
    return slice(member.first - first, member.first - first + member.population.size)


def _span(prepared: Prepared, g: int, member: Member) -> tuple[int, int, int]:
    own = _span_in(prepared.groups[g].first, member)
    return g, own.start, own.stop


def _every_tick(current, n_ticks: int):
    current = jnp.atleast_2d(current)
    return jnp.broadcast_to(current, (n_ticks, current.shape[1]))


def _constants(prepared: Prepared, g: int, parameters: Parameters) -> dict[str, Any]:
    """Return the columns of a group that do not change, with these parameters."""
    group, columns = prepared.groups[g], dict(prepared.arrays.constants[g])
    for name in group.shape.parameters:
        parts = [
            jnp.broadcast_to(parameters.neurons[m.population.name][name], m.population.size)
            for m in group.members
        ]
        columns[f"parameter {name}"] = jnp.concatenate(parts)
    return columns


def _wiring(prepared: Prepared) -> Callable[[tuple], dict[str, Any]]:
    """Return the function from weights to the matrices and lists of all synapses."""
    plan, (shared, own) = prepared.plan, prepared.tables
    n_senders = plan.n_neurons + prepared.arrays.events.shape[1]
    once = np.ones(n_senders, int)  # events may be any numbers, so that no entry stands for the nth
    at = np.searchsorted(plan.delays, shared.delay), shared.sender, shared.place
    shape = (len(plan.delays), n_senders, plan.n_places)
    lists = {
        "shared": synapse_list(_numbered(shared), plan.n_places, once, longest_first=False),
        "own": synapse_list(_numbered(own), plan.n_places, once, longest_first=True),
    }

    def wire(weights: tuple) -> dict[str, Any]:
        of_each = {False: [jnp.zeros(1)], True: [jnp.zeros(1)]}
        for cable, given in zip(prepared.cables, weights, strict=True):
            n_synapses = len(cable.synapses.targets)
            of_each[bool(cable.delay_ticks.ndim)].append(jnp.broadcast_to(given, n_synapses))
        found = {"shared": jnp.concatenate(of_each[False]), "own": jnp.concatenate(of_each[True])}
        if plan.delays:
            filled = jnp.zeros(shape).at[at].add(found["shared"][1:])
            return {"matrices": tuple(filled), "own": _weighted(lists["own"], found["own"])}
        return {name: _weighted(lists[name], found[name]) for name in lists}

    return wire


def _numbered(synapses: Synapses) -> Synapses:
    """Return the table with the number of each synapse, from 1, in place of its weight."""
    return synapses._replace(weight=np.arange(1, len(synapses.place) + 1))


def _weighted(numbered: SynapseList, weights) -> SynapseList:
    return numbered._replace(weight=weights[numbered.weight])


def _outcome(prepared: Prepared, result: Result) -> Outcome:
    members = [member for group in prepared.groups for member in group.members]
    wanted = prepared.recorder.neurons
    ends = np.cumsum([len(neurons) for neurons in wanted.values()], dtype=int)
    traces = jnp.split(result.record, ends[:-1], axis=1) if wanted else []
    return Outcome(
        {member.population.name: result.spikes[:, _span_in(0, member)] for member in members},
        dict(zip(wanted, traces, strict=True)),
        (result.overflowed >= 0).any(),
    )
