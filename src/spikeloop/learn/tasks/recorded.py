"""What was it, in trials of your own? Recorded or simulated elsewhere, and shown again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import as_array, as_vector, frozen, require, require_finite, require_seed
from spikeloop.data.epochs import Epochs
from spikeloop.data.settings import require_settings
from spikeloop.data.spike_trains import SpikeTrains
from spikeloop.errors import InvalidInputError
from spikeloop.learn.tasks.task import TaskTrials
from spikeloop.learn.tasks.trial_binning import binned, require_size

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False, repr=False)
class RecordedTrials:
    """Tell from the spikes of a trial what it was, in trials that were recorded or made elsewhere.

    The trials are kept apart in three parts, by lot, class by class: of each class every part gets
    its share, rounded, and one trial at least. A trial is drawn from its part like any other, and
    may come again. A training watches the part for validation, and tests are on that for testing,
    unless shares are 0. Another part is a copy that shares the data:
    ``dataclasses.replace(task, part="test")``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = np.repeat([0, 1], 50)
    >>> spikes = rng.random((100, 40, 6)) < 0.1 + 0.2 * target[:, None, None]
    >>> task = RecordedTrials(spikes, target, values=[-45.0, 45.0], value_unit="deg")
    >>> trials = task.draw(jax.random.key(0), 64)
    >>> trials.spikes.shape, float(trials.value.max()), len(task.rows)
    ((64, 40, 6), 45.0, 60)
    """

    spikes: np.ndarray
    """(trial, time, input) 1 where an input fires in a tick, and else 0; kept as booleans."""
    target: np.ndarray
    """(trial,) the class of each, counted from 0."""
    n_classes: int | None = None
    """How many classes there are; None: one more than the largest target."""
    dt_ms: float = 1.0
    """Of a tick."""
    values: np.ndarray | None = None
    """(class,) what each class stands for, such as an angle; None: its number."""
    value_unit: str = ""
    """Of `values`."""
    part: Literal["train", "validation", "test", "all"] = "train"
    """Which trials are drawn."""
    validation_share: float = 0.2
    """Of the trials of each class that are kept apart for validation."""
    test_share: float = 0.2
    """Of the trials of each class that are kept apart for testing."""
    split_seed: int = 0
    """Of the lot that keeps them apart."""

    def __post_init__(self) -> None:
        # Arrays first: a setting that is wrong is told as it is, and data are too long for that.
        self._set("spikes", _as_spikes(self.spikes))
        self._set("target", frozen(np.array(as_vector("target", self.target, np.int32))))
        if self.values is not None:
            self._set("values", frozen(np.array(as_vector("values", self.values, np.float64))))
        require_settings(self)
        require_seed(self.split_seed)
        require(self.dt_ms > 0, f"dt_ms={self.dt_ms}: it must be above 0.")
        n_trials = len(self.spikes)
        require(
            len(self.target) == n_trials,
            f"spikes has {n_trials} trials and target has {len(self.target)}: give one class for "
            "each trial.",
        )
        if self.n_classes is None:
            self._set("n_classes", int(self.target.max()) + 1)
        self._require_classes()
        self._require_shares()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _require_classes(self) -> None:
        n_classes = self.n_classes
        require(
            n_classes >= 2,
            f"n_classes={n_classes}: there is nothing to tell apart. Give trials of 2 classes or "
            "more.",
        )
        for trial in np.flatnonzero((self.target < 0) | (self.target >= n_classes))[:1]:
            require(
                False,
                f"target {self.target[trial]} in trial {trial}: with n_classes={n_classes} targets "
                f"go from 0 to {n_classes - 1}.",
            )
        present = np.unique(self.target)
        gaps = np.flatnonzero(present != np.arange(len(present)))
        require(
            len(present) == n_classes,
            f"class {[*gaps, len(present)][0]} has no trials, with n_classes={n_classes}: number "
            "the classes from 0 without a gap, as np.unique(target, return_inverse=True)[1] does.",
        )
        if self.values is not None:
            require(
                len(self.values) == n_classes,
                f"values has {len(self.values)} numbers: give one for each of {n_classes} classes.",
            )
            require_finite("values", self.values)

    def _require_shares(self) -> None:
        shares = self.validation_share, self.test_share
        told = f"validation_share={shares[0]}, test_share={shares[1]}"
        require(
            min(shares) >= 0 and sum(shares) < 1,
            f"{told}: each must be 0 or more, and both together below 1, so that some trials are "
            "left for training.",
        )
        require(
            getattr(self, f"{self.part}_share", 1) > 0,
            f"part={self.part!r}: it has no trials at {self.part}_share=0. Raise that.",
        )
        n_parts = 1 + np.count_nonzero(shares)
        counts = np.bincount(self.target)
        scarce = int(counts.argmin())
        require(
            counts[scarce] >= n_parts,
            f"class {scarce} has {counts[scarce]} trials: at {told} it must have {n_parts} or "
            "more, one for each part. Leave the class out, or set a share to 0.",
        )

    @classmethod
    def of_trains(
        cls, trains: SpikeTrains, epochs: Epochs, target: object, *, dt_ms: float, **settings: Any
    ) -> RecordedTrials:
        """Return a task of the spikes of units, cut into trials and ticks.

        Parameters
        ----------
        trains
            The spikes; each unit is an input.
        epochs
            Each is a trial, from its start to its stop. All are as long, a whole number of ticks.
        target
            (epoch,) the class of each.
        dt_ms
            Of a tick; a second spike in it is lost.
        **settings
            The other fields.

        Raises
        ------
        InvalidInputError
            Epochs differ in length, hold no whole number of ticks, or were not observed.

        Warns
        -----
        SpikeloopWarning
            More than a hundredth of the spikes are lost.

        Examples
        --------
        >>> trains = SpikeTrains.from_units({"a": [0.1, 1.2], "b": [0.3]}, Epochs([0.0], [2.0]))
        >>> epochs = Epochs([0.0, 1.0], [0.5, 1.5])
        >>> whole = {"validation_share": 0.0, "test_share": 0.0}
        >>> task = RecordedTrials.of_trains(trains, epochs, [0, 1], dt_ms=100.0, **whole)
        >>> task.spikes[0].astype(int).tolist()
        [[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]
        """
        return cls(binned(trains, epochs, dt_ms), target, dt_ms=dt_ms, **settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordedTrials) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        n_trials, n_ticks, n_inputs = self.spikes.shape
        return (
            f"RecordedTrials({n_trials} trials x {n_ticks} ticks of {self.dt_ms} ms x {n_inputs} "
            f"inputs, {self.n_classes} classes, value_unit={self.value_unit!r}, "
            f"part={self.part!r}, validation_share={self.validation_share}, "
            f"test_share={self.test_share}, split_seed={self.split_seed}, digest={self._digest})"
        )

    @cached_property
    def _digest(self) -> str:
        """A short name for the data, for two tasks that differ in nothing else."""
        seen = hashlib.sha256(np.packbits(self.spikes))
        for array in (self.target, self.class_values()):
            seen.update(array)
        return seen.hexdigest()[:16]

    @property
    def n_inputs(self) -> int:
        """How many inputs fire."""
        return self.spikes.shape[2]

    @property
    def n_ticks(self) -> int:
        """How many ticks a trial lasts."""
        return self.spikes.shape[1]

    def class_values(self) -> Float[np.ndarray, " class"]:
        """Return what each class stands for."""
        return np.arange(self.n_classes, dtype=float) if self.values is None else self.values

    @cached_property
    def rows(self) -> Int[np.ndarray, " trial"]:
        """Which trials of the data the part has, ascending."""
        if self.part == "all":
            return frozen(np.arange(len(self.target)))
        order = np.random.default_rng(self.split_seed).permutation(len(self.target))
        order = order[np.argsort(self.target[order], kind="stable")]
        ends = np.cumsum(np.bincount(self.target))
        part = np.zeros(len(self.target), np.int8)
        for own in np.split(order, ends[:-1]):
            n_validation, n_test = _n_apart(len(own), self.validation_share, self.test_share)
            part[own[:n_test]] = PARTS.index("test")
            part[own[n_test : n_test + n_validation]] = PARTS.index("validation")
        return frozen(np.flatnonzero(part == PARTS.index(self.part)))

    @cached_property
    def _bytes(self) -> Int[np.ndarray, "trial byte input"]:
        """The spikes of the part, 8 ticks in each byte, the first one in its highest bit."""
        return frozen(np.packbits(self.spikes, axis=1)[self.rows])

    def draw(
        self, key: PRNGKeyArray, n_trials: int, data_set: PRNGKeyArray | None = None
    ) -> TaskTrials:
        """Return trials of the part, always the same for the same key; each is as likely."""
        chosen = jax.random.randint(key, (n_trials,), 0, len(self.rows))
        tick = np.arange(self.n_ticks)
        bit = (128 >> tick % 8).astype(np.uint8)
        is_spike = (jnp.asarray(self._bytes)[chosen][:, tick // 8] & bit[:, None]) != 0
        target = jnp.asarray(self.target[self.rows])[chosen]
        value = jnp.asarray(self.class_values(), jnp.float32)[target]
        return TaskTrials(is_spike.astype(jnp.float32), target, value)

    def watched(self) -> RecordedTrials:
        """Return what a training on these trials is watched by: others, where there are any."""
        if self.part == "train" and self.validation_share > 0:
            return replace(self, part="validation")
        return self

    def tested(self) -> RecordedTrials:
        """Return what a network that was trained on these is tested on: others, if there are."""
        if self.part in {"train", "validation"} and self.test_share > 0:
            return replace(self, part="test")
        return self

    def log_posterior(self, spikes: Float[Array, "trial time input"]) -> jax.Array:
        """Refuse: how these spikes came about is not known, nor then how well one can do.

        Raises
        ------
        InvalidInputError
            Always.
        """
        raise InvalidInputError(
            "recorded trials have no known ideal observer: that takes the probability of each "
            "spike, and there are only spikes. Compare with other decoders, on the same `rows`."
        )


def _as_spikes(spikes: object) -> Bool[np.ndarray, "trial time input"]:
    """Return spikes as booleans that nobody else can change."""
    dtype = getattr(spikes, "dtype", np.float32)
    array = as_array("spikes", spikes, ("trial", "time", "input"), dtype)
    require_size(array.shape)
    require(
        array.dtype.kind in "biuf",
        f"spikes holds {array.dtype}: give 1 where an input fires in a tick, and else 0.",
    )
    if array.dtype == bool:
        # A copy with another part is given what the first one kept, and keeps it too.
        return frozen(array.copy()) if np.asarray(spikes).flags.writeable else array
    broken = (array != 0) & (array != 1)
    if broken.any():
        trial, tick, source = np.unravel_index(broken.argmax(), array.shape)
        raise InvalidInputError(
            f"spikes holds {array[trial, tick, source]} in trial {trial}, tick {tick}, input "
            f"{source}: give 1 where an input fires in a tick, and else 0. Clip counts: "
            "np.minimum(counts, 1)."
        )
    return frozen(array == 1)


def _n_apart(n_trials: int, validation_share: float, test_share: float) -> tuple[int, int]:
    """Return how many trials of a class are for validation and for testing.

    >>> _n_apart(10, 0.2, 0.3), _n_apart(3, 0.1, 0.8), _n_apart(2, 0.0, 0.1)
    ((2, 3), (1, 1), (0, 1))
    """
    n_validation, n_test = (
        max(1, round(share * n_trials)) if share else 0 for share in (validation_share, test_share)
    )
    # One is left to train on; the larger part can spare it.
    excess = max(0, n_validation + n_test - (n_trials - 1))
    if n_validation > n_test:
        return n_validation - excess, n_test
    return n_validation, n_test - excess
