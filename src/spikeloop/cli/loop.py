"""``spikeloop loop --out DIR``."""

import sys
from dataclasses import dataclass

from spikeloop.cli.arguments import Command, Flags, Output, parse
from spikeloop.workflows.characterize import AnalysisConfig
from spikeloop.workflows.loop import LoopConfig, VirtualCortex, run_loop

COMMAND = Command(
    "loop",
    about="""Go round the loop on an experiment whose truth is known.

Simulates a virtual visual cortex that watches photographs, writes it as an NWB file, reads that
back, characterizes its units, and judges every estimate by the truth. Takes a minute or less.""",
    example="spikeloop loop --out loop-results",
)


@dataclass(frozen=True)
class Arguments:
    """What ``spikeloop loop`` was asked."""

    output: Flags[Output]
    cortex: VirtualCortex
    analysis: Flags[AnalysisConfig]
    seed: int
    """Start of all random numbers, those of the simulation too."""


def main(words: list[str]) -> int:
    """Run the loop; the path of the results folder goes to stdout."""
    given, config = parse(words, COMMAND, Arguments, LoopConfig)
    out = run_loop(
        given.output.out,
        config,
        overwrite=given.output.overwrite,
        resume=given.output.resume,
        command=COMMAND.typed(words),
    )
    sys.stdout.write(f"{out}\n")
    return 0
