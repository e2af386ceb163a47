"""Files in, nouns out, and the other way round.

In: NWB, MATLAB, npz, folders of published data, objects of other packages. Out: an `Experiment`, or
a file. A bad file is refused whole, with the offending place named; nothing is unpickled or run.
May import: `evaluate`, `data`, `numerics`, `errors`.
Start reading in `read.py`.
"""

from spikeloop.io.ground_truth import read_ground_truth
from spikeloop.io.locust import read_locust
from spikeloop.io.neo import from_neo, to_neo
from spikeloop.io.npz import load_npz, save_npz
from spikeloop.io.nwb_read import read_nwb
from spikeloop.io.nwb_truth import write_truth_nwb
from spikeloop.io.nwb_write import Session, Subject, write_nwb
from spikeloop.io.options import ReadOptions
from spikeloop.io.probe import read_probe
from spikeloop.io.pynapple import from_pynapple, to_pynapple
from spikeloop.io.raw_traces import RawFormat, read_binary
from spikeloop.io.read import read_experiment
from spikeloop.io.recording import read_recording, save_recording
from spikeloop.io.registry import Dataset, fetch_dataset, list_datasets
from spikeloop.io.templates import read_templates, save_templates

__all__ = [
    "Dataset",
    "RawFormat",
    "ReadOptions",
    "Session",
    "Subject",
    "fetch_dataset",
    "from_neo",
    "from_pynapple",
    "list_datasets",
    "load_npz",
    "read_binary",
    "read_experiment",
    "read_ground_truth",
    "read_locust",
    "read_nwb",
    "read_probe",
    "read_recording",
    "read_templates",
    "save_npz",
    "save_recording",
    "save_templates",
    "to_neo",
    "to_pynapple",
    "write_nwb",
    "write_truth_nwb",
]
