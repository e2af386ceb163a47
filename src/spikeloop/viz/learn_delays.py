"""The delays of the synapses of trained networks, before and after training."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeloop.data.checks import as_array, require, require_finite
from spikeloop.viz.network import RED
from spikeloop.viz.style import (
    BLUE,
    NARROW_IN,
    count_noun,
    legend_above,
    new_figure,
    say_empty,
    styled,
)

_MOST_BINS = 40
_BEFORE = "#C8C8C8"


@styled
def plot_delays(
    before: np.ndarray, after: np.ndarray, weights: np.ndarray, *, longest_ms: float
) -> Figure:
    """Draw the delays of synapses before and after training, of those that excite and inhibit.

    A synapse counts as much as its weight: what has next to none may have any delay. Both times
    that is the weight after training, so that what differs are the delays. Synapses that excite and
    that inhibit are apart; where all do the same, there is one panel.

    Parameters
    ----------
    before, after
        (from, to) delays in ms.
    weights
        (from, to) weights after training; those below 0 inhibit, and those at 0 are not drawn.
    longest_ms
        The longest delay that a synapse may have.

    Raises
    ------
    InvalidInputError
        The matrices differ in shape or are not finite, or a delay is not in 0..longest_ms.

    Examples
    --------
    >>> delays_ms = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> figure = plot_delays(delays_ms, delays_ms, [[1.0, 2.0], [-1.0, 0.0]], longest_ms=3.0)
    >>> [ax.get_title("left").partition(",")[0] for ax in figure.axes]
    ['2 synapses that excite', '1 synapse that inhibits']
    """
    matrices = {"before": before, "after": after, "weights": weights}
    matrices = {name: as_array(name, m, ("from", "to"), float) for name, m in matrices.items()}
    for name, matrix in matrices.items():
        require_finite(name, matrix)
    _require_fit(matrices, longest_ms)
    before, after, weights = matrices.values()
    edges = _edges(np.concatenate([before.ravel(), after.ravel()]), longest_ms)
    kinds = [(weights > 0, "excite", BLUE), (weights < 0, "inhibit", RED)]
    kinds = [kind for kind in kinds if kind[0].any()]
    figure = new_figure(NARROW_IN, 2.3 * max(len(kinds), 1) + 0.3)
    if not kinds:
        say_empty(figure.add_subplot(), "no synapse")
        return figure
    panels = figure.subplots(len(kinds), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, (chosen, verb, colour) in zip(panels, kinds, strict=True):
        sizes = np.abs(weights[chosen])
        _draw_delays(ax, (before[chosen], after[chosen]), sizes, edges, colour=colour)
        n = int(chosen.sum())
        verb = f"{verb}s" if n == 1 else verb
        words = f"{count_noun(n, 'synapse')} that {verb}"
        ax.set_title(f"{words}, before and after training", pad=18)
    panels[-1].set(xlabel="delay (ms)", xlim=edges[[0, -1]])
    panels[-1].xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    figure.supylabel("share of the weight (% per ms)", fontsize=9)
    return figure


def _require_fit(matrices: dict[str, np.ndarray], longest_ms: float) -> None:
    shapes = {name: matrix.shape for name, matrix in matrices.items()}
    require(
        len(set(shapes.values())) == 1,
        f"plot_delays got shapes {shapes}: give the same synapses.",
    )
    require(longest_ms > 0, f"longest_ms={longest_ms}: it must be above 0.")
    for name in ("before", "after"):
        delays = matrices[name]
        wrong = delays[(delays < 0) | (delays > longest_ms * (1 + 1e-6))]
        require(
            not wrong.size,
            f"{name} holds a delay of {wrong[:1]} ms: it must be in 0..{longest_ms:g}, as "
            "longest_ms says.",
        )


def _edges(delays_ms: np.ndarray, longest_ms: float) -> np.ndarray:
    """Return the edges of bins that hold equal numbers of ticks, but for the last, which has fewer.

    A tick is the smallest step between delays. Bins with a tick more here and there would go up and
    down with it.
    """
    known = np.unique(np.round(np.concatenate([[0.0, longest_ms], delays_ms]), 6))
    tick_ms = float(np.diff(known).min())
    n_ticks = round(longest_ms / tick_ms) + 1
    step = -(-n_ticks // _MOST_BINS)
    return tick_ms * (np.array([*range(0, n_ticks, step), n_ticks]) - 0.5)


def _draw_delays(
    ax: Axes,
    delays_ms: tuple[np.ndarray, np.ndarray],
    sizes: np.ndarray,
    edges: np.ndarray,
    *,
    colour: str,
) -> None:
    """Draw the delays before training as an area and those after it as a line."""
    looks = {
        "before": {"fill": True, "color": _BEFORE},
        "after": {"color": colour, "lw": 1.6},
    }
    for (when, look), delays in zip(looks.items(), delays_ms, strict=True):
        counts, _ = np.histogram(delays, edges, weights=sizes)
        percent_per_ms = 100 * counts / sizes.sum() / np.diff(edges)
        mean = np.average(delays, weights=sizes)
        ax.stairs(percent_per_ms, edges, label=f"{when}: mean {mean:.1f} ms", **look)
    ax.set_ylim(bottom=0)
    legend_above(ax, 2)
