"""Nested tuples and dictionaries of arrays, by the names of their leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Array

Tree = TypeVar("Tree")


def named_leaves(tree: object) -> dict[str, np.ndarray]:
    """Return all arrays of a tree, each by where it is.

    Examples
    --------
    >>> list(named_leaves({"a": (jnp.zeros(1), jnp.ones(1))}))
    ["['a'][0]", "['a'][1]"]
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(value) for path, value in leaves}


def with_leaves(tree: Tree, arrays: Mapping[str, np.ndarray]) -> Tree:
    """Return a tree of the same form with other arrays; on the device where the old ones were."""

    def placed(path: tuple, old: object) -> Array | np.ndarray:
        value = arrays[jax.tree_util.keystr(path)]
        return jnp.array(value) if isinstance(old, jax.Array) else value

    return jax.tree_util.tree_map_with_path(placed, tree)


def chosen(which: np.ndarray, new: Tree, old: Tree) -> Tree:
    """Return a tree whose arrays have, at each place of their first axis, `new` or `old`."""

    def of(new: Array, old: Array) -> Array:
        return jnp.where(which.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    return jax.tree.map(of, new, old)
