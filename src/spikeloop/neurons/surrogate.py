"""Gradients through spikes: the step of a threshold, with the derivative of something smooth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.neurons.retracing import done, retraced


@dataclass(frozen=True)
class Surrogate:
    r"""What stands for the derivative of a spike, by how far the threshold was exceeded.

    With :math:`x` the distance above threshold, in the unit of what is compared, and :math:`\beta`
    the slope:

    ============ ====================================== =============================
    shape        derivative                             source
    ============ ====================================== =============================
    sigmoid      :math:`1 / \cosh^2(\beta x / 2)`       of :math:`4 \sigma(\beta x)`
    fast_sigmoid :math:`1 / (1 + \beta |x|)^2`          Zenke and Ganguli 2018
    arctan       :math:`1 / (1 + (\beta x)^2)`          Fang et al. 2021
    triangle     :math:`\max(0, 1 - \beta |x|)`         Bellec et al. 2018
    ============ ====================================== =============================

    Each is 1 at the threshold, whatever the slope, so that a slope changes how far learning reaches
    and not how strong it is.

    Sources: Zenke and Ganguli 2018, Neural Computation 30:1514; Fang et al. 2021, ICCV; Bellec et
    al. 2018, NeurIPS; Neftci, Mostafa and Zenke 2019, IEEE Signal Processing Magazine 36:51.

    Examples
    --------
    >>> surrogate = Surrogate("triangle", slope=0.5)
    >>> value, gradient = jax.value_and_grad(surrogate.spike)(-1.0)
    >>> float(value), float(gradient)
    (0.0, 0.5)
    """

    shape: Literal["sigmoid", "fast_sigmoid", "arctan", "triangle"] = "fast_sigmoid"
    """How the derivative falls off on either side of the threshold."""
    slope: float = 1.0
    """How fast it falls off: per mV, where thresholds are in mV."""

    def __post_init__(self) -> None:
        require(
            self.shape in _DERIVATIVES,
            f"shape={self.shape!r}: choose one of {', '.join(_DERIVATIVES)}.",
        )
        require(
            bool(np.isfinite(self.slope)) and self.slope > 0,
            f"slope={self.slope}: it must be above 0.",
        )

    def derivative(self, x):
        """Return what stands for the derivative of a spike, at distances `x` above threshold."""
        return _DERIVATIVES[self.shape](self.slope * x)

    def smooth(self, x):
        """Return the function that truly has this derivative; it rises from 0."""
        return _SMOOTH[self.shape](self.slope * x) / self.slope

    def spike(self, x):
        """Return 1.0 where `x` is 0 or more and else 0.0, with the derivative of the surrogate."""
        return _spike(self, x, x >= 0)


def smooth_spikes(spiked: Callable, surrogate: Surrogate, *, relaxed: bool = False) -> Callable:
    """Return ``spiked`` of a `Neuron` with a gradient: 1.0 for a spike, and 0.0 for none.

    Each comparison ``a >= b`` or ``a > b`` of numbers in it becomes a spike at the distance
    ``a - b``; "and" becomes the product, "or" the sum less the product, and "not" the difference
    from 1. So a neuron says only once when it fires, and no neuron is without a gradient.

    Parameters
    ----------
    spiked
        (state, p) -> whether there is a spike.
    surrogate
        The derivative.
    relaxed
        Whether the values are those of `Surrogate.smooth` instead of 0 and 1: then the gradient is
        the true one, which is for tests.

    Examples
    --------
    >>> fires = smooth_spikes(lambda state, p: state[0] >= 1.0, Surrogate())
    >>> jax.jacobian(lambda v: fires((v,), None))(jnp.array([0.0, 1.0])).tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """

    def rule(operation, values: Sequence) -> Sequence:
        name = operation.primitive.name
        if name in _DISTANCES and jnp.issubdtype(jnp.result_type(values[0]), jnp.floating):
            x = _DISTANCES[name](*values)
            fired = done(operation, values)[0]
            return [_Claim(surrogate.smooth(x) if relaxed else _spike(surrogate, x, fired))]
        if name == "convert_element_type" and isinstance(values[0], _Claim):
            kind = operation.params["new_dtype"]
            if jnp.issubdtype(kind, jnp.bool_):
                return values
            if jnp.issubdtype(kind, jnp.floating):
                return [values[0].degree]
        if name in _LOGIC and any(isinstance(value, _Claim) for value in values):
            return [_Claim(_LOGIC[name](*(_degree(value) for value in values)))]
        return done(operation, [_truth(value) for value in values])

    return lambda state, p: _degree(retraced(spiked, rule)(state, p))


class _Claim(NamedTuple):
    """What stands for a boolean."""

    degree: jax.Array


def _degree(value):
    return value.degree if isinstance(value, _Claim) else jnp.asarray(value, jnp.float32)


def _truth(value):
    return value.degree > 0.5 if isinstance(value, _Claim) else value


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _spike(surrogate, x, fired):
    return jnp.where(fired, 1.0, 0.0)


@_spike.defjvp
def _spike_jvp(surrogate, primals, tangents):
    x, fired = primals
    return _spike(surrogate, x, fired), surrogate.derivative(x) * tangents[0]


_DISTANCES = {
    "ge": lambda a, b: a - b,
    "gt": lambda a, b: a - b,
    "le": lambda a, b: b - a,
    "lt": lambda a, b: b - a,
}
_LOGIC = {
    "and": lambda a, b: a * b,
    "or": lambda a, b: a + b - a * b,
    "not": lambda a: 1 - a,
}
_DERIVATIVES = {
    "sigmoid": lambda x: 4 * (rising := jax.nn.sigmoid(x)) * (1 - rising),
    "fast_sigmoid": lambda x: 1 / (1 + abs(x)) ** 2,
    "arctan": lambda x: 1 / (1 + x**2),
    "triangle": lambda x: jnp.maximum(0.0, 1 - abs(x)),
}
_SMOOTH = {
    "sigmoid": lambda x: 4 * jax.nn.sigmoid(x),
    "fast_sigmoid": lambda x: 1 + x / (1 + abs(x)),
    "arctan": lambda x: jnp.pi / 2 + jnp.arctan(x),
    "triangle": lambda x: jnp.where(x < 0, _ramp(x), 1 - _ramp(-x)),
}


def _ramp(x):
    """Return half the square of what `x` lies above -1."""
    return jnp.maximum(0.0, 1 + x) ** 2 / 2
