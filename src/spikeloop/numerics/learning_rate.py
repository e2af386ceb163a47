"""How fast a network learns, from epoch to epoch."""

import math


def warmed_cosine(epoch: int, warm_up: int, n_epochs: int) -> float:
    """Return the share of the highest rate: it rises for `warm_up` epochs, then falls towards 0.

    Source: Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts, ICLR.

    Examples
    --------
    >>> [round(warmed_cosine(epoch, 2, 10), 2) for epoch in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.04]
    """
    if epoch < warm_up:
        return (epoch + 1) / warm_up
    done = (epoch - warm_up) / max(n_epochs - warm_up, 1)
    return (1 + math.cos(math.pi * done)) / 2
