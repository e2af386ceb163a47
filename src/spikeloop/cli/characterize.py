"""``spikeloop characterize PATH --out DIR``."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from spikeloop.cli.arguments import Command, Flags, Output
from spikeloop.cli.recording_command import run_on_recording
from spikeloop.io.options import ReadOptions
from spikeloop.workflows.characterize import AnalysisConfig, CharacterizeConfig, characterize_file

COMMAND = Command(
    "characterize",
    about="""Find what drives each unit of a recording, how reliably, and which are worth modelling.

Reads NWB, MATLAB and npz files, and folders of published V4 responses, and makes a results folder
with a report that opens in any browser.""",
    example="spikeloop characterize c1p8.mat --stimulus stim --spikes rho --rate 500 --out h1",
)


@dataclass(frozen=True)
class Arguments:
    """What ``spikeloop characterize`` was asked."""

    path: tyro.conf.Positional[Path]
    """The recording: a .nwb, .mat or .npz file, or a folder of V4 responses."""
    output: Flags[Output]
    read: Flags[ReadOptions]
    analysis: Flags[AnalysisConfig]
    seed: int
    """Start of all random numbers."""


def main(words: list[str]) -> int:
    """Characterize one recording; the path of the results folder goes to stdout."""
    return run_on_recording(words, COMMAND, Arguments, CharacterizeConfig, characterize_file)
