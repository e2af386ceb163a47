"""What a neuron is: a state, parameters, and three pure functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikeloop.data.checks import require
from spikeloop.numerics.draws import Distribution

Value = float | np.ndarray | Distribution
"""One number for all neurons of a population, one for each (neuron,), or a distribution."""


class Inputs(NamedTuple):
    """What reaches a neuron in a tick."""

    current: Any
    """Sum of the currents, and of conductance times reversal potential over the receptors."""
    conductance: Any
    """Sum of the conductances: at the potential v the input is ``current - conductance * v``."""
    uniform: Any
    """A random number in (0, 1), new in each tick and neuron, where the neuron is `random`."""


@dataclass(frozen=True, eq=False)
class Neuron:
    r"""How one step of a neuron happens, written once for every engine.

    The three functions are pure, and see one neuron: numba compiles them on scalars, JAX traces
    them on arrays. Choose with ``where(condition, x, y)``, not with ``if``. In each tick of
    duration :math:`dt`, in this order:

    1. spikes whose delay has passed are added to the conductances of their receptors;
    2. ``state = step(state, inputs, p, dt_ms)``, with the inputs at the start of the tick; a
       refractory neuron keeps the first variable of its state;
    3. the conductances decay;
    4. where ``spiked(state, p)``, the neuron emits a spike, whose time is the start of the tick,
       and ``state = reset(state, p)``. A delay of one tick acts in the tick that follows.

    With `spike_lag` 1, ``spiked`` looks at the state before the step, as if the threshold were
    tested at the start of the tick; the reset still follows the step.

    Examples
    --------
    A perfect integrator in ten lines:

    >>> def step(state, inputs, p, dt_ms):
    ...     (v,) = state
    ...     return (v + dt_ms * inputs.current / p.capacity,)
    >>> def spiked(state, p):
    ...     return state[0] >= p.threshold
    >>> def reset(state, p):
    ...     return (state[0] - p.threshold,)
    >>> integrator = Neuron(
    ...     {"v": 0.0}, {"capacity": 1.0, "threshold": 1.0}, step, spiked, reset
    ... )
    """

    state: Mapping[str, Value]
    """Names of the state variables, and where they start. The first is the potential."""
    parameters: Mapping[str, Value]
    """Names of the parameters, and their values; the functions see them as ``p.name``."""
    step: Callable[[tuple, Inputs, Any, Any], tuple]
    """(state, inputs, p, dt_ms) -> state at the end of the tick."""
    spiked: Callable[[tuple, Any], Any]
    """(state, p) -> whether there is a spike."""
    reset: Callable[[tuple, Any], tuple]
    """(state, p) -> state after a spike."""
    refractory_ms: float = 0.0
    """For how long after a spike the first variable is held and no spike emitted."""
    spike_lag: int = 0
    """0: the threshold is tested on the state after the step; 1: before it."""
    random: bool = False
    """Whether the functions use ``inputs.uniform``."""
    time_constants_ms: Mapping[str, Value] = field(default_factory=dict)
    """Names and values of time constants that dt must not exceed."""

    def __post_init__(self) -> None:
        require(len(self.state) > 0, "state is empty: a neuron has at least one state variable.")
        for name in (*self.state, *self.parameters):
            require(
                name.isidentifier() and not name.startswith("_"),
                f"{name!r} cannot name a state variable or a parameter: use a Python identifier "
                "that starts with a letter.",
            )
        for name in ("step", "spiked", "reset"):
            require(callable(getattr(self, name)), f"{name} is no function.")
        require(
            isinstance(self.refractory_ms, Real) and 0 <= self.refractory_ms < np.inf,
            f"refractory_ms={self.refractory_ms!r}: it must be 0 or more, one number for all.",
        )
        code = getattr(self.step, "__code__", None)
        require(
            self.random or code is None or "uniform" not in code.co_names,
            "step uses inputs.uniform, which is 0 without random=True: add that.",
        )
        require(self.spike_lag in (0, 1), f"spike_lag={self.spike_lag}: it must be 0 or 1.")

    def neuron(self) -> "Neuron":
        """Return itself: networks take a neuron, or a model that makes one."""
        return self


def require_above_zero(settings: object, *names: str) -> None:
    """Refuse settings that are numbers and not above 0."""
    for name in names:
        value = getattr(settings, name)
        if isinstance(value, Real | np.ndarray):
            require(bool(np.all(np.asarray(value) > 0)), f"{name}={value}: it must be above 0.")


class NeuronModel(Protocol):
    """Settings that make a `Neuron`: `LIF`, `Izhikevich`, ... or a `Neuron` itself."""

    def neuron(self) -> Neuron:
        """Return the neuron with these settings."""
