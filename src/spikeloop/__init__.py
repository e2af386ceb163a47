"""spikeloop takes a neurophysiology experiment round the whole loop.

Simulate or read an experiment, characterize its neurons, and check every step against ground
truth. Each room is imported by its name, so that ``import spikeloop`` costs nothing::

    from spikeloop.io import read_experiment
    from spikeloop.characterize import TriggeredAverage, triggered_average
"""

__version__ = "0.1.0"
