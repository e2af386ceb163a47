"""What a report says of pairs of models."""

from collections.abc import Mapping
from typing import TypeVar

from spikeloop.evaluate import PairedBootstrap, ScoreInterval
from spikeloop.viz.tables import format_column

Pair = tuple[str, str]
Difference = TypeVar("Difference")
_MEAN = "mean"
_MOST_NAMES = 3


def in_order(differences: Mapping[Pair, Difference], best: str) -> list[tuple[Pair, Difference]]:
    """Return the pairs with those of the best model first.

    Those with the mean are left out: its score is 0, so that they differ by the other's score.

    Examples
    --------
    >>> pairs = {("ln", "mean"): 1.0, ("glm", "ln"): 0.2, ("mid", "glm"): 0.3, ("mid", "ln"): 0.5}
    >>> [pair for pair, _ in in_order(pairs, "mid")]
    [('mid', 'glm'), ('mid', 'ln'), ('glm', 'ln')]
    """
    pairs = [item for item in differences.items() if _MEAN not in item[0]]
    return sorted(pairs, key=lambda item: best not in item[0])


def told_apart(differences: Mapping[Pair, PairedBootstrap], best: str) -> str:
    """Return from which models the best is not told apart: zero is in the interval; "" for none."""
    others = [
        first if second == best else second
        for (first, second), pair in differences.items()
        if best in (first, second) and pair.difference.mean.low <= 0 <= pair.difference.mean.high
    ]
    if not others:
        return ""
    named = ", ".join(others) if len(others) <= _MOST_NAMES else f"{len(others)} others"
    return f"; not told apart from {named}"


def interval_words(mean: ScoreInterval) -> str:
    """Return the ends of an interval with as many decimals each."""
    low, high = format_column([mean.low, mean.high])
    return f"{low} to {high}"
