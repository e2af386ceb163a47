"""Seeds as keys of JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

_LOW = 2**32


def key_of(seed: int) -> PRNGKeyArray:
    """Return the key of a seed; `jax.random.key` alone forgets all but its last 32 bits.

    Examples
    --------
    >>> bool(key_of(1) == jax.random.key(1)), bool(key_of(2**32 + 1) == key_of(1))
    (True, False)
    """
    high, low = divmod(int(seed), _LOW)
    key = jax.random.key(low)
    return jax.random.fold_in(key, high) if high else key
