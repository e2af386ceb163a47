"""``spikeloop encode PATH --out DIR``."""

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from spikeloop.cli.arguments import Command, Flags, Output, parse
from spikeloop.io.options import ReadOptions
from spikeloop.workflows.encode_settings import EncodeConfig

COMMAND = Command(
    "encode",
    about="""Fit models that predict the units of a recording from what was shown, and test them.

Reads NWB, MATLAB and npz files, and folders of published V4 responses, with images or with a
continuous stimulus. Makes a results folder with the fitted models, their scores on what they have
not seen, and a report that opens in any browser.""",
    example="spikeloop encode v4/201025 --model gabor --out v4-models",
)
_ALIASES = {"--rate": "--rate-hz"}


@dataclass(frozen=True, kw_only=True)
class Arguments(EncodeConfig):
    """What ``spikeloop encode`` was asked."""

    path: tyro.conf.Positional[Path]
    """The recording: a .nwb, .mat or .npz file, or a folder of V4 responses."""
    output: Flags[Output]
    read: Flags[ReadOptions]


def main(words: list[str]) -> int:
    """Fit models to one recording; the path of the results folder goes to stdout."""
    flags = [_ALIASES.get(word, word) for word in words]
    given, config = parse(flags, COMMAND, Arguments, EncodeConfig)
    # Only now, as it loads what draws, and help should come at once.
    from spikeloop.workflows.encode import encode_file

    out = encode_file(
        given.path,
        given.output.out,
        config,
        overwrite=given.output.overwrite,
        resume=given.output.resume,
        command=COMMAND.typed(words),
    )
    sys.stdout.write(f"{out}\n")
    return 0
