"""Distributions to draw parameters, weights and delays from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Real
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from spikeloop.errors import InvalidInputError

if TYPE_CHECKING:
    from jaxtyping import Float32


@runtime_checkable
class Distribution(Protocol):
    """Anything that draws numbers."""

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Return (size,) numbers."""


@dataclass(frozen=True)
class Normal:
    """The normal distribution.

    >>> Normal(mean=1.0, sd=0.0).draw(np.random.default_rng(0), 2)
    array([1., 1.], dtype=float32)
    """

    mean: float
    """Its mean."""
    sd: float
    """Its standard deviation."""

    def __post_init__(self) -> None:
        _require_finite(self)
        _require(self.sd >= 0, f"Normal: sd={self.sd}: it must be 0 or more.")

    def draw(self, rng: np.random.Generator, size: int) -> Float32[np.ndarray, " size"]:
        """Return (size,) independent numbers."""
        values = rng.standard_normal(size, dtype=np.float32)
        values *= self.sd
        values += self.mean
        return values


@dataclass(frozen=True)
class LogNormal:
    r"""The distribution of :math:`e^z` for normal :math:`z`, given by its own mean and SD.

    With mean :math:`m` and standard deviation :math:`s`, :math:`z` has variance
    :math:`\sigma^2 = \ln(1 + s^2 / m^2)` and mean :math:`\ln m - \sigma^2 / 2`.

    >>> LogNormal(mean=2.0, sd=0.0).draw(np.random.default_rng(0), 2)
    array([2., 2.], dtype=float32)
    """

    mean: float
    """Mean of the variable itself, above 0."""
    sd: float
    """Standard deviation of the variable itself."""

    def __post_init__(self) -> None:
        _require_finite(self)
        _require(self.mean > 0, f"LogNormal: mean={self.mean}: it must be above 0.")
        _require(self.sd >= 0, f"LogNormal: sd={self.sd}: it must be 0 or more.")

    def draw(self, rng: np.random.Generator, size: int) -> Float32[np.ndarray, " size"]:
        """Return (size,) independent numbers, all above 0."""
        variance = np.log1p((self.sd / self.mean) ** 2)
        values = rng.standard_normal(size, dtype=np.float32)
        values *= np.sqrt(variance)
        values += np.log(self.mean) - variance / 2
        return np.exp(values, out=values)


@dataclass(frozen=True)
class Gamma:
    r"""The gamma distribution: mean :math:`k \theta`, variance :math:`k \theta^2`.

    >>> bool(Gamma(shape=2.0, scale=0.003).draw(np.random.default_rng(0), 9).min() > 0)
    True
    """

    shape: float
    r""":math:`k`, above 0."""
    scale: float
    r""":math:`\theta`, above 0."""

    def __post_init__(self) -> None:
        _require_finite(self)
        for name in ("shape", "scale"):
            value = getattr(self, name)
            _require(value > 0, f"Gamma: {name}={value}: it must be above 0.")

    def draw(self, rng: np.random.Generator, size: int) -> Float32[np.ndarray, " size"]:
        """Return (size,) independent numbers."""
        values = rng.standard_gamma(self.shape, size, dtype=np.float32)
        values *= self.scale
        return values


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution between two numbers.

    >>> Uniform(low=3.0, high=3.0).draw(np.random.default_rng(0), 2)
    array([3., 3.], dtype=float32)
    """

    low: float
    """The smallest number."""
    high: float
    """The largest number."""

    def __post_init__(self) -> None:
        _require_finite(self)
        _require(
            self.low <= self.high,
            f"Uniform: low={self.low} lies above high={self.high}. Swap them.",
        )

    def draw(self, rng: np.random.Generator, size: int) -> Float32[np.ndarray, " size"]:
        """Return (size,) independent numbers."""
        values = rng.random(size, dtype=np.float32)
        values *= self.high - self.low
        values += self.low
        return values


def values_of(
    name: str,
    value: float | np.ndarray | Distribution,
    size: int,
    rng: np.random.Generator,
) -> Float32[np.ndarray, "..."]:
    """Return the numbers that `value` stands for, as a new array.

    Parameters
    ----------
    name
        What messages call the value.
    value
        One number, which gives an array of shape (); one for each, of shape (size,); or a
        distribution, of which `size` numbers are drawn.
    size
        How many there are to be.
    rng
        Used by distributions alone.

    Raises
    ------
    InvalidInputError
        The value is none of these, has another size, or holds what is not a finite float32.

    Examples
    --------
    >>> values_of("weight", 0.5, 3, np.random.default_rng(0))
    array(0.5, dtype=float32)
    >>> values_of("weight", [1, 2, 3], 3, np.random.default_rng(0))
    array([1., 2., 3.], dtype=float32)
    """
    drawn = isinstance(value, Distribution) and not isinstance(value, type)
    unreadable = f"{name}={value!r}: give a number, an array of numbers or a distribution."
    try:
        given = np.asarray(value.draw(rng, size) if drawn else value)
    except ValueError:  # lists of different lengths
        raise InvalidInputError(unreadable) from None
    _require(given.dtype.kind in "iuf", unreadable)
    _require(
        given.shape == (size,) or (given.shape == () and not drawn),
        f"{name} has shape {given.shape}: give one number, or {size}.",
    )
    with np.errstate(over="ignore"):
        values = given.astype(np.float32, copy=not drawn)
    # NaN and infinity reach the ends, without an array of bools as long as the values.
    if values.size and not (np.isfinite(values.min()) and np.isfinite(values.max())):
        bad = np.flatnonzero(~np.isfinite(values))
        raise InvalidInputError(
            f"{name} holds {given.reshape(-1)[bad[0]]} at index {bad[0]}: give finite numbers, of "
            "magnitudes up to 3e38."
        )
    return values


def _require(claim: bool, message: str) -> None:
    if not claim:
        raise InvalidInputError(message)


def _require_finite(distribution: object) -> None:
    kind = type(distribution).__name__
    for field in fields(distribution):
        value = getattr(distribution, field.name)
        _require(
            isinstance(value, Real) and bool(np.isfinite(value)),
            f"{kind}: {field.name}={value!r}: it must be a finite number.",
        )
