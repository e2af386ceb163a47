"""Random numbers that belong to places in a long table, so that any part can be made alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float32


def block_rng(seed: int, purpose: int, block: int) -> np.random.Generator:
    """Return the generator of one block of one purpose; blocks from -1 on are allowed.

    >>> float(block_rng(1, 0, 5).random()) == float(block_rng(1, 0, 5).random())
    True
    >>> float(block_rng(1, 0, 5).random()) == float(block_rng(1, 0, 6).random())
    False
    """
    source = np.random.SeedSequence(seed, spawn_key=(purpose, block + 1))
    return np.random.Generator(np.random.SFC64(source))


def normal_block(
    seed: int, purpose: int, block: int, shape: tuple[int, int], n_before: int
) -> Float32[np.ndarray, "row time"]:
    """Return one block of endless rows of independent normal numbers, and what stands before it.

    Block b holds the times b * n to (b + 1) * n of every row. A filter that looks back needs the
    last times of the block before, so those are drawn from a stream of their own: they cost no more
    than themselves.

    Parameters
    ----------
    seed, purpose, block
        Which table, and which block of it, 0 or more.
    shape
        How many rows there are, and the number n of times in a block.
    n_before
        How many times of the block before are wanted, fewer than a block has. Tables of different
        `n_before` are different tables.

    Examples
    --------
    >>> first = normal_block(3, 0, 0, (2, 10), n_before=4)
    >>> second = normal_block(3, 0, 1, (2, 10), n_before=4)
    >>> first.shape, bool(np.all(first[:, -4:] == second[:, :4]))
    ((2, 14), True)
    """
    n_rows, n_times = shape
    widths = {2 * block - 1: n_before, 2 * block: n_times - n_before, 2 * block + 1: n_before}
    parts = [
        block_rng(seed, purpose, stream).standard_normal((n_rows, width), dtype=np.float32)
        for stream, width in widths.items()
    ]
    return np.concatenate(parts, axis=1)
