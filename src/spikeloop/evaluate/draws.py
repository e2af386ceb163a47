"""Whether what is asked of random draws can be done."""

from __future__ import annotations

from numbers import Real

import numpy as np

from spikeloop.data.checks import is_whole, require


def require_count(name: str, count: int, fewest: int = 1) -> None:
    """Refuse a number of draws that is not whole, or below `fewest`."""
    require(
        is_whole(count) and count >= fewest,
        f"{name}={count!r}: it must be a whole number, {fewest} or more.",
    )


def require_confidence(confidence: float) -> None:
    """Refuse a probability that no interval can aim to cover."""
    require(
        isinstance(confidence, Real) and 0 < confidence < 1,
        f"confidence={confidence!r}: it must lie between 0 and 1. Give 0.95 for 95 %.",
    )


def require_draws(n_draws: int, confidence: float) -> None:
    """Refuse fewer draws than leave one beyond each end of a percentile interval."""
    require_confidence(confidence)
    require_count("n_draws", n_draws)
    fewest = int(np.ceil(2 / (1 - confidence) - 1 - 1e-6))
    require(
        n_draws >= fewest,
        f"n_draws={n_draws}: confidence={confidence} wants at least {fewest}, so that a draw lies "
        "beyond each end of the interval. Draw 1000.",
    )
