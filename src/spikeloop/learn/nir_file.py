"""Networks as graphs of NIR, the interchange format of simulators and neuromorphic chips.

    Input -> Linear -> LIF -> ... -> Linear -> LI -> Output

NIR writes neurons as equations in continuous time, and leaves open how a step is taken. What reads
it takes Euler steps, in which a spike is the value 1: so the numbers here are those with which such
steps are the ticks of the network.

Source: Pedersen et al. 2024, Neuromorphic intermediate representation: a unified instruction set
for interoperable brain-inspired computing, Nature Communications 15:8122.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from spikeloop.data.checks import require
from spikeloop.errors import MissingExtraError
from spikeloop.learn.layers import LeakyReadout, SpikingLayer
from spikeloop.learn.network import SpikingNetwork
from spikeloop.learn.nir_chain import stages, unpacked
from spikeloop.learn.nir_parts import ROUNDING, Cells, Integrators, Matrix, euler_tau_ms
from spikeloop.learn.plan import named, tau
from spikeloop.learn.signs import AnySign, DalesLaw
from spikeloop.learn.tasks.task import Task
from spikeloop.learn.trained import TrainedNetwork
from spikeloop.neurons.nir_neuron import require_nir_neuron

if TYPE_CHECKING:
    import nir

ANSWER = "the mean over time of the potentials at the output"


def network_to_nir(trained: TrainedNetwork) -> nir.NIRGraph:
    r"""Return a network of `LIF` neurons as a graph of NIR.

    A layer becomes a ``Linear`` with the (to, from) weights, and a ``LIF``; the readout a
    ``Linear`` and an ``LI``. With a tick of :math:`\Delta`:

    * neurons that decay exactly, by :math:`e^{-\Delta/\tau}`, get the time constant whose Euler
      step decays as much, :math:`\Delta / (1 - e^{-\Delta/\tau})`; those with
      ``integrator="euler"`` keep theirs. So does the readout, which always decays exactly;
    * the gain is :math:`r = \tau_{NIR} / \Delta`: a spike of weight 1 moves what it reaches by 1;
    * NIR fires above the threshold and `LIF` also at it: the threshold is the next float below.

    Read by Euler steps, node after node, the graph fires the spikes of the network, and the mean of
    its output over time is the network's answer. The ``Linear`` of a recurrent layer goes from the
    ``LIF`` to itself. It has no ``Delay``: no reader can close a loop within a tick, so each takes
    what went round it in the tick before, which is what the network does. A ``Delay`` of one tick
    would make it two.

    Times are in seconds. The metadata hold what NIR has no field for. Of the graph: ``dt``, in
    seconds, ``answer``, in words, and ``form``, of `DalesLaw`. Of each ``Linear``: ``signs`` of the
    senders, 1, -1, or 0 for either; and where synapses are missing the ``mask``, 1 for those that
    exist, (to, from). Of neurons and readout: ``tau_ms`` as you know it; of neurons too
    ``integrator``, and ``v_start``, the potentials at the start. What matters only while training,
    such as dropout, is left out, and interneurons of `FeedforwardInhibition` become part of the
    weights.

    Raises
    ------
    InvalidInputError
        NIR has no words for a layer; the message says for what of it.
    MissingExtraError
        The package ``nir`` is not installed.

    Examples
    --------
    >>> from spikeloop.learn.tasks.localization import SoundLocalization
    >>> task, network = SoundLocalization(n_fibres=4, n_classes=3), SpikingNetwork()
    >>> parameters, constants = network.begin(jax.random.key(0), task.n_inputs, task.n_classes)
    >>> trained = TrainedNetwork(network, task, parameters, constants, begun=parameters)
    >>> graph = network_to_nir(trained)
    >>> graph.nodes["hidden_0_input"].metadata["signs"]
    array([ 1., -1.,  1., -1.,  1., -1.,  1., -1.], dtype=float32)
    >>> network_from_nir(graph, task).weights()["readout.input"].shape
    (30, 3)
    """
    nir = _nir()
    for index, layer in enumerate(trained.network.layers):
        _require_layer(f"hidden.{index}", layer)
    weights = trained.weights()
    nodes = {"input": nir.Input(np.array([trained.task.n_inputs]))}
    edges = []
    sender = "input"
    for index, layer in enumerate(trained.network.layers):
        name, own = f"hidden_{index}", f"hidden.{index}"
        heard, within = f"{name}_input", f"{name}_recurrent"
        nodes[heard] = nir.Linear(**_wires(trained, f"{own}.input", weights))
        nodes[name] = nir.LIF(**_cells(trained, index))
        edges += [(sender, heard), (heard, name)]
        if layer.recurrent:
            nodes[within] = nir.Linear(**_wires(trained, f"{own}.recurrent", weights))
            edges += [(name, within), (within, name)]
        sender = name
    nodes["readout_input"] = nir.Linear(**_wires(trained, "readout.input", weights))
    nodes["readout"] = nir.LI(**_integrators(trained))
    nodes["output"] = nir.Output(np.array([trained.task.n_classes]))
    edges += [(sender, "readout_input"), ("readout_input", "readout"), ("readout", "output")]
    metadata = {"dt": trained.task.dt_ms / 1000, "answer": ANSWER}
    if isinstance(trained.network.constraint, DalesLaw):
        metadata["form"] = trained.network.constraint.form
    return nir.NIRGraph(nodes, edges, metadata=metadata)


def network_from_nir(graph: nir.NIRGraph, task: Task) -> TrainedNetwork:
    r"""Return the network that a graph of NIR is, from `network_to_nir` or from another tool.

    The graph is a chain of ``Input``, one or more times ``Linear`` and ``LIF``, then ``Linear``,
    ``LI`` and ``Output``, under any names; a ``Linear`` may lead from a ``LIF`` back to it, and
    what goes round acts a tick later. Graphs within the graph are unpacked. An ``Affine`` is a
    ``Linear`` where its bias is 0.

    Neurons take Euler steps, unless the metadata say that they decay exactly. Any gain :math:`r`
    becomes part of the weights, :math:`w r \Delta / \tau`. Neurons start at rest, or at
    ``v_start``. With ``signs`` in the metadata the network obeys `DalesLaw`, and else none. The
    answer is the mean of the potentials of the ``LI``.

    Without ``dt`` in its metadata a graph is read with the ticks of the task. Some tools write time
    constants for ticks of their own, whatever was simulated (snnTorch, of 0.1 ms): make sure that
    they mean the same.

    Parameters
    ----------
    graph
        As ``nir.read`` gives it.
    task
        What the inputs are, and the classes; nothing is trained here.

    Raises
    ------
    InvalidInputError
        The graph is no such chain, or does not fit the task, or contradicts itself.
    MissingExtraError
        The package ``nir`` is not installed.
    """
    nir = _nir()
    require(
        isinstance(graph, nir.NIRGraph),
        f"{type(graph).__name__} is no graph. Give what nir.read returns for a network.",
    )
    nodes, edges = unpacked(graph)
    *layers, last = stages(nodes, edges)
    _require_tick(graph.metadata, task.dt_ms)
    cells, matrices, n_from = [], {}, task.n_inputs
    for index, (wires, name, loop) in enumerate(layers):
        size = len(nodes[wires].weight)
        cells.append(Cells.of(name, nodes[name], size, task.dt_ms))
        own, gain = f"hidden.{index}", cells[-1].gain
        matrices[f"{own}.input"] = Matrix.of(wires, nodes[wires], n_from, gain)
        if loop is not None:
            matrices[f"{own}.recurrent"] = Matrix.of(loop, nodes[loop], size, gain)
        n_from = size
    readout = Integrators.of(last.neurons, nodes[last.neurons], task.n_classes, task.dt_ms)
    matrices["readout.input"] = Matrix.of(last.wires, nodes[last.wires], n_from, readout.gain)
    constraint = _constraint(matrices, graph.metadata)
    matrices = {key: matrix.sparse(constraint) for key, matrix in matrices.items()}
    network = SpikingNetwork(
        tuple(cell.layer(named(matrices, f"hidden.{i}.")) for i, cell in enumerate(cells)),
        LeakyReadout(readout.tau_ms),
        constraint,
    )
    return _assembled(network, task, matrices, [cell.start for cell in cells])


def _nir() -> Any:
    try:
        import nir
    except ImportError:
        raise MissingExtraError.of("nir", "nir") from None
    return nir


def _require_layer(name: str, layer: SpikingLayer) -> None:
    require(
        layer.longest_delay_ms == 0,
        f"{name}: longest_delay_ms={layer.longest_delay_ms}, and NIR delays neurons, not each "
        "synapse. Set it to 0.",
    )
    require_nir_neuron(name, layer.neuron)


def _wires(
    trained: TrainedNetwork, name: str, weights: dict[str, np.ndarray]
) -> dict[str, np.ndarray | dict]:
    """Return the fields of a Linear."""
    has_signs = isinstance(trained.network.constraint, DalesLaw)
    signs = trained.signs(name) if has_signs else np.zeros(len(weights[name]), np.float32)
    metadata = {"signs": np.array(signs)}
    if f"{name}.mask" in trained.constants:
        mask = np.broadcast_to(trained.constants[f"{name}.mask"], weights[name].shape)
        metadata["mask"] = np.array(mask.T, np.float32)
    return {"weight": np.array(weights[name].T), "metadata": metadata}


def _cells(trained: TrainedNetwork, index: int) -> dict[str, np.ndarray | dict]:
    """Return the fields of a LIF."""
    layer = trained.network.layers[index]
    own = named(trained.numbers, f"hidden.{index}.neuron.")
    if "tau_ms" in layer.trainable:
        own["tau_ms"] = tau(own["tau_ms"], trained.plan)
    values = {name: np.array(value, np.float32) for name, value in own.items()}
    metadata = {
        "tau_ms": values["tau_ms"],
        "integrator": layer.neuron.integrator,
        "v_start": np.array(trained.constants[f"hidden.{index}.start.v"]),
    }
    return _leak(values["tau_ms"], trained.task.dt_ms, layer.neuron.integrator) | {
        "v_leak": values["v_rest"],
        "v_threshold": np.nextafter(values["v_threshold"], np.float32(-np.inf)),
        "v_reset": values["v_reset"],
        "metadata": metadata,
    }


def _integrators(trained: TrainedNetwork) -> dict[str, np.ndarray | dict]:
    """Return the fields of the LI."""
    tau_ms = trained.numbers["readout.tau_ms"]
    if trained.network.readout.trainable:
        tau_ms = tau(tau_ms, trained.plan)
    tau_ms = np.full(trained.task.n_classes, tau_ms, np.float32)
    fields = _leak(tau_ms, trained.task.dt_ms, "exponential_euler")
    return fields | {"v_leak": np.zeros_like(tau_ms), "metadata": {"tau_ms": tau_ms}}


def _leak(tau_ms: np.ndarray, dt_ms: float, integrator: str) -> dict[str, np.ndarray]:
    tau_s = (euler_tau_ms(tau_ms, dt_ms, integrator) / 1000).astype(np.float32)
    return {"tau": tau_s, "r": tau_s / np.float32(dt_ms / 1000)}


def _require_tick(metadata: Mapping[str, Any], dt_ms: float) -> None:
    dt_s = metadata.get("dt", dt_ms / 1000)
    require(
        isinstance(dt_s, Real) and math.isclose(dt_s * 1000, dt_ms, rel_tol=ROUNDING),
        f"dt={dt_s} in the metadata of the graph, in seconds, and a tick of the task lasts "
        f"{dt_ms / 1000:g} s. Give a task with the ticks of the graph.",
    )


def _constraint(matrices: Mapping[str, Matrix], metadata: Mapping[str, Any]) -> DalesLaw | AnySign:
    """Return Dale's law where senders have signs, having checked that weights obey it."""
    if not any(matrix.signs.any() for matrix in matrices.values()):
        return AnySign()
    for matrix in matrices.values():
        _require_obeying(matrix)
    upward = {key: matrix for key, matrix in matrices.items() if key.endswith(".input")}
    for (key, heard), above in zip(upward.items(), list(upward.values())[1:], strict=False):
        within = matrices.get(key.replace(".input", ".recurrent"), above)
        require(
            bool((within.signs == above.signs).all()),
            f"{within.name} and {above.name} give the units above {heard.name} other signs. Make "
            "them equal.",
        )
    signs = np.concatenate([matrix.signs for matrix in upward.values()])
    return DalesLaw(float((signs < 0).mean()), metadata.get("form", "softplus"))


