"""``spikeloop characterize PATH --out DIR``."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from spikeloop.cli.arguments import Command, Flags, Output, parse
from spikeloop.io.options import ReadOptions
from spikeloop.workflows.characterize import AnalysisConfig, CharacterizeConfig, characterize_file

COMMAND = Command(
    "characterize",
    about="""Find what drives each unit of a recording, how reliably, and which are worth modelling.

Reads NWB, MATLAB and npz files, and folders of published V4 responses, and makes a results folder
with a report that opens in any browser.""",
    example="spikeloop characterize c1p8.mat --stimulus stim --spikes rho --rate 500 --out h1",
)
_ALIASES = {"--rate": "--rate-hz"}


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
    flags = [_ALIASES.get(word, word) for word in words]
    given, config = parse(flags, COMMAND, Arguments, CharacterizeConfig)
    out = characterize_file(
        given.path,
        given.output.out,
        config,
        overwrite=given.output.overwrite,
        resume=given.output.resume,
        command=COMMAND.typed(words),
    )
    sys.stdout.write(f"{out}\n")
    return 0
