"""``spikeloop encode PATH --out DIR``."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from spikeloop.cli.arguments import Command, Flags, Output
from spikeloop.cli.recording_command import run_on_recording
from spikeloop.io.options import ReadOptions
from spikeloop.workflows.encode.settings import EncodeConfig

COMMAND = Command(
    "encode",
    about="""Fit models that predict the units of a recording from what was shown, and test them.

Reads NWB, MATLAB and npz files, and folders of published V4 responses, with images or with a
continuous stimulus. Makes a results folder with the fitted models, their scores on what they have
not seen, and a report that opens in any browser.""",
    example="spikeloop encode v4/201025 --model gabor --out v4-models",
)


@dataclass(frozen=True, kw_only=True)
class Arguments(EncodeConfig):
    """What ``spikeloop encode`` was asked."""

    path: tyro.conf.Positional[Path]
    """The recording: a .nwb, .mat or .npz file, or a folder of V4 responses."""
    output: Flags[Output]
    read: Flags[ReadOptions]


def main(words: list[str]) -> int:
    """Fit models to one recording; the path of the results folder goes to stdout."""
    return run_on_recording(words, COMMAND, Arguments, EncodeConfig, _run)


def _run(path: Path, out: Path, config: EncodeConfig, **how: object) -> Path:
    # Only now, as it loads what draws, and help should come at once.
    from spikeloop.workflows.encode.recording import encode_file

    return encode_file(path, out, config, **how)
