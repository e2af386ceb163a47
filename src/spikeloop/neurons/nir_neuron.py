"""Which neurons NIR, the interchange format of simulators and neuromorphic chips, has words for."""

from spikeloop.data.checks import require
from spikeloop.neurons.lif import LIF


def require_nir_neuron(name: str, cell: object) -> None:
    """Refuse a neuron that no node of NIR is like.

    Examples
    --------
    >>> require_nir_neuron("cells", LIF())
    """
    require(
        isinstance(cell, LIF),
        f"{name}: NIR has no neuron like {type(cell).__name__}. Use LIF.",
    )
    require(
        cell.refractory_ms == 0,
        f"{name}: refractory_ms={cell.refractory_ms}, and neurons of NIR have no refractory time. "
        "Set it to 0.",
    )
    require(
        cell.reset == "value",
        f"{name}: reset={cell.reset!r}, and neurons of NIR reset to a value. Use reset='value'.",
    )
    require(
        cell.spike_lag == 0,
        f"{name}: spike_lag={cell.spike_lag}, and NIR tests the threshold after the step. Use 0.",
    )