def _require_obeying(matrix: Matrix) -> None:
    unsigned = int((matrix.signs == 0).sum())
    require(
        not unsigned,
        f"{matrix.name}: {unsigned} senders have no sign, or 0, and others of the graph have one: "
        "Dale's law is for all or none. Give each sender 1 or -1 as signs, or none.",
    )
    wrong = np.argwhere(matrix.weight * matrix.signs[:, None] < 0)
    sender, to = wrong[0] if len(wrong) else (0, 0)
    require(
        not len(wrong),
        f"{matrix.name}: the weight from unit {sender} to {to} is {matrix.weight[sender, to]:g}, "
        f"and the sign of unit {sender} is {matrix.signs[sender]:+g} ({len(wrong)} such weights). "
        "Correct them, or leave signs out to read the graph without Dale's law.",
    )


def _assembled(
    network: SpikingNetwork,
    task: Task,
    matrices: Mapping[str, Matrix],
    starts: Sequence[np.ndarray],
) -> TrainedNetwork:
    # All that is drawn by the key is replaced.
    key = jax.random.key(0)
    parameters, constants = network.begin(key, task.n_inputs, task.n_classes, task.dt_ms)
    for name, matrix in matrices.items():
        parameters[name] = jnp.asarray(matrix.theta(network.constraint), jnp.float32)
        constants[f"{name}.signs"] = jnp.asarray(matrix.signs)
        if matrix.mask is not None or f"{name}.mask" in constants:
            constants[f"{name}.mask"] = jnp.asarray(matrix.exist())
    for index, start in enumerate(starts):
        constants[f"hidden.{index}.start.v"] = jnp.asarray(start, jnp.float32)
    return TrainedNetwork(network, task, parameters, constants, begun=dict(parameters))
