"""What follows what in a graph of NIR: its layers, from the input to the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spikeloop.data.checks import require

if TYPE_CHECKING:
    from collections.abc import Mapping

    import nir

KINDS = ("Input", "Linear", "Affine", "LIF", "LI", "Output")
"""Nodes that can be read."""

Edges = list[tuple[str, str]]


class Stage(NamedTuple):
    """Names of the nodes of a layer, or of the readout."""

    wires: str
    """The Linear that leads to it."""
    neurons: str
    """Its LIF or LI."""
    loop: str | None
    """The Linear from the LIF to itself, where there is one."""


def stages(nodes: Mapping[str, Any], edges: Edges) -> list[Stage]:
    """Return the layers in order, and the readout as the last.

    Raises
    ------
    InvalidInputError
        The graph is no chain of layers that ends with integrators.
    """
    _require_kinds(nodes)
    kinds = {name: type(node).__name__.replace("Affine", "Linear") for name, node in nodes.items()}
    loops = _loops(kinds, edges)
    within = set(loops.values())
    path = _path(kinds, [edge for edge in edges if within.isdisjoint(edge)])
    lone = sorted(set(nodes) - set(path) - within)
    require(
        not lone,
        f"{', '.join(lone)}: not on the way from the input to the output. Leave it out.",
    )
    told = [kinds[name] for name in path]
    n_layers = (len(path) - 4) // 2
    wanted = ["Input", *["Linear", "LIF"] * n_layers, "Linear", "LI", "Output"]
    require(
        n_layers > 0 and told == wanted,
        f"the graph is {' -> '.join(told)}: it must be Input, then Linear -> LIF once or more, "
        "then Linear -> LI -> Output. The answer is read from leaky integrators (LI): add or "
        "replace what differs.",
    )
    return [Stage(path[i], path[i + 1], loops.get(path[i + 1])) for i in range(1, len(path) - 1, 2)]


def unpacked(graph: nir.NIRGraph) -> tuple[dict[str, Any], Edges]:
    """Return nodes and edges, with the nodes of graphs within the graph among them."""
    nodes, edges = dict(graph.nodes), [(str(a), str(b)) for a, b in graph.edges]
    lost = sorted({name for edge in edges for name in edge} - set(nodes))
    require(not lost, f"edges name {', '.join(lost)}, and there is no such node. Add it.")
    for name, inner in graph.nodes.items():
        if isinstance(inner, type(graph)):
            own, within = unpacked(inner)
            # No name of a node in a file has a slash.
            nodes = {key: node for key, node in nodes.items() if key != name}
            nodes |= {f"{name}/{key}": node for key, node in own.items()}
            way_in, way_out = (f"{name}/{_only(own, kind, name)}" for kind in ("Input", "Output"))
            edges = [(way_out if a == name else a, way_in if b == name else b) for a, b in edges]
            edges += [(f"{name}/{a}", f"{name}/{b}") for a, b in within]
            for door in (way_in, way_out):
                del nodes[door]
                edges = _bridged(door, edges)
    return nodes, edges


def _bridged(name: str, edges: Edges) -> Edges:
    """Return the edges without a node: from all that lead to it to all that it leads to."""
    before = [a for a, b in edges if b == name]
    after = [b for a, b in edges if a == name]
    kept = [edge for edge in edges if name not in edge]
    return kept + [(a, b) for a in before for b in after]


def _require_kinds(nodes: Mapping[str, Any]) -> None:
    for name, node in nodes.items():
        kind = type(node).__name__
        require(
            kind in KINDS,
            f"{name} is {kind}, and nothing here is like it. Use {', '.join(KINDS)}.",
        )
    for kind in ("Input", "Output"):
        _only(nodes, kind, "the graph")


def _only(nodes: Mapping[str, Any], kind: str, where: str) -> str:
    """Return the name of the only node of a kind."""
    found = [name for name, node in nodes.items() if type(node).__name__ == kind]
    require(
        len(found) == 1,
        f"{where} has {len(found)} nodes of kind {kind}{': ' * bool(found)}{', '.join(found)}. It "
        "must have one: leave the others out, or add one.",
    )
    return found[0]


def _loops(kinds: Mapping[str, str], edges: Edges) -> dict[str, str]:
    """Return LIF -> the Linear that leads from it back to it, and nowhere else."""
    loops: dict[str, str] = {}
    for name, kind in kinds.items():
        before = [a for a, b in edges if b == name]
        after = [b for a, b in edges if a == name]
        if kind == "Linear" and before == after and [kinds[cell] for cell in after] == ["LIF"]:
            (cell,) = after
            require(
                cell not in loops,
                f"{loops.get(cell)} and {name} both lead from {cell} back to it. Add them up to "
                "one.",
            )
            loops[cell] = name
    return loops


def _path(kinds: Mapping[str, str], edges: Edges) -> list[str]:
    """Return the names of the nodes from the input to the output."""
    (name,) = (name for name, kind in kinds.items() if kind == "Input")
    path = [name]
    while kinds[name] != "Output":
        after = [b for a, b in edges if a == name]
        require(
            len(after) == 1,
            f"{name} leads to {' and '.join(after) or 'nothing'}: each node must lead to one, but "
            "for a Linear from a LIF back to it. Make the graph a chain.",
        )
        (name,) = after
        before = [a for a, b in edges if b == name]
        require(
            len(before) == 1 and name not in path,
            f"{name} is reached from {' and '.join(before)}: each node must be reached from one "
            "before it, but for a Linear from a LIF back to it. Make the graph a chain.",
        )
        path.append(name)
    return path
