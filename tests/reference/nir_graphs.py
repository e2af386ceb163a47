"""Graphs of NIR: one written by hand, and what a graph does, read from its equations alone."""

from itertools import pairwise

import numpy as np
import pytest

nir = pytest.importorskip("nir")


def by_euler(graph, dt_s, spikes):
    """Return node -> (time, trial, unit) of what it sends, from the equations of NIR alone.

    Nodes take their turn from the input on; one that has not had it sends what it sent last.
    """
    into = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    order = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    for name in order:
        order += [b for a, b in graph.edges if a == name and b not in order]
    now, v, sent = {}, {}, {name: [] for name in order}
    for name in order:
        node = graph.nodes[name]
        now[name] = np.zeros((len(spikes), int(node.output_type["output"][0])))
        v[name] = now[name] + node.metadata.get("v_start", getattr(node, "v_leak", 0.0))
    for tick in np.moveaxis(spikes, 1, 0):
        for name in order:
            node = graph.nodes[name]
            x = sum(now[before] for before in into[name]) if into[name] else tick
            if isinstance(node, nir.Linear | nir.Affine):
                x = x @ node.weight.T.astype(float) + getattr(node, "bias", 0.0)
            elif isinstance(node, nir.LIF | nir.LI):
                v[name] = v[name] + dt_s / node.tau.astype(float) * (
                    node.v_leak - v[name] + node.r * x
                )
                x = v[name]
            if isinstance(node, nir.LIF):
                x = (v[name] > node.v_threshold) * 1.0
                v[name] = np.where(x > 0, node.v_reset, v[name])
            now[name] = x
            sent[name].append(x)
    return {name: np.array(values) for name, values in sent.items()}


def cells(size, tau_s=0.004, r=1.0, **fields):
    """A LIF; numbers are for all neurons."""
    values = {"v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | fields
    kept = {key: np.broadcast_to(value, size).astype(float) for key, value in values.items()}
    return nir.LIF(tau=np.full(size, tau_s), r=np.full(size, r), **kept)


def integrators(size=4, tau_s=0.006, r=2.0, v_leak=0.0):
    return nir.LI(np.full(size, tau_s), np.full(size, r), np.full(size, v_leak))


def linear(to, senders, seed, **metadata):
    weight = np.random.default_rng(seed).normal(0.3, 1.0, (to, senders))
    return nir.Linear(weight, metadata=metadata)


def written_by_hand():
    """A graph as another tool would write it."""
    nodes = {
        "end": nir.Output(np.array([4])),
        "7": cells(5, tau_s=0.004, r=np.linspace(1, 3, 5), v_leak=np.linspace(-0.1, 0.3, 5)),
        "fc": nir.Affine(linear(5, 20, 0).weight, np.zeros(5)),
        "1": linear(6, 5, 1),
        "w": linear(6, 6, 2),
        "last": cells(6, tau_s=0.009, r=9.0, v_threshold=np.linspace(1, 2, 6), v_reset=-0.5),
        "read": linear(4, 6, 3),
        "sum": integrators(),
        "start": nir.Input(np.array([20])),
    }
    chain = ["start", "fc", "7", "1", "last", "read", "sum", "end"]
    edges = [("w", "last"), *pairwise(chain), ("last", "w")]
    return nir.NIRGraph(nodes, edges)
