"""Files in, nouns out, and the other way round.

In: NWB, MATLAB, npz, folders of published data, objects of other packages. Out: an `Experiment`, or
a file. A bad file is refused whole, with the offending place named; nothing is unpickled or run.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `read.py`.
"""

from spikeloop.io.neo import from_neo, to_neo
from spikeloop.io.npz import load_npz, save_npz
from spikeloop.io.nwb_read import read_nwb
from spikeloop.io.nwb_write import Session, Subject, write_nwb
from spikeloop.io.options import ReadOptions
from spikeloop.io.pynapple import from_pynapple, to_pynapple
from spikeloop.io.read import read_experiment
from spikeloop.io.registry import Dataset, fetch_dataset, list_datasets

__all__ = [
    "Dataset",
    "ReadOptions",
    "Session",
    "Subject",
    "fetch_dataset",
    "from_neo",
    "from_pynapple",
    "list_datasets",
    "load_npz",
    "read_experiment",
    "read_nwb",
    "save_npz",
    "to_neo",
    "to_pynapple",
    "write_nwb",
]
