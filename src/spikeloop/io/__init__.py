"""Files in, nouns out, and the other way round.

In: NWB, MATLAB, npz, folders of published data, objects of other packages. Out: an `Experiment`, or
a file. A bad file is refused whole, with the offending place named; nothing is unpickled or run.
May import: `evaluate`, `data`, `numerics`, `errors`.
"""

from spikeloop.io.npz import load_npz, save_npz
from spikeloop.io.nwb_read import read_nwb
from spikeloop.io.nwb_write import Session, Subject, write_nwb
from spikeloop.io.options import ReadOptions
from spikeloop.io.read import read_experiment

__all__ = [
    "ReadOptions",
    "Session",
    "Subject",
    "load_npz",
    "read_experiment",
    "read_nwb",
    "save_npz",
    "write_nwb",
]
